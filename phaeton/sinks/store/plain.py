"""The store without SQLite: one plain file, replaced as a whole and atomically."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from phaeton.minutes import Block
from phaeton.model import EnergySlot, Session
from phaeton.sinks.store.kept import (
    Batch,
    DiskTrouble,
    Loaded,
    SavedState,
    Spoiled,
    StayFilter,
    StayKey,
    keep_private,
    put_aside,
    stay_key,
)

VERSION = 1
MOST_SESSIONS = 100


class _Content(Struct, frozen=True):
    version: int = VERSION
    state: SavedState | None = None
    facts: dict[str, str] = {}
    sessions: tuple[Session, ...] = ()
    """In order of their start."""


class PlainFile:
    """A JSON file with the state, the facts and the last `MOST_SESSIONS` sessions; slots and minutes are not kept."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._content: _Content | None = None

    def load(self) -> Loaded:
        """Read the file; one that is not there counts as empty, a directory that is not there is made."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._trouble(error) from error
        content = self._read()
        return Loaded(content.state, content.facts)

    def peek(self) -> Loaded:
        """Reading this file writes nothing anyway."""
        try:
            content = self._read()
        except (DiskTrouble, Spoiled):
            return Loaded()
        return Loaded(content.state, content.facts)

    def write(self, batch: Batch, *, durable: bool) -> None:
        """A new file beside, synchronised, then renamed. Always durable: a rename alone may leave an empty file."""
        before = self._read()
        sessions = {session.id: session for session in before.sessions} | batch.sessions
        content = _Content(
            state=batch.state or before.state,
            facts=before.facts | batch.facts,
            sessions=tuple(sorted(sessions.values(), key=lambda s: s.start_utc_s)[-MOST_SESSIONS:]),
        )
        fresh = self.path.with_name(f"{self.path.name}.tmp")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            keep_private(fresh)
            with fresh.open("wb") as file:
                file.write(msgspec.json.encode(content))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
            directory = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        except OSError as error:
            raise self._trouble(error) from error
        self._content = content

    def sessions(self, limit: int, before_utc_s: float | None, point: str | None) -> list[Session]:
        """The newest first."""
        found = [
            session
            for session in reversed(self._read().sessions)
            if (before_utc_s is None or session.start_utc_s < before_utc_s) and point in (None, session.point)
        ]
        return found[:limit]

    def stays(self, which: StayFilter, limit: int, before: StayKey | None) -> list[Session]:
        """The stays that have ended, in falling order of their keys, from below ``before`` on."""
        found = [
            stay for stay in self._read().sessions if which.takes(stay) and (before is None or stay_key(stay) < before)
        ]
        return sorted(found, key=stay_key, reverse=True)[:limit]

    def stay(self, key: str) -> Session | None:
        """One stay by its id."""
        return next((stay for stay in self._read().sessions if stay.id == key), None)

    def energy(self, since_utc_s: float, until_utc_s: float, point: str | None) -> list[EnergySlot]:
        """Nothing: a plain file is no place for them."""
        return []

    def blocks(self, since_utc_s: float, until_utc_s: float) -> list[Block]:
        """Nothing: a plain file is no place for them."""
        return []

    def packed_blocks(self, since_utc_s: float, until_utc_s: float) -> list[bytes]:
        """Nothing."""
        return []

    def block_starts(self, since_utc_s: float, until_utc_s: float) -> list[int]:
        """Nothing."""
        return []

    def prune(self, oldest_utc_s: float, oldest_block_utc_s: float, most_bytes: float) -> bool:
        """Nothing to do: the file is bounded by `MOST_SESSIONS`."""
        return False

    def set_aside(self, stamp: str) -> Path:
        """Rename the file."""
        self._content = None
        try:
            return put_aside(self.path, stamp)
        except OSError as error:
            raise DiskTrouble(f"{self.path} is spoiled and cannot be renamed: {error.strerror}") from error

    def close(self) -> None:
        """Nothing is held open."""

    def _read(self) -> _Content:
        if self._content is not None:
            return self._content
        try:
            content = msgspec.json.decode(self.path.read_bytes(), type=_Content)
        except FileNotFoundError:
            content = _Content()
        except OSError as error:
            raise self._trouble(error) from error
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Spoiled(f"{self.path} cannot be read: {error}") from error
        if content.version > VERSION:
            raise Spoiled(f"{self.path} was made by a newer Phaeton (layout {content.version})")
        self._content = content
        return content

    def _trouble(self, error: OSError) -> DiskTrouble:
        return DiskTrouble(f"{self.path} cannot be used: {error.strerror}")
