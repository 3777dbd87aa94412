"""The store in SQLite: write-ahead log, one connection, used by one thread at a time."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from logging import Logger
from pathlib import Path
from urllib.parse import quote

import msgspec

from phaeton.minutes import Block, DamagedBlock, decode, encode
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
)

APPLICATION_ID = 0x50686145
"""Tells our file from those of other programs."""

MIGRATIONS = (
    (
        "CREATE TABLE state (id INTEGER PRIMARY KEY, blob BLOB, mono_s REAL, utc_s REAL, version TEXT, crc INTEGER)",
        "CREATE TABLE fact (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID",
        "CREATE TABLE session (id TEXT PRIMARY KEY, point TEXT, start_utc_s REAL, end_utc_s REAL, data TEXT)",
        "CREATE INDEX session_start ON session (start_utc_s)",
        "CREATE TABLE slot (start_utc_s REAL, point TEXT, session TEXT, energy_kwh REAL, pv_kwh REAL, battery_kwh REAL,"
        " grid_kwh REAL, cost REAL, reference_cost REAL, unpriced_kwh REAL,"
        " PRIMARY KEY (start_utc_s, point, session)) WITHOUT ROWID",
    ),
    (
        "ALTER TABLE session ADD COLUMN vehicle TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE session ADD COLUMN energy_kwh REAL NOT NULL DEFAULT 0",
        "UPDATE session SET energy_kwh = energy_of(data)",
        "CREATE TABLE minutes (start_utc_s INTEGER PRIMARY KEY, blob BLOB)",
    ),
)
"""Each entry leads from the layout of its index to the next one; what was released is never changed."""

PRUNE_ROWS = 500
"""So many rows of a table are forgotten in one go: some ms on a small machine."""
PRUNE_BLOCKS = 24
KEPT_BLOCKS = 24
"""So many of the newest hours of minutes stay however little room there is."""

_SLOT_FIELDS = (
    "start_utc_s",
    "point",
    "session",
    "energy_kwh",
    "pv_kwh",
    "battery_kwh",
    "grid_kwh",
    "cost",
    "reference_cost",
    "unpriced_kwh",
)
_PUT_BLOCK = "INSERT INTO minutes VALUES (?1, ?2) ON CONFLICT (start_utc_s) DO UPDATE SET blob = excluded.blob"
_WRITE_VERSION = 18
_SUFFIXES = ("-wal", "-shm")
_MAY_PASS = {
    sqlite3.SQLITE_FULL: "the disk is full: free some space",
    sqlite3.SQLITE_READONLY: "the disk or the file is read-only: check how it is mounted and who owns it",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened: check that the directory is writable and the disk not full",
    sqlite3.SQLITE_IOERR: "the disk reports an error: check that it is not full, and its health",
    sqlite3.SQLITE_BUSY: "another program keeps the file locked",
    sqlite3.SQLITE_LOCKED: "another program keeps the file locked",
    sqlite3.SQLITE_PROTOCOL: "another program keeps the file locked",
    sqlite3.SQLITE_PERM: "access is not permitted: check who owns the file",
    sqlite3.SQLITE_AUTH: "access is not permitted: check who owns the file",
    sqlite3.SQLITE_NOMEM: "there is no memory left",
    sqlite3.SQLITE_INTERRUPT: "the operation was interrupted",
}


def _crc(state: SavedState) -> int:
    """SQLite does not notice a flipped bit inside a value; the state is worth noticing it."""
    return zlib.crc32(state.blob, zlib.crc32(repr((state.mono_s, state.utc_s, state.version)).encode()))


class SqliteFile:
    """One SQLite file; opened when first used, and again after each trouble."""

    def __init__(self, path: Path, log: Logger) -> None:
        self.path = path
        self._log = log
        self._db: sqlite3.Connection | None = None
        self._synchronous = ""

    def load(self) -> Loaded:
        """Open or make the file; the state and the facts."""
        with self._translated():
            return self._read(self._open())

    def peek(self) -> Loaded:
        """Try to read beside a log that cannot be recovered, then without it."""
        for how in ("mode=ro", "mode=ro&immutable=1"):
            with (
                suppress(sqlite3.Error, OSError, UnicodeDecodeError),
                closing(sqlite3.connect(f"file:{quote(str(self.path))}?{how}", uri=True)) as db,
            ):
                db.text_factory = _text
                return self._read(db)
        return Loaded()

    def write(self, batch: Batch, *, durable: bool) -> None:
        """One transaction; with ``durable`` the log is synchronised before this returns."""
        with self._translated():
            db = self._open()
            wanted = "FULL" if durable else "NORMAL"
            if wanted != self._synchronous:
                db.execute(f"PRAGMA synchronous={wanted}")
                self._synchronous = wanted
            with _transaction(db):
                self._put(db, batch)

    def sessions(self, limit: int, before_utc_s: float | None, point: str | None) -> list[Session]:
        """The newest first; a row that cannot be read is left out and logged."""
        with self._translated():
            rows = self._open().execute(
                "SELECT id, data FROM session WHERE (?1 IS NULL OR start_utc_s < ?1) AND (?2 IS NULL OR point = ?2)"
                " ORDER BY start_utc_s DESC LIMIT ?3",
                (before_utc_s, point, limit),
            )
            return self._stays(rows)

    def stays(self, which: StayFilter, limit: int, before: StayKey | None) -> list[Session]:
        """The stays that have ended, in falling order of their keys, from below ``before`` on."""
        start_s, key = before if before is not None else (None, "")
        with self._translated():
            rows = self._open().execute(
                "SELECT id, data FROM session WHERE end_utc_s IS NOT NULL"
                " AND (?1 IS NULL OR start_utc_s < ?1 OR (start_utc_s = ?1 AND id < ?2))"
                " AND (?3 IS NULL OR start_utc_s >= ?3) AND (?4 IS NULL OR start_utc_s < ?4)"
                " AND (?5 IS NULL OR point = ?5) AND (?6 IS NULL OR vehicle = ?6) AND energy_kwh >= ?7"
                " ORDER BY start_utc_s DESC, id DESC LIMIT ?8",
                (
                    start_s, key, which.from_utc_s, which.until_utc_s, which.point, which.vehicle, which.least_kwh,
                    limit,
                ),
            )  # fmt: skip
            return self._stays(rows)

    def stay(self, key: str) -> Session | None:
        """One stay by its id."""
        with self._translated():
            rows = self._open().execute("SELECT id, data FROM session WHERE id = ?", (key,))
            return next(iter(self._stays(rows)), None)

    def _stays(self, rows: Iterable[tuple[str, str]]) -> list[Session]:
        found = []
        for key, data in rows:
            try:
                found.append(msgspec.json.decode(data, type=Session))
            except (msgspec.MsgspecError, TypeError) as error:
                self._log.warning("session %s in %s cannot be read and is left out: %s", key, self.path, error)
        return found

    def blocks(self, since_utc_s: float, until_utc_s: float) -> list[Block]:
        """The hours that start in the interval, in order of time; one that cannot be read is left out and logged."""
        with self._translated():
            rows = self._open().execute(
                "SELECT start_utc_s, blob FROM minutes WHERE start_utc_s >= ? AND start_utc_s < ? ORDER BY start_utc_s",
                (since_utc_s, until_utc_s),
            )
            return [block for start_s, blob in rows if (block := self._block(start_s, blob)) is not None]

    def packed_blocks(self, since_utc_s: float, until_utc_s: float) -> list[bytes]:
        """The same as they are kept; whoever unpacks them has to expect damage."""
        with self._translated():
            rows = self._open().execute(
                "SELECT blob FROM minutes WHERE start_utc_s >= ? AND start_utc_s < ? ORDER BY start_utc_s",
                (since_utc_s, until_utc_s),
            )
            return [blob for (blob,) in rows if isinstance(blob, bytes)]

    def block_starts(self, since_utc_s: float, until_utc_s: float) -> list[int]:
        """When they start, and nothing else of them."""
        with self._translated():
            rows = self._open().execute(
                "SELECT start_utc_s FROM minutes WHERE start_utc_s >= ? AND start_utc_s < ? ORDER BY start_utc_s",
                (since_utc_s, until_utc_s),
            )
            return [start_s for (start_s,) in rows]

    def _block(self, start_s: int, blob: bytes) -> Block | None:
        try:
            block = decode(blob)
        except (DamagedBlock, TypeError) as error:
            self._log.warning("the hour at %s in %s cannot be read and is left out: %s", start_s, self.path, error)
            return None
        return block if block.start_s == start_s else None

    def energy(self, since_utc_s: float, until_utc_s: float, point: str | None) -> list[EnergySlot]:
        """The slots that start in the interval, in order of time."""
        with self._translated():
            rows = self._open().execute(
                f"SELECT {', '.join(_SLOT_FIELDS)} FROM slot WHERE start_utc_s >= ?1 AND start_utc_s < ?2"
                " AND (?3 IS NULL OR point = ?3) ORDER BY start_utc_s, point, session",
                (since_utc_s, until_utc_s, point),
            )
            found = []
            for row in rows:
                try:
                    found.append(msgspec.convert(dict(zip(_SLOT_FIELDS, row, strict=True)), EnergySlot))
                except msgspec.ValidationError as error:
                    self._log.warning("an energy slot in %s cannot be read and is left out: %s", self.path, error)
            return found

    def prune(self, oldest_utc_s: float, oldest_block_utc_s: float, most_bytes: float) -> bool:
        """Forget up to `PRUNE_ROWS` of each table; a running session is never forgotten."""
        with self._translated():
            db = self._open()
            cut = oldest_utc_s
            edges = {table: _edge(db, table) for table in ("slot", "session")}
            too_much = _used_bytes(db) > most_bytes
            with _transaction(db):
                forgotten = _forget_blocks(db, oldest_block_utc_s, too_much=too_much)
                if too_much and not forgotten:
                    # The slots are the bulk; sessions go with the slots of their time.
                    cut = max(cut, edges["slot"] or edges["session"] or cut)
                for table, edge in edges.items():
                    rule = " AND end_utc_s IS NOT NULL" if table == "session" else ""
                    upto = cut if edge is None else min(cut, edge)
                    forgotten += db.execute(f"DELETE FROM {table} WHERE start_utc_s < ?{rule}", (upto,)).rowcount
            if not forgotten:
                return False
            db.executescript("PRAGMA incremental_vacuum")  # execute() would stop after the first page
            return True

    def set_aside(self, stamp: str) -> Path:
        """Rename the file and its log."""
        self.close()
        try:
            return put_aside(self.path, stamp, _SUFFIXES)
        except OSError as error:
            raise DiskTrouble(f"{self.path} is spoiled and cannot be renamed: {error.strerror}") from error

    def close(self) -> None:
        """Close; SQLite puts the log into the file."""
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()
            self._db = None
            self._synchronous = ""

    def _open(self) -> sqlite3.Connection:
        if self._db is not None:
            return self._db
        self.path.parent.mkdir(parents=True, exist_ok=True)
        keep_private(self.path)
        db = sqlite3.connect(self.path, timeout=1.0, isolation_level=None, check_same_thread=False)
        self._db = db
        db.text_factory = _text
        db.execute("PRAGMA cache_size=-512")
        db.execute("PRAGMA auto_vacuum=INCREMENTAL")
        db.execute("PRAGMA journal_size_limit=1048576")
        db.execute("PRAGMA journal_mode=WAL").fetchone()
        _migrate(db)
        return db

    def _read(self, db: sqlite3.Connection) -> Loaded:
        facts = {
            key: value
            for key, value in db.execute("SELECT key, value FROM fact")
            if isinstance(key, str) and isinstance(value, str)
        }
        row = db.execute("SELECT blob, mono_s, utc_s, version, crc FROM state WHERE id = 1").fetchone()
        if row is None:
            return Loaded(facts=facts)
        try:
            state = msgspec.convert(dict(zip(("blob", "mono_s", "utc_s", "version"), row, strict=False)), SavedState)
        except msgspec.ValidationError:
            state = None
        if state is None or _crc(state) != row[4]:
            return Loaded(facts=facts, notices=(f"The saved state in {self.path} is damaged; it starts fresh.",))
        return Loaded(state, facts)

    def _put(self, db: sqlite3.Connection, batch: Batch) -> None:
        if (state := batch.state) is not None:
            db.execute(
                "INSERT OR REPLACE INTO state VALUES (1, ?, ?, ?, ?, ?)",
                (state.blob, state.mono_s, state.utc_s, state.version, _crc(state)),
            )
        db.executemany("INSERT OR REPLACE INTO fact VALUES (?, ?)", batch.facts.items())
        db.executemany(
            "INSERT OR REPLACE INTO session (id, point, start_utc_s, end_utc_s, vehicle, energy_kwh, data)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    s.id, s.point, s.start_utc_s, s.end_utc_s, s.vehicle, s.energy_kwh,
                    msgspec.json.encode(s).decode(),
                )
                for s in batch.sessions.values()
            ],
        )  # fmt: skip
        db.executemany(
            f"INSERT OR REPLACE INTO slot ({', '.join(_SLOT_FIELDS)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [tuple(getattr(slot, name) for name in _SLOT_FIELDS) for slot in batch.slots.values()],
        )
        for start_s, block in batch.blocks.items():
            row = db.execute("SELECT blob FROM minutes WHERE start_utc_s = ?", (start_s,)).fetchone()
            before = None if row is None else self._block(start_s, row[0])
            whole = block if before is None else block.over(before)
            db.execute(_PUT_BLOCK, (start_s, encode(whole)))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            self.close()
            code = getattr(error, "sqlite_errorcode", None)
            if code is None:
                raise  # not from the file: a value that SQLite has no type for
            code &= 0xFF
            if code == sqlite3.SQLITE_READONLY and _unwritable(self.path):
                raise Spoiled(f"{self.path} cannot be used (SQLite: its header forbids to write)") from error
            if code in _MAY_PASS:
                raise DiskTrouble(f"{self.path}: {_MAY_PASS[code]} (SQLite: {error})") from error
            # All other errors mean that the file does not hold the tables that were made in it.
            raise Spoiled(f"{self.path} cannot be used (SQLite: {error})") from error
        except UnicodeDecodeError as error:
            # The message of an error about a damaged schema quotes the damage, which is no text.
            self.close()
            raise Spoiled(f"{self.path} cannot be used (SQLite: malformed database schema)") from error
        except OSError as error:
            self.close()
            raise DiskTrouble(f"{self.path.parent} cannot be used: {error.strerror}") from error
        except Spoiled as error:
            self.close()
            raise Spoiled(f"{self.path} {error}") from error


def _unwritable(path: Path) -> bool:
    """Whether the header has a number that makes SQLite refuse all writes (byte 18, of the SQLite file format)."""
    try:
        with path.open("rb") as file:
            head = file.read(_WRITE_VERSION + 1)
    except OSError:
        return False
    return len(head) > _WRITE_VERSION and head[_WRITE_VERSION] not in (1, 2)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # SQLite may have rolled back by itself already
            db.execute("ROLLBACK")
        raise


def _migrate(db: sqlite3.Connection) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and application != APPLICATION_ID:
        raise Spoiled("was made by another program")
    if version > len(MIGRATIONS):
        raise Spoiled(f"was made by a newer Phaeton (layout {version}, this one knows {len(MIGRATIONS)})")
    if version == len(MIGRATIONS):
        return
    db.create_function("energy_of", 1, _energy_of)
    with _transaction(db):
        for step in MIGRATIONS[version:]:
            for statement in step:
                db.execute(statement)
        db.execute(f"PRAGMA application_id={APPLICATION_ID}")
        db.execute(f"PRAGMA user_version={len(MIGRATIONS)}")


def _energy_of(data: str) -> float:
    try:
        return msgspec.json.decode(data, type=Session).energy_kwh
    except (msgspec.MsgspecError, TypeError):
        return 0.0


def _forget_blocks(db: sqlite3.Connection, oldest_utc_s: float, *, too_much: bool) -> int:
    """Forget hours of minutes that are too old, and where there is no room the oldest of them; how many."""
    forgotten = db.execute(
        "DELETE FROM minutes WHERE start_utc_s IN"
        " (SELECT start_utc_s FROM minutes WHERE start_utc_s < ? ORDER BY start_utc_s LIMIT ?)",
        (oldest_utc_s, PRUNE_BLOCKS),
    ).rowcount
    if too_much and not forgotten:
        (kept,) = db.execute("SELECT count(*) FROM minutes").fetchone()
        forgotten = db.execute(
            "DELETE FROM minutes WHERE start_utc_s IN (SELECT start_utc_s FROM minutes ORDER BY start_utc_s LIMIT ?)",
            (min(PRUNE_BLOCKS, max(kept - KEPT_BLOCKS, 0)),),
        ).rowcount
    return int(forgotten)


def _edge(db: sqlite3.Connection, table: str) -> float | None:
    """The start of the first row behind the oldest `PRUNE_ROWS`; None when there are not so many."""
    row = db.execute(f"SELECT start_utc_s FROM {table} ORDER BY start_utc_s LIMIT 1 OFFSET {PRUNE_ROWS}").fetchone()
    return None if row is None else float(row[0])


def _used_bytes(db: sqlite3.Connection) -> int:
    pages, free, size = (
        db.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)
