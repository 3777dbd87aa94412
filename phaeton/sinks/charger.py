"""Carries the setpoint of one charging point to its charger, and reports what became of it.

What to write and when (lease, phase sequence, verification) is decided in the graph. Here is one slot for what shall
be written next: the newest wins, so nothing queues behind a slow charger.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Mapping
from typing import Literal, Protocol

from phaeton.links.modbus import LinkError, ModbusLink, RefusedError, UnreachableError
from phaeton.model import ChargerWrite, Event, Now, Output, WriteOutcome, WriteResult
from phaeton.profiles import Place, Profile, RegisterWrite, Setpoint, Step, Until, Wait
from phaeton.profiles.conditions import holds
from phaeton.profiles.control import Action, copied_points, limit_of, phase_steps, steps_for, write_of
from phaeton.profiles.plan import blocks_for
from phaeton.profiles.schema import Value

log = logging.getLogger(__name__)

OnExit = Literal["lapse", "pause", "keep"]

_OTHER_FUNCTION_AFTER = {1, 2, 3}
"""Exceptions after which the other write function is tried: firmware differs in which one it takes."""
_CLOSING_S = 2.0
_ASK_AGAIN_S = 0.5


class ControlledPoint(Protocol):
    """What the sink must know of the point that it writes to; the charger source is one."""

    @property
    def profile(self) -> Profile:
        """The profile as it fits this charger."""

    @property
    def place(self) -> Place:
        """Units and address offset."""

    def blocked(self) -> str:
        """Why the point must not be written to; empty when it may be."""

    def keepalive_s(self) -> float | None:
        """How often the charger must hear from us, in s; None where it need not, infinite where setpoints do."""

    def poll_now(self) -> None:
        """Read back what a write did."""


class _SupersededError(Exception):
    """A newer setpoint came while this one waited for the charger."""


class ChargerSink:
    """The writer of one charging point; ``emit`` takes the `WriteOutcome` of each write."""

    def __init__(
        self, point_id: str, point: ControlledPoint, link: ModbusLink, now: Now, emit: Callable[[Event], None]
    ) -> None:
        self._id = point_id
        self._point = point
        self._link = link
        self._now = now
        self._emit = emit
        self._next: ChargerWrite | None = None
        self._phases = 3
        self._newer = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._last_a: float | None = None
        self._limit_a = 0.0
        self._changed_s = float("-inf")
        self._delayed_a: float | None = None
        """A current that waits until the charger takes another change."""
        self._beat: asyncio.TimerHandle | None = None
        self._running = False
        self._taken = -1
        self._told = ""
        self._functions: dict[str, Literal[5, 6, 16]] = {}
        self._refused_both: set[str] = set()

    def publish(self, output: Output) -> None:
        """Take the write that was decided for this point, if there is one; returns at once."""
        for decision in output.decision.points:
            if decision.point == self._id and decision.write is not None and not self._closed:
                self.order(decision.write, decision.phases)

    def order(self, write: ChargerWrite, phases: int) -> None:
        """Have this written next; ``phases`` are those that the current flows on. Returns at once."""
        self._phases = phases
        if self._next is None and write.phases is None and write.current_a == self._delayed_a:
            return
        if self._next is not None:
            write = ChargerWrite(
                current_a=self._next.current_a if write.current_a is None else write.current_a,
                phases=self._next.phases if write.phases is None else write.phases,
            )
        self._next = write
        self._newer.set()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._drain(), name=f"charger writer {self._id}")

    async def _drain(self) -> None:
        while self._next is not None:
            write, self._next = self._next, None
            self._newer.clear()
            # A stop goes first; else the phases do, so that the current flows on the right ones.
            parts = [ChargerWrite(phases=write.phases), ChargerWrite(current_a=write.current_a)]
            for part in reversed(parts) if write.current_a == 0 else parts:
                await self._carry_out(part)

    async def _carry_out(self, write: ChargerWrite) -> None:
        if write.current_a is None and write.phases is None:
            return
        try:
            blocked = self._point.blocked()
            if blocked:
                self._report(write, WriteResult.UNREACHABLE, blocked)
                return
            if write.phases is not None:
                await self._set_phases(write.phases)
            elif write.current_a is not None:
                await self._set_current(write.current_a)
        except _SupersededError:
            log.info("charging point %s: a newer setpoint came while the charger was working on the last", self._id)
        except RefusedError as refused:
            self._report(write, WriteResult.REFUSED, str(refused))
        except LinkError as error:
            self._report(write, WriteResult.UNREACHABLE, str(error))
        except ValueError as error:
            self._report(write, WriteResult.REFUSED, str(error))
        else:
            self._report(write, WriteResult.WRITTEN, "")
        finally:
            self._point.poll_now()

    def _report(self, write: ChargerWrite, result: WriteResult, detail: str) -> None:
        changed, self._told = detail != self._told, detail
        if detail and changed:
            log.warning("charging point %s: %s not written: %s", self._id, _described(write), detail)
        self._emit(
            WriteOutcome(
                *self._now(),
                point=self._id,
                result=result,
                current_a=write.current_a,
                phases=write.phases,
                detail=detail,
            )
        )

    # The sequences of the profile.

    async def _set_current(self, current_a: float) -> None:
        profile = self._point.profile
        if profile.control.kind == "none":
            raise ValueError(f"{profile.name} can only be read")
        if self._taken != self._link.generation:
            await self._perform("take", current_a)
            self._taken = self._link.generation
            self._running = False
        limit_a = limit_of(profile, current_a)
        if limit_a > self._limit_a:
            await self._await_the_gap(profile, current_a)
        if limit_a <= 0:
            await self._perform("pause", 0.0)
        else:
            await self._perform("apply" if self._running else "resume", limit_a)
        if limit_a != self._limit_a:
            self._limit_a = limit_a
            self._changed_s = asyncio.get_running_loop().time()
        self._running = limit_a > 0
        self._last_a = current_a
        if self._point.keepalive_s() is not None:
            await self._perform("keepalive", limit_a)
        self._next_beat()

    async def _await_the_gap(self, profile: Profile, current_a: float) -> None:
        """Some chargers want rest between changes; only what raises the current waits for it."""
        gap_s = profile.control.min_change_gap_s
        left_s = 0.0 if gap_s is None else self._changed_s + gap_s - asyncio.get_running_loop().time()
        if left_s > 0:
            self._delayed_a = current_a
            try:
                await self._wait(left_s)
            finally:
                self._delayed_a = None

    # Signs of life, where the charger wants them more often than setpoints come.

    def _next_beat(self) -> None:
        if self._beat is not None:
            self._beat.cancel()
            self._beat = None
        alive, every_s = self._point.profile.control.keepalive, self._point.keepalive_s()
        if alive is None or alive.kind not in ("write", "rewrite") or every_s is None or self._closed:
            return
        if math.isfinite(every_s):
            self._beat = asyncio.get_running_loop().call_later(every_s, self._beat_now)

    def _beat_now(self) -> None:
        if self._task is not None and not self._task.done():
            self._next_beat()  # what is being written is a sign of life as well
        elif not self._closed:
            self._task = asyncio.get_running_loop().create_task(self._stay_alive(), name=f"charger writer {self._id}")

    async def _stay_alive(self) -> None:
        # After a new connection the graph's next setpoint begins it all again.
        if self._taken == self._link.generation and not self._point.blocked() and self._last_a is not None:
            alive = self._point.profile.control.keepalive
            try:
                if alive is not None and alive.value is not None:
                    await self._perform("keepalive", self._limit_a)
                else:
                    await self._perform("pause" if self._limit_a <= 0 else "apply", self._limit_a)
            except (LinkError, ValueError, _SupersededError) as error:
                log.debug("charging point %s: no sign of life: %s", self._id, error)
            self._next_beat()
        await self._drain()

    async def _set_phases(self, phases: int) -> None:
        profile = self._point.profile
        steps = phase_steps(profile, self._point.place, Setpoint(self._last_a or 0.0, phases))
        if not steps:
            raise ValueError(f"{profile.name} has no way to choose {phases} phases")
        await self._steps(steps)

    async def _perform(self, action: Action, limit_a: float) -> None:
        profile = self._point.profile
        names = copied_points(profile, action)
        read = {name: value for name, value in (await self._read(names)).items() if isinstance(value, int | float)}
        await self._steps(steps_for(profile, self._point.place, action, Setpoint(limit_a, self._phases), read))

    async def _steps(self, steps: tuple[Step, ...]) -> None:
        for step in steps:
            if isinstance(step, RegisterWrite):
                await self._write(step)
            elif isinstance(step, Wait):
                await self._wait(step.seconds)
            else:
                await self._until(step)

    async def _write(self, step: RegisterWrite) -> None:
        function = self._functions.get(step.point, step.function)
        try:
            await self._link.write(step.unit, step.address, step.registers, function)
        except RefusedError as refused:
            detail = f"{refused}; {step.when_refused}" if step.when_refused else str(refused)
            if (
                function == 5
                or len(step.registers) > 1
                or refused.code not in _OTHER_FUNCTION_AFTER
                or step.point in self._refused_both
            ):
                raise RefusedError(refused.code, detail) from None
            other: Literal[6, 16] = 6 if function == 16 else 16
            try:
                await self._link.write(step.unit, step.address, step.registers, other)
            except LinkError:
                # Some firmware drops the connection at function 6: do not ask for that again.
                self._refused_both.add(step.point)
                raise RefusedError(refused.code, detail) from None
            self._functions[step.point] = other

    async def _until(self, step: Until) -> None:
        deadline_s = asyncio.get_running_loop().time() + step.timeout_s
        while not holds(step.condition, await self._read(frozenset(step.condition))):
            if asyncio.get_running_loop().time() >= deadline_s:
                raise ValueError(f"the charger did not come to {', '.join(sorted(step.condition))} as expected")
            await self._wait(min(_ASK_AGAIN_S, step.timeout_s))

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._newer.wait()
        except TimeoutError:
            return
        raise _SupersededError

    async def _read(self, names: frozenset[str]) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for block in blocks_for(self._point.profile, self._point.place, names):
            values |= block.decode(await self._link.read(block.unit, block.address, block.count, block.space))
        return values

    async def put(self, values: Mapping[str, float]) -> None:
        """Write these points as they are, in this order, past every sequence; raises `LinkError` and `ValueError`."""
        profile, place = self._point.profile, self._point.place
        blocked = self._point.blocked()
        if blocked:
            raise UnreachableError(blocked)
        for name, value in values.items():
            await self._write(write_of(profile, place, name, value))

    # The end.

    def abandon(self) -> None:
        """Write nothing more and leave the charger as it is, as if this process had died."""
        self._closed = True
        self._next = None
        if self._beat is not None:
            self._beat.cancel()
        if self._task is not None:
            self._task.cancel()

    async def close(self, on_exit: OnExit) -> None:
        """Leave the charger as the owner wants it: let the setpoint lapse, pause the car, or renew it once more.

        Takes at most 2 s and raises nothing; without a connection the charger falls to its safe current by itself.
        """
        self._closed = True
        self._next = None
        if self._beat is not None:
            self._beat.cancel()
        try:
            async with asyncio.timeout(_CLOSING_S):
                if self._task is not None and not self._task.done():
                    self._newer.set()
                    await self._task
                if self._point.blocked():
                    return
                self._newer.clear()
                if on_exit == "pause":
                    await self._perform("pause", 0.0)
                elif on_exit == "keep" and self._last_a is not None:
                    await self._set_current(self._last_a)
                elif on_exit == "lapse" and self._last_a is not None:
                    await self._perform("release", self._last_a)
        except (LinkError, ValueError, TimeoutError, _SupersededError) as error:
            log.warning("charging point %s: could not leave it as wanted (%s): %s", self._id, on_exit, error)


def _described(write: ChargerWrite) -> str:
    return f"{write.phases} phases" if write.current_a is None else f"{write.current_a:g} A"
