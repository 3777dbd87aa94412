"""When a source is asked: once a day after the auction, spread over installations, and never in a hurry.

Day-ahead prices are published shortly after 13:00 (Central European time). Each installation asks at 13:05 plus a
spread of its own of up to 25 minutes; while tomorrow is missing every 20 minutes until 16:00, then hourly. Published
prices do not change, so nothing else is asked. After trouble the pauses grow, by its kind; all pauses vary by 30 %.
"""

from __future__ import annotations

from msgspec import Struct

from phaeton.links.http import Trouble, TroubleKind
from phaeton.sources.prices.provider import Rhythm, Span
from phaeton.sources.prices.table import RawSlot, covering
from phaeton.sources.service.days import Wall
from phaeton.sources.service.patience import LEAST_GAP_S, Memory, paused

PUBLISHED_SECOND = 13 * 3600.0 + 300.0
EAGER_UNTIL_SECOND = 16 * 3600.0
LONGEST_SPREAD_S = 1500.0
EAGER_S = 1200.0
PATIENT_S = 3600.0
AFTER_BORDER_S = 2.0
"""A service that knows the present price only is asked right after the quarter has begun."""
_TOLERANCE_S = 3700.0
"""Some sources leave the last hour of a day to the next, for their day is another zone's."""


class Policy(Struct, frozen=True):
    """What the times depend on."""

    market: Wall
    """The clock of the auction."""
    rhythm: Rhythm
    every_s: float
    spread_s: float
    """Of this installation, 0 to `LONGEST_SPREAD_S`."""

    def span(self, now_s: float, slots: tuple[RawSlot, ...]) -> Span:
        """What to ask for: from today, or from tomorrow when today is known, until the end of tomorrow."""
        middle_s = self.market.day_start_s(now_s, 1)
        end_s = self.market.day_start_s(now_s, 2)
        has_today = covering(slots, now_s) > now_s and _known_until(slots, now_s) >= middle_s - _TOLERANCE_S
        first = 1 if self.rhythm is Rhythm.MARKET and has_today else 0
        days = tuple(self.market.date(self.market.day_start_s(now_s, day)) for day in range(first, 2))
        start_s = middle_s if first else self.market.day_start_s(now_s)
        return Span(now_s, start_s, end_s, days)

    def due_s(self, now_s: float, slots: tuple[RawSlot, ...], memory: Memory) -> float:
        """When the next request is due; ``now_s`` or earlier means at once."""
        return max(self._wanted_s(now_s, slots, memory), memory.not_before_s)

    def _wanted_s(self, now_s: float, slots: tuple[RawSlot, ...], memory: Memory) -> float:
        known_s = covering(slots, now_s)
        if known_s <= now_s:
            return now_s
        if self.rhythm is Rhythm.SERVICE:
            answered_s = min(memory.answered_s or 0.0, now_s)
            return min(answered_s + self.every_s, known_s + AFTER_BORDER_S)
        for day in (0, 1, 2):
            published_s = self.market.at_s(now_s, PUBLISHED_SECOND, day) + self.spread_s
            if self._lacks_day_after(now_s, day, slots):
                return min(max(published_s, now_s), known_s)
        return known_s

    def _lacks_day_after(self, now_s: float, day: int, slots: tuple[RawSlot, ...]) -> bool:
        return _known_until(slots, now_s) < self.market.day_start_s(now_s, day + 2) - _TOLERANCE_S

    def after(
        self, now_s: float, slots: tuple[RawSlot, ...], before: Memory, trouble: Trouble | None, chance: float
    ) -> Memory:
        """The memory after a request; ``chance`` (0 to 1) varies the pause."""
        vary = 0.7 + 0.6 * chance
        if trouble is not None and trouble.kind is not TroubleKind.NOT_YET:
            return paused(before, trouble, now_s, chance)
        answered_s = now_s if trouble is None else before.answered_s
        if self.rhythm is Rhythm.SERVICE:
            left_s = covering(slots, now_s) - now_s
            if trouble is not None or left_s <= 0:
                return Memory(answered_s, trouble, 0, now_s + EAGER_S * vary)
            return Memory(answered_s, None, 0, now_s + min(LEAST_GAP_S, left_s))
        published_s = self.market.at_s(now_s, PUBLISHED_SECOND) + self.spread_s
        complete = covering(slots, now_s) > now_s and (
            now_s < published_s or not self._lacks_day_after(now_s, 0, slots)
        )
        if complete:
            return Memory(answered_s, trouble, 0, now_s + LEAST_GAP_S)
        eager = published_s <= now_s < self.market.at_s(now_s, EAGER_UNTIL_SECOND)
        return Memory(answered_s, trouble, 0, now_s + (EAGER_S if eager else PATIENT_S) * vary)


def _known_until(slots: tuple[RawSlot, ...], now_s: float) -> float:
    return max((slot.end_s for slot in slots), default=now_s)
