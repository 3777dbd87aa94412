"""The forerunners' endpoints: each answers as it was documented, so that what was made for them goes on working."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp

from tests.integration.test_api import api

STATUS = {
    "timestamp", "mode", "start_stop", "set_current", "applied_current", "station_max_current", "device_instance",
    "product_name", "firmware", "serial", "status", "active_phases", "ac_power", "ac_current", "l1_voltage",
    "l2_voltage", "l3_voltage", "l1_current", "l2_current", "l3_current", "l1_power", "l2_power", "l3_power",
    "total_energy_kwh", "pricing_currency", "energy_rate", "session", "poll_duration_ms", "total_polls",
    "overrun_count", "poll_interval_ms", "excess_pv_power_w", "modbus_connected", "driver_state", "poll_steps_ms",
}  # fmt: skip
OLDER_STATUS = {
    "energy_forward_kwh", "charging_time_sec", "charging_time", "pricing_source", "session_cost",
}  # fmt: skip
"""What the first forerunner told beside these."""
METRICS = {
    "age_ms", "poll_duration_ms", "total_polls", "overrun_count", "poll_interval_ms", "modbus_connected",
    "driver_state", "poll_steps_ms",
}  # fmt: skip
SESSION = {"charging_time_sec", "start_ts", "end_ts", "energy_delivered_kwh", "cost"}
DBUS = {
    "DeviceInstance", "ProductName", "FirmwareVersion", "Serial", "Ac/Power", "Ac/Energy/Forward", "Ac/Current",
    "Ac/PhaseCount", "Status", "Mode", "StartStop", "SetCurrent",
}  # fmt: skip
UPDATE = {"current_version", "latest_version", "update_available", "last_check", "error"}

ANSWERS: tuple[tuple[str, str, set[str]], ...] = (
    ("GET", "/api/status", STATUS | OLDER_STATUS),
    ("GET", "/api/metrics", METRICS),
    ("GET", "/api/sessions", {"current_session", "last_session", "history"}),
    ("GET", "/api/dbus", DBUS),
    ("GET", "/api/config", {"chargers", "schedule"}),
    ("GET", "/api/update/status", UPDATE),
    ("POST", "/api/update/check", UPDATE),
    ("GET", "/api/logs/web_level", {"level"}),
    ("POST", "/api/logs/web_level?level=debug", {"ok", "level"}),
    ("GET", "/api/tibber/plan", {"points"}),
)
"""JSON objects: at least these fields are there."""
ORDERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("/api/mode", {"mode": 1}),
    ("/api/startstop", {"value": 1}),
    ("/api/startstop", {"enabled": True}),
    ("/api/set_current", {"amps": 12.5}),
    ("/api/phases", {"phases": 3}),
)
TEXTS = (
    ("/api/health", "text/plain"),
    ("/api/logs/tail?lines=20", "text/plain"),
    ("/api/logs/head?lines=20", "text/plain"),
    ("/api/logs/download", "application/octet-stream"),
    ("/ui/", "text/html"),
    ("/app/", "text/html"),
    ("/openapi.json", "application/json"),
    ("/docs", "text/html"),
)
STREAMS = (("/api/events", b"event: status"), ("/api/logs/stream", b"event: log"))


async def test_every_endpoint_of_the_forerunners_answers_with_its_documented_fields(tmp_path: Path) -> None:
    async with api(tmp_path) as daemon, aiohttp.ClientSession(daemon.web) as client:
        for method, path, fields in ANSWERS:
            async with client.request(method, path) as answer:
                assert answer.status == 200, f"{path}: {await answer.text()}"
                assert set(await answer.json()) >= fields, path
        async with client.get("/api/status") as answer:
            assert set((await answer.json())["session"]) == SESSION
        async with client.get("/api/update/releases") as answer:
            assert answer.status == 409  # 500 with an error was its answer where none can be had
            assert "update" in (await answer.json(content_type=None))["detail"], "it says what the owner can do"


async def test_every_order_of_the_forerunners_is_taken(tmp_path: Path) -> None:
    async with api(tmp_path) as daemon, aiohttp.ClientSession(daemon.web) as client:
        for path, body in ORDERS:
            async with client.post(path, json=body) as answer:
                assert answer.status == 200, f"{path}: {await answer.text()}"
                assert (await answer.json())["ok"] is True


async def test_texts_pages_and_streams_of_the_forerunners_are_where_they_were(tmp_path: Path) -> None:
    async with api(tmp_path) as daemon, aiohttp.ClientSession(daemon.web) as client:
        for path, kind in TEXTS:
            async with client.get(path) as answer:
                assert (answer.status, answer.content_type) == (200, kind), path
        for path, line in STREAMS:
            async with client.get(path) as answer:
                assert answer.content_type == "text/event-stream"
                while line not in (await answer.content.readline()):
                    assert not answer.content.at_eof(), path
                answer.close()
