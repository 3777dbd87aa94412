"""The backup file: one line of JSON that says what it is, then a ZIP archive, encrypted where it holds secrets.

The archive has a ``manifest.json``: what is inside, with sizes and SHA-256. Only names that are known here are
taken, and never more bytes than a manifest may promise, so that no file can fill a disk or reach another place.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, cast

import msgspec
from msgspec import Struct

from phaeton import __version__
from phaeton.backup import sealing
from phaeton.backup.problem import BackupError
from phaeton.backup.sealing import Seal, SealedFile

VERSION = 1
SUFFIX = ".phaeton-backup"
MANIFEST = "manifest.json"
CONFIGURATION = "configuration.yaml"
DATABASE = "sessions.db"
PLAIN_STORE = "phaeton-state.json"

_LONGEST_HEAD = 4096
_MB = 1_000_000
LIMITS: tuple[tuple[re.Pattern[str], int], ...] = (
    (re.compile(CONFIGURATION), 2 * _MB),
    (re.compile(DATABASE), 1000 * _MB),
    (re.compile(PLAIN_STORE), 20 * _MB),
    (re.compile(r"revisions/[0-9]{8}\.json"), 2 * _MB),
    (re.compile(r"access/(password|tokens)\.json"), 1 * _MB),
    (re.compile(r"recordings/[A-Za-z0-9][A-Za-z0-9._-]{0,100}\.phaeton"), 200 * _MB),
)
"""What may be in a backup, and how large."""
MOST_BYTES = 1500 * _MB
MOST_MEMBERS = 4000
_CHUNK = 1 << 16
_DAMAGED = "the backup is damaged: "


class Member(Struct, frozen=True):
    """One file inside."""

    size: int
    sha256: str


class Head(Struct, frozen=True):
    """The first line."""

    phaeton_backup: int
    made: str
    """RFC 3339, UTC."""
    by: str
    """The version of Phaeton that made it."""
    seal: Seal | None = None


class Manifest(Struct, frozen=True):
    """What is inside."""

    includes: tuple[str, ...]
    """``config``, ``sessions``, ``secrets``, ``recordings``."""
    members: dict[str, Member]
    notes: tuple[str, ...] = ()
    """What the owner should know, such as files of secrets that are not inside."""


def write(
    target: Path, sources: Mapping[str, Path | bytes], includes: tuple[str, ...], notes: tuple[str, ...], password: str
) -> Manifest:
    """Make the file, readable by its owner only; blocks. Raises `BackupError`, `OSError`."""
    seal, key = sealing.made(password) if password else (None, b"")
    made = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    head = msgspec.json.encode(Head(VERSION, made, __version__, seal)) + b"\n"
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(head)
            if seal is None:
                manifest = _pack(file, sources, includes, notes)
            else:
                sealed = SealedFile(file, seal, key, head)
                manifest = _pack(cast(IO[bytes], sealed), sources, includes, notes)
                sealed.finish()
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return manifest


def _pack(
    file: IO[bytes], sources: Mapping[str, Path | bytes], includes: tuple[str, ...], notes: tuple[str, ...]
) -> Manifest:
    """The archive; what a file holds is measured while it is read, since a recording may grow meanwhile."""
    members = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, source in sources.items():
            digest, size = hashlib.sha256(), 0
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            with (
                io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as plain,
                archive.open(info, "w", force_zip64=True) as packed,
            ):
                while piece := plain.read(_CHUNK):
                    digest.update(piece)
                    size += len(piece)
                    packed.write(piece)
            members[name] = Member(size, digest.hexdigest())
        manifest = Manifest(includes, members, notes)
        archive.writestr(MANIFEST, msgspec.json.encode(manifest))
    return manifest


def head_of(path: Path) -> tuple[Head, bytes]:
    """The first line, which is there without a password; raises `BackupError`."""
    with path.open("rb") as file:
        line = file.readline(_LONGEST_HEAD)
    if not line.endswith(b"\n") or not line.startswith(b'{"phaeton_backup":'):
        raise BackupError("this is no backup of Phaeton")
    try:
        version = msgspec.json.decode(line, type=dict[str, msgspec.Raw])["phaeton_backup"]
        if int(bytes(version)) > VERSION:
            raise BackupError("the backup was made by a newer Phaeton: update this one first", "newer")
        head = msgspec.json.decode(line, type=Head)
    except (msgspec.MsgspecError, ValueError, KeyError):
        raise BackupError(_DAMAGED + "its first line cannot be read") from None
    return head, line


class Opened:
    """A backup whose content may be trusted to be what was packed."""

    def __init__(self, head: Head, manifest: Manifest, archive: zipfile.ZipFile) -> None:
        self.head = head
        self.manifest = manifest
        self._archive = archive

    def unpack(self, name: str, target: Path) -> None:
        """One member, checked against the manifest and safely on the disk; blocks."""
        member = self.manifest.members[name]
        digest, taken = hashlib.sha256(), 0
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file, self._reading(name) as packed:
            while piece := packed.read(_CHUNK):
                taken += len(piece)
                if taken > member.size:
                    break
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if taken != member.size or digest.hexdigest() != member.sha256:
            raise BackupError(f"{_DAMAGED}{name} is not what was packed")

    def read(self, name: str) -> bytes:
        """A small member in memory."""
        member = self.manifest.members[name]
        with self._reading(name) as packed:
            found = packed.read(member.size + 1)
        if len(found) != member.size or hashlib.sha256(found).hexdigest() != member.sha256:
            raise BackupError(f"{_DAMAGED}{name} is not what was packed")
        return found

    @contextmanager
    def _reading(self, name: str) -> Iterator[IO[bytes]]:
        try:
            with self._archive.open(name) as packed:
                yield packed
        except (zipfile.BadZipFile, EOFError, NotImplementedError, KeyError, ValueError, RuntimeError) as error:
            raise BackupError(f"{_DAMAGED}{name} cannot be unpacked ({error})") from None
        except Exception as error:
            if type(error).__module__ == "zlib":
                raise BackupError(f"{_DAMAGED}{name} cannot be unpacked ({error})") from None
            raise


@contextmanager
def opened(path: Path, password: str, scratch: Path) -> Iterator[Opened]:
    """Open the backup; blocks. ``scratch`` takes the decrypted archive for that while. Raises `BackupError`."""
    head, line = head_of(path)
    try:
        archive_path = path
        if head.seal is not None:
            key = sealing.key_of(head.seal, password)
            os.close(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            with path.open("rb") as file:
                file.seek(len(line))
                sealing.opened(file, path.stat().st_size - len(line), head.seal, key, line, scratch)
            archive_path = scratch
        try:
            archive = zipfile.ZipFile(archive_path)
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
            raise BackupError(f"{_DAMAGED}it was cut short or changed ({error})") from None
        with archive:
            yield Opened(head, _manifest(archive), archive)
    finally:
        scratch.unlink(missing_ok=True)


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    infos = {info.filename: info for info in archive.infolist()}
    if len(infos) != len(archive.infolist()) or len(infos) > MOST_MEMBERS:
        raise BackupError(f"{_DAMAGED}it holds too many files, or one twice")
    if MANIFEST not in infos or infos[MANIFEST].file_size > _MB:
        raise BackupError(f"{_DAMAGED}it does not say what it holds")
    try:
        with archive.open(MANIFEST) as packed:
            manifest = msgspec.json.decode(packed.read(_MB), type=Manifest)
    except Exception as error:
        raise BackupError(f"{_DAMAGED}it does not say what it holds ({error})") from None
    if manifest.members.keys() != infos.keys() - {MANIFEST}:
        raise BackupError(f"{_DAMAGED}it holds other files than it says")
    total = 0
    for name, member in manifest.members.items():
        most = next((most for pattern, most in LIMITS if pattern.fullmatch(name)), None)
        if most is None:
            raise BackupError(f"{_DAMAGED}it holds {name[:80]!r}, which belongs to no backup")
        if not 0 <= member.size <= most or infos[name].file_size != member.size:
            raise BackupError(f"{_DAMAGED}{name} is larger than it may be")
        total += member.size
    if total > MOST_BYTES:
        raise BackupError(f"{_DAMAGED}it is larger than a backup may be")
    return manifest
