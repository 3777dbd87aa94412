"""Minutes in wider buckets: the weighted mean, and the lowest and highest value, so that no peak is lost.

A bucket of which nothing is known is a gap. The mean counts each minute with its known seconds: mean x known seconds
is the same before and after, up to the rounding of the values.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import chain, count
from operator import mul

from msgspec import Struct

from phaeton.minutes.block import HIGHEST, LOWEST, MINUTE_S, MINUTES, Block, Lane, unit

STEPS_S = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
_DAY_S = 86400


class Summary(Struct, frozen=True):
    """A lane in buckets; None is a gap."""

    known_s: list[int]
    mean: list[float | None]
    least: list[float | None]
    most: list[float | None]


class Grid(Struct, frozen=True):
    """Where the buckets are: ``count`` of them, ``step_s`` each, from ``first_s`` on."""

    first_s: int
    step_s: int
    count: int

    @property
    def end_s(self) -> int:
        """The end of the last bucket."""
        return self.first_s + self.count * self.step_s

    def times(self) -> list[int]:
        """The beginning of each bucket."""
        return list(range(self.first_s, self.end_s, self.step_s))


def grid(from_s: float, until_s: float, most: int, steps_s: Sequence[int] = STEPS_S) -> Grid:
    """The finest buckets that cover a time with at most so many; they begin at whole steps since 1970."""
    for step_s in chain(steps_s, count(2 * _DAY_S, _DAY_S)):
        first = int(from_s // step_s)
        buckets = max(-int(-until_s // step_s) - first, 1)
        if buckets <= max(most, 2):
            return Grid(first * step_s, step_s, buckets)
    raise AssertionError("the steps never end")


class Buckets:
    """Fills the buckets of some lanes from blocks, in whatever order they come."""

    def __init__(self, where: Grid, lanes: Sequence[str]) -> None:
        """``where.step_s`` must be whole minutes."""
        self.where = where
        count = where.count
        self._known = {name: [0] * count for name in lanes}
        self._sums = {name: [0] * count for name in lanes}
        self._least = {name: array("i", [HIGHEST]) * count for name in lanes}
        self._most = {name: array("i", [LOWEST]) * count for name in lanes}

    def take(self, block: Block) -> None:
        """Add a block; each hour once."""
        pieces = self._pieces(block.start_s)
        for name in self._known:
            lane = block.lanes.get(name)
            if lane is not None:
                self._add(name, lane, pieces)

    def _pieces(self, start_s: int) -> list[tuple[int, int, int]]:
        """Which minutes of an hour go into which bucket: bucket, first minute, end."""
        where, pieces = self.where, []
        minute = max(0, (where.first_s - start_s) // MINUTE_S)
        last = min(MINUTES, (where.end_s - start_s) // MINUTE_S)
        while minute < last:
            bucket = (start_s + minute * MINUTE_S - where.first_s) // where.step_s
            end = min(last, (where.first_s + (bucket + 1) * where.step_s - start_s) // MINUTE_S)
            pieces.append((bucket, minute, end))
            minute = end
        return pieces

    def _add(self, name: str, lane: Lane, pieces: list[tuple[int, int, int]]) -> None:
        known, sums, least, most = self._known[name], self._sums[name], self._least[name], self._most[name]
        for bucket, first, end in pieces:
            seconds = lane.known_s[first:end]
            count = sum(seconds)
            if not count:
                continue
            known[bucket] += count
            sums[bucket] += sum(map(mul, lane.mean[first:end], seconds))
            least[bucket] = min(least[bucket], *lane.least[first:end])
            most[bucket] = max(most[bucket], *lane.most[first:end])

    def summary(self, lane: str) -> Summary:
        """A lane in its own unit (W, %, money), rounded to the digits that are kept."""
        one = unit(lane)
        digits = 0 if one == 1.0 else 1 if one == 0.1 else 5
        known, sums = self._known[lane], self._sums[lane]
        least, most = self._least[lane], self._most[lane]

        def told(value: float) -> float:
            return round(value * one, digits) if digits else round(value)

        return Summary(
            list(known),
            [told(total / count) if count else None for total, count in zip(sums, known, strict=True)],
            [told(value) if count else None for value, count in zip(least, known, strict=True)],
            [told(value) if count else None for value, count in zip(most, known, strict=True)],
        )
