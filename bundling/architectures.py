"""The processors that bundles are made for, and what Debian and PyPI call them."""

from __future__ import annotations

from msgspec import Struct

from phaeton.updates.bundle import architecture

PYTHON = "3.13"
"""The Python that is carried: that of Debian `SUITE`."""
SUITE = "trixie"


class Architecture(Struct, frozen=True, kw_only=True):
    """One kind of processor."""

    name: str
    """As in the name of a bundle."""
    debian: str
    multiarch: str
    """The folder of Debian's libraries."""
    loader: str
    """glibc's, which starts a program with its libraries."""
    wheels: tuple[str, ...]
    """Platform tags of PyPI whose wheels run with the carried glibc."""
    zig: str
    """What zig calls it, with the glibc that is carried, for libraries that PyPI does not have compiled."""
    cpu: str
    """The least of its processors: a Cortex-A8 has no division."""


ALL = {
    one.name: one
    for one in (
        Architecture(
            name="armv7",
            debian="armhf",
            multiarch="arm-linux-gnueabihf",
            loader="ld-linux-armhf.so.3",
            wheels=tuple(f"manylinux_2_{glibc}_armv7l" for glibc in (31, 17)),
            zig="arm-linux-gnueabihf.2.41",
            cpu="generic+v7a+vfp3d16",
        ),
        Architecture(
            name="aarch64",
            debian="arm64",
            multiarch="aarch64-linux-gnu",
            loader="ld-linux-aarch64.so.1",
            wheels=tuple(f"manylinux_2_{glibc}_aarch64" for glibc in (34, 28, 17)),
            zig="aarch64-linux-gnu.2.41",
            cpu="generic",
        ),
        Architecture(
            name="x86_64",
            debian="amd64",
            multiarch="x86_64-linux-gnu",
            loader="ld-linux-x86-64.so.2",
            wheels=tuple(f"manylinux_2_{glibc}_x86_64" for glibc in (34, 28, 17, 5)),
            zig="x86_64-linux-gnu.2.41",
            cpu="x86_64",
        ),
    )
}


def host() -> Architecture:
    """That of this machine; it compiles for the others. Raises `KeyError` on one that no bundle is made for."""
    return ALL[architecture()]
