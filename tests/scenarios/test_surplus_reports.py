"""What users of solar charging reported about sun, clouds and the house battery, as acceptance of the closed loop.

The scenarios are numbered ISS-01 to ISS-40 in the project's notes. Not here, because what they need comes later:
ISS-20 to -27 (price plans), -28 and -29 (state of charge of the car), -30 (price limits), -38 and -39 (simulation
over histories), -40 (cost on the device, in ``benchmarks/``). ISS-34 is about the D-Bus service and is tested with
it. Those about the charger, its limits and its phases are in ``test_charger_reports.py``.
"""

from __future__ import annotations

from itertools import pairwise

import pytest

from phaeton.config.tree import Auto, Battery, Prices
from phaeton.model import ChargerWrite, Mode, SetCurrent, SetMode, Status, Why
from phaeton.simulation.battery import HouseBattery
from phaeton.simulation.car import Car
from phaeton.simulation.profiles import square, steps
from tests.scenarios.site import car, charger, config, site

MINUTE_S = 60.0
HOUR_S = 3600.0


def test_dynamic_ess_keeps_its_plan_and_the_owner_hears_that_the_battery_is_not_protected() -> None:
    """ISS-01: manual at 11 kW for an hour while Dynamic ESS holds the battery; where it does not, that is said."""
    setup = config(charger(mode="manual"))
    holding = site(setup, load=300, battery=HouseBattery(soc_pct=60, schedule_w=0.0, max_discharge_w=5000))
    trace = holding.run(HOUR_S)
    assert trace.ev_w_at(HOUR_S) == pytest.approx(11040)
    assert trace.discharge_wh() <= 200
    assert Why.BATTERY_NOT_PROTECTED not in trace.reasons_between(60)

    giving = site(setup, load=300, battery=HouseBattery(soc_pct=60, max_discharge_w=5000))
    trace = giving.run(5 * MINUTE_S)
    assert Why.BATTERY_NOT_PROTECTED in trace.reasons_between(60)


def test_the_charger_is_all_that_a_decision_can_write_to() -> None:
    """ISS-02, -03, -04, -05: no minimum SoC and no mode of the GX is changed, so none must be put back."""
    assert set(ChargerWrite.__struct_fields__) == {"current_a", "phases"}
    battery = HouseBattery(soc_pct=60.4, min_soc_pct=35)
    run = site(config(charger(mode="manual")), load=300, battery=battery)
    trace = run.run(30 * MINUTE_S)
    assert battery.min_soc_pct == 35
    assert {write.point for write in trace.writes} == {"1"}


def test_the_minimum_comes_from_the_grid_where_the_battery_feeds_only_the_output() -> None:
    """ISS-06: minimum plus sun at night; the battery may not feed the car, and the GX is set up so."""
    setup = config(charger(phases=1), auto=Auto(min_solar_share_pct=0))
    battery = HouseBattery(soc_pct=45, feeds_input_loads=False)
    trace = site(setup, load=300, battery=battery).run(10 * MINUTE_S)
    last = trace.row_at(600)
    assert last.ev_w == (1380,)
    assert last.grid_w >= 1300
    assert all(row.battery_w >= -350 for row in trace.between(120))


def test_the_minimum_is_not_taken_from_a_battery_that_would_give_it() -> None:
    """ISS-06: the same where the battery feeds every load: no charging, and the message says why."""
    setup = config(charger(phases=1), auto=Auto(min_solar_share_pct=0))
    trace = site(setup, load=300, battery=HouseBattery(soc_pct=45)).run(10 * MINUTE_S)
    assert trace.setpoint_at(600) == 0
    assert Why.BATTERY_NOT_PROTECTED in trace.reasons_at(600)


def test_a_cloud_of_20_seconds_does_not_open_the_contactor() -> None:
    """ISS-07: 3000 W, 300 W for 20 s, 3000 W again; nothing switches and little is imported."""
    start_s = 300.0
    pv = steps(3000, (start_s + 60, 300), (start_s + 80, 3000))
    run = site(config(charger(phases=1)), pv=pv, load=400)
    trace = run.run(start_s + 600)
    assert trace.status_at(start_s) is Status.CHARGING
    assert trace.stops(start_s) == []
    assert trace.phase_writes() == []
    assert trace.import_wh(start_s) <= 12


@pytest.mark.parametrize("load_w", [0.0, 300.0])
def test_an_hour_of_minute_long_clouds_starts_the_car_three_times_at_most(load_w: float) -> None:
    """ISS-08: 60 s at 3000 W and 60 s at 200 W in turn."""
    run = site(config(charger(phases=1)), pv=square(3000, 60, 200, 60), load=load_w)
    trace = run.run(HOUR_S)
    assert run.plant.chargers[0].starts <= 3
    assert len(trace.starts()) <= 3
    assert len(trace.phase_writes()) <= 2


def test_a_frozen_meter_is_found_out_and_charging_falls_back() -> None:
    """ISS-17: the grid power stands still at an export while the car's power moves by kilowatts."""
    run = site(config(charger(phases=1)), pv=4300, load=400)
    run.at(150, lambda: setattr(run.plant.meter, "frozen", True))
    run.plant.chargers[0].write_current(0)
    trace = run.run(150)
    assert trace.setpoint_at(150) > 0, "it has just begun"
    trace = run.run(420)
    frozen_s = [row.time_s for row in trace.rows if Why.SITE_FROZEN in trace.reasons_at(row.time_s)]
    assert frozen_s, "never found out"
    grew = [row.time_s for row in trace.rows if row.time_s > 150 and row.ev_w[0] > trace.ev_w_at(150) + 1000]
    moved_s = grew[0] if grew else 150.0
    assert frozen_s[0] <= moved_s + 60
    assert trace.setpoint_at(frozen_s[0] + 35) <= 6
    assert trace.setpoint_at(frozen_s[0] + 65) == 0


