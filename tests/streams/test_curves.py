"""Curves that come again: what tells nothing new of the time ahead does not count as news."""

from __future__ import annotations

from collections.abc import Sequence

from phaeton.model import ForecastCurve, ForecastSlot, PriceCurve, PriceSlot, Situation
from phaeton.streams.situation import fold

HOUR_S = 3600.0
NOW_S = 10 * HOUR_S


def prices(mono_s: float, costs: Sequence[float], first: int = 9, currency: str = "EUR") -> PriceCurve:
    slots = [PriceSlot((first + n) * HOUR_S, (first + n + 1) * HOUR_S, cost, 0.08) for n, cost in enumerate(costs)]
    return PriceCurve(mono_s, NOW_S, tuple(slots), currency)


def folded(*curves: PriceCurve | ForecastCurve) -> Situation:
    return fold(Situation(), curves)


def test_the_same_prices_told_again_are_as_old_as_they_were() -> None:
    found = folded(prices(1.0, [0.2, 0.3, 0.4]), prices(50.0, [0.2, 0.3, 0.4])).prices
    assert found is not None
    assert found.mono_s == 1.0


def test_prices_that_only_lose_their_past_are_no_news_but_it_goes() -> None:
    found = folded(prices(1.0, [0.2, 0.3, 0.4]), prices(50.0, [0.3, 0.4], first=10)).prices
    assert found is not None
    assert (found.mono_s, len(found.slots)) == (1.0, 2)


def test_another_price_more_prices_or_another_currency_are_news() -> None:
    first = prices(1.0, [0.2, 0.3, 0.4])
    for second in (
        prices(50.0, [0.2, 0.3, 0.41]),
        prices(50.0, [0.2, 0.3, 0.4, 0.5]),
        prices(50.0, [0.2, 0.3, 0.4], currency="SEK"),
    ):
        found = folded(first, second).prices
        assert found is not None
        assert found.mono_s == 50.0


def test_a_forecast_is_news_only_where_the_sun_to_come_is_another() -> None:
    def sun(mono_s: float, *watts: float) -> ForecastCurve:
        slots = [ForecastSlot((9 + n) * HOUR_S, (10 + n) * HOUR_S, pv_w=w) for n, w in enumerate(watts)]
        return ForecastCurve(mono_s, NOW_S, tuple(slots))

    same, other = (folded(sun(1.0, 100, 200), sun(9.0, *w)).forecast for w in ((50, 200), (50, 300)))
    assert same is not None
    assert other is not None
    assert (same.mono_s, other.mono_s) == (1.0, 9.0)
