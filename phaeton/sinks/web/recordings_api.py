"""The recordings over the API: which there are, one as a file, and its end. They hold no secrets and no places."""

from __future__ import annotations

from aiohttp import hdrs, web

from phaeton.sinks.web.endpoint import Ask, Endpoint, Endpoints, Example, Media, Nothing, Scope
from phaeton.sinks.web.parts import Parts
from phaeton.sinks.web.problem import ProblemError
from phaeton.sinks.web.recordings import RecordingList, Recordings

UNREADABLE = "the folder of the recordings cannot be used: {why}"


class RecordingsApi:
    """The handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def endpoints(self) -> Endpoints:
        """All of this part."""
        one = Example({"name": "2026-11-25.phaeton"}, status=404)
        none = {404: "there is no such recording", 503: "the folder of the recordings cannot be used"}
        return [
            Endpoint(
                "GET", "/api/recordings", self.all, Scope.READ,
                "The recordings of all days; `record.enabled` in the configuration makes them", RecordingList,
                problems={503: none[503]},
            ),
            Endpoint(
                "GET", "/api/recordings/{name}", self.one, Scope.READ,
                "One recording as a file, for `phaeton replay` and for reports of errors",
                Media("application/octet-stream", binary=True), problems=none, example=one,
            ),
            Endpoint(
                "DELETE", "/api/recordings/{name}", self.remove, Scope.ADMIN, "Delete one",
                problems=none | {409: "it is being written"}, example=one,
            ),
        ]  # fmt: skip

    def _recordings(self) -> Recordings:
        if self._parts.recordings is None:
            raise ProblemError(503, "there is nobody who records")
        return self._parts.recordings

    async def all(self, ask: Ask[Nothing, Nothing]) -> RecordingList:
        """What is there."""
        try:
            return await self._recordings().all()
        except OSError as error:
            raise ProblemError(503, UNREADABLE.format(why=error.strerror or error)) from None

    async def one(self, ask: Ask[Nothing, Nothing]) -> web.StreamResponse:
        """The file as it is, with all that was recorded until now."""
        name = ask.request.match_info["name"]
        path = await self._recordings().path(name)
        if path is None:
            raise ProblemError(404, f"there is no recording {name!r}")
        return web.FileResponse(
            path,
            headers={
                hdrs.CONTENT_TYPE: "application/octet-stream",
                hdrs.CONTENT_DISPOSITION: f'attachment; filename="{path.name}"',
            },
        )

    async def remove(self, ask: Ask[Nothing, Nothing]) -> Nothing:
        """Delete it, unless it is being written."""
        name = ask.request.match_info["name"]
        try:
            removed = await self._recordings().remove(name)
        except FileNotFoundError:
            raise ProblemError(404, f"there is no recording {name!r}") from None
        except OSError as error:
            raise ProblemError(503, UNREADABLE.format(why=error.strerror or error)) from None
        if not removed:
            raise ProblemError(409, "this recording is being written; turn record.enabled off first")
        return Nothing()
