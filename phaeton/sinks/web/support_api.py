"""The support bundle over the API: one file with all that a report of an error needs, and nothing secret."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated, Literal

from aiohttp import hdrs, web
from msgspec import Meta, Struct

from phaeton.sinks.web.endpoint import DID, Ask, Endpoint, Endpoints, Media, Nothing, Scope
from phaeton.sinks.web.parts import Parts
from phaeton.sinks.web.problem import ProblemError

PIECE_BYTES = 65_536


class BundleQuery(Struct, frozen=True):
    """What goes into it."""

    recording: Annotated[
        Literal["day", "none"], Meta(description="The recording of the last day, where there is one")
    ] = "day"


class SupportApi:
    """The handler."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def endpoints(self) -> Endpoints:
        """All of this part."""
        return [
            Endpoint(
                "GET", "/api/support-bundle", self.bundle, Scope.ADMIN,
                "A zip for a report of an error: configuration, diagnostics, log, registers, stays; no secrets",
                Media("application/zip", binary=True), BundleQuery,
                problems={503: "it cannot be made"}, tag="diagnostics",
            )
        ]  # fmt: skip

    async def bundle(self, ask: Ask[BundleQuery, Nothing]) -> web.StreamResponse:
        """Made in full, then sent in pieces."""
        if self._parts.support is None:
            raise ProblemError(503, "there is nothing to gather from")
        ask.request[DID] = "took a support bundle"
        try:
            file = await self._parts.support.bundle(recording=ask.query.recording == "day")
        except OSError as error:
            raise ProblemError(503, f"the bundle cannot be written: {error.strerror or error}") from None
        day = datetime.now(UTC).date().isoformat()
        with closing(file):
            answer = web.StreamResponse(
                headers={
                    hdrs.CONTENT_TYPE: "application/zip",
                    hdrs.CONTENT_DISPOSITION: f'attachment; filename="phaeton-support-{day}.zip"',
                }
            )
            await answer.prepare(ask.request)
            while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
                await answer.write(piece)
            await answer.write_eof()
        return answer
