"""The source of prices: asks when it is due, keeps what is known in force, and says what it knows of it.

What holds now, first that has a price (the ladder):

1. the configured source: what it told last, also before a restart (published prices do not change),
2. `prices.fallback`: another source, asked only while the first has no price for now, or fixed or time-of-use rates.
   Only then do its prices count, so that no plan takes them for the prices of tomorrow that are not published yet,
3. nothing. Then the price is unknown: energy is booked as unpriced, price strategies do not charge, and a departure
   plan goes by time alone. No price is guessed.

The curve is emitted when it changes; while the price of now is unknown one `Unavailable` says why. The stream never
ends.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise

from msgspec.structs import replace
from reactivex import Observable
from reactivex.subject import Subject

from phaeton.config.tree_prices import Prices
from phaeton.model import Now, PriceCurve, PriceSlot, Unavailable, Zone
from phaeton.price_report import PriceReport, SourceReport, hour_rows, table
from phaeton.sources.prices import rates
from phaeton.sources.prices.feed import Feed
from phaeton.sources.prices.formula import priced
from phaeton.sources.service.days import Wall
from phaeton.sources.service.world import CLOCK_AGAIN_S, CLOCK_IS_SANE_S, LONGEST_SLEEP_S, SHORTEST_SLEEP_S

_log = logging.getLogger(__name__)

SOURCE = "prices"
"""Its name in `Unavailable`."""
WORTH_A_TABLE_S = 3600.0
"""Who tells the present price alone has no table."""

_RATES: dict[str, tuple[str, Callable[[Prices, Wall, float], tuple[PriceSlot, ...]]]] = {
    "fixed": ("the fixed price", rates.fixed),
    "time_of_use": ("the time-of-use rates", rates.time_of_use),
}


class PriceSource:
    """Prices for the graph. Subscribe, then `start`."""

    def __init__(
        self,
        config: Prices,
        feeds: Sequence[Feed],
        zone: Zone,
        now: Now,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """``feeds`` are the source and the fallback, as far as they are asked (`build` makes them)."""
        self._config = config
        self._feeds = tuple(feeds)
        self._wall = Wall(zone)
        self._now = now
        self._sleep = sleep
        self._chance = chance
        self._curves: Subject[PriceCurve | Unavailable] = Subject()
        self._told: tuple[tuple[PriceSlot, ...], str] | None = None
        self._slots: tuple[PriceSlot, ...] = ()
        self._currency = config.currency
        self._notes: tuple[str, ...] = ()
        self._away: tuple[float, str] | None = None
        self._version = 0
        self._wake = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        for feed in self._feeds:
            feed.on_news = self._wake.set

    @property
    def curves(self) -> Observable[PriceCurve | Unavailable]:
        """The known prices each time they change, or since when and why there is none for now."""
        return self._curves

    def start(self) -> None:
        """Emit what is known already, and begin to ask."""
        self._running = asyncio.get_running_loop().create_task(self._run(), name="prices")

    def stop(self) -> None:
        """Ask and emit nothing more."""
        if self._running is not None:
            self._running.cancel()
            self._running = None
        for feed in self._feeds:
            feed.wiring.stop()

    async def look(self) -> PriceReport:
        """Ask once what is due, without `start`; for a command that looks and ends."""
        await self._round()
        return self.describe()

    async def _run(self) -> None:
        while True:
            try:
                await self._pause(await self._round())
            except Exception:  # whatever it is, prices must not stay away for good
                _log.exception("the prices stumbled and go on")
                await self._sleep(LONGEST_SLEEP_S)

    async def _round(self) -> float:
        """Ask what is due and tell what is new; the seconds until there is something to do again."""
        utc_s = self._now()[1]
        if utc_s < CLOCK_IS_SANE_S:
            return CLOCK_AGAIN_S
        self._publish()
        news = False
        asked: list[Feed] = []
        for feed in self._feeds:
            feed.look_at_secret()
        while (due := self._next_due(asked)) is not None:
            asked.append(due)
            news |= await due.ask(self._utc_s, self._chance)
        self._publish()
        if news and self._slots and self._slots[-1].end_s > utc_s + WORTH_A_TABLE_S:
            self._log_table()
        return self._left_s()

    def _next_due(self, asked: Sequence[Feed]) -> Feed | None:
        utc_s = self._utc_s()
        return next((feed for feed in self._wanted(utc_s) if feed not in asked and feed.due_s(utc_s) <= utc_s), None)

    def _wanted(self, utc_s: float) -> Sequence[Feed]:
        """The feeds that may be asked: the fallback only while the source has trouble and no price for now."""
        if len(self._feeds) < 2:
            return self._feeds
        first = self._feeds[0]
        needed = not first.covers(utc_s) and (first.asked > 0 or first.memory.trouble is not None)
        return self._feeds if needed else self._feeds[:1]

    async def _pause(self, seconds: float) -> None:
        sleeping = asyncio.ensure_future(self._sleep(seconds))
        woken = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait({sleeping, woken}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            woken.cancel()
        self._wake.clear()

    def _left_s(self) -> float:
        utc_s = self._utc_s()
        ends = [slot.end_s for slot in self._slots if slot.start_s <= utc_s < slot.end_s]
        times = [feed.due_s(utc_s) for feed in self._wanted(utc_s)]
        times += [self._wall.day_start_s(utc_s, 1), *([] if self._away else ends[:1])]
        return min(max(min(times) - utc_s, SHORTEST_SLEEP_S), LONGEST_SLEEP_S)

    def _utc_s(self) -> float:
        return self._now()[1]

    # What is known.

    def _publish(self) -> None:
        mono_s, utc_s = self._now()
        slots, currency, self._notes = self._composed(utc_s)
        covered = self._covered(slots, utc_s)
        if self._told != (slots, currency) or (self._away is not None and covered):
            if self._told != (slots, currency):
                self._version += 1
            self._told = (slots, currency)
            self._slots, self._currency = slots, currency
            self._curves.on_next(PriceCurve(mono_s, utc_s, slots, currency))
        if covered:
            self._away = None
            return
        why = self._why_unknown()
        if self._away is None or self._away[1] != why:
            since_s = mono_s if self._away is None else self._away[0]
            self._away = (since_s, why)
            self._curves.on_next(Unavailable(mono_s, utc_s, SOURCE, since_s, why))

    def _composed(self, utc_s: float) -> tuple[tuple[PriceSlot, ...], str, tuple[str, ...]]:
        """The slots of the ladder, their currency, and what the owner should know of it."""
        config = self._config
        notes: list[str] = []
        first = self._feeds[0] if self._feeds else None
        currency = (first.currency if first is not None else "") or config.currency
        if currency.upper() != config.currency.upper():
            notes.append(
                f"the prices are in {currency} and prices.currency is {config.currency}: set it to {currency}, and "
                "prices.feed_in_per_kwh in it"
            )
        slots = self._of(config.source, first, utc_s)
        other = self._feeds[1] if len(self._feeds) > 1 else None
        if first is not None and config.fallback != "none" and not first.covers(utc_s):
            theirs = config.currency if other is None else other.currency or config.currency
            if theirs.upper() == currency.upper():
                slots = _filled(slots, self._of(config.fallback, other, utc_s))
            else:
                notes.append(f"the fallback is not used: it is in {theirs}, the prices are in {currency}")
        notes += [feed.note for feed in self._feeds if feed.note]
        today_s = self._wall.day_start_s(utc_s)
        return tuple(slot for slot in slots if slot.end_s > today_s), currency, tuple(notes)

    def _of(self, kind: str, feed: Feed | None, utc_s: float) -> tuple[PriceSlot, ...]:
        if feed is None:
            return _RATES[kind][1](self._config, self._wall, utc_s)
        return priced(feed.slots, feed.wiring.formula, self._config, self._wall)

    @staticmethod
    def _covered(slots: tuple[PriceSlot, ...], utc_s: float) -> bool:
        return any(slot.start_s <= utc_s < slot.end_s for slot in slots)

    def _why_unknown(self) -> str:
        for feed in self._feeds:
            if feed.memory.trouble is not None:
                return feed.memory.trouble.message
        if self._feeds and self._feeds[0].asked:
            return f"{self._feeds[0].wiring.title} tells no price for now"
        return "the prices were not asked for yet"

    # What is told.

    def describe(self) -> PriceReport:
        """The prices, their source and its health."""
        utc_s = self._utc_s()
        reports = [self._report(feed, utc_s) for feed in self._feeds]
        if not reports:
            reports.append(SourceReport(title=_RATES[self._config.source][0]))
        elif self._config.fallback in _RATES:
            reports.append(SourceReport(title=_RATES[self._config.fallback][0]))
        return PriceReport(
            kind=self._config.source,
            sources=tuple(reports),
            in_force=self._in_force(utc_s),
            currency=self._currency,
            slots=self._slots,
            notes=self._notes,
            version=self._version,
        )

    def _report(self, feed: Feed, utc_s: float) -> SourceReport:
        memory = feed.memory
        return SourceReport(
            title=feed.wiring.title,
            answered_utc_s=memory.answered_s,
            known_until_utc_s=max((slot.end_s for slot in feed.slots), default=None),
            next_utc_s=feed.due_s(utc_s) if feed in self._wanted(utc_s) else None,
            trouble="" if memory.trouble is None else memory.trouble.message,
            trouble_kind="" if memory.trouble is None else memory.trouble.kind.value,
            failures=memory.failures,
            dropped=feed.dropped,
            note=feed.note,
            asked=feed.asked,
            answered=feed.answered,
        )

    def _in_force(self, utc_s: float) -> str:
        if not self._covered(self._slots, utc_s):
            return ""
        if not self._feeds:
            return _RATES[self._config.source][0]
        if self._feeds[0].covers(utc_s):
            return self._feeds[0].wiring.title
        return _RATES[self._config.fallback][0] if self._config.fallback in _RATES else self._feeds[-1].wiring.title

    def _log_table(self) -> None:
        utc_s = self._utc_s()
        today_s = self._wall.day_start_s(utc_s)
        rows = hour_rows(slot for slot in self._slots if slot.end_s > today_s)
        _log.info(
            "new prices from %s\n%s",
            self._feeds[0].wiring.title,
            table(rows, self._currency, utc_s, self._wall.date, self._wall.clock),
        )


def _filled(slots: tuple[PriceSlot, ...], more: tuple[PriceSlot, ...]) -> tuple[PriceSlot, ...]:
    """The slots, with what is missing between, before and after them taken from the others."""
    gaps = [(a.end_s, b.start_s) for a, b in pairwise(slots)]
    gaps = [(-1e18, slots[0].start_s), *gaps, (slots[-1].end_s, 1e18)] if slots else [(-1e18, 1e18)]
    found = [
        replace(slot, start_s=max(slot.start_s, start_s), end_s=min(slot.end_s, end_s))
        for start_s, end_s in gaps
        for slot in more
        if slot.end_s > start_s and slot.start_s < end_s
    ]
    return tuple(sorted([*slots, *found], key=lambda slot: slot.start_s))
