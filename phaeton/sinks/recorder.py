"""The recorder: every event that enters the graph and what was decided upon it, in one file a day.

The event loop only puts things into a list. Once in ``flush_s`` the worker of the disk takes the list, makes bytes of
it and appends them. When the disk takes nothing, what waits is dropped, and a new part begins with the state of that
moment as soon as the disk is back: each part replays alone.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from logging import Logger
from math import floor, isfinite
from pathlib import Path
from typing import IO

from msgspec import Struct, structs

from phaeton.config import tree
from phaeton.model import Decision, Event, Output, Tick, Unavailable, VehicleReading, Zone
from phaeton.recording import (
    MAGIC,
    SUFFIX,
    Cause,
    PartWriter,
    header,
    whole_length,
)
from phaeton.redaction import redacted
from phaeton.sinks.store import directory
from phaeton.sinks.worker import Worker
from phaeton.streams.graph import GraphState
from phaeton.streams.windows import offset_s

MOST_WAITING = 100_000
"""Events and decisions that wait for a disk that does not answer; some hours of one charger."""
KEPT_FREE_BYTES = 20_000_000
"""The rest of the disk belongs to the store and to the GX."""

_DAY_S = 86400.0
_MB = 1_000_000.0
_NO_DAY = "1970-01-01"
"""Where a clock that tells no day belongs, beside one that was never set."""
_NAME = re.compile(rf"(\d{{4}}-\d\d-\d\d)(?:_\d+)?{re.escape(SUFFIX)}")


class _Begin(Struct, frozen=True):
    """A new part begins."""

    day: str
    state: GraphState
    utc_s: float
    cause: Cause


class _Failed(Struct, frozen=True):
    """The graph did not take the event before."""


_Entry = Event | Decision | _Begin | _Failed


class FullError(OSError):
    """The disk or the share of the recorder is used up; the message says which."""


class Recorder:
    """Records one site; every method but `flush` and `close` returns at once, and none of them raises."""

    def __init__(self, folder: Path, config: tree.Record, worker: Worker, log: Logger) -> None:
        self.folder = folder
        self.trouble = ""
        """Why nothing is recorded now; empty: all is well."""
        self.flushes = 0
        """Writes to the disk since the start."""
        self.took: Callable[[float], None] | None = None
        """Told how long each of them took, in s."""
        self._config = config
        self._worker = worker
        self._log = log
        self._files = _Files(folder, config)
        self._waiting: list[_Entry] = []
        self._state: GraphState | None = None
        self._cause: Cause | None = None
        """A part is to begin with the next event, because of this."""
        self._unanswered = False
        """The graph has not come back from the last event yet; it never will when the next one comes."""
        self._day = 0
        """Of the present part, counted from 1970 on the site's clock."""
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None

    def begin(self, state: GraphState, cause: Cause = "start") -> None:
        """The graph begins, or begins anew, with this state; the next event opens a new part."""
        self._note_failure()
        self._state = state
        self._cause = cause

    def event(self, event: Event) -> None:
        """An event is about to enter the graph."""
        if self._unanswered:
            self._note_failure()
            self.end()
        if self._state is None:
            return
        if len(self._waiting) >= MOST_WAITING:
            self._drop("the disk does not answer")
        if self._cause is not None or self._is_new_day(event, self._state.zone):
            self._open(event, self._state, self._cause or "day")
        self._waiting.append(event)
        self._unanswered = True
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._config.flush_s, self._come_due)

    def stepped(self, state: GraphState, output: Output | None) -> None:
        """What the graph made of that event."""
        self._unanswered = False
        if self._state is None:
            return
        self._state = state
        if output is not None and self._cause is None:
            self._waiting.append(output.decision)

    @property
    def present(self) -> str:
        """The name of the file that is being written; empty before the first event."""
        return self._files.present

    @property
    def waiting(self) -> int:
        """Events and decisions that wait for the next flush."""
        return len(self._waiting)

    async def remove(self, name: str) -> bool:
        """Delete a recording; False for the one that is being written. Raises `OSError`."""
        return await self._worker.run(lambda: self._files.remove(name))

    async def flush(self) -> None:
        """Bring what waits to the disk."""
        if self._writing is not None:
            await asyncio.shield(self._writing)
        if self._waiting:
            await self._write()

    def end(self) -> None:
        """Record nothing more, until the graph begins: it has ended, or takes nothing."""
        self._state = None

    async def close(self) -> None:
        """Record nothing more, and bring what waits to the disk."""
        self.end()
        if self._timer is not None:
            self._timer.cancel()
        await self.flush()
        await self._worker.run(self._files.close)

    def _note_failure(self) -> None:
        if self._unanswered and self._waiting:
            self._waiting.append(_Failed())
        self._unanswered = False

    def _open(self, event: Event, state: GraphState, cause: Cause) -> None:
        utc_s = event.utc_s if isfinite(event.utc_s) else state.situation.utc_s
        self._day = _day(state.zone, utc_s)
        self._waiting.append(_Begin(_name_of(self._day), state, utc_s, cause))
        self._cause = None

    def _is_new_day(self, event: Event, zone: Zone) -> bool:
        """Only ticks come in the order of their times: they alone turn the page."""
        return isinstance(event, Tick) and isfinite(event.utc_s) and _day(zone, event.utc_s) != self._day

    def _come_due(self) -> None:
        self._timer = None
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write_when_due(), name="recorder")

    async def _write_when_due(self) -> None:
        try:
            await self._write()
        finally:
            self._writing = None

    async def _write(self) -> None:
        entries, self._waiting = self._waiting, []
        began_s = time.monotonic()
        try:
            await self._worker.run(lambda: self._files.write(entries))
        except OSError as error:
            self._drop(error.strerror or str(error))
            return
        except Exception as error:
            self._log.exception("something cannot be recorded")
            self._drop(f"{type(error).__name__}: {error}")
            return
        self.flushes += 1
        if self.took is not None:
            self.took(time.monotonic() - began_s)
        if self.trouble:
            self._log.info("recording goes on in %s", self.folder)
            self.trouble = ""

    def _drop(self, why: str) -> None:
        """Forget what waits; the next event opens a new part, which is tried like any other."""
        if not self.trouble:
            self._log.warning("nothing is recorded now, charging goes on: %s (%s)", why, self.folder)
        self.trouble = why
        self._waiting.clear()
        self._cause = self._cause or "gap"


