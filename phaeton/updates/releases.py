"""What a server of releases offers: GitHub's API, or anything of the same shape."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import quote

import msgspec
from msgspec import Struct

from phaeton.config.tree_updates import Channel, UpdateSettings
from phaeton.links.http import Ask, HttpClient, Trouble, refusal
from phaeton.updates.bundle import MOST_BYTES, MOST_SUMS_BYTES, SIGNATURE, SUMS, bundle_name
from phaeton.updates.problem import UpdateRefusedError
from phaeton.updates.version import order, unstable

LISTED = 15
"""Releases that are asked for; the newest come first."""
DOWNLOAD_WITHIN_S = 1800.0
SMALL_WITHIN_S = 60.0

Told = Callable[[int, int], None]
"""Bytes that are here, and in all as the server says (0 where it does not)."""


class Asset(Struct, frozen=True):
    """A file of a release."""

    name: str
    browser_download_url: str
    size: int = 0


class Release(Struct, frozen=True):
    """A release, by the names of GitHub's API."""

    tag_name: str
    name: str | None = None
    draft: bool = False
    prerelease: bool = False
    published_at: str | None = None
    body: str | None = None
    assets: tuple[Asset, ...] = ()

    @property
    def version(self) -> str:
        """The tag without its leading v."""
        return self.tag_name.removeprefix("v")

    def asset(self, name: str) -> Asset | None:
        """One of its files."""
        return next((asset for asset in self.assets if asset.name == name), None)


class Releases:
    """The releases of one repository; asked again they come from memory where nothing has changed."""

    def __init__(self, http: HttpClient, settings: UpdateSettings) -> None:
        self._http = http
        self._settings = settings

    async def all(self) -> tuple[Release, ...]:
        """Those that are versions and in the chosen channel, the newest first; raises `UpdateRefusedError`."""
        return tuple(release for release in await self._listed() if _meant(release, self._settings.channel))

    async def newest(self, arch: str) -> Release | None:
        """The newest that has a bundle for this processor."""
        return next((one for one in await self.all() if one.asset(bundle_name(one.version, arch)) is not None), None)

    async def named(self, tag: str) -> Release:
        """One of them by its tag or version, of any channel."""
        for release in await self._listed():
            if tag in (release.tag_name, release.version) and not release.draft:
                return release
        raise UpdateRefusedError(f"{self._settings.repository} has no release {tag} among its newest {LISTED}")

    async def fetch(self, release: Release, arch: str, folder: Path, told: Told) -> Path:
        """Download a bundle with its checksums and signature; raises `UpdateRefusedError`."""
        name = bundle_name(release.version, arch)
        for wanted in (SUMS, SIGNATURE, name):
            asset = release.asset(wanted)
            if asset is None:
                what = (
                    f"no bundle for {arch}" if wanted == name else f"no {wanted}, and what is not signed is not taken"
                )
                raise UpdateRefusedError(f"release {release.tag_name} has {what}")
            large = wanted == name
            most = MOST_BYTES if large else MOST_SUMS_BYTES
            if asset.size > most:
                raise UpdateRefusedError(f"{wanted} of release {release.tag_name} is larger than {most / 1e6:g} MB")
            written = _written(folder / wanted, asset.size, told if large else lambda *_: None)
            within_s = DOWNLOAD_WITHIN_S if large else SMALL_WITHIN_S
            trouble = await self._http.download(asset.browser_download_url, written, most, within_s)
            if trouble is not None:
                raise UpdateRefusedError(f"{wanted} cannot be fetched: {trouble.message}")
        return folder / name

    async def _listed(self) -> tuple[Release, ...]:
        settings = self._settings
        if not settings.repository:
            raise UpdateRefusedError("nothing says where the releases are: set updates.repository to OWNER/NAME")
        answer = await self._http.send(
            Ask(
                url=f"{settings.url.rstrip('/')}/repos/{quote(settings.repository)}/releases",
                headers={"Accept": "application/vnd.github+json"},
                params={"per_page": str(LISTED)},
                conditional=True,
            )
        )
        trouble = answer if isinstance(answer, Trouble) else refusal(answer, "the server of the releases")
        if trouble is not None or isinstance(answer, Trouble):
            raise UpdateRefusedError(trouble.message if trouble is not None else "")
        try:
            found = msgspec.json.decode(answer.body, type=tuple[Release, ...])
        except msgspec.MsgspecError as error:
            raise UpdateRefusedError(f"the server of the releases answers with something else: {error}") from None
        known = [(place, one) for one in found if (place := order(one.version)) is not None]
        return tuple(one for _, one in sorted(known, key=lambda pair: pair[0], reverse=True))


def _meant(release: Release, channel: Channel) -> bool:
    if release.draft:
        return False
    return channel == "prerelease" or not (release.prerelease or unstable(release.version))


def _written(path: Path, whole: int, told: Told) -> Callable[[bytes], Awaitable[None]]:
    """Append pieces to a file beside the event loop; how far it is is told."""
    done = 0

    def append(piece: bytes) -> None:
        with path.open("ab") as file:
            file.write(piece)

    async def take(piece: bytes) -> None:
        nonlocal done
        try:
            await asyncio.to_thread(append, piece)
        except OSError as error:
            raise UpdateRefusedError(f"{path.name} cannot be written: {error}") from None
        done += len(piece)
        told(done, whole)

    return take
