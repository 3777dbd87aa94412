"""The past as it is asked for: by the second from memory, older times by the minute from the store, without a seam."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from phaeton.minutes import POINT_QUANTITIES, SITE_QUANTITIES, STEPS_S, Block, Buckets, Summary, grid, lane_name
from phaeton.model import EnergySlot, Session
from phaeton.sinks.store.kept import StayFilter, StayKey
from phaeton.sinks.web.series import LONGEST_S, QUANTITIES, Columns, History, Series, Values, assembled, with_holes


class Kept(Protocol):
    """What is kept of the past."""

    async def stays(self, which: StayFilter, limit: int, before: StayKey | None = None) -> list[Session]:
        """The stays that have ended, the newest first, from below ``before`` on."""

    async def stay(self, key: str) -> Session | None:
        """One stay by its id, running or not."""

    async def energy(self, since_utc_s: float, until_utc_s: float, point: str | None = None) -> list[EnergySlot]:
        """The slots that start in the interval, in order of time."""


class Minutes(Protocol):
    """All minutes that are known."""

    async def fold(self, since_utc_s: float, until_utc_s: float, take: Callable[[Block], None]) -> None:
        """Give ``take`` each hour that is known and reaches into the time, up to the present second."""


async def between(
    history: History, minutes: Minutes | None, point: str, from_s: float, to_s: float, points: int
) -> Series:
    """A time in at most so many buckets: from memory where that is finer and reaches back, else by minutes."""
    where = grid(from_s, to_s, points, history.steps_s(from_s))
    if where.step_s < STEPS_S[0]:
        return history.between(point, where)
    lanes = _lanes(point)
    buckets = Buckets(where, lanes)
    if minutes is not None:
        await minutes.fold(where.first_s, where.end_s, buckets.take)
    found = [buckets.summary(lane) for lane in lanes]
    mean, least, most = (Columns(*values) for values in zip(*map(_three, found), strict=True))
    return assembled(point, where, mean, least, most)


async def window(history: History, minutes: Minutes | None, point: str, window_s: int) -> Series:
    """The newest part of the past: from memory, and by minutes where that does not reach back far enough."""
    recent = history.series(point, window_s)
    end_s = recent.t[0] if recent.t else history.utc_s
    first_s = history.utc_s - window_s
    if minutes is None or end_s - first_s < 2 * STEPS_S[0]:
        return recent
    where = grid(first_s, end_s, LONGEST_S // STEPS_S[0])
    lanes = _lanes(point)
    buckets = Buckets(where, lanes)
    await minutes.fold(where.first_s, where.end_s, buckets.take)
    older = [buckets.summary(lane).mean for lane in lanes]
    known = [place for place in range(where.count) if any(column[place] is not None for column in older)]
    if not known:
        return recent
    times = [time for time in where.times()[known[0] : known[-1] + 1] if time + where.step_s <= end_s]
    columns = [column[known[0] : known[0] + len(times)] for column in older]
    newer = [getattr(recent, name) for name in QUANTITIES]
    joined = [[*before, *after] for before, after in zip(columns, newer, strict=True)]
    return with_holes(Series(*joined, charger=point, step_s=recent.step_s, t=[*times, *recent.t]))


def _lanes(point: str) -> list[str]:
    return [*(lane_name(name, point) for name in POINT_QUANTITIES), *SITE_QUANTITIES]


def _three(found: Summary) -> tuple[Values, Values, Values]:
    return found.mean, found.least, found.most
