"""The week ahead: windows, prices and departures played forward, and what is said of what is not known."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from phaeton import zones
from phaeton.config.tree import Charger, Config
from phaeton.config.tree_cars import Departure, Vehicle
from phaeton.config.tree_schedule import Schedule, Window
from phaeton.model import CarState, Output, PriceCurve, PriceSlot, Zone
from phaeton.streams import windows
from phaeton.streams.preview import CarPreview, preview
from tests import outputs

NOW_S = outputs.NOON_UTC_S
"""Monday 12:00 in Berlin."""
HOUR_S = 3600.0
BERLIN = zones.zone("Europe/Berlin", NOW_S)
POWER_W = 10_000.0
EV6 = Vehicle(id="ev6", battery_kwh=74.0)


def situated(prices: list[float], *, soc_pct: float | None = 50.0, power_w: float = POWER_W / 0.95) -> Output:
    """A car at the charger, and what hours from now cost."""
    base = outputs.output()
    slots = tuple(PriceSlot(NOW_S + n * HOUR_S, NOW_S + (n + 1) * HOUR_S, p, 0.08) for n, p in enumerate(prices))
    car = CarState(
        vehicle="ev6", point="1", soc_pct=soc_pct, soc_sigma_pct=1.0, wh_per_pct=870.0, limit_soc_pct=90.0,
        power_w=power_w,
    )  # fmt: skip
    curve = PriceCurve(0.0, NOW_S, slots, "EUR") if slots else None
    return Output(replace(base.situation, prices=curve), replace(base.decision, cars=(car,)))


def played(output: Output, schedule: Schedule | None = None, *departures: Departure) -> CarPreview:
    schedule = Schedule(strategy="plan") if schedule is None else schedule
    config = Config(chargers=(Charger(host="a"),), schedule=schedule, vehicles=(replace(EV6, departures=departures),))
    (car,) = preview(config, BERLIN, output)
    return car


def hour(utc_s: float | None) -> float:
    assert utc_s is not None
    return round((utc_s - NOW_S) / HOUR_S, 3)


def test_a_departure_is_charged_for_where_it_is_cheap_and_compared_with_at_once() -> None:
    prices = [0.4] * 10 + [0.1] * 4 + [0.3] * 16
    (leg,) = played(situated(prices), None, Departure(time="07:00", days=("tue",), energy_kwh=20.0)).legs
    assert [(hour(slot.start_s), hour(slot.end_s), slot.why) for slot in leg.slots] == [(12, 14, "price")]
    assert hour(leg.done_s) == 14
    assert (leg.cost, leg.at_once_cost) == (pytest.approx(2.0), pytest.approx(8.0))
    assert (leg.missing_kwh, leg.late_s, leg.assumed, leg.waits_for_prices) == (0.0, 0.0, False, False)


def test_a_window_charges_whatever_is_planned_and_the_plan_needs_less_after_it() -> None:
    prices = [0.4] * 10 + [0.1] * 20
    schedule = Schedule(strategy="plan", windows=(Window(start="13:00", end="14:00"),))
    (leg, *_) = played(situated(prices), schedule, Departure(time="07:00", days=("tue",), energy_kwh=20.0)).legs
    assert [(hour(s.start_s), s.why) for s in leg.slots] == [(1, "window"), (17.75, "price")]
    assert leg.energy_kwh == pytest.approx(20.0)
    assert leg.cost == pytest.approx(5.0)


def test_windows_end_where_the_car_is_full_and_are_used_whole_where_that_is_not_known() -> None:
    schedule = Schedule(windows=(Window(start="22:00", end="06:00"),))
    car = played(situated([]), schedule)
    (leg,) = car.legs
    assert leg.energy_kwh == pytest.approx(40 * 0.87)  # from 50 to 90 %
    assert car.bounded
    config = Config(chargers=(Charger(host="a"),), schedule=schedule)
    (guest,) = preview(config, BERLIN, replace_cars(situated([])))
    assert not guest.bounded
    assert guest.legs[0].energy_kwh == pytest.approx(7 * 8 * 32 * 3 * 0.8 * mean_volt() / 1000.0)


def replace_cars(output: Output) -> Output:
    return Output(output.situation, replace(output.decision, cars=()))


def mean_volt() -> float:
    reading = outputs.reading()
    return sum(v for v in reading.voltage_v if v is not None) / 3.0


def test_a_departure_that_cannot_be_met_says_what_will_be_missing() -> None:
    (leg,) = played(situated([0.3] * 30), None, Departure(time="14:00", days=("mon",), energy_kwh=30.0)).legs
    assert leg.done_s is None
    assert leg.missing_kwh == pytest.approx(10.0)
    assert leg.late_s == pytest.approx(HOUR_S)
    assert {slot.why for slot in leg.slots} == {"late"}


def test_prices_that_are_not_known_make_no_cost() -> None:
    everyday = Departure(time="07:00", soc_pct=80.0)
    first, second, *_ = played(situated([0.3] * 30), None, everyday).legs
    assert first.cost == pytest.approx(first.energy_kwh * 0.3)
    assert (first.assumed, second.assumed) == (False, True)
    assert (second.cost, second.at_once_cost) == (None, None)
    assert second.unpriced_kwh == pytest.approx(second.energy_kwh)
    assert second.waits_for_prices
    assert second.done_s is not None


def test_one_price_for_ever_is_known_for_the_whole_week() -> None:
    legs = played(situated([]), None, Departure(time="07:00", energy_kwh=5.0)).legs
    assert len(legs) == 7
    assert all(leg.cost is not None and leg.cost == pytest.approx(leg.at_once_cost) for leg in legs)


def test_a_charge_without_a_reading_is_planned_for_an_empty_battery() -> None:
    (leg,) = played(situated([], soc_pct=None), None, Departure(time="07:00", days=("tue",), soc_pct=50.0)).legs
    assert leg.need_kwh == pytest.approx(50 * 0.87)


def test_the_goal_of_once_is_among_the_departures() -> None:
    output = situated([])
    car = replace(output.decision.cars[0], departure_utc_s=NOW_S + 30 * HOUR_S, goal_kwh=8.0, repeating=False)
    output = Output(output.situation, replace(output.decision, cars=(car,)))
    first, second = played(output, None, Departure(time="07:00", days=("tue",), energy_kwh=5.0)).legs
    assert [leg.wanted.once for leg in (first, second) if leg.wanted] == [False, True]
    assert second.energy_kwh == pytest.approx(8.0)


def test_low_prices_charge_besides() -> None:
    schedule = Schedule(strategy="threshold", threshold_per_kwh=0.15)
    (leg,) = played(situated([0.3, 0.1, 0.1, 0.3, 0.1]), schedule).legs
    assert [(hour(s.start_s), hour(s.end_s), s.why) for s in leg.slots] == [
        (1, 2, "price_low"), (2, 3, "price_low"), (4, 5, "price_low"),
    ]  # fmt: skip


@pytest.mark.parametrize(("day_s", "length_h"), [(1_774_738_800.0, 7.0), (1_792_879_200.0, 9.0)])
def test_a_window_over_a_clock_change_is_as_long_as_the_night(day_s: float, length_h: float) -> None:
    night = Window(start="22:00", end="06:00", days=("sat",))
    found = windows.stretches((night,), BERLIN, day_s - 86_400.0, day_s + 86_400.0)
    assert [(s.end_s - s.start_s) / HOUR_S for s in found] == [length_h]
    hole = Window(start="02:00", end="03:00", days=("sun",))
    hours = sum(s.end_s - s.start_s for s in windows.stretches((hole,), BERLIN, day_s, day_s + 86_400.0)) / HOUR_S
    assert hours == (0.0 if length_h < 8 else 2.0)


def test_nothing_configured_is_nothing_charged() -> None:
    config = Config(chargers=(Charger(host="a"),))
    (guest,) = preview(config, Zone(), replace_cars(situated([])))
    assert guest.legs == ()
