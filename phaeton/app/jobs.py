"""Simulation jobs: what the settings would have done over recorded days, one at a time, in a process of their own.

The daemon only asks the store, starts the process and reads what it tells; nothing of a simulation runs in it, so that
no control step waits. What comes out is kept until the next start, of the newest jobs.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import shutil
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from msgspec.structs import replace

import phaeton
from phaeton.app.minutes import MinuteKeeper
from phaeton.calendar_days import day, instant, midnight, wall_s
from phaeton.config.change import compare
from phaeton.config.desired import merged
from phaeton.config.document import Plain
from phaeton.config.load import parse
from phaeton.config.problems import ConfigError
from phaeton.config.tree import Config
from phaeton.config.writing import expanded, to_plain
from phaeton.model import Now, Zone
from phaeton.sinks.store import StayFilter, Store, stay_key
from phaeton.sinks.web.moments import moment
from phaeton.sinks.web.simulations import (
    MOST_DAYS,
    JobRefusedError,
    JobsFullError,
    JobState,
    RecordedDay,
    RecordedDays,
    SimulationBody,
    SimulationStatus,
    Tried,
)
from phaeton.sinks.web.times import moment_of, ordered
from phaeton.trial import STRATEGIES, TODAY, Data, House, Told, Trial, TrialResult, TrialRun, TrialStay

_log = logging.getLogger(__name__)

MODULE = "phaeton.simulation.trial"
MOST_WAITING = 4
MOST_KEPT = 10
LONGEST_S = 3600.0
"""A job that takes longer is ended."""
END_WITHIN_S = 5.0
MEMORY_BYTES = 400_000_000
"""Address space of the process; it uses a quarter of it, on a day as on a month."""
MOST_STEPS = 12_000_000
USUAL_DAYS = 7
DAYS_BACK = 366
"""How far back days are told."""
MEANT = ("chargers", "site", "auto", "phases", "battery", "schedule", "prices", "forecast", "vehicles")
"""Sections that mean something in a simulation."""

_DAY_S = 86_400.0
_LEAST_KWH = 0.05
_CAR_A = 16.0
"""What a car takes on a phase that nothing is known of."""
_STAYS_AT_ONCE = 500
_LINE_BYTES = 1_000_000
_TAIL_BYTES = 4_000
_SOON = 0.02
"""From here on it can be told how long it will take."""


@dataclass(slots=True)
class _Job:
    """One job."""

    key: str
    trial: Trial
    tried: tuple[Tried, ...]
    made_s: float
    state: JobState = "queued"
    progress: float = 0.0
    began_s: float | None = None
    ended_s: float | None = None
    began_mono_s: float = 0.0
    error: str = ""
    result: TrialResult | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Jobs:
    """Takes jobs, runs them one after the other, and remembers what came of them."""

    def __init__(
        self,
        store: Store,
        minutes: MinuteKeeper,
        config: Callable[[], Config],
        zone: Callable[[], Zone],
        now: Now,
        folder: Path,
        *,
        longest_s: float = LONGEST_S,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        self._store, self._minutes = store, minutes
        self._config, self._zone, self._now = config, zone, now
        self._folder = folder
        self._longest_s, self._memory_bytes = longest_s, memory_bytes
        self._jobs: dict[str, _Job] = {}
        self._working: asyncio.Task[None] | None = None
        self._process: Process | None = None
        self._cleared = False

    # What the API asks.

    async def days(self) -> RecordedDays:
        """The days of the past year."""
        now_s, zone, config = self._now()[1], self._zone(), self._config()
        first_s = midnight(zone, now_s - DAYS_BACK * _DAY_S)
        recordings, _ = await asyncio.to_thread(self._recordings, first_s, now_s)
        recorded = {Path(path).name[:10] for path in recordings}
        hours = Counter(day(zone, start_s) for start_s in await self._minutes.hours(first_s, now_s))
        stays: Counter[str] = Counter()
        energy_kwh: Counter[str] = Counter()
        async for stay in self._stays(first_s, now_s):
            came = day(zone, stay.arrival_s)
            stays[came] += 1
            energy_kwh[came] += stay.energy_kwh  # type: ignore[assignment]
        return RecordedDays(
            days=tuple(
                RecordedDay(
                    day=name,
                    hours=hours[name],
                    recorded=name in recorded,
                    stays=stays[name],
                    energy_kwh=round(energy_kwh[name], 3),
                )
                for name in sorted(recorded | hours.keys())
            ),
            records=config.record.enabled,
            keeps_days=config.store.series_days,
        )

    def all(self) -> list[SimulationStatus]:
        """Those that are known, the newest first, without their single days."""
        return [_short(self._told(job)) for job in reversed(self._jobs.values())]

    def status(self, key: str) -> SimulationStatus | None:
        """One of them."""
        job = self._jobs.get(key)
        return None if job is None else self._told(job)

    async def begin(self, wanted: SimulationBody) -> SimulationStatus:
        """Queue a job; raises `JobRefusedError` where it cannot be run, `JobsFullError` where too many wait."""
        self._room()
        trial, tried = await self._trial(wanted)
        self._room()
        job = _Job(secrets.token_hex(4), trial, tried, self._now()[1])
        self._jobs[job.key] = job
        await self._forget_old()
        if self._working is None:
            self._working = asyncio.get_running_loop().create_task(self._work(), name="simulations")
        return self._told(job)

    async def cancel(self, key: str) -> SimulationStatus | None:
        """End a job that is not over yet; one that is over is forgotten."""
        job = self._jobs.get(key)
        if job is None:
            return None
        if job.over.is_set():
            await self._forget(job)
            return self._told(job)
        running = job.state == "running"
        job.state = "cancelled"
        if running:
            self._kill()
            await job.over.wait()
        else:
            self._end(job)
        return self._told(job)

    async def report(self, key: str, run: str) -> bytes | None:
        """The page about a run; None where there is none."""
        job = self._jobs.get(key)
        if job is None or job.result is None:
            return None
        names = [one.name for one in job.trial.runs]
        if run not in names:
            return None
        path = self._folder / key / f"{names.index(run)}.html"
        try:
            return await asyncio.to_thread(path.read_bytes)
        except OSError:
            return None

    async def close(self) -> None:
        """End what runs; returns when its process is gone."""
        for job in self._jobs.values():
            if not job.over.is_set():
                job.state = "cancelled"
        self._kill()
        if self._working is not None:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)

    # Judging.

    def _room(self) -> None:
        waiting = sum(job.state == "queued" for job in self._jobs.values())
        if waiting >= MOST_WAITING:
            raise JobsFullError(f"{waiting} simulations wait already; try again when one is done")

    async def _trial(self, wanted: SimulationBody) -> tuple[Trial, tuple[Tried, ...]]:
        from_s, to_s, blamed = self._time(wanted)
        config = self._config()
        planned = await asyncio.to_thread(lambda: list(_runs(config, wanted)))
        runs, tried = tuple(run for run, _ in planned), tuple(told for _, told in planned)
        recordings, all_recorded = await asyncio.to_thread(self._recordings, from_s, to_s)
        data: Data = wanted.data or ("recordings" if all_recorded else "minutes")
        if data == "recordings" and not recordings:
            raise JobRefusedError("nothing of this time is in the recorder's files (record.enabled)", "data")
        step_s = float(wanted.step_s or (10 if data == "recordings" else 60))
        if (to_s - from_s) / step_s * len(runs) > MOST_STEPS:
            raise JobRefusedError(f"that is more than {MOST_STEPS:,} steps: take longer ones, or fewer days", "step_s")
        stays = [stay async for stay in self._stays(from_s, to_s)]
        if not stays:
            raise JobRefusedError("no stay of a car began and ended in this time, so nothing can be compared", blamed)
        car = config.vehicles[0] if config.vehicles else None
        trial = Trial(
            runs=runs,
            from_s=from_s,
            to_s=to_s,
            step_s=step_s,
            data=data,
            recordings=recordings if data == "recordings" else (),
            dynamic_prices=config.prices.source != "fixed",
            stays=tuple(stays),
            house=House(
                battery_kwh=wanted.battery_kwh,
                battery_w=wanted.battery_w,
                feed_in_limit_w=wanted.feed_in_limit_w,
                car_phases=3 if car is None else car.phases,
                car_a=_CAR_A if car is None or car.max_current_a is None else car.max_current_a,
            ),
            folder="",
            memory_bytes=self._memory_bytes,
        )
        return trial, tried

    def _time(self, wanted: SimulationBody) -> tuple[float, float, str]:
        """From, until, and the field to blame."""
        now_s, zone = self._now()[1], self._zone()
        from_s, to_s = moment_of(wanted.from_, "from"), moment_of(wanted.to, "to")
        ordered(from_s, to_s)
        if wanted.days is not None and (from_s is not None or to_s is not None):
            raise JobRefusedError("days and from, to exclude each other", "days")
        if from_s is None:
            days = USUAL_DAYS if wanted.days is None else wanted.days
            to_s = midnight(zone, now_s) if to_s is None else to_s
            from_s = instant(zone, wall_s(zone, to_s) - days * _DAY_S)
            blamed = "days"
        else:
            to_s = now_s if to_s is None else to_s
            blamed = "from"
        to_s = min(to_s, now_s)
        if from_s >= to_s:
            raise JobRefusedError("the time must lie in the past", blamed)
        if to_s - from_s > (MOST_DAYS + 1) * _DAY_S:
            raise JobRefusedError(f"at most {MOST_DAYS} days can be simulated at once", blamed)
        return from_s // 60.0 * 60.0, to_s // 60.0 * 60.0, blamed

    def _recordings(self, from_s: float, to_s: float) -> tuple[tuple[str, ...], bool]:
        """The recorder's files of these days, and whether there is one for each of them."""
        from phaeton.sinks.recorder import folder_of, recordings_in  # noqa: PLC0415 - few record

        folder, days = folder_of(self._config()), set(self._days(from_s, to_s))
        names = [name for name, _ in recordings_in(folder) if name[:10] in days]
        return tuple(str(folder / name) for name in names), days <= {name[:10] for name in names}

    def _days(self, from_s: float, to_s: float) -> Iterator[str]:
        zone = self._zone()
        date = datetime.fromtimestamp(wall_s(zone, from_s), UTC).date()
        last = datetime.fromtimestamp(wall_s(zone, to_s - 1.0), UTC).date()
        while date <= last:
            yield date.isoformat()
            date += timedelta(days=1)

    async def _stays(self, from_s: float, to_s: float) -> AsyncIterator[TrialStay]:
        which, before = StayFilter(from_utc_s=from_s, until_utc_s=to_s, least_kwh=_LEAST_KWH), None
        while page := await self._store.stays(which, _STAYS_AT_ONCE, before):
            for stay in page:
                if stay.end_utc_s is not None and stay.end_utc_s <= to_s:
                    yield TrialStay(
                        point=stay.point,
                        arrival_s=stay.start_utc_s,
                        departure_s=stay.end_utc_s,
                        energy_kwh=stay.energy_kwh,
                    )
            before = stay_key(page[-1])

    # Running.

    async def _work(self) -> None:
        try:
            while (job := next((one for one in self._jobs.values() if one.state == "queued"), None)) is not None:
                job.state, job.began_s, job.began_mono_s = "running", self._now()[1], time.monotonic()
                try:
                    async with asyncio.timeout(self._longest_s):
                        await self._run(job)
                except TimeoutError:
                    job.error = f"it took longer than {self._longest_s / 60.0:.0f} min: try fewer days or longer steps"
                except OSError as error:
                    job.error = f"it could not be run: {error.strerror or error}"
                finally:
                    self._end(job)
        finally:
            self._working = None

    async def _run(self, job: _Job) -> None:
        folder = self._folder / job.key
        await asyncio.to_thread(self._make_folder, folder)
        trial = job.trial
        blocks = tuple(await self._minutes.packed(trial.from_s, trial.to_s))
        if trial.data == "minutes" and not blocks:
            job.error = "no minutes of this time are kept (store.series_days)"
            return
        order = msgspec.msgpack.encode(replace(trial, blocks=blocks, folder=str(folder)))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", MODULE, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=_environment(), cwd=folder,
            start_new_session=True, limit=_LINE_BYTES,
        )  # fmt: skip
        self._process = process
        last_words = asyncio.create_task(_tail(process))
        try:
            if job.state == "cancelled":
                return
            await self._listen(job, process, order)
            await _ended(process)
        finally:
            self._kill()
            code = await process.wait()
            said = await last_words
            self._process = None
        if job.state == "running" and job.result is None and not job.error:
            job.error = _why(code)
            _log.warning("simulation %s: %s: %s", job.key, job.error, said or "it said nothing")

    async def _listen(self, job: _Job, process: Process, order: bytes) -> None:
        """Hand the order over and take what comes until the last word; the pipe stays open meanwhile."""
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(ConnectionError):
            process.stdin.write(len(order).to_bytes(4, "little") + order)
            await process.stdin.drain()
        while line := await process.stdout.readline():
            told = msgspec.json.decode(line, type=Told)
            if told.progress is not None:
                job.progress = told.progress
            if told.error or told.result is not None:
                job.error, job.result = told.error, told.result
                return

    def _end(self, job: _Job) -> None:
        if job.state == "running":
            job.state = "failed" if job.result is None else "done"
        if job.state == "done":
            job.progress = 1.0
        else:
            job.result = None
        job.ended_s = self._now()[1]
        job.over.set()

    def _kill(self) -> None:
        process = self._process
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)  # kill() of the process would take its exit code from asyncio

    # Keeping.

    def _make_folder(self, folder: Path) -> None:
        """Also clears away what a run before left."""
        if not self._cleared:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._cleared = True
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def _forget_old(self) -> None:
        over = [job for job in self._jobs.values() if job.over.is_set()]
        for job in over[: max(len(self._jobs) - MOST_KEPT, 0)]:
            await self._forget(job)

    async def _forget(self, job: _Job) -> None:
        self._jobs.pop(job.key, None)
        await asyncio.to_thread(shutil.rmtree, self._folder / job.key, ignore_errors=True)

    def _told(self, job: _Job) -> SimulationStatus:
        eta_s = None
        if job.state == "running" and job.progress >= _SOON:
            passed_s = time.monotonic() - job.began_mono_s
            eta_s = float(round(passed_s * (1.0 - job.progress) / job.progress))
        return SimulationStatus(
            id=job.key,
            state=job.state,
            progress=job.progress,
            eta_s=eta_s,
            made=moment(job.made_s),
            began=moment(job.began_s),
            ended=moment(job.ended_s),
            start=moment(job.trial.from_s),
            end=moment(job.trial.to_s),
            runs=[run.name for run in job.trial.runs],
            tried=job.tried,
            error=job.error,
            result=job.result,
        )


