"""What a bundle is made of, by name; the lock says which versions."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from bundling.architectures import PYTHON

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
TESTED = Path(__file__).parents[1] / "requirements/develop.txt"
"""The versions that the tests run with."""

CARRIED = (
    f"python{PYTHON}-minimal",
    f"libpython{PYTHON}-minimal",
    f"libpython{PYTHON}-stdlib",
    "gcc-14-base",
    "libbz2-1.0",
    "libc6",
    "libexpat1",
    "libffi8",
    "libgcc-s1",
    "liblzma5",
    "libsqlite3-0",
    "libssl3t64",
    "libuuid1",
    "libyaml-0-2",
    "libzstd1",
    "python3-yaml",
    "zlib1g",
)
"""From Debian: the interpreter and all libraries that a part is linked with; gcc-14-base has the licence of libgcc."""
ONLY_FOR = {"amd64": ("libstdc++6",), "arm64": ("libstdc++6",)}
"""For some processors, by Debian's name, because a wheel of theirs is linked with it."""
COMPILE_ONLY = (f"libpython{PYTHON}-dev", "libffi-dev")
FROM_DEBIAN = frozenset({"pyyaml"})
"""Requirements that come from Debian, because PyPI has them not compiled for ARMv7."""
EXTRAS = ("mqtt", "backup")
"""Optional parts of Phaeton that a GX can carry."""
BESIDE = ("certifi", "tzdata")
"""What Python else takes from the machine: whom to trust, and the time zones."""
COMPILED = frozenset({"cffi", "msgspec"})
"""PyPI does not have them compiled for ARMv7; each is one file of C."""
COMPILER = "ziglang"

UNUSED = frozenset({
    "EXTERNALLY-MANAGED", "LICENSE.txt", "__phello__", "_pyrepl", "curses", "ensurepip", "idlelib", "lib2to3",
    "pydoc_data", "sitecustomize.py", "test", "tkinter", "turtle.py", "turtledemo", "venv",
})  # fmt: skip
"""Of Python's library; what a terminal, a window or a developer needs."""
UNUSED_MODULES = ("_ctypes_test", "_curses", "_dbm", "_gdbm", "_test", "_tkinter", "_xxtestfuzz", "readline", "xx")
"""Beginnings of the names of compiled modules."""


_PINNED = re.compile(r"^[A-Za-z0-9._-]+==[^\\\n]+", re.MULTILINE)


def pins() -> tuple[str, ...]:
    """What is carried is what was tested: ``NAME==VERSION`` of each, for some with a marker behind it."""
    return tuple(line.strip() for line in _PINNED.findall(TESTED.read_text()))


def requirements(project: Path = PROJECT) -> tuple[str, ...]:
    """What PyPI has to give, as the project asks for it."""
    asked: Mapping[str, object] = tomllib.loads(project.read_text())["project"]
    wanted, extras = asked["dependencies"], asked["optional-dependencies"]
    assert isinstance(wanted, list)
    assert isinstance(extras, dict)
    for extra in EXTRAS:
        wanted = [*wanted, *extras[extra]]
    return tuple(one for one in (*wanted, *BESIDE) if not one.lower().startswith(tuple(FROM_DEBIAN)))
