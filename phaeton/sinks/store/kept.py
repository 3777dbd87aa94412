"""What is kept, and what a file that keeps it must be able to do."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TypeVar

from msgspec import Struct, field

from phaeton.minutes import Block
from phaeton.model import EnergySlot, Session

K = TypeVar("K")
V = TypeVar("V")

SlotKey = tuple[str, str, float]
"""Point, session and start: a slot that is written twice replaces itself."""

StayKey = tuple[float, str]
"""Start and id: the order of stays, which no later stay changes."""

MOST_WAITING_SESSIONS = 1_000
MOST_WAITING_SLOTS = 10_000
MOST_WAITING_BLOCKS = 48
MOST_ASIDE = 3
"""Spoiled files kept for whoever wants to look at them; older ones go, so that they never fill a disk."""


class StoreError(Exception):
    """Something is not on the disk (yet); the message says why and what to do."""


class DiskTrouble(Exception):  # noqa: N818 - it may pass, the same write is tried again
    """The disk does not take or give anything now."""


class Spoiled(Exception):  # noqa: N818 - a property of the file
    """The file is not what it should be and never will be again."""


class SavedState(Struct, frozen=True):
    """The state of the graph at one instant; the store does not know what is in it."""

    blob: bytes
    mono_s: float
    utc_s: float
    version: str = ""
    """The version of Phaeton that wrote it."""


class StayFilter(Struct, frozen=True, kw_only=True):
    """Which of the stays that have ended; what is None does not matter."""

    from_utc_s: float | None = None
    """Began then or later."""
    until_utc_s: float | None = None
    """Began before."""
    point: str | None = None
    vehicle: str | None = None
    """Empty = a guest, or a car that was not known."""
    least_kwh: float = 0.0

    def takes(self, stay: Session) -> bool:
        """Whether a stay is one of them."""
        return (
            stay.end_utc_s is not None
            and (self.from_utc_s is None or stay.start_utc_s >= self.from_utc_s)
            and (self.until_utc_s is None or stay.start_utc_s < self.until_utc_s)
            and self.point in (None, stay.point)
            and self.vehicle in (None, stay.vehicle)
            and stay.energy_kwh >= self.least_kwh
        )


def stay_key(stay: Session) -> StayKey:
    """Where a stay stands in the order."""
    return stay.start_utc_s, stay.id


class Loaded(Struct, frozen=True):
    """What a file held when it was opened."""

    state: SavedState | None = None
    facts: dict[str, str] = {}
    notices: tuple[str, ...] = ()
    """What people should know about the opening."""


class Batch(Struct):
    """What waits to be written, in one transaction."""

    state: SavedState | None = None
    facts: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    slots: dict[SlotKey, EnergySlot] = field(default_factory=dict)
    blocks: dict[int, Block] = field(default_factory=dict)
    """Hours of minutes by their start."""

    def __bool__(self) -> bool:
        return bool(self.state or self.facts or self.sessions or self.slots or self.blocks)

    def add_block(self, block: Block) -> None:
        """Keep an hour, with what is known of it already."""
        before = self.blocks.get(block.start_s)
        self.blocks[block.start_s] = block if before is None else block.over(before)

    def put_back(self, older: Batch) -> None:
        """Take ``older``, which could not be written, under what has come since; the oldest falls out of the bounds."""
        self.state = self.state or older.state
        self.facts = older.facts | self.facts
        self.sessions = _newest(older.sessions | self.sessions, MOST_WAITING_SESSIONS)
        self.slots = _newest(older.slots | self.slots, MOST_WAITING_SLOTS)
        newer, self.blocks = self.blocks, dict(older.blocks)
        for block in newer.values():
            self.add_block(block)
        self.blocks = _newest(self.blocks, MOST_WAITING_BLOCKS)


def _newest(entries: dict[K, V], most: int) -> dict[K, V]:
    if len(entries) <= most:
        return entries
    return dict(list(entries.items())[-most:])


class StoreFile(Protocol):
    """A file that keeps things; every method may block and raises `DiskTrouble` or `Spoiled`."""

    path: Path

    def load(self) -> Loaded:
        """Open the file, made if need be, and read what the daemon needs in memory."""

    def peek(self) -> Loaded:
        """Read without writing anything, for a disk that takes nothing; empty when that fails too."""

    def write(self, batch: Batch, *, durable: bool) -> None:
        """Write all of the batch or nothing; ``durable``: it outlives a power cut from now on."""

    def sessions(self, limit: int, before_utc_s: float | None, point: str | None) -> list[Session]:
        """The newest first."""

    def stays(self, which: StayFilter, limit: int, before: StayKey | None) -> list[Session]:
        """The stays that have ended, in falling order of their keys, from below ``before`` on."""

    def stay(self, key: str) -> Session | None:
        """One stay by its id."""

    def energy(self, since_utc_s: float, until_utc_s: float, point: str | None) -> list[EnergySlot]:
        """The slots that start in the interval, in order of time."""

    def blocks(self, since_utc_s: float, until_utc_s: float) -> list[Block]:
        """The hours that start in the interval, in order of time."""

    def packed_blocks(self, since_utc_s: float, until_utc_s: float) -> list[bytes]:
        """The same as they are kept."""

    def block_starts(self, since_utc_s: float, until_utc_s: float) -> list[int]:
        """When they start, and nothing else of them."""

    def prune(self, oldest_utc_s: float, oldest_block_utc_s: float, most_bytes: float) -> bool:
        """Forget a part of what is too old or too much; True when there is more to forget."""

    def set_aside(self, stamp: str) -> Path:
        """Put the file out of the way under a name that tells; the next `load` makes a new one."""

    def close(self) -> None:
        """Close the file; a later write opens it again."""


def keep_private(path: Path) -> None:
    """Make the file if need be, readable by nobody else: the facts hold the tokens of the cars' services."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    with suppress(PermissionError):  # somebody else owns it, and answers for it
        path.chmod(0o600)


def put_aside(path: Path, stamp: str, extras: tuple[str, ...] = ()) -> Path:
    """Rename ``path`` and its companions with the suffixes ``extras`` to ``*.corrupt-<stamp>``; the new path."""
    aside = path.with_name(f"{path.name}.corrupt-{stamp}")
    for suffix in ("", *extras):
        source = path.with_name(path.name + suffix)
        if source.exists():
            source.replace(aside.with_name(aside.name + suffix))
    kept = sorted(f for f in path.parent.glob(f"{path.name}.corrupt-*") if not f.name.endswith(extras))
    for old in kept[:-MOST_ASIDE]:
        for suffix in ("", *extras):
            old.with_name(old.name + suffix).unlink(missing_ok=True)
    return aside
