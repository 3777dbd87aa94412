"""One source of prices while the program runs: asked when due, its prices kept, its trouble remembered."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Awaitable, Callable

from msgspec import Struct

from phaeton.config.tree_prices import Formula
from phaeton.links.http import Trouble, TroubleKind
from phaeton.sources.prices.cache import decode, encode
from phaeton.sources.prices.provider import Span
from phaeton.sources.prices.schedule import Policy
from phaeton.sources.prices.table import RawSlot, Table, covering, merged
from phaeton.sources.service.cache import Cache
from phaeton.sources.service.patience import Memory

_log = logging.getLogger(__name__)

_KEPT_TROUBLE = (TroubleKind.AUTH, TroubleKind.REFUSED, TroubleKind.RATE_LIMIT)
"""A restart does not make us forget that we were sent away; the network may be asked again at once."""


class Wiring(Struct, frozen=True):
    """A source, ready to be asked."""

    title: str
    identity: str
    """What its prices depend on; others' are not used from the cache."""
    policy: Policy
    read: Callable[[Span], Awaitable[Table | Trouble]]
    secret: Callable[[], str]
    """What it shows as its right to ask; a changed one ends the pause after a refusal."""
    formula: Formula
    stop: Callable[[], None] = lambda: None


class Feed:
    """A source, its prices and its memory."""

    def __init__(self, wiring: Wiring, key: str, cache: Cache, now_s: float) -> None:
        """``key`` is where it is kept in the cache."""
        self.wiring = wiring
        self.slots: tuple[RawSlot, ...] = ()
        self.currency = ""
        self.memory = Memory()
        self.dropped: dict[str, int] = {}
        self.note = ""
        self.asked = 0
        self.answered = 0
        self.on_news: Callable[[], None] = lambda: None
        """Called when the source itself says that something changed."""
        self._key = key
        self._cache = cache
        self._identity = _identity(wiring)
        self._told: tuple[str, str] | None = None
        self._told_dropped: dict[str, int] = {}
        self._has_news = False
        kept = decode(cache.load(key), self._identity, now_s)
        if kept is not None:
            self.slots, self.currency, self.memory = kept
        self._saved = self.slots
        """What the cache holds; the flash is spared what it has already."""

    def due_s(self, now_s: float) -> float:
        """When it is to be asked next (UTC)."""
        trouble = self.memory.trouble
        if self._has_news and (trouble is None or trouble.kind not in _KEPT_TROUBLE):
            return now_s
        return self.wiring.policy.due_s(now_s, self.slots, self.memory)

    def covers(self, now_s: float) -> bool:
        """Whether the price of now is known."""
        return covering(self.slots, now_s) > now_s

    def has_news(self) -> None:
        """The source itself says that something changed: it is due, unless it had sent us away."""
        self._has_news = True
        self.on_news()

    async def ask(self, now: Callable[[], float], chance: Callable[[], float]) -> bool:
        """Ask once; whether there are new prices."""
        self.asked += 1
        self._has_news = False
        found = await self.wiring.read(self.wiring.policy.span(now(), self.slots))
        now_s = now()
        before = self.slots
        trouble = found if isinstance(found, Trouble) else None
        if isinstance(found, Table):
            self.answered += 1
            self.slots = _kept(merged(self.slots, found.slots), now_s)
            self.currency = found.currency or self.currency
            self.dropped, self.note = dict(found.dropped), found.note
        stood = self.memory.trouble
        self.memory = self.wiring.policy.after(now_s, self.slots, self.memory, trouble, chance())
        self._tell(trouble)
        away = any(one is not None and one.kind in _KEPT_TROUBLE for one in (stood, trouble))
        if away or _ahead(self.slots, now_s) != _ahead(self._saved, now_s):
            await self._save()
        return _ahead(self.slots, now_s) != _ahead(before, now_s)

    async def _save(self) -> None:
        self._saved = self.slots
        text = encode(self._identity, self.currency, self.slots, self.memory)
        if text:
            await self._cache.save(self._key, text)

    def look_at_secret(self) -> None:
        """After a refusal: when the secret is another one now, the source may be asked at once."""
        trouble = self.memory.trouble
        if trouble is None or trouble.kind not in (TroubleKind.AUTH, TroubleKind.REFUSED):
            return
        identity = _identity(self.wiring)
        if identity != self._identity:
            self._identity = identity
            self.memory = Memory(self.memory.answered_s)

    def _tell(self, trouble: Trouble | None) -> None:
        """Trouble is logged once, and once more when it is over."""
        told = None if trouble is None or trouble.kind is TroubleKind.NOT_YET else (trouble.kind.value, trouble.message)
        if told is None and self._told is not None and trouble is None:
            _log.info("prices: %s answers again", self.wiring.title)
        elif told is not None and told != self._told:
            _log.warning("prices: %s", told[1], extra={"kind": told[0]})
        if told is not None or trouble is None:
            self._told = told
        if trouble is None and self.dropped != self._told_dropped:
            self._told_dropped = self.dropped
            counts = ", ".join(f"{count} {why}" for why, count in sorted(self.dropped.items())) or "none any more"
            _log.warning("prices: rows of %s were left out: %s", self.wiring.title, counts)


def _identity(wiring: Wiring) -> str:
    secret = wiring.secret()
    mark = f"{zlib.crc32(secret.encode()):08x}" if secret else ""
    return f"{wiring.identity}|{mark}"


def _ahead(slots: tuple[RawSlot, ...], now_s: float) -> tuple[RawSlot, ...]:
    return tuple(slot for slot in slots if slot.end_s > now_s)


def _kept(slots: tuple[RawSlot, ...], now_s: float) -> tuple[RawSlot, ...]:
    """What ended more than a day ago serves nobody."""
    return tuple(slot for slot in slots if slot.end_s > now_s - 86400.0)
