"""The plan of a departure: known answers, and that it is quick."""

from __future__ import annotations

import pytest

from phaeton.model import PriceSlot, SlotWhy
from phaeton.streams import cheapest
from phaeton.streams.planner import Request, SunSlot, blocks, effective_price, plan

HOUR_S = 3600.0
MARGIN_S = 900.0


def slots(values: list[float], length_s: float = HOUR_S, start_s: float = 0.0) -> tuple[PriceSlot, ...]:
    return tuple(
        PriceSlot(start_s + n * length_s, start_s + (n + 1) * length_s, value, 0.08) for n, value in enumerate(values)
    )


def hours(**more: object) -> list[tuple[float, float]]:
    """The blocks, in hours."""
    made = plan(Request(**{"now_s": 0.0, "power_w": 10_000.0, **more}))  # type: ignore[arg-type]
    return [(round(a / HOUR_S, 3), round(b / HOUR_S, 3)) for a, b in blocks(made.slots)]


def test_a_later_slot_is_cut_at_its_end_and_an_earlier_one_begins_late() -> None:
    prices = slots([0.3, 0.1, 0.2, 0.3])
    assert hours(departure_s=4 * HOUR_S + MARGIN_S, need_kwh=15, prices=prices) == [(1, 2.5)]
    prices = slots([0.3, 0.2, 0.1, 0.3])
    assert hours(departure_s=4 * HOUR_S + MARGIN_S, need_kwh=15, prices=prices) == [(1.5, 3)]


def test_equal_prices_are_the_latest_and_in_one_block() -> None:
    assert hours(departure_s=8 * HOUR_S + MARGIN_S, need_kwh=20, prices=slots([0.2] * 8)) == [(6, 8)]
    # The cheap hour at the end would be later, but costs a second start for nothing.
    prices = slots([0.3, 0.1, 0.1, 0.3, 0.1])
    assert hours(departure_s=5 * HOUR_S + MARGIN_S, need_kwh=20, prices=prices) == [(1, 3)]


def test_a_start_must_save_its_cost() -> None:
    prices = slots([0.1, 0.2, 0.1])
    dear = hours(departure_s=3 * HOUR_S + MARGIN_S, need_kwh=20, prices=prices, start_cost=1.1)
    cheap = hours(departure_s=3 * HOUR_S + MARGIN_S, need_kwh=20, prices=prices, start_cost=0.9)
    assert dear == [(1, 3)]
    assert cheap == [(0, 1), (2, 3)]


def test_slots_of_a_quarter_and_of_an_hour_mix() -> None:
    prices = slots([0.3, 0.1, 0.3, 0.3], 900) + slots([0.2, 0.15], start_s=HOUR_S)
    assert hours(departure_s=3 * HOUR_S + MARGIN_S, need_kwh=12.5, prices=prices) == [(0.25, 0.5), (2, 3)]


def test_continuous_is_one_block_also_where_two_were_cheaper() -> None:
    prices = slots([0.1, 0.5, 0.1, 0.2])
    assert hours(departure_s=4 * HOUR_S + MARGIN_S, need_kwh=20, prices=prices, continuous=True) == [(2, 4)]


def test_preconditioning_is_always_charged() -> None:
    prices = slots([0.1, 0.1, 0.5, 0.5])
    found = hours(departure_s=4 * HOUR_S + MARGIN_S, need_kwh=15, prices=prices, precondition_s=1800.0)
    assert found == [(1, 2), (3.5, 4)]
    all_of_it = hours(departure_s=4 * HOUR_S + MARGIN_S, need_kwh=5, prices=prices, precondition_s=3600.0)
    assert all_of_it == [(3.5, 4)]


def test_prices_that_end_early_are_waited_for_while_the_rest_suffices() -> None:
    made = plan(
        Request(now_s=0, departure_s=8 * HOUR_S + MARGIN_S, need_kwh=20, power_w=10_000, prices=slots([0.1, 0.2]))
    )
    assert made.waits_for_prices
    assert [slot.why for slot in made.slots] == [SlotWhy.UNPRICED]
    assert blocks(made.slots) == [(6 * HOUR_S, 8 * HOUR_S)]
    assert made.cost is None


def test_only_what_does_not_fit_after_the_last_price_is_planned_before() -> None:
    prices = slots([0.3, 0.1, 0.2])
    assert hours(departure_s=5 * HOUR_S + MARGIN_S, need_kwh=30, prices=prices) == [(1, 2), (3, 5)]


