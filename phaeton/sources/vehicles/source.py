"""One car: asked when `polling` says so, believed as `sanitation` says so, told as events."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from phaeton.model import Now, Unavailable, VehicleReading
from phaeton.sources.vehicles import polling, sanitation
from phaeton.sources.vehicles.kept import Kept
from phaeton.sources.vehicles.polling import NEVER_S, Ask, Due, Record, Times, View, Wish
from phaeton.sources.vehicles.provider import LOCAL, Polled
from phaeton.sources.vehicles.report import Reach, Report, Trouble, VehicleError
from phaeton.sources.vehicles.sanitation import Believed, Context

_log = logging.getLogger(__name__)

TYPED_SIGMA_PCT = 3.0
LEAST_GAP_S = 1.0
WAKE_STEP_S = 5.0
WAKE_WITHIN_S = 60.0
LOOK_AGAIN_S = 600.0
"""How often it is judged anew whether a sleeping car should be woken."""

Emit = Callable[[VehicleReading | Unavailable], None]
Hour = Callable[[float], float | None]
"""The local hour of day of a UTC time, None where the zone is not known."""


class Status(Struct, frozen=True, kw_only=True):
    """How a car's source fares, for people."""

    vehicle: str
    source: str
    reach: str
    believed: Believed
    trouble: str = ""
    why: str = ""
    """What the owner should know or do; empty when all is well."""
    next_s: float | None = None
    """Seconds until the next question."""
    requests_today: int = 0
    requests_left: int | None = None
    wakes_today: int = 0
    wake_refusal: str = ""


