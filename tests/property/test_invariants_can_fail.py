"""Each invariant is broken on purpose, and its check says so."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import pytest
from msgspec import structs

from phaeton.config.tree import Site, SiteLimits
from phaeton.model import ChargerWrite, Output, PointDecision, Reason, SetCurrent, SetStart, Tick, Why
from phaeton.streams.graph import GraphState, batch
from phaeton.streams.machine import Machine
from phaeton.streams.memory import PointMemory
from phaeton.streams.situation import GraphEvent
from tests.property.invariants import (
    ALL,
    AnswersAlways,
    BooksAddUp,
    Invariant,
    PhasesRest,
    RaiseBudget,
    SameFromSaved,
    Seen,
    StaleNeverRaises,
    StartsRest,
    StopsAtOnce,
    TurnsForACause,
    WithinLimits,
    WrittenAsDecided,
)  # fmt: skip
from tests.scenarios.site import charger, config, site

Change = Callable[[PointDecision], PointDecision]


@pytest.fixture(scope="module")
def run() -> list[Seen]:
    """A car in manual: 16 A, then 10 A, then a stop; it leaves."""
    setup = config(charger(mode="manual"), site=Site(limits=SiteLimits(fuse_a=40.0)))
    loop = site(setup, pv=3000.0, load=400.0)
    steps: list[Seen] = []

    def step(state: GraphState, event: GraphEvent) -> tuple[GraphState, Output | None]:
        after, output = batch(state, (event,))
        steps.append(Seen((event,), state, after, output))
        return after, output

    loop.graph = Machine(initial=loop.state, step=step)
    loop.command(60, SetCurrent(10.0))
    loop.command(120, SetStart(False))
    loop.at(150, loop.plant.chargers[0].unplug)
    loop.run(200)
    return steps


def at(steps: list[Seen], time_s: float) -> int:
    """The index of the tick at a time of the run."""
    ticks = (n for n, seen in enumerate(steps) if isinstance(seen.events[0], Tick))
    return next(n for n in ticks if steps[n].after.situation.mono_s >= 1000.0 + time_s)


def changed(steps: list[Seen], seconds: Iterable[float], change: Change) -> list[Seen]:
    """The run with another decision for the point at these times."""
    steps = list(steps)
    for time_s in seconds:
        index = at(steps, time_s)
        output = steps[index].output
        assert output is not None
        decision = structs.replace(output.decision, points=(change(output.decision.points[0]),))
        steps[index] = steps[index]._replace(output=structs.replace(output, decision=decision))
    return steps


def decides(**what: object) -> Change:
    return lambda point: structs.replace(point, **what)


def remembers(steps: list[Seen], time_s: float, change: Callable[[PointMemory], PointMemory]) -> list[Seen]:
    """The run with another memory of the point behind one step."""
    index = at(steps, time_s)
    after = steps[index].after
    after = structs.replace(after, memories=(change(after.memories[0]),))
    return [*steps[:index], steps[index]._replace(after=after), *steps[index + 1 :]]


def poorer(memory: PointMemory) -> PointMemory:
    """What the meter counted is lost."""
    stay = memory.session.session
    assert stay is not None
    lost = structs.replace(stay, energy_kwh=stay.energy_kwh - 0.01)
    return structs.replace(memory, session=structs.replace(memory.session, session=lost))


def hasty(memory: PointMemory) -> PointMemory:
    """Two switches of the phases in a minute."""
    return structs.replace(memory, phases=structs.replace(memory.phases, switches=(1000.0, 1050.0)))


def cold(steps: list[Seen]) -> list[Seen]:
    """A stop of auto and a start 20 s later."""
    stopped = changed(steps, range(80, 100), decides(current_a=0.0, reasons=(Reason(Why.REST),)))
    return changed(stopped, range(100, 105), decides(reasons=(Reason(Why.SURPLUS),)))


def untimely(steps: list[Seen]) -> list[Seen]:
    """A tick that is not answered."""
    index = at(steps, 100)
    return [*steps[:index], steps[index]._replace(output=None), *steps[index + 1 :]]


BROKEN: dict[str, tuple[type[Invariant], Callable[[list[Seen]], list[Seen]]]] = {
    "below the minimum": (WithinLimits, lambda run: changed(run, [90], decides(current_a=4.0))),
    "above the limit": (WithinLimits, lambda run: changed(run, [90], decides(current_a=33.0))),
    "no number": (WithinLimits, lambda run: changed(run, [90], decides(current_a=math.nan))),
    "another write": (WrittenAsDecided, lambda run: changed(run, [90], decides(write=ChargerWrite(12.0)))),
    "another decision": (SameFromSaved, lambda run: changed(run, [90], decides(current_a=9.9))),
    "no answer": (AnswersAlways, untimely),
    "infinite": (AnswersAlways, lambda run: changed(run, [90], decides(max_a=math.inf))),
    "current after a stop": (StopsAtOnce, lambda run: changed(run, [125], decides(current_a=6.0))),
    "current without a car": (StopsAtOnce, lambda run: changed(run, [170], decides(current_a=6.0, start=True))),
    "a silent charger": (StaleNeverRaises, lambda run: changed(run, [90], decides(current_a=12.0, reachable=False))),
    "many raises": (RaiseBudget, lambda run: changed(run, range(70, 110, 2), decides(current_a=6.0))),
    "no rest": (StartsRest, cold),
    "two switches": (PhasesRest, lambda run: remembers(run, 90, hasty)),
    "switching under load": (PhasesRest, lambda run: changed(run, [90], decides(write=ChargerWrite(None, 1)))),
    "lost energy": (BooksAddUp, lambda run: remembers(run, 100, poorer)),
    "up and down": (TurnsForACause, lambda run: changed(run, [90], decides(current_a=12.0))),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_invariant_is_seen(run: list[Seen], how: str) -> None:
    make, breaks = BROKEN[how]
    look(make(), run)
    with pytest.raises(AssertionError):
        look(make(), breaks(run))


def look(check: Invariant, steps: list[Seen]) -> None:
    for seen in steps:
        check.see(seen)


def test_every_check_is_broken_here() -> None:
    assert {make for make, _ in BROKEN.values()} == set(ALL)