def test_a_gap_in_the_prices_is_the_last_resort() -> None:
    prices = slots([0.3]) + slots([0.4], start_s=2 * HOUR_S)
    enough = plan(Request(now_s=0, departure_s=3 * HOUR_S + MARGIN_S, need_kwh=20, power_w=10_000, prices=prices))
    assert [slot.price_per_kwh for slot in enough.slots] == [0.3, 0.4]
    short = plan(Request(now_s=0, departure_s=3 * HOUR_S + MARGIN_S, need_kwh=25, power_w=10_000, prices=prices))
    assert [slot.why for slot in short.slots] == [SlotWhy.PRICE, SlotWhy.UNPRICED, SlotWhy.PRICE]
    assert short.cost is None


def test_negative_prices_are_taken_first() -> None:
    prices = slots([0.1, -0.05, 0.2])
    assert hours(departure_s=3 * HOUR_S + MARGIN_S, need_kwh=10, prices=prices) == [(1, 2)]


def test_the_sun_is_worth_what_feeding_in_would_bring() -> None:
    sun = (SunSlot(2 * HOUR_S, 4 * HOUR_S, 3000.0),)
    prices = slots([0.28, 0.28, 0.35, 0.35])
    made = plan(
        Request(now_s=0, departure_s=4 * HOUR_S + MARGIN_S, need_kwh=10, power_w=10_000, prices=prices, sun=sun)
    )
    assert made.sun_kwh == pytest.approx(6)
    assert [slot.why for slot in made.slots] == [SlotWhy.PRICE, SlotWhy.SUN]
    assert made.cost == pytest.approx(4 * 0.28 + 6 * 0.08)


def test_where_the_grid_is_cheaper_than_the_sun_is_worth_it_is_bought() -> None:
    sun = (SunSlot(2 * HOUR_S, 4 * HOUR_S, 3000.0),)
    prices = slots([0.05, 0.28, 0.35, 0.35])
    made = plan(
        Request(now_s=0, departure_s=4 * HOUR_S + MARGIN_S, need_kwh=10, power_w=10_000, prices=prices, sun=sun)
    )
    assert [slot.why for slot in made.slots] == [SlotWhy.PRICE]
    assert made.cost == pytest.approx(0.5)


def test_a_sunny_hour_that_is_cheap_is_bought_with_the_sun_in_it() -> None:
    sun = (SunSlot(HOUR_S, 4 * HOUR_S, 3000.0),)
    prices = slots([0.30, 0.12, 0.35, 0.35])
    made = plan(
        Request(now_s=0, departure_s=4 * HOUR_S + MARGIN_S, need_kwh=16, power_w=10_000, prices=prices, sun=sun)
    )
    paid = [slot for slot in made.slots if slot.why is SlotWhy.PRICE]
    assert paid[0].price_per_kwh == pytest.approx(0.7 * 0.12 + 0.3 * 0.08)
    assert made.sun_kwh == pytest.approx(6)


def test_the_price_is_mixed_by_the_share_of_the_sun() -> None:
    assert effective_price(0.20, 0.06, 0.7) == pytest.approx(0.102)
    assert effective_price(0.20, 0.06, -1) == 0.20
    assert effective_price(0.20, 0.06, 2) == 0.06


def test_two_days_of_quarter_hours_need_a_small_part_of_the_search_that_is_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A valley at night, one at noon, a peak in the evening, and no two quarters alike, for several needs."""
    values = []
    for n in range(192):
        hour = n / 4 % 24
        base = 0.30 + 0.12 * (17 <= hour < 21) - 0.10 * (1 <= hour < 5) - 0.06 * (11 <= hour < 15)
        values.append(round(base + 0.02 * ((n * 7919 % 101) / 101 - 0.5), 4))
    prices = slots(values, 900)
    for need_kwh in (12.0, 38.0, 66.0, 120.0):
        request = Request(
            now_s=480.0,
            departure_s=47 * HOUR_S,
            need_kwh=need_kwh,
            power_w=8_832.0,
            prices=prices,
            start_cost=0.02,
        )
        monkeypatch.setattr(cheapest, "MOST_LABELS", 1_000_000)
        best = plan(request)
        monkeypatch.setattr(cheapest, "MOST_LABELS", 2500)
        assert plan(request) == best
