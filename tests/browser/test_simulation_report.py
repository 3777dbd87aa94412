"""The page about a simulation in a real browser: one file without a server, on a screen, a phone and paper."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from msgspec.structs import replace
from playwright.async_api import Browser, Page, expect

from phaeton.config.tree import Charger, Config, Site
from phaeton.model import PriceSlot
from phaeton.simulation.history import in_memory
from phaeton.simulation.house_setup import HouseSetup
from phaeton.simulation.report import page as report
from phaeton.simulation.result import Result, Setup
from phaeton.simulation.series import Series
from phaeton.simulation.simulate import simulate
from phaeton.simulation.stays import Stay
from phaeton.simulation.tariff import Tariff
from phaeton.simulation.weather import clear_sky, cloudy, household
from phaeton.zones import zone
from tests.browser.conftest import DESKTOP, PHONE, picture
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="session")

START_S = 1_718_402_400.0
"""2024-06-15 00:00 in Amsterdam."""
DAY, HOUR = 86400.0, 3600.0
AMSTERDAM = "Europe/Amsterdam"


def made() -> tuple[Result, Series, Config]:
    """Three weeks around the end of June, in which one car leaves too early."""
    sun, house = cloudy(clear_sky(8000.0), seed=5), household()
    times = [n * 300.0 for n in range(21 * 288)]
    history = in_memory(START_S, 300.0, map(sun, times), map(house, times))
    settings = Config(chargers=(Charger(host="simulated"),), site=Site(timezone=AMSTERDAM))
    stays = [
        Stay(arrival_s=START_S + day * DAY + 8 * HOUR, departure_s=START_S + day * DAY + 19 * HOUR, energy_kwh=8.0)
        for day in range(0, 20, 2)
    ]
    stays.append(Stay(arrival_s=START_S + 20 * DAY + HOUR, departure_s=START_S + 20 * DAY + 2 * HOUR, energy_kwh=33.0))
    slots = [PriceSlot(START_S + n * HOUR, START_S + (n + 1) * HOUR, 0.2 + n % 24 / 100, 0.08) for n in range(22 * 24)]
    series = Series()
    setup = Setup(house=HouseSetup(battery_kwh=8.0))
    result = simulate(history, settings, stays, Tariff(tuple(slots), "EUR"), setup, series=series)
    return result, series, settings


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    result, series, settings = made()
    path = tmp_path_factory.mktemp("report") / "simulation.html"
    shown = replace(result, wall_s=1.2, steps_per_s=25_200.0)
    path.write_text(report(shown, series, zone(AMSTERDAM, START_S), "EUR", settings), encoding="utf-8")
    return path


class Screens:
    """Opens the file; whatever the page says on its console is a fault."""

    def __init__(self, browser: Browser, file: Path) -> None:
        self._browser, self._file = browser, file
        self.complaints: list[str] = []

    async def open(self, size: tuple[int, int] = DESKTOP, scheme: Literal["light", "dark"] = "light") -> Page:
        width, height = size
        context = await self._browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, offline=True, timezone_id="Asia/Tokyo"
        )
        context.set_default_timeout(PATIENCE_S * 1000.0)
        page = await context.new_page()
        page.on("console", lambda said: self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        await page.goto(self._file.as_uri())
        await page.locator("#plot canvas").wait_for()
        return page


@pytest_asyncio.fixture(loop_scope="session")
async def screens(browser: Browser, file: Path) -> AsyncIterator[Screens]:
    opened = Screens(browser, file)
    yield opened
    assert opened.complaints == []


async def test_it_tells_the_headline_numbers(screens: Screens) -> None:
    page = await screens.open()
    await expect(page).to_have_title(re.compile(r"^15\sJun\s2024 . 5\sJul\s2024 . Phaeton simulation$"))
    await expect(page.locator(".card.wide")).to_contain_text("kWh")
    await expect(page.locator(".card", has_text="Goals met").first).to_contain_text("10 of 11")
    await expect(page.locator(".doubtful")).to_contain_text("not valid")
    await expect(page.locator("section", has_text="The car by month").locator("svg rect.pv")).to_have_count(2)
    await expect(page.locator("section", has_text="Goals that were missed")).to_contain_text(
        re.compile(r"Fri 5\sJul, 01:00 2024")
    )
    await picture(page, "simulation")


async def test_weeks_can_be_looked_through_in_the_time_of_the_site(screens: Screens) -> None:
    page = await screens.open()
    which = page.locator("#which")
    await page.get_by_role("button", name="Last week").click()
    await page.get_by_role("button", name="First week").click()
    await expect(which).to_have_text(re.compile(r"^15\s?.\s?21 Jun 2024$"))
    await expect(page.get_by_role("button", name="Week before")).to_be_disabled()
    await page.get_by_role("button", name="Week after").click()
    await page.get_by_role("button", name="Last week").click()
    await expect(page.get_by_role("button", name="Week after")).to_be_disabled()
    await page.get_by_role("button", name="First week").click()
    box = await page.locator("#plot .u-over").bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + box["width"] * 12.5 / 168, box["y"] + 50)
    await expect(page.locator("#live .when")).to_contain_text("Sat 12:")
    await expect(page.locator("#live .pv b")).to_contain_text("kW")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
async def test_it_fits_and_can_be_read(
    screens: Screens, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    page = await screens.open(size, scheme)
    assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
    found = await Axe().run(page)
    assert found.response["violations"] == [], found.generate_report()


async def test_it_prints(screens: Screens) -> None:
    page = await screens.open()
    await page.emulate_media(media="print")
    await expect(page.get_by_role("button", name="First week")).to_be_hidden()
    assert len(await page.pdf(format="A4", print_background=True)) > 20_000
