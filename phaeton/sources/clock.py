"""The clock: the two times of every event, and the ticks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from reactivex import Observable
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase
from reactivex.disposable import Disposable

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


def ticks(clock: Clock, period_s: float, late: Callable[[float], None] | None = None) -> Observable[Tick]:
    """A tick each ``period_s`` by the loop's even clock; one that a subscriber fails on does not end them.

    ``late`` is told before each tick by how many s the loop was behind.
    """

    def subscribe(observer: ObserverBase[Tick], _: SchedulerBase | None = None) -> DisposableBase:
        loop = asyncio.get_running_loop()
        due_s = loop.time() + period_s
        timer: asyncio.TimerHandle | None = None

        def tick() -> None:
            nonlocal due_s, timer
            now_s = loop.time()
            if late is not None:
                late(now_s - due_s)
            due_s = max(due_s + period_s, now_s)
            timer = loop.call_at(due_s, tick)
            observer.on_next(Tick(*clock.now()))

        timer = loop.call_at(due_s, tick)

        def dispose() -> None:
            if timer is not None:
                timer.cancel()

        return Disposable(dispose)

    return Observable(subscribe)
