"""A bundle with its checksums and signature as one file: what an owner uploads.

It is a plain tar of three files: the bundle, ``SHA256SUMS`` and ``SHA256SUMS.minisig``; any tar makes it, and so does
``phaeton update apply FILE`` of the three beside each other.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

from phaeton.updates.bundle import MOST_BYTES, MOST_SUMS_BYTES, SIGNATURE, SUMS, parts_of
from phaeton.updates.problem import UpdateRefusedError


def packed(bundle: Path, parcel: Path) -> None:
    """Make one of a bundle and the two files beside it; raises `UpdateRefusedError`. Blocks."""
    for needed in (bundle, bundle.with_name(SUMS), bundle.with_name(SIGNATURE)):
        if not needed.is_file():
            raise UpdateRefusedError(
                f"{needed} is not there; a bundle needs {SUMS} and {SIGNATURE} of its release beside it"
            )
    with tarfile.open(parcel, "w") as archive:
        for path in (bundle.with_name(SUMS), bundle.with_name(SIGNATURE), bundle):
            archive.add(path, path.name, recursive=False)


def opened(parcel: Path, folder: Path) -> Path:
    """The bundle of a parcel, with the two others beside it in ``folder``; raises `UpdateRefusedError`. Blocks."""
    found: Path | None = None
    try:
        with tarfile.open(parcel, "r:") as archive:
            for member in archive:
                name = Path(member.name).name
                is_bundle = parts_of(name) is not None
                if not member.isreg() or not (is_bundle or name in (SUMS, SIGNATURE)):
                    continue
                if member.size > (MOST_BYTES if is_bundle else MOST_SUMS_BYTES) or (is_bundle and found is not None):
                    raise UpdateRefusedError("the file holds more than one bundle, or one that is too large")
                member.name = name
                archive.extract(member, folder, filter="data")
                found = folder / name if is_bundle else found
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise UpdateRefusedError(
            f"the file cannot be read, it must be a tar of a bundle with {SUMS} and {SIGNATURE}: {error}"
        ) from None
    if found is None or not all((folder / name).is_file() for name in (SUMS, SIGNATURE)):
        raise UpdateRefusedError(f"the file must be a tar that holds a bundle, {SUMS} and {SIGNATURE}")
    return found
