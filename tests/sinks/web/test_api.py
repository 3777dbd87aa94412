"""The REST API over a real socket: what it tells, what it takes, and how it says no."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from phaeton.model import (
    Boost,
    Order,
    SetCurrent,
    SetEnergyLimit,
    SetMode,
    SetPhases,
    SetPowerCap,
    SetStart,
    Status,
)
from phaeton.orders import OrderError
from phaeton.sinks.store import StayFilter
from tests import outputs
from tests.sinks.web.conftest import Asked, Site, build

FORERUNNER_KEYS = {
    "timestamp",
    "mode",
    "start_stop",
    "set_current",
    "applied_current",
    "station_max_current",
    "device_instance",
    "product_name",
    "firmware",
    "serial",
    "status",
    "active_phases",
    "ac_power",
    "ac_current",
    "l1_voltage",
    "l2_voltage",
    "l3_voltage",
    "l1_current",
    "l2_current",
    "l3_current",
    "l1_power",
    "l2_power",
    "l3_power",
    "total_energy_kwh",
    "pricing_currency",
    "energy_rate",
    "session",
    "poll_duration_ms",
    "total_polls",
    "overrun_count",
    "poll_interval_ms",
    "excess_pv_power_w",
    "modbus_connected",
    "driver_state",
}


async def get(site: Site, path: str, expect: int = 200) -> Any:
    async with site.client.get(path) as answer:
        assert answer.status == expect, await answer.text()
        return await answer.json(content_type=None)


async def post(site: Site, path: str, body: object, expect: int = 200) -> Any:
    async with site.client.post(path, json=body) as answer:
        assert answer.status == expect, await answer.text()
        if expect >= 400:
            assert answer.content_type == "application/problem+json"
        return await answer.json(content_type=None)


async def test_the_status_keeps_the_forerunners_fields(site: Site) -> None:
    status = await get(site, "/api/status")
    assert set(status) >= FORERUNNER_KEYS
    assert set(status["session"]) == {"charging_time_sec", "start_ts", "end_ts", "energy_delivered_kwh", "cost"}
    assert (status["mode"], status["status"], status["ac_power"], status["l1_voltage"]) == (1, 2, 6480, 230.4)
    assert (status["device_instance"], status["product_name"]) == (40, "Alfen Eve Single Pro-line")
    assert (status["timestamp"], status["total_polls"]) == ("2026-06-01T10:00:00Z", 17)


async def test_the_status_explains_itself(site: Site) -> None:
    first, second = (await get(site, "/api/status"))["chargers"]
    assert first["reasons"][0] == {
        "why": "surplus",
        "text": "The sun leaves 6,910 W for the car; 4,140 W is the least it takes",
        "value": 6910,
        "limit": 4140,
        "left_s": None,
        "detail": "",
    }
    assert (second["name"], second["status_name"], second["mode_name"]) == ("Carport", "Waiting for sun", "auto")


async def test_what_is_not_known_is_null_and_never_nan(site: Site) -> None:
    reading = replace(
        outputs.reading(), power_w=float("nan"), voltage_v=(float("inf"), None, None), current_a=(None, None, None)
    )
    site.server.publish(outputs.output(read=reading))
    async with site.client.get("/api/status") as answer:
        text = await answer.text()
    status = json.loads(text, parse_constant=pytest.fail)
    assert (status["ac_power"], status["l1_voltage"], status["ac_current"]) == (None, None, None)


async def test_an_unreachable_charger_shows_no_old_values(site: Site) -> None:
    site.server.publish(outputs.unreachable())
    status = await get(site, "/api/status")
    charger = status["chargers"][0]
    assert (status["status"], charger["status_name"], charger["power_w"]) == (None, "No connection", None)
    assert charger["unreachable_why"] == "connection refused by 192.0.2.5 port 502"
    assert (status["site"]["fresh"], status["site"]["house_w"]) == (False, None)
    assert status["site"]["why"] == "the D-Bus does not answer"


async def test_a_fault_without_a_number_of_the_gx_is_a_fault(site: Site) -> None:
    site.server.publish(outputs.output(point=replace(outputs.decided(), status=None)))
    assert (await get(site, "/api/status"))["chargers"][0]["status_name"] == "Fault"


@pytest.mark.parametrize("status", list(Status))
async def test_every_status_has_a_name(site: Site, status: Status) -> None:
    site.server.publish(outputs.output(point=replace(outputs.decided(), status=status)))
    assert (await get(site, "/api/status"))["chargers"][0]["status_name"]


async def test_before_the_first_decision_the_status_says_so() -> None:
    server = build(Asked())
    await server.start()
    async with aiohttp.ClientSession(server.address) as client, client.get("/api/status") as answer:
        assert answer.status == 503
        assert "just started" in (await answer.json(content_type=None))["detail"]
    await server.stop()


async def test_health_is_plain_ok(site: Site) -> None:
    async with site.client.get("/api/health") as answer:
        assert (answer.status, await answer.text()) == (200, "ok")


@pytest.mark.parametrize(
    ("path", "body", "order"),
    [
        ("mode", {"mode": 1}, SetMode(1)),
        ("mode", {"mode": "scheduled"}, SetMode(2)),
        ("startstop", {"value": 0}, SetStart(False)),
        ("startstop", {"enabled": True}, SetStart(True)),
        ("startstop", {"value": 1, "enabled": False}, SetStart(True)),
        ("set_current", {"amps": 12.5}, SetCurrent(12.5)),
        ("set_current", {"amps": "16,5"}, SetCurrent(16.5)),
        ("phases", {"phases": 1}, SetPhases(1)),
        ("phases", {"phases": "auto"}, SetPhases(0)),
        ("boost", {"on": True}, Boost()),
        ("boost", {}, Boost()),
        ("boost", {"on": False}, Boost(on=False)),
        ("boost", {"on": True, "energy_kwh": 10}, Boost(energy_kwh=10.0)),
        ("boost", {"soc_pct": 80}, Boost(soc_pct=80.0)),
        ("boost", {"until": outputs.NOON_UTC_S + 60}, Boost(until_utc_s=outputs.NOON_UTC_S + 60)),
        ("boost", {"until": "2026-06-01T14:00:00+02:00"}, Boost(until_utc_s=outputs.NOON_UTC_S + 7200)),
        ("energy_limit", {"energy_kwh": 20}, SetEnergyLimit(20.0)),
        ("energy_limit", {"energy_kwh": None}, SetEnergyLimit(None)),
        ("power_cap", {"power_w": 4200}, SetPowerCap(4200.0)),
        ("power_cap", {"power_w": None}, SetPowerCap(None)),
    ],
)
async def test_orders_reach_the_point(site: Site, path: str, body: object, order: Order) -> None:
    answer = await post(site, f"/api/{path}", body)
    assert answer == {"ok": True, "seq": 2}
    await post(site, f"/api/chargers/2/{path}", body)
    assert site.asked.orders == [("1", order, "rest"), ("2", order, "rest")]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("mode", {"mode": 3}, "mode"),
        ("mode", {"mode": None}, "mode"),
        ("mode", {"mode": True}, "mode"),
        ("mode", {"mode": "turbo"}, "mode"),
        ("mode", {}, "mode"),
        ("mode", {"mode": 1, "colour": "red"}, "colour"),
        ("startstop", {}, "value"),
        ("startstop", {"value": 2}, "value"),
        ("startstop", {"enabled": "perhaps"}, "enabled"),
        ("startstop", {"value": False, "enabled": "perhaps"}, "enabled"),
        ("set_current", {"amps": -1}, "amps"),
        ("set_current", {"amps": 81}, "amps"),
        ("set_current", {"amps": [16]}, "amps"),
        ("set_current", {"amps": 10**400}, "amps"),
        ("set_current", {"amps": "nan"}, "amps"),
        ("phases", {"phases": 2}, "phases"),
        ("boost", {"on": "perhaps"}, "on"),
        ("boost", {"on": False, "energy_kwh": 5}, "on"),
        ("boost", {"energy_kwh": 0}, "energy_kwh"),
        ("boost", {"soc_pct": 101}, "soc_pct"),
        ("boost", {"on": False, "soc_pct": 80}, "on"),
        ("boost", {"until": outputs.NOON_UTC_S - 1}, "until"),
        ("boost", {"until": outputs.NOON_UTC_S + 8 * 86400}, "until"),
        ("boost", {"until": "07:00"}, "until"),
        ("boost", {"until": "2026-06-01T14:00:00"}, "until"),
        ("energy_limit", {"energy_kwh": 0}, "energy_kwh"),
        ("energy_limit", {}, "energy_kwh"),
        ("power_cap", {"power_w": -5}, "power_w"),
    ],
)
async def test_wrong_values_are_refused_with_their_field(site: Site, path: str, body: object, field: str) -> None:
    problem = await post(site, f"/api/{path}", body, 422)
    assert (problem["status"], problem["title"], problem["field"]) == (422, HTTPStatus(422).phrase, field)
    assert len(problem["detail"]) > 10
    assert site.asked.orders == []


async def test_a_charger_that_cannot_switch_phases_refuses_them(site: Site) -> None:
    site.server.publish(outputs.output(who=outputs.identity(can_switch_phases=False)))
    problem = await post(site, "/api/phases", {"phases": 1}, 409)
    assert problem["field"] == "phases"
    await post(site, "/api/phases", {"phases": 0})
    assert [order for _, order, _ in site.asked.orders] == [SetPhases(0)]


async def test_what_the_control_refuses_is_told_in_its_words(site: Site) -> None:
    site.asked.failure = OrderError("this point has one phase only")
    assert (await post(site, "/api/mode", {"mode": 1}, 422))["detail"] == "this point has one phase only"


async def test_a_failure_inside_is_a_problem_and_no_traceback(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.asked.failure = RuntimeError("the disk is full")
    problem = await post(site, "/api/mode", {"mode": 1}, 500)
    assert "disk" not in problem["detail"]
    assert "the disk is full" in caplog.text


async def test_an_unknown_charger_is_not_found(site: Site) -> None:
    problem = await post(site, "/api/chargers/9/mode", {"mode": 1}, 404)
    assert problem["detail"] == "there is no charger '9'; there is 1, 2"
    await get(site, "/api/chargers/9/series", 404)
    await get(site, "/api/chargers/9", 404)


async def test_one_charger_and_all(site: Site) -> None:
    assert [charger["id"] for charger in await get(site, "/api/chargers")] == ["1", "2"]
    assert (await get(site, "/api/chargers/2"))["name"] == "Carport"


async def test_an_unknown_address_and_a_wrong_method_are_problems(site: Site) -> None:
    problem = await get(site, "/api/nothing", 404)
    assert (problem["status"], problem["detail"]) == (404, "there is nothing at /api/nothing")
    async with site.client.get("/api/mode") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        assert answer.content_type == "application/problem+json"


async def test_a_word_of_another_address_is_no_name(site: Site) -> None:
    """There is a job of that name as little as a way to delete the list of the days."""
    async with site.client.delete("/api/simulations/days") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("body", [b"{", b"", b"mode=1", b'{"mode": NaN}', b"\xff\xfe"])
async def test_a_body_that_is_no_json_is_refused(site: Site, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    async with site.client.post("/api/mode", data=body, headers=headers) as answer:
        assert answer.status == 400
        assert "not JSON" in (await answer.json(content_type=None))["detail"]


@pytest.mark.parametrize("body", [b"[1]", b"1", b"null", b'"auto"'])
async def test_a_body_that_is_no_object_is_refused(site: Site, body: bytes) -> None:
    async with site.client.post("/api/mode", data=body, headers={"Content-Type": "application/json"}) as answer:
        assert answer.status == 422


async def test_a_large_body_is_refused(site: Site) -> None:
    await post(site, "/api/mode", {"mode": "x" * 20_000}, 413)
    assert site.asked.orders == []


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None]
)
async def test_a_form_of_another_site_cannot_be_posted(site: Site, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    skip = [] if content_type else ["Content-Type"]
    async with site.client.post("/api/mode", data=b'{"mode": 1}', headers=headers, skip_auto_headers=skip) as answer:
        assert answer.status == 415
    assert site.asked.orders == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_pages_of_other_sites_cannot_order(site: Site, headers: dict[str, str]) -> None:
    async with site.client.post("/api/mode", json={"mode": 1}, headers=headers) as answer:
        assert answer.status == 403
    assert site.asked.orders == []


async def test_our_own_page_can_order(site: Site) -> None:
    headers = {"Origin": str(site.server.address), "Sec-Fetch-Site": "same-origin", "X-Phaeton-Page": "1"}
    async with site.client.post("/api/mode", json={"mode": 1}, headers=headers) as answer:
        assert answer.status == 200
    assert site.asked.orders == [("1", SetMode(1), "page")]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8088", "127.0.0.1.evil.example", ""])
async def test_a_public_name_for_this_address_is_refused(site: Site, host: str) -> None:
    async with site.client.get("/api/status", headers={"Host": host}) as answer:
        assert answer.status == 421


@pytest.mark.parametrize(
    "host", ["venus.local:8088", "cerbo", "localhost", "[::1]:8088", "192.168.1.7", "gx.fritz.box"]
)
async def test_addresses_and_local_names_are_served(site: Site, host: str) -> None:
    async with site.client.get("/api/status", headers={"Host": host}) as answer:
        assert answer.status == 200


async def test_nobody_else_may_read_the_answers(site: Site) -> None:
    for path in ("/", "/api/status", "/api/nothing"):
        async with site.client.get(path, headers={"Origin": "http://evil.example"}) as answer:
            assert "Access-Control-Allow-Origin" not in answer.headers
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_sessions_keep_the_forerunners_fields_and_page(site: Site) -> None:
    stays = [outputs.session(ended=True, start_utc_s=outputs.NOON_UTC_S - 86_400.0 * day) for day in range(1, 6)]
    site.asked.kept.sessions = stays
    found = await get(site, "/api/sessions?limit=2")
    assert found["current_session"]["status"] == "Active"
    assert found["last_session"] == found["history"][0]
    assert (len(found["history"]), found["more"]) == (2, True)
    assert set(found["history"][0]) >= {
        "id",
        "start_time",
        "end_time",
        "start_energy_kwh",
        "end_energy_kwh",
        "energy_delivered_kwh",
        "peak_power_w",
        "average_power_w",
        "cost",
        "status",
    }
    older = await get(site, f"/api/sessions?limit=9&before={found['history'][-1]['start_time']}")
    assert (len(older["history"]), older["more"], older["last_session"]) == (3, False, None)
    await get(site, "/api/chargers/2/sessions")
    assert site.asked.kept.asked[-1] == (StayFilter(point="2"), 11, None)


async def test_a_body_that_is_nested_without_end_is_refused(site: Site) -> None:
    deep = '{"a":' * 2500 + "1" + "}" * 2500
    async with site.client.post("/api/mode", data=deep, headers={"Content-Type": "application/json"}) as answer:
        assert answer.status == 400


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=x", "limit"),
        ("before=monday", "before"),
        ("page=2", "page"),
    ],
)
async def test_wrong_paging_is_refused(site: Site, query: str, field: str) -> None:
    assert (await get(site, f"/api/sessions?{query}", 422))["field"] == field


async def test_the_recent_past_is_told_in_columns(site: Site) -> None:
    for second in range(1, 121):
        site.server.publish(outputs.output(1000.0 + second))
    series = await get(site, "/api/series?window=60")
    assert (series["charger"], series["step_s"], len(series["t"])) == ("1", 1, 60)
    assert series["t"][-1] - series["t"][0] == 59
    assert (series["power_w"][-1], series["pv_w"][-1], series["surplus_w"][-1]) == (6480, 8240, 6910)
    assert series["setpoint_w"][-1] == pytest.approx(9.4 * 3 * 230.4, rel=0.01)
    assert len((await get(site, "/api/series"))["t"]) == 12


@pytest.mark.parametrize("query", ["window=5", "window=99999", "window=1e3", "charger=1"])
async def test_a_wrong_window_is_refused(site: Site, query: str) -> None:
    await get(site, f"/api/series?{query}", 422)
