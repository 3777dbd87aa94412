"""Rewriting a configuration file in the present layout; the old one is kept beside it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from msgspec import Struct

from phaeton.config import document
from phaeton.config.load import Loaded, parse, text_of
from phaeton.config.tree import VERSION
from phaeton.config.versions import version_of
from phaeton.config.writing import HEADING, to_yaml


class Migrated(Struct, frozen=True):
    """What was done."""

    loaded: Loaded
    written: Path | None
    """The file in the present layout; None when it had that already."""
    kept: Path | None = None
    """The old file, where it had to make room."""


def migrate_file(path: Path, target: Path | None = None) -> Migrated:
    """Write the file anew (or as ``target``) in the present layout.

    In place the old one is kept as ``<name>.bak-<n>``. Raises `ConfigError` when it is not valid, `OSError` when it
    cannot be written (nothing is changed then), `FileExistsError` when ``target`` is there already.
    """
    path = path.resolve()
    text = text_of(path)
    loaded = parse(text, path)
    if version_of(document.parse(text)) == VERSION and target is None:
        return Migrated(loaded, None)
    if target is not None and target.exists():
        raise FileExistsError(f"{target} is there already")
    written = target.absolute() if target is not None else path
    fresh = _beside(written, HEADING + to_yaml(loaded.config, comments=True))
    try:
        shutil.copymode(path, fresh)
        kept = _keep(path) if target is None else None
        fresh.replace(written)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    _settle(written.parent)
    return Migrated(loaded, written, kept)


def _beside(path: Path, text: str) -> Path:
    """A file with the text in the same folder, safely on disk."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)


def _keep(path: Path) -> Path:
    """The file under its next free backup name as well."""
    number = 1
    while True:
        kept = path.with_name(f"{path.name}.bak-{number}")
        try:
            with kept.open("xb"):
                pass
        except FileExistsError:
            number += 1
            continue
        shutil.copy2(path, kept)
        return kept


def _settle(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
