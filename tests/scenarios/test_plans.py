"""Departures, prices and the car's charge: ISS-20 to ISS-30, and what stands beside them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from phaeton.config.tree import Auto, PointLimits, Prices, Schedule
from phaeton.config.tree_cars import Departure, Vehicle
from phaeton.config.tree_schedule import PlanSettings
from phaeton.model import (
    Boost,
    ChargerIdentity,
    ForecastCurve,
    ForecastSlot,
    Mode,
    Plan,
    PriceCurve,
    PriceSlot,
    SetGoal,
    SetLimitSoc,
    SetMinSoc,
    SetMode,
    SetVehicle,
    SlotWhy,
    Status,
    VehicleReading,
    Why,
)
from phaeton.simulation.car import Car
from phaeton.streams.planner import Request, blocks, plan
from tests.scenarios.site import Run, car, charger, config, site

HOUR_S = 3600.0
MINUTE_S = 60.0
QUARTER_S = 900.0
MARGIN_S = 900.0
MIDNIGHT_UTC_S = 1_750_377_600.0
"""2025-06-20 00:00 UTC, a Friday."""


def quarters(
    values: Sequence[float], start_s: float = 0.0, slot_s: float = QUARTER_S, feed_in: float = 0.08
) -> tuple[PriceSlot, ...]:
    return tuple(
        PriceSlot(start_s + n * slot_s, start_s + (n + 1) * slot_s, value, feed_in) for n, value in enumerate(values)
    )


def with_prices(run: Run, values: Sequence[float], *, at_s: float = 0.0, slot_s: float = QUARTER_S) -> None:
    """From a time on these prices are known, counted from the start of the run."""
    start_s = run.now()[1]
    run.at(at_s, lambda: run.feed(PriceCurve(*run.now(), quarters(values, start_s, slot_s), "EUR")))


def with_surplus(run: Run, hours: dict[int, float]) -> None:
    """A forecast of surplus by the hours of the run."""
    start_s = run.now()[1]
    slots = tuple(
        ForecastSlot(start_s + hour * HOUR_S, start_s + (hour + 1) * HOUR_S, surplus_w=watts)
        for hour, watts in sorted(hours.items())
    )
    run.at(0, lambda: run.feed(ForecastCurve(*run.now(), slots)))


def told(run: Run, at_s: float, soc_pct: float, *, age_s: float = 0.0, vehicle: str = "car", **more: object) -> None:
    """The car tells its charge at a time."""

    def tell() -> None:
        mono_s, utc_s = run.now()
        run.feed(
            VehicleReading(
                mono_s,
                utc_s,
                vehicle=vehicle,
                soc_pct=soc_pct,
                soc_utc_s=utc_s - age_s,
                **more,  # type: ignore[arg-type]
            )
        )

    run.at(at_s, tell)


def garage(
    *,
    schedule: Schedule | None = None,
    mode: str = "scheduled",
    most_a: float = 16.0,
    vehicles: Sequence[Vehicle] = (),
    auto: Auto | None = None,
    prices: Prices | None = None,
    cars: Sequence[Car | None] | None = None,
    start_utc_s: float = MIDNIGHT_UTC_S,
    dt_s: float = 10.0,
    pv: object = 0.0,
) -> Run:
    """One point of 16 A (11 kW on three phases) in scheduled mode."""
    setup = config(
        charger(mode=mode).__class__(
            host="charger-1",
            id="1",
            limits=PointLimits(max_set_current_a=most_a),
            initial=charger(mode=mode).initial,
        ),
        schedule=schedule,
        vehicles=vehicles,
        auto=auto,
        prices=prices,
    )
    return site(setup, cars=cars, start_utc_s=start_utc_s, dt_s=dt_s, load=300, pv=pv)  # type: ignore[arg-type]


def goal(
    run: Run, deadline_s: float, *, kwh: float | None = None, soc_pct: float | None = None, at_s: float = 0
) -> None:
    """A goal of once; the deadline is the departure less the margin."""
    departure_s = run.now()[1] + deadline_s + MARGIN_S
    run.command(at_s, SetGoal(departure_utc_s=departure_s, energy_kwh=kwh, soc_pct=soc_pct))


def plan_at(run: Run, time_s: float) -> Plan:
    found = run.trace.decision_at(time_s).plan
    assert found is not None
    return found


def reached_at(run: Run, kwh: float) -> float:
    """When the car had taken so much."""
    taken = 0.0
    for row in run.trace.rows:
        taken += row.ev_w[0] * run.dt_s / 3.6e6
        if taken >= kwh - 0.02:
            return row.time_s
    raise AssertionError(f"the car got {taken:.2f} of {kwh} kWh")


# ISS-20: equal prices are one block, and it ends at the deadline.


def test_equal_prices_make_one_block_at_the_end() -> None:
    made = plan(
        Request(
            now_s=0, departure_s=1440 * MINUTE_S + MARGIN_S, need_kwh=33.0, power_w=11_000, prices=quarters([0.30] * 96)
        )
    )
    assert blocks(made.slots) == [(1260 * MINUTE_S, 1440 * MINUTE_S)]


def test_with_equal_prices_the_car_charges_in_one_go() -> None:
    run = garage(dt_s=20)
    with_prices(run, [0.30] * 96)
    goal(run, 12 * HOUR_S, kwh=16.5)
    run.run(13 * HOUR_S)
    assert len(run.trace.starts()) == 1
    assert reached_at(run, 16.5) <= 12 * HOUR_S
    assert Why.PLAN_DONE in run.trace.reasons_at(12.5 * HOUR_S)


# ISS-21: few blocks at nearly equal cost.


def test_each_further_start_must_save_its_cost() -> None:
    request = Request(
        now_s=0,
        departure_s=600 * MINUTE_S + MARGIN_S,
        need_kwh=22.0,
        power_w=11_000,
        prices=quarters([0.300, 0.299] * 20),
        start_cost=0.02,
    )
    assert len(blocks(plan(request).slots)) <= 2


# ISS-22: a running plan does not stop because the rest was computed again.


def test_a_running_plan_goes_on_while_the_charge_is_estimated_anew() -> None:
    battery = Vehicle(id="car", battery_kwh=60, max_current_a=16)
    run = garage(vehicles=[battery], cars=[car(max_a=16, capacity_kwh=60, soc_pct=50, efficiency=0.85)])
    with_prices(run, [0.30] * 16 + [0.20] * 5 + [0.31] * 7)
    told(run, 0, 50)
    goal(run, 6.5 * HOUR_S, soc_pct=65)
    plug = run.plant.chargers[0]
    for minute in range(242, 330, 6):
        jump = 1.0 if minute % 12 else -1.0
        run.at(
            minute * MINUTE_S,
            lambda jump=jump: run.feed(
                VehicleReading(*run.now(), vehicle="car", soc_pct=round((plug.car.soc_pct if plug.car else 0) + jump))
            ),
        )
    run.run(6.5 * HOUR_S)
    done_s = next(
        row.time_s for row in run.trace.rows if Why.PLAN_DONE in {r.why for r in row.decision.points[0].reasons}
    )
    assert len(run.trace.starts(end_s=done_s)) == 1
    assert run.trace.stops(end_s=done_s - 60) == []
    assert run.trace.starts(start_s=done_s) == []
    assert plug.car is not None
    assert plug.car.soc_pct == pytest.approx(65, abs=2.5)


# ISS-23: a car that charges more slowly than planned.


def test_a_slow_car_is_given_more_time_early_enough() -> None:
    run = garage(cars=[car(max_a=13)])
    with_prices(run, [0.21] * 12 + [0.20] * 8 + [0.30] * 8)
    goal(run, 300 * MINUTE_S, kwh=22.0)
    run.run(330 * MINUTE_S)
    assert reached_at(run, 22.0) <= 300 * MINUTE_S
    assert len(run.trace.starts()) == 1


# ISS-24: a deadline that cannot be met.


def test_too_late_means_at_once_and_says_what_will_be_missing() -> None:
    run = garage()
    with_prices(run, [0.10, 0.50] * 12)
    goal(run, 120 * MINUTE_S, kwh=4 * 16 * 3 * 0.230 * 0.8)
    run.run(40)
    late = plan_at(run, 40)
    assert run.trace.setpoint_at(30) == 16
    assert late.missing_pct == pytest.approx(50, abs=1)
    assert late.late_s == pytest.approx(105 * MINUTE_S, abs=60)
    assert Why.PLAN_LATE in run.trace.reasons_at(40)


def test_after_a_missed_departure_the_car_goes_on_until_the_goal() -> None:
    run = garage(dt_s=20)
    with_prices(run, [0.10, 0.50] * 16)
    goal(run, 30 * MINUTE_S, kwh=22.0)
    run.run(4 * HOUR_S)
    assert len(run.trace.starts()) <= 1
    assert reached_at(run, 22.0) < 2.2 * HOUR_S
    assert run.trace.setpoint_at(3 * HOUR_S) == 0


# ISS-25, ISS-26: the forecast.


def sunny(kwh: float) -> tuple[dict[int, float], object]:
    """A surplus around noon for a run that begins at 20:00, as forecast and as the sun gives it."""
    watts = kwh * 1000 / 6
    return dict.fromkeys(range(13, 19), watts), lambda time_s: watts + 300 if 13 <= time_s / HOUR_S < 19 else 0.0


@pytest.mark.parametrize("day_price", [0.28, 0.36])
def test_the_sun_that_is_forecast_replaces_charging_at_night(day_price: float) -> None:
    forecast, pv = sunny(20)
    run = garage(pv=pv, dt_s=20, start_utc_s=MIDNIGHT_UTC_S + 20 * HOUR_S)
    with_prices(run, [0.30] * 16 + [0.28] * 24 + [day_price] * 56)
    with_surplus(run, forecast)
    goal(run, 21 * HOUR_S, kwh=8.0)
    run.run(21 * HOUR_S)
    assert run.trace.ev_wh(0, 12 * HOUR_S) <= 1000
    assert reached_at(run, 8.0) <= 21 * HOUR_S
    assert run.trace.import_wh(13 * HOUR_S, 19 * HOUR_S) < 1500


def test_a_poor_forecast_leads_to_the_cheapest_hours_of_the_night() -> None:
    forecast, pv = sunny(5)
    run = garage(pv=pv, dt_s=20, start_utc_s=MIDNIGHT_UTC_S + 20 * HOUR_S)
    with_prices(run, [0.34] * 16 + [0.28] * 24 + [0.36] * 56)
    with_surplus(run, forecast)
    goal(run, 21 * HOUR_S, kwh=8.0)
    run.run(21 * HOUR_S)
    assert run.trace.ev_wh(4 * HOUR_S, 10 * HOUR_S) >= 5000
    assert reached_at(run, 8.0) <= 21 * HOUR_S


def test_a_sun_that_does_not_come_is_bought_in_time() -> None:
    forecast, _ = sunny(20)
    run = garage(pv=0.0, dt_s=20, start_utc_s=MIDNIGHT_UTC_S + 20 * HOUR_S)
    with_prices(run, [0.28] * 96)
    with_surplus(run, forecast)
    goal(run, 21 * HOUR_S, kwh=8.0)
    run.run(21 * HOUR_S)
    assert reached_at(run, 8.0) <= 21 * HOUR_S


# ISS-27: minimum and sun together with a plan.


@pytest.mark.parametrize(("share_pct", "filled"), [(100.0, False), (0.0, True)])
def test_dear_hours_are_filled_from_the_grid_only_where_the_owner_wants_it(share_pct: float, filled: bool) -> None:
    schedule = Schedule(auto_outside=True, strategy="plan", outside_solar_share_pct=share_pct)
    run = garage(schedule=schedule, auto=Auto(min_solar_share_pct=0.0))
    with_prices(run, [0.45] * 16 + [0.18] * 8 + [0.45] * 8)
    goal(run, 8 * HOUR_S, kwh=8.0)
    run.run(4 * HOUR_S)
    assert (run.trace.ev_wh(0, 4 * HOUR_S) > 100) is filled


# ISS-28, ISS-29: the car's minimum with a silent or an unknown charge.


def test_an_old_charge_and_the_energy_since_decide_about_the_minimum() -> None:
    battery = Vehicle(id="car", battery_kwh=60, min_soc_pct=30)
    run = garage(vehicles=[battery], mode="manual")
    told(run, 0, 28, age_s=10 * HOUR_S)
    run.command(17 * MINUTE_S, SetMode(Mode.AUTO))
    run.run(40 * MINUTE_S)
    known = run.trace.row_at(40 * MINUTE_S).decision.cars[0]
    assert run.plant.chargers[0].meter_kwh - 1000 == pytest.approx(3.0, abs=0.2)
    assert known.soc_pct == pytest.approx(32.25, abs=0.3)
    assert known.soc_age_s == pytest.approx(10 * HOUR_S + 40 * MINUTE_S, abs=60)
    assert run.trace.setpoint_at(40 * MINUTE_S) == 0
    assert Why.SOC_OLD in run.trace.reasons_at(40 * MINUTE_S)


def test_below_its_minimum_the_car_charges_at_once_and_only_up_to_it() -> None:
    battery = Vehicle(id="car", battery_kwh=60, min_soc_pct=30)
    run = garage(vehicles=[battery], mode="auto", cars=[car(max_a=16)])
    told(run, 0, 28)
    run.run(30 * MINUTE_S)
    assert run.trace.setpoint_at(60) == 16
    assert Why.MIN_SOC in run.trace.reasons_at(60)
    assert run.trace.setpoint_at(30 * MINUTE_S) == 0
    assert run.plant.chargers[0].meter_kwh - 1000 == pytest.approx(2 * 0.6 / 0.85, abs=0.1)


def test_a_charge_that_is_never_known_does_not_charge_for_ever() -> None:
    battery = Vehicle(id="car", battery_kwh=60, min_soc_pct=30)
    run = garage(vehicles=[battery], mode="auto", cars=[car(max_a=16)], dt_s=5)
    run.run(2 * HOUR_S)
    assert 20 < run.plant.chargers[0].meter_kwh - 1000 <= 21.2
    assert Why.SOC_UNKNOWN in run.trace.reasons_at(2 * HOUR_S)
    assert run.trace.setpoint_at(2 * HOUR_S) == 0


def test_manual_does_not_know_of_a_minimum() -> None:
    battery = Vehicle(id="car", battery_kwh=60, min_soc_pct=30)
    run = garage(vehicles=[battery], mode="manual")
    run.command(0, SetMinSoc(50))
    told(run, 0, 20)
    run.run(60)
    assert Why.MIN_SOC not in run.trace.reasons_between()


# ISS-30: what the sun's share does to the price.


def test_the_price_counts_the_sun_with_what_feeding_in_would_bring() -> None:
    schedule = Schedule(strategy="threshold", threshold_per_kwh=0.15)
    watts = 0.7 * 16 * 3 * 230 * 0.8
    run = garage(schedule=schedule, pv=watts + 300)
    start_s = run.now()[1]
    slots = quarters([0.2] * 8, start_s, feed_in=0.06)
    run.at(0, lambda: run.feed(PriceCurve(*run.now(), slots, "EUR")))
    run.run(240)
    reason = next(r for r in run.trace.decision_at(30).reasons if r.why is Why.PRICE_LOW)
    assert reason.value == pytest.approx(0.102, abs=0.005)
    assert run.trace.setpoint_at(240) == 16


def test_without_the_sun_the_same_price_is_too_high() -> None:
    run = garage(schedule=Schedule(strategy="threshold", threshold_per_kwh=0.15))
    with_prices(run, [0.2] * 4 + [0.1] * 4)
    run.run(2 * HOUR_S)
    assert run.trace.setpoint_at(0.9 * HOUR_S) == 0
    waits = next(r for r in run.trace.decision_at(0.5 * HOUR_S).reasons if r.why is Why.PRICE_WAIT)
    assert waits.left_s == pytest.approx(0.5 * HOUR_S, abs=30)
    assert run.trace.setpoint_at(1.1 * HOUR_S) == 16
    assert run.trace.starts() == [pytest.approx(HOUR_S, abs=20)]


# Beside the scenarios.


def test_a_price_that_is_missing_charges_nothing() -> None:
    run = garage(schedule=Schedule(strategy="threshold", threshold_per_kwh=0.5))
    with_prices(run, [0.2, 0.2])
    run.run(HOUR_S)
    assert run.trace.setpoint_at(0.4 * HOUR_S) == 16
    assert run.trace.setpoint_at(0.6 * HOUR_S) == 0
    assert Why.PRICE_MISSING in run.trace.reasons_at(0.6 * HOUR_S)
    assert run.trace.status_at(0.6 * HOUR_S) is Status.WAIT_START


def test_levels_come_from_the_source() -> None:
    run = garage(schedule=Schedule(strategy="level", levels=("very_cheap",)))
    start_s = run.now()[1]
    words = ("NORMAL", "VERY_CHEAP", "CHEAP", "")
    slots = tuple(
        PriceSlot(start_s + n * QUARTER_S, start_s + (n + 1) * QUARTER_S, 0.1, 0.0, word)
        for n, word in enumerate(words)
    )
    run.at(0, lambda: run.feed(PriceCurve(*run.now(), slots, "EUR")))
    run.run(HOUR_S)
    assert [run.trace.setpoint_at((n + 0.5) * QUARTER_S) for n in range(4)] == [0, 16, 0, 0]


def test_the_cheapest_part_of_the_time_ahead() -> None:
    run = garage(schedule=Schedule(strategy="percentile", percentile_pct=25))
    with_prices(run, [0.3, 0.2, 0.1, 0.4, 0.25, 0.28, 0.35, 0.31])
    run.run(0.9 * HOUR_S)
    assert [run.trace.setpoint_at((n + 0.5) * QUARTER_S) for n in range(3)] == [0, 16, 16]


def test_new_prices_make_a_new_plan() -> None:
    run = garage()
    with_prices(run, [0.30] * 8)
    with_prices(run, [0.30] * 8 + [0.10] * 16, at_s=600)
    goal(run, 5 * HOUR_S, kwh=8.0)
    run.run(700)
    assert plan_at(run, 300).waits_for_prices
    assert Why.PLAN_PRICES in run.trace.reasons_at(300)
    assert not plan_at(run, 700).waits_for_prices
    assert all(slot.price_per_kwh == 0.10 for slot in plan_at(run, 700).slots)


def test_the_plan_is_not_made_anew_on_every_step() -> None:
    run = garage()
    with_prices(run, [0.30] * 8 + [0.20] * 8)
    goal(run, 4 * HOUR_S, kwh=8.0)
    run.run(3 * HOUR_S)
    assert (
        len({row.decision.points[0].plan.made_utc_s for row in run.trace.rows[2:] if row.decision.points[0].plan}) < 12
    )


def test_prices_that_are_told_again_and_again_make_no_new_plan() -> None:
    run = garage()
    for minute in range(0, 100, 10):
        with_prices(run, [0.30] * 8 + [0.20] * 16, at_s=minute * MINUTE_S)
    goal(run, 5 * HOUR_S, kwh=8.0)
    run.run(100 * MINUTE_S)
    made = {row.decision.points[0].plan.made_utc_s for row in run.trace.rows[2:] if row.decision.points[0].plan}
    assert len(made) == 1


def test_a_repeating_departure_is_planned_by_the_clock_and_again_the_next_day() -> None:
    battery = Vehicle(
        id="car",
        battery_kwh=60,
        max_current_a=16,
        departures=(Departure(time="07:00", days=("fri", "sat"), energy_kwh=8.0),),
    )
    run = garage(vehicles=[battery], cars=[car(max_a=16)], dt_s=30)
    with_prices(run, ([0.30] * 8 + [0.10] * 4 + [0.30] * 84) * 2)
    run.run(30 * HOUR_S)
    assert run.trace.ev_wh(2 * HOUR_S, 3 * HOUR_S) == pytest.approx(8000, abs=300)
    assert run.trace.ev_wh(3 * HOUR_S, 25 * HOUR_S) == pytest.approx(0, abs=10)
    assert run.trace.ev_wh(26 * HOUR_S, 27 * HOUR_S) == pytest.approx(8000, abs=300)
    known = run.trace.row_at(12 * HOUR_S).decision.cars[0]
    assert known.departure_utc_s == MIDNIGHT_UTC_S + 31 * HOUR_S
    assert known.repeating


def test_a_goal_in_percent_is_met_by_what_the_car_tells() -> None:
    battery = Vehicle(id="car", battery_kwh=60, max_current_a=16)
    plugged = car(max_a=16, capacity_kwh=60, soc_pct=40, efficiency=0.88)
    run = garage(vehicles=[battery], cars=[plugged], dt_s=20)
    with_prices(run, [0.30] * 4 + [0.10] * 20)
    for minute in range(0, 360, 15):
        run.at(
            minute * MINUTE_S,
            lambda: run.feed(VehicleReading(*run.now(), vehicle="car", soc_pct=round(plugged.soc_pct, 1))),
        )
    goal(run, 5 * HOUR_S, soc_pct=60)
    run.run(6 * HOUR_S)
    assert plugged.soc_pct == pytest.approx(60, abs=1.5)
    assert run.trace.ev_wh(0, HOUR_S) == 0
    assert run.trace.row_at(6 * HOUR_S).decision.cars[0].wh_per_pct == pytest.approx(0.7 * 706 + 0.3 * 682, abs=2)


def test_the_limit_of_the_charge_ends_charging_in_each_mode() -> None:
    battery = Vehicle(id="car", battery_kwh=60)
    run = garage(vehicles=[battery], mode="manual")
    run.command(0, SetLimitSoc(50))
    told(run, 0, 49)
    run.run(20 * MINUTE_S)
    assert run.trace.setpoint_at(60) == 16
    assert run.trace.setpoint_at(20 * MINUTE_S) == 0
    assert Why.LIMIT_SOC in run.trace.reasons_at(20 * MINUTE_S)
    assert run.trace.status_at(20 * MINUTE_S) is Status.CHARGING_LIMIT


def test_fast_until_the_car_is_so_full_and_then_as_before() -> None:
    battery = Vehicle(id="car", battery_kwh=60)
    run = garage(vehicles=[battery], mode="auto", cars=[car(max_a=16)])
    told(run, 0, 49)
    run.command(60, Boost(soc_pct=50))
    run.run(20 * MINUTE_S)
    assert run.trace.setpoint_at(70) == 16
    assert run.trace.setpoint_at(20 * MINUTE_S) == 0
    assert not run.trace.decision_at(20 * MINUTE_S).boost
    assert run.trace.ev_wh() == pytest.approx(706, abs=60)


def test_a_car_that_takes_no_more_ends_the_plan() -> None:
    run = garage(cars=[car(max_a=16, wanted_kwh=3.0)])
    with_prices(run, [0.2] * 8)
    goal(run, HOUR_S, kwh=8.0)
    run.run(3 * HOUR_S)
    assert run.trace.ev_wh() == pytest.approx(3000, abs=20)
    assert run.trace.setpoint_at(2 * HOUR_S) == 0
    assert Why.CHARGED in run.trace.reasons_at(2 * HOUR_S)
    assert run.trace.status_at(2 * HOUR_S) is Status.CHARGED
    assert len(run.trace.starts()) <= 1


def test_the_car_gives_the_least_and_the_most_current() -> None:
    small = Vehicle(id="car", min_current_a=8, max_current_a=10)
    run = garage(vehicles=[small], mode="manual")
    run.run(30)
    decision = run.trace.decision_at(30)
    assert decision.min_a == 8
    assert decision.current_a == 10
    assert decision.vehicle == "car"


def test_of_two_cars_the_one_that_was_plugged_in_now_is_here() -> None:
    cars = [Vehicle(id="old", battery_kwh=30), Vehicle(id="new", battery_kwh=60)]
    run = garage(vehicles=cars, cars=[None])
    told(run, 0, 50, vehicle="old", plugged=False)
    told(run, 0, 40, vehicle="new", plugged=False)
    run.at(60, lambda: run.plant.chargers[0].plug(car()))
    told(run, 120, 40, vehicle="new", plugged=True)
    run.run(180)
    assert run.trace.decision_at(100).vehicle is None
    assert run.trace.decision_at(180).vehicle == "new"
    assert [c.point for c in run.trace.row_at(180).decision.cars] == ["", "1"]


def test_a_person_says_which_car_it_is_until_it_leaves() -> None:
    cars = [Vehicle(id="old", battery_kwh=30), Vehicle(id="new", battery_kwh=60)]
    run = garage(vehicles=cars)
    run.command(60, SetVehicle("old"))
    run.command(120, SetVehicle(""))
    run.command(180, SetVehicle("new"))
    run.at(240, run.plant.chargers[0].unplug)
    run.run(300)
    assert [run.trace.decision_at(t).vehicle for t in (90, 150, 210, 300)] == ["old", "", "new", None]


def test_a_departure_with_preconditioning_charges_to_the_end() -> None:
    run = garage(schedule=Schedule(plan=PlanSettings(precondition_min=30)), dt_s=20)
    with_prices(run, [0.10] * 8 + [0.50] * 8)
    goal(run, 4 * HOUR_S, kwh=12.0)
    run.run(60)
    made = plan_at(run, 60)
    assert blocks(made.slots)[-1] == (
        pytest.approx(made.deadline_utc_s - 1800),
        pytest.approx(made.deadline_utc_s),
    )
    assert made.slots[-1].why is SlotWhy.PRECONDITION


def test_without_prices_the_plan_is_one_late_block() -> None:
    run = garage()
    goal(run, 4 * HOUR_S, kwh=8.0)
    run.run(60)
    made = plan_at(run, 60)
    assert len(made.slots) == 1
    assert made.slots[0].end_s == pytest.approx(made.deadline_utc_s)
    assert made.cost == pytest.approx(8.0 * 0.25)


def test_the_session_costs_what_its_slots_cost() -> None:
    run = garage(cars=[car(max_a=16)])
    with_prices(run, [0.30] * 4 + [0.10, 0.20] * 6)
    goal(run, 3.5 * HOUR_S, kwh=6.0)
    run.at(3.9 * HOUR_S, run.plant.chargers[0].unplug)
    run.run(4 * HOUR_S)
    paid = sum(slot.cost for slot in run.trace.slots)
    assert run.trace.sessions[0].cost == pytest.approx(paid)
    assert run.trace.sessions[0].cost == pytest.approx(6.0 * 0.10, abs=0.05)
    assert all(slot.unpriced_kwh == 0 for slot in run.trace.slots)


def test_a_goal_in_auto_changes_nothing_until_the_mode_is_scheduled() -> None:
    run = garage(mode="auto")
    with_prices(run, [0.10] * 8)
    goal(run, HOUR_S, kwh=9.0)
    run.command(600, SetMode(Mode.SCHEDULED))
    run.run(900)
    assert run.trace.setpoint_at(590) == 0
    assert run.trace.decision_at(590).plan is None
    assert run.trace.setpoint_at(700) == 16


def test_a_restart_keeps_plan_and_goal() -> None:
    run = garage()
    with_prices(run, [0.30] * 8 + [0.10] * 8)
    goal(run, 4 * HOUR_S, kwh=8.0)
    run.at(600, run.restart)
    run.run(700)
    assert plan_at(run, 700) == plan_at(run, 500)


def test_a_changed_configuration_keeps_what_has_been_charged_for_a_departure() -> None:
    battery = Vehicle(id="car", max_current_a=16, departures=(Departure(time="03:00", energy_kwh=8.0),))
    run = garage(vehicles=[battery], cars=[car(max_a=16)], dt_s=20)
    with_prices(run, [0.2] * 16)
    run.reconfigure(2.2 * HOUR_S, replace(run.state.config, auto=Auto(rest_s=200)))
    run.run(4 * HOUR_S)
    assert run.trace.ev_wh() == pytest.approx(8000, abs=150)


def test_a_charger_that_has_three_phases_only_does_not_count_on_little_sun() -> None:
    run = garage()
    run.at(0, lambda: run.feed(ChargerIdentity(*run.now(), "1", can_switch_phases=False)))
    with_prices(run, [0.2] * 32)
    with_surplus(run, dict.fromkeys(range(1, 8), 3000.0))
    goal(run, 8 * HOUR_S, kwh=8.0)
    run.run(60)
    assert plan_at(run, 60).sun_kwh == 0


def test_an_unplugged_car_ends_the_plan() -> None:
    run = garage()
    with_prices(run, [0.30] * 8)
    goal(run, HOUR_S, kwh=8.0)
    run.at(300, run.plant.chargers[0].unplug)
    run.run(400)
    assert run.trace.decision_at(200).plan is not None
    assert run.trace.decision_at(400).plan is None
