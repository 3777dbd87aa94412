"""The setpoint lives on a lease: what happens when Phaeton dies, restarts, or somebody else writes."""

from __future__ import annotations

import pytest

from phaeton.config.tree import Charger, Initial
from phaeton.model import Mode, SetCurrent, SetMode, SetStart, Status, Why
from phaeton.simulation.profiles import steps
from tests.scenarios.site import car, charger, charging, config, site


@pytest.mark.parametrize("validity_s", [10.0, 60.0, 300.0])
def test_a_live_control_never_lets_the_setpoint_lapse(validity_s: float) -> None:
    run = site(config(charger(mode="manual")))
    run.plant.chargers[0].validity_s = validity_s
    run.run(900)
    assert run.plant.chargers[0].offered_a == 16
    assert min(row.ev_w[0] for row in run.trace.between(60)) > 11_000


def test_writes_are_no_more_than_the_lease_needs() -> None:
    run = site(config(charger(mode="manual")))
    trace = run.run(3600)
    assert len(trace.setpoint_writes(60)) <= 3540 / 25 + 1


def test_when_phaeton_dies_the_charger_falls_to_its_safe_current() -> None:
    run = site(config(charger(mode="manual")))
    run.at(300, lambda: setattr(run, "control_runs", False))
    run.run(300)
    lease = run.trace.decision_at(300).lease
    assert lease is not None
    assert lease.safe_a == 6
    for _ in range(65):
        run.step()
    assert run.plant.chargers[0].offered_a == 6


def test_a_restart_goes_on_with_what_was_asked_for() -> None:
    run = site(config(charger()), pv=0, load=300)
    run.command(10, SetMode(Mode.MANUAL))
    run.command(11, SetCurrent(13))
    run.at(300, lambda: setattr(run, "control_runs", False))
    run.at(320, run.restart)
    trace = run.run(400)
    assert trace.setpoint_at(400) == 13
    assert min(row.ev_w[0] for row in trace.between(60)) == pytest.approx(13 * 690), "no gap"
    assert all(write.current_a == 13 for write in trace.setpoint_writes(300))


def test_a_restart_in_auto_goes_on_without_a_stop() -> None:
    run = site(config(charger(phases=1)), pv=4000, load=300)
    run.at(600, lambda: setattr(run, "control_runs", False))
    run.at(630, run.restart)
    trace = run.run(900)
    assert trace.stops() == []
    assert all(write.current_a != 0 for write in trace.setpoint_writes(300))
    assert trace.sessions == []


def test_a_stop_survives_a_restart() -> None:
    run = site(config(charger(mode="manual")))
    run.command(60, SetStart(False))
    run.at(100, lambda: setattr(run, "control_runs", False))
    run.at(200, run.restart)
    trace = run.run(300)
    assert trace.setpoint_at(300) == 0
    assert run.plant.chargers[0].power_w == 0


def test_a_live_setpoint_is_not_adopted_against_a_stop() -> None:
    setup = config(Charger(host="charger-1", id="1", initial=Initial(mode="manual", start=False)))
    run = site(setup)
    charging(run, 16)
    trace = run.run(10)
    assert trace.setpoint_at(1) == 0
    assert run.plant.chargers[0].power_w == 0


def test_a_reboot_of_the_charger_is_repaired() -> None:
    run = site(config(charger(mode="manual")))
    run.at(300, run.plant.chargers[0].reboot)
    trace = run.run(330)
    assert run.plant.chargers[0].offered_a == 16
    assert trace.ev_w_at(330) == pytest.approx(11_040)


def test_a_charger_that_ignores_writes_is_reported() -> None:
    run = site(config(charger(mode="manual")))
    run.plant.chargers[0].ignores_writes = True
    trace = run.run(300)
    assert Why.WRITES_IGNORED in trace.reasons_at(300)
    assert trace.status_at(300) is Status.CHARGING, "at its safe current"


def test_a_refused_write_is_tried_again_and_nothing_breaks() -> None:
    run = site(config(charger(mode="manual")))
    socket = run.plant.chargers[0]
    socket.refuses_writes = True
    run.at(120, lambda: setattr(socket, "refuses_writes", False))
    trace = run.run(180)
    assert len(trace.setpoint_writes(0, 120)) <= 15, "no busy loop"
    assert trace.ev_w_at(180) == pytest.approx(11_040)


def test_one_foreign_write_is_undone_and_forgotten() -> None:
    run = site(config(charger(mode="manual")))
    run.at(60, lambda: run.plant.chargers[0].write_current(8))
    trace = run.run(600)
    assert trace.ev_w_at(90) == pytest.approx(11_040)
    assert Why.FOREIGN_WRITER in trace.reasons_between(60, 180)
    assert Why.FOREIGN_WRITER not in trace.reasons_at(600)


def test_a_slow_charger_does_not_look_like_a_foreign_writer() -> None:
    run = site(config(charger(phases=1)), pv=steps(3000, (400, 5000), (600, 3000)), load=300, write_delay_s=2)
    run.plant.chargers[0].apply_delay_s = 5
    trace = run.run(1200)
    assert Why.FOREIGN_WRITER not in trace.reasons_between()
    assert Why.WRITES_IGNORED not in trace.reasons_between()


def test_a_meter_that_is_not_a_number_does_not_stop_manual() -> None:
    run = site(config(charger(mode="manual")), cars=[car()])
    run.at(60, lambda: setattr(run.plant.chargers[0], "meter_is_nan", True))
    trace = run.run(300)
    assert trace.setpoint_at(300) == 16
    assert trace.status_at(300) is Status.CHARGING
