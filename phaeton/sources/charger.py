"""One charging point as a stream: polls it by its profile and tells readings, identity, and when it is away.

On each connect it first finds out who answers: identity and serial number, and whether addresses and words lie as the
profile says. Only then may the point be written to (`ChargerSource.blocked`). A poll reads the status block before
the measurements. Nothing here ends the stream: failures are `Unavailable` values, and the poller goes on.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Callable, Iterable
from time import monotonic

from msgspec import structs
from reactivex import Observable
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase
from reactivex.disposable import Disposable
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from phaeton.config.points import Point
from phaeton.links.modbus import LinkError, ModbusLink
from phaeton.model import ChargerIdentity, ChargerReading, ChargerState, Now, Unavailable
from phaeton.profiles import (
    Block,
    Place,
    Profile,
    Value,
    blocks_of,
    identity_of,
    keepalive_s,
    place_of,
    serial_of,
    unproven,
)
from phaeton.profiles.plan import status_points
from phaeton.profiles.reading import Interpreter
from phaeton.sources.charger_blocks import BlockReader
from phaeton.sources.charger_recognition import read_optional, recognise
from phaeton.sources.pace import Pace

log = logging.getLogger(__name__)

ChargerEvent = ChargerReading | ChargerIdentity | Unavailable
Emit = Callable[[ChargerEvent], None]

_IDLE_POLL_S = 2.0
_EMPTY_POLL_S = 5.0
_TRANSITION_S = 30.0
"""After a write or a change of state the point is polled at full pace for so long."""
_SLOW_EVERY_S = 30.0
_RELEARN_EVERY_S = 600.0
_STATUS_ALONE_S = 2.5
"""A status that is read out of turn goes with measurements that are not older than this."""
_REPEAT_UNAVAILABLE_S = 15.0
_ASK_STRANGER_EVERY_S = 15.0
_SHORTEST_PAUSE_S = 0.1
_EARLY_S = 0.005
"""A timer may fire a little early."""
_ACTIVE = {ChargerState.CHARGING, ChargerState.STARTING, ChargerState.SWITCHING}


class StrangerError(Exception):
    """What answers is not the charger that belongs here; it is left alone."""


class ChargerSource:
    """The poller of one charging point. ``events`` is to be subscribed to once, in a running event loop.

    ``known_serial`` is the serial number that answered here last time, empty when there is none.
    """

    def __init__(self, point: Point, profile: Profile, link: ModbusLink, now: Now, known_serial: str = "") -> None:
        self._point = point.id
        self._base = profile
        self._link = link
        self._now = now
        self._poll_s = point.charger.poll_interval_s
        self._known_serial = known_serial
        self._place = place_of(profile, point.socket, point.charger.unit, point.charger.station_unit)
        self._reader = BlockReader(link, f"charging point {point.id}")
        self._plan(profile)
        self._values: dict[str, Value] = {}
        self._woken = False
        """It is to be polled at once."""
        self._sleeper: asyncio.Future[None] | None = None
        self._pace = Pace()
        self._polled_s = 0.0
        """When the last whole poll began."""
        self._rest_timer: asyncio.TimerHandle | None = None
        self._generation = -1
        self._stranger = ""
        self._read_only = "" if point.charger.profile_confirmed else unproven(profile)
        self._told = ""
        self._energy_kwh: float | None = None
        self._alive_s: float | None = None
        self.disbelieved = 0
        """Readings whose energy was lower than before."""
        self._state: ChargerState | None = None
        self._unknown_states: set[str] = set()
        self._busy_until_s = float("-inf")
        self._slow_due_s = float("-inf")
        self._relearn_due_s = float("-inf")
        self._measured_s = float("-inf")
        self.events: Observable[ChargerEvent] = Observable(self._subscribe)
        """`ChargerIdentity` at each connect, `ChargerReading` at each poll, `Unavailable` while there are none."""

    @property
    def place(self) -> Place:
        """Units and address offset of this point."""
        return self._place

    @property
    def profile(self) -> Profile:
        """The profile as it fits this charger: with the address shift and word order that were found."""
        return self._profile

    @property
    def read(self) -> Iterable[tuple[float, Block, list[int]]]:
        """What each block held when it was read last, and when (`time.monotonic`); the oldest first."""
        read = sorted(self._reader.last.values(), key=lambda read: read[0])
        return [(read_s, block, list(struct.unpack(f">{block.count}H", data))) for read_s, block, data in read]

    @property
    def limit_write(self) -> str:
        """The name of the request that writes the setpoint; empty where nothing is controlled."""
        limit = self._profile.control.limit
        if limit is None:
            return ""
        spec = self._profile.points[limit.point]
        address = self._place.address_of(spec, self._profile.wire.address_shift)
        return f"{self._place.unit_of(spec)}:w{address}"

    def poll_now(self) -> None:
        """Read the status block now, for instance to see what a write did."""
        self._busy_until_s = monotonic() + _TRANSITION_S
        self._wake()

    def along(self) -> None:
        """Something else woke the process: poll along with it, if it keeps our pace and the next poll is about due."""
        if self._pace.along(monotonic(), self._polled_s, self._interval_s()) and self._rest_timer is not None:
            self._end_sleep()

    def blocked(self) -> str:
        """Why the point must not be written to; empty when it may be."""
        if self._stranger or self._read_only:
            return self._stranger or self._read_only
        return "" if self._identified else "the charger is not connected"

    def keepalive_s(self) -> float | None:
        """How often the charger must hear from us, in s; None where it need not, infinite where setpoints do."""
        return keepalive_s(self._profile, self._values)

    def accept(self, serial: str) -> None:
        """Take the charger with this serial number as the right one from now on."""
        self._known_serial = serial
        self._wake()

    @property
    def _identified(self) -> bool:
        return self._link.connected and self._link.generation == self._generation

    # The stream.

    def _subscribe(
        self, observer: ObserverBase[ChargerEvent], scheduler: SchedulerBase | None = None
    ) -> DisposableBase:
        outage = _Outage(self._point, self._now, observer.on_next)
        task = asyncio.get_running_loop().create_task(
            self._run(observer.on_next, outage), name=f"charging point {self._point}"
        )
        unwatch = self._link.watch(self._wake)

        def dispose() -> None:
            unwatch()
            outage.forget()
            task.cancel()

        return Disposable(dispose)

    async def _run(self, emit: Emit, outage: _Outage) -> None:
        while True:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(Exception),
                wait=lambda state: self._pause_s(state, outage),
                sleep=self._sleep_in_outage,
            ):
                with attempt, outage:
                    await self._poll(emit)
            outage.over()
            try:
                with outage:
                    await self._go_on(emit)
            except Exception:  # logged and told by the outage; the loop takes it from here
                await self._sleep_in_outage(max(self._link_pause_s, min(_SHORTEST_PAUSE_S, self._poll_s)))

    async def _go_on(self, emit: Emit) -> None:
        """Poll in the pace of what happens until something fails."""
        while True:
            woken = await self._rest()
            if woken and self._identified and monotonic() < self._polled_s + self._interval_s():
                recent = monotonic() - self._measured_s < _STATUS_ALONE_S
                self._values |= await self._reader.read(self._status if recent else self._fast)
                self._tell(emit)
            else:
                await self._poll(emit)

    async def _poll(self, emit: Emit) -> None:
        started_s = self._polled_s = monotonic()
        if not self._identified:
            await self._identify(emit)
        else:
            if started_s >= self._relearn_due_s:
                self._relearn_due_s = started_s + _RELEARN_EVERY_S
                self._reader.forget()
            self._values |= await self._reader.read(self._fast)
        self._measured_s = monotonic()
        self._tell(emit)
        if started_s >= self._slow_due_s:
            self._slow_due_s = started_s + _SLOW_EVERY_S
            self._values |= await read_optional(self._reader, self._slow)

    def _tell(self, emit: Emit) -> None:
        mono_s, utc_s = self._now()
        reading = self._interpreter.reading(self._values, mono_s, utc_s)
        if reading.state is ChargerState.UNKNOWN and reading.state_text not in self._unknown_states:
            self._unknown_states.add(reading.state_text)
            log.warning("charging point %s: no rule knows the state %r", self._point, reading.state_text)
        if reading.state is not self._state:
            self._state = reading.state
            self._busy_until_s = monotonic() + _TRANSITION_S
        emit(self._without_a_lower_meter(reading))

    def _without_a_lower_meter(self, reading: ChargerReading) -> ChargerReading:
        """A lifetime total that is lower than before, or 0 after more, is not believed."""
        energy_kwh = reading.energy_kwh
        if energy_kwh is None:
            return reading
        if self._energy_kwh is not None and energy_kwh < self._energy_kwh:
            self.disbelieved += 1
            return structs.replace(reading, energy_kwh=None)
        self._energy_kwh = energy_kwh
        return reading

    # Who answers.

    async def _identify(self, emit: Emit) -> None:
        """Read everything once; raises `StrangerError` when the point must be left alone."""
        self._generation = -1
        where = f"{self._link.host}:{self._link.port}"
        found = await recognise(self._profile, self._place, self._reader)
        if found.problem and self._profile is not self._base:
            found = await recognise(self._base, self._place, self._reader)
        generation = self._link.generation
        serial = serial_of(found.profile, found.values)
        stranger = ""
        if found.problem:
            stranger = f"what answers at {where} is no {found.profile.name}: {found.problem}"
        elif serial and self._known_serial and serial != self._known_serial:
            stranger = (
                f"another charger answers at {where}: serial number {serial}, last time {self._known_serial}; "
                "nothing is written to it until it is accepted"
            )
        warning = stranger or found.note
        if not warning and self._known_serial and not serial:
            warning = f"{where} tells no serial number, last time it was {self._known_serial}"
        warning = warning or self._read_only
        read_only = bool(self._read_only) and not stranger
        emit(identity_of(found.profile, found.values, self._point, *self._now(), warning, bool(stranger), read_only))
        if warning and warning not in (self._stranger, self._told):
            self._told = warning if warning == self._read_only else ""
            log.log(logging.ERROR if stranger else logging.WARNING, "charging point %s: %s", self._point, warning)
        self._stranger = stranger
        if stranger:
            raise StrangerError(stranger)
        if serial != self._known_serial and serial:
            self._known_serial = serial
            self._energy_kwh = None
        if found.profile is not self._profile:
            self._plan(found.profile)
        self._values = found.values
        self._generation = generation
        alive = found.profile.control.keepalive
        # Each poll is a sign of life; all other signs are the sink's.
        self._alive_s = self.keepalive_s() if alive is not None and alive.kind == "read" else None
        self._slow_due_s = monotonic() + _SLOW_EVERY_S
        self._relearn_due_s = monotonic() + _RELEARN_EVERY_S

    def _plan(self, profile: Profile) -> None:
        self._profile = profile
        self._interpreter = Interpreter(profile, self._point)
        self._fast = blocks_of(profile, self._place, "fast")
        status = status_points(profile)
        self._status = tuple(block for block in self._fast if block.points & status) or self._fast
        self._slow = blocks_of(profile, self._place, "slow")

    # Pace.

    def _interval_s(self) -> float:
        """Full pace while something happens, else 2 s with a car and 5 s without; never so long that it is closed."""
        idle_close_s = self._profile.transport.idle_close_s
        if self._state in _ACTIVE or monotonic() < self._busy_until_s:
            pace_s = self._poll_s
        else:
            pace_s = max(self._poll_s, _EMPTY_POLL_S if self._state is ChargerState.DISCONNECTED else _IDLE_POLL_S)
        if idle_close_s is not None:
            pace_s = min(pace_s, idle_close_s / 4)
        alive_s = self._alive_s
        return pace_s if alive_s is None else min(pace_s, alive_s)

    @property
    def _link_pause_s(self) -> float:
        return self._link.retry_in_s(self._place.unit, self._place.station_unit)

    def _pause_s(self, state: RetryCallState, outage: _Outage) -> float:
        """The pause before the next attempt: the link's own, and this point's where it alone is silent."""
        if self._stranger:
            return _ASK_STRANGER_EVERY_S
        pause_s = self._link.settings.pause_s(state.attempt_number, outage.lasts_s)
        return max(self._link_pause_s, pause_s - outage.attempt_lasted_s, min(_SHORTEST_PAUSE_S, pause_s))

    async def _sleep_in_outage(self, seconds: float) -> None:
        """Sleep; only the acceptance of a stranger is a reason to wake."""
        if not self._stranger:
            await asyncio.sleep(seconds)
        else:
            self._woken = False
            await self._sleep(seconds)

    def _wake(self) -> None:
        self._woken = True
        self._end_sleep()

    def _end_sleep(self) -> None:
        if self._sleeper is not None and not self._sleeper.done():
            self._sleeper.set_result(None)

    async def _rest(self) -> bool:
        """Sleep until the next poll is due, or less when it shall be at once; tells whether it shall."""
        due_s = self._pace.due_s(self._polled_s, self._interval_s())
        if due_s > monotonic() and not self._woken:
            # A timer that ends the sleep itself: a time-out by exception costs several times as much, each second.
            self._rest_timer = asyncio.get_running_loop().call_at(due_s, self._due)
            await self._until_woken()
        woken, self._woken = self._woken, False
        return woken

    def _due(self) -> None:
        due_s = self._pace.due_s(self._polled_s, self._interval_s())
        if due_s > monotonic() + _EARLY_S:
            self._rest_timer = asyncio.get_running_loop().call_at(due_s, self._due)
        else:
            self._pace.alone()
            self._end_sleep()

    async def _sleep(self, seconds: float) -> None:
        """Sleep, or less when something woke us."""
        if seconds > 0 and not self._woken:
            self._rest_timer = asyncio.get_running_loop().call_later(seconds, self._end_sleep)
            await self._until_woken()
        self._woken = False

    async def _until_woken(self) -> None:
        sleeper = self._sleeper = asyncio.get_running_loop().create_future()
        try:
            await sleeper
        finally:
            self._sleeper = None
            if self._rest_timer is not None:
                self._rest_timer.cancel()
                self._rest_timer = None


class _Outage:
    """Tells that there are no readings: at the first failure, then every 15 s until it is over.

    As a context it takes notice of what fails inside, and lets it through.
    """

    def __init__(self, point: str, now: Now, emit: Emit) -> None:
        self._point = point
        self._now = now
        self._emit = emit
        self._why = ""
        self._since_mono_s: float | None = None
        self._since_s = 0.0
        self._attempt_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def lasts_s(self) -> float:
        """How long there has been no reading."""
        return monotonic() - self._since_s if self._since_mono_s is not None else 0.0

    @property
    def attempt_lasted_s(self) -> float:
        """How long ago the last attempt began."""
        return monotonic() - self._attempt_s

    def __enter__(self) -> None:
        self._attempt_s = monotonic()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, Exception):
            return
        if not isinstance(error, LinkError | StrangerError):
            log.error("charging point %s: the poll failed", self._point, exc_info=error)
        why = str(error) or type(error).__name__
        changed, self._why = why != self._why, why
        if self._since_mono_s is None:
            self._since_mono_s = round(self._now()[0] - self.attempt_lasted_s, 3)
            self._since_s = self._attempt_s
            log.warning("charging point %s has no readings: %s", self._point, why)
            self._tell()
        elif changed:
            log.info("charging point %s: %s", self._point, why)

    def _tell(self) -> None:
        assert self._since_mono_s is not None
        self._timer = asyncio.get_running_loop().call_later(_REPEAT_UNAVAILABLE_S, self._tell)
        self._emit(Unavailable(*self._now(), self._point, self._since_mono_s, self._why))

    def over(self) -> None:
        """A reading came."""
        if self._since_mono_s is not None:
            log.info("charging point %s has readings again after %.1f s", self._point, self.lasts_s)
        self.forget()

    def forget(self) -> None:
        """Nobody listens any more, or there is nothing to tell."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._since_mono_s = None
        self._why = ""
