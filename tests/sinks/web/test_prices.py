"""The prices in the API: a summary in each snapshot, the slots on request, trouble in words."""

from __future__ import annotations

import json

import aiohttp
import pytest
from msgspec.structs import replace

from phaeton.config.tree_web import Web
from phaeton.model import PriceSlot
from phaeton.price_report import PriceReport, SourceReport
from phaeton.sinks.web import Diagnostics, Parts, PointName, WebServer
from phaeton.sinks.web.prices import price_list, summary
from tests import outputs
from tests.kept import KeptInMemory

NOW_S = 1_795_474_800.0 + 1000.0
SLOTS = (
    PriceSlot(1_795_474_800.0, 1_795_475_700.0, 0.25, 0.08, "CHEAP"),
    PriceSlot(1_795_475_700.0, 1_795_476_600.0, 0.35, 0.09),
)
REPORT = PriceReport(
    kind="tibber",
    sources=(
        SourceReport(
            title="Tibber",
            answered_utc_s=NOW_S - 600.0,
            known_until_utc_s=1_795_476_600.0,
            next_utc_s=NOW_S + 60.0,
            trouble="wait",
            trouble_kind="server",
            asked=3,
            answered=2,
        ),
    ),
    in_force="Tibber",
    currency="EUR",
    slots=SLOTS,
    charging=((1_795_475_000.0, 1_795_475_700.0),),
    version=7,
)


def test_the_summary_tells_the_present_price_its_age_and_what_is_wrong() -> None:
    found = summary(REPORT, NOW_S)
    assert (found.import_per_kwh, found.feed_in_per_kwh, found.currency) == (0.35, 0.09, "EUR")
    assert (found.until, found.known_until) == ("2026-11-23T23:30:00Z", "2026-11-23T23:30:00Z")
    assert (found.age_s, found.trouble, found.version, found.in_force) == (600, "wait", 7, "Tibber")


def test_a_price_that_is_not_known_is_null_and_not_0() -> None:
    found = summary(replace(REPORT, in_force=""), NOW_S + 86400.0)
    assert (found.import_per_kwh, found.feed_in_per_kwh, found.until) == (None, None, None)


@pytest.mark.parametrize(
    ("charging", "flags"), [(None, [None, None]), (REPORT.charging, [True, False]), ((), [False, False])]
)
def test_slots_say_whether_a_car_would_charge_where_something_plans(
    charging: tuple[tuple[float, float], ...] | None, flags: list[bool | None]
) -> None:
    found = price_list(replace(REPORT, charging=charging), NOW_S)
    assert [slot.charge for slot in found.slots] == flags
    assert [slot.level for slot in found.slots] == ["CHEAP", None]
    assert (found.sources[0].requests, found.sources[0].answers, found.sources[0].age_s) == (3, 2, 600)


async def _submit(*_: object) -> None:
    raise AssertionError("nobody ordered anything")


async def test_the_api_tells_them_and_every_snapshot_has_the_summary() -> None:
    reports: list[PriceReport | None] = [None]
    server = WebServer(
        Web(port=0),
        [PointName("1")],
        Parts(submit=_submit, sessions=KeptInMemory(), diagnostics=lambda: Diagnostics(prices=reports[0])),
    )
    await server.start()
    try:
        async with aiohttp.ClientSession(server.address) as client:
            async with client.get("/api/prices") as answer:
                assert answer.status == 503
                assert "prices are not there yet" in await answer.text()
            server.publish(outputs.output())
            async with client.get("/api/status") as answer:
                assert json.loads(await answer.text())["prices"] is None
            reports[0] = REPORT
            server.publish(outputs.output())
            async with client.get("/api/status") as answer:
                assert json.loads(await answer.text())["prices"]["version"] == 7
            async with client.get("/api/prices") as answer:
                told = json.loads(await answer.text())
        assert set(told) == {"now", "sources", "slots"}
        assert told["slots"][0] == {
            "start": "2026-11-23T23:00:00Z",
            "end": "2026-11-23T23:15:00Z",
            "import_per_kwh": 0.25,
            "feed_in_per_kwh": 0.08,
            "level": "CHEAP",
            "charge": True,
        }
    finally:
        await server.stop()