class _Files:
    """The files of the days, used in the worker's thread only."""

    def __init__(self, folder: Path, config: tree.Record) -> None:
        self._folder = folder
        self._config = config
        self._file: IO[bytes] | None = None
        self._path = folder
        self._day = _NO_DAY
        self._good = 0
        """Length up to which the file is whole."""
        self._part: PartWriter | None = None

    def write(self, entries: list[_Entry]) -> None:
        """Append the entries and see to it that they are on the disk; raises `OSError`, with nothing half written."""
        try:
            for entry in entries:
                if isinstance(entry, _Begin):
                    self._begin(entry)
                elif self._part is None:
                    continue
                elif isinstance(entry, Decision):
                    self._part.decision(entry)
                elif isinstance(entry, _Failed):
                    self._part.failed()
                else:
                    self._part.event(_without_secrets(entry))
            self._append()
        except BaseException:
            self._give_up()
            raise

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
        self._file = self._part = None

    @property
    def present(self) -> str:
        """The name of the present file; empty while there is none."""
        return "" if self._file is None else self._path.name

    def remove(self, name: str) -> bool:
        """Delete a file unless it is the present one; raises `OSError`."""
        if name == self.present:
            return False
        (self._folder / name).unlink()
        return True

    def _begin(self, entry: _Begin) -> None:
        self._append()
        if self._file is None or self._day != entry.day:
            self.close()
            self._day = entry.day
            self._open(self._folder / f"{entry.day}{SUFFIX}")
        self._part = PartWriter(header(entry.state, entry.utc_s, entry.cause))

    def _open(self, path: Path) -> None:
        """Go on behind what is whole in the file of the day, or beside a file that is not ours."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, 100):
            self._path = path if number == 1 else path.with_name(f"{path.stem}_{number}{SUFFIX}")
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._file = os.fdopen(descriptor, "r+b", buffering=0)
            if self._file.seek(0, os.SEEK_END) == 0:
                self._good = 0
                return
            whole = whole_length(self._file)
            if whole is not None:
                self._good = whole
                self._file.truncate(whole)
                return
            self._file.close()
        raise FullError(f"{path} and 98 files beside it are not of this program")

    def _append(self) -> None:
        if self._part is None or self._file is None or not self._part.waiting:
            return
        data = self._part.flush()
        if self._good == 0:
            data = MAGIC + data
        self._check(len(data))
        self._file.seek(self._good)
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]
        os.fdatasync(self._file.fileno())
        self._good += len(data)

    def _check(self, more_bytes: int) -> None:
        if shutil.disk_usage(self._folder).free < KEPT_FREE_BYTES:
            raise FullError(f"less than {KEPT_FREE_BYTES / _MB:.0f} MB of the disk are free")
        if self._good + more_bytes > self._config.mb * _MB:
            raise FullError(f"the recording of this day has reached record.mb, {self._config.mb:g} MB")
        self._prune(more_bytes)

    def _give_up(self) -> None:
        """After a failure: cut the file back to what is whole, and wait for a new part."""
        if self._file is not None:
            try:
                self._file.truncate(self._good)
                if self._good == 0:
                    self._path.unlink()
            except OSError:
                pass  # what is behind the whole frames does not disturb a reader
        self.close()

    def _prune(self, more_bytes: int) -> None:
        """Remove what is older than ``days``, then the oldest until all is within ``mb``; never the present file."""
        oldest = (date.fromisoformat(self._day) - timedelta(days=self._config.days - 1)).isoformat()
        kept: list[tuple[str, int]] = []
        for name, size in recordings_in(self._folder):
            if name == self._path.name or name[:10] >= oldest:
                kept.append((name, size))
            else:
                (self._folder / name).unlink(missing_ok=True)
        total = more_bytes + sum(size for _, size in kept)
        for name, size in kept:
            if total > self._config.mb * _MB and name != self._path.name:
                (self._folder / name).unlink(missing_ok=True)
                total -= size


def _day(zone: Zone, utc_s: float) -> int:
    return floor((utc_s + offset_s(zone, utc_s)) / _DAY_S)


def _name_of(day: int) -> str:
    try:
        return datetime.fromtimestamp(day * _DAY_S, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return _NO_DAY


def folder_of(config: tree.Config) -> Path:
    """Where this configuration keeps its recordings."""
    if config.record.directory:
        return Path(config.record.directory).expanduser()
    return directory(config.store.directory) / "recordings"


def is_recording(name: str) -> bool:
    """Whether a file of this name is a recording."""
    return _NAME.fullmatch(name) is not None


def recordings_in(folder: Path) -> Iterator[tuple[str, int]]:
    """Name and size of each recording, the oldest day first."""
    try:
        entries = [entry for entry in os.scandir(folder) if is_recording(entry.name)]
    except FileNotFoundError:
        return
    for entry in sorted(entries, key=lambda entry: entry.name):
        yield entry.name, entry.stat().st_size


def _without_secrets(event: Event) -> Event:
    """The free texts of an event without tokens and passwords; the format itself hides those of a configuration."""
    if isinstance(event, Unavailable):
        why = redacted(event.why)
        return event if why == event.why else structs.replace(event, why=why)
    if isinstance(event, VehicleReading) and event.note:
        return structs.replace(event, note=redacted(event.note))
    return event
