"""A known car on D-Bus as ``com.victronenergy.ev.phaeton_<id>``, so that GX and VRM show it; off unless configured.

Paths are those of gui-v2's page of a car. Its identity, odometer and position are not shown.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from phaeton import __version__
from phaeton.config.tree_cars import Vehicle
from phaeton.links.busitem_client import BusClient, Setting
from phaeton.links.busitem_service import BusItemService, plain_text, unit
from phaeton.links.dbus import DbusError
from phaeton.links.dbus_library import Value
from phaeton.model import ChargerReading, ChargerState, Output, VehicleReading

_log = logging.getLogger(__name__)

FIRST_INSTANCE = 60
SETTLE_WITHIN_S = 0.3
NOT_CHARGING, CHARGING = 0, 3
"""``/ChargingState``."""

Instance = Callable[[str], int | None]
"""The device instance of a charging point, None while it is not on the bus."""

_PATHS: tuple[tuple[str, str, Callable[[Value], str]], ...] = (
    ("/Soc", "d", unit("%", 0)),
    ("/TargetSoc", "d", unit("%", 0)),
    ("/ChargingState", "i", plain_text),
    ("/AtSite", "i", plain_text),
    ("/BatteryCapacity", "d", unit("kWh", 1)),
    ("/Ac/Power", "d", unit("W", 0)),
    ("/Ac/NrOfPhases", "i", plain_text),
    ("/RangeToGo", "d", unit("km", 0)),
    ("/LastUpdated/EvContact", "i", plain_text),
)


class EvService:
    """The service of one car; ``instance`` is what the GX is asked for, and used as it is without its settings."""

    def __init__(self, vehicle: Vehicle, bus: BusClient, instance_of: Instance, instance: int = FIRST_INSTANCE) -> None:
        ident = vehicle.id.replace("-", "_")
        self.name = f"com.victronenergy.ev.phaeton_{ident}"
        self._vehicle = vehicle
        self._bus = bus
        self._instance_of = instance_of
        self._instance = instance
        self._setting = f"/Settings/Devices/phaeton_ev_{ident}/ClassAndVrmInstance"
        self._service = BusItemService(bus.link.sibling(self.name), self.name)
        fixed: tuple[tuple[str, str, Value], ...] = (
            ("/Mgmt/ProcessName", "s", "phaeton"),
            ("/Mgmt/ProcessVersion", "s", __version__),
            ("/Mgmt/Connection", "s", vehicle.source),
            ("/DeviceInstance", "i", instance),
            ("/ProductId", "i", 0),
            ("/ProductName", "s", "Phaeton vehicle"),
            ("/FirmwareVersion", "s", __version__),
            ("/CustomName", "s", vehicle.name or vehicle.id),
            ("/Connected", "i", 1),
        )
        for path, signature, value in fixed:
            self._service.add(path, signature, value)
        for path, signature, text in _PATHS:
            self._service.add(path, signature, text=text)

    @property
    def service(self) -> BusItemService:
        """What others on the bus see."""
        return self._service

    @property
    def registered(self) -> bool:
        """Whether the car is on D-Bus now."""
        return self._service.registered

    async def start(self) -> None:
        """Come up on the bus, under the instance that the GX's settings give where they answer."""
        try:
            async with asyncio.timeout(SETTLE_WITHIN_S):
                kept = await self._bus.add_settings([Setting(self._setting, f"ev:{self._instance}")], SETTLE_WITHIN_S)
            number = str(kept.get(self._setting)).partition(":")[2]
            if number.isdecimal():
                self._service.update({"/DeviceInstance": int(number)})
        except (DbusError, TimeoutError) as error:
            _log.debug("%s: no settings give it an instance: %s", self.name, error)
        self._service.open()

    async def stop(self) -> None:
        """Leave the bus."""
        await self._service.close()

    def publish(self, output: Output) -> None:
        """Show the newest values; never raises, never waits."""
        try:
            self._service.update(live_values(self._vehicle, output, self._instance_of))
        except Exception:
            _log.exception("%s: cannot show a decision", self.name)


def live_values(vehicle: Vehicle, output: Output, instance_of: Instance) -> dict[str, Value]:
    """What the paths show for an output."""
    car = next((c for c in output.decision.cars if c.vehicle == vehicle.id), None)
    read = next((r for r in output.situation.vehicles if r.vehicle == vehicle.id), None)
    at = car.point if car is not None else ""
    point = next((p for p in output.decision.points if p.point == at and at), None)
    reading = next((p.reading for p in output.situation.points if p.id == at), None) if point is not None else None
    here = point is not None and point.plugged
    charging = here and reading is not None and reading.state is ChargerState.CHARGING
    instance = instance_of(at) if here else None
    return {
        "/Mgmt/Connection": vehicle.source if instance is None else str(instance),
        "/Soc": None if car is None or car.soc_pct is None else round(car.soc_pct, 1),
        "/TargetSoc": None if car is None else car.goal_soc_pct if car.goal_soc_pct is not None else car.limit_soc_pct,
        "/ChargingState": CHARGING if charging or _charges_elsewhere(here, read) else NOT_CHARGING,
        "/AtSite": int(here or bool(read is not None and read.at_home)),
        "/BatteryCapacity": vehicle.battery_kwh,
        "/Ac/Power": _power_w(here, reading),
        "/Ac/NrOfPhases": point.phases if point is not None and charging else None,
        "/RangeToGo": None if read is None else read.range_km,
        "/LastUpdated/EvContact": _contact_s(read),
    }


def _charges_elsewhere(here: bool, read: VehicleReading | None) -> bool:
    return not here and read is not None and bool(read.charging)


def _power_w(here: bool, reading: ChargerReading | None) -> float | None:
    return None if not here or reading is None or reading.power_w is None else round(reading.power_w)


def _contact_s(read: VehicleReading | None) -> int | None:
    if read is None:
        return None
    return int(read.utc_s if read.soc_utc_s is None else read.soc_utc_s)
