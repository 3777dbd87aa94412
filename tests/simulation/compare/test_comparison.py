"""Comparisons of small made-up days: the same start for all, honest numbers, and nothing known beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future

import pytest
from msgspec.structs import replace

from phaeton.config.tree import Auto, Charger, Initial
from phaeton.config.tree_cars import Vehicle
from phaeton.config.tree_schedule import PlanSettings, Schedule, Window
from phaeton.model import PriceSlot
from phaeton.simulation.compare.comparison import Comparison, compare
from phaeton.simulation.compare.strategies import Strategy, built_in
from phaeton.simulation.house_setup import HouseSetup
from phaeton.simulation.question import Question, Task, carried, unpacked
from phaeton.simulation.result import Result, Setup
from phaeton.simulation.scope import SimulationError
from phaeton.simulation.series import Series
from phaeton.simulation.simulate import simulate
from phaeton.simulation.tariff import Tariff
from phaeton.simulation.workers import Workers
from phaeton.simulation.worth import worth
from tests.simulation.days import DAY, HOUR, JUNE_S, config, evenings, hourly, stay, steady, summer

HOUSE = HouseSetup(battery_kwh=8.0)
DAILY = [0.22, 0.20, 0.18, 0.17, 0.19, 0.24, 0.30, 0.32, 0.28, 0.20, 0.12, 0.08]
DAILY += [0.05, 0.06, 0.10, 0.16, 0.24, 0.34, 0.40, 0.38, 0.33, 0.28, 0.25, 0.23]


def here(question: Question) -> Workers:
    """In this process, one after the other."""

    def ask(task: Task) -> Future[Result]:
        future: Future[Result] = Future()
        future.set_result(question.answer(task))
        return future

    return Workers(ask, 1)


def asked(days: int = 4, house: HouseSetup = HOUSE, **more: object) -> Question:
    return Question(summer(days), evenings(days), hourly(DAILY * days, 0.04), Setup(house=house, **more))  # type: ignore[arg-type]


def compared(question: Question, strategies: Sequence[Strategy] = (), unmet_price: float | None = None) -> Comparison:
    history = question.history
    rates = worth(question.tariff, config(), history.start_s, history.end_s, unmet_price)
    chosen = strategies or tuple(built_in(config(), question.setup.house))
    return compare(question, chosen, rates, "EUR", here(question))


@pytest.fixture(scope="module")
def found() -> Comparison:
    return compared(asked())


def timeless(results: Iterator[Result]) -> list[bytes]:
    return [replace(one, wall_s=0.0, steps_per_s=0.0).json() for one in results]


def test_each_strategy_has_its_result_and_the_bound_stands_beside_them(found: Comparison) -> None:
    assert list(found.runs) == ["immediate", "windows", "forerunner_auto", "auto", "price_plan"]
    assert list(found.outcomes) == [*found.runs, "bound"]
    assert all(run.schema == "phaeton-simulation/1" for run in found.runs.values())
    assert found.bound is not None
    assert found.bound.schema == "phaeton-simulation/1"


def test_shares_of_the_possible_saving_begin_at_charging_at_once_and_end_at_the_bound(found: Comparison) -> None:
    shares = {name: one.share_pct for name, one in found.outcomes.items()}
    assert (shares["immediate"], shares["bound"]) == (0.0, 100.0)
    assert all(share is not None and share <= 100.0 for share in shares.values())
    plan = shares["price_plan"]
    assert plan is not None
    assert plan > 50.0
    one = found.outcomes["price_plan"]
    assert one.settled_cost == pytest.approx(one.cost + one.unmet_cost - one.battery_worth, abs=1e-5)
    assert found.possible_saving is not None
    assert one.saving == pytest.approx(found.possible_saving * plan / 100, abs=1e-3)


def test_cars_that_leave_empty_are_charged_elsewhere_at_a_price(found: Comparison) -> None:
    sun_only, plan = found.outcomes["forerunner_auto"], found.outcomes["price_plan"]
    assert sun_only.unmet_kwh > 1.0
    assert sun_only.goals_missed > 0
    assert sun_only.unmet_cost == pytest.approx(sun_only.unmet_kwh * 0.40, abs=1e-5)
    assert (plan.unmet_kwh, plan.goals_missed, plan.unmet_cost) == (0.0, 0, 0.0)
    free = compared(asked(), unmet_price=0.0)
    assert free.outcomes["forerunner_auto"].unmet_cost == 0.0
    assert free.unmet_per_kwh == 0.0


# ISS-38 of the scenarios: reproducible, the same start for all, and no future knowledge.


def solar(share_pct: float) -> Strategy:
    settings = config(auto=Auto(min_solar_share_pct=share_pct))
    return Strategy(name=f"sun_{share_pct:g}", title="Sun", about="", config=settings)


def planned(*, sun: bool) -> Strategy:
    initial = Initial(mode="scheduled")
    settings = config(
        chargers=(Charger(host="simulated", initial=initial),),
        schedule=Schedule(strategy="plan", auto_outside=sun),
        vehicles=(Vehicle(id="car", max_current_a=16.0),),
    )
    return Strategy(name="plan_and_sun" if sun else "plan", title="Plan", about="", config=settings)


FOUR = (solar(100), solar(0), planned(sun=False), planned(sun=True))


def test_the_same_comparison_twice_is_the_same_also_from_a_packed_question() -> None:
    once, again = compared(asked(3), FOUR), compared(unpacked(carried(asked(3))), FOUR)
    assert timeless(iter(once.runs.values())) == timeless(iter(again.runs.values()))
    assert once.outcomes == again.outcomes
    assert carried(asked(3)).digest == carried(asked(3)).digest != carried(asked(3, seed=1)).digest


def test_all_strategies_begin_with_the_same_house_battery_and_balance(found: Comparison) -> None:
    assert {run.run.house.battery_soc_pct for run in found.runs.values()} == {50.0}
    for strategy in FOUR:
        series = Series()
        question = asked(2)
        simulate(question.history, strategy.config, question.stays, question.tariff, question.setup, series=series)
        for first in range(0, len(series.pv_w), 288):
            day = slice(first, first + 288)
            given = sum(series.pv_w[day]) + sum(series.grid_w[day])
            used = sum(series.load_w[day]) + sum(series.car_w[day]) + sum(series.battery_w[day])
            assert abs(given - used) * series.bin_s / 3600 < 1.0


def only_from(tariff: Tariff, at_s: float, price: float) -> Tariff:
    """The same prices until an instant, and another one after it."""
    slots = [slot if slot.start_s < at_s else PriceSlot(slot.start_s, slot.end_s, price, 0.04) for slot in tariff.slots]
    return Tariff(tuple(slots), "EUR")


@pytest.mark.parametrize("strategy", FOUR, ids=lambda one: one.name)
def test_what_is_not_known_yet_changes_nothing_before(strategy: Strategy) -> None:
    """Prices of the day after tomorrow, and sun and load of tomorrow, are other ones: today is the same."""
    tariff = hourly(DAILY * 3, 0.04)
    early = (stay(9, 32, 9.0),)
    later = only_from(tariff, JUNE_S + 2 * DAY, 0.01)
    calm, stormy = summer(2), summer(2)
    pv_w, load_w = calm.columns.read(0, calm.columns.rows)
    stormy = type(calm)(calm.cell_s, calm.data_s, type(calm.columns)(2), calm.spans)
    for number, (pv, load) in enumerate(zip(pv_w, load_w, strict=True)):
        stormy.columns.append((pv, load) if number < 96 else (pv / 3, load * 2))
    today = []
    for history, prices in ((calm, tariff), (calm, later), (stormy, tariff)):
        series = Series()
        simulate(history, strategy.config, early, prices, Setup(), series=series)
        today.append(series.car_w[:288].tobytes())
    assert today[0] == today[1] == today[2]


def test_prices_that_come_out_at_one_in_the_afternoon_are_used_from_then_on() -> None:
    """The night is cheap tomorrow: whoever leaves tomorrow afternoon waits for it, but only what is known counts."""
    dear = hourly([0.40] * 24 + [0.10] * 4 + [0.40] * 20)
    night = Question(steady(48), (stay(8, 44, 20.0),), dear, Setup())
    result = night.answer(Task(planned(sun=False).config))
    assert result.totals.ev_cost == pytest.approx(20.0 * 0.10, abs=0.05)


def test_the_bill_uses_the_prices_as_they_were() -> None:
    flat, high = hourly([0.20] * 24), hourly([0.20] * 20 + [0.90] * 4)
    costs = []
    for tariff in (flat, high):
        run = Question(steady(24, load_w=1000.0), (), tariff, Setup()).answer(Task(config()))
        costs.append(run.totals.cost)
    assert costs == [pytest.approx(4.8), pytest.approx(4.0 + 3.6)]


# ISS-39: cost, own use, goals missed, starts and phase switches for every strategy.


def test_every_strategy_tells_cost_own_use_missed_goals_starts_and_switches(found: Comparison) -> None:
    for one in found.outcomes.values():
        assert one.ev_kwh == pytest.approx(one.grid_kwh + one.pv_kwh + one.battery_kwh, abs=1e-5)
        assert one.goals == 3
        assert 0 <= one.goals_missed <= one.goals
        assert one.self_consumption_pct is not None
        assert 0.0 < one.self_consumption_pct <= 100.0
        assert one.battery_cycles is not None
        assert one.starts >= 0
        assert one.phase_switches >= 0
        assert one.cost != 0.0
    assert found.not_valid == ["starts", "phase_switches", "setpoint_writes"]
    fine = compared(Question(summer(0.25, 10.0), (), None, Setup(step_s=10.0)))
    assert fine.not_valid == []
    assert fine.outcomes["auto"].battery_cycles is None


def test_fixed_windows_are_those_of_the_configuration_and_no_plan() -> None:
    windows = (Window(start="01:00", end="02:00", current_a=16.0),)
    strategies = tuple(built_in(config(schedule=Schedule(windows=windows)), HouseSetup()))
    question = Question(steady(24), (stay(0.2, 20, 20.0),), hourly([0.3] * 24), Setup())
    run = compared(question, strategies).runs["windows"]
    assert run.totals.ev_kwh == pytest.approx(11.04, abs=0.2)


def test_the_planned_car_is_the_one_of_the_house() -> None:
    house = HouseSetup(car_phases=1, car_max_a=10.0)
    plan = list(built_in(config(schedule=Schedule(plan=PlanSettings(margin_s=0.0))), house))[-1]
    (car,) = plan.config.vehicles
    assert (car.phases, car.max_current_a, plan.config.schedule.plan.margin_s) == (1, 10.0, 0.0)
    question = Question(steady(12), (stay(1, 9, 15.0),), hourly([0.3] * 12), Setup(house=house))
    assert question.answer(Task(plan.config)).totals.unmet_kwh == 0.0


def test_where_nothing_can_be_saved_there_is_no_share() -> None:
    question = Question(steady(6), (stay(1, 4, 10.0),), hourly([0.3] * 6), Setup())
    found = compared(question)
    assert found.outcomes["auto"].share_pct is None
    assert any("could not be improved on" in note for note in found.notes)


def test_prices_that_do_not_reach_over_the_time_are_refused() -> None:
    with pytest.raises(SimulationError, match="costs cannot be compared without prices"):
        worth(hourly([0.3] * 24), config(), JUNE_S, JUNE_S + 50 * HOUR)


def test_what_is_left_in_the_house_battery_is_worth_something(found: Comparison) -> None:
    one, run = found.outcomes["auto"], found.runs["auto"]
    assert run.run.battery_end_pct is not None
    kept_kwh = (run.run.battery_end_pct - 50.0) / 100 * 8.0
    assert one.battery_worth == pytest.approx(kept_kwh * sum(DAILY) / 24 * 0.95, abs=1e-4)
