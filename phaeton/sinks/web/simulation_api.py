"""The part of the API about simulation jobs: what other settings would have done over recorded days."""

from __future__ import annotations

import zlib
from typing import Annotated

import msgspec
from aiohttp import hdrs, web
from msgspec import Meta, Struct

from phaeton.sinks.web.endpoint import JSON, Ask, Endpoint, Endpoints, Example, Media, Nothing, Scope
from phaeton.sinks.web.parts import Parts
from phaeton.sinks.web.problem import ProblemError
from phaeton.sinks.web.simulations import (
    JobRefusedError,
    JobsFullError,
    RecordedDays,
    SimulationBody,
    Simulations,
    SimulationStatus,
)
from phaeton.trial import TODAY

BODY_BYTES = 65_536
REPORT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; sandbox allow-scripts"
)
"""A report is one file with its script inside; the sandbox gives it no more of us than any stranger has."""
NOT_RUN = {503: "simulations cannot be run here"}
NO_JOB = {404: "there is no such job"}


class ReportQuery(Struct, frozen=True):
    """Which of the runs."""

    run: Annotated[str, Meta(description="The name of a run; without, the settings of today")] = TODAY


class SimulationApi:
    """The handlers."""

    def __init__(self, parts: Parts) -> None:
        self._jobs = parts.simulations

    def endpoints(self) -> Endpoints:
        """All of this part."""
        job, none = "/api/simulations/{job}", Example({"job": "5f0a2c11"}, status=404)
        tried: dict[str, object] = {"days": 7, "set": {"auto": {"start_delay_s": 60}}, "compare": ["immediate"]}
        return [
            Endpoint(
                "POST", "/api/simulations", self.begin, Scope.CONTROL,
                "Simulate other settings over recorded days, beside the control and behind it in all things",
                SimulationStatus, body=SimulationBody, body_bytes=BODY_BYTES, status=202,
                problems=NOT_RUN | {503: "simulations cannot be run here, or too many wait"},
                example=Example(body=tried, status=422),
            ),
            Endpoint(
                "GET", "/api/simulations", self.all, Scope.READ,
                "The jobs, the newest first, without the single days of their runs", list[SimulationStatus],
                problems=NOT_RUN,
            ),
            Endpoint(
                "GET", "/api/simulations/days", self.days, Scope.READ,
                "The days of the past year that can be simulated: what is kept of them, and how much was charged",
                RecordedDays, problems=NOT_RUN,
            ),
            Endpoint(
                "GET", job, self.job, Scope.READ,
                "How a job fares, and what came of it; with an ETag, so that asking again costs little",
                SimulationStatus, problems=NOT_RUN | NO_JOB | {304: "nothing has changed since `If-None-Match`"},
                example=none,
            ),
            Endpoint(
                "DELETE", job, self.cancel, Scope.CONTROL, "End a job; one that is over is forgotten", SimulationStatus,
                problems=NOT_RUN | NO_JOB, example=none,
            ),
            Endpoint(
                "GET", f"{job}/report", self.report, Scope.READ, "The page about one of its runs", Media("text/html"),
                ReportQuery, problems=NOT_RUN | {404: "there is no such job, or it is not done, or has no such run"},
                example=none,
            ),
        ]  # fmt: skip

    async def begin(self, ask: Ask[Nothing, SimulationBody]) -> web.Response:
        """Queue a job."""
        try:
            found = await self._runner().begin(ask.body)
        except JobRefusedError as error:
            raise ProblemError(422, str(error), error.field) from None
        except JobsFullError as error:
            raise ProblemError(503, str(error), None, {hdrs.RETRY_AFTER: "60"}) from None
        return _answer(found, 202, {hdrs.LOCATION: f"simulations/{found.id}"})

    async def all(self, ask: Ask[Nothing, Nothing]) -> list[SimulationStatus]:
        """The jobs."""
        return self._runner().all()

    async def days(self, ask: Ask[Nothing, Nothing]) -> RecordedDays:
        """What is known of the past."""
        return await self._runner().days()

    async def job(self, ask: Ask[Nothing, Nothing]) -> web.Response:
        """One job."""
        key = ask.request.match_info["job"]
        answer = _answer(_known(self._runner().status(key), key))
        tag = answer.headers[hdrs.ETAG]
        if tag in [one.strip() for one in ask.request.headers.get(hdrs.IF_NONE_MATCH, "").split(",")]:
            return web.Response(status=304, headers={hdrs.ETAG: tag})
        return answer

    async def cancel(self, ask: Ask[Nothing, Nothing]) -> SimulationStatus:
        """End or forget a job."""
        key = ask.request.match_info["job"]
        return _known(await self._runner().cancel(key), key)

    async def report(self, ask: Ask[ReportQuery, Nothing]) -> web.Response:
        """The page about a run."""
        key, run = ask.request.match_info["job"], ask.query.run
        job = _known(self._runner().status(key), key)
        page = await self._runner().report(key, run)
        if page is None:
            why = f"it has the runs {', '.join(job.runs)}" if job.state == "done" else f"it is {job.state}"
            raise ProblemError(404, f"job {key} has no report of {run!r}: {why}", "run")
        headers = {"Content-Security-Policy": REPORT_POLICY}
        return web.Response(body=page, content_type="text/html", charset="utf-8", headers=headers)

    def _runner(self) -> Simulations:
        if self._jobs is None:
            raise ProblemError(503, "simulations cannot be run here")
        return self._jobs


def _known(found: SimulationStatus | None, key: str) -> SimulationStatus:
    if found is None:
        raise ProblemError(404, f"there is no job {key!r}; /api/simulations lists them")
    return found


def _answer(found: SimulationStatus, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    body = msgspec.json.encode(found)
    tagged = {hdrs.ETAG: f'"{zlib.crc32(body):08x}"', **(headers or {})}
    return web.Response(status=status, body=body, content_type=JSON, headers=tagged)
