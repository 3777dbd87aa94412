"""What is published on a ``.../set`` topic, turned into an order by the very checks of REST and D-Bus, or refused."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

import msgspec
from msgspec import Struct

from phaeton import car_orders, orders
from phaeton.model import ClearGoal, Order, Output
from phaeton.orders import OrderError
from phaeton.sinks.mqtt.topics import AUTO, GUEST

MOST_BYTES = 4096
SET = "set"
Body = TypeVar("Body")

_NOTHING = {"none", "null"}
"""How one says that a limit or a goal shall not be."""


class Setting(Struct, frozen=True, kw_only=True):
    """Where an order would go, and what is known there."""

    point: str
    output: Output | None
    battery_kwh: Mapping[str, float | None]
    """The size of each configured car's battery."""

    @property
    def now_utc_s(self) -> float:
        """The time of the control."""
        return 0.0 if self.output is None else self.output.decision.utc_s

    @property
    def cars(self) -> Collection[str]:
        """The configured cars."""
        return self.battery_kwh.keys()

    @property
    def vehicle(self) -> str:
        """The car that is here now; empty for a guest, and where it is not known."""
        for point in self.output.decision.points if self.output is not None else ():
            if point.point == self.point:
                return point.vehicle or ""
        return ""

    @property
    def can_switch_phases(self) -> bool:
        """False only where the charger's profile is known to offer no way."""
        for point in self.output.situation.points if self.output is not None else ():
            if point.id == self.point and point.identity is not None:
                return point.identity.can_switch_phases
        return True


class Boosting(Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON form of ``boost/set``."""

    on: object = True
    energy_kwh: object = None
    until: object = None
    soc_pct: object = None


class Goal(Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON of ``goal/set``."""

    departure: object
    soc_pct: object = None
    energy_kwh: object = None
    vehicle: str | None = None
    """None = the car that is here."""


class Command(Struct, frozen=True, kw_only=True):
    """One topic that orders are published on."""

    name: str
    text: str
    """What it takes, for people."""
    example: str
    make: Callable[[str, Setting], Order]


def parse(name: str, payload: bytes, setting: Setting) -> Order:
    """The order that a message asks for; raises `OrderError` for everything else, whatever it is."""
    command = BY_NAME.get(name)
    if command is None:
        raise OrderError(f"there is no order {name!r}; there is {', '.join(BY_NAME)}")
    if len(payload) > MOST_BYTES:
        raise OrderError(f"an order has at most {MOST_BYTES} bytes, this one has {len(payload)}")
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError:
        raise OrderError("an order is text in UTF-8") from None
    return command.make(text.strip(), setting)


def _or_none(text: str) -> str | None:
    return None if text.lower() in _NOTHING else text


def _phases(text: str, setting: Setting) -> Order:
    order = orders.set_phases(text)
    if order.phases != 0 and not setting.can_switch_phases:
        raise OrderError("this charger gives no way to choose the phases")
    return order


def _boost(text: str, setting: Setting) -> Order:
    if not text.startswith("{"):
        return orders.set_boost(text)
    body = _json(text, Boosting)
    until = None if body.until is None else orders.instant(body.until, "until")
    return orders.set_boost(
        body.on,
        orders.boost_energy(body.energy_kwh),
        orders.boost_until(until, setting.now_utc_s),
        orders.boost_soc(body.soc_pct),
    )


def _vehicle(text: str, setting: Setting) -> Order:
    if text not in setting.cars and text.lower() in (GUEST, AUTO):
        return car_orders.set_vehicle("" if text.lower() == GUEST else None, setting.cars)
    if not text:
        raise OrderError(f"vehicle must be the id of a car, {GUEST}, or {AUTO}")
    return car_orders.set_vehicle(text, setting.cars)


def _goal(text: str, setting: Setting) -> Order:
    if text.lower() in _NOTHING:
        return ClearGoal()
    body = _json(text, Goal)
    vehicle = setting.vehicle if body.vehicle is None else body.vehicle
    car_orders.set_vehicle(vehicle, setting.cars)
    departure_s = car_orders.departure(orders.instant(body.departure, "departure"), setting.now_utc_s)
    order = car_orders.set_goal(body.vehicle or "", departure_s, body.soc_pct, body.energy_kwh)
    if order.soc_pct is not None and setting.battery_kwh.get(vehicle) is None:
        raise OrderError("a goal in % needs the size of the battery: set battery_kwh of this car")
    return order


def _json(text: str, kind: type[Body]) -> Body:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as error:
        raise OrderError(f"the JSON does not fit: {error}") from None
    except (msgspec.DecodeError, RecursionError):
        raise OrderError("it must be JSON, such as the example in the table of topics") from None


_DEPARTURE = '{"departure": "2026-05-01T07:00:00+02:00", "soc_pct": 80}'
COMMANDS: tuple[Command, ...] = (
    Command(name="mode", text="manual, auto or scheduled", example="auto", make=lambda t, s: orders.set_mode(t)),
    Command(name="start", text="ON or OFF", example="ON", make=lambda t, s: orders.set_start(t)),
    Command(name="auto_start", text="ON or OFF", example="OFF", make=lambda t, s: orders.set_auto_start(t)),
    Command(name="current", text="0 to 80 A, for manual mode", example="16", make=lambda t, s: orders.set_current(t)),
    Command(name="phases", text="1, 3 or auto", example="1", make=_phases),
    Command(name="boost", text="ON, OFF, or JSON with its ends", example='{"energy_kwh": 10}', make=_boost),
    Command(name="energy_limit", text="kWh for this stay, or none", example="20",
            make=lambda t, s: orders.set_energy_limit(_or_none(t))),
    Command(name="power_cap", text="W, or none", example="4200", make=lambda t, s: orders.set_power_cap(_or_none(t))),
    Command(name="vehicle", text=f"the id of a car, {GUEST}, or {AUTO} to find out", example=GUEST, make=_vehicle),
    Command(name="goal", text="JSON: departure, and soc_pct or energy_kwh; or none", example=_DEPARTURE, make=_goal),
    Command(name="min_soc", text="% below which the car that is here charges at once; none = as configured",
            example="20", make=lambda t, s: car_orders.set_min_soc("", _or_none(t))),
    Command(name="limit_soc", text="% at which its charging ends; none = as configured", example="80",
            make=lambda t, s: car_orders.set_limit_soc("", _or_none(t))),
)  # fmt: skip
BY_NAME = {command.name: command for command in COMMANDS}
