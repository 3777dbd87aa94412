"""Cars with the daemon as a process: read when they come, shown everywhere, logged in, nothing private told."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from phaeton.simulation.vehicle_service import SimulatedVehicleService
from tests.integration.rig import Rig, eventually, house, rig
from tests.waiting import PATIENCE_S, until

EV = "com.victronenergy.ev.phaeton_second"


def cars(service: SimulatedVehicleService, more: str = "") -> str:
    """A Tesla that is logged in by the owner later, and a car behind plain JSON that is shown on the GX."""
    at = service.address
    tesla = (
        f'{{base_url: "{at}", client_id: {service.client_id}, vin: {service.car.vin}, redirect_url: "{at}/landed", '
        f'token_url: "{at}/oauth2/v3/token", authorize_url: "{at}/oauth2/v3/authorize"}}'
    )
    json = f'{{url: "{at}/car.json", soc: car.soc, plugged: car.plugged, latitude: car.lat, longitude: car.lon}}'
    return f"""
site: {{home: {{latitude: 52.5, longitude: 13.4}}}}
vehicles:
  - {{id: first, battery_kwh: 75, source: tesla, tesla: {tesla}}}
  - {{id: second, name: Zoe, battery_kwh: 52, source: http_json, publish: true, http_json: {json}{more}}}
"""


@pytest.fixture
async def service() -> AsyncIterator[SimulatedVehicleService]:
    async with SimulatedVehicleService() as running:
        running.car.latitude, running.car.longitude = 52.500012, 13.400034
        yield running


@pytest.fixture
async def site(tmp_path: Path, service: SimulatedVehicleService) -> AsyncIterator[Rig]:
    async with rig(tmp_path) as made:
        made.write_config(cars(service))
        await made.put_up_gx(house())
        await made.start()
        await made.becomes("/Status", 2)
        yield made


async def ask(site: Rig, method: str, path: str, body: object = None) -> Any:
    async with aiohttp.ClientSession(site.web) as session, session.request(method, path, json=body) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def car(site: Rig, vehicle: str) -> dict[str, Any]:
    return dict(await ask(site, "GET", f"/api/vehicles/{vehicle}"))


async def command(site: Rig, *words: str, typed: str = "") -> tuple[int, str]:
    """``phaeton vehicles`` beside the daemon: its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "phaeton", "vehicles", "--url", site.web, *words,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    said = ""
    if typed == "login":
        async for line in process.stdout:
            said += line.decode()
            if "/authorize" in said and "paste" in said:
                break
        address = next(line for line in said.splitlines() if "/authorize" in line)
        async with aiohttp.ClientSession() as browser, browser.get(address, allow_redirects=False) as redirect:
            typed = redirect.headers["Location"] + "\n"
    out, _ = await asyncio.wait_for(process.communicate(typed.encode()), PATIENCE_S)
    assert process.returncode is not None
    return process.returncode, said + out.decode()


async def test_a_car_is_told_apart_read_shown_and_charged_to_its_goal(
    site: Rig, service: SimulatedVehicleService
) -> None:
    await ask(site, "POST", "/api/vehicle", {"vehicle": "second"})

    async def is_read() -> bool:
        found = await car(site, "second")
        return bool(found["read_soc_pct"] == 55 and found["point"] == "car" and found["info"]["at_home"])

    await eventually(is_read)
    assert site.client is not None
    client = site.client

    async def is_shown() -> bool:
        return bool(await site.is_on_bus(EV) and await client.value(EV, "/AtSite") == 1)

    await eventually(is_shown)
    assert await client.value(EV, "/CustomName") == "Zoe"
    assert round(await client.value(EV, "/Soc")) == 55
    code, said = await command(site)
    assert code == 0
    assert "Zoe" in said
    assert "55 %" in said
    asked = service.asked["json"]
    assert (await command(site, "refresh", "second"))[0] == 0
    await until(lambda: service.asked["json"] > asked)
    assert (await command(site, "soc", "second", "70"))[0] == 0

    async def is_typed() -> bool:
        return bool((await car(site, "second"))["read_soc_pct"] == 70)

    await eventually(is_typed)


async def test_a_login_at_the_terminal_survives_a_kill_and_nothing_private_is_told(
    site: Rig, service: SimulatedVehicleService
) -> None:
    code, said = await command(site, "login", "first", typed="login")
    assert (code, "Logged in." in said) == (0, True), said
    await site.stop(9)
    await site.start()
    await ask(site, "POST", "/api/vehicle", {"vehicle": "first"})
    status = await site.status()
    assert [entry["id"] for entry in status["vehicles"]] == ["first", "second"]
    assert service.asked["token"] == 1
    await site.stop()
    text = "\n".join(site.log) + str(status)
    private = {service.car.vin, "52.500012", "13.400034", *service.access_tokens, *service.refresh_tokens}
    assert not [secret for secret in private if secret in text]


async def test_a_changed_configuration_brings_another_car(site: Rig, service: SimulatedVehicleService) -> None:
    text = site.config.read_text().replace("id: second", "id: third")
    site.config.write_text(text)

    async def is_there() -> bool:
        try:
            return [entry["id"] for entry in (await site.status())["vehicles"]] == ["first", "third"]
        except aiohttp.ClientError:
            pages = [line.rsplit(" ", 1)[1] for line in site.log if "page is at http" in line]
            site.web = pages[-1]
            return False

    await eventually(is_there)
    await eventually(lambda: site.is_on_bus("com.victronenergy.ev.phaeton_third"))


async def test_nobody_there_is_told_at_the_terminal(site: Rig) -> None:
    site.web = "http://127.0.0.1:9"
    code, said = await command(site)
    assert (code, "does the daemon run" in said) == (1, True)
