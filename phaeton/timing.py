"""How long something takes, again and again: counted in buckets, for the last hour and for the time since the start.

A note costs less than a microsecond and keeps nothing: times are counted in buckets that are an eighth of a power of
two wide, so that a quantile is right to within 6 %.
"""

from __future__ import annotations

from array import array
from itertools import accumulate
from math import ceil
from operator import add

from msgspec import Struct

SLOT_S = 300.0
"""Width of the pieces that the last hour is made of."""
SLOTS = 12
_LONGEST_US = (1 << 26) - 1
"""67 s; what takes longer counts as that, and the longest is kept as it is."""
_BUCKETS = 23 * 8 + 8
BOUNDS_S = tuple((1 << power) / 1e6 for power in range(7, 23))
"""128 us to 4.2 s: the bounds that Prometheus is given; each is the bound of a bucket too."""


class Quantiles(Struct, frozen=True):
    """What was measured in a time, in ms; None where nothing was."""

    count: int
    mean_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None


class Spread(Struct, frozen=True):
    """One timing."""

    last_ms: float | None
    last_hour: Quantiles
    since_start: Quantiles


class _Counts:
    """The counts of a stretch of time."""

    __slots__ = ("buckets", "longest_s", "sum_s")

    def __init__(self) -> None:
        self.buckets = array("Q", bytes(8 * _BUCKETS))
        self.sum_s = 0.0
        self.longest_s = 0.0

    def add(self, other: _Counts) -> None:
        self.buckets = array("Q", map(add, self.buckets, other.buckets))
        self.sum_s += other.sum_s
        self.longest_s = max(self.longest_s, other.longest_s)


class Timing:
    """Counts what takes how long; times of one's own choice, in s, as long as they never go back."""

    def __init__(self) -> None:
        self._before = _Counts()
        """Since the start, without the present slot."""
        self._present = _Counts()
        self._slots: list[tuple[float, _Counts]] = []
        """The slots of the last hour, each with its end."""
        self._ends_s: float | None = None
        self._last_s: float | None = None

    def note(self, took_s: float, now_s: float) -> None:
        """Something took so long, and ended now."""
        if self._ends_s is None:
            self._ends_s = now_s + SLOT_S
        elif now_s >= self._ends_s:
            self._turn(now_s)
        us = int(took_s * 1e6)
        counts = self._present
        counts.buckets[_bucket(0 if us < 0 else min(us, _LONGEST_US))] += 1
        counts.sum_s += took_s
        counts.longest_s = max(counts.longest_s, took_s)
        self._last_s = took_s

    def _turn(self, now_s: float) -> None:
        """Put the present slot away."""
        assert self._ends_s is not None
        self._before.add(self._present)
        self._slots.append((self._ends_s, self._present))
        self._slots = self._of_the_hour(now_s)[-SLOTS:]
        self._present = _Counts()
        self._ends_s = now_s + SLOT_S

    def _of_the_hour(self, now_s: float) -> list[tuple[float, _Counts]]:
        return [slot for slot in self._slots if slot[0] > now_s - SLOT_S * SLOTS]

    @property
    def last_ms(self) -> float | None:
        """The newest time; None before the first one."""
        return _ms(self._last_s)

    def spread(self, now_s: float) -> Spread:
        """The quantiles."""
        whole, hour = _Counts(), _Counts()
        for part in (self._before, self._present):
            whole.add(part)
        for _, slot in self._of_the_hour(now_s):
            hour.add(slot)
        if self._ends_s is not None and self._ends_s > now_s - SLOT_S * SLOTS:
            hour.add(self._present)
        return Spread(_ms(self._last_s), _quantiles(hour), _quantiles(whole))

    def histogram(self) -> tuple[tuple[int, ...], float]:
        """How many took at most each of `BOUNDS_S`, then how many there were; and the sum of all, in s."""
        counts = _Counts()
        for part in (self._before, self._present):
            counts.add(part)
        below = list(accumulate(counts.buckets))
        return (*(below[_bucket((1 << power) - 1)] for power in range(7, 23)), below[-1]), counts.sum_s


def _bucket(us: int) -> int:
    shift = us.bit_length() - 4
    return us if shift <= 0 else (shift << 3) + (us >> shift)


def _middle_s(index: int) -> float:
    """The middle of a bucket."""
    if index < 16:
        return (index + 0.5) / 1e6
    shift = (index >> 3) - 1
    return (((index & 7) + 8 + 0.5) * (1 << shift)) / 1e6


def _quantiles(counts: _Counts) -> Quantiles:
    count = sum(counts.buckets)
    if not count:
        return Quantiles(0, None, None, None, None, None)
    below = list(accumulate(counts.buckets))

    def at(share: float) -> float | None:
        wanted = ceil(count * share)
        index = next(index for index, reached in enumerate(below) if reached >= wanted)
        return _ms(min(_middle_s(index), counts.longest_s))

    return Quantiles(count, _ms(counts.sum_s / count), at(0.5), at(0.95), at(0.99), _ms(counts.longest_s))


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000.0, 3)
