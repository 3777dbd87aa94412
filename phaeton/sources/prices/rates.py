"""Prices that need nobody: one fixed price, and the rates of a time-of-use tariff."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from phaeton.config.tree_prices import Prices
from phaeton.model import PriceSlot
from phaeton.sources.service.days import Wall

HOUR_S = 3600.0
DAYS = 3
"""Today and so many days in all are told: enough for the departures that plans are made for."""


def fixed(config: Prices, wall: Wall, now_s: float) -> tuple[PriceSlot, ...]:
    """The one price, hour by hour."""
    return tuple(
        PriceSlot(start_s, end_s, config.import_per_kwh, config.feed_in_per_kwh)
        for start_s, end_s in pairwise(_edges(config, wall, now_s))
    )


def time_of_use(config: Prices, wall: Wall, now_s: float) -> tuple[PriceSlot, ...]:
    """The first rate that fits each stretch; outside of all `prices.import_per_kwh`."""
    return tuple(_rated(config, wall, now_s))


def _rated(config: Prices, wall: Wall, now_s: float) -> Iterator[PriceSlot]:
    for start_s, end_s in pairwise(_edges(config, wall, now_s)):
        rate = next((rate for rate in config.time_of_use if wall.fits(rate, start_s)), None)
        own = None if rate is None else rate.feed_in_per_kwh
        yield PriceSlot(
            start_s,
            end_s,
            config.import_per_kwh if rate is None else rate.import_per_kwh,
            config.feed_in_per_kwh if own is None else own,
        )


def _edges(config: Prices, wall: Wall, now_s: float) -> list[float]:
    """Full hours and the borders of the rates, from the start of today on."""
    start_s, end_s = wall.day_start_s(now_s), wall.day_start_s(now_s, DAYS)
    edges = {start_s, end_s, *wall.borders(config.time_of_use, start_s, end_s)}
    hour_s = start_s - start_s % HOUR_S + HOUR_S
    while hour_s < end_s:
        edges.add(hour_s)
        hour_s += HOUR_S
    return sorted(edges)
