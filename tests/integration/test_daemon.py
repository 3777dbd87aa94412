"""The daemon does its main job on real input: live values, orders that reach the register, faults, restarts."""

from __future__ import annotations

import asyncio
import math
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from phaeton.simulation.car import Car
from phaeton.simulation.charger_plant import ChargerPlant
from tests.bus import Stranger
from tests.integration.rig import SERVICE, Rig, eventually, house, rig
from tests.waiting import PATIENCE_S


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Rig]:
    """A daemon in manual mode at 10 A, with a GX."""
    async with rig(tmp_path) as made:
        made.write_config()
        await made.put_up_gx(house())
        await made.start()
        await made.becomes("/Status", 2)
        yield made


async def test_live_values_are_on_the_bus_with_their_types(site: Rig) -> None:
    await site.register_becomes(16.0)
    await eventually(lambda: _above(site, "/Ac/Power", 10000.0))
    assert site.client is not None
    items = await site.client.call(SERVICE, "/", "GetItems")
    kinds = {path: items[path]["Value"].signature for path in ("/Mode", "/Status", "/Ac/Power", "/SetCurrent")}
    assert kinds == {"/Mode": "i", "/Status": "i", "/Ac/Power": "d", "/SetCurrent": "d"}
    assert items["/Connected"]["Value"].value == 1
    assert items["/Ac/Power"]["Text"].value.endswith("W")
    assert items["/Ac/Energy/Forward"]["Value"].value > 0


async def _above(site: Rig, path: str, limit: float) -> bool:
    value = await site.value(path)
    return isinstance(value, float) and value > limit


async def test_orders_of_an_independent_client_reach_the_register(site: Rig) -> None:
    assert await site.write("/SetCurrent", "d", 9.0) == 0
    await site.register_becomes(9.0)
    assert await site.write("/SetCurrent", "s", "7,5") == 0
    await site.register_becomes(7.5)
    assert await site.write("/StartStop", "i", 0) == 0
    await site.register_becomes(0.0)
    await site.becomes("/Status", 6)
    assert await site.write("/StartStop", "s", "on") == 0
    await site.register_becomes(7.5)
    assert await site.write("/Mode", "u", 1) == 0
    assert await site.value("/Mode") == 1


@pytest.mark.parametrize(
    ("path", "signature", "value"),
    [
        ("/SetCurrent", "d", math.nan),
        ("/SetCurrent", "d", math.inf),
        ("/SetCurrent", "d", -3.0),
        ("/SetCurrent", "i", 1000),
        ("/SetCurrent", "s", "fast"),
        ("/SetCurrent", "ai", []),
        ("/SetCurrent", "ad", [7.0]),
        ("/Mode", "i", 7),
        ("/Mode", "s", "eco"),
        ("/Mode", "ai", []),
        ("/Mode", "d", 0.5),
        ("/StartStop", "i", 5),
        ("/StartStop", "s", "perhaps"),
        ("/StartStop", "a{sv}", {}),
        ("/Status", "i", 2),
        ("/Ac/Power", "d", 1.0),
    ],
)
async def test_odd_writes_are_refused_and_change_nothing(tmp_path: Path, path: str, signature: str, value: Any) -> None:
    async with rig(tmp_path) as site:
        site.write_config()
        await site.start()
        await site.register_becomes(16.0)
        before = await site.value(path)
        assert await site.write(path, signature, value) != 0
        assert await site.write("/AutoStart", "i", 0) == 0, "the service still answers"
        if path != "/Ac/Power":
            assert await site.value(path) == before
        assert site.register_a == 16.0


FAULTS: dict[str, Callable[[Rig], None]] = {
    "silent": lambda site: setattr(site.charger.faults, "silent", True),
    "slow": lambda site: setattr(site.charger.faults, "delay_s", 20.0),
    "exceptions on read": lambda site: setattr(site.charger.faults, "read_exception", 4),
    "garbage": lambda site: setattr(site.charger.faults, "garbage", True),
    "truncated": lambda site: setattr(site.charger.faults, "truncated", True),
    "wrong transaction": lambda site: setattr(site.charger.faults, "wrong_transaction", True),
    "hang up": lambda site: setattr(site.charger.faults, "hang_up", True),
}


async def test_no_fault_of_the_charger_blocks_the_bus_and_each_ends_by_itself(tmp_path: Path) -> None:
    async def suffers(fault: str) -> None:
        folder = tmp_path / fault.replace(" ", "-")
        folder.mkdir()
        async with rig(folder) as site:
            site.write_config()
            await site.start()
            await site.register_becomes(16.0)
            FAULTS[fault](site)
            slowest_s = await _bus_answers_until(site, "/Connected", 0, within_s=60.0)
            assert slowest_s < 6.0, fault
            assert await site.value("/Ac/Power") == []
            assert await site.value("/Status") == []
            assert (await site.point())["status"] is None
            site.charger.faults = type(site.charger.faults)()
            await site.becomes("/Connected", 1)
            await site.becomes("/Status", 2)

    await asyncio.gather(*(suffers(fault) for fault in FAULTS))


