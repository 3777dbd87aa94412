"""Rewriting a configuration file in the present layout; the old one is kept beside it."""

from __future__ import annotations

import shutil
from pathlib import Path

from msgspec import Struct

from phaeton.config import document, forerunner_state
from phaeton.config.load import Loaded, parse, text_of
from phaeton.config.saving import beside, replace, settle
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


def migrate_file(path: Path, target: Path | None = None, state: Path | None = None) -> Migrated:
    """Write the file anew (or as ``target``) in the present layout.

    In place the old one is kept as ``<name>.bak-<n>``. With ``state``, the state file of a forerunner, what it was set
    to last becomes the beginning; a file that has the present layout already is not changed by it. Raises
    `ConfigError` when the file is not valid, `ValueError` when the state is none, `OSError` when it cannot be written
    (nothing is changed then), `FileExistsError` when ``target`` is there already.
    """
    path = path.resolve()
    text = text_of(path)
    loaded = parse(text, path)
    present = version_of(document.parse(text)) == VERSION
    if present and target is None:
        return Migrated(loaded, None)
    config = loaded.config
    if state is not None and not present:
        config = forerunner_state.applied(config, forerunner_state.read(state))
    if target is not None and target.exists():
        raise FileExistsError(f"{target} is there already")
    written = target.absolute() if target is not None else path
    fresh = HEADING + to_yaml(config, comments=True)
    if target is None:
        return Migrated(loaded, written, replace(written, fresh, keep=True))
    file = beside(written, fresh)
    try:
        shutil.copymode(path, file)
        file.replace(written)
    except OSError:
        file.unlink(missing_ok=True)
        raise
    settle(written.parent)
    return Migrated(loaded, written)