def _runs(config: Config, wanted: SimulationBody) -> Iterator[tuple[TrialRun, Tried]]:
    """Today's settings, then each variant and strategy; raises `JobRefusedError`."""
    today = _hidden(config)
    yield TrialRun(name=TODAY, title="Settings of today", config=today), Tried(name=TODAY)
    variants = [(one.name, one.set, f"variants[{index}]") for index, one in enumerate(wanted.variants)]
    if wanted.set is not None:
        variants.insert(0, ("variant", wanted.set, ""))
    if not variants and not wanted.compare:
        raise JobRefusedError("there is nothing to compare with: give set, variants or compare", "set")
    taken = {TODAY, *STRATEGIES}
    for name, patch, where in variants:
        if name in taken:
            raise JobRefusedError(f"{name!r} is the name of another run", f"{where}.name".lstrip("."))
        taken.add(name)
        changed = _patched(config, patch, f"{where}.set".lstrip("."))
        found = _difference(to_plain(config), to_plain(changed))
        assert isinstance(found, dict)
        tried = Tried(name=name, set=found, changed=compare(config, changed).keys)
        yield TrialRun(name=name, title=name, config=_hidden(changed)), tried
    for index, strategy in enumerate(wanted.compare):
        if strategy in wanted.compare[:index]:
            raise JobRefusedError(f"{strategy} is there twice", f"compare[{index}]")
        title = strategy.replace("_", " ").capitalize()
        yield TrialRun(name=strategy, title=title, config=today, strategy=strategy), Tried(name=strategy)


