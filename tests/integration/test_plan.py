"""Plans and the forecast in the daemon as a process: from services into the API and the terminal, over a restart."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from phaeton.simulation.forecast_service import SimulatedForecasts
from phaeton.simulation.misbehaving import Misbehaviour
from phaeton.simulation.price_service import SimulatedPrices
from tests.integration.rig import Rig, eventually, rig

CAR = "vehicles: [{id: ev6, battery_kwh: 60, charger: car}]"


async def asked(daemon: Rig, path: str) -> Any:
    async with aiohttp.ClientSession() as session, session.get(f"{daemon.web}{path}") as answer:
        return json.loads(await answer.text())


async def printed(daemon: Rig) -> str:
    """What ``phaeton plan`` prints."""
    command = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "phaeton", "plan", "--url", daemon.web, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await command.communicate()
    assert command.returncode == 0
    return out.decode()


async def test_a_goal_becomes_a_plan_that_page_and_terminal_can_show(tmp_path: Path) -> None:
    async with SimulatedPrices() as service, rig(tmp_path, bus=False) as daemon:
        tibber = f"prices: {{source: tibber, tibber: {{token: {service.token}, url: '{service.url}/tibber'}}}}"
        daemon.write_config("site: {timezone: Europe/Berlin, source: none}", tibber, CAR, mode="scheduled")
        await daemon.start()
        now = (await daemon.status())["timestamp"]
        async with aiohttp.ClientSession() as session:
            leaves = datetime.fromisoformat(now) + timedelta(hours=8)
            body = {"departure": leaves.isoformat(), "energy_kwh": 4}
            async with session.put(f"{daemon.web}/api/vehicles/ev6/goal", json=body) as answer:
                assert answer.status == 200, await answer.text()

        async def is_planned() -> bool:
            return (await asked(daemon, "/api/plan"))["points"][0]["plan"] is not None

        await eventually(is_planned)
        told = (await asked(daemon, "/api/plan"))["points"][0]
        assert (told["vehicle"], told["goal"]["energy_kwh"]) == ("ev6", 4.0)
        assert sum(slot["energy_kwh"] for slot in told["plan"]["slots"]) >= 3.9
        text = await printed(daemon)
        assert "car: scheduled mode, strategy windows, ev6" in text
        assert "goal: 4.0 kWh by" in text
        assert len((await asked(daemon, "/api/tibber/plan"))["points"]) >= 24


async def test_the_sun_of_a_service_is_known_and_stays_over_a_kill(tmp_path: Path) -> None:
    async with SimulatedForecasts() as service, rig(tmp_path, bus=False) as daemon:
        home = "site: {source: none, home: {latitude: 52.123456, longitude: 5.987654}}"
        daemon.write_config(
            home,
            "forecast: {source: open_meteo, planes: [{kwp: 8}, {kwp: 4, azimuth_deg: 90}], "
            f"open_meteo: {{url: '{service.url}/open-meteo'}}}}",
        )
        await daemon.start()

        async def is_up() -> bool:
            links = (await daemon.status())["links"]
            return any(link["name"] == "Forecast: Open-Meteo" and link["up"] and link["requests"] for link in links)

        await eventually(is_up)
        assert service.requests["open-meteo"] == 2
        assert service.places == {("52.12", "5.99")}
        await daemon.stop(signal.SIGKILL)
        service.misbehaviour = Misbehaviour.BROKEN
        await daemon.start()

        async def is_known() -> bool:
            links = (await daemon.status())["links"]
            return any(link["name"] == "Forecast: Open-Meteo" and link["age_s"] is not None for link in links)

        await eventually(is_known)
        assert service.requests["open-meteo"] == 2
        daemon.write_config(home, "forecast: {source: none}")
        assert daemon.process is not None
        daemon.process.send_signal(signal.SIGHUP)

        async def is_gone() -> bool:
            return not any(link["name"].startswith("Forecast") for link in (await daemon.status())["links"])

        await eventually(is_gone)
        assert not any("52.12" in line for line in daemon.log)
