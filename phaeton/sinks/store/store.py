"""What the daemon sees of its disk: writes that wait their turn, merge, survive trouble, and tell when they are safe.

Everything that shall be kept is put into one batch in memory first. A *durable* write is committed at once and its
caller waits for the commit; calls that come while a commit runs share the next one. Measured detail waits up to
``flush_s`` and goes along with any commit before. When the disk takes nothing the batch waits in memory, is seen by
the queries, and is written when the disk is back: charging never depends on it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime
from functools import partial
from logging import Logger
from pathlib import Path
from typing import TypeVar

from phaeton import __version__
from phaeton.config import tree
from phaeton.minutes import Block, encode
from phaeton.model import EnergySlot, Now, Session
from phaeton.sinks.store.kept import (
    Batch,
    DiskTrouble,
    SavedState,
    Spoiled,
    StayFilter,
    StayKey,
    StoreError,
    StoreFile,
    put_aside,
    stay_key,
)
from phaeton.sinks.store.plain import PlainFile
from phaeton.sinks.worker import Worker

ACKNOWLEDGE_WITHIN_S = 5.0
"""A durable write that takes longer counts as not stored yet."""
RETRY_S = (5.0, 10.0, 20.0, 40.0, 60.0)
"""Pauses between attempts while the disk takes nothing; the last one repeats."""
PRUNE_EVERY_S = 3600.0

T = TypeVar("T")
Durable = Coroutine[None, None, None]
"""Await it to know that the disk has it."""

_DAY_S = 86400.0
_PART_S = _DAY_S
"""So much of the minutes is read in one go."""
_MB = 1_000_000.0


class Store:
    """Keeps state, facts, sessions and energy slots; made by `Store.open`, used on the event loop.

    What waits for the disk is taken in the call itself, so that the state, the slots and the session of one step end up
    in the same commit; awaiting what the call returns is waiting for that commit, and a caller may leave it to a task.

    `trouble` tells in words why nothing reaches the disk now (None: all is well), `messages` what was found at the
    start or set aside since. `StoreError` from a durable write means *accepted, in force, but not on the disk yet*: it
    is tried again until it is. Whoever submitted an order passes that on with the answer and does not undo anything.
    """

    def __init__(self, file: StoreFile, config: tree.Store, log: Logger, worker: Worker | None = None) -> None:
        self.worker = worker or Worker()
        """The thread of the disk; recorder and password hashing may queue there too."""
        self.messages: list[str] = []
        self.trouble: str | None = None
        self.state: SavedState | None = None
        """What the last run left, then the newest that was given to be kept."""
        self.commits = 0
        """Transactions since the start; each costs the flash some pages."""
        self.took: Callable[[float], None] | None = None
        """Told how long each commit took, in s, its turn in the worker's queue included."""
        self._file = file
        self._config = config
        self._log = log
        self._now: Now | None = None
        self._facts: dict[str, str] = {}
        self._pending = Batch()
        self._note: Callable[[], bytes] | None = None
        self._waiters: list[asyncio.Future[None]] = []
        self._due = False
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None
        self._failures = 0
        self._pruned_mono_s: float | None = None

    @classmethod
    def open(cls, directory: Path, config: tree.Store, log: Logger, worker: Worker | None = None) -> Store:
        """Open what is in ``directory``; takes some ms, needs no event loop, and never fails.

        A spoiled file is kept aside and a fresh one begun; a disk that cannot be used leaves the store in memory, with
        `trouble` set, until it can.
        """
        file, notice = _choose(directory, log)
        store = cls(file, config, log, worker)
        if notice:
            store._say(notice)
        try:
            try:
                loaded = file.load()
            except Spoiled as error:
                store._put_aside(error)
                loaded = file.load()
        except (DiskTrouble, Spoiled) as error:
            store._begin_trouble(str(error))
            loaded = file.peek()
        for found in loaded.notices:
            store._say(found)
        store.state = loaded.state
        store._facts = dict(loaded.facts)
        return store

    def use_clock(self, now: Now) -> None:
        """Stamp what is saved from here on with these times; before, the wall clock alone is known."""
        self._now = now

    # The state of the graph

    def save_state(self, blob: bytes) -> Durable:
        """Take ``blob`` at once; awaiting returns when it is committed, or raises `StoreError`."""
        self._note = None
        self._keep_state(blob)
        return self._durably()

    def note_state(self, make: Callable[[], bytes]) -> None:
        """Keep what ``make`` gives at the next commit, ``flush_s`` from now at the latest; costs nothing until then.

        ``make`` is called on the event loop. Call this before `add_session` and `add_slots` of the same step: they
        are then committed together, and a crash repeats or loses nothing of them.
        """
        self._note = make
        self._arm()

    def set_aside_state(self, why: str) -> None:
        """Put a state that cannot be understood into a file of its own and go on without one."""
        if self.state is None:
            return
        place = self._file.path.with_name("phaeton-state.bin")
        try:
            place.write_bytes(self.state.blob)
            where = f"kept as {put_aside(place, _stamp())}"
        except OSError as error:
            where = f"not kept, {place.parent} cannot be written: {error.strerror}"
        self.state = None
        self._say(f"The saved state cannot be used ({why}); {where}. Mode, start and current begin as configured.")

    # Facts

    def fact(self, key: str) -> str | None:
        """A small fact, from memory."""
        return self._facts.get(key)

    def facts(self, prefix: str = "") -> dict[str, str]:
        """All facts whose key begins with ``prefix``, by the rest of the key."""
        return {key.removeprefix(prefix): value for key, value in self._facts.items() if key.startswith(prefix)}

    async def set_fact(self, key: str, value: str) -> None:
        """Keep a fact and return when it is committed; raises `StoreError`. One that is known costs nothing."""
        if self._facts.get(key) == value:
            return
        self._facts[key] = self._pending.facts[key] = value
        await self._durably()

    # Sessions and energy

    def add_session(self, session: Session) -> Durable:
        """Take a session that began or ended at once; awaiting returns when it is committed, or raises `StoreError`."""
        self._pending.sessions[session.id] = session
        return self._durably()

    def add_slots(self, slots: Iterable[EnergySlot]) -> None:
        """Keep energy slots at the next commit."""
        found = {(slot.point, slot.session, slot.start_utc_s): slot for slot in slots}
        if found:
            self._pending.slots |= found
            self._arm()

    def add_block(self, block: Block) -> None:
        """Keep an hour of minutes, or what is known of it so far, with the next commit: it makes none of its own."""
        self._pending.add_block(block)

    async def sessions(
        self, limit: int = 100, before_utc_s: float | None = None, point: str | None = None
    ) -> list[Session]:
        """The newest first, those that wait for the disk included; ``before_utc_s`` pages further back."""
        known = await self._query(lambda: self._file.sessions(limit, before_utc_s, point))
        found = {session.id: session for session in known} | {
            session.id: session
            for session in self._pending.sessions.values()
            if (before_utc_s is None or session.start_utc_s < before_utc_s) and point in (None, session.point)
        }
        return sorted(found.values(), key=lambda s: s.start_utc_s, reverse=True)[:limit]

    async def energy(self, since_utc_s: float, until_utc_s: float, point: str | None = None) -> list[EnergySlot]:
        """The slots that start in the interval, in order of time, those that wait for the disk included."""
        known = await self._query(lambda: self._file.energy(since_utc_s, until_utc_s, point))
        found = {(slot.start_utc_s, slot.point, slot.session): slot for slot in known} | {
            (slot.start_utc_s, slot.point, slot.session): slot
            for slot in self._pending.slots.values()
            if since_utc_s <= slot.start_utc_s < until_utc_s and point in (None, slot.point)
        }
        return [found[key] for key in sorted(found)]

    async def stays(self, which: StayFilter, limit: int, before: StayKey | None = None) -> list[Session]:
        """The stays that have ended, the newest first, those that wait for the disk included.

        A page ends with a stay; the next one begins ``before`` its `stay_key`, whatever has come since.
        """
        known = await self._query(lambda: self._file.stays(which, limit, before))
        found = {stay.id: stay for stay in known} | {
            stay.id: stay
            for stay in self._pending.sessions.values()
            if which.takes(stay) and (before is None or stay_key(stay) < before)
        }
        return sorted(found.values(), key=stay_key, reverse=True)[:limit]

    async def stay(self, key: str) -> Session | None:
        """One stay by its id, running or not; None where there is none."""
        waiting = self._pending.sessions.get(key)
        if waiting is not None:
            return waiting
        found = await self._query(lambda: [self._file.stay(key)])
        return found[0] if found else None

    async def blocks(self, since_utc_s: float, until_utc_s: float, take: Callable[[Block], None]) -> None:
        """Give ``take`` the hours of minutes that begin in the interval, in order; it runs beside the event loop.

        They come in parts, so that nothing that is to be written waits for a long look back.
        """
        waiting = dict(self._pending.blocks)

        def part(first_s: float, last_s: float) -> list[None]:
            for block in self._file.blocks(first_s, last_s):
                newer = waiting.pop(block.start_s, None)
                take(block if newer is None else newer.over(block))
            return []

        first_s = since_utc_s
        while first_s < until_utc_s:
            await self._query(partial(part, first_s, min(first_s + _PART_S, until_utc_s)))
            first_s += _PART_S
        for start_s, block in sorted(waiting.items()):
            if since_utc_s <= start_s < until_utc_s:
                take(block)

    async def packed_blocks(self, since_utc_s: float, until_utc_s: float) -> list[bytes]:
        """The hours that begin in the interval as they are kept; one may come twice, with what waits for the disk."""
        waiting = [block for start_s, block in self._pending.blocks.items() if since_utc_s <= start_s < until_utc_s]
        found = await self._query(lambda: self._file.packed_blocks(since_utc_s, until_utc_s))
        return found + [encode(block) for block in waiting]

    async def block_starts(self, since_utc_s: float, until_utc_s: float) -> list[int]:
        """When the hours of minutes begin that begin in the interval, each once, in order."""
        waiting = [start_s for start_s in self._pending.blocks if since_utc_s <= start_s < until_utc_s]
        found = await self._query(lambda: self._file.block_starts(since_utc_s, until_utc_s))
        return sorted({*found, *waiting})

    # The end

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    @property
    def waiting(self) -> int:
        """Callers that wait for a commit now."""
        return len(self._waiters)

    async def flush(self) -> None:
        """Commit everything that waits; raises `StoreError`."""
        await self._durably()

    async def close(self, within_s: float = 2.0) -> None:
        """Commit everything that waits and close the file; a disk that does not answer is left behind, and told."""
        try:
            async with asyncio.timeout(within_s):
                try:
                    await self._durably()
                except StoreError as error:
                    self._log.error("the last values were not stored: %s", error)
                await self.worker.run(self._file.close)
        except TimeoutError:
            self._log.error("the disk did not answer within %.0f s at the end: the last values may be lost", within_s)
        self._disarm()
        if self._writing is not None:
            self._writing.cancel()
        self.worker.stop()

    # Writing

    def _keep_state(self, blob: bytes) -> None:
        before_s = self.state.mono_s if self.state else 0.0
        mono_s, utc_s = self._now() if self._now else (before_s, time.time())
        self.state = self._pending.state = SavedState(blob, mono_s, utc_s, __version__)

    async def _durably(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._wake()
        try:
            async with asyncio.timeout(ACKNOWLEDGE_WITHIN_S):
                await waiter
        except TimeoutError:
            self._begin_trouble(f"{self._file.path}: the disk has not answered for {ACKNOWLEDGE_WITHIN_S:.0f} s")
            raise StoreError(f"not stored yet: {self.trouble}") from None

    def _arm(self, delay_s: float | None = None) -> None:
        if self._timer is None:
            delay_s = self._config.flush_s if delay_s is None else delay_s
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._come_due)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _come_due(self) -> None:
        self._timer = None
        self._due = True
        self._wake()

    def _wake(self) -> None:
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write(), name="store")

    async def _write(self) -> None:
        try:
            while self._waiters or self._due:
                waiters, self._waiters = self._waiters, []
                self._due = False
                self._disarm()
                problem = await self._commit(self._take(), durable=bool(waiters))
                for waiter in waiters:
                    if waiter.done():
                        continue
                    if problem is None:
                        waiter.set_result(None)
                    else:
                        waiter.set_exception(StoreError(f"not stored yet: {problem}"))
                if not waiters:
                    await self._prune()
        finally:
            self._writing = None

    def _take(self) -> Batch:
        if self._note is not None:
            make, self._note = self._note, None
            try:
                self._keep_state(make())
            except Exception:
                self._log.exception("the state could not be made ready for the disk")
        batch, self._pending = self._pending, Batch()
        return batch

    async def _commit(self, batch: Batch, *, durable: bool) -> str | None:
        """Write the batch; the problem in words when it has to wait."""
        if not batch:
            return None
        began_s = time.monotonic()
        try:
            try:
                await self.worker.run(lambda: self._file.write(batch, durable=durable))
            except Spoiled as error:
                self._put_back(batch)
                await self.worker.run(partial(self._put_aside, error))
                batch = self._take()
                await self.worker.run(lambda: self._file.write(batch, durable=durable))
        except DiskTrouble as error:
            self._put_back(batch)
            self._begin_trouble(str(error))
            self._disarm()
            self._arm(RETRY_S[min(self._failures, len(RETRY_S) - 1)])
            self._failures += 1
            return str(error)
        except Exception as error:
            # What no file can take would block everything behind it.
            self._log.exception("something cannot be stored and is dropped")
            return f"{type(error).__name__}: {error}"
        self.commits += 1
        self._failures = 0
        if self.took is not None:
            self.took(time.monotonic() - began_s)
        if self.trouble is not None:
            self.trouble = None
            self._log.info("%s is written again, and what waited for it", self._file.path)
        return None

    def _put_back(self, batch: Batch) -> None:
        """After a failure the next attempt carries all that is known: it may meet a fresh file."""
        self._pending.put_back(batch)
        self._pending.facts = dict(self._facts)
        self._pending.state = self._pending.state or self.state

    async def _prune(self) -> None:
        """Forget a part of the old history, behind a write; go on with the next one while there is more."""
        now_s = time.monotonic()
        if self.trouble or (self._pruned_mono_s is not None and now_s - self._pruned_mono_s < PRUNE_EVERY_S):
            return
        utc_s, config = time.time(), self._config
        oldest_utc_s, oldest_block_utc_s = (utc_s - days * _DAY_S for days in (config.history_days, config.series_days))
        try:
            more = await self.worker.run(
                lambda: self._file.prune(oldest_utc_s, oldest_block_utc_s, config.history_mb * _MB)
            )
        except (DiskTrouble, Spoiled) as error:
            self._log.warning("old history could not be removed: %s", error)
            more = False
        self._pruned_mono_s = None if more else now_s

    async def _query(self, ask: Callable[[], list[T]]) -> list[T]:
        try:
            return await self.worker.run(ask)
        except DiskTrouble as error:
            self._log.warning("history cannot be read: %s", error)
        except Spoiled as error:
            self._put_back(Batch())
            try:
                await self.worker.run(partial(self._put_aside, error))
            except DiskTrouble as trouble:
                self._begin_trouble(str(trouble))
            self._due = True
            self._wake()
        return []

    # Telling

    def _put_aside(self, error: Spoiled) -> None:
        kept = self._file.set_aside(_stamp())
        self._say(f"{error}; it is kept as {kept.name} and a fresh one is begun.")

    def _begin_trouble(self, why: str) -> None:
        if self.trouble is None:
            self._log.error("nothing can be stored now, charging goes on: %s", why)
        self.trouble = why

    def _say(self, message: str) -> None:
        self.messages.append(message)
        self._log.warning("%s", message)


def _choose(directory: Path, log: Logger) -> tuple[StoreFile, str]:
    """SQLite where the interpreter has it, else the plain file, with a notice."""
    try:
        from phaeton.sinks.store.sqlite import SqliteFile  # noqa: PLC0415 - not every interpreter has sqlite3
    except ImportError as error:
        file = PlainFile(directory / "phaeton-state.json")
        return file, (
            f"This Python has no sqlite3 ({error}): {file.path} keeps the state and the last sessions, but no history."
        )
    return SqliteFile(directory / "phaeton.db", log), ""


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
