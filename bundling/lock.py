"""The lock: each part that goes into a bundle or makes one, by version and checksum (``bundling/lock.json``)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from bundling.architectures import Architecture
from bundling.problem import BundlingError

LOCK = Path(__file__).with_name("lock.json")


class DebianPart(Struct, frozen=True, kw_only=True):
    """A package of Debian for one processor."""

    package: str
    version: str
    architecture: str
    """Debian's name for it."""
    source: str
    """The source package and its version, where that differs: who wants to build it takes this."""
    sha256: str
    carried: bool = True
    """False for what is needed only to compile."""


class PythonPart(Struct, frozen=True, kw_only=True):
    """A file of PyPI."""

    name: str
    version: str
    file: str
    sha256: str
    architectures: tuple[str, ...]
    """Of the bundles that it is for."""
    licence: str = ""
    """In SPDX; empty where the package does not tell in so many words."""
    carried: bool = True
    """False for the compiler."""

    @property
    def compiled_here(self) -> bool:
        """A source, which is compiled for the processor."""
        return not self.file.endswith(".whl")


class Lock(Struct, frozen=True, kw_only=True):
    """All of them."""

    debian: tuple[DebianPart, ...]
    python: tuple[PythonPart, ...]

    def debian_for(self, arch: Architecture, *, carried: bool) -> Iterator[DebianPart]:
        """The packages for one bundle, or those that only compile it."""
        return (one for one in self.debian if one.architecture == arch.debian and one.carried is carried)

    def python_for(self, arch: Architecture) -> Iterator[PythonPart]:
        """The libraries of one bundle."""
        return (one for one in self.python if one.carried and arch.name in one.architectures)

    def tool(self, name: str) -> PythonPart:
        """A tool from PyPI; raises `BundlingError`."""
        for one in self.python:
            if one.name == name and not one.carried:
                return one
        raise BundlingError(f"{LOCK.name} has no {name}: renew it with `python -m bundling lock`")


def load(path: Path = LOCK) -> Lock:
    """Read it; raises `BundlingError`."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Lock)
    except (OSError, msgspec.MsgspecError) as error:
        raise BundlingError(f"{path} cannot be read: {error}") from None


def save(lock: Lock, path: Path = LOCK) -> None:
    """Write it, sorted, so that a change of it can be read."""
    ordered = Lock(
        debian=tuple(sorted(lock.debian, key=lambda one: (one.package, one.architecture))),
        python=tuple(sorted(lock.python, key=lambda one: (one.name, one.file))),
    )
    path.write_bytes(msgspec.json.format(msgspec.json.encode(ordered), indent=1) + b"\n")
