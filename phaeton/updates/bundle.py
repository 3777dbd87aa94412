"""A bundle: Phaeton and all that it needs for one kind of processor, as a packed folder with a manifest.

    phaeton-<version>-venus-<arch>.tar.gz    MANIFEST.json, bin/phaeton and the rest, without a folder around
    SHA256SUMS                               of all bundles of the release
    SHA256SUMS.minisig                       who made them

Nothing of a bundle is unpacked before its checksum and the signature over it fit. What is unpacked is then held against
the manifest, file by file as it is on the disk.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import sys
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

import msgspec
from msgspec import Struct

from phaeton.updates import disk
from phaeton.updates.place import PROGRAM, VERSION, Place
from phaeton.updates.problem import UpdateRefusedError
from phaeton.updates.signature import PublicKey, check

SUMS, SIGNATURE, MANIFEST = "SHA256SUMS", "SHA256SUMS.minisig", "MANIFEST.json"
MOST_BYTES = 100_000_000
"""A bundle, packed."""
MOST_UNPACKED_BYTES = 400_000_000
MOST_FILES = 30_000
MOST_SUMS_BYTES = 100_000
SPARE_BYTES = 20_000_000
"""Kept free on the disk."""

_NAME = re.compile(r"phaeton-(?P<version>[A-Za-z0-9][A-Za-z0-9.+_-]{0,63})-venus-(?P<arch>[a-z0-9_]+)\.tar\.gz")
_ARCHITECTURES = {"armv7l": "armv7", "armv8l": "armv7", "aarch64": "aarch64", "arm64": "aarch64", "x86_64": "x86_64"}
_PIECE = 1 << 16


class Entry(Struct, frozen=True, kw_only=True):
    """One file of a bundle."""

    path: str
    sha256: str = ""
    """Empty for a link."""
    link: str = ""
    """Where a link shows, from its own folder."""


class Manifest(Struct, frozen=True, kw_only=True):
    """What a bundle says of itself."""

    version: str
    arch: str
    created: str
    """ISO 8601, UTC."""
    files: tuple[Entry, ...]
    """All files and links but the manifest itself."""
    python: str = ""
    """The least version of Python that it needs of the machine; empty where it brings its own."""


def architecture() -> str:
    """The kind of bundle that runs here; a 64-bit kernel may carry programs of 32 bits only."""
    machine = platform.machine()
    found = _ARCHITECTURES.get(machine, machine)
    return "armv7" if found == "aarch64" and sys.maxsize < 2**32 else found


def bundle_name(version: str, arch: str) -> str:
    """The name of the file."""
    return f"phaeton-{version}-venus-{arch}.tar.gz"


def parts_of(name: str) -> tuple[str, str] | None:
    """Version and processor by the name of a bundle; None for another file."""
    found = _NAME.fullmatch(name)
    return None if found is None else (found["version"], found["arch"])


def sum_of(path: Path) -> str:
    """SHA-256 of a file; blocks."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            found.update(piece)
    return found.hexdigest()


def verify(path: Path, sums: bytes, signature: str, keys: Iterable[PublicKey]) -> tuple[str, str]:
    """Version and processor of a bundle that somebody trusted has made; else raises `UpdateRefusedError`. Blocks."""
    parts = parts_of(path.name)
    if parts is None:
        raise UpdateRefusedError(f"{path.name} is no bundle: it must be named {bundle_name('VERSION', 'ARCH')}")
    check(sums, signature, keys)
    expected = _sums_in(sums).get(path.name)
    if expected is None:
        raise UpdateRefusedError(f"{path.name} is not among the signed checksums")
    if sum_of(path) != expected:
        raise UpdateRefusedError(f"{path.name} is not what was signed: it is damaged or was changed")
    if parts[1] != architecture():
        raise UpdateRefusedError(f"{path.name} is for {parts[1]}, and this machine is {architecture()}")
    return parts


def _sums_in(sums: bytes) -> Mapping[str, str]:
    found = {}
    for line in sums.decode("utf-8", "replace").splitlines():
        checksum, _, name = line.partition(" ")
        found[name.lstrip(" *")] = checksum.lower()
    return found


def need_room(folder: Path, wanted: int) -> None:
    """Raise `UpdateRefusedError` where the disk has no room for this many bytes more."""
    free = shutil.disk_usage(folder).free
    if free < wanted + SPARE_BYTES:
        raise UpdateRefusedError(
            f"{(wanted + SPARE_BYTES) / 1e6:.0f} MB are needed in {folder}, and {free / 1e6:.0f} MB are free"
        )


