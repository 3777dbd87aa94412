"""The preview of a week over the API: what it takes, what it tells, and how it says no."""

from __future__ import annotations

from typing import Any

import aiohttp

from phaeton.config.tree import Charger, Config
from phaeton.config.tree_cars import Departure, Vehicle
from phaeton.config.tree_schedule import Schedule
from phaeton.config.tree_web import Web
from phaeton.sinks.web import Diagnostics, Parts, PointName, WebServer
from tests import plans
from tests.kept import KeptInMemory

CONFIG = Config(
    chargers=(Charger(host="a"),),
    schedule=Schedule(strategy="plan"),
    vehicles=(Vehicle(id="ev6", departures=(Departure(time="07:00", days=("tue",), energy_kwh=11.0),)),),
)


async def refused_submit(*_: object) -> None:
    raise AssertionError("a preview gives no orders")


async def asked(body: object, status: int = 200) -> Any:
    """The answer of a house whose car is to have 11 kWh on Tuesday."""
    parts = Parts(
        submit=refused_submit, sessions=KeptInMemory(), diagnostics=lambda: Diagnostics(links=()), config=lambda: CONFIG
    )
    server = WebServer(Web(port=0), [PointName("1")], parts)
    await server.start()
    server.publish(plans.planning(plan=None))
    try:
        async with (
            aiohttp.ClientSession(server.address) as client,
            client.post("/api/plan/preview", json=body) as answer,
        ):
            assert answer.status == status, await answer.text()
            return await answer.json(content_type=None)
    finally:
        await server.stop()


async def test_an_empty_body_asks_for_what_is_configured() -> None:
    told = await asked({})
    (car,) = told["cars"]
    assert (car["vehicle"], [leg["energy_goal_kwh"] for leg in car["legs"]]) == ("ev6", [11.0])
    assert (told["prices_until"], told["unpriced_kwh"], told["energy_kwh"]) == (None, 0.0, 11.0)
    assert told["saved"] == 0.0


async def test_what_is_proposed_takes_the_place_of_what_is_configured() -> None:
    told = await asked(
        {"windows": [{"start": "22:00", "end": "23:00"}], "departures": {"ev6": []}, "strategy": "windows"}
    )
    (leg,) = told["cars"][0]["legs"]
    assert leg["departure"] is None
    assert {(slot["why"], slot["text"]) for slot in leg["slots"]} == {("window", "a window says so")}
    assert len(leg["slots"]) == 7


async def test_a_mistake_is_named_with_its_place() -> None:
    told = await asked({"windows": [{"start": "25:00", "end": "23:00"}]}, 422)
    assert told["field"] == "windows[0].start"
    told = await asked({"departures": {"zoe": []}}, 422)
    assert (told["field"], told["detail"]) == ("departures.zoe", "there is no car 'zoe'")
