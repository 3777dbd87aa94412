"""The part of the API about cars: what is known of them, their goals, and the login of their services."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from aiohttp import web
from msgspec import UNSET, Struct

from phaeton import car_orders
from phaeton.model import CarOrder, ClearGoal
from phaeton.orders import OrderError
from phaeton.sinks.web.bodies import GoalBody, LoginBody, SocBody, SocLimitsBody, VehicleBody
from phaeton.sinks.web.endpoint import Ask, Done, Endpoint, Endpoints, Example, Media, Nothing, Scope
from phaeton.sinks.web.moments import moment
from phaeton.sinks.web.parts import Parts
from phaeton.sinks.web.problem import ProblemError
from phaeton.sinks.web.request import instant, named
from phaeton.sinks.web.state import WebState
from phaeton.sinks.web.vehicles import CarActions, GoalStatus, VehicleStatus

T = TypeVar("T")

LANDED = """<!doctype html><meta charset="utf-8"><title>Phaeton</title>
<p>The login is done. This page can be closed.</p>"""
NO_CAR = {404: "there is no such car"}
NO_CHARGER = {404: "there is no such charger"}


class LandedQuery(Struct, frozen=True):
    """What the car's maker adds to the address."""

    code: str = ""
    state: str = ""
    error: str = ""
    issuer: str = ""
    locale: str = ""
    error_description: str = ""


class LoginAnswer(Struct, frozen=True, omit_defaults=True):
    """Where to agree, or that it is done."""

    url: str = ""
    ok: bool = False


