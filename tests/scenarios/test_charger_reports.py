"""What users reported about chargers, limits and phases, as acceptance of the closed loop (see also the surplus)."""

from __future__ import annotations

from itertools import pairwise

import pytest

from phaeton.config.tree import Site, SiteLimits
from phaeton.model import Mode, SetMode, SetStart, Status, Why, WriteResult
from phaeton.simulation.profiles import noisy, sawtooth, steady
from tests.scenarios.site import car, charger, config, on_one_phase, site

HOUR_S = 3600.0
FUSE = Site(limits=SiteLimits(fuse_a=25.0))


def test_a_sawtooth_of_sun_switches_phases_within_gaps_and_budgets() -> None:
    """ISS-09: 1500 to 6000 W in 4 minutes, for two hours."""
    run = site(config(charger()), pv=sawtooth(1500, 6000, 240))
    trace = run.run(2 * HOUR_S)
    switched_s = [write.time_s for write in trace.phase_writes() if write.result is WriteResult.WRITTEN]
    assert all(after - before >= 600 for before, after in pairwise(switched_s))
    for start_s in switched_s:
        assert sum(start_s <= s < start_s + HOUR_S for s in switched_s) <= 3


def test_a_surplus_just_at_the_threshold_does_not_switch_up_and_down() -> None:
    """ISS-10: 4140 W with 150 W of noise; 16 A at most, on one phase."""
    surplus = noisy(steady(4140 + 50), 150, 5, seed=1)
    run = site(config(charger()), pv=surplus)
    on_one_phase(run)
    trace = run.run(30 * 60)
    assert run.plant.chargers[0].switches <= 1
    assert len(trace.phase_writes()) <= 1


def test_a_refused_phase_switch_is_tried_once_and_names_the_installers_option() -> None:
    """ISS-11: exception 3 to register 1215 while the sun would be enough for three phases."""
    run = site(config(charger()), pv=9000)
    on_one_phase(run).refuses_phases = True
    trace = run.run(HOUR_S)
    assert len(trace.phase_writes()) <= 1
    assert {write.result for write in trace.phase_writes()} <= {WriteResult.REFUSED}
    assert trace.ev_w_at(HOUR_S) >= 6 * 230, "charging goes on"
    assert Why.PHASES_REFUSED in trace.reasons_at(HOUR_S)


def test_a_charger_that_drops_to_one_phase_is_seen_and_not_fought() -> None:
    """ISS-12: 10 A on three phases; at 30 s two of them are gone."""
    run = site(config(charger(mode="manual", current_a=10)))
    run.run(30)
    assert run.output is not None
    assert run.output.decision.points[0].phases == 3
    run.plant.chargers[0].drop_to_one_phase()
    before = len(run.trace.phase_writes())
    trace = run.run(50)
    assert trace.decision_at(50).phases == 1
    trace = run.run(600)
    assert trace.decision_at(600).phases == 1
    assert len(trace.phase_writes()) == before
    session = trace.decision_at(600).session
    assert session is not None
    assert session.energy_kwh == pytest.approx(run.plant.chargers[0].meter_kwh - 1000, abs=0.02)


def test_the_setpoint_is_renewed_long_before_it_lapses_also_on_a_slow_bus() -> None:
    """ISS-13: valid for 60 s, each write takes 2 s."""
    run = site(config(charger(mode="manual")), write_delay_s=2.0)
    trace = run.run(1800)
    written_s = [write.time_s for write in trace.setpoint_writes()]
    assert max(after - before for before, after in pairwise(written_s)) <= 30
    assert all(row.decision.points[0].current_a == 16 for row in trace.between(10))
    assert min(row.ev_w[0] for row in trace.between(60)) > 11000