def test_a_meter_that_is_10_seconds_late_does_not_make_the_current_swing() -> None:
    """ISS-18: 6 A on one phase, then a step of the sun from 1000 to 5000 W; 32 A are allowed."""
    step_s = 420.0
    run = site(config(charger(phases=1)), pv=steps(2000, (step_s - 60, 1000), (step_s, 5000)))
    run.plant.meter.delay_s = 10.0
    trace = run.run(step_s + 600)
    final_a = (5000 - 50) / 230
    assert trace.setpoint_at(step_s) == 6
    after = trace.setpoints_between(step_s)
    assert max(after) <= final_a + 1
    assert all(abs(a - final_a) <= 1 for a in trace.setpoints_between(step_s + 60))
    assert trace.direction_changes(step_s) <= 2


def test_a_car_that_takes_less_than_offered_is_followed_down_at_once() -> None:
    """ISS-19: 16 A or more offered, 11 A taken; when the sun goes the current falls below 11 A in two cycles."""
    drop_s = 500.0
    run = site(config(charger()), pv=steps(12500, (drop_s, 1500)), cars=[Car(max_a=11, capacity_kwh=10_000)])
    trace = run.run(drop_s + 30)
    assert trace.ev_w_at(drop_s) == pytest.approx(11 * 690)
    assert trace.setpoint_at(drop_s) >= 11
    assert trace.setpoint_at(drop_s + 2) < 11


def test_the_battery_boost_does_not_flutter_at_its_limit() -> None:
    """ISS-31: the battery may feed the car above 50 %; its SoC wanders around that for half an hour."""
    setup = config(charger(phases=1), battery=Battery(feed_car_soc_pct=50, feed_car_w=2000))
    battery = HouseBattery(soc_pct=51, capacity_kwh=1e6, min_soc_pct=10)
    run = site(setup, pv=500, load=300, battery=battery)
    for minute in range(30):
        soc_pct = (51, 50, 49.9, 50.1, 49.9)[minute % 5] if minute else 51
        run.at(minute * MINUTE_S, lambda soc_pct=soc_pct: setattr(battery, "soc_pct", soc_pct))
    trace = run.run(30 * MINUTE_S)
    feeding = [Why.BATTERY_FEEDS in {r.why for r in row.decision.points[0].reasons} for row in trace.rows]
    assert any(feeding)
    assert sum(a != b for a, b in pairwise(feeding[5:])) <= 1


def test_the_mode_chosen_on_the_gx_is_in_force_at_once() -> None:
    """ISS-35: /Mode 0 and then /SetCurrent 10 while auto waits for the sun."""
    run = site(config(charger()), pv=0, load=300)
    run.command(100, SetMode(Mode.MANUAL))
    run.command(105, SetCurrent(10))
    trace = run.run(130)
    assert trace.decision_at(100).mode is Mode.AUTO
    assert trace.decision_at(101).mode is Mode.MANUAL
    assert trace.setpoint_at(106) == 10
    assert trace.ev_w_at(120) == pytest.approx(6900)


def test_a_full_car_is_left_in_peace_and_its_sun_goes_to_the_next() -> None:
    """ISS-33: nothing is drawn below the car's own limit: no wake-ups, no surplus kept for it."""
    setup = config(charger(1, phases=1, priority=5), charger(2, phases=1))
    full = car(1, wanted_kwh=0.15)
    run = site(setup, pv=3000, load=200, cars=[full, car(1)])
    trace = run.run(30 * MINUTE_S)
    assert full.full
    assert trace.status_at(1800, "1") is Status.CHARGED
    full_s = next(row.time_s for row in trace.rows if row.decision.points[0].status is Status.CHARGED)
    assert Why.WAKING not in trace.reasons_between(0, point="1")
    assert trace.stops(full_s, point="1") in ([], trace.stops(full_s, point="1")[:1])
    assert trace.ev_w_at(1800, "2") >= 2000


def test_what_a_session_cost_does_not_change_with_the_price() -> None:
    """ISS-37: 40 % from the grid at 0.30, sun worth 0.08: 0.168 a kWh against 0.30; then the price rises."""
    chargers = charger(phases=1, mode="manual")
    before = config(chargers, prices=Prices(import_per_kwh=0.3, feed_in_per_kwh=0.08))
    after = config(chargers, prices=Prices(import_per_kwh=0.5, feed_in_per_kwh=0.08))
    run = site(before, pv=0.6 * 3680, cars=[Car(phases=1, wanted_kwh=1.0, start_s=0, raise_a_per_s=99)])
    trace = run.run(HOUR_S)
    session = trace.decision_at(HOUR_S).session
    assert session is not None
    assert session.energy_kwh == pytest.approx(1.0, abs=0.01)
    assert session.cost == pytest.approx(0.168, abs=0.004)
    assert session.reference_cost == pytest.approx(0.30, abs=0.004)
    run.reconfigure(HOUR_S, after)
    run.run(HOUR_S + 60)
    run.plant.chargers[0].unplug()
    trace = run.run(HOUR_S + 120)
    assert len(trace.sessions) == 1
    assert (trace.sessions[0].cost, trace.sessions[0].reference_cost) == (session.cost, session.reference_cost)
