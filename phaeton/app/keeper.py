"""What the store is given of each decision: stays at their start and end, completed price slots, the state."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine

from msgspec.structs import replace

from phaeton.model import Output, PointDecision
from phaeton.sinks.store import Store, StoreError

_log = logging.getLogger(__name__)

IDLE_S = 600.0
"""While no car is there and nothing changes, the state is kept this often: flash wears."""


class Keeper:
    """Stays are durable at once, detail at the store's next flush; nothing here is waited for."""

    def __init__(self, store: Store, state: Callable[[], bytes]) -> None:
        self._store = store
        self._state = state
        self._stays: dict[str, str] = {}
        self._looked_back = False
        self._noted_s: float | None = None
        self._before: tuple[tuple[object, ...], ...] = ()
        self._tasks: set[asyncio.Task[None]] = set()

    def publish(self, output: Output) -> None:
        """Keep what this decision completed."""
        if not self._looked_back:
            self._looked_back = True
            running = {p.session.id for p in output.decision.points if p.session is not None}
            self._spawn(self._close_stays(running))
        if self._is_news(output):
            self._store.note_state(self._state)
        for point in output.decision.points:
            if point.slots:
                self._store.add_slots(point.slots)
            if point.closed is not None:
                self._stays.pop(point.point, None)
                self._spawn(self._store.add_session(point.closed))
            elif self._began(point) and point.session is not None:
                self._stays[point.point] = point.session.id
                self._spawn(self._store.add_session(point.session))

    def _is_news(self, output: Output) -> bool:
        """A car is there, something else than the time has changed, or the last note is long ago."""
        now_s = output.decision.mono_s
        seen = tuple(
            [(p.plugged, p.mode, p.start, p.current_a, p.status, p.lease is None) for p in output.decision.points]
        )
        news = seen != self._before or any(p.plugged for p in output.decision.points)
        self._before = seen
        if news or self._noted_s is None or now_s - self._noted_s >= IDLE_S:
            self._noted_s = now_s
            return True
        return False

    def _began(self, point: PointDecision) -> bool:
        stay = point.session
        return stay is not None and stay.end_utc_s is None and self._stays.get(point.point) != stay.id

    async def _close_stays(self, running: set[str]) -> None:
        """Stays that a lost state left open end with what is known of them: when they last charged at the latest."""
        for stay in await self._store.sessions(20):
            if stay.end_utc_s is None and stay.id not in running:
                await self._store.add_session(replace(stay, end_utc_s=stay.start_utc_s + stay.charging_s))

    def _spawn(self, write: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(_quietly(write))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Wait for what is on its way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _quietly(write: Coroutine[None, None, None]) -> None:
    try:
        await write
    except StoreError as error:
        _log.warning("a stay is not on the disk yet: %s", error)
