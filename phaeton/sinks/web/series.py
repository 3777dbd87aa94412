"""The recent past for the chart: 10 minutes by the second and 6 hours by 10 seconds, in fixed memory.

Each value is the mean over its interval. A column that was never known costs nothing but its place.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

from msgspec import Struct

from phaeton.model import Output, PointDecision, PointSituation
from phaeton.sinks.web.status import house_w

FINE_S, FINE_KEPT = 1, 600
COARSE_S, COARSE_KEPT = 10, 2160
LONGEST_S = COARSE_S * COARSE_KEPT
MOST_POINTS = 720
"""A chart gets no more points than a screen shows."""
NOMINAL_V = 230.0

_POINT_COLUMNS = ("power_w", "setpoint_w", "surplus_w")
_SITE_COLUMNS = ("pv_w", "grid_w", "house_w", "battery_w")
_NAN = math.nan


class Series(Struct, frozen=True):
    """Columns of equal length over the times ``t`` (UTC seconds); null where nothing was known."""

    charger: str
    step_s: int
    t: list[int]
    power_w: list[float | None]
    setpoint_w: list[float | None]
    surplus_w: list[float | None]
    pv_w: list[float | None]
    grid_w: list[float | None]
    house_w: list[float | None]
    battery_w: list[float | None]


class _Ring:
    """Means over intervals of ``step_s``, the newest ``kept`` of them."""

    def __init__(self, step_s: int, kept: int, columns: int) -> None:
        self.step_s = step_s
        self._kept = kept
        self._times = array("q", bytes(8 * kept))
        self._columns = [array("f", bytes(4 * kept)) for _ in range(columns)]
        self._written = 0
        self._slot: int | None = None
        self._sums = [0.0] * columns
        self._counts = [0] * columns

    def add(self, utc_s: float, row: Sequence[float]) -> None:
        """Take in one row; the interval before is written when a new one begins."""
        slot = int(utc_s // self.step_s)
        if slot != self._slot:
            self._close()
            self._slot = slot
        sums, counts = self._sums, self._counts
        for index, value in enumerate(row):
            if value == value:  # noqa: PLR0124  (not NaN)
                sums[index] += value
                counts[index] += 1

    def _close(self) -> None:
        if self._slot is None:
            return
        place = self._written % self._kept
        self._times[place] = self._slot * self.step_s
        for index, column in enumerate(self._columns):
            count = self._counts[index]
            column[place] = self._sums[index] / count if count else _NAN
            self._sums[index] = 0.0
            self._counts[index] = 0
        self._written += 1

    def since(self, utc_s: float) -> list[int]:
        """The places of the intervals from then on, in the order they were written."""
        first = max(self._written - self._kept, 0)
        places = [number % self._kept for number in range(first, self._written)]
        return [place for place in places if self._times[place] >= utc_s]

    def time(self, place: int) -> int:
        """When the interval began, UTC seconds."""
        return self._times[place]

    def column(self, index: int) -> array[float]:
        """All of one column, by place."""
        return self._columns[index]


class History:
    """The rings of one site with its charging points."""

    def __init__(self, points: Sequence[str]) -> None:
        self._points = list(points)
        columns = len(_POINT_COLUMNS) * len(self._points) + len(_SITE_COLUMNS)
        self._fine = _Ring(FINE_S, FINE_KEPT, columns)
        self._coarse = _Ring(COARSE_S, COARSE_KEPT, columns)
        self._last_s = -1.0
        self._utc_s = 0.0

    def add(self, output: Output) -> None:
        """Keep one sample, at most one a second however often decisions are made."""
        decision = output.decision
        if 0.0 <= decision.mono_s - self._last_s < 0.9:
            return
        self._last_s = decision.mono_s
        self._utc_s = decision.utc_s
        row = self._row(output)
        self._fine.add(decision.utc_s, row)
        self._coarse.add(decision.utc_s, row)

    def _row(self, output: Output) -> list[float]:
        decided = {point.point: point for point in output.decision.points}
        known = {point.id: point for point in output.situation.points}
        row: list[float] = []
        for point in self._points:
            row += _point_row(decided.get(point), known.get(point))
        site = output.situation.site
        if site is None or not output.decision.site_fresh:
            row += [_NAN] * len(_SITE_COLUMNS)
        else:
            row += [_NAN if w is None else w for w in (site.pv_w, site.grid_w, house_w(output), site.battery_w)]
        return row

    def series(self, point: str, window_s: float) -> Series:
        """The newest ``window_s`` seconds of one point, in at most `MOST_POINTS` intervals."""
        ring = self._fine if window_s <= FINE_S * FINE_KEPT else self._coarse
        places = ring.since(self._utc_s - window_s)
        bundle = max(1, math.ceil(window_s / ring.step_s / MOST_POINTS))
        step_s = ring.step_s * bundle
        groups: dict[int, list[int]] = {}
        newest = None
        for place in reversed(places):
            start = ring.time(place) // step_s * step_s
            if newest is not None and start > newest:
                continue  # from before the wall clock was set back
            newest = start
            groups.setdefault(start, []).append(place)
        times = sorted(groups)[-MOST_POINTS:]
        base = self._points.index(point) * len(_POINT_COLUMNS)
        site = len(self._points) * len(_POINT_COLUMNS)
        wanted = [*range(base, base + len(_POINT_COLUMNS)), *range(site, site + len(_SITE_COLUMNS))]
        columns = [[_mean(column, groups[start]) for start in times] for column in map(ring.column, wanted)]
        return Series(point, step_s, times, *columns)


def _mean(column: array[float], places: list[int]) -> float | None:
    known = [value for value in (column[place] for place in places) if math.isfinite(value)]
    return round(sum(known) / len(known)) if known else None


def _point_row(decided: PointDecision | None, known: PointSituation | None) -> list[float]:
    if decided is None or known is None or known.reading is None or not decided.reachable:
        return [_NAN] * len(_POINT_COLUMNS)
    reading = known.reading
    volts = [volt for volt in reading.voltage_v if volt is not None and volt > 0]
    volt_v = sum(volts) / len(volts) if volts else NOMINAL_V
    return [
        _NAN if reading.power_w is None else reading.power_w,
        decided.current_a * decided.phases * volt_v,
        _NAN if decided.surplus_w is None else decided.surplus_w,
    ]
