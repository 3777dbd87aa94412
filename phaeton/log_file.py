"""The log file, rotated by size (the library's own handler for that is dear to import)."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

from phaeton.config.tree import LogFile


class LogFileHandler(logging.FileHandler):
    """Writes to the file; when that fails it is reported once, and every later record tries again."""

    of_phaeton = True

    def __init__(self, config: LogFile, report: Callable[[str], None]) -> None:
        """Open the file, making its folder; raises `OSError`."""
        path = Path(config.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        super().__init__(path, encoding="utf-8")
        self._most_bytes = config.max_mb * 1_000_000
        self._backups = config.backups
        self._report = report
        self._failing = False
        self._failed = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, or note that it could not be."""
        self._failed = False
        try:
            super().emit(record)
            if not self._failed and self.stream is not None and self.stream.tell() >= self._most_bytes:
                self._rotate()
        except OSError:
            self.handleError(record)
        if not self._failed:
            self._failing = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Say it on the console, once for each time that it begins."""
        self._failed = True
        self._drop()
        if not self._failing:
            self._failing = True
            self._report(f"the log file {self.baseFilename} cannot be written; the console goes on")

    def _rotate(self) -> None:
        """``log`` becomes ``log.1``, ``log.1`` becomes ``log.2``, and the oldest goes."""
        self._drop()
        names = [Path(self.baseFilename), *(Path(f"{self.baseFilename}.{n}") for n in range(1, self._backups + 1))]
        names[-1].unlink(missing_ok=True)
        for older, newer in zip(reversed(names), reversed(names[:-1]), strict=False):
            if newer.exists():
                newer.replace(older)
        self.stream = self._open()

    def _drop(self) -> None:
        """Close the file; the next record opens it again."""
        stream = self.stream
        self.stream = None
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.close()
