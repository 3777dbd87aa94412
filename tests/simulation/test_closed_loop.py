"""The loop around plant and graph, tried with a graph that only does what it is told."""

from __future__ import annotations

import pytest
from msgspec import Struct, structs

from phaeton.model import (
    AnyEvent,
    ChargerReading,
    ChargerWrite,
    Command,
    Decision,
    Mode,
    Output,
    PointDecision,
    SetCurrent,
    SetPhases,
    SiteReading,
    Situation,
    Status,
    Tick,
    Unavailable,
    WriteOutcome,
    WriteResult,
)
from phaeton.simulation.car import Car
from phaeton.simulation.charger_plant import ChargerPlant
from phaeton.simulation.closed_loop import ClosedLoop
from phaeton.simulation.plant import Plant
from phaeton.simulation.profiles import noisy, sawtooth, square, steps
from phaeton.streams.machine import Machine


class Stub(Struct, frozen=True):
    """The state of the graph that does what it is told."""

    wanted_a: float = 0.0
    wanted_phases: int | None = None
    written_a: float | None = None
    events: tuple[AnyEvent, ...] = ()


def stub_step(state: Stub, event: AnyEvent) -> tuple[Stub, Output | None]:
    """Write what was asked for, again on each tick after a failed write."""
    state = structs.replace(state, events=(*state.events, event))
    if isinstance(event, Command) and isinstance(event.order, SetCurrent):
        state = structs.replace(state, wanted_a=event.order.current_a)
    elif isinstance(event, Command) and isinstance(event.order, SetPhases):
        state = structs.replace(state, wanted_phases=event.order.phases)
    elif isinstance(event, WriteOutcome):
        if event.result is WriteResult.WRITTEN and event.current_a is not None:
            state = structs.replace(state, written_a=event.current_a)
        return state, None
    elif not isinstance(event, Tick):
        return state, None
    write = None
    if state.written_a != state.wanted_a or state.wanted_phases is not None:
        write = ChargerWrite(state.wanted_a, state.wanted_phases)
        state = structs.replace(state, wanted_phases=None)
    point = PointDecision(
        point="1",
        mode=Mode.MANUAL,
        start=True,
        auto_start=True,
        requested_a=state.wanted_a,
        current_a=state.wanted_a,
        phases=3,
        chosen_phases=0,
        status=Status.CHARGING,
        reasons=(),
        write=write,
    )
    return state, Output(Situation(), Decision(mono_s=event.mono_s, utc_s=event.utc_s, points=(point,)))


def loop(**more: float) -> ClosedLoop[Stub]:
    plant = Plant(chargers=[ChargerPlant(car=Car(start_s=0, raise_a_per_s=99), apply_delay_s=0)])
    return ClosedLoop(Machine(initial=Stub(), step=stub_step), plant, load=500, **more)


def test_a_command_reaches_the_car_and_the_readings_come_back() -> None:
    run = loop()
    run.command(10, SetCurrent(16))
    trace = run.run(20)
    assert trace.setpoint_at(10) == 0
    assert trace.setpoint_at(11) == 16
    assert trace.ev_w_at(20) == 11040
    readings = [event for event in run.state.events if isinstance(event, ChargerReading)]
    sites = [event for event in run.state.events if isinstance(event, SiteReading)]
    assert readings[-1].power_w == 11040
    assert sites[-1].grid_w == pytest.approx(11540)
    assert trace.starts() == [11]
    assert trace.import_wh(10, 20) == pytest.approx((9 * 11540 + 500) / 3600, rel=0.2)


def test_the_events_of_a_step_come_before_its_tick() -> None:
    run = loop()
    run.run(1)
    kinds = [type(event).__name__ for event in run.state.events]
    assert kinds == ["ChargerIdentity", "ChargerReading", "SiteReading", "Tick", "WriteOutcome"]


def test_a_delayed_write_arrives_late_and_the_newest_of_those_waiting_wins() -> None:
    run = loop(write_delay_s=3)
    run.run(1)
    run.command(10, SetCurrent(16))
    run.command(11, SetCurrent(10))
    run.command(12, SetCurrent(8))
    trace = run.run(30)
    assert [(write.time_s, write.current_a) for write in trace.setpoint_writes(8)] == [(13, 16), (16, 8), (19, 8)]


def test_a_refused_phase_switch_is_reported() -> None:
    run = loop()
    run.plant.chargers[0].refuses_phases = True
    run.command(5, SetPhases(1))
    trace = run.run(10)
    assert [write.result for write in trace.phase_writes()] == [WriteResult.REFUSED]


def test_a_silent_charger_is_told_once_and_writes_do_not_reach_it() -> None:
    run = loop()
    run.at(5, lambda: setattr(run.plant.chargers[0], "silent", True))
    run.command(8, SetCurrent(16))
    trace = run.run(20)
    told = [event for event in run.state.events if isinstance(event, Unavailable)]
    assert [event.source for event in told] == ["1"]
    assert {write.result for write in trace.setpoint_writes(8)} == {WriteResult.UNREACHABLE}


def test_a_silent_site_is_told_after_six_seconds() -> None:
    run = loop()
    run.at(5, lambda: setattr(run.plant.meter, "silent", True))
    run.run(20)
    told = [event for event in run.state.events if isinstance(event, Unavailable)]
    assert [(event.source, event.mono_s - event.since_mono_s) for event in told] == [("site", 7)]


def test_while_phaeton_is_down_the_plant_goes_on_and_a_restart_keeps_the_state() -> None:
    run = loop()
    run.command(0, SetCurrent(16))
    run.at(10, lambda: setattr(run, "control_runs", False))
    run.at(100, run.restart)
    trace = run.run(80)
    assert run.plant.chargers[0].offered_a == 6, "the lease lapsed"
    trace = run.run(120)
    assert run.state.wanted_a == 16
    assert trace.row_at(120).decision.mono_s == 1120


def test_a_step_of_the_wall_clock_does_not_move_the_even_one() -> None:
    run = loop()
    before = run.now()
    run.at(5, lambda: run.step_wall_clock(3600))
    run.run(10)
    after = run.now()
    assert (after[0] - before[0], after[1] - before[1]) == (10, 3610)


def test_profiles_are_functions_of_time() -> None:
    assert [steps(3000, (60, 300), (80, 3000))(t) for t in (0, 59, 60, 79, 80)] == [3000, 3000, 300, 300, 3000]
    assert [square(3000, 60, 200, 60)(t) for t in (0, 59, 60, 119, 120)] == [3000, 3000, 200, 200, 3000]
    assert [sawtooth(1500, 6000, 240)(t) for t in (0, 120, 180, 240)] == [1500, 6000, 3750, 1500]
    noise = noisy(steps(1000), 150, 5)
    values = [noise(t) for t in range(20)]
    assert len(set(values)) == 4
    assert all(850 <= value <= 1150 for value in values)
    assert values == [noise(t) for t in range(20)]
