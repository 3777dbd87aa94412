"""A simulated server of releases on the loopback, with GitHub's API and bundles of any kind, good and bad.

A dry run needs no account:

    async with SimulatedReleases() as service:
        service.publish("0.9.1", flaw=Flaw.TAMPERED)
        config = Config(..., updates=service.updates())
"""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from enum import Enum
from hashlib import sha256

import msgspec
from aiohttp import web

from phaeton.config.tree_updates import Channel, UpdateSettings
from phaeton.simulation.misbehaving import SimulatedService
from phaeton.simulation.signer import Signer
from phaeton.updates.bundle import MANIFEST, SIGNATURE, SUMS, Entry, Manifest, architecture, bundle_name
from phaeton.updates.place import LAUNCHER, PROGRAM
from phaeton.updates.version import unstable

REPOSITORY = "example/phaeton"
CREATED = "2026-01-01T00:00:00Z"
PROGRAM_TEXT = "#!/bin/sh\nexit 0\n"


class Flaw(Enum):
    """What is wrong with a release."""

    TAMPERED = "tampered"
    """A byte of the bundle was changed after it was signed."""
    TAMPERED_SUMS = "tampered_sums"
    """The bundle was changed, and its checksum made to fit; the signature is that of before."""
    WRONG_KEY = "wrong_key"
    """Somebody else signed it."""
    UNSIGNED = "unsigned"
    NO_SUMS = "no_sums"
    TRUNCATED = "truncated"
    """The connection ends within the bundle."""
    SHORT = "short"
    """Half of the bundle, served as if it were all."""
    WRONG_CPU = "wrong_cpu"
    """A bundle for another processor, under the name for this one."""
    ONLY_OTHER_CPU = "only_other_cpu"
    TRAVERSAL = "traversal"
    """Rightly signed, and holds a file that would land outside."""
    ABSOLUTE = "absolute"
    LINK_OUT = "link_out"
    """... a link to the outside, and a file through it."""
    HARD_LINK = "hard_link"
    DEVICE = "device"
    BOMB = "bomb"
    """... a file far larger than any bundle, packed to nothing."""
    OVERSIZE = "oversize"
    """Longer than any bundle as it is fetched."""
    NO_MANIFEST = "no_manifest"
    STRANGER = "stranger"
    """A file that the manifest does not know."""
    OTHER_CONTENT = "other_content"
    """A file that is not what the manifest says."""
    NO_PROGRAM = "no_program"
    MISLABELLED = "mislabelled"
    """It holds another version than its name says."""
    NEWER_PYTHON = "newer_python"


