"""The result of a simulation as it is written: ``phaeton-simulation/1``. Energy in kWh, money in the currency."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from phaeton.config.document import Plain
from phaeton.simulation.house_setup import HouseSetup

SCHEMA = "phaeton-simulation/1"


class Totals(Struct, kw_only=True):
    """What happened in a span of time."""

    ev_kwh: float
    """Into the cars, at the socket; the three parts add up to it."""
    ev_from_pv_kwh: float
    ev_from_battery_kwh: float
    ev_from_grid_kwh: float
    import_kwh: float
    export_kwh: float
    cost: float
    """Import x price - export x feed-in, of the whole house."""
    ev_cost: float
    """Grid energy in the cars x price + what they had from PV and battery x feed-in."""
    self_consumption_pct: float | None
    """Share of the PV that was not exported; None without PV."""
    unmet_kwh: float
    """Wanted and not delivered at the departure."""
    late_min: float
    """How much longer the cars would have had to stay, at their full power."""
    starts: int
    """How often the contactor closed onto a car that draws."""
    phase_switches: int
    setpoint_writes: int
    """While a car is there; each renews the lease too."""
    battery_throughput_kwh: float
    """Half of the energy into and out of the house battery's storage: cycles x capacity."""


class DayTotals(Totals, kw_only=True):
    """A day of the local calendar."""

    day: str
    """As 2024-06-03."""


class MonthTotals(Totals, kw_only=True):
    """A month of the local calendar."""

    month: str
    """As 2024-06."""


class WeekTotals(Totals, kw_only=True):
    """A week of the local calendar, from Monday to Sunday."""

    week: str
    """As 2024-W23."""


class StayTotals(Totals, kw_only=True):
    """One stay of a car; what is said of the house is so within the stay."""

    arrival: str
    departure: str
    wanted_kwh: float
    point: str


class GapTime(Struct, kw_only=True):
    """A time that the history does not know, and that was left out."""

    start: str
    end: str
    hours: float
    why: str


class Setup(Struct, frozen=True, kw_only=True):
    """What is simulated beside history, configuration, stays and prices."""

    house: HouseSetup = HouseSetup()
    step_s: float = 60.0
    """A divisor of 60."""
    start_s: float | None = None
    """UTC; None = the beginning of the history."""
    end_s: float | None = None
    texture: bool = False
    """Give coarse PV and load realistic seconds."""
    seed: int = 0
    """Draws them."""


class Period(Struct, kw_only=True):
    """What was simulated, and how finely."""

    start: str
    end: str
    step_s: float
    data_s: float
    """Interval of the history as it was given."""
    texture: bool
    seed: int
    timezone: str
    house: HouseSetup
    battery_end_pct: float | None
    """Charge of the house battery at the end; None without one."""


class Result(Struct, kw_only=True):
    """The whole result."""

    schema: str = SCHEMA
    steps: int
    wall_s: float
    steps_per_s: float
    config: dict[str, Plain]
    """The configuration in force, all defaults included, secrets hidden."""
    run: Period
    gaps: list[GapTime]
    notes: list[str]
    """What a reader should know before believing the numbers."""
    not_valid: list[str]
    """Counts that mean nothing, because the steps or the data are too coarse for them."""
    totals: Totals
    days: list[DayTotals]
    months: list[MonthTotals]
    weeks: list[WeekTotals]
    sessions: list[StayTotals]

    def json(self) -> bytes:
        """The result as it is written to a file."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"
