"""The minutes of the past in the daemon: collected from each output, handed to the store, read for charts and runs.

The hour that runs is in memory, complete up to the present second; every ten minutes it goes along with whatever the
store commits next. A power cut loses what was not handed over, an orderly end nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from phaeton.minutes import BLOCK_S, POINT_QUANTITIES, SITE_QUANTITIES, Block, Collector, encode, lane_name
from phaeton.model import Output
from phaeton.sinks.store import Store
from phaeton.sinks.web.series import point_values, site_values

_log = logging.getLogger(__name__)

HAND_OVER_S = 600.0
_LEAST_APART_S = 0.9
"""However often it is decided, a second counts once."""


class MinuteKeeper:
    """Collects, and knows all of the past that is kept."""

    def __init__(self, store: Store, points: Sequence[str], *, keep: bool = True) -> None:
        """``keep`` = False: nothing goes to the disk."""
        self._store = store
        self._keep = keep
        self._points: tuple[str, ...] = ()
        self._collector = Collector(())
        self._before_s = -1.0
        self._handed_s: float | None = None
        self.use(points)

    def use(self, points: Sequence[str]) -> None:
        """These charging points from now on."""
        if tuple(points) == self._points:
            return
        self.hand_over()
        self._points = tuple(points)
        lanes = [lane_name(quantity, point) for point in self._points for quantity in POINT_QUANTITIES]
        self._collector = Collector([*lanes, *SITE_QUANTITIES])

    def publish(self, output: Output) -> None:
        """Take in the newest output; returns at once and never raises."""
        decision = output.decision
        if not self._points or 0.0 <= decision.mono_s - self._before_s < _LEAST_APART_S:
            return
        self._before_s = decision.mono_s
        try:
            done = self._collector.add(decision.utc_s, self._values(output))
        except Exception:
            _log.exception("the minutes missed a second")
            return
        if done is not None:
            self._give(done)
            self._handed_s = decision.mono_s
        elif self._handed_s is None:
            self._handed_s = decision.mono_s
        elif decision.mono_s - self._handed_s >= HAND_OVER_S:
            self._handed_s = decision.mono_s
            self.hand_over()

    def hand_over(self) -> None:
        """Give the store what is known of the running hour."""
        running = self._collector.running()
        if running is not None:
            self._give(running)

    def _give(self, block: Block) -> None:
        if self._keep and not block.empty:
            self._store.add_block(block)

    def _values(self, output: Output) -> list[float]:
        decided = {point.point: point for point in output.decision.points}
        known = {point.id: point for point in output.situation.points}
        values: list[float] = []
        for point in self._points:
            values += point_values(decided.get(point), known.get(point))
        return values + site_values(output)

    async def packed(self, since_utc_s: float, until_utc_s: float) -> list[bytes]:
        """The hours that reach into the time, as they are kept; one may come twice, each time with what was known."""
        running = self._collector.running()
        found = await self._store.packed_blocks(since_utc_s // BLOCK_S * BLOCK_S, until_utc_s)
        return found if running is None else [*found, encode(running)]

    async def hours(self, since_utc_s: float, until_utc_s: float) -> list[int]:
        """When the hours begin of which something is known, in order."""
        running = self._collector.running()
        found = await self._store.block_starts(since_utc_s, until_utc_s)
        if running is not None and since_utc_s <= running.start_s < until_utc_s and running.start_s not in found:
            found.append(running.start_s)
        return found

    async def fold(self, since_utc_s: float, until_utc_s: float, take: Callable[[Block], None]) -> None:
        """Give ``take`` each hour that is known and reaches into the time, up to the present second."""
        running = self._collector.running()

        def complete(block: Block) -> None:
            nonlocal running
            if running is not None and running.start_s == block.start_s:
                block, running = running.over(block), None
            take(block)

        await self._store.blocks(since_utc_s // BLOCK_S * BLOCK_S, until_utc_s, complete)
        if running is not None and since_utc_s < running.start_s + BLOCK_S and running.start_s < until_utc_s:
            take(running)
