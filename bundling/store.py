"""The parts as files: fetched once, checked against the lock each time they are used."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from bundling import pypi
from bundling.apt import Apt
from bundling.architectures import Architecture
from bundling.lock import DebianPart, PythonPart
from bundling.problem import BundlingError
from phaeton.updates.bundle import sum_of


class Store:
    """A folder of files that are named by their checksums; a build from a full one needs no network."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._apt: Apt | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def debian(self, part: DebianPart) -> Path:
        """A package of Debian; raises `BundlingError`."""
        kept = self._folder / f"{part.sha256}.deb"
        if not kept.exists():
            if self._apt is None:
                self._apt = Apt(self._folder / "apt")
                self._apt.update()
            with tempfile.TemporaryDirectory(dir=self._folder) as beside:
                package = f"{part.package}:{part.architecture}"
                self._keep(self._apt.download(package, part.version, Path(beside)), kept, part.sha256)
        return _checked(kept, part.package, part.sha256)

    def python(self, part: PythonPart, arch: Architecture | None) -> Path:
        """A file of PyPI, for a processor (None: a tool for this machine); raises `BundlingError`."""
        kept = self._folder / f"{part.sha256}-{part.file}"
        if not kept.exists():
            with tempfile.TemporaryDirectory(dir=self._folder) as beside:
                self._keep(pypi.download(part, arch, Path(beside)), kept, part.sha256)
        return _checked(kept, part.name, part.sha256)

    def _keep(self, fetched: Path, kept: Path, sha256: str) -> None:
        shutil.move(_checked(fetched, fetched.name, sha256), kept)


def _checked(path: Path, name: str, sha256: str) -> Path:
    if sum_of(path) != sha256:
        raise BundlingError(f"{name} is not the file of the lock: {path}")
    return path
