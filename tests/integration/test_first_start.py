"""The first start: a daemon without a configuration, a charger found by it, and the configuration that makes it run."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from phaeton.app.charger_finder import ChargerFinder
from phaeton.app.first_start import beginning, is_first
from phaeton.config.problems import ConfigError
from phaeton.simulation.charger import SimulatedAlfen
from phaeton.sources.network_search import networks
from tests.integration.rig import PATIENCE_S, Rig, eventually

ROUTES = """Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT
eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
wifi\t0001A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0
vpn\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0
away\t0002A8C0\t00000000\t0000\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""


def test_the_small_private_networks_around_are_searched() -> None:
    assert networks(ROUTES) == [IPv4Network("192.168.1.0/24")]
    assert networks("") == []


def test_without_any_configuration_it_begins_where_one_can_be_written(tmp_path: Path) -> None:
    places = (tmp_path / "away" / "a.yaml", tmp_path / "b.yaml")
    assert is_first({}, places)
    assert not is_first({"PHAETON_CHARGER": "192.0.2.5"}, places)
    loaded = beginning({"HOME": str(tmp_path), "PHAETON_WEB__PORT": "8099"}, places, tmp_path / "none")
    assert (loaded.path, loaded.text, loaded.config.chargers) == (places[1], "", ())
    assert (loaded.config.web.host, loaded.config.web.port) == ("127.0.0.1", 8099)
    assert beginning({}, places, tmp_path).config.web.host == "0.0.0.0"
    assert beginning({"PHAETON_WEB__HOST": "192.0.2.1"}, places, tmp_path).config.web.host == "192.0.2.1"
    with pytest.raises(ConfigError, match="none can be made"):
        beginning({}, places[:1], tmp_path)
    with pytest.raises(ConfigError, match="port"):
        beginning({"PHAETON_WEB__PORT": "many"}, places, tmp_path)
    places[1].touch()
    assert not is_first({}, places)


async def test_a_search_finds_the_charger_its_kind_and_what_is_wrong_with_it() -> None:
    charger = SimulatedAlfen()
    await charger.start()
    home = IPv4Network("127.0.0.1/32")
    found = await ChargerFinder([home], [charger.port], None).find()
    assert found.searched == ["127.0.0.1/32"]
    (one,) = found.chargers
    assert (one.host, one.port, one.sure, one.ok, one.confirm) == ("127.0.0.1", charger.port, "certain", True, False)
    assert one.kind is not None
    assert one.kind.profile == "alfen_ng9xx"
    assert one.report[-1] == "All good: this charger can be controlled."
    await charger.stop()
    assert (await ChargerFinder([home], [charger.port], None).find()).chargers == []
    (away,) = (await ChargerFinder().look("127.0.0.1", charger.port, "")).chargers
    assert (away.ok, away.kind) == (False, None)
    assert "Modbus is not enabled" in away.report[0]
    assert charger.writes == []


async def test_a_daemon_without_a_configuration_is_led_to_its_first_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(tmp_path)
    charger = SimulatedAlfen()
    await charger.start()
    with socket.socket() as free:  # the port has to be the same before and after
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("PHAETON_WEB__PORT", str(free.getsockname()[1]))
    monkeypatch.setenv("PHAETON_STORE__DIRECTORY", str(tmp_path / "state"))
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/none")
    monkeypatch.chdir(tmp_path)
    await begin(rig)
    async with aiohttp.ClientSession(rig.web, headers={"X-Phaeton-Page": "1"}) as client:
        assert (await asked(client, "get", "/api/access"))["configured"] is False
        there = {"host": "127.0.0.1", "port": charger.port}
        (found,) = (await asked(client, "post", "/api/setup/search", json=there))["chargers"]
        assert found["kind"]["profile"] == "alfen_ng9xx"
        wish: dict[str, Any] = {"chargers": [there], "site": {"limits": {"fuse_a": 25.0}}}
        saved = await asked(client, "patch", "/api/config", json=wish)
        assert saved["file"] == str(tmp_path / "phaeton_config.yaml")

        async def reads() -> bool:
            try:  # the page closes and opens again with the charger
                configured = (await asked(client, "get", "/api/access"))["configured"]
                async with client.get("/api/status") as answer:
                    return configured and answer.status == 200 and (await answer.json())["chargers"][0]["reachable"]
            except aiohttp.ClientError:
                return False

        await eventually(reads)
        async with client.post("/api/setup/search", json=there) as answer:
            assert answer.status == 409
    assert (tmp_path / "phaeton_config.yaml").read_text() == (
        f"chargers:\n  - host: 127.0.0.1\n    port: {charger.port}\nsite:\n  limits:\n    fuse_a: 25.0\n"
    )
    assert not [line for line in rig.log if " error " in line]
    assert await rig.stop() == 0
    await charger.stop()


async def begin(rig: Rig) -> None:
    """`phaeton run` in the folder, without a word of where the configuration is."""
    rig.process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "phaeton", "run", env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    listening = asyncio.get_running_loop().create_future()
    rig._reading = asyncio.create_task(rig._read(rig.process, listening))
    rig.web = await asyncio.wait_for(listening, PATIENCE_S)


async def asked(client: aiohttp.ClientSession, method: str, path: str, **more: Any) -> dict[str, Any]:
    async with client.request(method, path, **more) as answer:
        told: dict[str, Any] = await answer.json()
        assert answer.status == 200, told
        return told
