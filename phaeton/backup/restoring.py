"""A backup taken over: unpacked beside and judged first, then put in place by renaming, the old set aside.

A marker in the store says what is to be done. It is done before a daemon opens its store, and done again from the
marker where it was interrupted, so that in the end all of it is in place or nothing.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import sqlite3
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from phaeton.backup import MARKER, STAGED
from phaeton.backup.collect import STORE_FILE, House, checked, store_of
from phaeton.backup.container import CONFIGURATION, DATABASE, PLAIN_STORE, Opened, opened
from phaeton.backup.content import Content
from phaeton.backup.problem import BackupError
from phaeton.config import saving
from phaeton.config.change import compare
from phaeton.config.effects import effects
from phaeton.config.hiding import hidden_text, with_secrets_of
from phaeton.config.load import PLACES, Loaded, parse
from phaeton.config.problems import ConfigError
from phaeton.config.revisions import FOLDER as REVISIONS
from phaeton.config.revisions import Revisions
from phaeton.sinks.recorder import folder_of
from phaeton.sinks.store.copying import UnfitError, judge, put_facts, secret_facts

_log = logging.getLogger("phaeton.backup")

ASIDE = "before-restore"
MOST_ASIDE = 3
SPARE_BYTES = 10_000_000
"""Kept free on the disk."""


class Move(Struct, frozen=True):
    """One file or folder into its place."""

    new: str
    """Empty = what is there goes, and nothing comes."""
    target: str
    aside: str
    """Where what was there goes."""


class Marker(Struct, frozen=True):
    """What is still to be done."""

    format: int
    stamp: str
    staged: str
    """The folder that goes afterwards."""
    aside: str
    moves: tuple[Move, ...] = ()
    database: str = ""
    """The unpacked sessions, into which secrets of the present ones are taken; empty = none are."""
    present: str = ""
    """The sessions that are there."""
    configuration: str = ""
    """The unpacked configuration."""
    config_path: str = ""
    store: str = ""
    """Where revisions are kept afterwards."""


class Finished(Struct, frozen=True):
    """What was put in place."""

    aside: str
    """The folder with what was there before."""
    count: int


def look(house: House, backup: Path, password: str, include: tuple[str, ...] | None = None) -> Content:
    """Judge all of a backup and say what it would do; nothing is changed. Blocks; raises `BackupError`."""
    folder = house.store / f".{STAGED}-look"
    try:
        return _prepared(house, backup, password, include, folder)[0]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def stage(house: House, backup: Path, password: str, include: tuple[str, ...] | None = None) -> Content:
    """Make all of it ready, to be put in place by `finish`; blocks. Raises `BackupError`, `OSError`."""
    folder = house.store / STAGED
    try:
        content, marker = _prepared(house, backup, password, include, folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    for path in folder.rglob("*"):
        if path.is_dir():
            saving.settle(path)
    saving.settle(folder)
    fresh = house.store / f".{MARKER}"
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(marker))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(house.store / MARKER)
    saving.settle(house.store)
    return content


def finish(store: Path) -> Finished | None:
    """Put what was made ready in place; None where nothing was. Only while no daemon has the store. Blocks.

    Raises `OSError`; it can be called again then.
    """
    place = store / MARKER
    try:
        marker = msgspec.json.decode(place.read_bytes(), type=Marker)
    except FileNotFoundError:
        shutil.rmtree(store / STAGED, ignore_errors=True)  # it never became ready
        return None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        place.replace(place.with_suffix(".damaged"))
        _log.error("the marker of a restore is damaged; nothing was restored")
        return None
    aside = Path(marker.aside)
    aside.mkdir(mode=0o700, parents=True, exist_ok=True)
    if marker.database:
        _keep_secrets(marker)
    for move in marker.moves:
        if move.new:
            _put(Path(move.new), Path(move.target), Path(move.aside))
        elif Path(move.target).exists():
            Path(move.target).replace(_free(Path(move.aside)))
    if marker.configuration:
        _configure(marker)
    for folder in {Path(move.target).parent for move in marker.moves if move.new} | {aside}:
        saving.settle(folder)
    place.unlink()
    saving.settle(store)
    shutil.rmtree(marker.staged, ignore_errors=True)
    _forget_old(aside)
    count = len(marker.moves) + bool(marker.configuration)
    return Finished(str(aside), count)


# Making ready


def _prepared(
    house: House, backup: Path, password: str, include: tuple[str, ...] | None, folder: Path
) -> tuple[Content, Marker]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    with opened(backup, password, folder / "archive") as content:
        inside = content.manifest.includes
        parts = checked(tuple(part for part in inside if include is None or part in include))
        total = sum(member.size for member in content.manifest.members.values())
        free = shutil.disk_usage(folder).free
        if free < total + SPARE_BYTES:
            raise BackupError(
                f"the backup needs {total // 1_000_000 + 10} MB and {free // 1_000_000} MB are free", "space"
            )
        return _Preparation(house, content, parts, folder).run(total)


class _Preparation:
    def __init__(self, house: House, content: Opened, parts: tuple[str, ...], folder: Path) -> None:
        self._house = house
        self._content = content
        self._members = content.manifest.members
        self._parts = parts
        self._folder = folder
        self._notes = list(content.manifest.notes)
        self._missing: tuple[str, ...] = ()
        self._secret = "secrets" in parts
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        self._stamp = f"{stamp}-{uuid.uuid4().hex[:6]}"
        self._moves: list[Move] = []
        self._database = ""
        self._sessions: int | None = None

    def run(self, total: int) -> tuple[Content, Marker]:
        """Unpack and judge."""
        wanted = self._configuration() if "config" in self._parts else None
        config = wanted.config if wanted is not None else self._house.loaded.config
        store = store_of(config) if wanted is not None else self._house.store
        if store.resolve() != self._house.store.resolve() and os.stat(self._folder).st_dev != _device(store):
            raise BackupError(
                f"the configuration inside keeps its store on another disk ({store}): set store.directory there first"
            )
        self._store, self._aside = store, store / f"{ASIDE}-{self._stamp}"
        if "sessions" in self._parts:
            self._unpack_sessions()
        if self._secret:
            self._unpack_secrets()
        if "recordings" in self._parts:
            self._unpack_recordings(folder_of(config))
        change = compare(self._house.loaded.config, config)
        head = self._content.head
        content = Content(
            head.made,
            head.by,
            head.seal is not None,
            self._content.manifest.includes,
            self._parts,
            self._sessions,
            len(self._members),
            total,
            change.keys,
            effects(change),
            self._missing,
            tuple(self._notes),
        )
        return content, Marker(
            1,
            self._stamp,
            str(self._folder),
            str(self._aside),
            tuple(self._moves),
            self._database,
            str(store / STORE_FILE),
            str(self._folder / CONFIGURATION) if wanted is not None else "",
            str(wanted.path) if wanted is not None else "",
            str(store),
        )

    def _configuration(self) -> Loaded:
        if CONFIGURATION not in self._members:
            raise BackupError("the backup is damaged: its configuration is not there")
        now = self._house.loaded
        try:
            text = self._content.read(CONFIGURATION).decode()
            path = saving.target(now.path, PLACES)
            loaded = parse(text, path, self._house.environ)
            if not self._secret:
                text, self._missing = with_secrets_of(hidden_text(text), now.config)
                loaded = parse(text, path, self._house.environ)
        except UnicodeDecodeError:
            raise BackupError("the backup is damaged: its configuration is no text") from None
        except ConfigError as error:
            raise BackupError(f"the configuration inside cannot be used here. {error}") from None
        except saving.NowhereError as error:
            raise BackupError(str(error), "space") from None
        if self._missing:
            self._notes.append(f"to be given anew, it is *** until then: {', '.join(self._missing)}")
        saved = self._folder / CONFIGURATION
        saved.touch(0o600)
        with saved.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        return loaded

    def _unpack_sessions(self) -> None:
        if DATABASE in self._members:
            place = self._folder / DATABASE
            self._content.unpack(DATABASE, place)
            try:
                self._sessions = judge(place)
            except UnfitError as error:
                raise BackupError(f"the sessions inside cannot be used: {error}") from None
            if not self._secret:
                self._database = str(place)
            self._move(place, self._store / STORE_FILE)
        elif PLAIN_STORE in self._members:
            self._notes.append("the backup was made where Python has no SQLite; its sessions can only be used there")
            if not (self._store / STORE_FILE).exists():
                self._content.unpack(PLAIN_STORE, self._folder / PLAIN_STORE)
                self._move(self._folder / PLAIN_STORE, self._store / PLAIN_STORE)

    def _unpack_secrets(self) -> None:
        names = [name for name in self._members if name.startswith("access/")]
        for name in names:
            self._unpacked(name)
            self._move(self._folder / name, self._store / name)
        if names:
            logins = self._store / "access" / "logins.json"
            self._moves.append(Move("", str(logins), str(self._aside / logins.name)))
            self._notes.append("the password and the tokens are those of the backup afterwards")
        revisions = [name for name in self._members if name.startswith("revisions/")]
        if revisions and "config" in self._parts:
            for name in revisions:
                self._unpacked(name)
            self._move(self._folder / REVISIONS, self._store / REVISIONS)

    def _unpack_recordings(self, folder: Path) -> None:
        for name in self._members:
            target = folder / Path(name).name
            if name.startswith("recordings/") and not target.exists():
                self._unpacked(name)
                self._move(self._folder / name, target)

    def _unpacked(self, name: str) -> None:
        place = self._folder / name
        place.parent.mkdir(mode=0o700, exist_ok=True)
        self._content.unpack(name, place)

    def _move(self, new: Path, target: Path) -> None:
        self._moves.append(Move(str(new), str(target), str(self._aside / target.name)))


def _device(path: Path) -> int:
    while not path.exists():
        path = path.parent
    return path.stat().st_dev


# Putting in place


def _keep_secrets(marker: Marker) -> None:
    """Logins of the cars' services that are here stay, where the backup has none."""
    database, aside = Path(marker.database), Path(marker.aside) / STORE_FILE
    if database.exists():
        present = Path(marker.present)
        facts = secret_facts(present if present.exists() else aside)
        with suppress(sqlite3.Error):
            put_facts(database, facts)