async def _bus_answers_until(site: Rig, path: str, wanted: object, within_s: float) -> float:
    """Ask until the path has the value; the slowest answer in s."""
    slowest_s, end_s = 0.0, time.monotonic() + within_s
    while True:
        begun_s = time.monotonic()
        value = await site.value(path)
        slowest_s = max(slowest_s, time.monotonic() - begun_s)
        if value == wanted:
            return slowest_s
        assert time.monotonic() < end_s, f"{path} did not become {wanted}"
        await asyncio.sleep(0.05)


async def test_writes_that_are_acknowledged_and_ignored_are_reported(site: Rig) -> None:
    await site.register_becomes(16.0)
    site.charger.socket(1).ignores_writes = True
    assert await site.write("/SetCurrent", "d", 8.0) == 0

    async def told() -> bool:
        return "writes_ignored" in {r["why"] for r in (await site.point())["reasons"]}

    await eventually(told)


async def test_wishes_and_the_stay_survive_a_killed_process(site: Rig) -> None:
    assert await site.write("/SetCurrent", "d", 11.0) == 0
    await site.register_becomes(11.0)
    stay = (await site.point())["session"]["id"]
    assert await site.stop(signal.SIGKILL) == -signal.SIGKILL
    site.charger.writes.clear()
    await site.start()
    await site.becomes("/SetCurrent", 11.0)
    await site.becomes("/Status", 2)
    assert (await site.point())["session"]["id"] == stay
    assert all(w.value in (11.0, 3.0) for w in site.charger.writes if w.address == 1210), "never 0 in between"


async def test_sigterm_ends_in_order_and_leaves_the_setpoint_to_lapse(site: Rig) -> None:
    await site.register_becomes(16.0)
    assert await site.stop(signal.SIGTERM) == 0
    assert site.register_a == 16.0
    assert any("Phaeton ends" in line for line in site.log)


async def test_a_changed_configuration_is_taken_over_and_a_wrong_one_refused(site: Rig) -> None:
    await site.register_becomes(16.0)
    text = site.config.read_text()
    site.config.write_text(text.replace("id: car,", "id: car, limits: {max_set_current_a: 13},"))
    assert site.process is not None
    site.process.send_signal(signal.SIGHUP)
    await site.register_becomes(13.0)
    connections = site.charger.connections
    site.config.write_text(text.replace("id: car,", "id: car, limits: {max_set_current_a: much},"))
    site.process.send_signal(signal.SIGHUP)
    await eventually(lambda: _logged(site, "max_set_current_a"))
    assert site.register_a == 13.0
    assert site.charger.connections == connections, "no reconnect for a setting"


async def test_what_an_orderly_end_leaves_may_be_changed_while_running(site: Rig) -> None:
    await site.register_becomes(16.0)
    site.config.write_text(site.config.read_text().replace("id: car,", "id: car, on_exit: pause,"))
    assert site.process is not None
    site.process.send_signal(signal.SIGHUP)
    await eventually(lambda: _logged(site, "on_exit: lapse -> pause"))
    site.process.send_signal(signal.SIGHUP)
    await eventually(lambda: _logged(site, "nothing has changed"))
    await site.stop()
    assert site.register_a == 0.0


async def _logged(site: Rig, text: str) -> bool:
    return any(text in line for line in site.log)


async def test_the_surplus_of_the_gx_charges_the_car(tmp_path: Path) -> None:
    async with rig(tmp_path) as site:
        site.write_config("auto: {start_delay_s: 0}", mode="auto")
        gx = await site.put_up_gx(house(-5000.0, 6000.0))
        site.charger.socket(1).set_a = 0.0
        site.charger.socket(1).remaining_s = 60.0
        await site.start()
        await eventually(lambda: _charges_from_the_sun(site))
        await gx.stop_system()
        await eventually(lambda: _gx_is_gone(site))
        await gx.start_system()
        gx.publish_reading(house())
        await eventually(lambda: _gx_is_back(site))


async def _charges_from_the_sun(site: Rig) -> bool:
    point = await site.point()
    return site.register_a >= 6.0 and point["reasons"][0]["why"] == "surplus"


async def _gx_is_gone(site: Rig) -> bool:
    return bool((await site.status())["site"]["why"])


async def _gx_is_back(site: Rig) -> bool:
    return bool((await site.status())["site"]["fresh"])


