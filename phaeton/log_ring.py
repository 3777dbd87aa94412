"""The newest log records in memory, for the page and the API: bounded, and made into text when somebody asks."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import Enum
from itertools import islice

from msgspec import Struct

from phaeton.log_format import HumanFormatter, details_of, exception_of, message_of, source_of

MOST_RECORDS = 2000
MOST_BYTES = 512_000
"""About so much text."""

_HUMAN = HumanFormatter()
_LONGEST_NUMBER = 18
_ORDINARY_BYTES = 80
"""Of a line beside its message."""


class LogLine(Struct, frozen=True, kw_only=True):
    """One record for programs."""

    id: str = ""
    """Where the stream goes on; empty for what comes from a file."""
    time: str
    """RFC 3339, UTC."""
    level: str
    logger: str
    message: str
    details: Mapping[str, object] = {}
    """The context it was written in, such as the charging ``point``."""
    exception: str = ""


class Kept(Struct, frozen=True, gc=False):
    """One record; its text is made late, of values that cannot change meanwhile."""

    number: int
    created_s: float
    level: int
    name: str
    text: str
    values: tuple[object, ...] | None
    details: Mapping[str, object] | None
    exception: str
    size: int

    def human(self) -> str:
        """The record as the console shows it."""
        record = self._record()
        record.stack_info = self.exception or None
        vars(record).update(self.details or {})
        return contextvars.Context().run(_HUMAN.format, record)

    def line(self, run: str) -> LogLine:
        """The record for programs."""
        return LogLine(
            id=f"{run}-{self.number}",
            time=datetime.fromtimestamp(self.created_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            level=logging.getLevelName(self.level).lower(),
            logger=source_of(self._record()),
            message=self.message(),
            details=self.details or {},
            exception=self.exception,
        )

    def message(self) -> str:
        """The text with its values in it."""
        return message_of(self._record())

    def _record(self) -> logging.LogRecord:
        record = logging.LogRecord(self.name, self.level, "", 0, self.text, None, None)
        record.args = self.values or ()
        record.created = self.created_s
        return record


class LogRing(logging.Handler):
    """Keeps the newest records, with a number each; may be written by any thread and read by any."""

    of_phaeton = True

    def __init__(self, most_records: int = MOST_RECORDS, most_bytes: int = MOST_BYTES) -> None:
        super().__init__()
        self.run = os.urandom(4).hex()
        """Tells the numbers of one run of Phaeton from those of another."""
        self.bytes = 0
        self._most_records = most_records
        self._most_bytes = most_bytes
        self._kept: deque[Kept] = deque()
        self._number = 0
        self._listeners: dict[int, Callable[[], None]] = {}

    @property
    def newest(self) -> int:
        """The number of the newest record; 0 before the first one."""
        return self._number

    def __len__(self) -> int:
        return len(self._kept)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record; the lock of the handler is held."""
        try:
            self._keep(record)
        except Exception:
            self.handleError(record)

    def _keep(self, record: logging.LogRecord) -> None:
        text, values = str(record.msg), record.args
        if values and not (isinstance(values, tuple) and all(_cannot_change(value) for value in values)):
            text, values = message_of(record), ()
        assert not isinstance(values, Mapping)
        details = details_of(record) or None
        exception = exception_of(_HUMAN, record) if record.exc_info or record.stack_info else ""
        size = _ORDINARY_BYTES + len(text) + len(exception) + sum(map(_length, values or ()))
        if details is not None:
            size += sum(len(key) + _length(value) for key, value in details.items())
        self._number += 1
        self._kept.append(
            Kept(self._number, record.created, record.levelno, record.name, text, values, details, exception, size)
        )
        self.bytes += size
        while len(self._kept) > self._most_records or (self.bytes > self._most_bytes and len(self._kept) > 1):
            self.bytes -= self._kept.popleft().size
        for wake in tuple(self._listeners.values()):
            wake()

    def after(self, number: int) -> tuple[int, list[Kept]]:
        """How many records behind this number are gone already, and those that are there."""
        assert self.lock is not None
        with self.lock:
            first = self._kept[0].number if self._kept else self._number + 1
            skip = max(number + 1 - first, 0)
            return max(first - number - 1, 0), list(islice(self._kept, skip, None))

    def records(self) -> list[Kept]:
        """All that are kept, the oldest first."""
        assert self.lock is not None
        with self.lock:
            return list(self._kept)

    def number_of(self, ident: str) -> int | None:
        """The number of an id that `Kept.line` told; None for one of another run."""
        run, _, number = ident.rpartition("-")
        if run != self.run or not number.isdecimal() or len(number) > _LONGEST_NUMBER:
            return None
        return min(int(number), self._number)

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call ``changed`` in the present event loop after each record; returns what ends that."""
        loop = asyncio.get_running_loop()
        pending = False

        def come() -> None:
            nonlocal pending
            pending = False
            changed()

        def wake() -> None:
            nonlocal pending
            if not pending and not loop.is_closed():
                pending = True
                loop.call_soon_threadsafe(come)

        key = id(wake)
        self._listeners[key] = wake

        def unwatch() -> None:
            self._listeners.pop(key, None)

        return unwatch


def _cannot_change(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | Enum)


def _length(value: object) -> int:
    return len(value) if isinstance(value, str) else 12
