"""The REST API: status and orders. The flat addresses mean the first charging point."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from aiohttp import web
from msgspec import UNSET
from msgspec.structs import asdict

from phaeton import orders
from phaeton.model import Order
from phaeton.sinks.web.bodies import (
    AcceptBody,
    BoostBody,
    CurrentBody,
    EnergyLimitBody,
    ModeBody,
    PhasesBody,
    PowerCapBody,
    StartStopBody,
)
from phaeton.sinks.web.endpoint import JSON, Ask, Done, Endpoint, Endpoints, Example, Media, Nothing, Scope
from phaeton.sinks.web.parts import Parts
from phaeton.sinks.web.plan import ForerunnerPlan, ForerunnerTrouble, PlanList, PointPlan
from phaeton.sinks.web.prices import PriceList
from phaeton.sinks.web.problem import ProblemError
from phaeton.sinks.web.request import instant, named
from phaeton.sinks.web.state import WebState
from phaeton.sinks.web.status import ChargerStatus, Snapshot

NO_CHARGER = {404: "there is no such charger"}
NOT_YET = {503: "there is no decision yet"}


class Api:
    """The handlers; the ``origin`` of orders is ``rest``, or ``page`` where the page says so."""

    def __init__(self, state: WebState, parts: Parts) -> None:
        self._state = state
        self._parts = parts

    def endpoints(self) -> Endpoints:
        """All of this part."""
        first = {"id": "1"}
        found: Endpoints = [
            Endpoint(
                "GET",
                "/api/health",
                self.health,
                Scope.OPEN,
                "The process is alive",
                Media("text/plain"),
                example=Example(answer="ok"),
            ),
            Endpoint("GET", "/api/status", self.status, Scope.GUEST, "The whole state", Snapshot, problems=NOT_YET),
            Endpoint(
                "GET",
                "/api/chargers",
                self.chargers,
                Scope.GUEST,
                "All charging points",
                list[ChargerStatus],
                problems=NOT_YET,
            ),
            Endpoint(
                "GET",
                "/api/chargers/{id}",
                self.charger,
                Scope.GUEST,
                "One charging point",
                ChargerStatus,
                problems=NO_CHARGER | NOT_YET,
                example=Example(first),
            ),
            Endpoint(
                "GET",
                "/api/prices",
                self.prices,
                Scope.GUEST,
                "The prices, and how their source fares",
                PriceList,
                problems=NOT_YET,
            ),
            Endpoint(
                "GET",
                "/api/plan",
                self.plans,
                Scope.GUEST,
                "What all charging points have in mind",
                PlanList,
                problems=NOT_YET,
            ),
            Endpoint(
                "GET",
                "/api/chargers/{id}/plan",
                self.plan,
                Scope.GUEST,
                "What one charging point has in mind",
                PointPlan,
                problems=NO_CHARGER | NOT_YET,
                example=Example(first),
            ),
            Endpoint(
                "GET",
                "/api/tibber/plan",
                self.forerunner_plan,
                Scope.GUEST,
                "Prices and when they are charged in, in the forerunner's shape, for whatever source",
                ForerunnerPlan | ForerunnerTrouble,
            ),
        ]
        return found + self._orders()

    def _orders(self) -> Endpoints:
        cannot = {409: "the charger gives no way to choose the phases"}
        nobody = {409: "no charger waits to be accepted"}
        accept = Example(body={"serial": "ACE0012345"}, status=409)
        table: list[tuple[str, str, type, Callable[[Ask[Any, Any]], Order], Example, dict[int, str]]] = [
            ("mode", "Choose the mode", ModeBody, self._mode, Example(body={"mode": "auto"}), {}),
            ("startstop", "Let it charge, or not", StartStopBody, self._startstop, Example(body={"enabled": True}), {}),
            (
                "set_current", "The current in manual mode", CurrentBody, self._set_current,
                Example(body={"amps": 16}), {},
            ),
            ("phases", "Choose the phases", PhasesBody, self._phases, Example(body={"phases": 1}), cannot),
            ("boost", "Charge fast for once", BoostBody, self._boost, Example(body={"energy_kwh": 10}), {}),
            (
                "energy_limit", "End this stay's charging at so much", EnergyLimitBody, self._energy_limit,
                Example(body={"energy_kwh": 20}), {},
            ),
            (
                "power_cap", "Draw no more than this", PowerCapBody, self._power_cap,
                Example(body={"power_w": 4200}), {},
            ),
            (
                "accept", "Control the charger that answers now, another one than last time", AcceptBody, self._accept,
                accept, nobody,
            ),
        ]  # fmt: skip
        found: Endpoints = []
        for name, summary, body, make, example, problems in table:
            for path, where, no_charger in (
                (f"/api/{name}", {}, {}),
                (f"/api/chargers/{{id}}/{name}", {"id": "1"}, NO_CHARGER),
            ):
                found.append(
                    Endpoint(
                        "POST",
                        path,
                        self._ordering(make),
                        Scope.CONTROL,
                        summary,
                        Done,
                        body=body,
                        problems=problems | no_charger | NOT_YET,
                        example=Example(where, body=example.body, status=example.status),
                        tag="orders",
                    )
                )
        return found

    async def health(self, ask: Ask[Nothing, Nothing]) -> web.Response:
        """The process is alive."""
        return web.Response(text="ok")

    async def status(self, ask: Ask[Nothing, Nothing]) -> web.Response:
        """The whole snapshot."""
        encoded = self._state.encoded()
        if encoded is None:
            raise ProblemError(503, self._state.why_empty())
        return web.Response(body=encoded, content_type=JSON)

    async def chargers(self, ask: Ask[Nothing, Nothing]) -> list[ChargerStatus]:
        """All charging points."""
        return self._state.snapshot().chargers

    async def charger(self, ask: Ask[Nothing, Nothing]) -> ChargerStatus:
        """One charging point."""
        return self._charger(self._state.point(ask.point))

    async def prices(self, ask: Ask[Nothing, Nothing]) -> PriceList:
        """The prices, and how their source fares."""
        return self._state.prices()

    async def plans(self, ask: Ask[Nothing, Nothing]) -> PlanList:
        """What all charging points have in mind."""
        return self._state.plans()

    async def plan(self, ask: Ask[Nothing, Nothing]) -> PointPlan:
        """What one charging point has in mind."""
        return self._state.plan(self._state.point(ask.point))

    async def forerunner_plan(self, ask: Ask[Nothing, Nothing]) -> ForerunnerPlan | ForerunnerTrouble:
        """Prices and when they are charged in, as the forerunner told them."""
        return self._state.forerunner_plan()

    def _charger(self, point: str) -> ChargerStatus:
        return next(charger for charger in self._state.snapshot().chargers if charger.id == point)

    def _ordering(self, make: Callable[[Ask[Any, Any]], Order]) -> Callable[[Ask[Any, Any]], Awaitable[Done]]:
        async def handle(ask: Ask[Any, Any]) -> Done:
            point = self._state.point(ask.point)
            order = make(ask)
            first = self._state.seq + 1
            await self._parts.submit(point, order, ask.caller.origin)
            return Done(True, first)

        return handle

    def _accept(self, ask: Ask[Nothing, AcceptBody]) -> Order:
        shown = self._charger(self._state.point(ask.point))
        if not shown.stranger:
            raise ProblemError(409, "no charger waits to be accepted here")
        return named(lambda: orders.accept_charger(ask.body.serial, shown.serial), "serial")

    def _mode(self, ask: Ask[Nothing, ModeBody]) -> Order:
        return named(lambda: orders.set_mode(ask.body.mode), "mode")

    def _startstop(self, ask: Ask[Nothing, StartStopBody]) -> Order:
        given = {name: value for name, value in asdict(ask.body).items() if value is not UNSET}
        found = [named(partial(orders.set_start, value), name) for name, value in given.items()]
        if not found:
            raise ProblemError(422, "the field 'value' is missing", "value")
        return found[0]

    def _set_current(self, ask: Ask[Nothing, CurrentBody]) -> Order:
        return named(lambda: orders.set_current(ask.body.amps), "amps")

    def _phases(self, ask: Ask[Nothing, PhasesBody]) -> Order:
        order = named(lambda: orders.set_phases(ask.body.phases), "phases")
        if order.phases != 0 and not self._state.can_switch_phases(self._state.point(ask.point)):
            raise ProblemError(409, "this charger gives no way to choose the phases", "phases", code="fixed_phases")
        return order

    def _boost(self, ask: Ask[Nothing, BoostBody]) -> Order:
        body = ask.body
        until = instant(body.until, "until") if isinstance(body.until, str) else body.until
        energy_kwh = named(lambda: orders.boost_energy(body.energy_kwh), "energy_kwh")
        until_s = named(lambda: orders.boost_until(until, self._state.now_utc_s()), "until")
        soc_pct = named(lambda: orders.boost_soc(body.soc_pct), "soc_pct")
        return named(lambda: orders.set_boost(body.on, energy_kwh, until_s, soc_pct), "on")

    def _energy_limit(self, ask: Ask[Nothing, EnergyLimitBody]) -> Order:
        return named(lambda: orders.set_energy_limit(ask.body.energy_kwh), "energy_kwh")

    def _power_cap(self, ask: Ask[Nothing, PowerCapBody]) -> Order:
        return named(lambda: orders.set_power_cap(ask.body.power_w), "power_w")