class SimulatedReleases(SimulatedService):
    """One repository."""

    def __init__(self, signer: Signer | None = None, port: int = 0) -> None:
        super().__init__(port)
        self.signer = Signer() if signer is None else signer
        self.unchanged = 0
        """How often "not modified" was enough of an answer."""
        self._releases: list[dict[str, object]] = []
        self._files: dict[tuple[str, str], bytes] = {}
        self._cut: set[tuple[str, str]] = set()
        self._oversized: set[tuple[str, str]] = set()

    def updates(self, channel: Channel = "stable") -> UpdateSettings:
        """Settings that ask here."""
        return UpdateSettings(repository=REPOSITORY, url=f"{self.url}/api", channel=channel)

    def publish(
        self,
        version: str,
        program: str = PROGRAM_TEXT,
        flaw: Flaw | None = None,
        *,
        draft: bool = False,
        body: str = "",
    ) -> None:
        """Put a release up; the newest is listed first, as on GitHub."""
        arch = "otherarch" if flaw is Flaw.ONLY_OTHER_CPU else architecture()
        name, files = bundle_name(version, arch), released(version, arch, program, self.signer, flaw)
        for file, content in files.items():
            self._files[version, file] = content
        if flaw is Flaw.TRUNCATED:
            self._cut.add((version, name))
        if flaw is Flaw.OVERSIZE:
            self._oversized.add((version, name))
        assets = [
            {"name": file, "size": len(content), "browser_download_url": f"{self.url}/download/{version}/{file}"}
            for file, content in files.items()
        ]
        release: dict[str, object] = {
            "tag_name": f"v{version}",
            "name": f"Phaeton {version}",
            "draft": draft,
            "prerelease": unstable(version),
            "published_at": CREATED,
            "body": body,
            "assets": assets,
        }
        self._releases.insert(0, release)

    def _routes(self) -> list[web.RouteDef]:
        return [
            web.get(f"/api/repos/{REPOSITORY}/releases", self._list),
            web.get("/download/{version}/{file}", self._moved),
            web.get("/files/{version}/{file}", self._file),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        body = msgspec.json.encode(self._releases)
        tag = f'"{sha256(body).hexdigest()[:16]}"'
        if request.headers.get("If-None-Match") == tag:
            self.unchanged += 1
            return web.Response(status=304, headers={"ETag": tag})
        return web.Response(body=body, content_type="application/json", headers={"ETag": tag})

    async def _moved(self, request: web.Request) -> web.Response:
        where = f"/files/{request.match_info['version']}/{request.match_info['file']}"
        return web.Response(status=302, headers={"Location": where})

    async def _file(self, request: web.Request) -> web.StreamResponse:
        key = request.match_info["version"], request.match_info["file"]
        content = self._files.get(key)
        if content is None:
            return web.Response(status=404)
        if key in self._oversized:
            return await self._endless(request, cut=False)
        if key not in self._cut:
            return web.Response(body=content, content_type="application/octet-stream")
        response = web.StreamResponse()
        response.content_length = len(content)
        await response.prepare(request)
        await response.write(content[: len(content) // 2])
        if request.transport is not None:
            request.transport.close()
        return response


def released(version: str, arch: str, program: str, signer: Signer, flaw: Flaw | None = None) -> dict[str, bytes]:
    """The files of a release: bundle, checksums, signature."""
    name = bundle_name(version, arch)
    content = bundle(version, arch, program, flaw)
    sums = f"{sha256(content).hexdigest()}  {name}\n".encode()
    signature = (Signer("somebody else") if flaw is Flaw.WRONG_KEY else signer).sign(sums).encode()
    if flaw in (Flaw.TAMPERED, Flaw.TAMPERED_SUMS):
        place = len(content) // 2
        content = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
    if flaw is Flaw.TAMPERED_SUMS:
        sums = f"{sha256(content).hexdigest()}  {name}\n".encode()
    if flaw is Flaw.SHORT:
        content = content[: len(content) // 2]
    files = {name: content, SUMS: sums, SIGNATURE: signature}
    if flaw is Flaw.UNSIGNED:
        del files[SIGNATURE]
    if flaw is Flaw.NO_SUMS:
        del files[SUMS]
    return files


def bundle(version: str, arch: str, program: str = PROGRAM_TEXT, flaw: Flaw | None = None) -> bytes:
    """A small bundle whose program is a script; the same bytes each time."""
    files: dict[str, bytes] = {
        PROGRAM: program.encode(),
        "lib/phaeton/about.txt": f"{version}\n".encode(),
        "lib/phaeton/updates/launcher.sh": LAUNCHER.read_bytes(),
    }
    if flaw is Flaw.NO_PROGRAM:
        del files[PROGRAM]
    links = {"lib/newest": "phaeton"}
    entries = [Entry(path=path, sha256=sha256(content).hexdigest()) for path, content in files.items()]
    entries += [Entry(path=path, link=target) for path, target in links.items()]
    manifest = Manifest(
        version="9.9.9" if flaw is Flaw.MISLABELLED else version,
        arch="otherarch" if flaw is Flaw.WRONG_CPU else arch,
        created=CREATED,
        files=tuple(entries),
        python="9.1" if flaw is Flaw.NEWER_PYTHON else "3.11",
    )
    if flaw is Flaw.OTHER_CONTENT:
        files["lib/phaeton/about.txt"] = b"something else\n"
    if flaw is Flaw.STRANGER:
        files["lib/stranger.txt"] = b"nobody knows me\n"
    if flaw is not Flaw.NO_MANIFEST:
        files = {MANIFEST: msgspec.json.encode(manifest), **files}
    return _packed(files, links, flaw)


def _packed(files: Mapping[str, bytes], links: Mapping[str, str], flaw: Flaw | None) -> bytes:
    raw = io.BytesIO()
    with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as archive:
        for path, content in files.items():
            _add(archive, path, content, 0o755 if path == PROGRAM else 0o644)
        for path, target in links.items():
            _add_link(archive, path, target)
        if flaw is Flaw.TRAVERSAL:
            _add(archive, "../../outside.txt", b"x", 0o644)
        elif flaw is Flaw.ABSOLUTE:
            _add(archive, "/tmp/phaeton-outside.txt", b"x", 0o644)
        elif flaw is Flaw.LINK_OUT:
            _add_link(archive, "lib/out", "../../..")
            _add(archive, "lib/out/outside.txt", b"x", 0o644)
        elif flaw is Flaw.HARD_LINK:
            _add_link(archive, "lib/hard", "../../current/bin/phaeton", tarfile.LNKTYPE)
        elif flaw is Flaw.DEVICE:
            _add_link(archive, "lib/null", "", tarfile.CHRTYPE)
        elif flaw is Flaw.BOMB:
            huge = tarfile.TarInfo("lib/bomb")
            huge.size = 1 << 33
            zipped.write(huge.tobuf())
    return raw.getvalue()


def _add(archive: tarfile.TarFile, path: str, content: bytes, mode: int) -> None:
    info = tarfile.TarInfo(path)
    info.size, info.mode = len(content), mode
    archive.addfile(info, io.BytesIO(content))


def _add_link(archive: tarfile.TarFile, path: str, target: str, kind: bytes = tarfile.SYMTYPE) -> None:
    info = tarfile.TarInfo(path)
    info.type, info.linkname = kind, target
    archive.addfile(info)
