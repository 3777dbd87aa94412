"""A day in no time: a clock that the source's own sleeping moves, around real requests to a simulated service."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from phaeton import zones
from phaeton.config.tree_prices import Prices
from phaeton.links.http import HttpClient
from phaeton.model import PriceCurve, Unavailable
from phaeton.simulation.price_service import SimulatedPrices
from phaeton.sources.prices.kinds import build
from phaeton.sources.prices.source import PriceSource
from phaeton.sources.service.cache import Cache
from phaeton.sources.service.world import World
from tests.sources.prices.answers import at

ZONE = zones.zone("Europe/Berlin", 1_790_000_000.0)
TIMEOUT_S = 2.0
"""Of the client, in real time."""
MORNING = at("2026-11-23T07:05:00+01:00")


class Days:
    """Virtual time with a service, a client and a source; `until` lets time pass."""

    def __init__(self, start_s: float, timeout_s: float) -> None:
        self.utc_s = start_s
        self.service = SimulatedPrices(lambda: self.utc_s)
        self.http = HttpClient(timeout_s=timeout_s, limit_bytes=300_000, clock=lambda: self.utc_s)
        self.kept: dict[str, str] = {}
        self.saves = 0
        self.seen: list[PriceCurve | Unavailable] = []
        self.source: PriceSource | None = None
        self._chance = random.Random(1)
        self._end_s = start_s
        self._asleep = asyncio.Event()
        self._awake = asyncio.Event()

    def now(self) -> tuple[float, float]:
        return self.utc_s - MORNING, self.utc_s

    async def sleep(self, seconds: float) -> None:
        """Sleeping is the only thing that takes time here."""
        wake_s = self.utc_s + seconds
        while wake_s > self._end_s:
            self._awake.clear()
            self._asleep.set()
            await self._awake.wait()
        self.utc_s = max(self.utc_s, wake_s)
        await asyncio.sleep(0)

    def begin(self, config: Prices) -> PriceSource:
        """A source of this configuration, as after a start of the program."""
        self.end()
        cache = Cache(self.kept.get, self._save)
        world = World(self.http, None, self.now, cache, self.sleep, self._chance.random)
        self.source = build(config, ZONE, world)
        self.source.curves.subscribe(self.seen.append)
        self.source.start()
        return self.source

    def end(self) -> None:
        if self.source is not None:
            self.source.stop()

    async def until(self, end_s: float) -> None:
        """Let the source live until then."""
        self._end_s = max(end_s, self._end_s)
        self._asleep.clear()
        self._awake.set()
        async with asyncio.timeout(20):
            await self._asleep.wait()
        self.utc_s = max(self.utc_s, end_s)

    async def days(self, count: float) -> None:
        """Let so many days pass."""
        await self.until(self.utc_s + count * 86400.0)

    @property
    def requests(self) -> int:
        return self.service.requests.total()

    @property
    def curve(self) -> PriceCurve:
        """The newest curve."""
        return next(event for event in reversed(self.seen) if isinstance(event, PriceCurve))

    @property
    def known(self) -> bool:
        """Whether the newest curve has a price for now."""
        return any(slot.start_s <= self.utc_s < slot.end_s for slot in self.curve.slots)

    async def _save(self, key: str, text: str) -> None:
        self.kept[key] = text
        self.saves += 1


@asynccontextmanager
async def days(start_s: float = MORNING, timeout_s: float = TIMEOUT_S) -> AsyncIterator[Days]:
    """Days with a service that listens."""
    made = Days(start_s, timeout_s)
    await made.service.start()
    try:
        yield made
    finally:
        made.end()
        await made.http.close()
        await made.service.stop()
