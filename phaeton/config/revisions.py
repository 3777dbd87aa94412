"""Earlier texts of the configuration: who changed what and when, one file each, so that a change can be undone.

They hold secrets as the configuration file does, and are readable by nobody else.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from phaeton.config.saving import settle

FOLDER = "revisions"
MOST = 50
"""So many are kept."""
MOST_BYTES = 4_000_000
"""All together; the oldest go first."""


class Revision(Struct, frozen=True, omit_defaults=True):
    """The text that was in force from a moment on."""

    number: int
    utc_s: float
    who: str
    """The caller's name; ``file`` for a change by hand, ``before`` for the text that was there before the first."""
    changes: tuple[str, ...] = ()
    """Each key that it changed, secrets hidden."""
    text: str = ""
    note: str = ""


class Revisions:
    """The revisions in a folder of the store; every method may block."""

    def __init__(self, directory: Path) -> None:
        """``directory`` is that of the store."""
        self.folder = directory / FOLDER

    def all(self) -> list[Revision]:
        """The newest first; files that cannot be read are left out."""
        found = [self._read(path) for path in sorted(self.paths(), reverse=True)]
        return [revision for revision in found if revision is not None]

    def get(self, number: int) -> Revision | None:
        """One of them."""
        return self._read(self._path(number))

    def newest(self) -> Revision | None:
        """The last one that can be read."""
        for path in sorted(self.paths(), reverse=True):
            found = self._read(path)
            if found is not None:
                return found
        return None

    def add(self, utc_s: float, who: str, text: str, changes: tuple[str, ...] = (), note: str = "") -> Revision:
        """Keep a text as the newest revision; raises `OSError`."""
        paths = sorted(self.paths())
        number = _number(paths[-1]) + 1 if paths else 1
        revision = Revision(number, utc_s, who, changes, text, note)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = self._path(number)
        fresh = place.with_suffix(".tmp")
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(revision))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(place)
        settle(self.folder)
        self._bound()
        return revision

    def _bound(self) -> None:
        kept_bytes = 0
        for index, path in enumerate(sorted(self.paths(), reverse=True)):
            kept_bytes += path.stat().st_size
            if index >= MOST or (index > 0 and kept_bytes > MOST_BYTES):
                path.unlink()

    def paths(self) -> list[Path]:
        """Their files."""
        return [path for path in self.folder.glob("*.json") if path.stem.isdecimal()]

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:08d}.json"

    @staticmethod
    def _read(path: Path) -> Revision | None:
        try:
            return msgspec.json.decode(path.read_bytes(), type=Revision)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None


def _number(path: Path) -> int:
    return int(path.stem)
