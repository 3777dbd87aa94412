"""The clock: the two times of every event, and the ticks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from reactivex import Observable
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase
from reactivex.disposable import Disposable

from phaeton.model import Tick
from phaeton.sources.pace import Pace

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


def ticks(
    clock: Clock,
    period_s: float,
    late: Callable[[float], None] | None = None,
    companion: Observable[object] | None = None,
) -> Observable[Tick]:
    """A tick each ``period_s`` by the loop's even clock; one that a subscriber fails on does not end them.

    Where ``companion`` speaks at that pace, ticks come along with it (`phaeton.sources.pace`). ``late`` is told before
    each tick by how many s it is later than it should be.
    """

    def subscribe(observer: ObserverBase[Tick], _: SchedulerBase | None = None) -> DisposableBase:
        loop = asyncio.get_running_loop()
        pace = Pace()
        last_s = loop.time()
        timer: asyncio.TimerHandle | None = None
        armed_s = 0.0

        def arm() -> None:
            nonlocal timer, armed_s
            armed_s = max(pace.due_s(last_s, period_s), loop.time())
            timer = loop.call_at(armed_s, fired)

        def tick(now_s: float, due_s: float) -> None:
            nonlocal last_s
            if late is not None:
                late(now_s - (last_s + period_s))
            # By the timer alone the ticks keep an even beat, however late the loop was; they do not catch up.
            last_s = due_s if now_s < due_s + period_s else now_s
            arm()
            observer.on_next(Tick(*clock.now()))

        def fired() -> None:
            due_s, now_s = pace.due_s(last_s, period_s), loop.time()
            if due_s > max(armed_s, now_s):
                arm()  # the companion has moved it since
            else:
                pace.alone()
                tick(now_s, due_s)

        def spoke(_: object) -> None:
            now_s = loop.time()
            if pace.along(now_s, last_s, period_s):
                if timer is not None:
                    timer.cancel()
                try:
                    tick(now_s, now_s)
                except Exception as error:  # as for a timer: who fails on a tick must not fail the companion
                    loop.call_exception_handler({"message": "a tick failed", "exception": error})

        arm()
        following = None if companion is None else companion.subscribe(spoke)

        def dispose() -> None:
            if timer is not None:
                timer.cancel()
            if following is not None:
                following.dispose()

        return Disposable(dispose)

    return Observable(subscribe)
