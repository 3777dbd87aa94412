"""From a bundle with its signature to a version that can be tried; blocks, and belongs beside the event loop."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from phaeton.updates.bundle import SIGNATURE, SUMS, need_room, unpack, verify
from phaeton.updates.place import Place
from phaeton.updates.problem import UpdateRefusedError
from phaeton.updates.signature import PublicKey
from phaeton.updates.version import newer

EXPANSION = 5
"""How much larger than a bundle its content is, at most, when the room on the disk is looked at beforehand."""


def stage(bundle: Path, place: Place, keys: Iterable[PublicKey], *, older: bool = False) -> str:
    """Verify and unpack a bundle that has its checksums and signature beside it; returns its version.

    One that is not newer than the current version is refused, unless ``older`` says that it is wanted.
    Raises `UpdateRefusedError`; the versions that are there are as they were then.
    """
    try:
        sums = bundle.with_name(SUMS).read_bytes()
        signature = bundle.with_name(SIGNATURE).read_text(encoding="utf-8", errors="replace")
        version, arch = verify(bundle, sums, signature, keys)
    except OSError as error:
        raise UpdateRefusedError(f"{bundle.name} cannot be read: {error}") from None
    current = place.current
    if version == current:
        raise UpdateRefusedError(f"version {version} runs already")
    if current is not None and not older and not newer(version, current):
        raise UpdateRefusedError(f"version {version} is older than {current}, which runs; ask for it by its version")
    if not place.has(version):
        try:
            need_room(place.root, bundle.stat().st_size * EXPANSION)
            unpack(bundle, place, version, arch)
        except OSError as error:
            raise UpdateRefusedError(f"{bundle.name} cannot be unpacked: {error}") from None
    return version
