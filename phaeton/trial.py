"""A trial: settings tried over recorded days in a process of their own. What it is given, and what it tells.

The daemon writes a `Trial` as MessagePack to the standard input of ``python -m phaeton.simulation.trial`` and keeps
that open: its end means that nobody waits any more. The process answers with a line of JSON (`Told`) for each step
forward and a last one with the outcome. Nothing secret goes in: configurations come with their secrets hidden.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

TODAY = "today"
"""The run with the settings as they are; the others are compared with it."""
STRATEGIES = ("immediate", "windows", "forerunner_auto", "auto", "price_plan")
"""Strategies that can be compared with it."""

Data = Literal["recordings", "minutes"]


class TrialRun(Struct, frozen=True, kw_only=True):
    """One way to charge that is tried."""

    name: str
    title: str
    config: str
    """The whole configuration as JSON, judged already, secrets hidden."""
    strategy: str = ""
    """One of `STRATEGIES` on top of the configuration; empty = as it is."""


class TrialStay(Struct, frozen=True, kw_only=True):
    """A stay as it was: what the car took is what it wants."""

    point: str
    arrival_s: float
    departure_s: float
    energy_kwh: float


class House(Struct, frozen=True, kw_only=True):
    """What is not recorded of the house."""

    battery_kwh: float = 0.0
    battery_w: float = 3000.0
    feed_in_limit_w: float | None = None
    car_phases: int = 3
    car_a: float = 16.0


class Trial(Struct, frozen=True, kw_only=True):
    """Everything that the process needs."""

    runs: tuple[TrialRun, ...]
    from_s: float
    to_s: float
    step_s: float
    data: Data
    recordings: tuple[str, ...] = ()
    """Paths, in order of time."""
    blocks: tuple[bytes, ...] = ()
    """Hours of minutes; they hold the prices in any case."""
    dynamic_prices: bool = False
    """The prices are those of the minutes; else those of each configuration."""
    stays: tuple[TrialStay, ...]
    house: House = House()
    folder: str
    """Where the reports go."""
    memory_bytes: int
    """The most that the process may use."""


class DayOutcome(Struct, frozen=True, kw_only=True):
    """A day of a run, on the site's clock."""

    day: str
    """As 2026-05-31."""
    pv_kwh: float
    """Into the cars, as the next two."""
    battery_kwh: float
    grid_kwh: float
    ev_cost: float
    cost: float
    """Of the house."""


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of one run; energies in kWh, money in the currency."""

    name: str
    title: str
    cost: float
    """Of the house: import x price - export x feed-in."""
    ev_cost: float
    """Of the cars: grid energy x price + what they had from sun and battery x feed-in."""
    settled_cost: float
    """``cost`` with what was missing at the departures, and what is left in the house battery, as money."""
    saving: float
    """Against the settings of today, by ``settled_cost``."""
    ev_kwh: float
    pv_kwh: float
    battery_kwh: float
    grid_kwh: float
    import_kwh: float
    export_kwh: float
    self_consumption_pct: float | None
    stays: int
    unmet_stays: int
    unmet_kwh: float
    starts: int | None
    """Null where the data are too coarse to count."""
    phase_switches: int | None
    setpoint_writes: int | None
    days: tuple[DayOutcome, ...] = ()
    """Empty in the list of all jobs."""


class TrialResult(Struct, frozen=True, kw_only=True):
    """What came of a trial."""

    start: str
    end: str
    step_s: float
    data: Data
    currency: str
    known_h: float
    """Hours that were simulated; gaps are left out."""
    notes: tuple[str, ...]
    """What to know before believing the numbers."""
    outcomes: tuple[Outcome, ...]


class Told(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of the process."""

    progress: float | None = None
    result: TrialResult | None = None
    error: str = ""
