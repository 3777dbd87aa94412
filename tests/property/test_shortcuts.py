"""What the rooms leave out when nothing changes must not show: with and without, the same is decided, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from phaeton.config.tree import Auto, Config
from phaeton.model import AnyEvent, ChargerReading, ChargerState, Output, Zone
from phaeton.simulation.house_setup import HouseSetup
from phaeton.simulation.offline_run import Control, site_control
from phaeton.simulation.result import Setup
from phaeton.simulation.simulate import simulate
from phaeton.streams import curtailed, graph, limits, pace, session, view
from phaeton.streams.graph import GraphState
from phaeton.streams.situation import GraphEvent
from phaeton.streams.view import View
from tests.property.events import AMSTERDAM_LIKE, configs, points_of, streams
from tests.simulation import days

ENCODER = msgspec.msgpack.Encoder()


@contextmanager
def the_long_way() -> Iterator[None]:
    """No room takes its shortcut."""
    with (
        patch.object(pace, "_rests", return_value=False),
        patch.object(session, "_rests", return_value=False),
        patch.object(view, "_STILL", frozenset()),
        patch.object(curtailed, "RESET", curtailed.CurtailedState()),
    ):
        yield


def decided(config: Config, events: list[AnyEvent]) -> list[bytes]:
    run = graph.site_graph(config, points_of(config), Zone("Test", AMSTERDAM_LIKE)).fold(events)
    return [ENCODER.encode(output.decision) for _, output in run if output is not None]


@given(configs(), streams())
def test_any_stream_is_decided_as_without_shortcuts(config: Config, events: list[AnyEvent]) -> None:
    short = decided(config, events)
    with the_long_way():
        assert decided(config, events) == short


def paced(steps: list[tuple[float, float, float]]) -> list[object]:
    """Setpoints over time, from what is wanted (A), what flows (A) and the time since the last step (s)."""
    state, now_s = pace.PaceState(), 1000.0
    found: list[object] = []
    for wanted_a, current_a, wait_s in steps:
        now_s += wait_s
        wish = pace.Wish(wanted_a, wanted_a, solar=True)
        state, *answer = pace.step(state, Auto(), wish, limits.NO_CAP, now_s, 6.0, 0.1, current_a, False)
        found.append(answer)
    return found


amps = st.sampled_from([0.0, 0.0, 0.4, 6.0, 8.0, 16.0])
waits = st.sampled_from([1.0, 5.0, 12.0, 70.0])


@given(st.lists(st.tuples(amps, amps, waits), max_size=60))
def test_the_pace_is_as_without_shortcuts(steps: list[tuple[float, float, float]]) -> None:
    short = paced(steps)
    with the_long_way():
        assert paced(steps) == short


def looked_at(steps: list[tuple[ChargerState, str, float, float]]) -> list[View]:
    """What is seen over time, from state, the charger's word, current (A) and the time since the last poll (s)."""
    state, now_s, found = view.ViewState(), 1000.0, []
    for charger, text, current_a, wait_s in steps:
        now_s += wait_s
        current = (current_a, current_a, 0.0)
        reading = ChargerReading(now_s, now_s, point="1", state=charger, state_text=text, current_a=current)
        state, seen = view.step(state, reading, now_s, 10.0)
        found.append(seen)
    return found


seldom = [ChargerState.FAULT, ChargerState.UNKNOWN, ChargerState.DISCONNECTED, ChargerState.PAUSED_EVSE]
states = st.sampled_from([ChargerState.CHARGING] * 3 + [ChargerState.CONNECTED] * 3 + seldom)


@settings(max_examples=300)
@given(st.lists(st.tuples(states, st.sampled_from(["E", "E", ""]), amps, waits), min_size=20, max_size=60))
def test_the_car_is_seen_as_without_shortcuts(steps: list[tuple[ChargerState, str, float, float]]) -> None:
    short = looked_at(steps)
    with the_long_way():
        assert looked_at(steps) == short


def day(phases: int) -> list[bytes]:
    """A day of the sun, the car at home from 9:00 on, in steps of 10 s."""
    found: list[bytes] = []

    def listening(*site: object) -> Control[GraphState]:
        control = site_control(*site)  # type: ignore[arg-type]

        def batch(state: GraphState, events: tuple[GraphEvent, ...]) -> tuple[GraphState, Output | None]:
            state, output = control.batch(state, events)
            if output is not None:
                found.append(ENCODER.encode(output.decision))
            return state, output

        return Control(control.initial, batch)

    setup = Setup(house=HouseSetup(battery_kwh=5.0, car_phases=phases), step_s=10.0)
    stays = (days.stay(9.0, 22.0, 9.0),)
    simulate(days.summer(1.0, 300.0), days.config(), stays, setup=setup, make_control=listening)
    return found


def test_a_day_is_decided_as_without_shortcuts() -> None:
    for phases in (1, 3):
        short = day(phases)
        with the_long_way():
            assert day(phases) == short
        assert len(short) > 4000
