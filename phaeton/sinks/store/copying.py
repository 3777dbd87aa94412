"""A consistent copy of the store's SQLite file while it is in use, and the judgement of one from elsewhere."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from phaeton.sinks.store.sqlite import APPLICATION_ID, MIGRATIONS

OPEN_FACTS = ("serial:", "sockets:", "forecast:")
"""Facts that are no secret; all others may hold tokens of services."""


class UnfitError(Exception):
    """The file is no store of ours; the text says why."""


def copy(source: Path, target: Path, *, secrets: bool) -> None:
    """Copy the file as it is at one instant; without ``secrets`` nothing of them is left in any page. Blocks.

    Raises `sqlite3.Error` and `OSError`.
    """
    target.unlink(missing_ok=True)
    target.touch(0o600)
    with closing(_read_only(source)) as old, closing(sqlite3.connect(target, isolation_level=None)) as new:
        old.backup(new)
        if not secrets:
            rule = " AND ".join("substr(key, 1, ?) <> ?" for _ in OPEN_FACTS)
            new.execute(f"DELETE FROM fact WHERE {rule}", [x for name in OPEN_FACTS for x in (len(name), name)])
        new.execute("PRAGMA journal_mode=DELETE").fetchone()
        new.execute("VACUUM")


def judge(path: Path) -> int:
    """Whether a file that came from elsewhere is a store of ours; the number of its sessions. Blocks."""
    try:
        with closing(_read_only(path)) as db:
            db.execute("PRAGMA trusted_schema=OFF")
            (application,) = db.execute("PRAGMA application_id").fetchone()
            (version,) = db.execute("PRAGMA user_version").fetchone()
            kinds = {kind for (kind,) in db.execute("SELECT DISTINCT type FROM sqlite_master")}
            if application != APPLICATION_ID:
                raise UnfitError("it was made by another program")
            if version > len(MIGRATIONS):
                raise UnfitError("it was made by a newer Phaeton")
            if not kinds <= {"table", "index"}:
                raise UnfitError("it holds more than tables")
            (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise UnfitError(f"it is damaged: {verdict}")
            (count,) = db.execute("SELECT count(*) FROM session").fetchone()
            return int(count)
    except sqlite3.Error as error:
        raise UnfitError(f"it is damaged: {error}") from None
    except UnicodeDecodeError:
        raise UnfitError("it is damaged") from None


def put_facts(path: Path, facts: Iterable[tuple[str, str]]) -> None:
    """Facts into a file that is not in use; what is there under the same names is replaced. Blocks."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT OR REPLACE INTO fact VALUES (?, ?)", list(facts))
        db.execute("COMMIT")
        db.execute("PRAGMA journal_mode=DELETE").fetchone()


def secret_facts(path: Path) -> list[tuple[str, str]]:
    """The facts of a file that may be secret; none where it cannot be read. Blocks."""
    try:
        with closing(_read_only(path)) as db:
            return [
                (key, value)
                for key, value in db.execute("SELECT key, value FROM fact")
                if isinstance(key, str) and isinstance(value, str) and not key.startswith(OPEN_FACTS)
            ]
    except sqlite3.Error:
        return []


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=5.0)
