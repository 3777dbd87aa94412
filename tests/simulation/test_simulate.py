"""Simulations of small made-up days: the books balance, nothing is known before its time, and runs repeat."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from math import isnan
from multiprocessing import get_context
from typing import Literal

import pytest
from msgspec.structs import replace

from phaeton.config.points import Point
from phaeton.config.tree import Auto, Battery, Charger, Config, Initial, PointLimits, Prices, Schedule, Site
from phaeton.model import Output, PriceCurve, PriceSlot, Zone
from phaeton.simulation.columns import Columns
from phaeton.simulation.history import Gap, History, Span, in_memory
from phaeton.simulation.house_setup import HouseSetup
from phaeton.simulation.offline_run import Control, site_control
from phaeton.simulation.result import Result, Setup, Totals
from phaeton.simulation.scope import SimulationError
from phaeton.simulation.series import Series
from phaeton.simulation.simulate import simulate
from phaeton.simulation.stays import Stay
from phaeton.simulation.tariff import Tariff
from phaeton.simulation.weather import clear_sky, cloudy, household
from phaeton.streams.graph import GraphState
from phaeton.streams.situation import GraphEvent

AMSTERDAM = "Europe/Amsterdam"
JUNE_S = 1_717_192_800.0
"""2024-06-01 00:00 in Amsterdam."""
HOUR, DAY = 3600.0, 86400.0
BATTERY = HouseSetup(battery_kwh=10.0)


def config(**more: object) -> Config:
    return replace(Config(chargers=(Charger(host="simulated"),), site=Site(timezone=AMSTERDAM)), **more)


def manual(current_a: float = 16.0) -> Config:
    initial = Initial(mode="manual", set_current_a=current_a)
    return config(chargers=(Charger(host="simulated", initial=initial),))


def summer(days: float, cell_s: float = 60.0, start_s: float = JUNE_S) -> History:
    sun, house = cloudy(clear_sky(8000.0), seed=3), household()
    begin_s = (start_s - JUNE_S) % DAY
    times = [begin_s + n * cell_s for n in range(int(days * DAY / cell_s))]
    return in_memory(start_s, cell_s, map(sun, times), map(house, times))


def dark(hours: float, load_w: float = 0.0, start_s: float = JUNE_S) -> History:
    count = int(hours * 60)
    return in_memory(start_s, 60.0, [0.0] * count, [load_w] * count)


def stay(begin_h: float, end_h: float, energy_kwh: float, start_s: float = JUNE_S, point: str = "") -> Stay:
    return Stay(
        arrival_s=start_s + begin_h * HOUR, departure_s=start_s + end_h * HOUR, energy_kwh=energy_kwh, point=point
    )


def week_of_stays(days: int) -> list[Stay]:
    return [stay(24 * day + 7, 24 * day + 19, 15.0) for day in range(days)]


def hourly(prices: list[float], start_s: float = JUNE_S, feed_in: float = 0.05) -> Tariff:
    slots = [PriceSlot(start_s + n * HOUR, start_s + (n + 1) * HOUR, price, feed_in) for n, price in enumerate(prices)]
    return Tariff(tuple(slots), "EUR")


def timeless(result: Result) -> bytes:
    return replace(result, wall_s=0.0, steps_per_s=0.0).json()


ADDED = tuple(name for name in Totals.__struct_fields__ if name != "self_consumption_pct")
OF_CARS = ("ev_kwh", "ev_from_pv_kwh", "ev_from_battery_kwh", "ev_from_grid_kwh", "ev_cost", "unmet_kwh", "late_min")


@pytest.mark.parametrize(
    ("step_s", "limit_w", "days"),
    [(1.0, None, 0.25), (1.0, 0.0, 0.125), (10.0, 0.0, 1), (60.0, None, 4), (60.0, 2000.0, 3)],
)
def test_the_energy_of_each_day_balances_within_a_watt_hour(step_s: float, limit_w: float | None, days: float) -> None:
    series = Series()
    setup = Setup(house=replace(BATTERY, feed_in_limit_w=limit_w, battery_soc_pct=78.0), step_s=step_s)
    start_s = JUNE_S + (10 * HOUR if days < 1 else 0.0)
    stays = week_of_stays(int(days)) or [stay(10.1, 10 + days * 24 - 0.1, 15.0)]
    result = simulate(summer(days, start_s=start_s), config(), stays, setup=setup, series=series)
    per_day = int(DAY / series.bin_s)
    for first in range(0, len(series.pv_w), per_day):
        span = slice(first, first + per_day)
        left = sum(series.pv_w[span]) + sum(series.grid_w[span])
        used = sum(series.load_w[span]) + sum(series.car_w[span]) + sum(series.battery_w[span])
        assert abs(left - used) * series.bin_s / HOUR < 1.0
    totals = result.totals
    assert totals.ev_kwh == pytest.approx(sum(series.car_w) * series.bin_s / HOUR / 1000, abs=1e-3)
    net_kwh = sum(series.grid_w) * series.bin_s / HOUR / 1000
    assert totals.import_kwh - totals.export_kwh == pytest.approx(net_kwh, abs=1e-3)
    assert totals.ev_kwh > 0.5


@pytest.mark.parametrize("texture", [False, True])
def test_the_same_run_gives_the_same_bytes(texture: bool) -> None:
    setup = Setup(house=BATTERY, step_s=10.0, texture=texture, seed=7)
    once, again = (simulate(summer(1, 600.0), config(), week_of_stays(1), hourly([0.2] * 24), setup) for _ in range(2))
    assert timeless(once) == timeless(again)
    other = simulate(summer(1, 600.0), config(), week_of_stays(1), hourly([0.2] * 24), replace(setup, seed=8))
    assert (timeless(other) == timeless(once).replace(b'"seed": 7', b'"seed": 8')) is not texture


def test_months_and_stays_add_up_to_the_totals() -> None:
    start_s = JUNE_S + 28 * DAY
    history = summer(5, start_s=start_s)
    stays = [stay(24 * day + 7, 24 * day + 30, 20.0, start_s) for day in range(4)]
    result = simulate(history, config(), stays, hourly([0.3, 0.1] * 60, start_s), Setup(house=BATTERY))
    assert [one.month for one in result.months] == ["2024-06", "2024-07"]
    assert len(result.sessions) == 4
    for name in ADDED:
        assert sum(getattr(one, name) for one in result.months) == pytest.approx(getattr(result.totals, name), abs=1e-4)
    for name in OF_CARS:
        total = getattr(result.totals, name)
        assert sum(getattr(one, name) for one in result.sessions) == pytest.approx(total, abs=1e-4)
    for one in (result.totals, *result.months, *result.sessions):
        parts = one.ev_from_pv_kwh + one.ev_from_battery_kwh + one.ev_from_grid_kwh
        assert parts == pytest.approx(one.ev_kwh, abs=1e-5)
    assert all(one.ev_kwh + one.unmet_kwh == pytest.approx(one.wanted_kwh, abs=1e-5) for one in result.sessions)


def test_the_bill_uses_the_price_of_each_slot() -> None:
    result = simulate(dark(4, 1000.0), manual(), [stay(1, 3, 30.0)], hourly([0.10, 0.20, 0.40, 0.80]))
    first, second = result.sessions[0].ev_kwh - 11.04, 11.04
    assert result.totals.ev_kwh == pytest.approx(21.95, abs=0.2)
    assert result.totals.cost == pytest.approx(0.10 + 0.20 + 0.40 + 0.80 + first * 0.20 + second * 0.40, abs=0.01)
    assert result.totals.ev_cost == pytest.approx(first * 0.20 + second * 0.40, abs=0.01)
    assert result.totals.self_consumption_pct is None


def test_sun_in_the_car_costs_what_feeding_it_in_would_have_brought() -> None:
    history = in_memory(JUNE_S, 60.0, [11_040.0 * 1.1] * 180, [0.0] * 180)
    fixed = replace(manual(), prices=Prices(import_per_kwh=0.30, feed_in_per_kwh=0.10))
    result = simulate(history, fixed, [stay(1, 2, 30.0)])
    totals = result.totals
    assert totals.ev_from_pv_kwh == totals.ev_kwh
    assert totals.ev_cost == pytest.approx(0.10 * totals.ev_kwh)
    assert totals.cost == pytest.approx(-0.10 * totals.export_kwh)
    assert totals.self_consumption_pct == pytest.approx(100 * totals.ev_kwh / (3 * 12.144), abs=0.1)


def test_a_goal_that_is_missed_is_told_in_kwh_and_minutes() -> None:
    result = simulate(dark(3), manual(), [stay(1, 1.5, 10.0), stay(2, 2.9, 2.0)])
    missed, met = result.sessions
    assert missed.ev_kwh == pytest.approx(5.4, abs=0.2)
    assert missed.unmet_kwh == pytest.approx(10.0 - missed.ev_kwh, abs=1e-5)
    assert missed.late_min == pytest.approx(missed.unmet_kwh / 11.04 * 60, abs=0.1)
    assert (met.ev_kwh, met.unmet_kwh, met.late_min) == (2.0, 0.0, 0.0)


def test_a_car_takes_its_own_power() -> None:
    slow = replace(stay(1, 2, 30.0), max_w=3680.0)
    result = simulate(dark(3), manual(), [slow])
    assert result.totals.ev_kwh == pytest.approx(3.68, abs=0.15)


def test_only_the_known_prices_enter_the_graph() -> None:
    curves: list[PriceCurve] = []

    def listening(settings: Config, points: tuple[Point, ...], zone: Zone) -> Control[GraphState]:
        control = site_control(settings, points, zone)

        def batch(state: GraphState, events: tuple[GraphEvent, ...]) -> tuple[GraphState, Output | None]:
            curves.extend(event for event in events if isinstance(event, PriceCurve))
            return control.batch(state, events)

        return Control(control.initial, batch, control.waits)

    tariff = hourly([0.2 + n / 1000 for n in range(24 * 9)], JUNE_S - 2 * DAY)
    simulate(dark(5 * 24), config(), [], tariff, make_control=listening)
    told = [((curve.utc_s - JUNE_S) / HOUR, (curve.slots[-1].end_s - JUNE_S) / HOUR) for curve in curves]
    assert told == [(0, 24)] + [(24 * day + 13, 24 * day + 48) for day in range(5)]
    assert all(curve.slots[0].start_s <= curve.utc_s < curve.slots[0].end_s for curve in curves)


def test_energy_without_a_price_is_in_no_cost_and_that_is_said() -> None:
    result = simulate(dark(4, 1000.0), config(), [], hourly([0.10, 0.20]))
    assert result.totals.cost == pytest.approx(0.30)
    assert result.totals.import_kwh == pytest.approx(4.0)
    assert any("No price is known for 2.0 kWh" in note for note in result.notes)


@pytest.mark.parametrize(("start_s", "hours"), [(1_711_839_600.0, 23), (1_729_980_000.0, 25)])
def test_days_of_the_clock_changes_are_whole(start_s: float, hours: int) -> None:
    history = dark(hours + 24, 500.0, start_s)
    night = [stay(0.5, hours - 0.5, 40.0, start_s)]
    result = simulate(history, manual(), night, hourly([0.25] * 60, start_s))
    assert result.steps == (hours + 24) * 60
    assert result.sessions[0].unmet_kwh == 0.0
    assert result.totals.cost == pytest.approx(0.25 * result.totals.import_kwh)


def test_steps_of_one_ten_and_sixty_seconds_agree_on_the_energy() -> None:
    morning, charged = summer(0.25, start_s=JUNE_S + 9 * HOUR), replace(BATTERY, battery_soc_pct=80.0)
    fine, middle, coarse = (
        simulate(morning, config(), [stay(9, 15, 15.0)], setup=Setup(house=charged, step_s=step_s)).totals
        for step_s in (1.0, 10.0, 60.0)
    )
    for other in (middle, coarse):
        assert other.ev_kwh == pytest.approx(fine.ev_kwh, rel=0.04)
        assert other.import_kwh == pytest.approx(fine.import_kwh, abs=0.4)
        assert other.export_kwh == pytest.approx(fine.export_kwh, rel=0.04, abs=0.4)


def with_a_gap(from_h: int, until_h: int, hours: int) -> History:
    columns = Columns(2)
    columns.append((0.0, 300.0), (hours - until_h + from_h) * 60)
    return History(
        cell_s=60.0,
        data_s=60.0,
        columns=columns,
        spans=(Span(JUNE_S, 0, from_h * 60), Span(JUNE_S + until_h * HOUR, from_h * 60, (hours - until_h) * 60)),
        gaps=(Gap(JUNE_S + from_h * HOUR, JUNE_S + until_h * HOUR, "no rows"),),
    )


def test_gaps_are_jumped_over_and_named() -> None:
    series = Series()
    stays = [stay(1, 2, 3.0), stay(4.5, 5.5, 3.0), stay(7, 12, 40.0)]
    result = simulate(with_a_gap(4, 8, 14), manual(), stays, series=series)
    assert result.steps == 10 * 60
    assert [(gap.hours, gap.why) for gap in result.gaps] == [(4.0, "no rows")]
    assert [round(one.ev_kwh) for one in result.sessions] == [3, 40]
    assert any(note.startswith("1 stay lies within a gap") for note in result.notes)
    assert any(note.startswith("1 stay has a gap") for note in result.notes)
    assert [isnan(value) for value in series.load_w].count(True) == 4 * 12
    assert len(series.load_w) == 14 * 12


def test_a_car_that_leaves_during_a_gap_is_gone_after_it() -> None:
    result = simulate(with_a_gap(4, 8, 12), manual(), [stay(3.5, 6, 30.0), stay(9, 11, 5.0)])
    assert result.sessions[0].ev_kwh == pytest.approx(5.4, abs=0.2)
    assert result.sessions[1].unmet_kwh == 0.0


def test_two_points_have_their_own_cars() -> None:
    chargers = tuple(
        Charger(host=f"simulated{name}", id=name, initial=Initial(mode="manual", set_current_a=16.0)) for name in "ab"
    )
    result = simulate(dark(6), config(chargers=chargers), [stay(1, 3, 12.0, point="a"), stay(2, 5, 20.0, point="b")])
    assert [(one.point, one.ev_kwh) for one in result.sessions] == [("a", 12.0), ("b", 20.0)]
    assert result.totals.ev_kwh == 32.0
    assert result.totals.import_kwh == pytest.approx(32.0, abs=1e-4)
    with pytest.raises(SimulationError, match="a stay is at point 'c'; the configuration has a, b"):
        simulate(dark(6), config(chargers=chargers), [stay(1, 3, 12.0, point="c")])


def test_cars_that_follow_at_once_are_two_stays_for_the_control() -> None:
    result = simulate(dark(4), manual(), [stay(1, 2, 5.0), stay(2, 3, 5.0)])
    assert [one.ev_kwh for one in result.sessions] == [5.0, 5.0]


@pytest.mark.parametrize(
    ("data_s", "step_s", "texture", "valid"),
    [(1.0, 1.0, False, True), (60.0, 60.0, False, False), (600.0, 1.0, False, False), (600.0, 10.0, True, True)],
)
def test_counts_from_coarse_steps_are_marked(data_s: float, step_s: float, texture: bool, valid: bool) -> None:
    history = summer(0.05, data_s)
    result = simulate(history, config(), [], setup=Setup(step_s=step_s, texture=texture))
    assert (result.not_valid == []) is valid
    assert result.not_valid in ([], ["starts", "phase_switches", "setpoint_writes"])


def test_texture_makes_starts_and_writes_more_real_and_keeps_the_energy_of_the_house() -> None:
    plain, textured = (
        simulate(summer(1, 900.0), config(), week_of_stays(1), setup=Setup(step_s=10.0, texture=texture, seed=2)).totals
        for texture in (False, True)
    )
    used = [one.import_kwh - one.export_kwh - one.ev_kwh for one in (plain, textured)]
    assert used[0] == pytest.approx(used[1], abs=1e-3)
    assert textured.setpoint_writes > plain.setpoint_writes


def test_a_part_of_the_history_can_be_chosen() -> None:
    setup = Setup(start_s=JUNE_S + 6 * HOUR, end_s=JUNE_S + 30 * HOUR)
    result = simulate(summer(2), config(), [stay(7, 19, 5.0), stay(31, 40, 5.0)], setup=setup)
    assert (result.run.start, result.run.end) == ("2024-06-01T04:00:00Z", "2024-06-02T04:00:00Z")
    assert result.steps == 24 * 60
    assert len(result.sessions) == 1
    assert any(note.startswith("1 stay begins before or ends after") for note in result.notes)


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(SimulationError, match="no stay lies within"):
        simulate(dark(4), config(), [stay(40, 50, 5.0)])
    with pytest.raises(
        SimulationError, match="nothing of the history lies within the time; it goes from 2024-05-31T22"
    ):
        simulate(dark(4), config(), [], setup=Setup(start_s=JUNE_S + DAY))
    with pytest.raises(SimulationError, match="steps of 45 s do not fill a minute"):
        simulate(dark(4), config(), [], setup=Setup(step_s=45.0))


def test_progress_is_told_from_beginning_to_end() -> None:
    told: list[float] = []
    simulate(dark(12), config(), [], progress=told.append)
    assert told == sorted(told)
    assert told[0] == 0.0
    assert told[-1] > 0.9
    assert len(told) >= 12


def test_a_run_that_ends_with_a_month_has_no_month_after_it() -> None:
    result = simulate(dark(24, start_s=JUNE_S + 29 * DAY), manual(), [stay(20, 24, 5.0, JUNE_S + 29 * DAY)])
    assert [one.month for one in result.months] == ["2024-06"]
    assert len(result.sessions) == 1


def test_a_plan_is_told_the_goal_of_the_stay_and_charges_in_the_cheapest_hours() -> None:
    prices = [0.40] * 24
    prices[2:4] = [0.10, 0.12]
    planned = replace(
        config(chargers=(Charger(host="simulated", initial=Initial(mode="scheduled")),)),
        schedule=Schedule(strategy="plan"),
    )
    result = simulate(dark(12), planned, [stay(0.5, 9, 15.0)], hourly(prices))
    now = simulate(dark(12), manual(), [stay(0.5, 9, 15.0)], hourly(prices))
    assert (result.totals.unmet_kwh, now.totals.unmet_kwh) == (0.0, 0.0)
    assert result.totals.ev_cost < 15.0 * 0.15 < now.totals.ev_cost


def run_in_a_process(packed: bytes) -> bytes:
    history, settings, stays, tariff, setup = pickle.loads(packed)
    return timeless(simulate(history, settings, stays, tariff, setup))


@pytest.fixture
def pool() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        yield executor


def test_other_processes_find_the_same(pool: ProcessPoolExecutor) -> None:
    parts = (summer(0.5), config(), [stay(7, 11, 5.0)], hourly([0.2] * 24), Setup(house=BATTERY))
    there = pool.submit(run_in_a_process, pickle.dumps(parts)).result(timeout=60)
    assert there == timeless(simulate(*parts))


def test_the_limits_of_the_configuration_hold_in_the_plant_too() -> None:
    limits = PointLimits(max_set_current_a=10.0, max_phases=1)
    initial = Initial(mode="manual", set_current_a=16.0)
    small = config(chargers=(Charger(host="simulated", limits=limits, initial=initial),))
    result = simulate(dark(4), small, [stay(1, 2, 9.0)])
    assert result.totals.ev_kwh == pytest.approx(2.3, abs=0.1)
    assert result.sessions[0].late_min == pytest.approx(result.totals.unmet_kwh / 2.3 * 60, abs=0.1)


@pytest.mark.parametrize(
    ("step_s", "data_s", "mode"),
    [(1.0, 60.0, "auto"), (60.0, 900.0, "auto"), (60.0, 900.0, "manual"), (60.0, 900.0, "scheduled")],
)
def test_asking_the_control_rarely_while_no_car_is_there_changes_no_result(
    step_s: float, data_s: float, mode: Literal["auto", "manual", "scheduled"]
) -> None:
    days = 1 if step_s == 1.0 else 4
    settings = config(
        chargers=(Charger(host="simulated", initial=Initial(mode=mode)),),
        schedule=Schedule(strategy="plan", auto_outside=True),
    )
    stays = [stay(24 * day + 9.3, 24 * day + 13, 9.0) for day in range(days)]
    stays += [stay(24 * day + 13.02, 24 * day + 16, 9.0) for day in range(days)]
    prices = hourly([0.3, 0.1, 0.2] * 32)
    setup = Setup(house=replace(BATTERY, battery_soc_pct=76.0), step_s=step_s)
    asked: list[float] = []

    def listening(settings: Config, points: tuple[Point, ...], zone: Zone) -> Control[GraphState]:
        control = site_control(settings, points, zone)

        def batch(state: GraphState, events: tuple[GraphEvent, ...]) -> tuple[GraphState, Output | None]:
            asked.append(events[-1].utc_s)
            return control.batch(state, events)

        return Control(control.initial, batch, control.waits)

    rarely, always = (
        simulate(summer(days, data_s), settings, stays, prices, setup, make_control=listening, quiet_s=quiet_s)
        for quiet_s in (600.0, 0.0)
    )
    assert timeless(rarely) == timeless(always)
    assert rarely.totals.ev_kwh > 1.0
    assert len(asked) < 1.6 * always.steps


@pytest.mark.parametrize(
    ("battery_kwh", "more", "rests"),
    [
        (0.0, {}, True),
        (5.0, {"battery": Battery(min_soc_pct=40.0)}, True),
        (12.0, {"battery": Battery(feed_car_soc_pct=80.0)}, True),
        (5.0, {"auto": Auto(min_solar_share_pct=50.0)}, True),
        (0.0, {"auto": Auto(grid_target_w=3000.0)}, False),
    ],
)
def test_asking_rarely_in_the_dark_changes_nothing_but_renewals(
    battery_kwh: float, more: dict[str, object], rests: bool
) -> None:
    stays = [stay(24 * day + 16, 24 * day + 33, 30.0) for day in range(3)]
    setup = Setup(house=replace(BATTERY, battery_kwh=battery_kwh), step_s=60.0)
    rarely, always = (
        simulate(summer(4, 900.0), config(**more), stays, setup=setup, quiet_s=quiet_s) for quiet_s in (600.0, 0.0)
    )
    assert rarely.totals.ev_kwh > 10.0
    assert renewed(rarely) == renewed(always)
    assert (rarely.totals.setpoint_writes < always.totals.setpoint_writes) is rests


def renewed(result: Result) -> tuple[Totals, list[object]]:
    """What came out of a run, without its setpoint writes, which coarse steps do not count."""
    seen: list[object] = [replace(one, setpoint_writes=0) for one in (*result.months, *result.weeks, *result.sessions)]
    return replace(result.totals, setpoint_writes=0), seen


def test_days_and_weeks_add_up_to_the_totals() -> None:
    result = simulate(summer(10), config(), week_of_stays(9), hourly([0.3, 0.1] * 120))
    assert [one.week for one in result.weeks] == ["2024-W22", "2024-W23", "2024-W24"]
    assert [one.day for one in result.days] == [f"2024-06-{n:02}" for n in range(1, 11)]
    for name in ADDED:
        assert sum(getattr(one, name) for one in result.days) == pytest.approx(getattr(result.totals, name), abs=1e-4)
        assert sum(getattr(one, name) for one in result.weeks) == pytest.approx(getattr(result.totals, name), abs=1e-4)
