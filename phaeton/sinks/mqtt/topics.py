"""The topics: what each one tells, in which unit, and how far a measured value must move to be told again.

A payload is plain text: a number, ``ON`` or ``OFF``, a word; what is not known is ``None``. These are the words that
Home Assistant takes as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from msgspec import Struct

from phaeton.model import CarState, ChargerIdentity, ChargerState, Output, PointSituation
from phaeton.sinks.web.moments import moment
from phaeton.sinks.web.status import (
    STATUS_NAMES,
    ChargerStatus,
    PointName,
    SiteStatus,
    charger_statuses,
    site_status,
)

Plain = str | bool | int | float | None
T = TypeVar("T")

NONE = "None"
ON, OFF = "ON", "OFF"
ONLINE, OFFLINE = "online", "offline"
AVAILABILITY = "availability"
"""`ONLINE` while Phaeton is connected, else `OFFLINE`."""
STATE = "state"
"""All of a point, or of the house, as JSON."""
REFUSED = "refused"
"""The order that was refused last, as JSON; not retained."""
EVENT = "event"
"""What happened, as JSON; not retained."""
SITE = "site"
GUEST, AUTO = "guest", "auto"
STATUS_OPTIONS = (*STATUS_NAMES.values(), "Fault", "No connection")
LONGEST_TEXT = 250
"""Home Assistant takes no state that is longer than 255 characters."""


class PointView(Struct, frozen=True):
    """A charging point as the topics tell it."""

    status: ChargerStatus
    charging: bool
    fault: bool
    stale: bool
    """The charger does not answer, or the house that is measured tells nothing new."""
    car: CarState | None
    manufacturer: str
    model: str
    step_a: float
    """The charger takes setpoints in steps of this."""


class Topic(Struct, Generic[T], frozen=True, kw_only=True):
    """One value."""

    name: str
    """Behind the prefix and the point."""
    text: str
    """What it is, for people."""
    get: Callable[[T], Plain]
    unit: str = ""
    least: float | None = None
    """A measured value is told again when it moves by so much; None = a state, told at once with every change."""
    power: bool = False
    """A measured power; the least change is configured."""

    @property
    def measured(self) -> bool:
        """Whether it is told at most once in the interval."""
        return self.power or self.least is not None


def _session(view: PointView, field: str) -> Plain:
    value: Plain = None if view.status.session is None else getattr(view.status.session, field)
    return value


def _reason(view: PointView) -> str:
    return view.status.reasons[0].text if view.status.reasons else ""


def _car(view: PointView, field: str) -> float | None:
    value: float | None = None if view.car is None else getattr(view.car, field)
    return None if value is None else round(value, 1)


def _departure(view: PointView) -> str | None:
    return None if view.car is None else moment(view.car.departure_utc_s)


def _vehicle(view: PointView) -> str | None:
    return GUEST if view.status.vehicle == "" else view.status.vehicle


def _on_line(field: str, line: int) -> Callable[[PointView], Plain]:
    def get(view: PointView) -> Plain:
        values: list[float | None] = getattr(view.status, field)
        return values[line - 1]

    return get


def _per_phase() -> list[Topic[PointView]]:
    found = []
    for n in (1, 2, 3):
        found += [
            Topic(name=f"power_l{n}", text=f"Power on L{n}", unit="W", power=True, get=_on_line("powers", n)),
            Topic(name=f"current_l{n}", text=f"Current on L{n}", unit="A", least=0.2, get=_on_line("currents", n)),
            Topic(name=f"voltage_l{n}", text=f"Voltage on L{n}", unit="V", least=1.0, get=_on_line("voltages", n)),
        ]
    return found


POINT_TOPICS: tuple[Topic[PointView], ...] = (
    Topic(name="status", text="Status, in words", get=lambda v: v.status.status_name),
    Topic(name="reason", text="Why the car charges as it does", get=_reason, least=0.0),
    Topic(name="mode", text="Mode: manual, auto or scheduled", get=lambda v: v.status.mode_name),
    Topic(name="start", text="Charging is enabled", get=lambda v: bool(v.status.start_stop)),
    Topic(name="auto_start", text="A stop lasts for this stay only", get=lambda v: v.status.auto_start),
    Topic(name="current", text="Current of manual mode", unit="A", get=lambda v: v.status.set_current),
    Topic(name="phases", text="Chosen phases: auto, 1 or 3", get=lambda v: str(v.status.chosen_phases or AUTO)),
    Topic(name="boost", text="Charging fast for once", get=lambda v: v.status.boost.on),
    Topic(name="boost_until", text="When that ends at the latest", get=lambda v: v.status.boost.until),
    Topic(name="energy_limit", text="This stay ends at so much", unit="kWh", get=lambda v: v.status.energy_limit_kwh),
    Topic(name="power_cap", text="The most that may be drawn", unit="W", get=lambda v: v.status.limits.power_cap_w),
    Topic(name="vehicle", text=f"The car that is here: its id, or {GUEST}", get=_vehicle),
    Topic(name="connected", text="A car is plugged in", get=lambda v: v.status.plugged),
    Topic(name="charging", text="The car charges", get=lambda v: v.charging),
    Topic(name="fault", text="The charger reports a fault", get=lambda v: v.fault),
    Topic(name="stale", text="Charger or house tell nothing new", get=lambda v: v.stale),
    Topic(name="warning", text="What the owner should know of the charger", get=lambda v: v.status.warning or None),
    Topic(name="active_phases", text="Phases in use", get=lambda v: v.status.phases),
    Topic(name="setpoint", text="Current that the car is offered", unit="A", least=0.1,
          get=lambda v: v.status.current_a),
    Topic(name="limit", text="The lowest of all limits", unit="A", least=0.1, get=lambda v: v.status.limits.now_a),
    Topic(name="power", text="Power of the car", unit="W", power=True, get=lambda v: v.status.power_w),
    *_per_phase(),
    Topic(name="energy", text="Lifetime energy of the meter", unit="kWh", least=0.01, get=lambda v: v.status.energy),
    Topic(name="temperature", text="Temperature of the charger", unit="°C", least=0.5,
          get=lambda v: v.status.temperature_c),
    Topic(name="surplus", text="Sun that is left for this car", unit="W", power=True, get=lambda v: v.status.surplus_w),
    Topic(name="session_start", text="When the stay began", get=lambda v: _session(v, "start_time")),
    Topic(name="session_energy", text="Energy of the stay", unit="kWh", least=0.01,
          get=lambda v: _session(v, "energy_delivered_kwh")),
    Topic(name="session_sun", text="... from the sun", unit="kWh", least=0.01, get=lambda v: _session(v, "pv_kwh")),
    Topic(name="session_cost", text="Cost of the stay", unit="currency", least=0.01, get=lambda v: _session(v, "cost")),
    Topic(name="session_time", text="Charging time of the stay", unit="s", least=60.0,
          get=lambda v: _session(v, "charging_s")),
    Topic(name="soc", text="State of charge of the car", unit="%", least=0.5, get=lambda v: _car(v, "soc_pct")),
    Topic(name="min_soc", text="Below this the car charges at once", unit="%", get=lambda v: _car(v, "min_soc_pct")),
    Topic(name="limit_soc", text="Charging ends here", unit="%", get=lambda v: _car(v, "limit_soc_pct")),
    Topic(name="goal_soc", text="What the car is to have", unit="%", get=lambda v: _car(v, "goal_soc_pct")),
    Topic(name="goal_energy", text="... or how much more", unit="kWh", get=lambda v: _car(v, "goal_kwh")),
    Topic(name="goal_departure", text="... and when", get=_departure),
    Topic(name="plan_next", text="When the plan charges next",
          get=lambda v: None if v.status.plan is None else v.status.plan.next),
    Topic(name="plan_done", text="When the goal is expected to be met", least=0.0,
          get=lambda v: None if v.status.plan is None else v.status.plan.done),
    Topic(name="plan_cost", text="What the plan is expected to cost", unit="currency", least=0.01,
          get=lambda v: None if v.status.plan is None else v.status.plan.cost),
)  # fmt: skip

SITE_TOPICS: tuple[Topic[SiteStatus], ...] = (
    Topic(name="grid", text="Power from the grid; feeding in is below 0", unit="W", power=True, get=lambda s: s.grid_w),
    Topic(name="pv", text="Power of the sun", unit="W", power=True, get=lambda s: s.pv_w),
    Topic(name="battery", text="Power into the house battery", unit="W", power=True, get=lambda s: s.battery_w),
    Topic(name="battery_soc", text="Charge of the house battery", unit="%", least=0.5, get=lambda s: s.battery_soc_pct),
    Topic(name="house", text="What the house draws without the cars", unit="W", power=True, get=lambda s: s.house_w),
    Topic(name="surplus", text="Sun that is left for all cars", unit="W", power=True, get=lambda s: s.surplus_w),
    Topic(name="price", text="Price of energy from the grid", unit="currency/kWh", get=lambda s: s.import_per_kwh),
    Topic(name="feed_in", text="What feeding in brings", unit="currency/kWh", get=lambda s: s.feed_in_per_kwh),
    Topic(name="fresh", text="The house tells fresh values", get=lambda s: s.fresh),
)


class View(Struct, frozen=True):
    """Everything that is told of one output."""

    points: Mapping[str, PointView]
    site: SiteStatus
    currency: str


def view(output: Output, names: Sequence[PointName], instances: Mapping[str, int | None]) -> View:
    """What an output tells of these points."""
    cars = {car.point: car for car in output.decision.cars if car.point}
    known = {point.id: point for point in output.situation.points}
    wanted = {name.id for name in names}
    house = output.situation.site is not None or output.situation.site_unavailable is not None
    stale = house and not output.decision.site_fresh
    points = {}
    for status in charger_statuses(output, names, instances):
        if status.id not in wanted:
            continue
        point = known.get(status.id, PointSituation(id=status.id))
        reading = point.reading if status.reachable else None
        identity = point.identity or ChargerIdentity(0.0, 0.0, status.id)
        points[status.id] = PointView(
            status,
            charging=reading is not None and reading.state is ChargerState.CHARGING,
            fault=reading is not None and (reading.fault is not None or reading.state is ChargerState.FAULT),
            stale=stale or not status.reachable,
            car=cars.get(status.id),
            manufacturer=identity.manufacturer,
            model=identity.model,
            step_a=identity.step_a,
        )
    return View(points, site_status(output), output.decision.currency)


def payload(value: Plain) -> str:
    """A value as it is published."""
    if value is None:
        return NONE
    if isinstance(value, bool):
        return ON if value else OFF
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value)
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"


def moved(topic: Topic[T], before: Plain, now: Plain, min_change_w: float) -> bool:
    """Whether a value is to be told again; what becomes 0 or unknown always is."""
    if before == now:
        return False
    least = min_change_w if topic.power else topic.least
    numbers = isinstance(before, int | float) and isinstance(now, int | float)
    if not least or not numbers or now == 0 or before == 0:
        return True
    assert isinstance(before, int | float)
    assert isinstance(now, int | float)
    return abs(now - before) >= least - 1e-9
