"""What can be seen inside, over the API: diagnostics, metrics, readiness, the tree on D-Bus, registers of chargers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import msgspec
from aiohttp import hdrs, web
from msgspec import Meta, Struct, structs

from phaeton.sinks.web.endpoint import Ask, Endpoint, Endpoints, Example, Media, Nothing, Scope, refused
from phaeton.sinks.web.events import EventHub
from phaeton.sinks.web.inspection import (
    BusService,
    BusTree,
    BusValue,
    Diagnosis,
    Inspection,
    ReadError,
    Readiness,
    RegisterView,
    Space,
    WebStatus,
)
from phaeton.sinks.web.logs_api import LogsApi
from phaeton.sinks.web.metrics import MetricValue, as_json, exposition, gather
from phaeton.sinks.web.parts import Parts
from phaeton.sinks.web.problem import PROBLEM_TYPE, ProblemError
from phaeton.sinks.web.state import WebState
from phaeton.sinks.web.status import PollSteps, Snapshot
from phaeton.timing import Timing

MOST_REGISTERS = 125
"""What Modbus gives in one request; of coils too, here."""
NO_DAEMON = {503: "there is nothing to look into"}
FORERUNNER_PATHS = {"Ac/Current": "/Current", "Ac/PhaseCount": "/NrOfPhases"}
"""Paths that the forerunner had, and where our services have the same value."""


class Metrics(Struct, frozen=True, kw_only=True):
    """The forerunner's metrics, and all values of ``GET /metrics``."""

    age_ms: int | None
    """Of the newest decision."""
    poll_duration_ms: float | None
    total_polls: int
    overrun_count: int
    poll_interval_ms: int | None
    modbus_connected: bool | None
    driver_state: str
    poll_steps_ms: PollSteps
    metrics: Mapping[str, Sequence[MetricValue]]


class BusQuery(Struct, frozen=True):
    """Which services, and in what form."""

    service: Annotated[
        str, Meta(max_length=255, description="The name of one service, or the id of its charging point")
    ] = ""
    form: Annotated[
        Literal["flat", "tree"],
        Meta(description="flat = path and value of the first charging point's; tree = all, with texts"),
    ] = "flat"


class RegisterQuery(Struct, frozen=True):
    """Which registers to read now beside those of the profile."""

    read: (
        Annotated[
            str,
            Meta(
                pattern=r"^[0-9]{1,5},[0-9]{1,3}$",
                description="START,COUNT: read so many registers (125 at most) now; needs the right to admin",
            ),
        ]
        | None
    ) = None
    unit: (
        Annotated[int, Meta(ge=0, le=255, description="Modbus unit of `read`; the charging point's by default")] | None
    ) = None
    space: Annotated[Space, Meta(description="Kind of registers of `read`")] = "holding"


