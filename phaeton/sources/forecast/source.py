"""The source of a forecast: asks a service when it is due, keeps what it told, and says how it fares.

A forecast holds for a day at most; one that is older counts as none. While there is none, one `Unavailable` says why.
The stream never ends, and nothing is made up.
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import Callable, Generator, Sequence
from typing import Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from reactivex import Observable
from reactivex.subject import Subject

from phaeton.config.secret import SecretError
from phaeton.links.http import Answer, Ask, HttpClient, Trouble, TroubleKind
from phaeton.model import ForecastCurve, ForecastSlot, Unavailable
from phaeton.price_report import SourceReport
from phaeton.sources.forecast.sun import Row, quarters
from phaeton.sources.service.answers import have
from phaeton.sources.service.patience import Memory, paused
from phaeton.sources.service.world import (
    CLOCK_AGAIN_S,
    CLOCK_IS_SANE_S,
    LONGEST_SLEEP_S,
    SHORTEST_SLEEP_S,
    World,
)

_log = logging.getLogger(__name__)

SOURCE = "forecast"
"""Its name in `Unavailable`."""
OLD_S = 86400.0
LARGEST = 50_000
VERSION = 1


class Service(Protocol):
    """A service that forecasts."""

    title: str

    def talk(self) -> Generator[Ask, Answer, list[list[Row]]]:
        """Ask for the rows of each plane; may raise `SecretError`."""
        ...


class _Kept(Struct, frozen=True):
    version: int
    identity: str
    slots: tuple[tuple[float, float, float], ...]
    memory: Memory


class ForecastSource:
    """A forecast of a service for the graph. Subscribe, then `start`."""

    def __init__(
        self,
        service: Service,
        identity: Callable[[], str],
        refresh_s: float,
        world: World,
        house_w: Callable[[float], float | None],
    ) -> None:
        """``identity`` is what the forecast depends on, secrets in it; ``house_w`` the consumption to be expected."""
        self._service = service
        self._identity_of = identity
        self._identity = _mark(identity())
        self._refresh_s = refresh_s
        self._world = world
        self._house_w = house_w
        self._curves: Subject[ForecastCurve | Unavailable] = Subject()
        self._slots: tuple[ForecastSlot, ...] = ()
        self._told: tuple[ForecastSlot, ...] | None = None
        self._told_trouble: tuple[TroubleKind, str] | None = None
        self._away: tuple[float, str] | None = None
        self._memory = Memory()
        self._asked = 0
        self._answered = 0
        self._running: asyncio.Task[None] | None = None
        self._load()

    @property
    def curves(self) -> Observable[ForecastCurve | Unavailable]:
        """The forecast each time it changes, or since when and why there is none."""
        return self._curves

    def start(self) -> None:
        """Emit what is known already, and begin to ask."""
        self._running = asyncio.get_running_loop().create_task(self._run(), name="forecast")

    def stop(self) -> None:
        """Ask and emit nothing more."""
        if self._running is not None:
            self._running.cancel()
            self._running = None

    def learnt_more(self) -> None:
        """The own history learnt of an hour: the next answer is told with it."""

    def describe(self) -> SourceReport:
        """How the service fares."""
        trouble = self._memory.trouble
        return SourceReport(
            title=self._service.title,
            answered_utc_s=self._memory.answered_s,
            known_until_utc_s=max((slot.end_s for slot in self._slots), default=None),
            next_utc_s=self._memory.not_before_s or None,
            trouble="" if trouble is None else trouble.message,
            trouble_kind="" if trouble is None else trouble.kind.value,
            failures=self._memory.failures,
            asked=self._asked,
            answered=self._answered,
        )

    async def _run(self) -> None:
        while True:
            try:
                await self._world.sleep(await self._round())
            except Exception:  # whatever it is, the forecast must not stay away for good
                _log.exception("the forecast stumbled and goes on")
                await self._world.sleep(LONGEST_SLEEP_S)

    async def _round(self) -> float:
        """Ask when it is due and tell what is new; the seconds until there is something to do again."""
        if self._world.now()[1] < CLOCK_IS_SANE_S:
            return CLOCK_AGAIN_S
        self._publish()
        self._look_at_secret()
        if self._memory.not_before_s <= self._world.now()[1]:
            await self._ask()
            self._publish()
        left_s = self._memory.not_before_s - self._world.now()[1]
        return min(max(left_s, SHORTEST_SLEEP_S), LONGEST_SLEEP_S)

    async def _ask(self) -> None:
        self._asked += 1
        found = await self._read(self._world.http)
        now_s, chance = self._world.now()[1], self._world.chance()
        slots = () if isinstance(found, Trouble) else quarters(found, now_s)
        if not isinstance(found, Trouble) and not any(slot.end_s > now_s for slot in slots):
            found = Trouble(TroubleKind.GARBAGE, f"{self._service.title} tells nothing of the time ahead")
        if isinstance(found, Trouble):
            self._memory = paused(self._memory, found, now_s, chance)
        else:
            self._answered += 1
            self._slots = slots
            self._memory = Memory(now_s, None, 0, now_s + self._refresh_s * (0.9 + 0.2 * chance))
        self._tell(found if isinstance(found, Trouble) else None)
        await self._save()

    async def _read(self, http: HttpClient) -> list[list[Row]] | Trouble:
        try:
            return await have(self._service.talk(), http)
        except SecretError as error:
            return Trouble(TroubleKind.AUTH, f"the key of {self._service.title} cannot be read: {error}")

    def _look_at_secret(self) -> None:
        """After a refusal: when the secret is another one now, the service may be asked at once."""
        trouble = self._memory.trouble
        if trouble is None or trouble.kind not in (TroubleKind.AUTH, TroubleKind.REFUSED):
            return
        identity = _mark(self._identity_of())
        if identity != self._identity:
            self._identity = identity
            self._memory = Memory(self._memory.answered_s)

    # What is known.

    def _publish(self) -> None:
        mono_s, utc_s = self._world.now()
        answered_s = self._memory.answered_s
        fresh = answered_s is not None and utc_s - answered_s < OLD_S
        slots = tuple(self._with_house(slot) for slot in self._slots if slot.end_s > utc_s) if fresh else ()
        ahead = None if self._told is None else tuple(slot for slot in self._told if slot.end_s > utc_s)
        if ahead is None or [slot.pv_w for slot in ahead] != [slot.pv_w for slot in slots]:
            self._told = slots
            self._curves.on_next(ForecastCurve(mono_s, utc_s, slots))
        if slots:
            self._away = None
            return
        trouble = self._memory.trouble
        why = "the forecast was not asked for yet" if trouble is None else trouble.message
        if self._away is None or self._away[1] != why:
            self._away = (mono_s if self._away is None else self._away[0], why)
            self._curves.on_next(Unavailable(mono_s, utc_s, SOURCE, self._away[0], why))

    def _with_house(self, slot: ForecastSlot) -> ForecastSlot:
        return replace(slot, consumption_w=self._house_w((slot.start_s + slot.end_s) / 2.0))

    def _tell(self, trouble: Trouble | None) -> None:
        """Trouble is logged once, and once more when it is over."""
        told = None if trouble is None else (trouble.kind, trouble.message)
        if told is None and self._told_trouble is not None:
            _log.info("forecast: %s answers again", self._service.title)
        elif told is not None and told != self._told_trouble:
            _log.warning("forecast: %s", told[1], extra={"kind": told[0].value})
        self._told_trouble = told

    # What is kept.

    async def _save(self) -> None:
        slots = tuple((slot.start_s, slot.end_s, slot.pv_w or 0.0) for slot in self._slots)
        text = msgspec.json.encode(_Kept(VERSION, self._identity, slots, self._memory)).decode()
        if len(text) <= LARGEST:
            await self._world.cache.save(SOURCE, text)

    def _load(self) -> None:
        text = self._world.cache.load(SOURCE)
        try:
            kept = msgspec.json.decode(text or "", type=_Kept)
        except (msgspec.DecodeError, UnicodeError):
            return
        if kept.version != VERSION or kept.identity != self._identity:
            return
        now_s = self._world.now()[1]
        self._slots = _in_order(kept.slots)
        longest_s = 1.3 * max(self._refresh_s, 86400.0)
        answered_s = None if kept.memory.answered_s is None else min(kept.memory.answered_s, now_s)
        not_before_s = min(kept.memory.not_before_s, now_s + longest_s)
        self._memory = Memory(answered_s, kept.memory.trouble, kept.memory.failures, not_before_s)


def _mark(identity: str) -> str:
    return f"{zlib.crc32(identity.encode()):08x}"


def _in_order(slots: Sequence[tuple[float, float, float]]) -> tuple[ForecastSlot, ...]:
    return tuple(ForecastSlot(start_s, end_s, pv_w=power_w) for start_s, end_s, power_w in sorted(slots))