def _difference(before: Plain, after: Plain) -> Plain:
    """The least merge patch that makes one of the other; both have the same keys, lists are taken whole."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return after
    both = {key: (before.get(key), value) for key, value in after.items()}
    return {key: _difference(old, new) for key, (old, new) in both.items() if old != new}


def _short(told: SimulationStatus) -> SimulationStatus:
    if told.result is None:
        return told
    outcomes = tuple(replace(outcome, days=()) for outcome in told.result.outcomes)
    return replace(told, result=replace(told.result, outcomes=outcomes))


def _patched(config: Config, patch: dict[str, Plain], where: str) -> Config:
    for key in patch:
        if key not in MEANT:
            raise JobRefusedError(f"{key} means nothing in a simulation; {', '.join(MEANT)} do", f"{where}.{key}")
    try:
        return parse(msgspec.json.encode(merged(expanded(config), patch)).decode()).config
    except RecursionError:
        raise JobRefusedError("it is nested too deep", where) from None
    except ConfigError as error:
        first = error.problems[0]
        said = f"{first.path}: {first.rule}" if first.path else first.rule
        raise JobRefusedError(said, f"{where}.{first.path}".rstrip(".")) from None


def _hidden(config: Config) -> str:
    return msgspec.json.encode(to_plain(config)).decode()


def _environment() -> dict[str, str]:
    """What the process is told of ours: where Python is to look, and nothing that could be a secret."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "HOME") if name in os.environ}
    return {**kept, "PYTHONPATH": str(Path(phaeton.__file__).parents[1]), "PYTHONDONTWRITEBYTECODE": "1"}


async def _ended(process: Process) -> None:
    """Nobody waits for more: give the process a moment to end by itself."""
    assert process.stdin is not None
    process.stdin.close()
    with suppress(TimeoutError):
        async with asyncio.timeout(END_WITHIN_S):
            await process.wait()


async def _tail(process: Process) -> str:
    """The last words on the error output."""
    assert process.stderr is not None
    kept = b""
    while piece := await process.stderr.read(_TAIL_BYTES):
        kept = (kept + piece)[-_TAIL_BYTES:]
    return kept.decode("utf-8", "replace").strip()


def _why(code: int) -> str:
    if code < 0:
        return f"its process was ended by signal {-code}, perhaps for want of memory: try fewer days or longer steps"
    return f"its process failed (exit code {code}); the log tells more"
