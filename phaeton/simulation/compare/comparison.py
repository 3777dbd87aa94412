"""Strategies over the same history from the same start, what each cost, and how much of the possible it saved."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import as_completed

import msgspec
from msgspec import Struct

from phaeton.simulation.compare.strategies import BASELINE, Strategy
from phaeton.simulation.offline_run import Progress
from phaeton.simulation.question import Question, Task
from phaeton.simulation.result import Result
from phaeton.simulation.workers import Workers
from phaeton.simulation.worth import Worth

SCHEMA = "phaeton-comparison/1"
MISSED_KWH = 0.05
"""A goal that misses by less counts as met."""
NO_BOUND = "The optimum needs the optional part `bound`: pip install 'phaeton[bound]'. Compared without it"
BATTERY_TOO = (
    "The optimum runs the house battery at its best too, which no way to charge a car can: the last part of the "
    "possible saving is out of reach"
)
_LEAST_SAVING = 0.005


class Outcome(Struct, kw_only=True):
    """What came of a strategy; energies in kWh, money in the currency."""

    title: str
    about: str
    cost: float
    """Of the house: import x price - export x feed-in."""
    unmet_cost: float
    """Of charging elsewhere what was missing at the departures."""
    battery_worth: float
    """Of what is in the house battery at the end beyond the beginning."""
    settled_cost: float
    """``cost + unmet_cost - battery_worth``: what is compared."""
    saving: float
    """Against charging at once."""
    share_pct: float | None
    """Of what could have been saved; None without a bound, or where nothing could be."""
    ev_kwh: float
    pv_kwh: float
    """Of ``ev_kwh``, from the sun."""
    battery_kwh: float
    grid_kwh: float
    self_consumption_pct: float | None
    goals: int
    goals_missed: int
    unmet_kwh: float
    starts: int
    phase_switches: int
    setpoint_writes: int
    battery_cycles: float | None
    """Of the house battery; None without one."""


class Comparison(Struct, kw_only=True):
    """The whole comparison as it is written."""

    schema: str = SCHEMA
    currency: str
    baseline: str = BASELINE
    unmet_per_kwh: float
    """What a kWh costs that was wanted and not delivered."""
    stored_per_kwh: float
    """What a kWh in the house battery is worth at the end."""
    possible_saving: float | None
    """Of the optimum against charging at once."""
    not_valid: list[str]
    """Counts that mean nothing, because the steps or the data are too coarse for them."""
    notes: list[str]
    outcomes: dict[str, Outcome]
    """By the names of the strategies, and ``bound``."""
    runs: dict[str, Result]
    bound: Result | None

    def json(self) -> bytes:
        """The comparison as it is written to a file."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"


def compare(
    question: Question,
    strategies: Sequence[Strategy],
    worth: Worth,
    currency: str,
    workers: Workers,
    progress: Progress | None = None,
) -> Comparison:
    """Run all of them; the first is what the others are compared with. Raises `SimulationError`."""
    if progress is not None:
        progress(0.0)
    waiting = {workers.ask(Task(one.config, one.decider)): one.name for one in strategies}
    bound = _bound(question, strategies[0], worth)
    found: dict[str, Result] = {}
    for done in as_completed(waiting):
        found[waiting[done]] = done.result()
        if progress is not None:
            progress(len(found) / len(strategies))
    runs = {one.name: found[one.name] for one in strategies}
    base = worth.settled(runs[strategies[0].name])
    possible = None if bound is None else base - worth.settled(bound)
    outcomes = {one.name: _outcome(one.title, one.about, runs[one.name], worth, base, possible) for one in strategies}
    notes = [] if bound is not None else [NO_BOUND]
    if bound is not None:
        about = "The best that was possible, with everything known beforehand"
        outcomes["bound"] = _outcome("Perfect foresight", about, bound, worth, base, possible)
        if possible is not None and possible < _LEAST_SAVING:
            notes.append("Charging at once could not be improved on here, so there is no share of a saving")
        elif question.setup.house.battery_kwh:
            notes.append(BATTERY_TOO)
    first = runs[strategies[0].name]
    common = [note for note in first.notes if all(note in run.notes for run in runs.values())]
    own = [f"{outcomes[name].title}: {note}" for name, run in runs.items() for note in run.notes if note not in common]
    return Comparison(
        currency=currency,
        baseline=strategies[0].name,
        unmet_per_kwh=round(worth.unmet_per_kwh, 6),
        stored_per_kwh=round(worth.stored_per_kwh, 6),
        possible_saving=None if possible is None else round(possible, 6),
        not_valid=list(first.not_valid),
        notes=[*notes, *common, *own],
        outcomes=outcomes,
        runs=runs,
        bound=bound,
    )


def _bound(question: Question, strategy: Strategy, worth: Worth) -> Result | None:
    """The optimum; None without the optional part."""
    try:
        from phaeton.simulation.compare.optimum import optimum  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("scipy", "numpy"):
            raise
        return None
    return optimum(question.history, strategy.config, question.stays, question.tariff, question.setup, worth)


def _outcome(title: str, about: str, result: Result, worth: Worth, base: float, possible: float | None) -> Outcome:
    totals, capacity_kwh = result.totals, result.run.house.battery_kwh
    settled = worth.settled(result)
    share = None if possible is None or possible < _LEAST_SAVING else round(100.0 * (base - settled) / possible, 2)
    return Outcome(
        title=title,
        about=about,
        cost=totals.cost,
        unmet_cost=round(worth.of_unmet(totals), 6),
        battery_worth=round(worth.of_battery(result), 6),
        settled_cost=round(settled, 6),
        saving=round(base - settled, 6),
        share_pct=share,
        ev_kwh=totals.ev_kwh,
        pv_kwh=totals.ev_from_pv_kwh,
        battery_kwh=totals.ev_from_battery_kwh,
        grid_kwh=totals.ev_from_grid_kwh,
        self_consumption_pct=totals.self_consumption_pct,
        goals=len(result.sessions),
        goals_missed=sum(one.unmet_kwh > MISSED_KWH for one in result.sessions),
        unmet_kwh=totals.unmet_kwh,
        starts=totals.starts,
        phase_switches=totals.phase_switches,
        setpoint_writes=totals.setpoint_writes,
        battery_cycles=round(totals.battery_throughput_kwh / capacity_kwh, 3) if capacity_kwh else None,
    )