class VehicleSource:
    """The state of one car's source; `run` asks, whoever pushes calls `took` and `failed`."""

    def __init__(
        self,
        vehicle: str,
        kind: str,
        provider: Polled | None,
        now: Now,
        emit: Emit,
        *,
        kept: Kept,
        seed: str = "",
        hour: Hour = lambda utc_s: None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.vehicle = vehicle
        self._kind = kind
        self._provider = provider
        self._pace = provider.pace if provider is not None else LOCAL
        self._now = now
        self._emit = emit
        self._kept = kept
        self._hour = hour
        self._sleep = sleep
        self._chance = chance
        self._view = View()
        self._times = Times()
        self._believed = Believed()
        self._reach = Reach.UNKNOWN
        self._since_s = 0.0
        self._changed = asyncio.Event()
        self._again = False
        self._seen = False
        self._record = polling.resumed(_loaded(kept.load()), seed, now()[0])

    # What our own side knows.

    def see(self, view: View) -> None:
        """The car as our chargers see it; costs nothing while nothing changes."""
        if view == self._view:
            return
        before, self._view = self._view, view
        now_s = self._now()[0]
        self._times = polling.watched(self._times, before, view, now_s)
        if not self._seen:
            self._seen = True
            self._times = polling.begun(self._times, self._record, now_s)
        if view.plugged != before.plugged:
            self._believed = sanitation.moved(self._believed, here=view.plugged)
            if self._believed.soc_pct is not None and not view.plugged:
                self._tell()
        self._changed.set()

    def type_in(self, soc_pct: float) -> None:
        """The owner says how full the car is."""
        self._believed = sanitation.typed_in(self._believed, soc_pct, TYPED_SIGMA_PCT, self._context())
        self._tell()

    def try_again(self) -> None:
        """The owner did something about the trouble: ask again now, within the budget."""
        self._again = True
        self._changed.set()

    # What comes in.

    def took(self, report: Report) -> None:
        """Judge a report and tell what it says."""
        self._reach, refused = report.reach, self._believed.refused
        self._believed = sanitation.step(self._believed, report, self._context())
        if self._believed.refused and self._believed.refused != refused:
            _log.info("a state of charge is not believed yet: %s", self._believed.refused, extra=self._tag)
        self._record = polling.answered(self._record, self._view, self._now()[0], data=report.says_something)
        self._tell()

    def failed(self, error: VehicleError) -> None:
        """Book a failure, and tell it once."""
        before = self._record
        mono_s, utc_s = self._now()
        self._record = polling.failed(
            self._pace,
            before,
            error.trouble,
            error.why,
            mono_s,
            retry_s=error.retry_s,
            month_s=_rest_of_month_s(utc_s),
            chance=self._chance(),
        )
        if error.trouble is Trouble.ASLEEP:
            self._reach = Reach.ASLEEP
            return
        if (before.trouble, before.why) != (self._record.trouble, self._record.why):
            if before.trouble is None:
                self._since_s = mono_s
            _log.warning("no values: %s", error.why, extra=self._tag)
            self._emit(Unavailable(mono_s, utc_s, f"vehicle:{self.vehicle}", self._since_s, error.why))

    @property
    def _tag(self) -> dict[str, str]:
        return {"vehicle": self.vehicle}

    def _context(self) -> Context:
        return Context(*self._now(), self._view.plugged)

    def _tell(self) -> None:
        believed = self._believed
        mono_s, utc_s = self._now()
        self._emit(
            VehicleReading(
                mono_s=mono_s,
                utc_s=utc_s,
                vehicle=self.vehicle,
                soc_pct=believed.soc_pct,
                soc_utc_s=believed.soc_utc_s,
                soc_sigma_pct=believed.sigma_pct,
                limit_soc_pct=believed.limit_soc_pct,
                plugged=believed.plugged,
                charging=believed.charging,
                at_home=believed.at_home,
                range_km=believed.range_km,
                note=believed.note,
            )
        )

    # Asking.

    async def run(self) -> None:
        """Ask for as long as it runs; ends only when cancelled."""
        if self._provider is None:
            return
        await self._sleep(self._pace.start_jitter_s * self._chance())
        while True:
            self._changed.clear()
            try:
                pause_s = await self.turn()
            except Exception:
                _log.exception("a car could not be asked", extra=self._tag)
                pause_s = polling.HOURLY_S
            try:
                async with asyncio.timeout(max(pause_s, LEAST_GAP_S)):
                    await self._changed.wait()
                await self._sleep(LEAST_GAP_S)
            except TimeoutError:
                pass

    async def turn(self) -> float:
        """Ask what is due now; gives the seconds until something may be due again."""
        if self._again:
            self._again = False
            self._record = replace(polling.released(self._record), last_s=None, good_s=None)
        due = self._due()
        if due.at_s <= self._now()[0]:
            await self._ask(due.ask)
        if not self._wake_refusal():
            await self._wake()
        due = self._due()
        left_s = max(due.at_s - self._now()[0], 0.0)
        waits = self._pace.wakes_per_day > 0 and self._view.goal_soc_pct is not None and self._record.asleep
        return min(left_s, LOOK_AGAIN_S) if waits else left_s

    def _due(self) -> Due:
        return polling.due(self._pace, self._record, self._view, self._times, self._now()[0])

    async def _ask(self, ask: Ask) -> bool:
        """One question; whether data came."""
        provider = self._provider
        assert provider is not None
        self._record = polling.booked(self._record, 1, self._now()[0])
        await self._save()
        before = provider.requests
        report: Report | None = None
        failure: VehicleError | None = None
        try:
            report = await provider.read(data=ask is Ask.DATA)
        except VehicleError as error:
            failure = error
        self._book_rest(before)
        if failure is not None:
            self.failed(failure)
        elif report is not None and report.says_something:
            self.took(report)
        elif report is not None:
            self._reach = report.reach
            self._record = polling.answered(self._record, self._view, self._now()[0], data=False)
        await self._save()
        return report is not None and report.says_something

    def _book_rest(self, before: int) -> None:
        """Count what the question cost beyond the one request that was booked already."""
        assert self._provider is not None
        more = self._provider.requests - before - 1
        if more > 0:
            self._record = polling.booked(self._record, more, self._now()[0])

    # Waking.

    def _wake_refusal(self) -> str:
        mono_s, utc_s = self._now()
        wish = Wish(mono_s, utc_s, self._hour(utc_s), self._believed.aux_battery_pct)
        return polling.wake_refusal(self._pace, self._record, self._view, self._times, wish)

    async def _wake(self) -> None:
        """Wake the car and read it; after a minute without an answer it is left alone."""
        provider = self._provider
        assert provider is not None
        begun_s = self._now()[0]
        self._record = polling.booked(polling.woken(self._record, begun_s), 1, begun_s)
        if not await self._save():
            _log.warning("the car is not woken: that it was could not be stored", extra=self._tag)
            return
        _log.info("waking the car: a departure plan needs its state of charge", extra=self._tag)
        try:
            await provider.wake()
        except VehicleError as error:
            self.failed(error)
            await self._save()
            return
        while self._now()[0] < begun_s + WAKE_WITHIN_S:
            await self._sleep(WAKE_STEP_S)
            if await self._ask(Ask.DATA) or self._record.trouble is not None:
                return
        _log.info("the car did not wake", extra=self._tag)

    # Keeping.

    async def _save(self) -> bool:
        """Keep the counts where somebody counts, so that a restart spends nothing twice."""
        if not self._pace.metered:
            return True
        try:
            await self._kept.save(msgspec.json.encode(self._record).decode())
        except Exception as error:
            _log.debug("the counts are not stored: %s", error, extra=self._tag)
            return False
        return True

    def status(self) -> Status:
        """How it fares."""
        now_s = self._now()[0]
        record, pace = self._record, self._pace
        asked = [s for s in record.asked if s > now_s - polling.DAY_S]
        due_s = NEVER_S if self._provider is None else self._due().at_s
        return Status(
            vehicle=self.vehicle,
            source=self._kind,
            reach=self._reach.value,
            believed=self._believed,
            trouble="" if record.trouble is None else record.trouble.value,
            why=record.why,
            next_s=None if due_s == NEVER_S else max(due_s - now_s, 0.0),
            requests_today=len(asked),
            requests_left=None if pace.data_per_day is None else max(pace.data_per_day - len(asked), 0),
            wakes_today=len([s for s in record.wakes if s > now_s - polling.DAY_S]),
            wake_refusal=self._wake_refusal() if pace.wakes_per_day else "",
        )


def _loaded(text: str | None) -> Record:
    if not text:
        return Record()
    try:
        return msgspec.json.decode(text, type=Record)
    except msgspec.MsgspecError:
        return Record()


def _rest_of_month_s(utc_s: float) -> float:
    """How long this month lasts, in UTC."""
    now = datetime.fromtimestamp(utc_s, UTC)
    following = datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=UTC)
    return (following - now).total_seconds()
