"""Forecasts as services tell them, made sound: mean powers in full quarter hours, without anything odd.

What is missing is missing: a quarter that no row tells of is no slot, and never 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from msgspec import Struct

from phaeton.model import ForecastSlot

QUARTER_S = 900.0
LONGEST_ROW_S = 2 * 3600.0
"""Rows that are further apart leave a gap, as the night between two days."""
MOST_ROWS = 2000
BEHIND_S = 86400.0
AHEAD_S = 4 * 86400.0
_FULL = 0.999


class Row(Struct, frozen=True, gc=False):
    """Mean power from ``start_s`` until ``end_s`` (UTC seconds), in W."""

    start_s: float
    end_s: float
    power_w: float


def rows_before(times: Iterable[tuple[float | None, float | None]], most_w: float) -> list[Row]:
    """Rows whose time is the end of what they tell of; ``times`` are pairs of time and mean power.

    Small negative numbers, which services compute in the dusk, are 0; what is negative by more than a tenth of
    ``most_w``, above it or no number is left out. Of two rows for one time the later holds.
    """
    found: dict[float, float | None] = {}
    for at_s, power_w in times:
        if at_s is not None and math.isfinite(at_s) and at_s % 1.0 == 0.0:
            sane = power_w is not None and math.isfinite(power_w) and -0.1 * most_w <= power_w <= most_w
            found[at_s] = max(power_w, 0.0) if sane and power_w is not None else None
    ends = sorted(found)[:MOST_ROWS]
    rows = []
    for start_s, end_s in pairwise(ends):
        power = found[end_s]
        if power is not None and end_s - start_s <= LONGEST_ROW_S:
            rows.append(Row(start_s, end_s, power))
    return rows


def quarters(planes: Sequence[Sequence[Row]], now_s: float) -> tuple[ForecastSlot, ...]:
    """The sum of all planes in the quarter hours that each of them tells of as a whole; a day back, four ahead."""
    sums = [_spread(rows, now_s) for rows in planes]
    if not sums:
        return ()
    common = set.intersection(*(set(one) for one in sums))
    return tuple(
        ForecastSlot(start_s, start_s + QUARTER_S, pv_w=float(round(sum(one[start_s] for one in sums))))
        for start_s in sorted(common)
    )


def _spread(rows: Sequence[Row], now_s: float) -> dict[float, float]:
    """Mean power by the start of the quarter hour; those that are not told of from end to end are left out."""
    energy: dict[float, float] = {}
    told: dict[float, float] = {}
    for row in rows:
        if row.end_s < now_s - BEHIND_S or row.start_s > now_s + AHEAD_S:
            continue
        start_s = row.start_s
        while start_s < row.end_s:
            quarter_s = start_s - start_s % QUARTER_S
            end_s = min(row.end_s, quarter_s + QUARTER_S)
            energy[quarter_s] = energy.get(quarter_s, 0.0) + (end_s - start_s) * row.power_w
            told[quarter_s] = told.get(quarter_s, 0.0) + end_s - start_s
            start_s = end_s
    return {at_s: ws / QUARTER_S for at_s, ws in energy.items() if told[at_s] >= _FULL * QUARTER_S}
