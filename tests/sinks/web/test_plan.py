"""Plans in the API: per point with slots, reasons, goal and lateness; in the snapshot; in the forerunner's shape."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from msgspec.structs import replace

from phaeton.config.tree_web import Web
from phaeton.model import SlotWhy
from phaeton.price_report import PriceReport
from phaeton.sinks.web import Diagnostics, Parts, PointName, WebServer
from phaeton.sinks.web.plan import WORDS, ForerunnerPlan, ForerunnerTrouble, forerunner_plan, plan_list, plan_status
from tests import plans
from tests.kept import KeptInMemory

DOCS = Path(__file__).parents[3] / "docs" / "api.md"


def test_a_plan_tells_what_it_needs_what_comes_next_and_why() -> None:
    found = plan_list(plans.planning(), plans.report()).points[0]
    assert (found.point, found.mode, found.vehicle, found.strategy) == ("1", "scheduled", "ev6", "plan")
    assert found.goal is not None
    assert (found.goal.soc_pct, found.goal.departure, found.goal.repeating) == (80.0, "2026-06-02T05:00:00Z", True)
    plan = found.plan
    assert plan is not None
    assert (plan.need_kwh, plan.cost, plan.late_min, plan.charging) == (24.2, 1.1, 0.0, False)
    assert plan.next == "2026-06-02T00:00:00Z"
    assert [(slot.why, slot.energy_kwh, slot.price_per_kwh) for slot in plan.slots] == [
        ("sun", 4.4, 0.08),
        ("price", 11.0, -0.02),
        ("price", 8.8, 0.11),
    ]


def test_a_plan_that_is_late_says_so() -> None:
    plan = plan_status(plans.LATE, plans.NOW_S)
    assert (plan.late_min, plan.missing_kwh, plan.cost, plan.charging, plan.next) == (72.0, 15.95, None, True, None)
    assert plan.slots[0].text == "the departure cannot be met, so at once"


def test_what_is_over_is_not_told_any_more() -> None:
    assert [slot.why for slot in plan_status(plans.PLAN, plans.NOW_S + 14.5 * 3600.0).slots] == ["price", "price"]


def test_every_reason_of_a_slot_has_words() -> None:
    assert {why.value for why in SlotWhy} < set(WORDS)


def test_a_price_strategy_without_a_departure_tells_its_cheap_slots() -> None:
    slots = plans.report().slots[26:28]
    report = replace(plans.report(strategy="threshold", cheap=slots), threshold_per_kwh=0.1)
    found = plan_list(plans.planning(plan=None), report)
    assert (found.strategy, found.threshold_per_kwh) == ("threshold", 0.1)
    assert found.points[0].plan is None
    assert found.points[0].goal is None
    assert [(slot.price_per_kwh, slot.power_w, slot.why) for slot in found.points[0].cheap] == [
        (-0.02, None, "price_low"),
        (-0.02, None, "price_low"),
    ]


def test_the_forerunners_plan_keeps_its_shape_whatever_the_source() -> None:
    found = forerunner_plan(replace(plans.report(strategy="percentile"), threshold_per_kwh=0.15), plans.NOW_S)
    assert isinstance(found, ForerunnerPlan)
    told = json.loads(msgspec.json.encode(found))
    assert list(told) == ["strategy", "threshold", "points", "generated_at"]
    assert (told["strategy"], told["threshold"], len(told["points"])) == ("percentile", 0.15, 48)
    assert told["points"][26] == {
        "starts_at": "2026-06-02T00:00:00Z",
        "ends_at": "2026-06-02T01:00:00Z",
        "total": -0.02,
        "level": "NORMAL",
        "will_charge": True,
    }
    assert not told["points"][3]["will_charge"]


@pytest.mark.parametrize(("report", "says"), [(None, "no prices"), (plans.report(known=False), "wait")])
def test_without_prices_the_forerunners_plan_has_none_and_says_why(report: PriceReport | None, says: str) -> None:
    found = forerunner_plan(report, plans.NOW_S)
    assert isinstance(found, ForerunnerTrouble)
    assert says in found.error
    assert found.points == []


async def _submit(*_: object) -> None:
    raise AssertionError("nobody ordered anything")


async def test_the_api_tells_plans_as_its_documentation_shows_and_every_snapshot_has_them() -> None:
    server = WebServer(
        Web(port=0),
        [PointName("1")],
        Parts(submit=_submit, sessions=KeptInMemory(), diagnostics=lambda: Diagnostics(prices=plans.report())),
    )
    await server.start()
    try:
        async with aiohttp.ClientSession(server.address) as client:

            async def get(path: str, status: int = 200) -> Any:
                async with client.get(path) as answer:
                    assert answer.status == status, await answer.text()
                    return json.loads(await answer.text())

            assert "no decision yet" in (await get("/api/plan", 503))["detail"]
            server.publish(plans.planning())
            told = await get("/api/plan")
            assert told["points"][0] == await get("/api/chargers/1/plan")
            assert "there is no charger '9'" in (await get("/api/chargers/9/plan", 404))["detail"]
            assert (await get("/api/status"))["chargers"][0]["plan"] == told["points"][0]["plan"]
            assert len((await get("/api/tibber/plan"))["points"]) == 48
    finally:
        await server.stop()
    example = re.search(r"GET /api/plan`:\n\n```json\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert example is not None
    plan = told["points"][0]["plan"]
    plan["slots"] = plan["slots"][1:2]
    assert json.loads(example[1]) == told
