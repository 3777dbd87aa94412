"""The recent past for the chart: 10 minutes by the second and 6 hours by 10 seconds, in fixed memory.

Each value is the mean over its interval. A column that was never known costs nothing but its place.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence

from msgspec import Struct

from phaeton.minutes import POINT_QUANTITIES, SITE_QUANTITIES, STEPS_S, Grid
from phaeton.model import Output, PointDecision, PointSituation
from phaeton.sinks.web.status import house_w

FINE_S, FINE_KEPT = 1, 600
COARSE_S, COARSE_KEPT = 10, 2160
LONGEST_S = COARSE_S * COARSE_KEPT
MOST_POINTS = 720
"""A chart gets no more points than a screen shows."""
NOMINAL_V = 230.0

QUANTITIES = (*POINT_QUANTITIES, *SITE_QUANTITIES)
_DIGITS = {"battery_soc_pct": 1, "import_per_kwh": 5, "feed_in_per_kwh": 5}
_FINE_STEPS_S = (1, 2, 5, 10, 20, 30)
_COARSE_STEPS_S = (10, 20, 30)
_HOLE = 2.5
"""A time that is more than so many steps after the one before has a gap in front of it."""
_NAN = math.nan

Values = list[float | None]


class Columns(Struct, frozen=True):
    """A value of each interval; null where nothing was known."""

    power_w: Values
    """What the car draws."""
    setpoint_w: Values
    """What the car is offered."""
    surplus_w: Values
    """What the sun leaves."""
    pv_w: Values
    grid_w: Values
    """Import is positive."""
    house_w: Values
    """Without the cars."""
    battery_w: Values
    """Charging is positive."""
    battery_soc_pct: Values
    import_per_kwh: Values
    feed_in_per_kwh: Values


class Series(Columns, frozen=True, kw_only=True):
    """Columns of equal length over the times ``t``; their values are means over ``step_s``."""

    charger: str
    step_s: int
    """Usual time between two of ``t``; what is older than the memory may be coarser."""
    t: list[int]
    """Where each interval begins, UTC seconds."""
    least: Columns | None = None
    """The lowest values; where a length of time is asked for by ``from``."""
    most: Columns | None = None
    """The highest values."""


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

    def oldest(self) -> int | None:
        """When the oldest interval began that is there."""
        if not self._written:
            return None
        return self._times[self._written % self._kept if self._written > self._kept else 0]

    def groups(self, utc_s: float, step_s: int) -> dict[int, list[int]]:
        """The places of the intervals from then on, by the wider interval that they are in."""
        first = max(self._written - self._kept, 0)
        found: dict[int, list[int]] = {}
        newest = None
        for number in range(self._written - 1, first - 1, -1):
            place = number % self._kept
            time = self._times[place]
            if time < utc_s:
                continue
            start = time // step_s * step_s
            if newest is not None and start > newest:
                continue  # from before the wall clock was set back
            newest = start
            found.setdefault(start, []).append(place)
        return found

    def column(self, index: int) -> array[float]:
        """All of one column, by place."""
        return self._columns[index]


class History:
    """The rings of one site with its charging points."""

    def __init__(self, points: Sequence[str]) -> None:
        self._points = list(points)
        columns = len(POINT_QUANTITIES) * len(self._points) + len(SITE_QUANTITIES)
        self._fine = _Ring(FINE_S, FINE_KEPT, columns)
        self._coarse = _Ring(COARSE_S, COARSE_KEPT, columns)
        self._last_s = -1.0
        self.utc_s = 0.0
        """Of the newest sample."""

    def add(self, output: Output) -> None:
        """Keep one sample, at most one a second however often decisions are made."""
        decision = output.decision
        if 0.0 <= decision.mono_s - self._last_s < 0.9:
            return
        self._last_s = decision.mono_s
        self.utc_s = decision.utc_s
        row = self._row(output)
        self._fine.add(decision.utc_s, row)
        self._coarse.add(decision.utc_s, row)

    def _row(self, output: Output) -> list[float]:
        decided = {point.point: point for point in output.decision.points}
        known = {point.id: point for point in output.situation.points}
        row: list[float] = []
        for point in self._points:
            row += point_values(decided.get(point), known.get(point))
        return row + site_values(output)

    def series(self, point: str, window_s: float) -> Series:
        """The newest ``window_s`` seconds of one point, in at most `MOST_POINTS` intervals."""
        ring = self._fine if window_s <= FINE_S * FINE_KEPT else self._coarse
        step_s = ring.step_s * max(1, math.ceil(window_s / ring.step_s / MOST_POINTS))
        groups = ring.groups(self.utc_s - window_s, step_s)
        times = sorted(groups)[-MOST_POINTS:]
        columns = [[_mean(column, groups[start]) for start in times] for column in self._columns(ring, point)]
        return with_holes(Series(*_rounded(columns), charger=point, step_s=step_s, t=times))

    def steps_s(self, from_s: float) -> tuple[int, ...]:
        """How fine the time from then on can be told."""
        for ring, steps_s in ((self._fine, _FINE_STEPS_S), (self._coarse, _COARSE_STEPS_S)):
            oldest = ring.oldest()
            if oldest is not None and from_s >= oldest:
                return (*steps_s, *STEPS_S)
        return STEPS_S

    def between(self, point: str, where: Grid) -> Series:
        """One point in buckets of less than a minute, from memory."""
        oldest = self._fine.oldest()
        ring = self._fine if oldest is not None and where.first_s >= oldest else self._coarse
        groups = ring.groups(where.first_s, where.step_s)
        times = where.times()
        columns = self._columns(ring, point)
        mean, least, most = (
            Columns(*_rounded([[of(column, groups.get(start, [])) for start in times] for column in columns]))
            for of in (_mean, _least, _most)
        )
        return assembled(point, where, mean, least, most)

    def _columns(self, ring: _Ring, point: str) -> list[array[float]]:
        base = self._points.index(point) * len(POINT_QUANTITIES)
        site = len(self._points) * len(POINT_QUANTITIES)
        wanted = [*range(base, base + len(POINT_QUANTITIES)), *range(site, site + len(SITE_QUANTITIES))]
        return [ring.column(index) for index in wanted]


def with_holes(series: Series) -> Series:
    """The same, with a row of nothing where time is missing, so that no line is drawn over it."""
    places = list(_holes(series.t, series.step_s))
    if not places:
        return series
    times = list(series.t)
    columns = [list(getattr(series, name)) for name in QUANTITIES]
    for place, time in reversed(places):
        times.insert(place, time)
        for column in columns:
            column.insert(place, None)
    return Series(*columns, charger=series.charger, step_s=series.step_s, t=times)


def _holes(times: Sequence[int], step_s: int) -> Iterator[tuple[int, int]]:
    """Where a row of nothing belongs, and its time."""
    usual_s = max(step_s, STEPS_S[0])
    for place in range(1, len(times)):
        if times[place] - times[place - 1] > _HOLE * usual_s:
            yield place, times[place - 1] + usual_s


def assembled(point: str, where: Grid, mean: Columns, least: Columns, most: Columns) -> Series:
    """The series of a point over a grid."""
    columns = [getattr(mean, name) for name in QUANTITIES]
    return Series(*columns, charger=point, step_s=where.step_s, t=where.times(), least=least, most=most)


def _known(column: array[float], places: list[int]) -> list[float]:
    return [value for value in (column[place] for place in places) if math.isfinite(value)]


def _mean(column: array[float], places: list[int]) -> float | None:
    known = _known(column, places)
    return sum(known) / len(known) if known else None


def _least(column: array[float], places: list[int]) -> float | None:
    return min(_known(column, places), default=None)


def _most(column: array[float], places: list[int]) -> float | None:
    return max(_known(column, places), default=None)


def _rounded(columns: Sequence[Values]) -> list[Values]:
    """Each column to the digits of its quantity."""
    return [
        [
            None if value is None else round(value, _DIGITS[name]) if name in _DIGITS else round(value)
            for value in column
        ]
        for name, column in zip(QUANTITIES, columns, strict=True)
    ]


def point_values(decided: PointDecision | None, known: PointSituation | None) -> list[float]:
    """What a charging point adds to a row, in the order of `POINT_QUANTITIES`; not a number where it is not known."""
    if decided is None or known is None or known.reading is None or not decided.reachable:
        return [_NAN] * len(POINT_QUANTITIES)
    reading = known.reading
    volts = [volt for volt in reading.voltage_v if volt is not None and volt > 0]
    volt_v = sum(volts) / len(volts) if volts else NOMINAL_V
    return [
        _NAN if reading.power_w is None else reading.power_w,
        decided.current_a * decided.phases * volt_v,
        _NAN if decided.surplus_w is None else decided.surplus_w,
    ]


def site_values(output: Output) -> list[float]:
    """What the house adds to a row, in the order of `SITE_QUANTITIES`."""
    decision, site = output.decision, output.situation.site
    prices = (decision.import_per_kwh, decision.feed_in_per_kwh)
    if site is None or not decision.site_fresh:
        found: tuple[float | None, ...] = (None, None, None, None, None, *prices)
    else:
        found = (site.pv_w, site.grid_w, house_w(output), site.battery_w, site.battery_soc_pct, *prices)
    return [_NAN if value is None else value for value in found]
