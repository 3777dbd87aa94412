"""The log of changes: who did what, when, from where, and how it ended. One JSON line each, rotated by size."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from phaeton.redaction import redacted
from phaeton.sinks.worker import Worker

FILE = "audit.jsonl"
OLD_FILES = 3
MOST_TEXT = 300
MOST_IN_MEMORY = 1000
"""Where there is no directory, and while the disk takes nothing."""
MOST_REFUSED = 20
"""Requests that were refused, kept in a minute."""

_log = logging.getLogger(__name__)


class Entry(Struct, frozen=True, omit_defaults=True):
    """One change, or one that was refused."""

    time: str
    """UTC, to the millisecond; no two are the same, so it also names the entry."""
    who: str
    """``owner``, ``token NAME``, ``local``, ``dbus``, ``mqtt``, ``terminal``, ``guest``, or empty for a stranger."""
    address: str
    what: str
    """The request, or the way that an order came."""
    detail: str = ""
    """What was to change, without secrets."""
    status: int = 0
    """The answer of the API; 0 where there was none."""


class Audit:
    """Writes on the worker's thread, in the order of the calls; never raises."""

    def __init__(
        self, directory: Path | None, worker: Worker, utc: Callable[[], float] = time.time, most_mb: float = 1.0
    ) -> None:
        self.most_mb = most_mb
        self._path = None if directory is None else directory / FILE
        self._worker = worker
        self._utc = utc
        self._last_ms = 0
        self._recent: deque[Entry] = deque(maxlen=MOST_IN_MEMORY)
        """All that the file has not."""
        self._lock = threading.Lock()
        self._queued = False
        self._complained = False
        self._minute = 0
        self._refused = 0
        self._dropped = 0

    def note(self, who: str, address: str, what: str, detail: str = "", status: int = 0) -> None:
        """Keep one; called on the event loop, returns at once."""
        with self._lock:
            self._recent.append(self._entry(who, address, what, detail, status))
        if self._path is not None and not self._queued:
            self._queued = True
            self._worker.run(self._write)

    def note_refused(self, who: str, address: str, what: str, detail: str, status: int) -> None:
        """Keep one that was refused; of many in a minute only the first, so that nobody fills the disk."""
        minute = int(self._utc() // 60)
        if minute != self._minute:
            if self._dropped:
                self.note("", "", "refused", f"{self._dropped} more requests in one minute")
            self._minute, self._refused, self._dropped = minute, 0, 0
        self._refused += 1
        if self._refused > MOST_REFUSED:
            self._dropped += 1
        else:
            self.note(who, address, what, detail, status)

    def note_now(self, who: str, what: str, detail: str = "") -> None:
        """Keep one before this returns, for commands at the terminal."""
        self._recent.append(self._entry(who, "", what, detail, 0))
        self._write()

    async def page(self, limit: int, before: str | None) -> tuple[list[Entry], bool]:
        """The newest entries, or those older than the entry of the time ``before``, and whether there are more."""
        return await asyncio.to_thread(self._page, limit, before)

    def _entry(self, who: str, address: str, what: str, detail: str, status: int) -> Entry:
        self._last_ms = max(self._last_ms + 1, int(self._utc() * 1000))
        moment = datetime.fromtimestamp(self._last_ms / 1000, UTC)
        told = f"{moment:%Y-%m-%dT%H:%M:%S}.{self._last_ms % 1000:03}Z"
        return Entry(told, _short(who), address, _short(what), _short(redacted(detail)), status)

    # On the worker's thread.

    def _write(self) -> None:
        self._queued = False
        if self._path is None:
            return
        with self._lock:
            entries = list(self._recent)
        lines = b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._rotate(len(lines))
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
            try:
                os.write(descriptor, lines)
            finally:
                os.close(descriptor)
        except OSError as error:
            if not self._complained:
                _log.error("the log of changes cannot be written to %s: %s", self._path, error.strerror)
            self._complained = True
            return
        self._complained = False
        with self._lock:
            while self._recent and self._recent[0].time <= entries[-1].time:
                self._recent.popleft()

    def _rotate(self, more: int) -> None:
        assert self._path is not None
        size = self._path.stat().st_size if self._path.exists() else 0
        if not size or size + more <= self.most_mb * 1e6:
            return
        for number in range(OLD_FILES, 0, -1):
            older = self._old(number - 1)
            if older.exists():
                older.replace(self._old(number))

    def _old(self, number: int) -> Path:
        assert self._path is not None
        return self._path if number == 0 else self._path.with_name(f"audit.{number}.jsonl")

    def _page(self, limit: int, before: str | None) -> tuple[list[Entry], bool]:
        found: list[Entry] = []
        for entry in self._newest_first():
            if before is not None and entry.time >= before:
                continue
            if len(found) == limit:
                return found, True
            found.append(entry)
        return found, False

    def _newest_first(self) -> Iterator[Entry]:
        with self._lock:
            waiting = list(self._recent)
        yield from reversed(waiting)
        told = {entry.time for entry in waiting}  # some may be in the file by now
        if self._path is None:
            return
        for number in range(OLD_FILES + 1):
            try:
                lines = self._old(number).read_bytes().splitlines()
            except OSError:
                continue
            for line in reversed(lines):
                try:
                    entry = msgspec.json.decode(line, type=Entry)
                except (msgspec.MsgspecError, UnicodeDecodeError):
                    continue  # half a line of a power cut
                if entry.time not in told:
                    yield entry


def _short(text: str) -> str:
    plain = "".join(letter if letter.isprintable() else "?" for letter in text)
    return plain if len(plain) <= MOST_TEXT else f"{plain[: MOST_TEXT - 1]}…"
