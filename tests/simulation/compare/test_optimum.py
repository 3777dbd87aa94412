"""The optimum: what a person would work out by hand, and that nothing in the simulated house is better."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from phaeton.config.tree import Charger, Initial, PointLimits, Prices
from phaeton.model import PriceSlot
from phaeton.simulation.columns import Columns
from phaeton.simulation.compare.optimum import optimum
from phaeton.simulation.compare.strategies import built_in
from phaeton.simulation.history import Gap, History, Span, in_memory
from phaeton.simulation.house_setup import HouseSetup
from phaeton.simulation.ledger import Account
from phaeton.simulation.question import Question, Task
from phaeton.simulation.result import Result, Setup
from phaeton.simulation.stays import Stay
from phaeton.simulation.tariff import Tariff
from phaeton.simulation.worth import Worth, worth
from tests.simulation.days import HOUR, JUNE_S, config, hourly, stay, steady, summer

BATTERY = HouseSetup(battery_kwh=10.0, battery_soc_pct=10.0)
NO_END = Worth(unmet_per_kwh=1.0, stored_per_kwh=0.0)


def best(
    history: History,
    stays: list[Stay],
    tariff: Tariff | None = None,
    house: HouseSetup | None = None,
    rates: Worth = NO_END,
    **more: object,
) -> Result:
    return optimum(history, config(**more), stays, tariff, Setup(house=house or HouseSetup()), rates)


def test_the_car_charges_in_the_cheapest_hours_of_its_stay() -> None:
    found = best(steady(6, load_w=500.0), [stay(1, 5, 15.0)], hourly([0.01, 0.40, 0.20, 0.30, 0.10, 0.02]))
    car = 11.04 * 0.10 + (15.0 - 11.04) * 0.20
    assert found.totals.ev_cost == pytest.approx(car)
    assert found.totals.cost == pytest.approx(car + 0.5 * (0.01 + 0.40 + 0.20 + 0.30 + 0.10 + 0.02))
    assert found.sessions[0].ev_kwh == pytest.approx(15.0)
    assert found.totals.unmet_kwh == 0.0


def test_sun_comes_before_dear_energy_and_after_energy_that_costs_less_than_feeding_in_brings() -> None:
    sunny = steady(4, pv_w=[0.0, 6000.0, 0.0, 0.0])
    dear = best(sunny, [stay(0, 4, 6.0)], hourly([0.10] * 4, 0.08))
    assert dear.totals.ev_from_pv_kwh == pytest.approx(6.0)
    cheap = best(sunny, [stay(0, 4, 6.0)], hourly([0.10, 0.10, 0.02, 0.10], 0.08))
    assert cheap.totals.ev_from_grid_kwh == pytest.approx(6.0)
    assert cheap.totals.cost == pytest.approx(6.0 * 0.02 - 6.0 * 0.08)


def test_what_cannot_be_delivered_is_missing_and_late() -> None:
    found = best(steady(4), [stay(1, 2, 20.0)])
    assert found.totals.ev_kwh == pytest.approx(11.04)
    assert found.totals.unmet_kwh == pytest.approx(20.0 - 11.04)
    assert found.sessions[0].late_min == pytest.approx((20.0 - 11.04) / 11.04 * 60, abs=1e-3)


def test_a_car_is_there_only_between_its_arrival_and_its_departure() -> None:
    found = best(steady(3), [stay(0.45, 0.75, 50.0)])
    assert found.totals.ev_kwh == pytest.approx(0.3 * 11.04)
    assert found.steps == 12 + 1


def test_the_house_battery_carries_sun_into_dear_hours_with_its_losses_and_ends_empty_when_that_pays() -> None:
    found = best(
        steady(4, pv_w=[4000.0, 0.0, 0.0, 0.0], load_w=[0.0, 0.0, 1000.0, 1000.0]),
        [],
        hourly([0.30, 0.30, 0.20, 0.40], 0.05),
        BATTERY,
    )
    assert found.totals.battery_throughput_kwh == pytest.approx((3.0 * 0 + 2.0 / 0.95 * 2) / 2, abs=1e-6)
    assert found.totals.import_kwh == pytest.approx(0.0, abs=1e-9)
    assert found.totals.export_kwh == pytest.approx(4.0 - 2.0 / 0.95**2)
    assert found.run.battery_end_pct == pytest.approx(10.0)


def test_the_house_battery_is_never_charged_from_the_grid() -> None:
    found = best(steady(4, load_w=[0.0, 0.0, 0.0, 2000.0]), [], hourly([0.01, 0.01, 0.01, 0.90]), BATTERY)
    assert found.totals.battery_throughput_kwh == 0.0
    assert found.totals.cost == pytest.approx(2.0 * 0.90)


def test_what_is_left_in_the_battery_counts_so_that_it_is_not_given_away() -> None:
    rates = Worth(unmet_per_kwh=1.0, stored_per_kwh=0.20)
    found = best(steady(2, pv_w=3000.0), [], hourly([0.30] * 2, 0.05), BATTERY, rates)
    assert found.run.battery_end_pct == pytest.approx(10.0 + 60.0 * 0.95)
    assert rates.settled(found) == pytest.approx(-6.0 * 0.95 * 0.20)


def test_curtailed_sun_goes_into_the_car_for_nothing() -> None:
    house = HouseSetup(feed_in_limit_w=0.0)
    found = best(steady(2, pv_w=[5000.0, 0.0]), [stay(0, 2, 4.0)], hourly([0.30] * 2, 0.05), house)
    assert found.totals.ev_from_grid_kwh == 0.0
    assert found.totals.export_kwh == 0.0


def test_selling_dear_and_buying_cheap_at_the_same_time_is_not_possible() -> None:
    """With a negative price and a car that takes just what the sun gives there is nothing to gain but in the dark."""
    sunny = steady(2, pv_w=[11_040.0, 0.0])
    found = best(
        sunny, [stay(0, 1, 11.04)], hourly([-0.20, -0.20], 0.05), rates=Worth(unmet_per_kwh=0.5, stored_per_kwh=0)
    )
    assert found.totals.import_kwh == pytest.approx(0.0, abs=1e-6)
    assert found.totals.ev_from_pv_kwh == pytest.approx(11.04)


def test_gaps_are_left_out_and_stays_inside_of_them_too() -> None:
    columns = Columns(2)
    columns.append((0.0, 1000.0), 4)
    history = History(
        cell_s=HOUR,
        data_s=HOUR,
        columns=columns,
        spans=(Span(JUNE_S, 0, 2), Span(JUNE_S + 5 * HOUR, 2, 2)),
        gaps=(Gap(JUNE_S + 2 * HOUR, JUNE_S + 5 * HOUR, "no rows"),),
    )
    found = best(history, [stay(1, 6, 30.0), stay(2.5, 4.5, 9.0, point="1")][:1])
    assert found.totals.ev_kwh == pytest.approx(2 * 11.04)
    assert found.totals.import_kwh == pytest.approx(4.0 + 2 * 11.04)
    assert found.gaps[0].hours == 3.0
    assert best(history, [stay(2.5, 4.5, 9.0)]).sessions == []


def test_a_missing_price_is_in_no_cost_and_tempts_nobody() -> None:
    slots = list(hourly([0.30, 0.30, 0.20, 0.40]).slots)
    del slots[1]
    found = best(steady(4, load_w=1000.0), [stay(0, 4, 10.0)], Tariff(tuple(slots), "EUR"))
    assert found.totals.cost == pytest.approx(0.30 + 0.20 + 0.40 + 10.0 * 0.20)


def test_two_points_each_have_their_cars() -> None:
    chargers = tuple(
        Charger(host=name, id=name, limits=PointLimits(max_set_current_a=limit), initial=Initial())
        for name, limit in (("a", 32.0), ("b", 6.0))
    )
    found = best(steady(4), [stay(0, 1, 20.0, point="a"), stay(0, 1, 20.0, point="b")], chargers=chargers)
    assert [round(one.ev_kwh, 2) for one in found.sessions] == [11.04, 4.14]


def test_months_weeks_and_stays_add_up_to_the_totals() -> None:
    history = summer(10)
    stays = [stay(24 * day + 8, 24 * day + 30, 12.0) for day in range(9)]
    found = optimum(history, config(), stays, hourly([0.3, 0.1] * 120), Setup(house=BATTERY), NO_END)
    for name in ("ev_kwh", "ev_from_pv_kwh", "import_kwh", "export_kwh", "cost", "ev_cost", "battery_throughput_kwh"):
        total = getattr(found.totals, name)
        assert sum(getattr(one, name) for one in found.months) == pytest.approx(total, abs=1e-4)
        assert sum(getattr(one, name) for one in found.weeks) == pytest.approx(total, abs=1e-4)
    assert sum(one.ev_kwh for one in found.sessions) == pytest.approx(found.totals.ev_kwh, abs=1e-4)
    assert len(found.weeks) == 3
    used = found.totals.import_kwh - found.totals.export_kwh
    assert used == pytest.approx(plain_use_kwh(history) + found.totals.ev_kwh + lost_kwh(found), abs=1e-3)


def plain_use_kwh(history: History) -> float:
    """Load less PV."""
    pv_w, load_w = history.columns.read(0, history.columns.rows)
    return (sum(load_w) - sum(pv_w)) * history.cell_s / 3.6e6


def lost_kwh(found: Result) -> float:
    """Into the battery less out of it, on the AC side."""
    assert found.run.battery_end_pct is not None
    kept = (found.run.battery_end_pct - BATTERY.battery_soc_pct) / 100.0 * BATTERY.battery_kwh
    out_of_it = found.totals.battery_throughput_kwh - kept / 2
    into_it = found.totals.battery_throughput_kwh + kept / 2
    return into_it / 0.95 - out_of_it * 0.95


WATTS = st.integers(0, 40).map(lambda n: 250.0 * n)
PRICES = st.integers(-5, 40).map(lambda n: n / 100)


@settings(max_examples=40)
@given(st.lists(st.tuples(WATTS, WATTS, PRICES), min_size=4, max_size=16), st.integers(1, 60))
def test_without_a_battery_it_is_as_good_as_taking_the_cheapest_first(
    hours: list[tuple[float, float, float]], wanted_kwh: int
) -> None:
    feed_in = -0.05
    pv_w, load_w, prices = zip(*hours, strict=True)
    found = best(steady(len(hours), pv_w, load_w), [stay(1, len(hours) - 1, wanted_kwh)], hourly(prices, feed_in))
    offers: list[tuple[float, float]] = []
    cost = 0.0
    for number, (pv, load, price) in enumerate(hours):
        spare_kwh = max(pv - load, 0.0) / 1000
        cost += max(load - pv, 0.0) / 1000 * price - spare_kwh * feed_in
        if 1 <= number < len(hours) - 1:
            offers += [(feed_in, min(spare_kwh, 11.04)), (price, max(11.04 - spare_kwh, 0.0))]
    left_kwh = float(wanted_kwh)
    for price, kwh in sorted(offers):
        taken = min(kwh, left_kwh)
        cost += taken * price
        left_kwh -= taken
    assert found.totals.cost == pytest.approx(cost, abs=1e-5)
    assert found.totals.unmet_kwh == pytest.approx(left_kwh, abs=1e-5)


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.tuples(WATTS, WATTS), min_size=32, max_size=48),
    st.lists(st.tuples(PRICES, st.integers(-2, 12)), min_size=12, max_size=12),
    st.integers(1, 25),
    st.sampled_from([None, 0.0, 3000.0]),
    st.sampled_from([0.0, 6.0]),
    st.integers(10, 90),
)
def test_no_strategy_is_ever_better_in_the_simulated_house(
    quarters: list[tuple[float, float]],
    rates: list[tuple[float, int]],
    wanted_kwh: int,
    limit_w: float | None,
    battery_kwh: float,
    soc_pct: int,
) -> None:
    pv_w, load_w = zip(*quarters, strict=True)
    history = in_memory(JUNE_S, 900.0, pv_w, load_w)
    house = HouseSetup(battery_kwh=battery_kwh, feed_in_limit_w=limit_w, battery_soc_pct=float(soc_pct))
    tariff = hourly([price for price, _ in rates], [feed / 100 for _, feed in rates])
    stays = (stay(0.51, 3.37, wanted_kwh), stay(4.2, len(quarters) / 4, wanted_kwh / 2))
    question = Question(history, stays, tariff, Setup(house=house))
    ours = worth(tariff, config(), history.start_s, history.end_s)
    bound = optimum(history, config(), stays, tariff, question.setup, ours)
    for strategy in built_in(config(), house):
        run = question.answer(Task(strategy.config, strategy.decider))
        assert ours.settled(run) > ours.settled(bound) - 0.002, strategy.name


def test_the_books_of_the_optimum_are_those_of_a_simulation() -> None:
    """A history without cars and battery leaves no choice: both must say the same."""
    history, tariff = summer(2), hourly([0.3, 0.1, -0.02] * 16)
    found = best(history, [], tariff)
    run = Question(history, (), tariff, Setup()).answer(Task(config()))
    for name in ("import_kwh", "export_kwh", "cost", "self_consumption_pct"):
        assert getattr(found.totals, name) == pytest.approx(getattr(run.totals, name), abs=1e-4)
    assert [one.month for one in found.months] == [one.month for one in run.months]
    assert [one.week for one in found.weeks] == [one.week for one in run.weeks]


def test_fixed_prices_of_the_configuration_hold_without_a_tariff() -> None:
    found = best(steady(2, load_w=1000.0), [stay(0, 2, 5.0)], prices=Prices(import_per_kwh=0.5))
    assert found.totals.cost == pytest.approx(7.0 * 0.5)
    assert Account().totals().starts == found.totals.starts
    assert found.not_valid == ["starts", "phase_switches", "setpoint_writes"]


def test_quarter_hour_prices_are_used() -> None:
    slots = [PriceSlot(JUNE_S + n * 900.0, JUNE_S + (n + 1) * 900.0, 0.1 + n % 4 / 10, 0.0) for n in range(16)]
    found = best(steady(4), [stay(0, 4, 11.04)], Tariff(tuple(slots), "EUR"))
    assert found.totals.cost == pytest.approx(11.04 * 0.1)
    assert replace(found.totals).ev_kwh == pytest.approx(11.04)
