"""Phaeton itself, out of a commit: what lies about in the work tree gets into no bundle."""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
from pathlib import Path

from msgspec import Struct

from bundling.problem import BundlingError

ROOT = Path(__file__).parents[1]
PACKAGE = "phaeton"
INSTALLER = "venus"
_VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)


class Source(Struct, frozen=True):
    """A commit, unpacked."""

    folder: Path
    version: str
    epoch_s: int
    """When it was made: the time of all files of the bundle."""


def export(commit: str, folder: Path, root: Path = ROOT) -> Source:
    """Unpack what a bundle takes of a commit; raises `BundlingError`."""
    listed = _git(root, "ls-tree", "--name-only", commit).decode().split()
    wanted = [name for name in (PACKAGE, INSTALLER, "LICENSE") if name in listed]
    with tarfile.open(fileobj=io.BytesIO(_git(root, "archive", "--format=tar", commit, *wanted))) as archive:
        archive.extractall(folder, filter="data")
    found = _VERSION.search((folder / PACKAGE / "__init__.py").read_text())
    if found is None:
        raise BundlingError(f"{commit} has no version in {PACKAGE}/__init__.py")
    return Source(folder, found[1], int(_git(root, "log", "-1", "--format=%ct", commit)))


def _git(root: Path, *arguments: str) -> bytes:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)
    if done.returncode != 0:
        raise BundlingError(f"git {arguments[0]}: {done.stderr.decode().strip()}")
    return done.stdout
