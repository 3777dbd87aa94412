"""Files of PyPI, by pip: for other processors than this one, and never without a checksum."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from bundling.architectures import PYTHON, Architecture
from bundling.lock import PythonPart
from bundling.problem import BundlingError


class Metadata(Struct, frozen=True):
    """Of a package, as pip reports it."""

    name: str
    version: str
    license_expression: str = ""
    license: str = ""


class Hashes(Struct, frozen=True):
    """Checksums of a file."""

    sha256: str


class Archive(Struct, frozen=True):
    """A file that was fetched."""

    hashes: Hashes


class Download(Struct, frozen=True):
    """Where a package comes from."""

    url: str
    archive_info: Archive


class Found(Struct, frozen=True):
    """What pip would install."""

    metadata: Metadata
    download_info: Download

    @property
    def file(self) -> str:
        """The name of the file."""
        return self.download_info.url.rpartition("/")[2]


class _Report(Struct, frozen=True):
    install: tuple[Found, ...]


def resolve(
    requirements: Iterable[str],
    arch: Architecture | None,
    *,
    dependencies: bool = True,
    source: bool = False,
    constraints: Iterable[str] = (),
) -> tuple[Found, ...]:
    """What pip takes for these, as wheels for a processor (None: this machine) or as source. Raises `BundlingError`."""
    options = ["--only-binary=:all:"]
    if source:
        options = ["--no-binary=:all:"]
    elif arch is not None:
        options += [f"--platform={tag}" for tag in (*arch.wheels, "any")]
        options += [f"--python-version={PYTHON}", "--implementation=cp"]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        limits = Path(folder) / "constraints.txt"
        limits.write_text("\n".join(constraints))
        options += [
            f"--constraint={limits}",
            "--dry-run",
            "--ignore-installed",
            f"--target={folder}/target",
            f"--report={report}",
        ]
        _pip("install", *options, *([] if dependencies else ["--no-deps"]), *requirements)
        return msgspec.json.decode(report.read_bytes(), type=_Report).install


def download(part: PythonPart, arch: Architecture | None, folder: Path) -> Path:
    """Fetch a file of the lock; raises `BundlingError`."""
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{part.name}=={part.version} --hash=sha256:{part.sha256}\n")
    options = ["--no-binary=:all:"] if part.compiled_here else ["--only-binary=:all:"]
    if arch is not None and not part.compiled_here:
        options += [f"--platform={tag}" for tag in (*arch.wheels, "any")]
        options += [f"--python-version={PYTHON}", "--implementation=cp"]
    _pip("download", "--no-deps", "--require-hashes", *options, "-d", str(folder), "-r", str(wanted))
    return folder / part.file


def _pip(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", *arguments],
        env={**os.environ, "PIP_FIND_LINKS": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise BundlingError(f"pip could not do it:\n{done.stderr.strip()}")
