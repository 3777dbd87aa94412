"""The archive for a USB stick and the package for SetupHelper; the same bytes for the same files."""

from __future__ import annotations

import gzip
import re
import tarfile
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path

from phaeton.updates.bundle import SIGNATURE, SUMS, parts_of, sum_of

HERE = Path(__file__).parent
INSTALLER = HERE / "install.sh"
FOLDER = "phaeton-install"
"""Below ``/data``, where the installer finds everything and that it removes again."""
STICK = "venus-data.tar.gz"
"""The name that Venus OS looks for."""
PACKAGE = "PhaetonSetup"
"""PackageManager keeps a package in ``/data`` under the name of its repository, so it cannot be called phaeton."""
OLDEST_FIRMWARE = "v3.10"


class ArchiveError(Exception):
    """Why an archive cannot be made."""


def stick(bundles: Iterable[Path], out: Path, configuration: Path | None = None) -> Path:
    """Make the archive that a device installs from at its next boot; raises `ArchiveError`.

    Venus OS asks for the member ``rc`` by just this name, so no path begins with a dot.
    """
    files = {"rc/post-hook.sh": (HERE / "stick/post-hook.sh").read_bytes()}
    files |= {f"{FOLDER}/{name}": content for name, content in _with_bundles(bundles).items()}
    if configuration is not None:
        files[f"{FOLDER}/phaeton_config.yaml"] = configuration.read_bytes()
    return _write(out / STICK, files)


def package(version: str, repository: str, out: Path, bundles: Iterable[Path] = (), changes: str = "") -> Path:
    """Make the package for PackageManager, for a stick or as the content of its repository; raises `ArchiveError`."""
    if not re.fullmatch(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+", repository):
        raise ArchiveError(f"{repository!r} is no repository: OWNER/NAME is meant")
    bundles = list(bundles)
    files = {
        "setup": (HERE / "setuphelper/setup").read_bytes(),
        "ReadMe": (HERE / "setuphelper/ReadMe").read_bytes(),
        "version": f"{_their_version(version)}\n".encode(),
        "gitHubInfo": f"{repository.partition('/')[0]}:latest\n".encode(),
        "firstCompatibleVersion": f"{OLDEST_FIRMWARE}\n".encode(),
        "changes": changes.encode(),
        "release": f"{version}\n".encode(),
        "repository": f"{repository}\n".encode(),
        **(_with_bundles(bundles) if bundles else {INSTALLER.name: INSTALLER.read_bytes()}),
    }
    folder = f"{PACKAGE}-latest"
    return _write(out / f"{folder}.tar.gz", {f"{folder}/{name}": content for name, content in files.items()})


def _their_version(version: str) -> str:
    """``1.2.0rc1`` as ``v1.2.0~1``: PackageManager takes what has a tilde for a version before the release."""
    found = re.fullmatch(r"v?(?P<release>\d+(\.\d+)*)([-._]?[a-z]+[-._]?(?P<count>\d*))?", version)
    if found is None:
        raise ArchiveError(f"{version!r} is no version")
    return f"v{found['release']}" + (f"~{found['count'] or 0}" if found[0].lstrip("v") != found["release"] else "")


def _with_bundles(bundles: Iterable[Path]) -> dict[str, bytes]:
    """The installer, and bundles with the checksums and the signature of their release."""
    files = {INSTALLER.name: INSTALLER.read_bytes()}
    for bundle in bundles:
        parts = parts_of(bundle.name)
        if parts is None:
            raise ArchiveError(f"{bundle.name} is no bundle")
        if not (sums := bundle.with_name(SUMS)).exists() or sum_of(bundle) not in sums.read_text():
            raise ArchiveError(f"{SUMS} of its release must lie beside {bundle.name} and fit it")
        files[bundle.name] = bundle.read_bytes()
        for path in (sums, bundle.with_name(SIGNATURE)):
            if path.exists() and files.setdefault(path.name, content := path.read_bytes()) != content:
                raise ArchiveError("the bundles are of several releases")
    if len(files) == 1:
        raise ArchiveError("no bundle is named")
    return files


def _write(path: Path, files: Mapping[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    folders = {folder.as_posix() for name in files for folder in Path(name).parents if folder != Path()}
    with (
        path.open("wb") as file,
        gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name in sorted({*files, *folders}):
            member = tarfile.TarInfo(name)
            if name in folders:
                member.type, member.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(member)
            else:
                member.mode = 0o755 if name.endswith((".sh", "/setup")) else 0o644
                member.size = len(files[name])
                archive.addfile(member, BytesIO(files[name]))
    return path
