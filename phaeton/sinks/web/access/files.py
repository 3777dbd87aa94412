"""The files of the access: password, tokens and logins, each replaced as a whole and readable for its owner only.

The commands at the terminal write the same files as the running daemon: who changes one holds the lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

PASSWORD = "password.json"
TOKENS = "tokens.json"
LOGINS = "logins.json"
FOLDER = "access"
"""Below the store's directory."""

T = TypeVar("T")
Signature = tuple[tuple[int, int, int] | None, ...]


class UnreadableError(Exception):
    """A file is there and cannot be used; the text says which and why."""


class AccessFiles:
    """The files in one directory; blocking, so never called on the event loop but at the start.

    Raises OSError where the disk does not take or give something.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def read(self, name: str, kind: type[T]) -> T | None:
        """What the file holds; None = there is none. Raises `UnreadableError`."""
        path = self.directory / name
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UnreadableError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from None
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise UnreadableError(f"{path} is spoiled: {error}") from None

    def write(self, name: str, value: object) -> None:
        """Replace the file in one step, readable for its owner only; raises OSError."""
        self._make_directory()
        path = self.directory / name
        beside = self.directory / f".{name}.{secrets.token_hex(4)}"
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(value)) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            self._give_to_the_owner(beside)
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        folder = os.open(self.directory, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def remove(self, name: str) -> None:
        """Take the file away; raises OSError."""
        (self.directory / name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else changes a file meanwhile; raises OSError."""
        self._make_directory()
        path = self.directory / ".lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            self._give_to_the_owner(path)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def signature(self) -> Signature:
        """Differs when password or tokens were written anew."""
        return tuple(self._stamp(self.directory / name) for name in (PASSWORD, TOKENS))

    def _stamp(self, path: Path) -> tuple[int, int, int] | None:
        try:
            found = path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def _make_directory(self) -> None:
        if not self.directory.is_dir():
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if os.geteuid() == 0:
                above = self.directory.parent.stat()
                os.chown(self.directory, above.st_uid, above.st_gid)

    def _give_to_the_owner(self, path: Path) -> None:
        """What root writes at the terminal must be readable for the daemon, whoever that is."""
        if os.geteuid() == 0:
            folder = self.directory.stat()
            os.chown(path, folder.st_uid, folder.st_gid)


class FilesInMemory(AccessFiles):
    """For a server that has no directory: everything ends with it."""

    def __init__(self) -> None:
        super().__init__(Path())
        self._held: dict[str, bytes] = {}

    def read(self, name: str, kind: type[T]) -> T | None:
        """What was written."""
        return msgspec.json.decode(self._held[name], type=kind) if name in self._held else None

    def write(self, name: str, value: object) -> None:
        """Keep it."""
        self._held[name] = msgspec.json.encode(value)

    def remove(self, name: str) -> None:
        """Forget it."""
        self._held.pop(name, None)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else knows of it."""
        yield

    def signature(self) -> Signature:
        """Nobody else writes."""
        return ()
