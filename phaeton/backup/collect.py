"""What goes into a backup: taken while the daemon runs or not, each part as it is at one instant."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from msgspec import Struct

from phaeton.backup.container import CONFIGURATION, DATABASE, PLAIN_STORE, Manifest, write
from phaeton.backup.problem import BackupError
from phaeton.config.document import Plain
from phaeton.config.hiding import hidden_text
from phaeton.config.load import Loaded
from phaeton.config.revisions import Revisions
from phaeton.config.tree import Config
from phaeton.config.writing import HEADING, expanded, to_yaml
from phaeton.sinks.recorder import folder_of, recordings_in
from phaeton.sinks.store import directory
from phaeton.sinks.store.copying import OPEN_FACTS, copy

PARTS = ("config", "sessions", "secrets", "recordings")
USUAL = ("config", "sessions", "secrets")
STORE_FILE = "phaeton.db"
ACCESS = ("password.json", "tokens.json")
"""Of the folder ``access``; logins end with a restore."""


class House(Struct, frozen=True):
    """What is backed up, or restored into: the configuration in force and its store."""

    loaded: Loaded
    store: Path
    environ: Mapping[str, str] = {}

    @classmethod
    def of(cls, loaded: Loaded, environ: Mapping[str, str]) -> House:
        """The store is where the configuration says."""
        return cls(loaded, directory(loaded.config.store.directory), environ)


def make(house: House, target: Path, include: tuple[str, ...], password: str) -> Manifest:
    """Write a backup; blocks. Raises `BackupError` and `OSError`; there is no file then."""
    include = checked(include)
    if "secrets" in include and not password:
        raise BackupError("secrets are only kept encrypted: give a password, or leave secrets out", "password")
    house.store.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".backup-", dir=house.store) as scratch:
        sources: dict[str, Path | bytes] = {}
        notes: list[str] = []
        secret = "secrets" in include
        if "config" in include:
            sources[CONFIGURATION] = _configuration(house, secret).encode()
            notes += _elsewhere(expanded(house.loaded.config), "")
        if "sessions" in include:
            sources |= _sessions(house, Path(scratch), secret)
        if secret:
            sources |= _secrets(house, include)
        else:
            notes.append("secrets are not inside: tokens, passwords and logins have to be there already or given anew")
        if "recordings" in include:
            folder = folder_of(house.loaded.config)
            sources |= {f"recordings/{name}": folder / name for name, _ in recordings_in(folder)}
        return write(target, sources, include, tuple(notes), password)


def checked(include: tuple[str, ...]) -> tuple[str, ...]:
    """The parts in their order; raises `BackupError` for one that is none."""
    unknown = set(include) - set(PARTS)
    if unknown or not set(include) - {"secrets"}:
        names = ", ".join(PARTS)
        raise BackupError(f"a backup holds some of {names}; secrets alone are none of their own")
    return tuple(part for part in PARTS if part in include)


def _configuration(house: House, secret: bool) -> str:
    text = house.loaded.text or HEADING + to_yaml(house.loaded.config)
    return text if secret else hidden_text(text)


def _sessions(house: House, scratch: Path, secret: bool) -> Iterator[tuple[str, Path | bytes]]:
    found = house.store / STORE_FILE
    plain = house.store / PLAIN_STORE
    if found.exists():
        try:
            copy(found, scratch / STORE_FILE, secrets=secret)
        except sqlite3.Error as error:
            raise BackupError(f"{found} cannot be copied: {error}") from None
        yield DATABASE, scratch / STORE_FILE
    elif plain.exists():
        content = msgspec.json.decode(plain.read_bytes(), type=dict[str, object])
        facts = content.get("facts")
        if not secret and isinstance(facts, dict):
            content["facts"] = {key: value for key, value in facts.items() if str(key).startswith(OPEN_FACTS)}
        yield PLAIN_STORE, msgspec.json.encode(content)


def _secrets(house: House, include: tuple[str, ...]) -> Iterator[tuple[str, Path | bytes]]:
    for name in ACCESS:
        path = house.store / "access" / name
        if path.exists():
            yield f"access/{name}", path.read_bytes()
    if "config" in include:
        for path in Revisions(house.store).paths():
            yield f"revisions/{path.name}", path.read_bytes()


def _elsewhere(value: Plain, path: str) -> Iterator[str]:
    """Secrets whose text is in a file or a variable of their own."""
    if isinstance(value, dict) and value.keys() == {"value", "file", "env"}:
        if value["file"]:
            yield f"{path} is in the file {value['file']}, which is not inside"
        if value["env"]:
            yield f"{path} is in the environment variable {value['env']}, which is not inside"
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _elsewhere(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _elsewhere(item, f"{path}[{index}]")


def store_of(config: Config) -> Path:
    """Where a configuration keeps its data."""
    return directory(config.store.directory)
