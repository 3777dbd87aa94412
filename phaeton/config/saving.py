"""Writing a configuration file so that there is always a whole one: beside, on the disk, then renamed."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path


def replace(path: Path, text: str, *, keep: bool = False) -> Path | None:
    """Put the text in the place of the file, keeping its owner and mode; a link stays one.

    ``keep``: the old file stays beside as ``<name>.bak-<n>``, which is returned. Raises `OSError`; nothing is changed
    then.
    """
    path = path.resolve()
    fresh = beside(path, text)
    kept = None
    try:
        if path.exists():
            _as_before(path, fresh)
            kept = keep_old(path) if keep else None
        else:
            fresh.chmod(0o600)  # it may come to hold secrets
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    settle(path.parent)
    return kept


class NowhereError(Exception):
    """There is no file that could be written; the text says what to do."""


def target(path: Path | None, places: Sequence[Path]) -> Path:
    """The file that a configuration is saved to: its own, else the first that can be made; raises `NowhereError`."""
    if path is not None:
        path = path.resolve()
        if path.exists() and not os.access(path, os.W_OK):
            raise NowhereError(f"{path} is read-only: allow writing to it; nothing was changed")
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise NowhereError(f"{remedy(path, PermissionError(errno.EACCES, ''))}; nothing was changed")
        return path
    for place in places:
        if not place.exists() and os.access(place.absolute().parent, os.W_OK | os.X_OK):
            return place.absolute()
    raise NowhereError(
        f"there is no file, and none can be made at {', '.join(map(str, places))}: make one of these folders "
        "writable, or start with `phaeton run -c FILE`"
    )


def beside(path: Path, text: str) -> Path:
    """A file with the text in the same folder, safely on the disk."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def keep_old(path: Path) -> Path:
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


def settle(folder: Path) -> None:
    """Names in the folder are on the disk from here on."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(path: Path) -> None:
    """Remove what an interrupted writing left beside the file."""
    path = path.resolve()
    with contextlib.suppress(OSError):
        for left in path.parent.glob(f".{path.name}.????????"):
            left.unlink()


def remedy(path: Path, error: OSError) -> str:
    """What to do about a file that cannot be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full: free some space"
    if error.errno == errno.EROFS:
        return f"{path.parent} is read-only: mount it for writing, or keep the file elsewhere (phaeton run -c FILE)"
    if error.errno == errno.EBUSY:
        return f"{path} is mounted by itself, so it cannot be replaced: mount its folder instead"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{path.parent} may not be written by the user that Phaeton runs as: change its owner or its mode"
    return f"check {path.parent} and its disk"


def _as_before(old: Path, fresh: Path) -> None:
    before = old.stat()
    shutil.copymode(old, fresh)
    with contextlib.suppress(PermissionError):  # only root may give files away
        os.chown(fresh, before.st_uid, before.st_gid)
