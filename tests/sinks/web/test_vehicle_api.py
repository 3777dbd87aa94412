"""The cars over the API: what it tells, what it takes, and how it says no."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from phaeton.config.tree_web import Web
from phaeton.model import CarState, ClearGoal, Order, SetGoal, SetLimitSoc, SetMinSoc, SetVehicle
from phaeton.sinks.web import Diagnostics, Parts, PointName, WebServer
from phaeton.sinks.web.vehicles import VehicleInfo
from tests import outputs
from tests.kept import KeptInMemory


class Actions:
    """What the owner did, written down."""

    def __init__(self) -> None:
        self.done: list[tuple[object, ...]] = []
        self.refusal: Exception | None = None

    def type_in(self, vehicle_id: str, soc_pct: float) -> None:
        """Write it down."""
        self.done.append(("soc", vehicle_id, soc_pct))

    def try_again(self, vehicle_id: str) -> None:
        """Write it down."""
        self.done.append(("again", vehicle_id))

    def begin_login(self, vehicle_id: str) -> str:
        """An address, or the refusal."""
        if self.refusal is not None:
            raise self.refusal
        return f"https://auth.example/{vehicle_id}"

    async def finish_login(self, redirected: str, vehicle_id: str = "", state: str = "") -> None:
        """Write it down, or the refusal."""
        if self.refusal is not None:
            raise self.refusal
        self.done.append(("login", redirected, vehicle_id, state))


class Site:
    """The server, a client, and everything that was asked of it."""

    def __init__(self, server: WebServer, client: aiohttp.ClientSession, actions: Actions, given: list[Order]) -> None:
        self.server = server
        self.client = client
        self.actions = actions
        self.given = given

    async def ask(self, method: str, path: str, body: object = None, expect: int = 200) -> Any:
        """The answer, after its status was checked."""
        async with self.client.request(method, path, json=body) as answer:
            assert answer.status == expect, await answer.text()
            if expect >= 400:
                assert answer.content_type == "application/problem+json"
            return await answer.json(content_type=None)


INFOS = (
    VehicleInfo(id="ev6", name="EV6", battery_kwh=77.4, source="kia", trouble="denied", note="log in with its app"),
    VehicleInfo(id="zoe", source="manual"),
)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    given: list[Order] = []
    actions = Actions()

    async def submit(point: str, order: Order, origin: str) -> None:
        assert (point, origin) in {("1", "rest"), ("2", "rest")}
        given.append(order)

    names = [PointName("1"), PointName("2")]
    server = WebServer(
        Web(port=0),
        names,
        Parts(submit=submit, sessions=KeptInMemory(), diagnostics=lambda: Diagnostics(vehicles=INFOS), cars=actions),
    )
    await server.start()
    output = outputs.output(more=(outputs.waiting("2"),))
    car = CarState(
        vehicle="ev6",
        point="1",
        soc_pct=63.04,
        soc_sigma_pct=2.0,
        goal_soc_pct=80.0,
        departure_utc_s=output.decision.utc_s,
    )
    server.publish(replace(output, decision=replace(output.decision, cars=(car,))))
    async with aiohttp.ClientSession(server.address) as client:
        yield Site(server, client, actions, given)
    await server.stop()


async def test_the_cars_are_in_the_status_and_at_an_address_of_their_own(site: Site) -> None:
    cars = await site.ask("GET", "/api/vehicles")
    assert (await site.ask("GET", "/api/status"))["vehicles"] == cars
    ev6, zoe = cars
    assert (ev6["name"], ev6["point"], ev6["soc_pct"], ev6["info"]["note"]) == ("EV6", "1", 63.0, "log in with its app")
    assert (zoe["name"], zoe["point"], zoe["soc_pct"], zoe["goal"]["departure"]) == ("zoe", "", None, None)
    assert await site.ask("GET", "/api/vehicles/ev6") == ev6
    goal = await site.ask("GET", "/api/vehicles/ev6/goal")
    assert goal == {"departure": "2026-06-01T10:00:00Z", "soc_pct": 80.0, "energy_kwh": None, "repeating": False}
    assert "no car 'x'; there is ev6, zoe" in (await site.ask("GET", "/api/vehicles/x", expect=404))["detail"]


async def test_a_goal_for_once(site: Site) -> None:
    body = {"departure": "2026-06-01T20:00:00+02:00", "soc_pct": 80}
    assert (await site.ask("PUT", "/api/vehicles/ev6/goal", body))["ok"] is True
    leaves = 1_780_336_800.0
    assert site.given == [SetGoal(departure_utc_s=leaves, soc_pct=80.0, vehicle="ev6")]
    await site.ask("PUT", "/api/vehicles/zoe/goal", {"departure": leaves, "energy_kwh": "12,5"})
    assert site.given[-1] == SetGoal(departure_utc_s=leaves, energy_kwh=12.5, vehicle="zoe")
    await site.ask("DELETE", "/api/vehicles/ev6/goal")
    assert site.given[-1] == ClearGoal(vehicle="ev6")


@pytest.mark.parametrize(
    ("vehicle", "body", "status", "field"),
    [
        ("ev6", {}, 422, "departure"),
        ("ev6", {"departure": "tomorrow", "soc_pct": 80}, 422, "departure"),
        ("ev6", {"departure": "2020-01-01T00:00:00Z", "soc_pct": 80}, 422, "departure"),
        ("ev6", {"departure": "2030-01-01T00:00:00Z", "soc_pct": 80}, 422, "departure"),
        ("ev6", {"departure": "2026-06-01T20:00:00Z"}, 422, "energy_kwh"),
        ("ev6", {"departure": "2026-06-01T20:00:00Z", "soc_pct": 101}, 422, "soc_pct"),
        ("ev6", {"departure": "2026-06-01T20:00:00Z", "soc_pct": 80, "energy_kwh": 3}, 422, "soc_pct"),
        ("ev6", {"departure": "2026-06-01T20:00:00Z", "energy_kwh": -3}, 422, "energy_kwh"),
        ("ev6", {"departure": "2026-06-01T20:00:00Z", "soc": 80}, 422, "soc"),
        ("zoe", {"departure": "2026-06-01T20:00:00Z", "soc_pct": 80}, 409, "soc_pct"),
    ],
)
async def test_a_goal_that_is_none(site: Site, vehicle: str, body: object, status: int, field: str) -> None:
    problem = await site.ask("PUT", f"/api/vehicles/{vehicle}/goal", body, expect=status)
    assert problem["field"] == field
    assert site.given == []


async def test_least_and_most_charge(site: Site) -> None:
    await site.ask("PUT", "/api/vehicles/ev6/limits", {"min_soc_pct": 20, "limit_soc_pct": None})
    assert site.given == [SetMinSoc(soc_pct=20.0, vehicle="ev6"), SetLimitSoc(soc_pct=None, vehicle="ev6")]
    await site.ask("PUT", "/api/vehicles/ev6/limits", {"min_soc_pct": 120}, expect=422)


async def test_which_car_is_at_a_point(site: Site) -> None:
    await site.ask("POST", "/api/vehicle", {"vehicle": "ev6"})
    await site.ask("POST", "/api/chargers/2/vehicle", {"vehicle": ""})
    await site.ask("POST", "/api/vehicle", {"vehicle": None})
    assert site.given == [SetVehicle("ev6"), SetVehicle(""), SetVehicle(None)]
    await site.ask("POST", "/api/vehicle", {"vehicle": "x"}, expect=422)
    await site.ask("POST", "/api/vehicle", {"vehicle": 5}, expect=422)
    await site.ask("POST", "/api/chargers/9/vehicle", {"vehicle": "ev6"}, expect=404)


async def test_a_typed_in_charge_and_another_try(site: Site) -> None:
    await site.ask("PUT", "/api/vehicles/zoe/soc", {"soc_pct": "63 "})
    await site.ask("POST", "/api/vehicles/zoe/refresh", {})
    assert site.actions.done == [("soc", "zoe", 63.0), ("again", "zoe")]
    await site.ask("PUT", "/api/vehicles/zoe/soc", {"soc_pct": 163}, expect=422)


async def test_a_login_begins_and_ends(site: Site) -> None:
    assert await site.ask("POST", "/api/vehicles/ev6/login", {}) == {"url": "https://auth.example/ev6"}
    await site.ask("POST", "/api/vehicles/ev6/login", {"redirected": "https://x/?code=1&state=2"})
    assert site.actions.done == [("login", "https://x/?code=1&state=2", "ev6", "")]
    async with site.client.get("/api/vehicles/landed?code=c&state=s") as answer:
        assert "can be closed" in await answer.text()
    assert site.actions.done[-1][2:] == ("", "s")
    site.actions.refusal = ValueError("begin again")
    for path, body in (("login", {}), ("login", {"redirected": "x"})):
        assert (await site.ask("POST", f"/api/vehicles/ev6/{path}", body, expect=409))["detail"] == "begin again"
    await site.ask("GET", "/api/vehicles/landed?state=s", expect=409)
    await site.ask("POST", "/api/vehicles/ev6/login", {"redirected": 5}, expect=422)


async def test_another_site_may_not_order(site: Site) -> None:
    headers = {"Origin": "https://evil.example"}
    async with site.client.put("/api/vehicles/zoe/soc", json={"soc_pct": 5}, headers=headers) as answer:
        assert answer.status == 403
    assert site.actions.done == []
