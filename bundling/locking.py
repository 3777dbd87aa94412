"""Renews the lock: libraries in the versions that the tests run with, Debian's packages in the newest."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

from bundling import pypi
from bundling.apt import Apt
from bundling.architectures import ALL, PYTHON, Architecture
from bundling.lock import DebianPart, Lock, PythonPart
from bundling.parts import CARRIED, COMPILE_ONLY, COMPILED, COMPILER, ONLY_FOR, pins, requirements
from bundling.problem import BundlingError
from bundling.pypi import Found

_SPELT = {"MIT": "MIT", "Apache 2": "Apache-2.0", "Apache 2.0": "Apache-2.0"}
"""What older packages call their licence, in the words of SPDX."""


def renewed(say: Callable[[str], None]) -> Lock:
    """Ask Debian and PyPI; raises `BundlingError`. Must run under the Python that is carried."""
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    if running != PYTHON:
        # pip judges "only for Python older than 3.12" by the Python that it runs in.
        raise BundlingError(f"the lock is made with Python {PYTHON}, and this is {running}")
    if int(version("pip").partition(".")[0]) < 23:
        raise BundlingError("the lock needs pip 23 or newer")
    return Lock(debian=tuple(_debian(say)), python=tuple(_python(say)))


def _debian(say: Callable[[str], None]) -> Iterator[DebianPart]:
    with tempfile.TemporaryDirectory() as folder:
        apt = Apt(Path(folder))
        if trouble := apt.update():
            say(f"not all lists could be had, and what is locked may not be the newest:\n{trouble}")
        wanted = [
            f"{package}:{arch.debian}"
            for arch in ALL.values()
            for package in (*CARRIED, *ONLY_FOR.get(arch.debian, ()), *COMPILE_ONLY)
        ]
        for fields in apt.newest(wanted):
            yield DebianPart(
                package=fields["Package"],
                version=fields["Version"],
                architecture=fields["Architecture"],
                source=fields.get("Source", fields["Package"]),
                sha256=fields["SHA256"],
                carried=fields["Package"] not in COMPILE_ONLY,
            )


def _python(say: Callable[[str], None]) -> Iterator[PythonPart]:
    widest = ALL["x86_64"]
    everything = pypi.resolve(requirements(), widest, constraints=pins())
    say(f"{len(everything)} libraries")
    kept: dict[str, PythonPart] = {}
    for arch in ALL.values():
        for one in everything if arch is widest else _for(arch, everything):
            known = kept.get(one.download_info.archive_info.hashes.sha256)
            names = (*(known.architectures if known is not None else ()), arch.name)
            kept[one.download_info.archive_info.hashes.sha256] = _part(one, names)
    yield from kept.values()
    (tool,) = pypi.resolve([COMPILER], None, dependencies=False)
    yield _part(tool, (), carried=False)


def _for(arch: Architecture, everything: tuple[Found, ...]) -> Iterator[Found]:
    """The same versions for another processor, as source where PyPI has nothing else."""
    for one in everything:
        pinned = [f"{one.metadata.name}=={one.metadata.version}"]
        try:
            yield from pypi.resolve(pinned, arch, dependencies=False)
        except BundlingError:
            if one.metadata.name not in COMPILED:
                raise
            yield from pypi.resolve(pinned, arch, dependencies=False, source=True)


def _part(found: Found, architectures: tuple[str, ...], *, carried: bool = True) -> PythonPart:
    metadata = found.metadata
    return PythonPart(
        name=metadata.name,
        version=metadata.version,
        file=found.file,
        sha256=found.download_info.archive_info.hashes.sha256,
        architectures=architectures,
        licence=metadata.license_expression or _SPELT.get(metadata.license, ""),
        carried=carried,
    )
