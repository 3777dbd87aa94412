"""By what an update is made: a signed bundle in an installation folder, or a commit of a checkout."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from phaeton import __version__
from phaeton.config.tree_updates import UpdateSettings
from phaeton.links.http import HttpClient
from phaeton.sinks.web.updates import InstalledAs, UpdateStep
from phaeton.updates.bundle import MOST_BYTES, architecture, need_room
from phaeton.updates.checkout import Checkout
from phaeton.updates.install import stage
from phaeton.updates.parcel import opened
from phaeton.updates.place import BY_ORDER, Place
from phaeton.updates.problem import UpdateRefusedError
from phaeton.updates.releases import Release, Releases
from phaeton.updates.signature import trusted_keys
from phaeton.updates.version import newer

_NO_FOLLOW = "this checkout follows nothing: say in updates.follow which branch or tag, or use git yourself"

Say = Callable[[UpdateStep], None]
"""Tells what is being done."""


class Newest(Struct, frozen=True):
    """What there is."""

    version: str | None
    newer: bool


class Known(Struct, frozen=True):
    """What the disk says, read once and again after each change."""

    current: str
    previous: str | None = None
    trial: bool = False
    """The version that runs is on trial."""
    failed: dict[str, str] = {}


class Means(Protocol):
    """One of them; all raise `UpdateRefusedError` with nothing switched."""

    installed_as: InstalledAs

    def known(self) -> Known:
        """Look at the disk; blocks."""

    def follows(self, settings: UpdateSettings) -> bool:
        """Whether it is said where newer ones come from."""

    async def newest(self, settings: UpdateSettings) -> Newest:
        """Ask what there is."""

    async def releases(self, settings: UpdateSettings) -> tuple[Release, ...]:
        """All that there are."""

    async def stage(self, settings: UpdateSettings, version: str | None, say: Say) -> str:
        """Make a version ready, None = the newest; what runs goes on undisturbed."""

    async def receive(self, pieces: AsyncIterator[bytes], say: Say) -> str:
        """Make one ready that somebody sends."""

    def switch(self, version: str) -> None:
        """Let the next start run it; blocks."""

    def back(self) -> str:
        """Let the next start run the one before; blocks."""

    def confirm(self) -> None:
        """What is on trial is well; blocks."""


class BundleMeans:
    """Bundles in an installation folder."""

    installed_as: InstalledAs = "bundle"

    def __init__(self, place: Place, http: HttpClient, running: str) -> None:
        self._place = place
        self._http = http
        self._running = running
        self._releases: tuple[UpdateSettings, Releases] | None = None

    def known(self) -> Known:
        """Look at the disk."""
        place, pending = self._place, self._place.pending
        trial = pending is not None and pending.new == self._running
        previous = pending.old if pending is not None and trial else place.previous
        return Known(self._running, previous, trial, place.failed)

    def follows(self, settings: UpdateSettings) -> bool:
        """A repository is named."""
        return bool(settings.repository)

    async def newest(self, settings: UpdateSettings) -> Newest:
        """The newest release with a bundle for this machine."""
        found = await self._of(settings).newest(architecture())
        return Newest(None, False) if found is None else Newest(found.version, newer(found.version, self._running))

    async def releases(self, settings: UpdateSettings) -> tuple[Release, ...]:
        """Those of the channel."""
        return await self._of(settings).all()

    async def stage(self, settings: UpdateSettings, version: str | None, say: Say) -> str:
        """Fetch, verify and unpack."""
        self._begin()
        releases, arch, place = self._of(settings), architecture(), self._place
        release = await releases.newest(arch) if version is None else await releases.named(version)
        if release is None:
            raise UpdateRefusedError(f"no release has a bundle for {arch}")
        if version is None and not newer(release.version, self._running):
            raise UpdateRefusedError(f"{self._running} runs, and nothing newer is there")
        await asyncio.to_thread(self._empty)

        def told(done: int, whole: int) -> None:
            share_pct = float(done * 100 // whole) if whole else None
            say(UpdateStep(what="fetching", version=release.version, share_pct=share_pct))

        try:
            path = await releases.fetch(release, arch, place.download, told)
            say(UpdateStep(what="checking", version=release.version))
            return await asyncio.to_thread(self._staged, path, release.version, older=version is not None)
        finally:
            await asyncio.to_thread(place.tidy_download)

    async def receive(self, pieces: AsyncIterator[bytes], say: Say) -> str:
        """Write down, verify and unpack; an older version may be sent as well."""
        self._begin()
        place = self._place
        await asyncio.to_thread(self._empty)
        try:
            parcel = place.download / "parcel.tar"
            with await asyncio.to_thread(parcel.open, "wb") as file:
                async for piece in pieces:
                    await asyncio.to_thread(file.write, piece)
            say(UpdateStep(what="checking"))
            return await asyncio.to_thread(self._opened, parcel)
        except OSError as error:
            raise UpdateRefusedError(f"the upload cannot be kept in {place.download}: {error.strerror}") from None
        finally:
            await asyncio.to_thread(place.tidy_download)

    def switch(self, version: str) -> None:
        """Begin the trial."""
        self._place.forget_failed(version)
        self._place.begin_trial(version)

    def back(self) -> str:
        """End a trial, or begin that of the version before."""
        place = self._place
        if place.pending is not None:
            return place.take_back()
        previous = place.previous
        if previous is None:
            raise UpdateRefusedError("there is no version before this one")
        place.note_failed(self._running, BY_ORDER)
        place.begin_trial(previous)
        return previous

    def confirm(self) -> None:
        """It stays."""
        self._place.confirm()

    def _begin(self) -> None:
        if self._place.pending is not None:
            raise UpdateRefusedError("the version that runs is on trial for a few minutes more; try again then")
        if self._place.current != self._running:
            raise UpdateRefusedError("another version waits for a restart already")

    def _empty(self) -> None:
        """A folder for what comes, and room for it."""
        self._place.tidy()
        self._place.download.mkdir()
        need_room(self._place.root, MOST_BYTES // 2)

    def _staged(self, path: Path, version: str, *, older: bool) -> str:
        staged = stage(path, self._place, trusted_keys(self._place.root), older=older)
        if staged != version:
            raise UpdateRefusedError(f"release {version} holds a bundle of {staged}")
        return staged

    def _opened(self, parcel: Path) -> str:
        path = opened(parcel, self._place.download)
        parcel.unlink()
        return stage(path, self._place, trusted_keys(self._place.root), older=True)

    def _of(self, settings: UpdateSettings) -> Releases:
        """Kept, because what was fetched is remembered with it."""
        if self._releases is None or self._releases[0] != settings:
            self._releases = (settings, Releases(self._http, settings))
        return self._releases[1]


class CheckoutMeans:
    """A checkout that follows ``updates.follow``."""

    installed_as: InstalledAs = "git"

    def __init__(self, checkout: Checkout, follow: Callable[[], str]) -> None:
        self._checkout = checkout
        self._follow = follow

    def known(self) -> Known:
        """Look at the checkout."""
        try:
            commit = self._checkout.current
        except UpdateRefusedError:
            return Known(__version__)
        previous = self._checkout.previous
        return Known(f"{__version__} ({commit[:10]})", None if previous is None else previous[:10])

    def follows(self, settings: UpdateSettings) -> bool:
        """It is said what is followed: nobody's checkout is changed otherwise."""
        return bool(settings.follow)

    async def newest(self, settings: UpdateSettings) -> Newest:
        """What the remote has."""
        found = await asyncio.to_thread(self._checkout.look, self._following())
        return Newest(found.name, found.new)

    async def releases(self, settings: UpdateSettings) -> tuple[Release, ...]:
        """None: what is followed is one thing and no list."""
        self._following()
        return ()

    async def stage(self, settings: UpdateSettings, version: str | None, say: Say) -> str:
        """Fetch."""
        follow = self._following()
        if version is not None:
            raise UpdateRefusedError("a checkout follows updates.follow; set it to the tag that is wanted")
        say(UpdateStep(what="fetching"))
        found = await asyncio.to_thread(self._checkout.look, follow)
        if not found.new:
            raise UpdateRefusedError(f"{found.name} is checked out already")
        return found.name

    async def receive(self, pieces: AsyncIterator[bytes], say: Say) -> str:
        """Refused."""
        raise UpdateRefusedError("this is a git checkout; a bundle has no place in it")

    def switch(self, version: str) -> None:
        """Check it out and try whether it can be loaded."""
        follow = self._following()
        self._checkout.apply(self._checkout.look(follow), follow)

    def back(self) -> str:
        """Check out the commit before."""
        self._checkout.back()
        return self._checkout.current[:10]

    def confirm(self) -> None:
        """There is no trial of a checkout: whether it loads was tried before."""

    def _following(self) -> str:
        if not self._follow():
            raise UpdateRefusedError(_NO_FOLLOW)
        return self._follow()
