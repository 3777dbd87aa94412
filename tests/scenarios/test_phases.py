"""One phase or three: when auto switches, how the sequence runs, and what happens when the charger does otherwise."""

from __future__ import annotations

import pytest

from phaeton.config.tree import PhaseSwitching
from phaeton.model import Mode, SetMode, SetPhases, Status, Why, WriteResult
from phaeton.simulation.profiles import steps
from tests.scenarios.site import charger, config, on_one_phase, site

THREE_MIN_W = 3 * 6 * 230


def test_more_sun_switches_up_after_three_minutes_and_less_sun_down_after_two() -> None:
    run = site(config(charger()), pv=steps(3000, (900, 8000), (2400, 3000)), load=300)
    on_one_phase(run)
    trace = run.run(3600)
    up, down = trace.phase_writes(300)
    assert (up.phases, down.phases) == (3, 1)
    assert up.time_s - 900 == pytest.approx(180 + 30, abs=10)
    assert down.time_s - 2400 == pytest.approx(120 + 30, abs=35)
    assert trace.ev_w_at(1500) == pytest.approx(7650, abs=400)
    assert trace.ev_w_at(3600) == pytest.approx(2650, abs=250)


def test_the_contactor_moves_only_when_no_current_has_flowed_for_the_pause() -> None:
    run = site(config(charger()), pv=steps(3000, (900, 8000)), load=300)
    on_one_phase(run)
    trace = run.run(1500)
    (write,) = trace.phase_writes(300)
    assert all(row.ev_w[0] == 0 for row in trace.between(write.time_s - 28, write.time_s + 5))
    assert trace.status_at(write.time_s - 5) is Status.SWITCH_TO_3
    assert Why.PHASE_SEQUENCE in trace.reasons_at(write.time_s - 5)
    back_s = next(row.time_s for row in trace.between(write.time_s) if row.ev_w[0] > 0)
    assert back_s - write.time_s <= 40


def test_a_phase_switch_is_neither_a_start_nor_a_stop_of_auto() -> None:
    run = site(config(charger()), pv=steps(3000, (900, 8000)), load=300)
    on_one_phase(run)
    run.run(1500)
    assert len(run.state.memories[0].run.starts) == 1


def test_the_current_is_carried_over_a_switch_without_a_rest() -> None:
    run = site(config(charger()), pv=steps(3000, (900, 8000)), load=300)
    on_one_phase(run)
    trace = run.run(1500)
    (write,) = trace.phase_writes(300)
    assert trace.setpoint_at(write.time_s + 90) == pytest.approx(7650 / 690, abs=1.2)


def test_no_car_no_switch() -> None:
    run = site(config(charger()), pv=9000, load=300, cars=[None])
    on_one_phase(run)
    trace = run.run(1200)
    assert trace.phase_writes() == []


def test_manual_uses_three_phases_unless_one_is_chosen() -> None:
    run = site(config(charger(mode="manual")))
    on_one_phase(run)
    trace = run.run(120)
    assert trace.ev_w_at(120) == pytest.approx(11040)
    run.command(200, SetPhases(1))
    trace = run.run(400)
    assert trace.ev_w_at(400) == pytest.approx(3680)
    assert trace.decision_at(400).chosen_phases == 1


def test_two_orders_in_a_row_keep_a_minute_between_the_switches() -> None:
    run = site(config(charger(mode="manual")))
    run.command(100, SetPhases(1))
    run.command(140, SetPhases(3))
    trace = run.run(500)
    first, second = trace.phase_writes()
    assert second.time_s - first.time_s >= 60
    assert trace.ev_w_at(500) == pytest.approx(11040)


def test_an_order_does_not_wait_for_the_gap_between_automatic_switches() -> None:
    run = site(config(charger()), pv=steps(3000, (900, 9000)), load=300)
    on_one_phase(run)
    trace = run.run(1200)
    (automatic,) = trace.phase_writes(300)
    run.command(1200, SetMode(Mode.MANUAL))
    run.command(1201, SetPhases(1))
    trace = run.run(1500)
    chosen = trace.phase_writes(automatic.time_s + 1)[0]
    assert chosen.phases == 1
    assert chosen.time_s - 1201 <= 60


def test_one_phase_that_stays_three_is_tried_again_once_and_then_believed() -> None:
    """The charger acknowledges the switch and goes on with three phases."""
    run = site(config(charger(mode="manual")))
    socket = run.plant.chargers[0]
    run.command(60, SetPhases(1))
    run.every(1, lambda: setattr(socket, "phases_closed", 3))
    trace = run.run(1800)
    written = [write for write in trace.phase_writes() if write.phases == 1]
    assert len(written) == 2
    assert trace.decision_at(1800).phases == 3
    assert Why.PHASES_REFUSED in trace.reasons_at(1800)
    assert trace.ev_w_at(1800) == pytest.approx(11040)


def test_a_refusal_ends_switching_and_charging_goes_on() -> None:
    run = site(config(charger()), pv=steps(6500, (600, 3000)), load=300)
    run.plant.chargers[0].refuses_phases = True
    trace = run.run(2400)
    assert [write.result for write in trace.phase_writes()] in ([], [WriteResult.REFUSED])
    assert trace.ev_w_at(590) == pytest.approx(6150, abs=500)


def test_what_was_refused_is_tried_again_when_a_person_chooses_the_phases() -> None:
    run = site(config(charger(mode="manual")))
    run.plant.chargers[0].refuses_phases = True
    run.command(60, SetPhases(1))
    run.at(200, lambda: setattr(run.plant.chargers[0], "refuses_phases", False))
    run.command(300, SetPhases(1))
    trace = run.run(600)
    assert [write.result for write in trace.phase_writes()] == [WriteResult.REFUSED, WriteResult.WRITTEN]
    assert Why.PHASES_REFUSED in trace.reasons_at(250)
    assert Why.PHASES_REFUSED not in trace.reasons_at(600)
    assert trace.ev_w_at(600) == pytest.approx(3680)


def test_the_budget_of_an_hour_counts_automatic_switches() -> None:
    setup = config(charger(), phases=PhaseSwitching(min_gap_s=60, max_per_hour=2))
    run = site(setup, pv=lambda t: 8000 if t % 1200 < 600 else 3000, load=300)
    trace = run.run(3 * 3600)
    written_s = [write.time_s for write in trace.phase_writes(400)]
    assert written_s
    assert all(sum(start <= s < start + 3600 for s in written_s) <= 2 for start in written_s)


def test_the_register_that_always_reads_three_is_not_believed() -> None:
    run = site(config(charger(mode="manual")))
    run.plant.chargers[0].phases_read_back = 3
    run.command(60, SetPhases(1))
    trace = run.run(600)
    assert trace.ev_w_at(600) == pytest.approx(3680)
    assert trace.decision_at(600).phases == 1
    assert len(trace.phase_writes()) == 1
