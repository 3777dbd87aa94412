"""Charging from the sun: following it, holding through clouds, resting, and leaving the battery its part."""

from __future__ import annotations

from itertools import pairwise

import pytest

from phaeton.config.tree import Auto, Battery, PhaseSwitching
from phaeton.model import Mode, SetMode, Status, Why
from phaeton.simulation.battery import HouseBattery
from phaeton.simulation.profiles import noisy, square, steady, steps
from tests.scenarios.site import Run, charger, charging, config, on_one_phase, site

HOUR_S = 3600.0
ONE_PHASE = config(charger(phases=1))
MIN_W = 6 * 230


def sunny(run: Run, pv_w: float = 3500) -> float:
    """Let the car start from the sun; returns the time at which it charges steadily."""
    run.pv = steady(pv_w)
    run.run(300)
    assert run.trace.status_at(300) is Status.CHARGING
    return 300.0


@pytest.mark.parametrize("delay_s", [0, 1, 2, 3, 5, 7, 10])
@pytest.mark.parametrize("phases", [1, 3])
def test_no_delay_of_the_meter_up_to_10_seconds_makes_the_current_swing(delay_s: float, phases: int) -> None:
    low_w, high_w = (2000, 5500) if phases == 1 else (5000, 11000)
    run = site(config(charger(phases=phases)), pv=steps(low_w, (600, high_w), (1200, low_w)), load=300)
    run.plant.meter.delay_s = delay_s
    trace = run.run(1800)
    for start_s, pv_w in ((600, high_w), (1200, low_w)):
        wanted_a = (pv_w - 350) / 230 / phases
        assert trace.direction_changes(start_s, start_s + 600) <= 2
        assert len(set(trace.setpoints_between(start_s + 120, start_s + 600))) == 1, "it settles"
        assert trace.setpoint_at(start_s + 599) == pytest.approx(wanted_a, abs=1.0)
    assert trace.stops() == []


@pytest.mark.parametrize("delay_s", [0, 3, 10])
@pytest.mark.parametrize("response_s", [0.5, 3])
def test_an_ess_beside_the_car_does_not_make_it_swing(delay_s: float, response_s: float) -> None:
    setup = config(charger(phases=1), battery=Battery(full_soc_pct=80))
    battery = HouseBattery(soc_pct=90, response_s=response_s, capacity_kwh=1000)
    run = site(setup, pv=steps(2500, (600, 5500), (1200, 2500)), load=300, battery=battery)
    run.plant.meter.delay_s = delay_s
    trace = run.run(1800)
    for start_s in (600, 1200):
        assert trace.direction_changes(start_s, start_s + 600) <= 2
        assert len(set(trace.setpoints_between(start_s + 180, start_s + 600))) <= 2
    assert trace.stops() == []


def test_a_noisy_meter_does_not_wear_the_charger() -> None:
    run = site(ONE_PHASE, pv=noisy(steady(4000), 100, 3, seed=2), load=300)
    run.plant.meter.noise_w = 60
    trace = run.run(HOUR_S + 300)
    assert len(trace.raises(300)) <= 60
    assert trace.stops(300) == []
    assert trace.import_wh(300) <= 60


def test_a_start_waits_for_the_mean_of_the_start_delay() -> None:
    run = site(ONE_PHASE, pv=steps(0, (100, 3000)), load=300)
    trace = run.run(400)
    assert trace.starts() == [pytest.approx(221, abs=4)]
    assert Why.START_DELAY in trace.reasons_at(200)
    assert trace.status_at(200) is Status.WAIT_SUN


def test_peaks_too_short_for_the_start_delay_start_nothing() -> None:
    run = site(ONE_PHASE, pv=square(3000, 40, 100, 80), load=300)
    assert run.run(HOUR_S).starts() == []


def test_a_small_deficit_is_held_for_the_minimum_duration_and_then_stopped() -> None:
    run = site(ONE_PHASE, load=300)
    start_s = sunny(run)
    run.pv = steady(300 + MIN_W - 300)
    trace = run.run(start_s + 900)
    stops = trace.stops(start_s)
    assert len(stops) == 1
    assert 300 <= stops[0] - start_s <= 345, "from the time at which the deficit is beyond doubt"
    assert Why.HOLD in trace.reasons_at(start_s + 200)


def test_the_bridge_bucket_ends_a_deep_hold_earlier() -> None:
    setup = config(charger(phases=1), auto=Auto(bridge_wh=50.0))
    run = site(setup, load=300)
    start_s = sunny(run)
    run.pv = steady(0)
    trace = run.run(start_s + 600)
    (stop_s,) = trace.stops(start_s)
    full_drain_s = 50 * 3600 / (MIN_W + 350)
    assert stop_s - start_s == pytest.approx(full_drain_s, abs=15)


