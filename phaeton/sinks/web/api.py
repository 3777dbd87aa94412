"""The REST API: status, orders, sessions and series. The flat addresses mean the first charging point."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from phaeton import orders
from phaeton.model import Order, Submit
from phaeton.sinks.web.problem import ProblemError
from phaeton.sinks.web.request import (
    Body,
    Done,
    body_of,
    field,
    fields,
    instant,
    json_response,
    named,
    only,
    origin_of,
    whole,
)
from phaeton.sinks.web.series import LONGEST_S
from phaeton.sinks.web.state import Sessions, WebState
from phaeton.sinks.web.status import SessionStatus, session_status

MOST_SESSIONS = 500


class SessionList(msgspec.Struct, frozen=True):
    """The answer to ``GET /api/sessions``."""

    current_session: SessionStatus | None
    last_session: SessionStatus | None
    history: list[SessionStatus]
    more: bool
    """There are older ones; ask again with ``before`` set to the last ``start_time``."""


class Api:
    """The handlers; ``origin`` of all orders is ``rest``, or ``page`` where the page says so."""

    def __init__(self, state: WebState, submit: Submit, sessions: Sessions) -> None:
        self._state = state
        self._submit = submit
        self._sessions = sessions

    def routes(self) -> list[web.RouteDef]:
        """All routes of the API but the events."""
        orders_taken: dict[str, Callable[[web.Request, Body], Order]] = {
            "mode": self._mode,
            "startstop": self._startstop,
            "set_current": self._set_current,
            "phases": self._phases,
            "boost": self._boost,
            "energy_limit": self._energy_limit,
            "power_cap": self._power_cap,
            "accept": self._accept,
        }
        routes = [
            web.get("/api/health", self.health),
            web.get("/api/status", self.status),
            web.get("/api/chargers", self.chargers),
            web.get("/api/chargers/{id}", self.charger),
            web.get("/api/sessions", self.sessions),
            web.get("/api/chargers/{id}/sessions", self.sessions),
            web.get("/api/series", self.series),
            web.get("/api/prices", self.prices),
            web.get("/api/plan", self.plans),
            web.get("/api/chargers/{id}/plan", self.plan),
            web.get("/api/tibber/plan", self.forerunner_plan),
            web.get("/api/chargers/{id}/series", self.series),
        ]
        for name, make in orders_taken.items():
            handler = self._ordering(make)
            routes += [web.post(f"/api/{name}", handler), web.post(f"/api/chargers/{{id}}/{name}", handler)]
        return routes

    async def health(self, request: web.Request) -> web.Response:
        """The process is alive."""
        return web.Response(text="ok")

    async def status(self, request: web.Request) -> web.Response:
        """The whole snapshot."""
        encoded = self._state.encoded()
        if encoded is None:
            raise ProblemError(503, self._state.why_empty())
        return web.Response(body=encoded, content_type="application/json")

    async def chargers(self, request: web.Request) -> web.Response:
        """All charging points."""
        return json_response(self._state.snapshot().chargers)

    async def charger(self, request: web.Request) -> web.Response:
        """One charging point."""
        point = self._point(request)
        return json_response(next(charger for charger in self._state.snapshot().chargers if charger.id == point))

    async def sessions(self, request: web.Request) -> web.Response:
        """The running stay, the last one and the history; ``limit`` and ``before`` page."""
        only(request.query, {"limit", "before"})
        point = self._point(request) if "id" in request.match_info else None
        limit = whole(request.query.get("limit", "10"), "limit", 1, MOST_SESSIONS)
        before = None if "before" not in request.query else instant(request.query["before"], "before")
        found = await self._sessions(limit + 1, before, point)
        stays = [session for session in found if session.end_utc_s is not None]
        output = self._state.output
        running = [
            decided.session
            for decided in (output.decision.points if output else ())
            if decided.session is not None and decided.session.end_utc_s is None and point in (None, decided.point)
        ]
        newest = stays[0] if stays and before is None else None
        return json_response(
            SessionList(
                session_status(running[0]) if running else None,
                session_status(newest) if newest else None,
                [session_status(session) for session in stays[:limit]],
                len(found) > limit,
            )
        )

    async def series(self, request: web.Request) -> web.Response:
        """The recent past of one point; ``window`` is 60 to 21600 seconds."""
        only(request.query, {"window"})
        window = whole(request.query.get("window", "3600"), "window", 60, LONGEST_S)
        return json_response(self._state.history.series(self._point(request), window))

    async def prices(self, request: web.Request) -> web.Response:
        """The prices, and how their source fares."""
        return json_response(self._state.prices())

    async def plans(self, request: web.Request) -> web.Response:
        """What all charging points have in mind."""
        return json_response(self._state.plans())

    async def plan(self, request: web.Request) -> web.Response:
        """What one charging point has in mind."""
        return json_response(self._state.plan(self._point(request)))

    async def forerunner_plan(self, request: web.Request) -> web.Response:
        """Prices and when they are charged in, as the forerunner told them."""
        return json_response(self._state.forerunner_plan())

    def _point(self, request: web.Request) -> str:
        return self._state.point(request.match_info.get("id"))

    def _ordering(
        self, make: Callable[[web.Request, Body], Order]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handler(request: web.Request) -> web.StreamResponse:
            point = self._point(request)
            order = make(request, await body_of(request))
            first = self._state.seq + 1
            await self._submit(point, order, origin_of(request))
            return json_response(Done(True, first))

        return handler

    def _accept(self, request: web.Request, body: Body) -> Order:
        fields(body, {"serial"})
        point = self._point(request)
        shown = next(charger for charger in self._state.snapshot().chargers if charger.id == point)
        if not shown.stranger:
            raise ProblemError(409, "no charger waits to be accepted here")
        return named(lambda: orders.accept_charger(body.get("serial"), shown.serial), "serial")

    def _mode(self, request: web.Request, body: Body) -> Order:
        fields(body, {"mode"})
        return field(orders.set_mode, body, "mode")

    def _startstop(self, request: web.Request, body: Body) -> Order:
        fields(body, {"value", "enabled"})
        return field(orders.set_start, body, "enabled" if "value" not in body and "enabled" in body else "value")

    def _set_current(self, request: web.Request, body: Body) -> Order:
        fields(body, {"amps"})
        return field(orders.set_current, body, "amps")

    def _phases(self, request: web.Request, body: Body) -> Order:
        fields(body, {"phases"})
        order = field(orders.set_phases, body, "phases")
        if order.phases != 0 and not self._state.can_switch_phases(self._point(request)):
            raise ProblemError(409, "this charger gives no way to choose the phases", "phases")
        return order

    def _boost(self, request: web.Request, body: Body) -> Order:
        fields(body, {"on", "energy_kwh", "until", "soc_pct"})
        until = body.get("until")
        until = instant(until, "until") if isinstance(until, str) else until
        energy_kwh = named(lambda: orders.boost_energy(body.get("energy_kwh")), "energy_kwh")
        until_s = named(lambda: orders.boost_until(until, self._state.now_utc_s()), "until")
        soc_pct = named(lambda: orders.boost_soc(body.get("soc_pct")), "soc_pct")
        return named(lambda: orders.set_boost(body.get("on", True), energy_kwh, until_s, soc_pct), "on")

    def _energy_limit(self, request: web.Request, body: Body) -> Order:
        fields(body, {"energy_kwh"})
        return field(orders.set_energy_limit, body, "energy_kwh")

    def _power_cap(self, request: web.Request, body: Body) -> Order:
        fields(body, {"power_w"})
        return field(orders.set_power_cap, body, "power_w")
