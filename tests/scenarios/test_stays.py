"""A session is one stay of the car: nothing but unplugging ends it, and its energy is the meter's."""

from __future__ import annotations

import pytest

from phaeton.config.tree import Prices
from phaeton.model import SetPhases
from phaeton.simulation.battery import HouseBattery
from phaeton.simulation.profiles import square
from tests.scenarios.site import car, charger, config, site

HOUR_S = 3600.0


def test_clouds_switches_restarts_and_lost_connections_do_not_end_a_stay() -> None:
    run = site(config(charger()), pv=square(5000, 500, 0, 500), load=300)
    socket = run.plant.chargers[0]
    run.command(600, SetPhases(1))
    run.at(2000, lambda: setattr(socket, "silent", True))
    run.at(2300, lambda: setattr(socket, "silent", False))
    run.at(3000, lambda: setattr(run, "control_runs", False))
    run.at(3100, run.restart)
    run.run(4000)
    assert run.trace.sessions == []
    run.at(4000, socket.unplug)
    trace = run.run(4060)
    (stay,) = trace.sessions
    assert stay.energy_kwh == pytest.approx(socket.meter_kwh - 1000, abs=0.01)
    assert stay.meter_start_kwh == pytest.approx(1000, abs=0.001)
    assert stay.meter_end_kwh == pytest.approx(socket.meter_kwh, abs=0.001)
    assert stay.end_utc_s is not None
    assert stay.end_utc_s - stay.start_utc_s == pytest.approx(4000, abs=10)


def test_two_stays_are_two_sessions() -> None:
    run = site(config(charger(mode="manual")))
    socket = run.plant.chargers[0]
    run.at(300, socket.unplug)
    run.at(400, lambda: socket.plug(car()))
    run.at(700, socket.unplug)
    trace = run.run(800)
    assert len(trace.sessions) == 2
    assert len({stay.id for stay in trace.sessions}) == 2
    assert sum(stay.energy_kwh for stay in trace.sessions) == pytest.approx(socket.meter_kwh - 1000, abs=0.01)


def test_a_flicker_of_one_poll_is_no_departure() -> None:
    run = site(config(charger(mode="manual")))
    socket = run.plant.chargers[0]
    kept = socket.car
    assert kept is not None
    run.at(300, socket.unplug)
    run.at(301, lambda: socket.plug(kept))
    trace = run.run(400)
    assert trace.sessions == []
    assert trace.ev_w_at(400) == pytest.approx(11_040)


def test_energy_is_split_by_its_source_at_the_moment() -> None:
    prices = Prices(import_per_kwh=0.4, feed_in_per_kwh=0.1)
    setup = config(charger(phases=1, mode="manual", current_a=10), prices=prices)
    battery = HouseBattery(soc_pct=80, capacity_kwh=100, max_discharge_w=500 / 0.95, response_s=0.2)
    run = site(setup, pv=300 + 1000, load=300, battery=battery)
    run.at(HOUR_S, run.plant.chargers[0].unplug)
    trace = run.run(HOUR_S + 60)
    (stay,) = trace.sessions
    assert stay.energy_kwh == pytest.approx(2.3, abs=0.03)
    assert stay.battery_kwh == pytest.approx(0.5, abs=0.06)
    assert stay.grid_kwh == pytest.approx(0.8, abs=0.06)
    assert stay.pv_kwh == pytest.approx(1.0, abs=0.06)
    assert stay.pv_kwh + stay.battery_kwh + stay.grid_kwh == pytest.approx(stay.energy_kwh, abs=1e-6)
    assert stay.cost == pytest.approx(stay.grid_kwh * 0.4 + (stay.pv_kwh + stay.battery_kwh) * 0.1, abs=1e-6)
    assert stay.reference_cost == pytest.approx(stay.energy_kwh * 0.4, abs=1e-6)


def test_the_slots_of_a_stay_add_up_to_it() -> None:
    run = site(config(charger(mode="manual")), cars=[car()])
    run.at(2 * HOUR_S, run.plant.chargers[0].unplug)
    trace = run.run(2 * HOUR_S + 1000)
    (stay,) = trace.sessions
    mine = [slot for slot in trace.slots if slot.session == stay.id]
    assert len(mine) >= 8
    assert sum(slot.energy_kwh for slot in mine) == pytest.approx(stay.energy_kwh, abs=1e-6)
    assert sum(slot.cost for slot in mine) == pytest.approx(stay.cost, abs=1e-6)


def test_what_flowed_while_phaeton_was_down_belongs_to_the_stay() -> None:
    run = site(config(charger(mode="manual")))
    run.at(600, lambda: setattr(run, "control_runs", False))
    run.at(1200, run.restart)
    run.run(1500)
    session = run.trace.decision_at(1500).session
    assert session is not None
    assert session.energy_kwh == pytest.approx(run.plant.chargers[0].meter_kwh - 1000, abs=0.02)


def test_charging_seconds_are_not_the_time_of_the_stay() -> None:
    run = site(config(charger(mode="manual")), cars=[car(wanted_kwh=1.0)])
    trace = run.run(HOUR_S)
    session = trace.decision_at(HOUR_S).session
    assert session is not None
    assert session.charging_s == pytest.approx(1.0 / 11.04 * 3600, abs=20)


def test_a_step_of_the_wall_clock_does_not_invent_energy_or_end_the_stay() -> None:
    run = site(config(charger(mode="manual")))
    run.at(600, lambda: run.step_wall_clock(5 * HOUR_S))
    run.at(900, lambda: run.step_wall_clock(-9 * HOUR_S))
    trace = run.run(1500)
    session = trace.decision_at(1500).session
    assert session is not None
    assert trace.sessions == []
    assert session.energy_kwh == pytest.approx(run.plant.chargers[0].meter_kwh - 1000, abs=0.01)
    assert min(trace.setpoints_between(10)) == 16
