"""A look inside the real daemon: readiness, diagnostics, metrics, D-Bus tree, registers, log, recordings."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families
from yarl import URL

from phaeton.recording import open_recording
from phaeton.sinks.web.metrics import KINDS
from tests.integration.rig import Rig, eventually, house, rig


@asynccontextmanager
async def inside(folder: Path, *lines: str) -> AsyncIterator[tuple[Rig, aiohttp.ClientSession]]:
    """A daemon with everything around it, that is ready."""
    async with rig(folder) as daemon:
        await daemon.put_up_gx(house())
        daemon.write_config(*lines)
        await daemon.start()
        async with aiohttp.ClientSession(daemon.web, timeout=aiohttp.ClientTimeout(10)) as client:
            await eventually(lambda: ready(client))
            yield daemon, client


async def ready(client: aiohttp.ClientSession) -> bool:
    async with client.get("/api/ready") as answer:
        return answer.status == 200


async def told(client: aiohttp.ClientSession, path: str, status: int = 200) -> dict[str, Any]:
    async with client.get(path) as answer:
        assert answer.status == status, await answer.text()
        return dict(json.loads(await answer.text()))


async def test_it_is_ready_when_charger_and_bus_are_there_and_else_says_why(tmp_path: Path) -> None:
    async with rig(tmp_path) as daemon:
        await daemon.put_up_gx(house())
        daemon.write_config()
        await daemon.charger.stop()
        await daemon.start()
        async with aiohttp.ClientSession(daemon.web, timeout=aiohttp.ClientTimeout(10)) as client:
            away = await told(client, "/api/ready", 503)
            assert away["ready"] is False
            assert "charger" in [reason["code"] for reason in away["reasons"]]
            assert "charging point car cannot be read" in away["detail"]
            async with client.get("/api/health") as answer:
                assert (answer.status, await answer.text()) == (200, "ok")
            await daemon.charger.start()
            await eventually(daemon.is_ready)
            assert await told(client, "/api/ready") == {"ready": True, "reasons": []}
            await daemon.bus.kill()

            async def is_away() -> bool:
                return not await ready(client)

            await eventually(is_away)
            assert "bus" in [reason["code"] for reason in (await told(client, "/api/ready", 503))["reasons"]]


async def test_a_house_without_a_bus_is_ready_without_it(tmp_path: Path) -> None:
    async with rig(tmp_path, bus=False) as daemon:
        daemon.write_config("site: {source: none}")
        await daemon.start()
        async with aiohttp.ClientSession(daemon.web, timeout=aiohttp.ClientTimeout(10)) as client:
            await eventually(lambda: ready(client))


async def test_diagnostics_tell_of_every_part(tmp_path: Path) -> None:
    async with inside(tmp_path, "record: {enabled: true}") as (daemon, client):

        async def has_measured() -> bool:
            found = await told(client, "/api/diagnostics")
            return bool(found["control"]["loop_lag"]["since_start"]["count"] > 1)

        await told(client, "/api/recordings")
        await eventually(has_measured)
        found = await told(client, "/api/diagnostics")
    control = found["control"]
    for name in ("loop_lag", "step", "publish"):
        assert 0.0 <= control[name]["last_hour"]["p99_ms"] <= control[name]["last_hour"]["max_ms"] < 1000.0
    assert control["decisions"] > 0
    assert control["events"] >= control["decisions"]
    assert control["decided_age_s"] < 2.0
    assert {source["name"] for source in found["sources"]} >= {"charger car", "site"}
    assert all(source["age_s"] < 10.0 for source in found["sources"] if source["name"] in ("charger car", "site"))
    [link] = found["modbus"]
    assert link["port"] == daemon.charger.port
    assert any(block["answered"] and block["last_ms"] > 0.0 for block in link["blocks"])
    assert [service["registered"] for service in found["dbus"]["services"]] == [True]
    assert found["store"]["trouble"] == ""
    assert found["store"]["commit"]["since_start"]["count"] == found["store"]["commits"] > 0
    assert found["recorder"]["trouble"] == ""
    assert found["recorder"]["flush"]["since_start"]["count"] == found["recorder"]["flushes"] == 1
    process = found["process"]
    assert 10_000_000 < process["rss_bytes"] <= process["peak_rss_bytes"] < 400_000_000
    assert process["open_fds"] > 5
    assert process["cpu_s"] > 0.0


async def test_metrics_are_what_prometheus_and_the_list_of_them_say(tmp_path: Path) -> None:
    async with inside(tmp_path) as (_, client):
        async with client.get("/metrics") as answer:
            assert answer.content_type == "text/plain"
            assert "version=" in answer.headers["Content-Type"]
            text = await answer.text()
        accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
        async with client.get("/metrics", headers=accept) as answer:
            assert answer.content_type == "application/openmetrics-text"
            strict = await answer.text()
        as_json = await told(client, "/api/metrics")
    families = {family.name: family for family in text_string_to_metric_families(text)}
    known = {
        name.removesuffix("_total") if kind == "counter" else name: (kind, about)
        for name, (kind, about) in KINDS.items()
    }
    for name, family in families.items():
        assert (family.type, family.documentation) == known[name]
    assert len(list(openmetrics_parser.text_string_to_metric_families(strict))) == len(families)
    values = {(s.name, tuple(sorted(s.labels.items()))): s.value for f in families.values() for s in f.samples}
    assert values["phaeton_ready", ()] == 1.0
    assert values["phaeton_charger_plugged", (("point", "car"),)] in (0.0, 1.0)
    assert values["phaeton_charger_mode", (("mode", "manual"), ("point", "car"))] == 1.0
    assert values["phaeton_charger_energy_joules_total", (("point", "car"),)] >= 1000.0 * 3.6e6
    assert values["phaeton_site_grid_watts", ()] == -3000.0
    assert (
        values["phaeton_step_duration_seconds_count", ()]
        == values["phaeton_step_duration_seconds_bucket", (("le", "+Inf"),)]
    )
    assert as_json["metrics"].keys() == {f"{n}_total" if known[n][0] == "counter" else n for n in families}
    assert as_json["metrics"]["phaeton_ready"] == [{"value": 1.0}]


async def test_the_forerunners_metrics_have_values(tmp_path: Path) -> None:
    async with inside(tmp_path) as (_, client):

        async def has_polled() -> bool:
            return (await told(client, "/api/metrics"))["poll_duration_ms"] is not None

        await eventually(has_polled)
        await told(client, "/api/status")
        found = await told(client, "/api/metrics")
        assert found["age_ms"] < 2500
        assert found["total_polls"] > 0
        assert found["overrun_count"] == 0
        steps = found["poll_steps_ms"]
        assert steps["read_voltages_ms"] > 0.0
        assert steps["read_status_ms"] > 0.0
        assert steps["read_currents_ms"] is None  # the same request as the voltages
        assert steps["compute_effective_ms"] > 0.0
        assert steps["snapshot_build_ms"] > 0.0
        assert (await told(client, "/api/status"))["poll_steps_ms"].keys() == steps.keys()


async def test_the_tree_on_dbus_is_what_others_on_the_bus_see(tmp_path: Path) -> None:
    async with inside(tmp_path) as (daemon, client):
        flat = await told(client, "/api/dbus")
        for path in ("DeviceInstance", "ProductName", "Mode", "StartStop", "SetCurrent", "Serial", "FirmwareVersion"):
            assert flat[path] == await daemon.value(f"/{path}"), path
        assert flat["Ac/PhaseCount"] == flat["NrOfPhases"]
        [service] = (await told(client, "/api/dbus?form=tree"))["services"]
        assert (service["name"], service["point"], service["registered"]) == (
            "com.victronenergy.evcharger.phaeton_car", "car", True,
        )  # fmt: skip
        assert service["items"]["/SetCurrent"]["writable"] is True
        assert service["items"]["/Ac/Power"]["text"].endswith(" W")
        assert {path.removeprefix("/") for path in service["items"]} <= flat.keys()
        assert await told(client, "/api/dbus?service=car") == flat
        assert (await told(client, "/api/dbus?service=fridge", 404))["field"] == "service"


async def test_registers_are_shown_by_their_meaning_and_read_upon_request(tmp_path: Path) -> None:
    async with inside(tmp_path) as (_, client):
        view = await told(client, "/api/chargers/car/registers")
        registers = {register["name"]: register for register in view["registers"]}
        energy = registers["energy_total"]
        assert (energy["address"], energy["count"], energy["uom"], energy["quality"]) == (374, 4, "kWh", "good")
        assert energy["value"] >= 1000.0
        assert len(energy["raw"]) == 16
        assert registers["availability"]["text"] == "operative"
        assert registers["power_phase_l1"]["quality"] == "no_value"
        assert registers["limit_set"]["access"] in ("w", "rw")
        assert view["live"] is None
        live = (await told(client, "/api/chargers/car/registers?read=1210,2"))["live"]
        assert live["address"] == 1210
        assert len(live["words"]) == 8
        refused = await told(client, "/api/chargers/car/registers?read=60000,2", 409)
        assert "refuses" in refused["detail"]
        for query, field in (
            ("read=0,126", "read"),
            ("read=65535,2", "read"),
            ("read=x", "read"),
            ("read=1,1&unit=7", "unit"),
        ):
            assert (await told(client, f"/api/chargers/car/registers?{query}", 422))["field"] == field
        assert await ready(client)


async def test_the_log_of_the_daemon_can_be_followed(tmp_path: Path) -> None:
    async with inside(tmp_path) as (daemon, client):
        async with client.get("/api/logs/tail?lines=5000&source=memory") as answer:
            lines = (await answer.text()).splitlines()
        assert lines == [line for line in daemon.log if line in lines]
        assert any("phaeton_car is on D-Bus" in line for line in lines)
        async with client.get("/api/logs/stream?lines=0&form=json") as answer:
            assert await daemon.post("mode", {"mode": "auto"}) == 200
            async with asyncio.timeout(5):
                while not (line := (await answer.content.readline()).decode()).startswith("data: "):
                    pass
        record = json.loads(line[6:])
        assert record["details"] == {"point": "car"}
        assert "auto" in record["message"]


async def test_recordings_are_listed_fetched_and_deleted(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "recordings"
    async with inside(tmp_path, "record: {enabled: true}") as (_, client):
        old = folder / "2020-01-01.phaeton"
        listed = await told(client, "/api/recordings")
        [info] = listed["recordings"]
        assert (listed["enabled"], info["present"]) == (True, True)
        assert info["from"] <= info["to"]
        old.write_bytes((folder / info["name"]).read_bytes())
        async with client.get(f"/api/recordings/{info['name']}") as answer:
            assert answer.content_disposition is not None
            assert answer.content_disposition.filename == info["name"]
            content = await answer.read()
        copy = tmp_path / info["name"]
        copy.write_bytes(content)
        assert sum(1 for part in open_recording(copy).parts for _ in part.steps()) > 3
        async with client.delete(f"/api/recordings/{info['name']}") as answer:
            assert answer.status == 409
        async with client.delete(f"/api/recordings/{old.name}") as answer:
            assert answer.status == 200
        assert not old.exists()


async def test_no_other_file_is_reached_by_the_name_of_a_recording(tmp_path: Path) -> None:
    async with inside(tmp_path) as (daemon, client):
        for name in ("..%2fphaeton.db", "%2e%2e%2fphaeton.db", "phaeton.db", "2020-01-01.phaeton%00", "x"):
            for method in ("GET", "DELETE"):
                url = URL(f"{daemon.web}/api/recordings/{name}", encoded=True)
                async with client.request(method, url) as answer:
                    assert answer.status in (400, 404), name
        assert (tmp_path / "state" / "phaeton.db").exists()
