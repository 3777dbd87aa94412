"""Prices in the daemon as a process: from the service into the API, over a restart, a reload and a failure."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

import aiohttp

from phaeton.simulation.misbehaving import Misbehaviour
from phaeton.simulation.price_service import SimulatedPrices
from tests.integration.rig import Rig, eventually, rig


async def asked(daemon: Rig) -> dict[str, Any]:
    """What ``GET /api/prices`` answers."""
    async with aiohttp.ClientSession() as session, session.get(f"{daemon.web}/api/prices") as answer:
        told: dict[str, Any] = json.loads(await answer.text())
        return told


async def known(daemon: Rig, in_force: str) -> None:
    """Wait until this source tells the present price."""

    async def is_so() -> bool:
        return bool((await asked(daemon)).get("now", {}).get("in_force") == in_force)

    await eventually(is_so)


async def rated(daemon: Rig, price: float) -> None:
    """Wait until the decisions go by this price."""

    async def is_so() -> bool:
        return bool((await daemon.status())["energy_rate"] == price)

    await eventually(is_so)


def tibber(service: SimulatedPrices, more: str = "") -> str:
    return f"prices: {{source: tibber, tibber: {{token: {service.token}, url: '{service.url}/tibber'}}{more}}}"


async def test_prices_come_stay_over_a_kill_and_fall_back_to_what_is_configured(tmp_path: Path) -> None:
    async with SimulatedPrices() as service, rig(tmp_path, bus=False) as daemon:
        base = ["site: {timezone: Europe/Berlin, source: none}"]
        daemon.write_config(*base, tibber(service))
        await daemon.start()
        await known(daemon, "Tibber")
        told = await asked(daemon)
        present = service.price_at(time.time())
        assert told["now"]["import_per_kwh"] == present
        await rated(daemon, present)
        status = await daemon.status()
        assert status["prices"]["version"] == told["now"]["version"]
        assert any(link["name"] == "Prices: Tibber" and link["up"] for link in status["links"])
        assert any("new prices from Tibber" in line for line in daemon.log)

        await daemon.stop(signal.SIGKILL)
        service.misbehaviour = Misbehaviour.BROKEN
        count = service.requests.total()
        await daemon.start()
        await known(daemon, "Tibber")
        assert service.requests.total() == count
        await rated(daemon, present)

        daemon.write_config(*base, "prices: {source: fixed, import_per_kwh: 0.31}")
        assert daemon.process is not None
        daemon.process.send_signal(signal.SIGHUP)
        await known(daemon, "the fixed price")
        await rated(daemon, 0.31)
        assert service.token not in "\n".join(daemon.log)


async def test_a_wrong_token_is_told_and_no_price_is_made_up(tmp_path: Path) -> None:
    async with SimulatedPrices() as service, rig(tmp_path, bus=False) as daemon:
        service.token = "another"
        daemon.write_config("site: {source: none}", tibber(service).replace("another", "mine"))
        await daemon.start()

        async def is_told() -> bool:
            sources = (await asked(daemon)).get("sources", [])
            return bool(sources and "set prices.tibber.token" in sources[0]["trouble"])

        await eventually(is_told)
        status = await daemon.status()
        assert status["energy_rate"] is None
        assert status["prices"]["import_per_kwh"] is None
        assert any("set prices.tibber.token" in line for line in daemon.log)
        assert await daemon.stop() == 0