async def test_without_a_bus_control_goes_on_and_joins_it_later(tmp_path: Path) -> None:
    async with rig(tmp_path, bus=False) as site:
        site.write_config()
        await site.start()
        await site.register_becomes(16.0)
        await site.bus.start()
        async with Stranger(site.bus.address) as client:
            site.client = client
            await eventually(site.is_on_bus)
            await site.becomes("/Status", 2)


async def test_a_bus_that_dies_comes_back(site: Rig) -> None:
    assert site.client is not None
    await site.bus.kill()
    await site.bus.start()
    async with Stranger(site.bus.address) as client:
        site.client = client
        await eventually(site.is_on_bus)
        await site.becomes("/Status", 2)


async def test_a_required_bus_is_waited_for(tmp_path: Path) -> None:
    async with rig(tmp_path, bus=False) as site:
        site.write_config("site: {require_dbus: true}")
        starting = asyncio.create_task(site.start())
        await eventually(lambda: _logged(site, "waiting for D-Bus"))
        assert not site.charger.writes
        await site.bus.start()
        await asyncio.wait_for(starting, PATIENCE_S)
        await site.register_becomes(16.0)


async def test_a_signal_ends_the_wait_for_a_required_bus(tmp_path: Path) -> None:
    async with rig(tmp_path, bus=False) as site:
        site.write_config("site: {require_dbus: true}")
        starting = asyncio.create_task(site.start())
        await eventually(lambda: _logged(site, "waiting for D-Bus"))
        assert site.process is not None
        site.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(site.process.wait(), PATIENCE_S) == 0
        with pytest.raises(AssertionError, match="the daemon ended"):
            await starting
        assert await _logged(site, "Phaeton ends")
        site.process = None


async def test_a_reload_ends_the_wait_for_a_required_bus(tmp_path: Path) -> None:
    async with rig(tmp_path, bus=False) as site:
        site.write_config("site: {require_dbus: true}")
        starting = asyncio.create_task(site.start())
        await eventually(lambda: _logged(site, "waiting for D-Bus"))
        site.write_config("site: {require_dbus: false}")
        assert site.process is not None
        site.process.send_signal(signal.SIGHUP)
        await asyncio.wait_for(starting, PATIENCE_S)
        await site.register_becomes(16.0)


async def test_another_charger_than_last_time_is_not_written_to(site: Rig) -> None:
    await site.register_becomes(16.0)
    await site.stop()
    site.charger.label = type(site.charger.label)(serial="ACE9999999")
    site.charger.writes.clear()
    await site.start()
    await eventually(lambda: _says(site, "ACE9999999"))
    assert not site.charger.writes
    assert await site.post("accept", {"serial": "ACE0000000"}) == 422
    assert await site.post("accept", {"serial": "ACE9999999"}) == 200
    assert await site.write("/SetCurrent", "d", 9.0) == 0
    await site.register_becomes(9.0)
    assert await site.post("accept", {"serial": "ACE9999999"}) == 409


async def _says(site: Rig, text: str) -> bool:
    return text in str(await site.point())


async def test_a_second_socket_becomes_a_second_charging_point(tmp_path: Path) -> None:
    async with rig(tmp_path) as site:
        site.charger.plants = [*site.charger.plants, ChargerPlant(point="2", car=Car(max_a=16.0, start_s=0.2))]
        site.write_config()
        await site.start()
        assert site.client is not None

        async def both() -> bool:
            return {c["id"] for c in (await site.status())["chargers"]} == {"car", "car_2"}

        await eventually(both)
        second = f"{SERVICE}_2"

        async def second_charges() -> bool:
            return bool(await site.is_on_bus(second) and await site.client.value(second, "/Status") == 2)  # type: ignore[union-attr]

        await eventually(second_charges)
        assert await site.client.value(second, "/DeviceInstance") != await site.value("/DeviceInstance")
        assert site.charger.connections == 1, "both sockets share one connection"
        async with aiohttp.ClientSession(site.web) as client, client.get("/api/chargers/car_2/series") as answer:
            assert answer.status == 200, "the page knows it too"


async def test_a_store_that_is_no_database_is_kept_aside_and_said(tmp_path: Path) -> None:
    async with rig(tmp_path) as site:
        site.write_config()
        (tmp_path / "state").mkdir()
        (tmp_path / "state" / "phaeton.db").write_bytes(b"this is no database" * 100)
        await site.start()
        await site.register_becomes(16.0)
        assert list((tmp_path / "state").glob("phaeton.db.corrupt-*"))
        assert any("phaeton.db.corrupt-" in line for line in site.log)


async def test_a_wrong_address_is_no_reason_to_end(tmp_path: Path) -> None:
    async with rig(tmp_path) as site:
        await site.charger.stop()
        site.write_config()
        await site.start()

        async def says_so() -> bool:
            point = await site.point()
            return point["status"] is None and "refused" in point["unreachable_why"]

        await eventually(says_so)
        await site.charger.start()
        await site.register_becomes(16.0)
