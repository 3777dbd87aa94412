"""Which process has the store: a lock that ends with it, so that nobody else changes the files meanwhile."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

FILE = "phaeton.lock"


class Running:
    """The lock of a daemon on its store; one that cannot be had is told by `held`."""

    def __init__(self, directory: Path) -> None:
        self.held = False
        self._file = -1
        with contextlib.suppress(OSError):  # a store that cannot be written is told elsewhere
            directory.mkdir(parents=True, exist_ok=True)
            self._file = os.open(directory / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.held = True
            os.truncate(self._file, 0)
            os.write(self._file, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let it go."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self.held = False


def taken(directory: Path) -> bool:
    """Whether a daemon has the store now; looks without making anything."""
    try:
        file = os.open(directory / FILE, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(file)
    return False


def pid_of(directory: Path) -> int | None:
    """The process that has the store, where it can be told for sure."""
    with contextlib.suppress(OSError, ValueError):
        pid = int((directory / FILE).read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        return pid if b"phaeton" in words else None
    return None
