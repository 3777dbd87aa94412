"""A folder as a bundle: its manifest, and a packed file whose bytes depend on nothing but the content."""

from __future__ import annotations

import gzip
import os
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from phaeton.updates.bundle import MANIFEST, SUMS, Entry, Manifest, sum_of

_TIME = "%Y-%m-%dT%H:%M:%SZ"


def when(epoch_s: int) -> str:
    """A time as the manifest has it."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime(_TIME)


def write_manifest(tree: Path, version: str, arch: str, epoch_s: int) -> Manifest:
    """List everything in the folder; the last step before it is packed."""
    manifest = Manifest(version=version, arch=arch, created=when(epoch_s), files=tuple(_entries(tree)))
    (tree / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
    return manifest


def pack(tree: Path, bundle: Path, epoch_s: int) -> None:
    """Pack the folder; the manifest comes first. No name, number or time of this machine gets in."""
    beside = bundle.with_name(f".{bundle.name}.new")
    with (
        beside.open("wb") as file,
        gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=9, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in (tree / MANIFEST, *_content(tree)):
            member = tarfile.TarInfo(path.relative_to(tree).as_posix())
            member.mtime = epoch_s
            if path.is_symlink():
                member.type, member.linkname, member.mode = tarfile.SYMTYPE, os.readlink(path), 0o777
                archive.addfile(member)
            else:
                member.mode = 0o755 if os.access(path, os.X_OK) else 0o644
                member.size = path.stat().st_size
                with path.open("rb") as content:
                    archive.addfile(member, content)
    beside.replace(bundle)


def write_sums(folder: Path, names: list[str]) -> Path:
    """``SHA256SUMS`` over files of a release, as ``sha256sum`` writes it."""
    sums = folder / SUMS
    sums.write_text("".join(f"{sum_of(folder / name)}  {name}\n" for name in sorted(names)))
    return sums


def _content(tree: Path) -> Iterator[Path]:
    """All files and links but the manifest, in the same order everywhere."""
    found = [path for path in tree.rglob("*") if path.is_symlink() or path.is_file()]
    yield from sorted((path for path in found if path != tree / MANIFEST), key=lambda one: one.as_posix().encode())


def _entries(tree: Path) -> Iterator[Entry]:
    for path in _content(tree):
        name = path.relative_to(tree).as_posix()
        yield Entry(path=name, link=os.readlink(path)) if path.is_symlink() else Entry(path=name, sha256=sum_of(path))
