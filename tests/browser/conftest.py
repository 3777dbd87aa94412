"""Debian's chromium driven by Playwright against a real server; a missing browser is an error, never a skip."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio
from msgspec import Struct, field
from msgspec.structs import replace
from playwright.async_api import Browser, BrowserContext, Locator, Page, async_playwright, expect

from phaeton import log
from phaeton.config.tree import Config
from phaeton.config.tree_web import Web
from phaeton.model import (
    Boost,
    ChargerReading,
    Mode,
    Order,
    Output,
    PointDecision,
    SetCurrent,
    SetMode,
    SetPhases,
    SetStart,
    Zone,
)
from phaeton.price_report import PriceReport
from phaeton.sinks.web import Diagnostics, LinkDiagnostics, Parts, PointName, WebServer
from phaeton.sinks.web.access import Access
from phaeton.sinks.web.inspection import Inspection
from phaeton.sinks.web.recordings import Recordings
from phaeton.sinks.web.settings import Settings
from phaeton.sinks.web.simulations import Simulations
from phaeton.sinks.web.support import Support
from phaeton.sinks.web.updates import Installation, Updates
from phaeton.sinks.web.vehicles import VehicleInfo
from tests import outputs
from tests.kept import KeptInMemory
from tests.waiting import PATIENCE_S

CHROMIUM = "/usr/bin/chromium"
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = (390, 844)
DESKTOP = (1280, 900)
LOGGER = logging.getLogger("phaeton.tests")
expect.set_options(timeout=PATIENCE_S * 1000.0)
BERLIN = Zone("Europe/Berlin", ((-1e18, 7200.0),))


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield chromium
        await chromium.close()


class House(Struct):
    """A small house behind the server: orders take effect in the next output, as with the real control."""

    points: list[PointDecision]
    mono_s: float = 1000.0
    refuse: Exception | None = None
    silent: bool = False
    """Orders are accepted, but nothing is published, so the page does not yet see their effect."""
    held: asyncio.Event | None = None
    orders: list[tuple[str, Order, str]] = field(default_factory=list)
    server: WebServer | None = None
    make: Callable[[float], Output] | None = None
    read: ChargerReading | None = None
    port: int = 0
    prices: PriceReport | None = None
    vehicles: tuple[VehicleInfo, ...] = ()
    access: Access | None = None
    config: Web = Web()
    kept: KeptInMemory = field(default_factory=KeptInMemory)
    inspection: Inspection | None = None
    recordings: Recordings | None = None
    support: Support | None = None
    updates: Updates | None = None
    installation: Installation | None = None
    simulations: Simulations | None = None
    settings: Settings | None = None
    configured: Callable[[], Config] | None = None
    zone: Zone = BERLIN

    async def start(self) -> None:
        self.server = WebServer(
            replace(self.config, port=self.port),
            [PointName(p.point) for p in self.points],
            Parts(
                submit=self.submit,
                sessions=self.kept,
                diagnostics=self.diagnostics,
                access=self.access,
                zone=lambda: self.zone,
                inspection=self.inspection,
                recordings=self.recordings,
                support=self.support,
                updates=self.updates,
                installation=self.installation,
                simulations=self.simulations,
                settings=self.settings,
                config=self.configured,
            ),
        )
        await self.server.start()
        assert self.server.address is not None
        self.port = int(self.server.address.rsplit(":", 1)[1])
        for _ in range(120):
            self.step()

    async def stop(self) -> None:
        if self.server is not None:
            await self.server.stop()
            self.server = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def step(self) -> None:
        """A second passes."""
        self.mono_s += 1.0
        assert self.server is not None
        made = self.make(self.mono_s) if self.make else self.output()
        self.server.publish(made)

    def output(self) -> Output:
        return outputs.output(self.mono_s, point=self.points[0], more=tuple(self.points[1:]), read=self.read)

    async def submit(self, point: str, order: Order, origin: str) -> None:
        self.orders.append((point, order, origin))
        if self.held is not None:
            await self.held.wait()
        if self.refuse is not None:
            raise self.refuse
        self.points = [obeyed(decided, order) if decided.point == point else decided for decided in self.points]
        if not self.silent:
            self.step()

    def diagnostics(self) -> Diagnostics:
        return Diagnostics(
            links=(
                LinkDiagnostics(
                    name="Charger 192.0.2.5",
                    up=True,
                    detail="Alfen Eve Single",
                    age_s=0.4,
                    latency_ms=31.2,
                    requests=8213,
                    failures=3,
                ),
                LinkDiagnostics(name="D-Bus", up=False, detail="no system bus"),
            ),
            prices=self.prices,
            vehicles=self.vehicles,
        )


def obeyed(point: PointDecision, order: Order) -> PointDecision:
    """The point after an order."""
    match order:
        case SetMode(mode):
            return replace(point, mode=Mode(mode))
        case SetStart(start):
            return replace(point, start=start)
        case SetCurrent(current_a):
            return replace(point, requested_a=current_a)
        case SetPhases(phases):
            return replace(point, chosen_phases=phases)
        case Boost(on=on):
            return replace(point, boost=on)
    return point


@pytest_asyncio.fixture(loop_scope="session")
async def house() -> AsyncIterator[House]:
    built = House([outputs.decided()])
    await built.start()
    yield built
    await built.stop()


@pytest.fixture
def log_ring() -> Iterator[None]:
    """What `LOGGER` writes is in the log of the page."""
    LOGGER.setLevel(logging.DEBUG)
    LOGGER.propagate = False
    LOGGER.addHandler(log.ring)
    yield
    LOGGER.removeHandler(log.ring)


class Pages:
    """Opens pages, and fails the test when one of them complained on its console.

    At the end the pages are closed before the houses they looked at are stopped, so no stream complains of its end.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self._houses: list[House] = []
        self._said: list[str] = []
        self._forgiven: list[str] = []

    @property
    def complaints(self) -> list[str]:
        return [said for said in self._said if not any(part in said for part in self._forgiven)]

    def forgive(self, *parts: str) -> None:
        """Complaints with one of these are brought about by the test: refusals, cut streams, a daemon that goes."""
        self._forgiven.extend(parts)

    async def open(
        self,
        house: House,
        size: tuple[int, int] = DESKTOP,
        scheme: Literal["light", "dark"] = "light",
        path: str = "/",
        locale: str = "en-GB",
    ) -> Page:
        width, height = size
        self._houses.append(house)
        context = await self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            reduced_motion="reduce",
            timezone_id="America/New_York",
            locale=locale,
        )
        context.set_default_timeout(PATIENCE_S * 1000.0)
        self._contexts.append(context)
        page = await context.new_page()
        page.on("console", lambda said: self._said.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self._said.append(str(error)))
        await page.goto(house.address + path)
        await page.locator("body:not(.loading)").wait_for()
        return page

    async def close(self) -> None:
        while self._contexts:
            await self._contexts.pop().close()
        while self._houses:
            await self._houses.pop().stop()


@pytest_asyncio.fixture(loop_scope="session")
async def pages(browser: Browser) -> AsyncIterator[Pages]:
    opened = Pages(browser)
    yield opened
    await opened.close()
    assert opened.complaints == []


async def picture(page: Page | Locator, name: str) -> None:
    """Write a screenshot where the README finds it, when asked to (``PHAETON_SCREENSHOTS=1``)."""
    if os.environ.get("PHAETON_SCREENSHOTS"):
        folder = Path(__file__).parents[2] / "docs" / "images"
        folder.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=folder / f"{name}.png", **({"full_page": True} if isinstance(page, Page) else {}))
