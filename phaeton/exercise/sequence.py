"""The sequence itself: look, pause, least current, lease, phases, and everything back."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable

from msgspec import Struct, structs

from phaeton.config.points import Point
from phaeton.config.tree import Charger
from phaeton.exercise.report import Outcome, Report, Result, Seen, StepReport
from phaeton.exercise.touched import differing, numbers, readable, taken, touched
from phaeton.exercise.watch import AbortError, Watch
from phaeton.links.modbus import LinkError, LinkSettings, ModbusLinks, UnreachableError
from phaeton.model import ChargerReading, ChargerState, ChargerWrite, Event, WriteOutcome, WriteResult
from phaeton.profiles import Profile, Value, blocks_of, port_of
from phaeton.profiles.control import NOMINAL_V, Action, RegisterWrite, Setpoint, copied_points, steps_for
from phaeton.profiles.plan import blocks_for
from phaeton.sinks.charger import ChargerSink
from phaeton.sources.charger import ChargerSource
from phaeton.sources.charger_blocks import BlockReader
from phaeton.sources.charger_recognition import read_optional

_POINT = "1"
_SEEN = 2000
"""So many polls are kept in the report."""
_ASK_EVERY_S = 0.5
_WRITING_S = 120.0
"""Some chargers want rest between changes."""
_NONE_A = 1.0
"""Less than this is no current for a car."""
_FLOOR_A = 6.0
_IDENTITY = ("manufacturer", "model", "serial", "firmware", "name")


class Terms(Struct, frozen=True, kw_only=True):
    """What the owner allows, and how patient the sequence is; times in s."""

    most_a: float = 16.0
    """No setpoint and no tried safe current is above it."""
    least_a: float = 6.0
    phases: bool = False
    """Whether the phases may be switched."""
    connect_s: float = 30.0
    watch_s: float = 10.0
    """Before anything is written it is watched for so long whether somebody else writes."""
    car_s: float = 60.0
    """How long a car may take to begin or to end."""
    follow_s: float = 10.0
    """How long a car may draw more than it is allowed anew."""
    longest_lease_s: float = 330.0
    lease_margin_s: float = 5.0
    restore_s: float = 60.0
    """So long it is tried to put everything back when the connection is lost."""


class Exercise:
    """One run on the first socket of a charger.

    ``tell`` gets a line for each thing that happens, ``keep`` the report before the first write and in the end.
    """

    def __init__(
        self,
        charger: Charger,
        profile: Profile,
        links: ModbusLinks,
        terms: Terms,
        tell: Callable[[str], None],
        keep: Callable[[Report], None],
    ) -> None:
        port = port_of(profile, 1, charger.port)
        self._link = links.get(charger.host, port, LinkSettings.of(profile.transport))
        confirmed = structs.replace(charger, profile_confirmed=True)
        self._source = ChargerSource(Point(_POINT, confirmed, 1), profile, self._link, _now)
        self._reader = BlockReader(self._link, charger.host)
        self._terms = terms
        self._tell = tell
        self._keep = keep
        self._watch = Watch(terms.most_a, terms.follow_s, self._note)
        self._outcome: WriteOutcome | None = None
        self._alive_a: float | None = None
        """The setpoint that is kept alive."""
        self._lease_s = 0.0
        """The longest life of a setpoint that was seen."""
        self._sink = self._new_sink()
        self._chosen = 3
        """The phases that the current flows on."""
        self._began_s = time.monotonic()
        self._wrote = False
        self._switched = False
        """Other phases than before may be chosen."""
        self._drew = False
        """A car took current at the least setpoint."""
        self.report = Report(
            profile=profile.id,
            profile_name=profile.name,
            confidence=profile.evidence.confidence,
            host=charger.host,
            port=port,
            unit=self._source.place.unit,
            most_a=terms.most_a,
            least_a=terms.least_a,
            started_utc_s=round(time.time(), 3),
        )

    @property
    def holds(self) -> bool:
        """A setpoint was written and is held by the charger."""
        return bool(self._watch.held_a)

    @property
    def _profile(self) -> Profile:
        return self._source.profile

    def _new_sink(self) -> ChargerSink:
        return ChargerSink(_POINT, self._source, self._link, _now, self._written)

    def _written(self, event: Event) -> None:
        if isinstance(event, WriteOutcome):
            self._outcome = event
            self._watch.wake()

    def _note(self, reading: ChargerReading) -> None:
        self._renew(reading)
        seen = self.report.seen
        if len(seen) < _SEEN:
            seen.append(
                Seen(
                    at_s=self._at_s,
                    state=reading.state_text or reading.state.value,
                    current_a=reading.current_a,
                    limit_set_a=reading.limit_set_a,
                    limit_actual_a=reading.limit_actual_a,
                    limit_remaining_s=reading.limit_remaining_s,
                    phases_set=reading.phases_set,
                )
            )

    def _renew(self, reading: ChargerReading) -> None:
        """Keep the setpoint alive by the lease that the charger tells; other signs of life are the sink's."""
        left_s = reading.limit_remaining_s
        if left_s is None or self._alive_a is None or "limit_remaining" not in self._profile.points:
            return
        self._lease_s = max(self._lease_s, left_s)
        if 0 < left_s <= self._lease_s / 2:
            self._sink.order(ChargerWrite(current_a=self._alive_a), self._chosen)

    @property
    def _at_s(self) -> float:
        return round(time.monotonic() - self._began_s, 1)

    async def run(self) -> Report:
        """Do it all; cancelling it ends the sequence, and then everything is put back all the same."""
        report = self.report
        task = asyncio.current_task()
        subscription = self._source.events.subscribe(self._watch.take)
        try:
            await self._sequence()
            failed = [step.name for step in report.steps if step.result is Result.FAILED]
            report.outcome = Outcome.FAILED if failed else Outcome.PASSED
            report.why = ", ".join(failed)
        except AbortError as stop:
            report.outcome = Outcome.ABORTED if self._wrote else Outcome.REFUSED
            report.why = str(stop)
        except (LinkError, ValueError) as error:
            report.outcome = Outcome.ABORTED if self._wrote else Outcome.REFUSED
            report.why = str(error)
        except asyncio.CancelledError:
            if task is not None:
                task.uncancel()
            report.outcome, report.why = Outcome.ABORTED, "ended by its owner"
        except Exception as error:
            report.outcome, report.why = Outcome.ABORTED, f"{type(error).__name__}: {error}"
            raise
        finally:
            try:
                await self._restore()
            finally:
                self._sink.abandon()
                subscription.dispose()
                report.confirms = report.ok and self._drew
                self._keep(report)
        return report

    async def restore_from(self, old: Report) -> Report:
        """Put back what an earlier run could not: one that was killed, or lost the charger for too long."""
        subscription = self._source.events.subscribe(self._watch.take)
        self.report = old
        self._wrote = True
        old.not_restored = []
        try:
            await self._watch.until(lambda: self._watch.reading is not None, self._terms.connect_s)
            reading = self._watch.reading
            self._switched = reading is not None and reading.phases_set != old.phases
            await self._restore()
        finally:
            self._sink.abandon()
            subscription.dispose()
            if not old.not_restored and old.outcome is Outcome.UNFINISHED:
                old.outcome, old.why = Outcome.ABORTED, "it was killed; everything was put back later"
            self._keep(old)
        return old

    # The steps.

    async def _sequence(self) -> None:
        await self._look()
        await self._see_that_nobody_writes()
        self._keep(self.report)
        await self._pause()
        await self._least()
        await self._let_it_lapse()
        await self._switch_phases()

    def _step(self, name: str, result: Result, words: str) -> None:
        self.report.steps.append(StepReport(name, result, words, self._at_s))
        self._tell(f"{result.value:7}  {name}: {words}")

    async def _look(self) -> None:
        watch, report = self._watch, self.report
        if self._source.profile.control.kind == "none":
            raise AbortError("this kind of charger can only be read")
        await watch.until(lambda: watch.reading is not None, self._terms.connect_s)
        identity, reading = watch.identity, watch.reading
        if identity is not None and identity.stranger:
            raise AbortError(identity.warning)
        if identity is None or reading is None:
            raise AbortError(f"nothing could be read: {watch.away or 'no answer'}")
        watch.guarding = True
        watch.take(reading)
        profile, place = self._profile, self._source.place
        values: dict[str, Value] = await self._reader.read(blocks_of(profile, place, "fast"))
        values |= await read_optional(self._reader, blocks_of(profile, place, "once"))
        values |= await read_optional(self._reader, blocks_of(profile, place, "slow"))
        report.values = values
        report.identity = {name: str(getattr(identity, name)) for name in _IDENTITY}
        self._judge_limits(reading)
        report.phases = reading.phases_set
        names = touched(profile)
        report.before = numbers(await self._values(name for name in names if readable(profile, name)))
        report.unreadable = tuple(name for name in names if name not in report.before)
        missing = [name for name, value in values.items() if value is None]
        without = f", without a value: {', '.join(sorted(missing))}" if missing else ""
        self._step("read", Result.PASSED, f"{len(values) - len(missing)} of {len(values)} points{without}")

    def _judge_limits(self, reading: ChargerReading) -> None:
        terms, limit = self._terms, self._profile.control.limit
        assert limit is not None
        if self._profile.control.kind == "current":
            least_a = max(terms.least_a, limit.min)
        else:
            # The setpoint is rounded down to the steps of the charger: begin above one.
            full_w = NOMINAL_V * (reading.phases_set or 3)
            least_a = math.ceil(max(terms.least_a * full_w, limit.min) / limit.step) * limit.step / full_w
        top_a = terms.most_a if reading.limit_max_a is None else min(terms.most_a, reading.limit_max_a)
        if least_a > top_a:
            raise AbortError(f"the least current, {least_a:g} A, is above what is allowed, {top_a:g} A")
        self.report.least_a = least_a
        self._chosen = reading.phases_set or 3
        if reading.limit_used is False:
            raise AbortError("the charger ignores what is written to it; `phaeton probe` tells what must be set")
        if reading.limit_safe_a == 0.0 and "limit_safe" in self._profile.points:
            raise AbortError("the safe current is not set: without it the charger takes no setpoints")

    async def _see_that_nobody_writes(self) -> None:
        watch = self._watch
        before = self._reading.limit_set_a
        left_s = self._reading.limit_remaining_s
        if left_s is not None and left_s > 0 and "limit_remaining" in self._profile.points:
            raise AbortError(
                f"a setpoint is alive for another {left_s:g} s: something controls this charger; end it first"
            )
        if await watch.until(lambda: self._reading.limit_set_a != before, self._terms.watch_s):
            raise AbortError(
                f"the setpoint changed from {_amps(before)} to {_amps(self._reading.limit_set_a)} by itself: something "
                "controls this charger; end it first"
            )

    @property
    def _reading(self) -> ChargerReading:
        assert self._watch.reading is not None
        return self._watch.reading

    async def _pause(self) -> None:
        await self._set("pause", 0.0)
        stopped = await self._watch.until(lambda: self._watch.worst_a < _NONE_A, self._terms.car_s)
        if not stopped:
            self._failed("pause", f"{self._watch.worst_a:g} A flow on although nothing is offered")
        state = self._reading.state_text or self._reading.state.value
        self._step("pause", Result.PASSED, f"no current flows, state {state}")

    async def _least(self) -> None:
        least_a = self.report.least_a
        await self._set("least current", least_a)
        if not self._watch.plugged:
            self._step("least current", Result.PASSED, f"{least_a:g} A are set; no car is plugged in")
            return
        self._drew = await self._watch.until(lambda: self._watch.worst_a >= _NONE_A, self._terms.car_s)
        if not self._drew:
            self._step("least current", Result.PASSED, f"{least_a:g} A are set; the car takes none")
            return
        # Some cars begin with more than they are offered; the watch ends it when that lasts.
        await self._watch.rest(self._terms.follow_s)
        measured = " / ".join(_amps(value) for value in self._reading.current_a)
        self._step("least current", Result.PASSED, f"{least_a:g} A are set, the car draws {measured}")

    async def _let_it_lapse(self) -> None:
        name = "lease"
        timeout_s, safe_a, why = await self._lease()
        if why:
            self._step(name, Result.SKIPPED, why)
            return
        alive = self._profile.control.keepalive
        assert alive is not None
        self._tell(f"...      {name}: nothing is written for {timeout_s:g} s")
        self._alive_a = None
        self._sink.abandon()
        self._watch.allow(max(safe_a, self.report.least_a), lapsing=True)
        counts = "limit_remaining" in self._profile.points
        if counts:
            await self._watch.until(lambda: not self._reading.limit_remaining_s, timeout_s + self._terms.lease_margin_s)
        else:
            await self._watch.rest(timeout_s + self._terms.lease_margin_s)
        self._watch.allow(safe_a, lapsing=True)
        lapsed = await self._watch.until(lambda: self._fell_to(safe_a), self._terms.follow_s)
        self._sink = self._new_sink()
        reading = self._reading
        told = f"set {_amps(reading.limit_set_a)}, applied {_amps(reading.limit_actual_a)}"
        if not lapsed:
            self._failed(name, f"{timeout_s:g} s without a sign of life, and it is not at {safe_a:g} A: {told}")
        self._step(name, Result.PASSED, f"after {timeout_s:g} s it fell to its safe current of {safe_a:g} A ({told})")

    def _fell_to(self, safe_a: float) -> bool:
        reading = self._reading
        if "limit_remaining" in self._profile.points and reading.limit_remaining_s:
            return False
        shown = [value for value in (reading.limit_set_a, reading.limit_actual_a) if value is not None]
        if any(abs(value - safe_a) <= _FLOOR_A / 10 for value in shown):
            return True
        return safe_a < _FLOOR_A and reading.state is not ChargerState.CHARGING and self._watch.worst_a < _NONE_A

    async def _lease(self) -> tuple[float, float, str]:
        """How long a setpoint lives, what comes after it, and why it is not tried."""
        control = self._profile.control
        alive, failsafe = control.keepalive, control.failsafe
        if alive is None or alive.kind == "none" or self._source.keepalive_s() is None:
            return 0.0, 0.0, "a setpoint holds for ever on this charger"
        if alive.kind == "read":
            return 0.0, 0.0, "each read is a sign of life to this charger: it cannot be watched while it lapses"
        if failsafe is None or failsafe.then not in ("safe_current", "stop") or failsafe.timeout is None:
            return 0.0, 0.0, "it is not known when a setpoint lapses on this charger, or what it does then"
        names = [name for name in (failsafe.timeout, failsafe.current) if name is not None]
        found = numbers(await self._values(names))
        timeout_s = self._lease_s if failsafe.timeout == "limit_remaining" else found.get(failsafe.timeout)
        safe_a = 0.0 if failsafe.then == "stop" else found.get(failsafe.current or "")
        if not timeout_s or safe_a is None:
            return 0.0, 0.0, "the charger does not tell when a setpoint lapses and what it falls to"
        if safe_a > self._terms.most_a:
            return 0.0, 0.0, f"its safe current, {safe_a:g} A, is above the {self._terms.most_a:g} A that are allowed"
        if timeout_s > self._terms.longest_lease_s:
            return 0.0, 0.0, f"a setpoint lives {timeout_s:g} s, that is too long to wait for"
        return timeout_s, safe_a, ""

    async def _switch_phases(self) -> None:
        name, before = "phases", self._reading.phases_set
        identity, spec = self._watch.identity, self._profile.control.phases
        if not self._terms.phases:
            self._step(name, Result.SKIPPED, "not allowed (--phases allows it)")
        elif identity is None or not identity.can_switch_phases:
            self._step(name, Result.SKIPPED, "this charger cannot switch them")
        elif before not in (1, 3):
            self._step(
                name, Result.SKIPPED, "the charger does not tell which are chosen, so they could not be put back"
            )
        else:
            other = 1 if before == 3 else 3
            used = await self._on_phases(other)
            await self._watch.rest(spec.gap_s or 0.0)
            await self._on_phases(before, least=False)
            self._step(name, Result.PASSED, f"from {before} to {other} and back{used}")

    async def _on_phases(self, phases: int, *, least: bool = True) -> str:
        """Pause, choose, rest, and offer the least current; tells what the car did."""
        spec = self._profile.control.phases
        await self._set("phases", 0.0)
        if not await self._watch.until(lambda: self._watch.worst_a < _NONE_A, self._terms.car_s):
            self._failed("phases", "the current does not end before the switch")
        self._switched = True
        await self._write("phases", ChargerWrite(phases=phases))
        self._chosen = phases
        self._switched = phases != self.report.phases
        await self._watch.rest(spec.settle_s)
        seen = await self._watch.until(lambda: self._reading.phases_set == phases, self._within_s)
        if spec.trust_readback and not seen:
            self._failed("phases", f"{phases} were chosen, {self._reading.phases_set} are read back")
        if not least:
            return ""
        await self._set("phases", self.report.least_a)
        drew = self._drew and await self._watch.until(lambda: self._watch.worst_a >= _NONE_A, self._terms.car_s)
        if not drew:
            return "; no car showed it"
        await self._watch.rest(self._terms.follow_s)
        used = self._watch.phases_used
        if used > phases:
            self._failed("phases", f"{phases} were chosen and the car draws on {used}")
        return f"; the car drew on {used}"

    # Writing and reading back.

    @property
    def _within_s(self) -> float:
        verify = self._profile.control.verify
        return max(verify.within_s if verify is not None else 5.0, 2.0)

    def _failed(self, name: str, words: str) -> None:
        self._step(name, Result.FAILED, words)
        raise AbortError(f"{name}: {words}")

    async def _set(self, name: str, current_a: float) -> None:
        self._watch.allow(current_a)
        await self._write(name, ChargerWrite(current_a=current_a))
        wrong = await self._read_back(current_a)
        if wrong:
            self._failed(name, wrong)
        if self._reading.limit_set_a is None:
            return
        if await self._watch.until(lambda: _near(self._reading.limit_set_a, current_a), self._within_s):
            self._watch.held_a = current_a

    async def _write(self, name: str, write: ChargerWrite) -> None:
        await self._watch.until(lambda: True, 0.0)
        self._wrote = True
        if write.current_a is not None:
            self._alive_a = write.current_a
        self._outcome = None
        self._sink.order(write, self._chosen)
        await self._watch.until(lambda: self._outcome is not None, _WRITING_S)
        outcome = self._outcome
        if outcome is None:
            raise AbortError(f"a write took more than {_WRITING_S:g} s")
        if outcome.result is WriteResult.UNREACHABLE:
            raise AbortError(f"the connection was lost: {outcome.detail}")
        if outcome.result is not WriteResult.WRITTEN:
            self._failed(name, f"refused: {outcome.detail}")

    async def _read_back(self, current_a: float) -> str:
        """What does not read back as it was written; empty when all does."""
        profile, place = self._profile, self._source.place
        action: Action = "resume" if current_a > 0 else "pause"
        copied = numbers(await self._values(copied_points(profile, action)))
        steps = steps_for(profile, place, action, Setpoint(current_a, self._chosen), copied)
        alive = profile.control.keepalive
        cleared = {alive.point} if alive is not None and alive.echo == "cleared" else set()
        wanted = {
            step.point: step.value
            for step in steps
            if isinstance(step, RegisterWrite) and readable(profile, step.point) and step.point not in cleared
        }
        found: dict[str, Value] = {}

        async def shown() -> bool:
            nonlocal found
            found = await self._values(wanted)
            return all(taken(profile, name, found.get(name), value) for name, value in wanted.items())

        end_s = time.monotonic() + self._within_s
        while not await shown():
            if time.monotonic() > end_s:
                wrong = {n: v for n, v in wanted.items() if not taken(profile, n, found.get(n), v)}
                return "; ".join(
                    f"{name} was set to {value:g} and is {found.get(name)}" for name, value in wrong.items()
                )
            await self._watch.rest(_ASK_EVERY_S)
        return ""

    async def _values(self, names: Iterable[str]) -> dict[str, Value]:
        chosen = [name for name in names if self._profile.points[name].access != "w"]
        return await self._reader.read(blocks_for(self._profile, self._source.place, chosen)) if chosen else {}

    # The end.

    async def _restore(self) -> None:
        """Put every point back; what could not be is told."""
        if not self._wrote:
            return
        self._watch.guarding = False
        self._alive_a = None
        self._sink.abandon()
        self._sink = self._new_sink()
        self._tell("...      everything is put back; please wait")
        report = self.report
        end_s = time.monotonic() + self._terms.restore_s
        while True:
            try:
                missing = await self._put_back()
                break
            except (LinkError, ValueError) as error:
                if time.monotonic() > end_s:
                    missing = [f"{name} was {value:g} ({error})" for name, value in report.before.items()]
                    break
                await asyncio.sleep(_ASK_EVERY_S)
        report.not_restored += missing
        if report.unreadable and not missing:
            await self._give_back()
        self._step(
            "restore",
            Result.FAILED if missing else Result.PASSED,
            f"not as before: {'; '.join(missing)}" if missing else self._as_before(),
        )

    def _as_before(self) -> str:
        words = "everything that can be read is as before"
        if self.report.unreadable:
            words += f"; {', '.join(self.report.unreadable)} cannot be read: the charger was released to charge"
        left_s = self._watch.reading.limit_remaining_s if self._watch.reading is not None else None
        if left_s and "limit_remaining" in self._profile.points:
            words += f"; a setpoint with this value lives for another {left_s:g} s, then it lapses by itself"
        return words

    async def _put_back(self) -> list[str]:
        before = self.report.before
        await self._phases_back()
        wrong = differing(before, await self._values(before))
        if wrong:
            await self._sink.put(wrong)
        end_s = time.monotonic() + self._within_s
        while True:
            found = await self._values(before)
            left = differing(before, found)
            if not left or time.monotonic() > end_s:
                return [f"{name} was {value:g} and is {found.get(name)}" for name, value in left.items()]
            await asyncio.sleep(_ASK_EVERY_S)

    async def _phases_back(self) -> None:
        """Choose the phases of before, by the profile's own sequence and without current; raises `LinkError`."""
        was = self.report.phases
        if was not in (1, 3) or not self._switched:
            return
        self._outcome = None
        self._sink.order(ChargerWrite(current_a=0.0, phases=was), was)
        await self._watch.until(self._phases_are_written, _WRITING_S)
        outcome = self._outcome
        if outcome is None or outcome.result is not WriteResult.WRITTEN:
            raise UnreachableError("no answer" if outcome is None else outcome.detail)
        self._switched = False
        await asyncio.sleep(self._profile.control.phases.settle_s)

    def _phases_are_written(self) -> bool:
        outcome = self._outcome
        return outcome is not None and (outcome.phases is not None or outcome.result is not WriteResult.WRITTEN)

    async def _give_back(self) -> None:
        """Points that cannot be read are left as the profile leaves a charger that it controls no more."""
        profile, control = self._profile, self._profile.control
        written = {
            name: float(value)
            for step in (control.resume or ())
            for name, value in (step.write or {}).items()
            if name in self.report.unreadable and not isinstance(value, str)
        }
        for step in control.release:
            written |= {n: float(v) for n, v in (step.write or {}).items() if not isinstance(v, str)}
        twin = control.verify.point if control.verify is not None else ""
        limit = control.limit
        if limit is not None and limit.point in self.report.unreadable:
            was = self.report.values.get(twin)
            if isinstance(was, int | float) and was >= self.report.least_a:
                written = {limit.point: min(float(was), self._terms.most_a)} | written
        try:
            await self._sink.put(written)
        except (LinkError, ValueError) as error:
            self.report.not_restored.append(f"{', '.join(written)} could not be written: {error}")
        if not written:
            self.report.not_restored.append(f"what was in {', '.join(self.report.unreadable)} is not known")
        self._tell(f"...      released on {profile.name}: {', '.join(f'{n} = {v:g}' for n, v in written.items())}")


def _near(found: float | None, wanted: float) -> bool:
    return found is not None and abs(found - wanted) <= _FLOOR_A / 40


def _amps(value: float | None) -> str:
    return "unknown" if value is None else f"{value:g} A"


def _now() -> tuple[float, float]:
    return round(time.monotonic(), 3), round(time.time(), 3)
