"""Charging by the price of the moment."""

from __future__ import annotations

from phaeton.config.tree_schedule import Schedule
from phaeton.model import PriceCurve, PriceSlot, Why
from phaeton.streams.strategy import PriceState, slot_at, step

QUARTER_S = 900.0
PRICES = (0.30, 0.20, 0.10, 0.40)


def curve(values: tuple[float, ...] = PRICES, made_s: float = 1.0) -> PriceCurve:
    return PriceCurve(
        made_s,
        0.0,
        tuple(PriceSlot(n * QUARTER_S, (n + 1) * QUARTER_S, value, 0.05) for n, value in enumerate(values)),
        "EUR",
    )


def charges(schedule: Schedule, prices: PriceCurve, sun_share: float = 0.0) -> list[bool]:
    state: PriceState | None = None
    answers = []
    for n in range(len(prices.slots)):
        state, charge, _ = step(state, schedule, prices, utc_s=(n + 0.5) * QUARTER_S, sun_share=sun_share)
        answers.append(charge)
    return answers


def test_the_slot_of_a_moment() -> None:
    gap = PriceCurve(0, 0, (PriceSlot(0, 900, 0.1, 0), PriceSlot(1800, 2700, 0.2, 0)))
    assert [slot_at(gap, t) is not None for t in (-1, 0, 899, 900, 1800, 2700)] == [
        False,
        True,
        True,
        False,
        True,
        False,
    ]


def test_a_threshold_includes_its_price() -> None:
    assert charges(Schedule(strategy="threshold", threshold_per_kwh=0.2), curve()) == [False, True, True, False]


def test_the_cheapest_part_is_of_the_time_that_is_still_ahead() -> None:
    assert charges(Schedule(strategy="percentile", percentile_pct=25), curve()) == [False, False, True, True]
    assert charges(Schedule(strategy="percentile", percentile_pct=100), curve()) == [True] * 4


def test_flat_prices_are_all_among_the_cheapest() -> None:
    assert charges(Schedule(strategy="percentile", percentile_pct=10), curve((0.2,) * 4)) == [True] * 4


def test_the_sun_lowers_the_price_that_counts() -> None:
    schedule = Schedule(strategy="threshold", threshold_per_kwh=0.2)
    assert charges(schedule, curve(), sun_share=0.6) == [True, True, True, True]


def test_a_cloud_does_not_end_charging_inside_of_a_slot_before_it_has_lasted() -> None:
    schedule = Schedule(strategy="threshold", threshold_per_kwh=0.15)
    prices = PriceCurve(1.0, 0.0, (PriceSlot(0, 3600, 0.30, 0.05),))
    state: PriceState | None = None
    answers = []
    for minute, share in ((0, 0.9), (5, 0.0), (8, 0.9), (9, 0.0), (13, 0.0), (14, 0.0), (15, 0.9), (20, 0.9)):
        state, charge, _ = step(state, schedule, prices, utc_s=minute * 60.0, sun_share=share)
        answers.append(charge)
    assert answers == [True, True, True, True, True, False, False, True]


def test_a_new_curve_is_judged_at_once() -> None:
    schedule = Schedule(strategy="threshold", threshold_per_kwh=0.2)
    state, charge, _ = step(None, schedule, curve(), utc_s=60, sun_share=0)
    assert not charge
    _, charge, _ = step(state, schedule, curve((0.1,) * 4, made_s=2.0), utc_s=120, sun_share=0)
    assert charge


def test_what_is_waited_for_is_told() -> None:
    schedule = Schedule(strategy="threshold", threshold_per_kwh=0.1)
    _, _, reason = step(None, schedule, curve(), utc_s=60, sun_share=0)
    assert (reason.why, reason.value, reason.limit, reason.left_s) == (Why.PRICE_WAIT, 0.30, 0.1, 1740)
    _, _, never = step(None, schedule, curve((0.3,) * 4), utc_s=60, sun_share=0)
    assert never.left_s is None


def test_without_a_price_nothing_is_charged() -> None:
    state, charge, reason = step(
        None, Schedule(strategy="threshold", threshold_per_kwh=9), curve(), utc_s=1e6, sun_share=1
    )
    assert (state, charge, reason.why) == (None, False, Why.PRICE_MISSING)
