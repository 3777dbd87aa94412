"""One charging point on D-Bus as ``com.victronenergy.evcharger.phaeton_<id>``, as GX, VRM and Modbus TCP know it.

`phaeton.sinks.evcharger_values` says what each path shows. Here is the service's life: its name, what the GX's
settings keep of it (instance, name, position), and the writes of others, which become orders.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping

from phaeton import orders
from phaeton.config.points import Point
from phaeton.links.busitem_client import SETTINGS, BusClient, Presence, Setting, Watch
from phaeton.links.busitem_service import ACCEPTED, REFUSED, BusItemService, Write
from phaeton.links.dbus import DbusError
from phaeton.links.dbus_library import Value
from phaeton.model import Order, Output, SetAutoStart, SetCurrent, SetMode, SetPowerCap, SetStart, Submit
from phaeton.sinks.evcharger_values import (
    CAP_PATH,
    INPUT,
    OUTPUT,
    Display,
    add_items,
    configured_name,
    fixed_values,
)

_log = logging.getLogger(__name__)

FIRST_INSTANCE = 40
"""What Victron's own driver asks for first."""

ADOPT_WITHIN_S = 0.3
"""How long the name waits for the settings and the first values; it must be there within 1 s of a start."""
LONGEST_NAME = 64


def instances(points: Iterable[Point]) -> dict[str, int]:
    """The instance that each point asks for: the configured one, else from 40 on, each once."""
    taken: set[int] = set()
    wanted: dict[str, int] = {}
    for point in sorted(points, key=lambda point: point.charger.device_instance is None):
        configured = point.charger.device_instance
        instance = FIRST_INSTANCE if configured is None else configured
        while instance in taken:
            instance += 1
        taken.add(instance)
        wanted[point.id] = instance
    return wanted