class VehicleApi:
    """The handlers."""

    def __init__(self, state: WebState, parts: Parts) -> None:
        self._state = state
        self._submit = parts.submit
        self._actions = parts.cars

    def endpoints(self) -> Endpoints:
        """All of this part."""
        car = "/api/vehicles/{vehicle}"
        ev6 = {"vehicle": "ev6"}
        order = Scope.CONTROL
        goal = {"departure": moment(time.time() + 86_400.0), "soc_pct": 80}
        no_size = NO_CAR | {409: "a goal in % needs the size of the car's battery"}
        away = NO_CAR | {409: "the car's source refuses", 503: "the sources of the cars do not run"}
        found: Endpoints = [
            Endpoint("GET", "/api/vehicles", self.vehicles, Scope.GUEST, "All cars", list[VehicleStatus]),
            Endpoint(
                "GET", "/api/vehicles/landed", self.landed, Scope.OPEN,
                "Where a login at the car's maker ends, when the redirect address of the application is this one",
                Media("text/html"), LandedQuery, problems=away,
                example=Example(query={"code": "c", "state": "s"}, status=409),
            ),
            Endpoint(
                "GET", car, self.vehicle, Scope.GUEST, "One car", VehicleStatus, problems=NO_CAR, example=Example(ev6)
            ),
            Endpoint(
                "GET", f"{car}/goal", self.goal, Scope.GUEST, "Its goal; all fields null when it has none", GoalStatus,
                problems=NO_CAR, example=Example(ev6),
            ),
            Endpoint(
                "PUT", f"{car}/goal", self.set_goal, order, "Have so much in it at a time, once", Done, body=GoalBody,
                problems=no_size, example=Example(ev6, body=goal),
            ),
            Endpoint(
                "DELETE", f"{car}/goal", self.clear_goal, order, "Take the goal of once back", Done, problems=NO_CAR,
                example=Example(ev6),
            ),
            Endpoint(
                "PUT", f"{car}/limits", self.set_limits, order, "Least and most state of charge", Done,
                body=SocLimitsBody, problems=NO_CAR,
                example=Example(ev6, body={"min_soc_pct": 20, "limit_soc_pct": None}),
            ),
            Endpoint(
                "PUT", f"{car}/soc", self.type_in, order, "Say how full it is", Done, body=SocBody, problems=away,
                example=Example(ev6, body={"soc_pct": 63}),
            ),
            Endpoint(
                "POST", f"{car}/refresh", self.refresh, order,
                "Ask its service again now, within what is allowed in a day; never wakes the car", Done, problems=away,
                example=Example(ev6, body={}),
            ),
            Endpoint(
                "POST", f"{car}/login", self.login, Scope.ADMIN, "Begin or end the login at the car's maker",
                LoginAnswer, body=LoginBody, problems=away, example=Example(ev6, body={}, status=409),
            ),
        ]  # fmt: skip
        for path, where, no_charger in (
            ("/api/vehicle", {}, {}),
            ("/api/chargers/{id}/vehicle", {"id": "1"}, NO_CHARGER),
        ):
            found.append(
                Endpoint(
                    "POST", path, self.set_vehicle, order, "Say which car is here", Done, body=VehicleBody,
                    problems=no_charger, example=Example(where, body={"vehicle": "ev6"}), tag="vehicles",
                )
            )  # fmt: skip
        return found

    async def vehicles(self, ask: Ask[Nothing, Nothing]) -> list[VehicleStatus]:
        """All cars."""
        return self._state.vehicles()

    async def vehicle(self, ask: Ask[Nothing, Nothing]) -> VehicleStatus:
        """One car."""
        return self._of(ask.request)

    async def goal(self, ask: Ask[Nothing, Nothing]) -> GoalStatus:
        """Its goal; all fields null when it has none."""
        return self._of(ask.request).goal

    async def set_goal(self, ask: Ask[Nothing, GoalBody]) -> Done:
        """Have so much in it at a time, once."""
        car, body = self._of(ask.request), ask.body
        leaves = instant(body.departure, "departure") if isinstance(body.departure, str) else body.departure
        departure_s = named(lambda: car_orders.departure(leaves, self._state.now_utc_s()), "departure")
        if body.soc_pct is not None and car.info.battery_kwh is None:
            raise ProblemError(409, "a goal in % needs the size of the battery: set battery_kwh of this car", "soc_pct")
        blamed = "energy_kwh" if body.soc_pct is None else "soc_pct"
        order = named(lambda: car_orders.set_goal(car.id, departure_s, body.soc_pct, body.energy_kwh), blamed)
        return await self._order(ask, order)

    async def clear_goal(self, ask: Ask[Nothing, Nothing]) -> Done:
        """Take the goal of once back."""
        return await self._order(ask, ClearGoal(vehicle=self._of(ask.request).id))

    async def set_limits(self, ask: Ask[Nothing, SocLimitsBody]) -> Done:
        """Least and most state of charge; null = as configured."""
        car, body = self._of(ask.request), ask.body
        found: list[CarOrder] = []
        if body.min_soc_pct is not UNSET:
            found.append(named(lambda: car_orders.set_min_soc(car.id, body.min_soc_pct), "min_soc_pct"))
        if body.limit_soc_pct is not UNSET:
            found.append(named(lambda: car_orders.set_limit_soc(car.id, body.limit_soc_pct), "limit_soc_pct"))
        return await self._order(ask, *found)

    async def type_in(self, ask: Ask[Nothing, SocBody]) -> Done:
        """The owner says how full it is."""
        car = self._of(ask.request)
        soc_pct = named(lambda: car_orders.percent(ask.body.soc_pct, "soc_pct"), "soc_pct")
        self._act(lambda actions: actions.type_in(car.id, soc_pct))
        return Done(True, self._state.seq + 1)

    async def refresh(self, ask: Ask[Nothing, Nothing]) -> Done:
        """Ask its service again now, within what is allowed in a day; never wakes the car."""
        car = self._of(ask.request)
        self._act(lambda actions: actions.try_again(car.id))
        return Done(True, self._state.seq + 1)

    async def login(self, ask: Ask[Nothing, LoginBody]) -> LoginAnswer:
        """Begin a login (an empty object), or end it with the address that the browser landed on."""
        car = self._of(ask.request)
        if ask.body.redirected is UNSET:
            return LoginAnswer(url=self._act(lambda actions: actions.begin_login(car.id)))
        await self._finish(ask.body.redirected, car.id, "")
        return LoginAnswer(ok=True)

    async def landed(self, ask: Ask[LandedQuery, Nothing]) -> web.Response:
        """Where a login ends when the redirect address of the application is this one."""
        await self._finish(str(ask.request.url), "", ask.query.state)
        return web.Response(text=LANDED, content_type="text/html")

    async def set_vehicle(self, ask: Ask[Nothing, VehicleBody]) -> Done:
        """Say which car is at a charging point; "" = a guest, null = find out."""
        known = {car.id for car in self._state.vehicles()}
        return await self._order(ask, named(lambda: car_orders.set_vehicle(ask.body.vehicle, known), "vehicle"))

    def _of(self, request: web.Request) -> VehicleStatus:
        wanted = request.match_info["vehicle"]
        cars = {car.id: car for car in self._state.vehicles()}
        if wanted not in cars:
            known = f"there is {', '.join(cars)}" if cars else "none is configured"
            raise ProblemError(404, f"there is no car {wanted!r}; {known}")
        return cars[wanted]

    async def _order(self, ask: Ask[Nothing, T], *found: CarOrder) -> Done:
        point = self._state.point(ask.point)
        first = self._state.seq + 1
        for order in found:
            await self._submit(point, order, ask.caller.origin)
        return Done(True, first)

    def _act(self, what: Callable[[CarActions], T]) -> T:
        if self._actions is None:
            raise ProblemError(503, "the sources of the cars do not run")
        try:
            return what(self._actions)
        except OrderError:
            raise
        except (KeyError, ValueError) as error:
            raise ProblemError(409, str(error)) from None

    async def _finish(self, redirected: str, vehicle: str, state: str) -> None:
        if self._actions is None:
            raise ProblemError(503, "the sources of the cars do not run")
        try:
            await self._actions.finish_login(redirected, vehicle, state)
        except (KeyError, ValueError) as error:
            raise ProblemError(409, str(error)) from None
