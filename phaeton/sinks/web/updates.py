"""Updates as the API tells them: the contract of the part that can make them, and how to update without one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal, Protocol

from msgspec import Struct

InstalledAs = Literal["bundle", "pip", "git", "unknown"]


class Installation(Struct, frozen=True, kw_only=True):
    """How this Phaeton came here."""

    installed_as: InstalledAs
    where: str
    """The folder of the program."""
    how_to_update: str
    """What the owner has to do, as a command or a sentence."""


class ReleaseInfo(Struct, frozen=True, kw_only=True):
    """A release; the forerunner's fields."""

    tag: str
    name: str
    draft: bool
    prerelease: bool
    published_at: str | None
    body: str
    """What is new, as Markdown."""
    body_html: str
    """The same, without anything that runs."""


class UpdateStep(Struct, frozen=True, kw_only=True):
    """A step of an update that is being made."""

    what: Literal["looking", "fetching", "receiving", "checking", "switching", "going_back", "restarting"]
    version: str = ""
    """Empty while that is not known."""
    share_pct: float | None = None
    """How much of it is done; null where that is not known."""


class TakenBack(Struct, frozen=True, kw_only=True):
    """A version that was tried here and is not in force any more."""

    version: str
    why: str


class UpdateStatus(Struct, frozen=True, kw_only=True):
    """What is installed and what there is; the first five are the forerunner's."""

    current_version: str
    latest_version: str | None = None
    update_available: bool = False
    last_check: float | None = None
    """UTC seconds."""
    error: str | None = None
    """Why the last check or update failed."""
    installed_as: InstalledAs
    how_to_update: str
    """Empty where ``POST /api/update/apply`` does it."""
    previous_version: str | None = None
    """What a rollback goes back to; null where there is nothing to go back to."""
    busy: str = ""
    """What is being done now, in words."""
    step: UpdateStep | None = None
    """The same as a value."""
    trial: bool = False
    """The version that runs is on trial: it is taken back unless it proves well within minutes."""
    waits: bool = False
    """An order waits for a moment in which no car charges."""
    taken_back: tuple[TakenBack, ...] = ()
    """The newest last."""


class UpdateError(RuntimeError):
    """An update that cannot be made; the message says why and what to do."""


class Updates(Protocol):
    """What can replace the program; each method but `status` raises `UpdateError`."""

    def status(self) -> UpdateStatus:
        """What is known now; asks nobody."""

    async def check(self) -> UpdateStatus:
        """Ask for the newest release; a failure is told in ``error``."""

    async def releases(self) -> list[ReleaseInfo]:
        """The releases, the newest first."""

    async def apply(self, version: str | None, *, at_rest: bool = False) -> bool:
        """Install a release, None = the newest, and restart after the answer.

        ``at_rest``: not before a moment in which no car charges. False = that moment is waited for.
        """

    def forget_order(self) -> None:
        """An order that waits is taken back."""

    async def rollback(self) -> None:
        """Go back to the version before, and restart after the answer."""

    async def upload(self, pieces: AsyncIterator[bytes]) -> None:
        """Install a bundle that the owner sends, and restart after the answer."""
