"""The part of the API about updates; where nothing here can make one, it says by what means the owner does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from phaeton import __version__
from phaeton.sinks.web.endpoint import Ask, Endpoint, Endpoints, Example, Media, Nothing, Scope
from phaeton.sinks.web.parts import Parts
from phaeton.sinks.web.problem import ProblemError
from phaeton.sinks.web.updates import Installation, ReleaseInfo, UpdateError, Updates, UpdateStatus

MOST_BYTES = 100_000_000
"""A bundle is smaller."""
BUNDLE = Media("application/octet-stream", binary=True)
UNKNOWN = Installation(installed_as="unknown", where="", how_to_update="the means by which Phaeton was installed")


class ApplyBody(Struct, frozen=True):
    """Which release."""

    version: str | None = None
    """Its tag; null = the newest."""
    when: Literal["now", "at_rest"] = "now"
    """At rest = as soon as all chargers answer, no car charges and none that is plugged in has an open plan."""


class Restarting(Struct, frozen=True):
    """It is done, and Phaeton starts again; or it is waited for a moment in which no car charges."""

    ok: bool
    restarting: bool


class UpdateApi:
    """The handlers."""

    def __init__(self, parts: Parts) -> None:
        self._updates = parts.updates
        self._installation = parts.installation or UNKNOWN

    def endpoints(self) -> Endpoints:
        """All of this part."""
        cannot = {409: "this installation is updated by other means, or the update cannot be made; `detail` says how"}
        admin, base, refused = Scope.ADMIN, "/api/update", Example(status=409)
        return [
            Endpoint(
                "GET", f"{base}/status", self.status, Scope.READ, "What is installed, and what is known of newer",
                UpdateStatus,
            ),
            Endpoint(
                "POST", f"{base}/check", self.check, admin,
                "Ask for the newest release; what is in the way is told in `error`", UpdateStatus,
            ),
            Endpoint(
                "GET", f"{base}/releases", self.releases, Scope.READ, "The releases", list[ReleaseInfo],
                problems=cannot, example=refused,
            ),
            Endpoint(
                "POST", f"{base}/apply", self.apply, admin, "Install a release and restart, now or when no car charges",
                Restarting, body=ApplyBody, problems=cannot,
                example=Example(body={"version": None, "when": "at_rest"}, status=409),
            ),
            Endpoint(
                "DELETE", f"{base}/apply", self.forget_order, admin,
                "Take back an order that waits for a moment in which no car charges", UpdateStatus,
            ),
            Endpoint(
                "POST", f"{base}/rollback", self.rollback, admin, "Go back to the version before and restart",
                Restarting, problems=cannot, example=refused,
            ),
            Endpoint(
                "POST", f"{base}/upload", self.upload, admin, "Install a bundle from a file and restart", Restarting,
                upload=BUNDLE, problems=cannot | {413: "it is longer than any bundle"}, example=refused,
            ),
        ]  # fmt: skip

    async def status(self, ask: Ask[Nothing, Nothing]) -> UpdateStatus:
        """What is known now."""
        return self._alone() if self._updates is None else self._updates.status()

    async def check(self, ask: Ask[Nothing, Nothing]) -> UpdateStatus:
        """Ask for the newest release."""
        if self._updates is None:
            return replace(self._alone(), error=self._why_not())
        return await self._updates.check()

    async def releases(self, ask: Ask[Nothing, Nothing]) -> list[ReleaseInfo]:
        """The releases."""
        try:
            return await self._there().releases()
        except UpdateError as error:
            raise ProblemError(409, str(error)) from None

    async def apply(self, ask: Ask[Nothing, ApplyBody]) -> Restarting:
        """Install a release."""
        try:
            now = await self._there().apply(ask.body.version, at_rest=ask.body.when == "at_rest")
        except UpdateError as error:
            raise ProblemError(409, str(error), "version") from None
        return Restarting(True, now)

    async def forget_order(self, ask: Ask[Nothing, Nothing]) -> UpdateStatus:
        """What waits is taken back."""
        if self._updates is not None:
            self._updates.forget_order()
        return await self.status(ask)

    async def rollback(self, ask: Ask[Nothing, Nothing]) -> Restarting:
        """Go back to the version before."""
        try:
            await self._there().rollback()
        except UpdateError as error:
            raise ProblemError(409, str(error)) from None
        return Restarting(True, True)

    async def upload(self, ask: Ask[Nothing, Nothing]) -> Restarting:
        """Install a bundle."""
        updates = self._there()
        pieces: AsyncIterator[bytes] = ask.upload(MOST_BYTES)
        try:
            await updates.upload(pieces)
        except UpdateError as error:
            raise ProblemError(409, str(error)) from None
        return Restarting(True, True)

    def _there(self) -> Updates:
        if self._updates is None:
            raise ProblemError(409, self._why_not())
        return self._updates

    def _alone(self) -> UpdateStatus:
        found = self._installation
        return UpdateStatus(
            current_version=__version__, installed_as=found.installed_as, how_to_update=found.how_to_update
        )

    def _why_not(self) -> str:
        return f"this installation cannot replace itself; update it with {self._installation.how_to_update}"
