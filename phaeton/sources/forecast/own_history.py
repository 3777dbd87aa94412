"""What the house itself did at the same hour: the sun by the hour of day, the consumption also by the kind of day.

Each hour that was seen long enough moves its mean a little (1/days), the first ones more, so that a mean of few days is
their plain mean. Hours are those of the local clock. It is a poor forecast of a day and a good one of a season, and it
needs nobody.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from phaeton.model import ForecastSlot
from phaeton.sources.service.days import Wall
from phaeton.sources.service.world import CLOCK_IS_SANE_S

HOUR_S = 3600.0
AHEAD_H = 48
LEAST_DAYS = 3
"""An hour is told once it was seen on so many days."""
LEAST_SEEN_S = 1800.0
LONGEST_STEP_S = 60.0
MOST_W = 1e6
ROUND_W = 10.0
"""Finer differences are no news."""
VERSION = 1
_DAY_S = 86400.0
_FRIDAY = 4


class Mean(Struct, frozen=True, array_like=True):
    """A mean power and how many days are in it."""

    power_w: float = 0.0
    days: int = 0


class Learnt(Struct, frozen=True):
    """What is known, by the hours of the day."""

    version: int = VERSION
    sun: tuple[Mean, ...] = (Mean(),) * 24
    workday: tuple[Mean, ...] = (Mean(),) * 24
    """Consumption without the cars."""
    weekend: tuple[Mean, ...] = (Mean(),) * 24


class _Hour(Struct):
    """An hour that is being seen."""

    key: float
    index: int
    free: bool
    """It is of a weekend."""
    sun_ws: float = 0.0
    sun_s: float = 0.0
    house_ws: float = 0.0
    house_s: float = 0.0


def decode(text: str | None) -> Learnt:
    """What was kept; nothing where it is not understood."""
    if not text:
        return Learnt()
    try:
        kept = msgspec.json.decode(text, type=Learnt)
    except (msgspec.DecodeError, UnicodeError):
        return Learnt()
    means = (*kept.sun, *kept.workday, *kept.weekend)
    whole = all(len(hours) == 24 for hours in (kept.sun, kept.workday, kept.weekend))
    sane = all(math.isfinite(mean.power_w) and 0 <= mean.power_w <= MOST_W and mean.days >= 0 for mean in means)
    return kept if kept.version == VERSION and whole and sane else Learnt()


class OwnHistory:
    """Learns from what is seen each second; ``learnt_more`` is called after each hour that counted."""

    def __init__(self, wall: Wall, days: int, learnt: Learnt, learnt_more: Callable[[], None]) -> None:
        self.wall = wall
        self.learnt = learnt
        self._share = 1.0 / days
        self._learnt_more = learnt_more
        self._hour: _Hour | None = None
        self._seen_s: float | None = None

    def encode(self) -> str:
        """The text to be kept: about 1 kB."""
        return msgspec.json.encode(self.learnt).decode()

    def see(self, mono_s: float, utc_s: float, sun_w: float | None, house_w: float | None) -> None:
        """What sun and house (without the cars) do now; None where it is not known."""
        if utc_s < CLOCK_IS_SANE_S:
            return
        before_s, self._seen_s = self._seen_s, mono_s
        hour = self._hour_of(utc_s)
        if self._hour is None or self._hour.key != hour.key:
            ended, self._hour = self._hour, hour
            if ended is not None:
                self._learn(ended)
            return
        if before_s is None or not 0 < mono_s - before_s <= LONGEST_STEP_S:
            return
        step_s = mono_s - before_s
        if sun_w is not None and 0 <= sun_w <= MOST_W:
            self._hour.sun_ws += sun_w * step_s
            self._hour.sun_s += step_s
        if house_w is not None and 0 <= house_w <= MOST_W:
            self._hour.house_ws += house_w * step_s
            self._hour.house_s += step_s

    def known_days(self) -> int:
        """Since how many days the sun is known, at the hour that is known least."""
        return min(mean.days for mean in self.learnt.sun)

    def house_w(self, utc_s: float) -> float | None:
        """Consumption to be expected in the hour of an instant, None while it is not known."""
        hour = self._hour_of(utc_s)
        same, other = self.learnt.workday[hour.index], self.learnt.weekend[hour.index]
        if hour.free:
            same, other = other, same
        known = same if same.days >= LEAST_DAYS else other
        return _rounded(known)

    def slots(self, utc_s: float) -> tuple[ForecastSlot, ...]:
        """The hours ahead whose sun is known, each with the consumption of its kind of day."""
        start_s = utc_s - (utc_s + self.wall.offset_s(utc_s)) % HOUR_S
        found = []
        for number in range(AHEAD_H + 1):
            at_s = start_s + number * HOUR_S
            sun_w = _rounded(self.learnt.sun[self._hour_of(at_s).index])
            if sun_w is not None:
                found.append(ForecastSlot(at_s, at_s + HOUR_S, pv_w=sun_w, consumption_w=self.house_w(at_s)))
        return tuple(found)

    def _hour_of(self, utc_s: float) -> _Hour:
        """The local hour; the one that comes twice in autumn is two."""
        offset_s = self.wall.offset_s(utc_s)
        wall_s = utc_s + offset_s
        day, second = divmod(wall_s, _DAY_S)
        weekday = (int(day) + 3) % 7  # 1970 began on a Thursday
        return _Hour(key=wall_s // HOUR_S * HOUR_S - offset_s, index=int(second // HOUR_S), free=weekday > _FRIDAY)

    def _learn(self, hour: _Hour) -> None:
        learnt = self.learnt
        if hour.sun_s >= LEAST_SEEN_S:
            learnt = replace(learnt, sun=self._moved(learnt.sun, hour.index, hour.sun_ws / hour.sun_s))
        if hour.house_s >= LEAST_SEEN_S:
            name = "weekend" if hour.free else "workday"
            hours: tuple[Mean, ...] = getattr(learnt, name)
            learnt = replace(learnt, **{name: self._moved(hours, hour.index, hour.house_ws / hour.house_s)})
        if learnt is not self.learnt:
            self.learnt = learnt
            self._learnt_more()

    def _moved(self, hours: tuple[Mean, ...], index: int, power_w: float) -> tuple[Mean, ...]:
        before = hours[index]
        share = max(1.0 / (before.days + 1), self._share)
        mean_w = before.power_w + share * (power_w - before.power_w)
        return (*hours[:index], Mean(round(mean_w, 1), min(before.days + 1, 1000)), *hours[index + 1 :])


def _rounded(mean: Mean) -> float | None:
    return None if mean.days < LEAST_DAYS else round(mean.power_w / ROUND_W) * ROUND_W
