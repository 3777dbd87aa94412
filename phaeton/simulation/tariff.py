"""What energy cost in the past, and what of it was known when: the day-ahead prices come at 13:00 for the next day.

The CSV has ``start`` (with zone), ``price_per_kwh`` and perhaps ``feed_in_per_kwh``. A missing price stays missing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from itertools import pairwise
from pathlib import Path

from msgspec import Struct

from phaeton.calendar_days import instant, next_midnight, wall_s
from phaeton.model import PriceCurve, PriceSlot, Zone
from phaeton.simulation.csv_rows import CsvFile, InputError

PUBLISHED_S = 13 * 3600.0
"""Local time of day at which the prices of the next day are out."""
_DAY_S = 86400.0
_PER_KWH_BELOW = 10.0
"""The middle price of a kWh is below this, in the currencies of dynamic tariffs."""


class Tariff(Struct, frozen=True):
    """The prices of the past, in order of time."""

    slots: tuple[PriceSlot, ...]
    currency: str = ""

    def index(self, utc_s: float) -> int:
        """The last slot that has begun; -1 before the first."""
        return bisect_right(self.slots, utc_s, key=_start_s) - 1

    def curve(self, mono_s: float, utc_s: float, zone: Zone) -> PriceCurve:
        """What is known of the prices at an instant: until the end of the day, from 13:00 until that of the next."""
        until_s = next_midnight(zone, utc_s)
        if wall_s(zone, utc_s) % _DAY_S >= PUBLISHED_S:
            until_s = next_midnight(zone, until_s)
        first = max(self.index(utc_s), 0)
        last = self.index(until_s - 1.0) + 1
        return PriceCurve(mono_s, utc_s, self.slots[first:last], self.currency)


def _start_s(slot: PriceSlot) -> float:
    return slot.start_s


def next_publication(zone: Zone, utc_s: float) -> float:
    """When the prices become known that are not known at this instant."""
    today_s = wall_s(zone, utc_s) // _DAY_S * _DAY_S
    at_s = instant(zone, today_s + PUBLISHED_S)
    return at_s if at_s > utc_s else instant(zone, today_s + _DAY_S + PUBLISHED_S)


def read_tariff(path: Path, feed_in_per_kwh: float, currency: str = "", *, trust_units: bool = False) -> Tariff:
    """Read the prices; ``feed_in_per_kwh`` holds where the file has no such column. Raises `InputError`."""
    file = CsvFile(path)
    known = ("start", "price_per_kwh", "feed_in_per_kwh")
    start_at, price_at = file.index("start", known), file.index("price_per_kwh", known)
    feed_in_at = file.header.index("feed_in_per_kwh") if "feed_in_per_kwh" in file.header else None
    found: list[tuple[float, float, float]] = []
    starts: list[float] = []
    before_row = 0
    for row, cells in file.rows():
        start_s = file.time_s(cells[start_at], row, "start")
        if starts and start_s <= starts[-1]:
            same = start_s == starts[-1]
            raise InputError(
                path,
                f"{cells[start_at]} is {'there already, in' if same else 'earlier than'} row {before_row}",
                row=row,
                column="start",
                remedy="Keep one row for each time" if same else "Sort the rows by time",
            )
        starts.append(start_s)
        before_row = row
        price = file.number(cells[price_at], row, "price_per_kwh")
        feed_in: float | None = feed_in_per_kwh
        if feed_in_at is not None:
            feed_in = file.number(cells[feed_in_at], row, "feed_in_per_kwh")
        if price is not None and feed_in is not None:
            found.append((start_s, price, feed_in))
    if len(starts) < 2 or not found:
        raise InputError(path, "has fewer than two prices", remedy="A slot is known by the next one")
    _judge_units(path, [price for _, price, _ in found], trust_units)
    length_s, _ = Counter(after - before for before, after in pairwise(starts)).most_common(1)[0]
    slots = [
        PriceSlot(start_s, min(start_s + length_s, _next(starts, start_s)), price, feed_in)
        for start_s, price, feed_in in found
    ]
    return Tariff(tuple(slots), currency)


def _next(starts: list[float], start_s: float) -> float:
    index = bisect_right(starts, start_s)
    return starts[index] if index < len(starts) else 1e18


def _judge_units(path: Path, prices: list[float], trust_units: bool) -> None:
    middle = sorted(map(abs, prices))[len(prices) // 2]
    if middle > _PER_KWH_BELOW and not trust_units:
        raise InputError(
            path,
            f"the middle price is {middle:g}, which looks like a price of a MWh, or like cents",
            column="price_per_kwh",
            remedy="Prices are of a kWh, in whole units of the currency; say --trust-units if they are",
        )
