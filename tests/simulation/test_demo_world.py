"""The world of the demo: real sockets, a car that charges, and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusTcpClient

from phaeton.model import SiteReading
from phaeton.simulation.demo_world import DemoWorld
from tests.bus import Stranger
from tests.waiting import until

HOUR_S = 3600.0


async def test_the_demo_begins_with_a_car_that_charges_behind_a_real_socket() -> None:
    async with DemoWorld(speed=20) as world:
        client = AsyncModbusTcpClient(world.charger_host, port=world.charger_port)
        assert await client.connect()
        answer = await client.read_holding_registers(344, count=2, device_id=1)
        power_w = client.convert_from_registers(answer.registers, client.DATATYPE.FLOAT32)
        client.close()
    assert isinstance(power_w, float)
    assert 4000 < power_w < 6000


async def test_the_gx_shows_the_house_on_a_bus_of_its_own() -> None:
    async with DemoWorld() as world:
        assert world.bus_address is not None
        assert world.config().site.source == "gx"
        async with Stranger(world.bus_address) as other:
            pv_w = await other.value("com.victronenergy.system", "/Ac/PvOnGrid/L1/Power")
            zone = await other.value("com.victronenergy.settings", "/Settings/System/TimeZone")
    assert pv_w > 3000
    assert zone == "Europe/Amsterdam"


async def test_without_dbus_daemon_the_house_is_there_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    seen: list[SiteReading] = []
    async with DemoWorld() as world:
        assert world.bus_address is None
        assert world.config().site.source == "none"
        subscription = world.site_readings.subscribe(seen.append)
        await until(lambda: len(seen) >= 2)
        subscription.dispose()
    assert seen[-1].pv_w is not None
    assert seen[-1].pv_w > 3000
    assert 0.5 < seen[1].mono_s - seen[0].mono_s < 2


async def test_nothing_is_left_behind() -> None:
    async with DemoWorld() as world:
        directory = Path(world.config().store.directory).parent
        assert directory.is_dir()
        assert world._bus is not None
        assert world._bus._process is not None
        pid = world._bus._process.pid
        os.kill(pid, 0)
        port = world.charger_port
    assert not directory.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(OSError, match=str(port)):
        await asyncio.open_connection(world.charger_host, port)


def test_a_day_passes_with_sun_night_and_a_drive(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 1000.0
    monkeypatch.setattr("phaeton.simulation.demo_world.time.monotonic", lambda: now_s)
    world = DemoWorld(speed=20)
    powers_w, plugged = [], []
    while world.day_s < 35 * HOUR_S:
        now_s += 1.0
        world.charger.foreign_write(6.0)
        world.step(1.0)
        powers_w.append(world.plant.pv_w)
        plugged.append(world.plant.chargers[0].car is not None)
    assert max(powers_w) > 6000
    assert min(powers_w) == 0
    assert plugged[0]
    assert not all(plugged)
    assert plugged[-1]
    assert world._car.soc_pct < 90, "it drove"


def test_the_speed_scales_batteries_and_not_powers() -> None:
    gained_pct, power_w = {}, {}
    for speed in (1, 20):
        world = DemoWorld(speed=speed)
        before_pct = world._car.soc_pct
        for _ in range(10):
            world.plant.step(1.0, 7000, 300)
        gained_pct[speed] = world._car.soc_pct - before_pct
        power_w[speed] = world.plant.ev_w
    assert power_w[20] == power_w[1]
    assert gained_pct[20] == pytest.approx(20 * gained_pct[1])


async def test_a_bus_that_does_not_start_is_said_and_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "dbus-daemon"
    broken.write_text("#!/bin/sh\necho 'no bus today' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda _: str(broken))
    async with DemoWorld() as world:
        assert world.bus_address is None
    assert "no bus today" in caplog.text


async def test_the_demo_can_have_any_charger_that_is_known() -> None:
    async with DemoWorld(profile="goe_v3") as world:
        (charger,) = world.config().chargers
        assert (charger.profile, charger.profile_confirmed, charger.port) == ("goe_v3", True, world.charger.port)
        client = AsyncModbusTcpClient(world.charger_host, port=world.charger_port)
        assert await client.connect()
        answer = await client.read_input_registers(120, count=2, device_id=1)
        power = client.convert_from_registers(answer.registers, client.DATATYPE.UINT32)
        client.close()
    assert isinstance(power, int)
    assert 4000 < power / 100 < 6000