def _put(new: Path, target: Path, aside: Path) -> None:
    """Idempotent: what is done already is left alone."""
    if not new.exists():
        return
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for suffix in ("", "-wal", "-shm") if target.name == STORE_FILE else ("",):
        old = target.with_name(target.name + suffix)
        if old.exists():
            old.replace(_free(aside.with_name(aside.name + suffix)))
    saving.settle(target.parent)
    try:
        new.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = target.with_name(f".{target.name}.part")  # recordings may be kept on another disk
        shutil.copy2(new, beside)
        beside.replace(target)
        new.unlink()


def _free(path: Path) -> Path:
    number, found = 1, path
    while found.exists():
        number += 1
        found = path.with_name(f"{path.name}.{number}")
    return found


def _configure(marker: Marker) -> None:
    """The configuration last, with revisions of the old text and the new one."""
    text = Path(marker.configuration).read_bytes().decode()
    path = Path(marker.config_path)
    old = path.read_bytes().decode("utf-8", "replace") if path.exists() else ""
    revisions = Revisions(Path(marker.store))
    now_s = datetime.now(UTC).timestamp()
    if old != text:
        if old:
            copied = Path(marker.aside) / path.name
            if not copied.exists():
                shutil.copy2(path, copied)
            with suppress(OSError):
                revisions.add(now_s, "before", old, note="before a backup was restored")
        saving.replace(path, text)
    newest = revisions.newest()
    if newest is None or newest.text != text:
        with suppress(OSError):
            revisions.add(now_s, "restore", text, note="from a backup")


def _forget_old(aside: Path) -> None:
    """The last few sets are kept; an empty one is none."""
    with suppress(OSError):
        aside.rmdir()
    for old in sorted(aside.parent.glob(f"{ASIDE}-*"))[:-MOST_ASIDE]:
        shutil.rmtree(old, ignore_errors=True)