def test_an_empty_bucket_still_bridges_a_minute() -> None:
    setup = config(charger(phases=1), auto=Auto(bridge_wh=0.0))
    run = site(setup, load=300)
    start_s = sunny(run)
    run.pv = steady(0)
    (stop_s,) = run.run(start_s + 600).stops(start_s)
    assert stop_s - start_s == pytest.approx(60, abs=8)


def test_the_bucket_is_refilled_by_the_sun() -> None:
    run = site(ONE_PHASE, load=300)
    start_s = sunny(run)
    shade_s, sun_s = 180.0, 400.0
    run.pv = lambda t: 3500 if (t - start_s) % (shade_s + sun_s) >= shade_s else 0
    trace = run.run(start_s + HOUR_S)
    assert trace.stops(start_s) == [], "700 Wh of sun between shades of 80 Wh"


def test_after_a_stop_the_car_rests() -> None:
    run = site(ONE_PHASE, load=300)
    start_s = sunny(run)
    run.pv = steps(0, (start_s + 230, 3500))
    trace = run.run(start_s + 1500)
    (stop_s,) = trace.stops(start_s)
    (again_s,) = trace.starts(start_s)
    assert again_s - stop_s >= 300
    assert Why.REST in trace.reasons_at(stop_s + 250)


def test_starts_are_limited_to_three_an_hour() -> None:
    run = site(ONE_PHASE, pv=square(3000, 400, 0, 500), load=300)
    trace = run.run(4 * HOUR_S)
    starts = trace.starts()
    assert len(starts) >= 5
    for start_s in starts:
        assert sum(start_s <= s < start_s + HOUR_S for s in starts) <= 3
    assert all(after - before >= 300 for before, after in pairwise(starts))


def test_after_ten_starts_in_a_day_the_rest_grows_to_15_minutes() -> None:
    run = site(ONE_PHASE, pv=square(3000, 500, 0, 700), load=300)
    trace = run.run(5.5 * HOUR_S)
    edges = sorted([(s, 1) for s in trace.starts()] + [(s, 0) for s in trace.stops()])
    rests = [b[0] - a[0] for a, b in pairwise(edges) if (a[1], b[1]) == (0, 1)]
    starts = trace.starts()
    assert len(starts) > 10
    late = [after - stop for stop, after in zip(trace.stops(), starts[1:], strict=False) if after > starts[9]]
    assert late
    assert min(late) >= 900
    assert min(rests) >= 300


def test_entering_auto_from_manual_without_sun_stops_without_a_hold() -> None:
    run = site(config(charger(phases=1, mode="manual")), load=300)
    run.command(120, SetMode(Mode.AUTO))
    trace = run.run(130)
    assert trace.setpoint_at(119) == 16
    assert trace.setpoint_at(121) == 0


def test_a_solar_share_of_half_lets_the_grid_fill_up_to_the_minimum() -> None:
    setup = config(charger(phases=1), auto=Auto(min_solar_share_pct=50))
    run = site(setup, pv=300 + 800, load=300)
    trace = run.run(900)
    assert trace.setpoint_at(900) == 6
    assert Why.MIN_SOLAR in trace.reasons_at(900)


def test_a_solar_share_of_zero_charges_at_the_minimum_by_night() -> None:
    run = site(config(charger(phases=1), auto=Auto(min_solar_share_pct=0)), load=300)
    trace = run.run(200)
    assert trace.setpoint_at(200) == 6


def test_a_house_without_a_grid_meter_is_reckoned_from_its_sun_and_its_loads() -> None:
    run = site(config(charger(phases=1)), pv=4000, load=400)
    run.plant.grid_metered = False
    trace = run.run(600)
    assert trace.ev_w_at(600) == pytest.approx(3600, abs=150)


def test_the_export_target_is_kept() -> None:
    run = site(ONE_PHASE, pv=4000, load=300)
    trace = run.run(900)
    last = trace.row_at(900)
    assert -50 - 0.5 * 230 <= last.grid_w <= 0


def test_the_sun_goes_to_the_battery_first_until_it_counts_as_full() -> None:
    battery = HouseBattery(soc_pct=50, capacity_kwh=1000, max_charge_w=3000)
    run = site(ONE_PHASE, pv=5000, load=300, battery=battery)
    trace = run.run(900)
    assert trace.row_at(900).battery_w == pytest.approx(3000 / 0.95, abs=150)
    assert trace.setpoint_at(900) == pytest.approx((5000 - 300 - 3000 / 0.95) / 230, abs=1.2)
    run.at(900, lambda: setattr(battery, "soc_pct", 85))
    trace = run.run(1800)
    assert trace.setpoint_at(1800) >= (5000 - 300) / 230 - 1.5
    assert trace.row_at(1800).battery_w < 400