def unpack(path: Path, place: Place, version: str, arch: str) -> Manifest:
    """Put a verified bundle into ``versions/``; raises `UpdateRefusedError`, and leaves nothing then. Blocks."""
    if not VERSION.fullmatch(version):
        raise UpdateRefusedError(f"{version!r} is no version")
    place.versions.mkdir(exist_ok=True)
    beside = place.versions / f".{version}.new"
    shutil.rmtree(beside, ignore_errors=True)
    try:
        beside.mkdir()
        manifest = _unpacked(path, beside)
        _judge(manifest, version, arch)
        _compare(manifest, beside)
        final = place.versions / version
        if final.exists():
            shutil.rmtree(final)
        _sync(beside)
        beside.rename(final)
        disk.sync_folder(place.versions)
    except (tarfile.TarError, EOFError, OSError, msgspec.MsgspecError, ValueError) as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise UpdateRefusedError(f"{path.name} cannot be unpacked: {error}") from None
    except UpdateRefusedError:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return manifest


def verify_unpacked(folder: Path) -> Manifest:
    """Hold a folder that somebody unpacked a bundle into against its manifest; raises `UpdateRefusedError`. Blocks."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
        _judge(manifest, manifest.version, architecture())
        _compare(manifest, folder)
    except (OSError, msgspec.MsgspecError, ValueError) as error:
        raise UpdateRefusedError(f"{folder} is no unpacked bundle: {error}") from None
    return manifest


def _unpacked(path: Path, folder: Path) -> Manifest:
    total = files = 0
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:
            files, total = files + 1, total + member.size
            if files > MOST_FILES or total > MOST_UNPACKED_BYTES:
                raise UpdateRefusedError("it is larger than any bundle when it is unpacked")
            if files % 500 == 1:
                need_room(folder, 0)
            _refuse_strange(member)
            archive.extract(member, folder, filter="data")
    return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)


def _refuse_strange(member: tarfile.TarInfo) -> None:
    """Plain files, folders and links that stay within; the filter of the library is the second who looks."""
    name = PurePosixPath(member.name)
    inside = not name.is_absolute() and ".." not in name.parts
    if member.issym():
        depth = 0
        for part in (*name.parent.parts, *PurePosixPath(member.linkname).parts):
            depth += -1 if part == ".." else part != "."
            inside = inside and depth >= 0
        inside = inside and not PurePosixPath(member.linkname).is_absolute()
    elif not (member.isreg() or member.isdir()):
        inside = False
    if not inside:
        raise UpdateRefusedError(f"it holds {member.name!r}, which is no plain file within its folder")


def _judge(manifest: Manifest, version: str, arch: str) -> None:
    if (manifest.version, manifest.arch) != (version, arch):
        raise UpdateRefusedError(
            f"it calls itself {version} for {arch}, but holds {manifest.version} for {manifest.arch}"
        )
    if manifest.python:
        wanted = tuple(int(part) for part in manifest.python.split("."))
        if sys.version_info[: len(wanted)] < wanted:
            raise UpdateRefusedError(
                f"it needs Python {manifest.python}, and this machine has {platform.python_version()}: "
                "update the firmware first"
            )


def _compare(manifest: Manifest, folder: Path) -> None:
    """Each file as it is on the disk; nothing more and nothing less than the manifest says."""
    listed = {entry.path: entry for entry in manifest.files}
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()}
    if there != {*listed, MANIFEST}:
        odd = sorted(there ^ {*listed, MANIFEST})[0]
        raise UpdateRefusedError(f"its manifest and its content differ: {odd}")
    for entry in listed.values():
        path = folder / entry.path
        right = os.readlink(path) == entry.link if path.is_symlink() else sum_of(path) == entry.sha256
        if not right:
            raise UpdateRefusedError(f"its manifest and its content differ: {entry.path}")
    if not os.access(folder / PROGRAM, os.X_OK):
        raise UpdateRefusedError(f"it has no program {PROGRAM}")


def _sync(folder: Path) -> None:
    """Everything below is on the disk before it gets its name."""
    for path in (*folder.rglob("*"), folder):
        if path.is_symlink():
            continue
        if path.is_dir():
            disk.sync_folder(path)
        else:
            with path.open("rb") as file:
                os.fsync(file.fileno())