class DiagnosticsApi:
    """The handlers; they look, and change nothing."""

    def __init__(self, state: WebState, parts: Parts, hub: EventHub, logs: LogsApi) -> None:
        self._state = state
        self._parts = parts
        self._hub = hub
        self._logs = logs

    def endpoints(self) -> Endpoints:
        """All of this part."""
        tag = "diagnostics"
        first = {"id": "1"}
        not_ready = {503: "it is not ready; `reasons` says why, to who may see the state"}
        away = NO_DAEMON | {404: "there is no such charger", 409: "the charger refuses it or does not answer"}
        return [
            Endpoint(
                "GET", "/api/ready", self.ready, Scope.OPEN, "Whether charger, bus and control are well", Readiness,
                problems=not_ready, tag=tag,
            ),
            Endpoint(
                "GET", "/api/diagnostics", self.diagnostics, Scope.READ, "Everything that is measured and counted",
                Diagnosis, problems=NO_DAEMON, tag=tag,
            ),
            Endpoint(
                "GET", "/api/metrics", self.metrics, Scope.READ, "The metrics, and the forerunner's", Metrics,
                problems=NO_DAEMON, tag=tag,
            ),
            Endpoint(
                "GET", "/metrics", self.scrape, Scope.READ, "The metrics for Prometheus", Media("text/plain"),
                problems=NO_DAEMON, others=(Media("application/openmetrics-text"),), tag=tag,
            ),
            Endpoint(
                "GET", "/api/dbus", self.dbus, Scope.READ, "Our services on D-Bus as they are published",
                dict[str, BusValue] | BusTree, BusQuery, tag=tag,
                problems=NO_DAEMON | {404: "there is no such service"},
            ),
            Endpoint(
                "GET", "/api/chargers/{id}/registers", self.registers, Scope.READ,
                "The charger's registers by its profile, as they were read last", RegisterView, RegisterQuery,
                problems=away, example=Example(first), tag=tag,
            ),
        ]  # fmt: skip

    def _inspection(self) -> Inspection:
        if self._parts.inspection is None:
            raise ProblemError(503, "there is nothing to look into")
        return self._parts.inspection

    async def ready(self, ask: Ask[Nothing, Nothing]) -> Readiness | web.Response:
        """200 or 503, for who watches over the service; reasons for those who may see the state."""
        found = self._inspection().ready()
        if found.ready:
            return found
        detail, told = "Phaeton is not ready", []
        if ask.caller.scope >= Scope.GUEST:
            told = [msgspec.to_builtins(reason) for reason in found.reasons]
            detail = "; ".join(reason.text for reason in found.reasons)
        problem = {
            "type": "about:blank",
            "title": "Service Unavailable",
            "status": 503,
            "detail": detail,
            "ready": False,
            "reasons": told,
        }
        return web.Response(status=503, body=msgspec.json.encode(problem), content_type=PROBLEM_TYPE)

    async def diagnostics(self, ask: Ask[Nothing, Nothing]) -> Diagnosis:
        """Everything, once."""
        return self._diagnosis()

    def _diagnosis(self) -> Diagnosis:
        shown = WebStatus(self._hub.clients, self._logs.clients, self._state.build_ms)
        return structs.replace(self._inspection().diagnose(), web=shown)

    def _seen(self) -> tuple[Diagnosis, Mapping[str, Timing], Snapshot | None]:
        """What the metrics are made of, beside the loop."""
        output = self._state.output
        snapshot = self._state.snapshot() if output is not None and output.decision.points else None
        return self._diagnosis(), self._inspection().timings(), snapshot

    async def metrics(self, ask: Ask[Nothing, Nothing]) -> Metrics:
        """The forerunner's fields, and all metrics as JSON."""
        samples = await asyncio.to_thread(gather, *self._seen())
        told = self._parts.diagnostics()
        output = self._state.output
        return Metrics(
            age_ms=None if output is None else max(round((time.time() - output.decision.utc_s) * 1000.0), 0),
            poll_duration_ms=told.poll_duration_ms,
            total_polls=told.total_polls,
            overrun_count=told.overrun_count,
            poll_interval_ms=told.poll_interval_ms,
            modbus_connected=told.modbus_connected,
            driver_state=told.driver_state,
            poll_steps_ms=structs.replace(told.poll_steps_ms, snapshot_build_ms=self._state.build_ms),
            metrics=as_json(samples),
        )

    async def scrape(self, ask: Ask[Nothing, Nothing]) -> web.Response:
        """Text for Prometheus, or OpenMetrics where that is asked for."""
        accept, seen = ask.request.headers.get(hdrs.ACCEPT, ""), self._seen()
        body, content_type = await asyncio.to_thread(lambda: exposition(gather(*seen), accept))
        return web.Response(body=body, headers={hdrs.CONTENT_TYPE: content_type})

    async def dbus(self, ask: Ask[BusQuery, Nothing]) -> dict[str, BusValue] | BusTree:
        """A plain map of one service as the forerunner gave it, or all of them as they are."""
        services, query = self._inspection().services(), ask.query
        if query.service:
            services = [service for service in services if query.service in (service.name, service.point)]
            if not services:
                raise ProblemError(404, f"there is no service {query.service!r}", "service")
        if query.form == "tree":
            return BusTree(services)
        return _flat(services[0]) if services else {}

    async def registers(self, ask: Ask[RegisterQuery, Nothing]) -> RegisterView:
        """The registers, and some more that are read now."""
        point, query, inspection = self._state.point(ask.point), ask.query, self._inspection()
        live = None
        if query.read is not None:
            if ask.caller.scope < Scope.ADMIN:
                raise refused(ask.caller, Scope.ADMIN)
            start, count = map(int, query.read.split(","))
            if not 1 <= count <= MOST_REGISTERS or start + count > 65536:
                raise ProblemError(
                    422, f"read must be START,COUNT: 1 to {MOST_REGISTERS} registers below 65536", "read"
                )
            try:
                live = await inspection.read(point, query.unit, query.space, start, count)
            except ValueError as error:
                raise ProblemError(422, str(error), "unit") from None
            except ReadError as error:
                raise ProblemError(409, str(error)) from None
        return structs.replace(inspection.registers(point), live=live)


def _flat(service: BusService) -> dict[str, BusValue]:
    values: dict[str, BusValue] = {path.removeprefix("/"): item.value for path, item in service.items.items()}
    for name, path in FORERUNNER_PATHS.items():
        if path in service.items:
            values.setdefault(name, service.items[path].value)
    return values