def test_with_priority_for_the_car_the_battery_waits() -> None:
    setup = config(charger(phases=1), battery=Battery(priority="car"))
    battery = HouseBattery(soc_pct=50, capacity_kwh=1000, max_charge_w=3000)
    trace = site(setup, pv=5000, load=300, battery=battery).run(900)
    assert trace.setpoint_at(900) >= (5000 - 300) / 230 - 1.5


def test_a_battery_that_is_first_and_takes_everything_leaves_the_car_waiting() -> None:
    battery = HouseBattery(soc_pct=50, capacity_kwh=1000, max_charge_w=5000)
    trace = site(ONE_PHASE, pv=3000, load=300, battery=battery).run(900)
    assert trace.starts() == []
    assert trace.status_at(900) is Status.WAIT_SUN


def test_the_battery_is_not_drained_into_the_car_when_the_sun_goes() -> None:
    battery = HouseBattery(soc_pct=90, capacity_kwh=1000)
    run = site(ONE_PHASE, load=300, battery=battery)
    start_s = sunny(run, 4000)
    run.pv = steady(2000)
    trace = run.run(start_s + 300)
    assert trace.discharge_wh(start_s + 10, start_s + 300) <= 8
    assert trace.setpoint_at(start_s + 60) == pytest.approx(1700 / 230, abs=1)


def test_a_low_battery_stops_auto_until_three_percent_above() -> None:
    battery = HouseBattery(soc_pct=19, min_soc_pct=20, capacity_kwh=1000, max_charge_w=500)
    run = site(ONE_PHASE, pv=4500, load=300, battery=battery)
    trace = run.run(600)
    assert trace.status_at(600) is Status.LOW_SOC
    assert trace.setpoint_at(600) == 0
    run.at(600, lambda: setattr(battery, "soc_pct", 22.5))
    trace = run.run(1200)
    assert trace.status_at(1200) is Status.LOW_SOC
    run.at(1200, lambda: setattr(battery, "soc_pct", 23.5))
    trace = run.run(1900)
    assert trace.status_at(1900) is Status.CHARGING


def test_manual_does_not_care_about_a_low_battery() -> None:
    battery = HouseBattery(soc_pct=15, min_soc_pct=20)
    trace = site(config(charger(mode="manual")), load=300, battery=battery).run(60)
    assert trace.setpoint_at(60) == 16


def test_auto_without_values_of_the_house_falls_to_the_minimum_and_then_stops() -> None:
    run = site(ONE_PHASE, load=300)
    start_s = sunny(run, 4500)
    run.plant.meter.silent = True
    trace = run.run(start_s + 120)
    before_a = trace.setpoint_at(start_s)
    assert max(trace.setpoints_between(start_s)) == before_a
    assert before_a > 10
    assert trace.setpoint_at(start_s + 25) == before_a
    assert trace.setpoint_at(start_s + 32) == 6
    assert trace.setpoint_at(start_s + 62) == 0
    assert Why.SITE_STALE in trace.reasons_at(start_s + 62)


def test_manual_goes_on_without_values_of_the_house() -> None:
    run = site(config(charger(mode="manual")), load=300)
    run.plant.meter.silent = True
    trace = run.run(300)
    assert trace.setpoint_at(300) == 16


def test_setpoints_turn_back_within_10_seconds_only_for_a_large_deficit() -> None:
    run = site(ONE_PHASE, pv=noisy(steady(4000), 800, 7, seed=5), load=300)
    trace = run.run(HOUR_S)
    edges: list[tuple[float, float]] = []
    values = [(row.time_s, row.decision.points[0].current_a) for row in trace.between(300)]
    for (_, before_a), (time_s, after_a) in pairwise(values):
        if after_a != before_a:
            edges.append((time_s, after_a - before_a))
    for (first_s, first_a), (then_s, then_a) in pairwise(edges):
        if then_s - first_s < 10:
            assert not (first_a < 0 < then_a), f"raised {then_s - first_s} s after a reduction at {first_s}"


def test_a_live_setpoint_is_adopted_when_phaeton_starts() -> None:
    run = site(config(charger(phases=1)), pv=3000, load=300)
    charging(run, 10.0)
    trace = run.run(30)
    assert min(trace.setpoints_between()) > 0
    assert min(row.ev_w[0] for row in trace.rows) >= MIN_W
    assert all(write.current_a != 0 for write in trace.setpoint_writes())


def test_a_surplus_between_one_and_three_phases_is_used_on_one() -> None:
    run = site(config(charger(), phases=PhaseSwitching()), pv=3300, load=300)
    trace = run.run(900)
    assert trace.ev_w_at(900) == pytest.approx(2950, abs=250)
    assert run.plant.chargers[0].phases_closed == 1
    assert len(trace.phase_writes()) == 1, "choosing before the first start is free"


def test_without_automatic_switching_the_phases_stay() -> None:
    run = site(config(charger(), phases=PhaseSwitching(auto_switch=False)), pv=3300, load=300)
    on_one_phase(run)
    trace = run.run(900)
    assert trace.phase_writes() == []