class EvchargerService:
    """The service of one point.

    ``instance`` is what the GX is asked for, and used as it is without its settings. ``ident`` is the name of the
    service and of its settings behind ``phaeton_``; the point's id when empty.
    """

    def __init__(
        self, point: Point, bus: BusClient, submit: Submit, instance: int = FIRST_INSTANCE, ident: str = ""
    ) -> None:
        ident = ident or point.id
        self.name = f"com.victronenergy.evcharger.phaeton_{ident}"
        self._point = point
        self._display = Display(point)
        self._bus = bus
        self._submit = submit
        self._instance = instance
        self._given = instance
        """The instance that the GX gave last."""
        self._position = OUTPUT if point.charger.position == "output" else INPUT
        folder = f"/Settings/Devices/phaeton_{ident}"
        self._instance_path = f"{folder}/ClassAndVrmInstance"
        self._name_path = f"{folder}/CustomName"
        self._position_path = f"{folder}/Position"
        self._settings: Watch | None = None
        self._kept = False
        """Whether the settings of this GX keep our values now."""
        self._settled = asyncio.Event()
        """Set once it is known what the settings say, or that there are none."""
        self._shown = asyncio.Event()
        self._adopting: asyncio.Task[None] | None = None
        self._moving: asyncio.Task[None] | None = None
        self._service = BusItemService(bus.link.sibling(self.name), self.name)
        add_items(self._service, self._writes())
        self._service.update(fixed_values(point, instance=instance, position=self._position))

    @property
    def problem(self) -> str:
        """Why the point is not on D-Bus, for people; empty while it is."""
        return self._service.problem

    @property
    def registered(self) -> bool:
        """Whether the point is on D-Bus now."""
        return self._service.registered

    @property
    def service(self) -> BusItemService:
        """What others on the bus see."""
        return self._service

    @property
    def instance(self) -> int:
        """The instance number in force."""
        shown = self._service["/DeviceInstance"]
        return shown if isinstance(shown, int) else self._instance

    async def start(self) -> None:
        """Come up on the bus; returns within a third of a second, with or without bus and settings."""
        paths = (self._instance_path, self._name_path, self._position_path)
        self._settings = self._bus.watch(SETTINGS, paths, self._settings_said)
        self._settings_said()
        try:
            async with asyncio.timeout(ADOPT_WITHIN_S):
                await self._settled.wait()
                await self._shown.wait()
        except TimeoutError:
            _log.debug("%s: goes on the bus before the settings and the first values are there", self.name)
        self._service.open()

    async def stop(self) -> None:
        """Leave the bus."""
        if self._settings is not None:
            self._bus.unwatch(self._settings)
            self._settings = None
        for task in (self._adopting, self._moving):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await self._service.close()

    def use(self, point: Point) -> None:
        """Show by another configuration, of the same name, instance and position."""
        self._point = point
        self._display = Display(point)

    def publish(self, output: Output) -> None:
        """Show the newest values; never raises, never waits."""
        try:
            values = self._display.values(output)
            if values is not None:
                self._service.update(values)
                self._shown.set()
        except Exception:
            self._display = Display(self._point)
            _log.exception("%s: cannot show a decision", self.name)

    # What the settings of the GX keep.

    def _settings_said(self) -> None:
        settings = self._settings
        if settings is None or settings.presence is Presence.READING:
            return
        if settings.presence is not Presence.PRESENT:
            self._kept = False
            if self._bus.link.connected:
                self._settled.set()
        elif self._kept:
            self._take_what_is_known()
        elif self._adopting is None or self._adopting.done():
            self._adopting = asyncio.get_running_loop().create_task(self._adopt(), name=f"settings of {self.name}")

    async def _adopt(self) -> None:
        """Ask for our place in the settings, each time that they appear, and take what they say."""
        wanted = [
            Setting(self._instance_path, f"evcharger:{self._instance}"),
            Setting(self._name_path, ""),
        ]
        if self._point.charger.position is None:
            wanted.append(Setting(self._position_path, INPUT, OUTPUT, INPUT))
        try:
            values = await self._bus.add_settings(wanted)
        except DbusError as error:
            _log.warning("%s: the GX's settings do not keep its instance, name and position: %s", self.name, error)
        else:
            self._kept = True
            self._take(values)
            self._take_what_is_known()  # somebody may have changed them while the answer was on its way
        self._settled.set()

    def _take_what_is_known(self) -> None:
        if self._settings is not None:
            known = {path: self._settings.get(path) for path in self._settings.paths}
            self._take({path: value for path, value in known.items() if value is not None})

    def _take(self, values: Mapping[str, Value]) -> None:
        """Follow the settings; what they do not tell stays as it is."""
        name, position = values.get(self._name_path), values.get(self._position_path)
        if isinstance(name, str):
            self._service.update({"/CustomName": name or configured_name(self._point)})
        if position in (OUTPUT, INPUT) and self._point.charger.position is None:
            self._service.update({"/Position": position})
        kind, _, number = str(values.get(self._instance_path)).partition(":")
        if kind == "evcharger" and number.isdecimal() and int(number) != self._given:
            _log.info("%s: the GX gives it instance %s", self.name, number)
            self._given = int(number)
            if not self._service.registered:
                self._service.update({"/DeviceInstance": self._given})
            elif self._moving is None or self._moving.done():
                self._moving = asyncio.get_running_loop().create_task(self._move())

    async def _move(self) -> None:
        """Appear anew under the instance: clients read it only when a service appears."""
        while self.instance != self._given:
            await self._service.register_again({"/DeviceInstance": self._given})

    async def _keep(self, path: str, value: Value) -> int:
        if not self._kept:
            _log.warning("%s: there are no settings on this bus that could keep %r", self.name, value)
            return REFUSED
        try:
            code = await self._bus.set_value(SETTINGS, path, value)
        except DbusError as error:
            _log.warning("%s: the settings did not take %r: %s", self.name, value, error)
            return REFUSED
        return ACCEPTED if code == ACCEPTED else REFUSED

    # What others write.

    def _writes(self) -> dict[str, Write]:
        def order(path: str, make: Callable[[Value], Order]) -> Write:
            async def write(value: Value) -> int:
                return await self._order(path, make, value)

            return write

        writes = {
            "/Mode": order("/Mode", orders.set_mode),
            "/StartStop": order("/StartStop", orders.set_start),
            "/SetCurrent": order("/SetCurrent", orders.set_current),
            "/AutoStart": order("/AutoStart", orders.set_auto_start),
            CAP_PATH: order(CAP_PATH, orders.set_power_cap),
            "/CustomName": self._write_name,
        }
        if self._point.charger.position is None:
            writes["/Position"] = self._write_position
        return writes

    async def _order(self, path: str, make: Callable[[Value], Order], value: Value) -> int:
        try:
            order = make(value)
        except orders.OrderError as error:
            _log.warning("%s: refused %r for %s: %s", self.name, value, path, error)
            return REFUSED
        if self._service[path] == _as_shown(order):
            # nothing to change, and nothing to store once more
            return ACCEPTED
        await self._submit(self._point.id, order, "dbus")
        return ACCEPTED

    async def _write_name(self, value: Value) -> int:
        if not isinstance(value, str) or len(value) > LONGEST_NAME:
            return REFUSED
        code = await self._keep(self._name_path, value)
        if code == ACCEPTED:
            self._service.update({"/CustomName": value or configured_name(self._point)})
        return code

    async def _write_position(self, value: Value) -> int:
        try:
            position = orders.number(value, "position")
        except orders.OrderError:
            return REFUSED
        if position not in (OUTPUT, INPUT):
            return REFUSED
        code = await self._keep(self._position_path, int(position))
        if code == ACCEPTED:
            self._service.update({"/Position": int(position)})
        return code


def _as_shown(order: Order) -> Value:
    """The value that the order's path has while the order is in force."""
    match order:
        case SetMode(mode):
            return int(mode)
        case SetStart(start):
            return int(start)
        case SetCurrent(current_a):
            return current_a
        case SetAutoStart(auto_start):
            return float(auto_start)
        case SetPowerCap(power_w):
            return power_w
    return None
