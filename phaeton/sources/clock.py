"""The clock: the two times of every event, and the ticks."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import reactivex as rx
from reactivex import Observable
from reactivex.abc import SchedulerBase

from phaeton.model import Tick

_LONGEST_GAP_S = 7 * 86400.0


class Clock:
    """Tells ``(mono_s, utc_s)``; ``mono_s`` goes on where the last run of the daemon ended.

    The time that Phaeton was not running counts too, as far as the wall clock tells it credibly (0 to 7 days).
    """

    def __init__(self, last_mono_s: float = 0.0, last_utc_s: float | None = None) -> None:
        gap_s = 0.0
        if last_utc_s is not None:
            gap_s = min(max(time.time() - last_utc_s, 0.0), _LONGEST_GAP_S)
        self._offset_s = last_mono_s + gap_s - time.monotonic()

    def now(self) -> tuple[float, float]:
        """The present times, to the millisecond (readings are quantised where they come in)."""
        return round(time.monotonic() + self._offset_s, 3), round(time.time(), 3)


def ticks(clock: Clock, period_s: float, scheduler: SchedulerBase) -> Observable[Tick]:
    """A tick each ``period_s``, by the even clock of the scheduler."""

    def tick(_: Any) -> Tick:
        return Tick(*clock.now())

    return rx.interval(timedelta(seconds=period_s), scheduler=scheduler).map(tick)
