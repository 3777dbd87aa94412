"""The bundle itself: a zip of what was gathered, each part for itself: a missing one spoils none of the others."""

from __future__ import annotations

import platform
import sqlite3
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from importlib import metadata
from pathlib import Path
from typing import IO
from urllib.parse import quote

import msgspec
from msgspec import Struct

from phaeton import __version__
from phaeton.config.tree import Config
from phaeton.config.writing import to_yaml
from phaeton.log_reading import tail
from phaeton.recording.configuration import shareable
from phaeton.support.scrub import Scrub

LOG_RECORDS = 10_000
MOST_RECORDING_BYTES = 20_000_000
SYSTEM_FILES = (Path("/opt/victronenergy/version"), Path("/etc/venus/machine"), Path("/etc/os-release"))

README = """\
Support bundle of Phaeton {version}

config.yaml         the configuration in force with all defaults; secrets and places are hidden
notices.txt         what is to say about the configuration
version.json        versions of Phaeton, its libraries and the system
diagnostics.json    links, ages, counters, timings (only where the daemon ran)
dbus.json           our services on D-Bus (the same)
registers-*.json    the charger's registers as they were read last (the same)
output.json         the newest situation and decision (the same)
sessions.json       the last stays
log.txt             the newest records in memory (only where the daemon ran)
log-file.txt        the last {records} records of the log file, where there is one
recordings/         what led to the decisions of the last day, where record.enabled is on
store/              the layout of the database, and how many rows are in it

Left out or replaced: passwords, tokens, logins, the identities of cars (VIN), where the house is. Serial numbers of
chargers are serial-1, serial-2 and so on - but a recording must stay as it is to be replayed, and has the charger's
serial number in it. Addresses of the own network, names and times are in here as they are.
"""


class Gathered(Struct, frozen=True, kw_only=True):
    """What goes into a bundle."""

    config: Config
    notices: Sequence[str] = ()
    documents: Mapping[str, object] = {}
    """By name, without ``.json``."""
    log_lines: Sequence[str] | None = None
    log_file: Path | None = None
    recordings: Sequence[Path] = ()
    database: Path
    facts: Mapping[str, str] = {}
    """Those of the store, to know what is secret; none of them is in the bundle."""
    serials: Sequence[str] = ()


def write(out: IO[bytes], what: Gathered) -> None:
    """Write the bundle; it blocks, and reads files. Raises `OSError` for the bundle itself only."""
    scrub = Scrub(what.config, what.facts, what.serials)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bundle:

        def put(name: str, make: Callable[[], Iterator[bytes]]) -> None:
            try:
                with bundle.open(name, "w") as file:
                    for piece in make():
                        file.write(piece)
            except (OSError, sqlite3.Error, ValueError, msgspec.MsgspecError) as error:
                bundle.writestr(f"{name}.missing.txt", scrub.text(f"{type(error).__name__}: {error}\n"))

        put("README.txt", lambda: iter([README.format(version=__version__, records=LOG_RECORDS).encode()]))
        put("version.json", lambda: iter([scrub.json(_versions())]))
        put("config.yaml", lambda: _lines(scrub, _yaml(what.config).splitlines()))
        put("notices.txt", lambda: _lines(scrub, what.notices))
        for name, document in what.documents.items():
            put(f"{name}.json", lambda document=document: iter([scrub.json(document)]))  # type: ignore[misc]
        lines, path = what.log_lines, what.log_file
        if lines is not None:
            put("log.txt", lambda: _lines(scrub, lines))
        if path is not None:
            put("log-file.txt", lambda: _lines(scrub, (found.text for found in tail(path, LOG_RECORDS, _everything))))
        for recording in what.recordings:
            put(f"recordings/{recording.name}", lambda recording=recording: _file(recording))  # type: ignore[misc]
        put("store/schema.sql", lambda: _lines(scrub, _schema(what.database)))
        put("store/tables.json", lambda: iter([scrub.json(_tables(what.database))]))


def database_facts(path: Path) -> dict[str, str]:
    """The facts of a database that nobody else has in memory; raises `sqlite3.Error`."""
    with closing(_opened(path)) as db:
        return dict(db.execute("SELECT key, value FROM fact"))


def database_sessions(path: Path, most: int) -> list[object]:
    """The newest stays as they are kept; raises `sqlite3.Error`."""
    with closing(_opened(path)) as db:
        rows = db.execute("SELECT data FROM session ORDER BY start_utc_s DESC LIMIT ?", (most,))
        return [msgspec.json.decode(data) for (data,) in rows]


def _everything(*_: object) -> bool:
    return True


def _yaml(config: Config) -> str:
    return to_yaml(msgspec.convert(shareable(config), Config), defaults=True)


def _lines(scrub: Scrub, lines: Iterator[str] | Sequence[str]) -> Iterator[bytes]:
    for line in lines:
        yield scrub.text(line).encode() + b"\n"


def _file(path: Path) -> Iterator[bytes]:
    if path.stat().st_size > MOST_RECORDING_BYTES:
        raise ValueError(f"{path.name} is longer than {MOST_RECORDING_BYTES // 1_000_000} MB; send it by itself")
    with path.open("rb") as file:
        while piece := file.read(65_536):
            yield piece


def _versions() -> dict[str, object]:
    found: dict[str, object] = {
        "phaeton": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "sqlite": sqlite3.sqlite_version,
    }
    names = [requirement.split(";")[0].strip() for requirement in metadata.requires("phaeton") or []]
    for name in names:
        plain = "".join(letter if letter.isalnum() or letter in "-_." else " " for letter in name).split()[0]
        try:
            found[plain] = metadata.version(plain)
        except metadata.PackageNotFoundError:
            continue
    for path in SYSTEM_FILES:
        if path.is_file():
            found[str(path)] = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return found


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)


def _schema(path: Path) -> Iterator[str]:
    with closing(_opened(path)) as db:
        for name in ("user_version", "application_id", "page_count", "page_size"):
            yield f"-- {name}: {db.execute(f'PRAGMA {name}').fetchone()[0]}"
        for (sql,) in db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name"):
            yield f"{sql};"


def _tables(path: Path) -> dict[str, int]:
    with closing(_opened(path)) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: db.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}