def test_a_lost_charger_is_unknown_not_unplugged_and_comes_back() -> None:
    """ISS-14: no answer for ten minutes."""
    run = site(config(charger(mode="manual")))
    socket = run.plant.chargers[0]
    run.at(100, lambda: setattr(socket, "silent", True))
    run.at(700, lambda: setattr(socket, "silent", False))
    trace = run.run(100)
    session = trace.decision_at(100).session
    trace = run.run(900)
    for time_s in (120, 400, 699):
        assert trace.status_at(time_s) is None
        assert not trace.decision_at(time_s).reachable
        assert Why.UNREACHABLE in trace.reasons_at(time_s)
    assert trace.sessions == []
    assert trace.status_at(735) is Status.CHARGING
    assert trace.ev_w_at(735) == pytest.approx(11040)
    after = trace.decision_at(900).session
    assert session is not None
    assert after is not None
    assert after.id == session.id
    assert after.energy_kwh == pytest.approx(socket.meter_kwh - 1000, abs=0.02), "the meter ran on"


def test_a_grid_measurement_that_stops_leaves_the_safe_current() -> None:
    """ISS-15: 16 A under a fuse limit; the meter falls silent at 10 s."""
    run = site(config(charger(mode="manual"), site=FUSE), load=500)
    run.at(10, lambda: setattr(run.plant.meter, "silent", True))
    trace = run.run(75)
    assert trace.setpoint_at(9) == 16
    assert trace.setpoint_at(25) == 6
    assert trace.setpoint_at(75) == 6
    assert Why.LIMIT_BLIND in trace.reasons_at(75)


def test_without_a_grid_measurement_manual_still_starts_at_the_safe_current() -> None:
    """ISS-16: no values since the start; manual is chosen at 10 s."""
    run = site(config(charger(), site=FUSE), load=500)
    run.plant.meter.silent = True
    run.command(10, SetMode(Mode.MANUAL))
    trace = run.run(60)
    assert trace.status_at(9) in (Status.WAIT_SUN, Status.CONNECTED)
    assert trace.setpoint_at(30) == 6
    assert trace.status_at(30) is Status.CHARGING


def test_a_sleeping_car_is_woken_a_few_times_and_then_left_alone() -> None:
    """ISS-32: current is offered and none is taken; six attempts at most, then the offer stays."""
    sleeper = car(asleep=True)
    run = site(config(charger(mode="manual")), cars=[sleeper])
    trace = run.run(HOUR_S)
    pulses = trace.stops()
    assert 1 <= len(pulses) <= 6
    assert trace.setpoint_at(HOUR_S) == 16
    assert min(trace.setpoints_between(pulses[-1] + 120)) == 16
    assert Why.ASLEEP in trace.reasons_at(HOUR_S)


def test_a_car_that_a_pulse_wakes_charges_on() -> None:
    """ISS-32: the first pulse helps."""
    run = site(config(charger(mode="manual")), cars=[car(asleep=True, wakes_after_pulses=1)])
    trace = run.run(300)
    assert trace.ev_w_at(300) == pytest.approx(11040)


def test_another_writer_is_reported_and_not_fought() -> None:
    """ISS-36: somebody writes 6 A every 10 s where 16 A are asked for; three rewrites at most."""
    run = site(config(charger(mode="manual")))
    run.every(10, lambda: run.plant.chargers[0].write_current(6), first_s=60)
    trace = run.run(600)
    rewrites = [w for w in trace.setpoint_writes(60) if w.current_a == 16]
    assert len(rewrites) <= 3
    decision = trace.decision_at(600)
    assert Why.FOREIGN_WRITER in trace.reasons_at(600)
    assert decision.lease is not None
    assert decision.lease.foreign_a == 6
    assert decision.lease.foreign_every_s == pytest.approx(10, abs=1)


def test_a_stop_is_repeated_against_another_writer() -> None:
    """ISS-36: what lowers is never given up; every 10 s or faster."""
    run = site(config(charger(mode="manual")))
    run.command(50, SetStart(False))
    run.every(60, lambda: run.plant.chargers[0].write_current(16), first_s=60)
    trace = run.run(600)
    assert trace.setpoint_at(600) == 0
    drawing = [row.time_s for row in trace.between(70) if row.ev_w[0] > 0]
    assert sum(1 for _ in drawing) <= 9 * 15, "each foreign write is undone within 15 s"
