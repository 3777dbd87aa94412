"""What a source says, made sound: rows in order, without overlaps, with everything odd dropped and counted.

A price that is missing is missing: no row becomes 0, no gap is filled, and of two rows that contradict each other
neither counts.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from phaeton.links.http import TroubleKind
from phaeton.sources.service.answers import ServiceError

HOUR_S = 3600.0
GRID_S = 300.0
"""Prices begin on full five minutes; markets use 15, 30 and 60 minutes."""
LONGEST_S = 31 * 86400.0
MOST_ROWS = 4000
_FROM_S = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
_UNTIL_S = datetime(2100, 1, 1, tzinfo=UTC).timestamp()

_HIGHEST = {
    "EUR": 10.0,
    "USD": 10.0,
    "GBP": 10.0,
    "CHF": 10.0,
    "AUD": 20.0,
    "BGN": 20.0,
    "PLN": 50.0,
    "RON": 50.0,
    "SEK": 120.0,
    "NOK": 120.0,
    "DKK": 120.0,
    "CZK": 250.0,
    "HUF": 4500.0,
}
_HIGHEST_ELSE = 5000.0
"""No price per kWh is above; a table that has one mistakes its unit (MWh for kWh is a factor of 1000)."""


class Row(Struct, frozen=True, gc=False):
    """A price as a source tells it; whatever it does not tell is None."""

    start_s: float | None
    price: float | None
    """In the currency per kWh."""
    end_s: float | None = None
    spot: float | None = None
    """The bare market price, where the source tells it besides."""
    level: str = ""


class RawSlot(Struct, frozen=True, gc=False):
    """A sound price of a source, before the formula."""

    start_s: float
    end_s: float
    price: float
    spot: float | None = None
    level: str = ""


class Table(Struct, frozen=True):
    """The prices of one answer."""

    slots: tuple[RawSlot, ...]
    currency: str = ""
    """Empty where the source does not tell it."""
    dropped: Mapping[str, int] = {}
    """How many rows were left out, by why."""
    note: str = ""
    """What the owner should know besides."""


def sound(
    rows: Iterable[Row], currency: str = "", length_s: float | None = None, note: str = "", who: str = "The source"
) -> Table:
    """The rows as a table; ``length_s`` is the length of a slot where the source says it.

    Raises `ServiceError` when a price is so high that the unit must be wrong, or when there are far too many rows.
    """
    kept: dict[float, Row] = {}
    dropped: Counter[str] = Counter()
    contradicting: set[float] = set()
    for count, row in enumerate(rows):
        if count >= MOST_ROWS:
            raise ServiceError(
                TroubleKind.GARBAGE, f"{who} sends more than {MOST_ROWS} prices: check what is asked for"
            )
        why = _wrong(row)
        start_s = row.start_s
        if why or start_s is None:
            dropped[why or "no time"] += 1
        elif start_s not in kept:
            kept[start_s] = row
        elif kept[start_s].price == row.price:
            dropped["twice"] += 1
        else:
            contradicting.add(start_s)
            dropped["contradicting"] += 1
    for start_s in contradicting:
        del kept[start_s]
        dropped["contradicting"] += 1
    ordered = [kept[start_s] for start_s in sorted(kept)]
    _check_unit(ordered, currency, who)
    borders = sorted({*kept, *contradicting})
    slots = _closed(ordered, borders, length_s or _usual_length_s(borders), dropped)
    return Table(slots, currency, dict(dropped), note)


def merged(old: tuple[RawSlot, ...], new: tuple[RawSlot, ...]) -> tuple[RawSlot, ...]:
    """Both together; where they overlap the new ones hold."""
    if not new:
        return old
    kept: list[RawSlot] = []
    for slot in old:
        kept += _without(slot, new)
    return tuple(sorted([*kept, *new], key=lambda slot: slot.start_s))


def covering(slots: tuple[RawSlot, ...], from_s: float) -> float:
    """Until when prices are known from ``from_s`` on without a gap; ``from_s`` itself when they are not."""
    end_s = from_s
    for slot in slots:
        if slot.start_s <= end_s < slot.end_s:
            end_s = slot.end_s
    return end_s


def _wrong(row: Row) -> str:
    if row.start_s is None or not math.isfinite(row.start_s):
        return "no time"
    if row.price is None or not math.isfinite(row.price):
        return "no price"
    if not _FROM_S <= row.start_s <= _UNTIL_S or row.start_s % GRID_S:
        return "odd time"
    if row.end_s is not None and not row.start_s < row.end_s <= row.start_s + LONGEST_S:
        return "odd time"
    return ""


def _check_unit(rows: list[Row], currency: str, who: str) -> None:
    highest = _HIGHEST.get(currency.upper(), _HIGHEST_ELSE)
    worst = max((abs(row.price or 0.0) for row in rows), default=0.0)
    if worst > highest:
        text = (
            f"{who} tells {worst:g} {currency or 'units'} per kWh, which is no price: is the unit per MWh, or in cents?"
        )
        raise ServiceError(TroubleKind.GARBAGE, text)


def _usual_length_s(borders: list[float]) -> float:
    """The usual distance of two rows, at most an hour."""
    steps = Counter(after_s - before_s for before_s, after_s in pairwise(borders))
    if not steps:
        return HOUR_S
    usual, _ = max(steps.items(), key=lambda item: (item[1], -item[0]))
    return min(usual, HOUR_S)


def _closed(rows: list[Row], borders: list[float], length_s: float, dropped: Counter[str]) -> tuple[RawSlot, ...]:
    """Each row lasts as long as it says, else as long as is usual, and never into the next one."""
    following = dict(pairwise(borders))
    slots = []
    for row in rows:
        if row.start_s is None or row.price is None:
            continue
        end_s = row.end_s if row.end_s is not None else row.start_s + length_s
        next_s = following.get(row.start_s)
        if next_s is not None and next_s < end_s:
            if row.end_s is not None:
                dropped["overlapping"] += 1
            end_s = next_s
        spot = row.spot if row.spot is not None and math.isfinite(row.spot) else None
        slots.append(RawSlot(row.start_s, end_s, row.price, spot, row.level))
    return tuple(slots)


def _without(slot: RawSlot, others: tuple[RawSlot, ...]) -> list[RawSlot]:
    """What is left of a slot beside the others, which are in order."""
    left: list[RawSlot] = []
    start_s = slot.start_s
    for other in others:
        if other.end_s <= start_s or other.start_s >= slot.end_s:
            continue
        if other.start_s > start_s:
            left.append(replace(slot, start_s=start_s, end_s=other.start_s))
        start_s = max(start_s, other.end_s)
    if start_s < slot.end_s:
        left.append(replace(slot, start_s=start_s))
    return left
