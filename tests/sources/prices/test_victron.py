"""A price on a real bus: named or found, followed as it changes, and said when there is none or more than one."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from phaeton import zones
from phaeton.config.tree_prices import Prices, VictronPrices
from phaeton.links.busitem_client import BusClient
from phaeton.links.busitem_service import BusItemService
from phaeton.links.dbus import DbusLink
from phaeton.links.http import HttpClient
from phaeton.model import PriceCurve, Unavailable
from phaeton.simulation.misbehaving import Misbehaviour
from phaeton.simulation.price_service import SimulatedPrices
from phaeton.sources.prices.kinds import build
from phaeton.sources.prices.source import PriceSource
from phaeton.sources.service.world import World
from tests.bus import PrivateBus
from tests.waiting import until

ADD_ON = "com.victronenergy.tibber"


def now() -> tuple[float, float]:
    return time.monotonic(), time.time()


async def add_on(bus: PrivateBus, name: str, paths: dict[str, float | str]) -> BusItemService:
    service = BusItemService(DbusLink(name, bus.address), name)
    for path, value in paths.items():
        service.add(path, "", value)
    service.open()
    await service.wait_registered()
    return service


@pytest.fixture
async def client(private_bus: PrivateBus) -> AsyncIterator[BusClient]:
    made = BusClient(DbusLink("test", private_bus.address))
    made.open()
    await until(lambda: made.link.connected)
    yield made
    await made.close()


class Seen:
    """A source and what it told."""

    def __init__(self, client: BusClient, config: VictronPrices, prices: Prices | None = None) -> None:
        self.events: list[PriceCurve | Unavailable] = []
        self.http = HttpClient()
        prices = prices or Prices(source="victron", victron=config)
        zone = zones.zone("UTC", time.time())
        self.source: PriceSource = build(prices, zone, World(self.http, client, now, sleep=_briefly))
        self.source.curves.subscribe(self.events.append)
        self.source.start()

    @property
    def price(self) -> float | None:
        slots = [event.slots for event in self.events if isinstance(event, PriceCurve)][-1:]
        found = [s.import_per_kwh for s in (slots[0] if slots else ()) if s.start_s <= time.time() < s.end_s]
        return found[0] if found else None

    @property
    def trouble(self) -> str:
        return self.source.describe().sources[0].trouble


async def _briefly(seconds: float) -> None:
    """The pauses of minutes are not what is tried here."""
    await asyncio.sleep(min(seconds, 0.05))


async def test_a_configured_price_is_followed_as_it_changes(private_bus: PrivateBus, client: BusClient) -> None:
    service = await add_on(private_bus, ADD_ON, {"/Now": 25.0})
    seen = Seen(client, VictronPrices(service=ADD_ON, path="/Now", scale=0.01))
    await until(lambda: seen.price == 0.25)
    service.update({"/Now": 31.0})
    await until(lambda: seen.price == 0.31)
    seen.source.stop()
    await service.close()


async def test_the_only_price_of_an_add_on_is_found_and_told(private_bus: PrivateBus, client: BusClient) -> None:
    service = await add_on(
        private_bus, ADD_ON, {"/Price/Current": 0.27, "/Price/Max": 0.5, "/Power": 3.0, "/PriceUnit": "EUR"}
    )
    seen = Seen(client, VictronPrices())
    await until(lambda: seen.price == 0.27)
    assert seen.source.describe().sources[0].note == f"found {ADD_ON} /Price/Current"
    seen.source.stop()
    await service.close()


async def test_of_several_prices_none_is_taken_and_all_are_named(private_bus: PrivateBus, client: BusClient) -> None:
    service = await add_on(private_bus, ADD_ON, {"/PriceNow": 0.27, "/Tariff": 0.5})
    seen = Seen(client, VictronPrices())
    await until(lambda: "may be the price" in seen.trouble)
    assert f"{ADD_ON} /PriceNow = 0.27, {ADD_ON} /Tariff = 0.5" in seen.trouble
    assert seen.price is None
    seen.source.stop()
    await service.close()


async def test_a_plain_gx_has_none_and_that_is_said(client: BusClient) -> None:
    seen = Seen(client, VictronPrices())
    await until(lambda: "plain Venus OS has none" in seen.trouble)
    assert isinstance(seen.events[-1], Unavailable)
    seen.source.stop()


async def test_an_add_on_that_leaves_takes_its_price_along(private_bus: PrivateBus, client: BusClient) -> None:
    service = await add_on(private_bus, ADD_ON, {"/Now": 0.25})
    seen = Seen(client, VictronPrices(service=ADD_ON, path="/Now"))
    await until(lambda: seen.price == 0.25)
    await service.close()
    await until(lambda: seen.trouble)
    assert "left D-Bus" in seen.trouble
    seen.source.stop()


async def test_a_price_of_the_bus_that_moves_presses_no_other_source(
    private_bus: PrivateBus, client: BusClient
) -> None:
    service = await add_on(private_bus, ADD_ON, {"/Now": 0.0})
    async with SimulatedPrices() as simulated:
        simulated.misbehaviour = Misbehaviour.BROKEN
        config = replace(
            simulated.prices("tibber"), fallback="victron", victron=VictronPrices(service=ADD_ON, path="/Now")
        )
        seen = Seen(client, config.victron, config)
        for number in range(1, 20):
            service.update({"/Now": number / 100})
            await until(lambda price=number / 100: seen.price == price)
        assert simulated.requests["tibber"] == 1
        seen.source.stop()
        await seen.http.close()
    await service.close()


async def test_the_command_finds_it_too(private_bus: PrivateBus, tmp_path: Path) -> None:
    service = await add_on(private_bus, ADD_ON, {"/Price": 0.27})
    config = tmp_path / "c.yaml"
    config.write_text("charger: a\nweb: {enabled: false}\nprices: {source: victron}\n")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "phaeton", "prices", "-c", str(config),
        env={**os.environ, "DBUS_SESSION_BUS_ADDRESS": private_bus.address},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    assert "0.2700 EUR/kWh" in out.decode(), out.decode()
    assert f"found {ADD_ON} /Price" in out.decode()
    assert process.returncode == 0
    await service.close()
