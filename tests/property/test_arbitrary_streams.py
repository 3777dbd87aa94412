"""The invariants that must hold whatever comes in."""

from __future__ import annotations

import math

import msgspec
import reactivex as rx
from hypothesis import given
from hypothesis import strategies as st

from phaeton.config.tree import Config
from phaeton.model import AnyEvent, ChargerReading, ChargerState, Command, Output, SetStart, Tick, Zone
from phaeton.streams.graph import GraphState, site_graph
from phaeton.streams.machine import Machine
from phaeton.streams.situation import GraphEvent
from tests.property.events import AMSTERDAM_LIKE, configs, points_of, streams

ZONE = Zone("Test", AMSTERDAM_LIKE)


def graph_of(config: Config) -> Machine[GraphState, GraphEvent, Output | None]:
    return site_graph(config, points_of(config), ZONE)


def decisions(config: Config, events: list[AnyEvent]) -> list[tuple[AnyEvent, Output]]:
    found = []
    for event, (_, output) in zip(events, graph_of(config).fold(events), strict=True):
        if output is not None:
            found.append((event, output))
    return found


@given(configs(), streams())
def test_the_setpoint_is_zero_or_between_the_minimum_and_every_limit(config: Config, events: list[AnyEvent]) -> None:
    for _, output in decisions(config, events):
        for point in output.decision.points:
            assert math.isfinite(point.current_a)
            if point.current_a:
                assert point.limit_a is not None
                assert point.min_a <= point.current_a <= point.limit_a + 1e-9
                assert point.current_a <= config.chargers[0].limits.max_set_current_a


@given(configs(), streams())
def test_what_is_written_is_what_was_decided(config: Config, events: list[AnyEvent]) -> None:
    for _, output in decisions(config, events):
        for point in output.decision.points:
            if point.write is not None and point.write.current_a is not None:
                assert point.write.current_a == point.current_a


@given(configs(), streams())
def test_a_stop_means_zero_in_the_same_step(config: Config, events: list[AnyEvent]) -> None:
    for event, output in decisions(config, events):
        if isinstance(event, Command) and event.order == SetStart(False):
            stopped = [p for p in output.decision.points if p.point == event.point]
            assert all(p.current_a == 0.0 for p in stopped)


@given(configs(), streams())
def test_without_a_car_the_setpoint_is_zero(config: Config, events: list[AnyEvent]) -> None:
    for _, output in decisions(config, events):
        for known, point in zip(output.situation.points, output.decision.points, strict=True):
            if known.reading is None or (known.reading.state is ChargerState.DISCONNECTED and point.reachable):
                assert point.current_a == 0.0


@given(configs(), streams())
def test_a_charger_that_is_silent_never_gets_more_current(config: Config, events: list[AnyEvent]) -> None:
    before: dict[str, float] = {}
    for _, output in decisions(config, events):
        for point in output.decision.points:
            if not point.reachable:
                assert point.current_a <= before.get(point.point, 0.0)
            before[point.point] = point.current_a


@given(configs(), streams(least=20, most=80))
def test_raises_keep_their_budget(config: Config, events: list[AnyEvent]) -> None:
    raises: dict[str, list[float]] = {}
    before: dict[str, float] = {}
    begun_s: float | None = None
    for _, output in decisions(config, events):
        begun_s = output.decision.mono_s if begun_s is None else begun_s
        for point in output.decision.points:
            if point.current_a > before.get(point.point, 0.0):
                raises.setdefault(point.point, []).append(output.decision.mono_s)
            before[point.point] = point.current_a
    for times in raises.values():
        for first in range(len(times)):
            for last in range(first, len(times)):
                assert last - first + 1 <= 11 + (times[last] - times[first]) / 60


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


@given(configs(), streams())
def test_booked_energy_is_never_negative_and_cost_is_the_sum_of_its_slots(
    config: Config, events: list[AnyEvent]
) -> None:
    slots: dict[str, list[float]] = {}
    for _, output in decisions(config, events):
        for point in output.decision.points:
            for slot in point.slots:
                assert slot.energy_kwh >= 0
                assert slot.pv_kwh >= 0
                assert slot.battery_kwh >= 0
                assert slot.grid_kwh >= 0
                total = slots.setdefault(slot.session, [0.0, 0.0])
                total[0] += slot.energy_kwh
                total[1] += slot.cost
            closed = point.closed
            if closed is not None:
                energy_kwh, cost = slots.get(closed.id, [0.0, 0.0])
                assert math.isclose(closed.energy_kwh, energy_kwh, abs_tol=1e-9)
                assert math.isclose(closed.cost, cost, abs_tol=1e-9)
                assert math.isclose(
                    closed.energy_kwh, closed.pv_kwh + closed.battery_kwh + closed.grid_kwh, abs_tol=1e-9
                )


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
