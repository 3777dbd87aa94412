"""The invariants that must hold whatever comes in."""

from __future__ import annotations

import math

import msgspec
import reactivex as rx
from hypothesis import given
from hypothesis import strategies as st

from phaeton.config.tree import Config
from phaeton.model import AnyEvent, ChargerReading, ChargerState, Output, Tick, Zone
from phaeton.streams.graph import GraphState, site_graph
from phaeton.streams.machine import Machine
from phaeton.streams.situation import GraphEvent
from tests.property import invariants
from tests.property.events import AMSTERDAM_LIKE, configs, points_of, streams
from tests.property.invariants import ALL, Watch

ZONE = Zone("Test", AMSTERDAM_LIKE)


def graph_of(config: Config) -> Machine[GraphState, GraphEvent, Output | None]:
    return site_graph(config, points_of(config), ZONE)


@given(configs(), streams(most=80))
def test_all_invariants_hold_over_any_stream(config: Config, events: list[AnyEvent]) -> None:
    list(Watch().graph(graph_of(config).initial).fold(events))


def test_each_invariant_of_the_control_has_a_check_and_stands_in_the_table() -> None:
    assert sorted({make.number for make in ALL}) == [1, 2, 3, 4, 5, 6, 7]
    told = {}
    for line in (invariants.__doc__ or "").splitlines():
        if line.startswith("| ") and line[2].isdigit():
            told[int(line[2])] = line
    for make in ALL:
        assert f"`{make.__name__}`" in told[make.number]


@given(configs(), streams())
def test_the_plain_fold_and_rx_give_the_same_bytes(config: Config, events: list[AnyEvent]) -> None:
    folded = [msgspec.msgpack.encode(output) for _, output in graph_of(config).fold(events)]
    flowed: list[bytes] = []
    rx.from_iterable(events).pipe(graph_of(config).operator()).subscribe(
        lambda pair: flowed.append(msgspec.msgpack.encode(pair[1]))
    )
    assert folded == flowed


@given(configs(), streams(), st.data())
def test_saving_and_going_on_changes_nothing(config: Config, events: list[AnyEvent], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(events)))
    graph = graph_of(config)
    whole = [msgspec.msgpack.encode(output) for _, output in graph.fold(events)]
    state = graph.initial
    parts: list[bytes] = []
    for event in events[:cut]:
        state, output = graph.step(state, event)
        parts.append(msgspec.msgpack.encode(output))
    saved = msgspec.msgpack.encode(state)
    restored = msgspec.msgpack.decode(saved, type=GraphState)
    assert msgspec.msgpack.encode(restored) == saved
    for event in events[cut:]:
        restored, output = graph.step(restored, event)
        parts.append(msgspec.msgpack.encode(output))
    assert parts == whole


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=3, max_size=80))
def test_sessions_and_unknown_energy_add_up_to_the_meter(steps: list[tuple[int, bool]]) -> None:
    """The counter advances by small amounts, now and then silent, with the car coming and going."""
    config = msgspec.convert({"chargers": [{"host": "x"}]}, Config)
    graph = graph_of(config)
    state, meter_kwh, booked_kwh = graph.initial, 100.0, 0.0
    for number, (advance, plugged) in enumerate(steps):
        mono_s, utc_s = 1000.0 + 5.0 * number, 1.77e9 + 5.0 * number
        meter_kwh = round(meter_kwh + advance / 1000, 3)
        reading = ChargerReading(
            mono_s,
            utc_s,
            point="1",
            state=ChargerState.CHARGING if plugged else ChargerState.DISCONNECTED,
            power_w=advance * 720.0,
            energy_kwh=None if advance == 5 else meter_kwh,
        )
        for event in (reading, Tick(mono_s, utc_s)):
            state, output = graph.step(state, event)
            if output is not None and output.decision.points[0].closed is not None:
                booked_kwh += output.decision.points[0].closed.energy_kwh
    memory = state.memories[0].session
    if memory.open and memory.session is not None:
        booked_kwh += memory.session.energy_kwh
    if memory.meter_kwh is not None:
        first = next(
            (100.0 + sum(a for a, _ in steps[: n + 1]) / 1000 for n, (a, _) in enumerate(steps) if a != 5), 0.0
        )
        seen_kwh = memory.meter_kwh - first
        assert math.isclose(booked_kwh + memory.unknown_kwh, seen_kwh + memory.ahead_kwh, abs_tol=1e-6)
