"""The part of the API about cars: what is known of them, their goals, and the login of their services."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from aiohttp import web

from phaeton import car_orders
from phaeton.model import CarOrder, ClearGoal, SetVehicle, Submit
from phaeton.orders import OrderError
from phaeton.sinks.web.problem import ProblemError
from phaeton.sinks.web.request import Done, body_of, field, fields, instant, json_response, named, origin_of, value_of
from phaeton.sinks.web.state import WebState
from phaeton.sinks.web.vehicles import CarActions, VehicleStatus

T = TypeVar("T")

LANDED = """<!doctype html><meta charset="utf-8"><title>Phaeton</title>
<p>The login is done. This page can be closed.</p>"""


class VehicleApi:
    """The handlers."""

    def __init__(self, state: WebState, submit: Submit, actions: CarActions | None) -> None:
        self._state = state
        self._submit = submit
        self._actions = actions

    def routes(self) -> list[web.RouteDef]:
        """All of them."""
        return [
            web.get("/api/vehicles", self.vehicles),
            web.get("/api/vehicles/landed", self.landed),
            web.get("/api/vehicles/{vehicle}", self.vehicle),
            web.get("/api/vehicles/{vehicle}/goal", self.goal),
            web.put("/api/vehicles/{vehicle}/goal", self.set_goal),
            web.delete("/api/vehicles/{vehicle}/goal", self.clear_goal),
            web.put("/api/vehicles/{vehicle}/limits", self.set_limits),
            web.put("/api/vehicles/{vehicle}/soc", self.type_in),
            web.post("/api/vehicles/{vehicle}/refresh", self.refresh),
            web.post("/api/vehicles/{vehicle}/login", self.login),
            web.post("/api/vehicle", self.set_vehicle),
            web.post("/api/chargers/{id}/vehicle", self.set_vehicle),
        ]

    async def vehicles(self, request: web.Request) -> web.Response:
        """All cars."""
        return json_response(self._state.vehicles())

    async def vehicle(self, request: web.Request) -> web.Response:
        """One car."""
        return json_response(self._of(request))

    async def goal(self, request: web.Request) -> web.Response:
        """Its goal; all fields null when it has none."""
        return json_response(self._of(request).goal)

    async def set_goal(self, request: web.Request) -> web.StreamResponse:
        """Have so much in it at a time, once."""
        car = self._of(request)
        body = await body_of(request)
        fields(body, {"departure", "soc_pct", "energy_kwh"})
        leaves = value_of(body, "departure")
        leaves = instant(leaves, "departure") if isinstance(leaves, str) else leaves
        departure_s = named(lambda: car_orders.departure(leaves, self._state.now_utc_s()), "departure")
        soc_pct, energy_kwh = body.get("soc_pct"), body.get("energy_kwh")
        if soc_pct is not None and car.info.battery_kwh is None:
            raise ProblemError(409, "a goal in % needs the size of the battery: set battery_kwh of this car", "soc_pct")
        blamed = "energy_kwh" if soc_pct is None else "soc_pct"
        order = named(lambda: car_orders.set_goal(car.id, departure_s, soc_pct, energy_kwh), blamed)
        return await self._order(request, order)

    async def clear_goal(self, request: web.Request) -> web.StreamResponse:
        """Take the goal of once back."""
        return await self._order(request, ClearGoal(vehicle=self._of(request).id))

    async def set_limits(self, request: web.Request) -> web.StreamResponse:
        """Least and most state of charge; null = as configured."""
        car = self._of(request)
        body = await body_of(request)
        fields(body, {"min_soc_pct", "limit_soc_pct"})
        found: list[CarOrder] = []
        if "min_soc_pct" in body:
            found.append(named(lambda: car_orders.set_min_soc(car.id, body["min_soc_pct"]), "min_soc_pct"))
        if "limit_soc_pct" in body:
            found.append(named(lambda: car_orders.set_limit_soc(car.id, body["limit_soc_pct"]), "limit_soc_pct"))
        return await self._order(request, *found)

    async def type_in(self, request: web.Request) -> web.StreamResponse:
        """The owner says how full it is."""
        car = self._of(request)
        body = await body_of(request)
        fields(body, {"soc_pct"})
        soc_pct = field(lambda value: car_orders.percent(value, "soc_pct"), body, "soc_pct")
        self._act(lambda actions: actions.type_in(car.id, soc_pct))
        return json_response(Done(True, self._state.seq + 1))

    async def refresh(self, request: web.Request) -> web.StreamResponse:
        """Ask its service again now, within what is allowed in a day; never wakes the car."""
        car = self._of(request)
        self._act(lambda actions: actions.try_again(car.id))
        return json_response(Done(True, self._state.seq + 1))

    async def login(self, request: web.Request) -> web.StreamResponse:
        """Begin a login (an empty object), or end it with the address that the browser landed on."""
        car = self._of(request)
        body = await body_of(request)
        fields(body, {"redirected"})
        if "redirected" not in body:
            return json_response({"url": self._act(lambda actions: actions.begin_login(car.id))})
        redirected = body["redirected"]
        if not isinstance(redirected, str):
            raise ProblemError(422, "redirected must be the address as text", "redirected")
        await self._finish(redirected, car.id, "")
        return json_response({"ok": True})

    async def landed(self, request: web.Request) -> web.StreamResponse:
        """Where a login ends when the redirect address of the application is this one."""
        await self._finish(str(request.url), "", request.query.get("state", ""))
        return web.Response(text=LANDED, content_type="text/html")

    async def set_vehicle(self, request: web.Request) -> web.StreamResponse:
        """Say which car is at a charging point; "" = a guest, null = find out."""
        body = await body_of(request)
        fields(body, {"vehicle"})
        vehicle = value_of(body, "vehicle")
        known = {car.id for car in self._state.vehicles()}
        if vehicle is not None and vehicle != "" and vehicle not in known:
            raise ProblemError(
                422, f"there is no car {vehicle!r}; there is {', '.join(sorted(known)) or 'none'}", "vehicle"
            )
        assert vehicle is None or isinstance(vehicle, str)
        return await self._order(request, SetVehicle(vehicle))

    def _of(self, request: web.Request) -> VehicleStatus:
        wanted = request.match_info["vehicle"]
        cars = {car.id: car for car in self._state.vehicles()}
        if wanted not in cars:
            known = f"there is {', '.join(cars)}" if cars else "none is configured"
            raise ProblemError(404, f"there is no car {wanted!r}; {known}")
        return cars[wanted]

    async def _order(self, request: web.Request, *found: CarOrder) -> web.StreamResponse:
        point = self._state.point(request.match_info.get("id"))
        first = self._state.seq + 1
        for order in found:
            await self._submit(point, order, origin_of(request))
        return json_response(Done(True, first))

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
