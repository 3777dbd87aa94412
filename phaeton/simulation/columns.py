"""Numbers in rows of equal width, kept in a file of their own: the memory stays flat with the length of a history.

The file is temporary and goes with its owner. What is pickled is its path: a pool of processes on this machine reads
the same file.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from array import array
from collections.abc import Sequence

_ITEM = array("d").itemsize
_BUFFERED = 8192


class Columns:
    """Appended row by row, then read in runs of rows."""

    def __init__(self, width: int) -> None:
        """``width`` numbers in each row."""
        self.width = width
        self.rows = 0
        self._buffer = array("d")
        self._fd, self.path = tempfile.mkstemp(prefix="phaeton-history-")
        self._closing = weakref.finalize(self, _remove, self._fd, self.path, os.getpid())

    def append(self, row: Sequence[float], times: int = 1) -> None:
        """Add a row, or the same one several times."""
        self.rows += times
        while times > 0:
            now = min(times, _BUFFERED)
            self._buffer.extend(row if now == 1 else array("d", row) * now)
            times -= now
            if len(self._buffer) >= _BUFFERED * self.width:
                self._flush()

    def _flush(self) -> None:
        left = memoryview(self._buffer.tobytes())
        while left:
            left = left[os.write(self._fd, left) :]
        self._buffer = array("d")

    def read(self, first: int, count: int) -> tuple[array[float], ...]:
        """``count`` rows from ``first`` on, as one array for each column."""
        self._flush()
        values = array("d")
        values.frombytes(os.pread(self._fd, count * self.width * _ITEM, first * self.width * _ITEM))
        return tuple(values[column :: self.width] for column in range(self.width))

    def to_bytes(self) -> bytes:
        """All rows, for a machine that does not see the file."""
        self._flush()
        return os.pread(self._fd, self.rows * self.width * _ITEM, 0)

    @classmethod
    def from_bytes(cls, width: int, rows: bytes) -> Columns:
        """The rows again, in a file of their own."""
        columns = cls(width)
        columns._buffer.frombytes(rows)
        columns.rows = len(columns._buffer) // width
        columns._flush()
        return columns

    def close(self) -> None:
        """Remove the file; done at the end in any case."""
        self._closing()

    def __getstate__(self) -> tuple[int, int, str]:
        """The file by its path; it must outlive the reader."""
        self._flush()
        return self.width, self.rows, self.path

    def __setstate__(self, state: tuple[int, int, str]) -> None:
        """Open the file of the owner, which stays its owner."""
        self.width, self.rows, self.path = state
        self._buffer = array("d")
        self._fd = os.open(self.path, os.O_RDONLY)
        self._closing = weakref.finalize(self, _remove, self._fd, self.path, 0)


def _remove(fd: int, path: str, owner: int) -> None:
    """Close the file; the process that made it takes it away."""
    os.close(fd)
    if os.getpid() == owner:
        os.unlink(path)
