"""One graph, four lives: in a simulation, as a fold, as an Rx operator, and in the replay of a recording.

The fifth, the daemon in real time, is held against its replay and a simulation in
``tests/integration/test_recording.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec
import pytest
import reactivex as rx
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from phaeton.config.points import Point
from phaeton.config.tree import Charger, Config, Initial
from phaeton.config.tree_schedule import Schedule
from phaeton.model import ChargerWrite, Decision, Event, Order, Output, Zone
from phaeton.recording import MAGIC, PartWriter, header, open_recording, packed, start
from phaeton.replay.run import replay
from phaeton.simulation.house_setup import HouseSetup
from phaeton.simulation.offline_run import Control, MakeControl, site_control
from phaeton.simulation.result import Result, Setup
from phaeton.simulation.simulate import simulate
from phaeton.streams.graph import GraphState, batch, step
from phaeton.streams.machine import Machine
from phaeton.streams.situation import GraphEvent
from tests.property.test_generated_days import Day, days, wishes
from tests.recorded import tapped
from tests.scenarios.site import Run
from tests.simulation.days import config, hourly, stay, summer

Decided = list[bytes | None]
Batch = tuple[GraphEvent, ...]
FRAME = 100
"""So many events are written to the file at once."""


def bytes_of(output: Output | None) -> bytes | None:
    """What is decided, as the bytes that are compared."""
    return None if output is None else packed(output.decision)


def simulated(run: Run, until_s: float) -> tuple[list[Event], list[Decision | None]]:
    """Run a closed loop; what entered its graph and what was decided upon each."""
    events: list[Event] = []
    decided: list[Decision | None] = []
    tap = (events.append, lambda _, output: decided.append(None if output is None else output.decision))
    tapped(run, tap).run(until_s)
    return events, decided


def through_rx(graph: Machine[GraphState, GraphEvent, Output | None], events: Iterable[GraphEvent]) -> Decided:
    """What an Rx stream of the events decides."""
    found: Decided = []
    rx.from_iterable(events).pipe(graph.operator()).subscribe(lambda pair: found.append(bytes_of(pair[1])))
    return found


def through_a_file(path: Path, begun: GraphState, events: list[Event], decided: list[Decision | None]) -> Decided:
    """What the replay of a recording of it decides."""
    writer = PartWriter(header(begun, events[0].utc_s, "start"))
    frames = [MAGIC]
    for number, (event, decision) in enumerate(zip(events, decided, strict=True), start=1):
        writer.event(event)
        if decision is not None:
            writer.decision(decision)
        if number % FRAME == 0:
            frames.append(writer.flush())
    path.write_bytes(b"".join([*frames, writer.flush()]))
    (part,) = open_recording(path).parts
    steps = list(replay(start(part.header).state, part.steps()))
    assert all(step.same for step in steps)
    return [step.packed for step in steps]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lives")


@settings(max_examples=5, deadline=None)
@given(day=days, orders=wishes)
def test_a_simulated_day_is_decided_the_same_by_fold_rx_and_replay(
    folder: Path, day: Day, orders: list[tuple[float, Order]]
) -> None:
    run = day.run()
    for at_s, order in orders:
        run.command(at_s / 3, order)
    graph, begun = run.graph, run.state
    events, decisions = simulated(run, 1200.0)
    decided = [None if one is None else packed(one) for one in decisions]
    assert sum(one is not None for one in decided) >= 1200
    assert [bytes_of(output) for _, output in graph.fold(events)] == decided
    assert through_rx(graph, events) == decided
    assert through_a_file(folder / "day.phaeton", begun, events, decisions) == decided


# The simulation of a history takes the events of one moment as a batch.


def mixed(mode: Literal["auto", "manual", "scheduled"]) -> Config:
    chargers = (Charger(host="simulated", initial=Initial(mode=mode)),)
    return config(chargers=chargers, schedule=Schedule(strategy="plan", auto_outside=True))


STAYS = (stay(8.2, 13, 9.0), stay(13.1, 20, 14.0), stay(21, 32, 9.0))
PRICES = hourly([0.3, 0.1, 0.2] * 16)
LIKE = Setup(house=HouseSetup(battery_kwh=6.0, battery_soc_pct=76.0))


def told(result: Result) -> bytes:
    return replace(result, wall_s=0.0, steps_per_s=0.0).json()


@pytest.mark.parametrize("mode", ["auto", "manual", "scheduled"])
def test_a_simulated_history_is_decided_the_same_by_rx(mode: Literal["auto", "manual", "scheduled"]) -> None:
    batches: list[Batch] = []
    decided: Decided = []
    begun: list[GraphState] = []

    def listening(settings: Config, points: tuple[Point, ...], zone: Zone) -> Control[GraphState]:
        control = site_control(settings, points, zone)
        begun.append(control.initial)

        def listen(state: GraphState, events: Batch) -> tuple[GraphState, Output | None]:
            state, output = control.batch(state, events)
            batches.append(events)
            decided.append(bytes_of(output))
            return state, output

        return Control(control.initial, listen)

    simulate(summer(1.5), mixed(mode), STAYS, PRICES, LIKE, make_control=listening)
    graph = Machine(initial=begun[0], step=batch)
    flowed: Decided = []
    rx.from_iterable(batches).pipe(graph.operator()).subscribe(lambda pair: flowed.append(bytes_of(pair[1])))
    assert len(decided) > 1000
    assert flowed == decided


def one_by_one(settings: Config, points: tuple[Point, ...], zone: Zone) -> Control[GraphState]:
    """The control of the daemon, which gets the events of a step one after the other as it does in life."""

    def each(state: GraphState, events: Batch) -> tuple[GraphState, Output | None]:
        last: Output | None = None
        writes: dict[str, ChargerWrite] = {}
        for event in events:
            state, output = step(state, event)
            for point in () if output is None else output.decision.points:
                if point.write is not None:
                    before = writes.get(point.point, ChargerWrite())
                    current_a = before.current_a if point.write.current_a is None else point.write.current_a
                    writes[point.point] = ChargerWrite(current_a, point.write.phases or before.phases)
            last = output or last
        if last is None:
            return state, None
        decided = tuple(replace(point, write=writes.get(point.point)) for point in last.decision.points)
        return state, replace(last, decision=replace(last.decision, points=decided))

    return Control(site_control(settings, points, zone).initial, each)


@pytest.mark.parametrize(("mode", "apart"), [("manual", 0.0), ("auto", 0.01), ("scheduled", 0.01)])
def test_a_step_of_a_simulation_is_what_its_events_one_by_one_are(
    mode: Literal["auto", "manual", "scheduled"], apart: float
) -> None:
    parts = (summer(0.8), mixed(mode), STAYS[:2], PRICES, replace(LIKE, step_s=10.0))
    at_once, single = simulate(*parts), simulate(*parts, make_control=one_by_one)
    assert at_once.totals.ev_kwh > 5.0
    assert single.totals.ev_kwh == pytest.approx(at_once.totals.ev_kwh, rel=apart)
    assert single.totals.starts == pytest.approx(at_once.totals.starts, abs=1)


def from_saved(cuts: set[int]) -> MakeControl[GraphState]:
    """The control of the daemon, whose state is written down and read back at these steps."""

    def make(settings: Config, points: tuple[Point, ...], zone: Zone) -> Control[GraphState]:
        control = site_control(settings, points, zone)
        steps = 0

        def resume(state: GraphState, events: Batch) -> tuple[GraphState, Output | None]:
            nonlocal steps
            if steps in cuts:
                state = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=GraphState)
            steps += 1
            return control.batch(state, events)

        return Control(control.initial, resume)

    return make


@pytest.mark.parametrize("mode", ["auto", "scheduled"])
@settings(max_examples=4, deadline=None)
@given(cuts=st.sets(st.integers(0, 2000), min_size=1, max_size=200))
def test_going_on_from_the_saved_state_changes_no_result(mode: Literal["auto", "scheduled"], cuts: set[int]) -> None:
    parts = (summer(1.5), mixed(mode), STAYS, PRICES, LIKE)
    parted = simulate(*parts, make_control=from_saved(cuts))
    assert told(parted) == told(simulate(*parts, make_control=from_saved(set())))
    assert parted.totals.ev_kwh > 5.0
