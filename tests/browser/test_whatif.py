"""What if: recorded days, other settings, a real process that simulates them, and what is done with what came of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from phaeton.app.jobs import Jobs
from phaeton.app.minutes import MinuteKeeper
from phaeton.sinks.web.simulations import SimulationBody, VariantBody
from tests import outputs
from tests.app import recorded_days
from tests.app.test_jobs import LONG
from tests.app.test_settings import Desk, desk
from tests.browser.conftest import DESKTOP, House, Pages, picture
from tests.browser.test_views import NARROW
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

SHADE = {"auto": {"min_solar_share_pct": 0}}
BOTH = "31 May 2026 \N{EN DASH} 1 Jun 2026"
TODAY = "Today\N{RIGHT SINGLE QUOTATION MARK}s settings"
TWO_DAYS = SimulationBody(days=2, variants=[VariantBody(name="Überschuss", set=SHADE)], compare=["immediate"])


class Past:
    """A house with two recorded days, its configuration in a file, and its jobs."""

    def __init__(self, house: House, jobs: Jobs, desk: Desk) -> None:
        self.house, self.jobs, self.desk = house, jobs, desk


@asynccontextmanager
async def past(folder: Path, *, days: int = 2, memory_bytes: int = 400_000_000) -> AsyncIterator[Past]:
    store = await recorded_days.filled(folder, days=days, stays=days)
    settings = desk(folder, recorded_days.TEXT)
    jobs = Jobs(
        store, MinuteKeeper(store, ["car"]), lambda: settings.config, lambda: recorded_days.BERLIN,
        lambda: (1000.0, recorded_days.NOW_S), folder / "simulations", memory_bytes=memory_bytes,
    )  # fmt: skip
    house = House([outputs.decided("car")], simulations=jobs, settings=settings.settings)
    await house.start()
    try:
        yield Past(house, jobs, settings)
    finally:
        await house.stop()
        await jobs.close()
        await store.close()


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def done(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Past]:
    """With a simulation that is done."""
    async with past(tmp_path_factory.mktemp("whatif")) as here:
        await here.jobs.begin(TWO_DAYS)
        await until(lambda: here.jobs.all()[0].ended)
        yield here


async def slide(page: Page, name: str, value: int) -> None:
    await page.get_by_role("slider", name=name).fill(str(value))


async def test_a_variant_is_run_compared_and_taken_over(pages: Pages, tmp_path: Path) -> None:
    pages.forgive("422")
    async with past(tmp_path) as here:
        page = await pages.open(here.house, path="/#/whatif")
        await expect(page.get_by_text("2 days: 31 May 2026 to 1 Jun 2026.")).to_be_visible()
        await expect(page.get_by_text("2 stays of cars, which charged 40.00\u00a0kWh.")).to_be_visible()
        await page.get_by_role("button", name="Run", exact=True).click()
        await expect(page.get_by_text("Nothing is changed")).to_be_visible()
        await page.get_by_label("Name", exact=True).fill("Later start")
        await slide(page, "Surplus this long before a start", 600)
        await page.get_by_label("Any other setting").fill("pause between a stop")
        await page.get_by_role("button", name="Add auto.rest_s").click()
        await page.get_by_label("auto.rest_s").first.fill("99999")
        await page.get_by_role("button", name="Run", exact=True).click()
        await expect(page.get_by_role("alert").filter(has_text="Not begun: auto.rest_s")).to_be_visible()
        await page.get_by_label("auto.rest_s").first.fill("60")
        await page.get_by_label("Charge at once").check()
        await page.get_by_role("button", name="Run", exact=True).click()
        await expect(page.get_by_role("heading", name="Which is best")).to_be_visible()
        sides = page.get_by_role("region", name="Side by side")
        await expect(sides.locator("thead th")).to_have_text(["Figure", TODAY, "Later start", "Charge at once"])
        await expect(sides.locator("tbody tr").first).to_contain_text("€")
        await expect(page.locator(".days svg")).to_have_count(4)
        await page.get_by_label("Compare with").select_option("immediate")
        await expect(page.locator(".days h3")).to_have_text([TODAY, "Charge at once"])
        await page.get_by_role("button", name="Take over as settings Later start").click()
        await expect(page.get_by_text("auto.start_delay_s: 120.0 -> 600.0").last).to_be_visible()
        await page.get_by_role("button", name="Take over now").click()
        await expect(page.get_by_text("Taken over, and in force.")).to_be_visible()
        assert (here.desk.config.auto.start_delay_s, here.desk.config.auto.rest_s) == (600.0, 60.0)
        await page.get_by_role("link", name="What-if").last.click()
        await expect(page.get_by_role("link", name=BOTH)).to_be_visible()
        await page.get_by_role("button", name="Delete 31 May").click()
        await page.get_by_role("button", name="Delete for good? 31 May").click()
        await expect(page.get_by_role("link", name=BOTH)).to_be_hidden()
        assert here.jobs.all() == []


async def test_the_mode_is_taken_over_as_an_order(pages: Pages, tmp_path: Path) -> None:
    async with past(tmp_path) as here:
        page = await pages.open(here.house, path="/#/whatif")
        await page.get_by_role("combobox", name="Mode", exact=True).select_option("scheduled")
        await page.get_by_role("button", name="Run", exact=True).click()
        await page.get_by_role("button", name="Take over as settings Variant 1").click()
        await expect(page.get_by_text("Mode of charging point car: Scheduled")).to_be_visible()
        await page.get_by_role("button", name="Take over now").click()
        await expect(page.get_by_text("Taken over, and in force.")).to_be_visible()
        assert here.desk.reloads == []
        assert [str(order) for _, order, _ in here.house.orders] == ["SetMode(mode=<Mode.SCHEDULED: 2>)"]


async def test_one_that_runs_can_be_stopped(pages: Pages, tmp_path: Path) -> None:
    async with past(tmp_path) as here:
        job = await here.jobs.begin(LONG)
        page = await pages.open(here.house, path=f"/#/whatif/{job.id}")
        await expect(page.get_by_role("progressbar")).to_be_visible()
        await page.get_by_role("button", name="Stop it").click()
        await expect(page.get_by_text("It was stopped.")).to_be_visible()
        assert [one.state for one in here.jobs.all()] == ["cancelled"]


async def test_one_that_fails_says_why(pages: Pages, tmp_path: Path) -> None:
    async with past(tmp_path, memory_bytes=30_000_000) as here:
        job = await here.jobs.begin(TWO_DAYS)
        page = await pages.open(here.house, path=f"/#/whatif/{job.id}")
        await expect(page.get_by_text("It failed:")).to_contain_text("memory")
        await page.get_by_role("link", name="What-if").last.click()
        await expect(page.locator(".lines .note", has_text="failed")).to_be_visible()


async def test_where_nothing_is_recorded_it_says_what_to_do(pages: Pages, tmp_path: Path) -> None:
    async with past(tmp_path, days=0) as here:
        page = await pages.open(here.house, path="/#/whatif")
        await expect(page.get_by_role("heading", name="Nothing is recorded yet")).to_be_visible()
        await expect(page.get_by_text("record.enabled")).to_be_visible()
        await expect(page.get_by_text("30 days")).to_be_visible()


async def test_days_are_chosen_in_the_calendar_and_gaps_are_said(pages: Pages, tmp_path: Path) -> None:
    async with past(tmp_path) as here:
        page = await pages.open(here.house, path="/#/whatif")
        await page.get_by_role("button", name="1 Jun 2026, 24 of 24 hours known").click()
        await expect(page.get_by_text("1 day: 1 Jun 2026. 1 car stayed and charged 20.00\u00a0kWh.")).to_be_visible()
        await page.get_by_role("button", name="The month before").click()
        await expect(page.get_by_role("button", name="30", exact=True)).to_be_disabled()
        await page.get_by_role("button", name="31 May 2026").click()
        await page.get_by_role("button", name="The month after").click()
        await page.get_by_role("button", name="1 Jun 2026, 24 of 24 hours known").click()
        await expect(page.get_by_text("2 days: 31 May 2026 to 1 Jun 2026.")).to_be_visible()


@pytest.mark.parametrize(("size", "scheme"), [(NARROW, "dark"), (DESKTOP, "light")], ids=["phone", "desktop"])
async def test_what_if_is_readable_by_everybody(
    done: Past, pages: Pages, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    house = House([outputs.decided("car")], simulations=done.jobs, settings=done.desk.settings)
    await house.start()
    page = await pages.open(house, size, scheme, path="/#/whatif")
    where = f"{'phone' if size == NARROW else 'desktop'}-{scheme}"
    await expect(page.get_by_role("link", name=BOTH)).to_be_visible()
    await page.get_by_role("button", name="Another variant").click()
    await page.get_by_label("Any other setting").first.fill("battery")
    await expect(page.get_by_role("button", name="Add battery.priority")).to_be_visible()
    await looks(page, size, f"whatif-{where}")
    await page.evaluate(f"location.hash = '/whatif/{done.jobs.all()[0].id}'")
    await expect(page.locator(".days svg")).to_have_count(4)
    await page.get_by_role("button", name="Take over as settings Überschuss").click()
    await expect(page.get_by_role("button", name="Take over now")).to_be_visible()
    await looks(page, size, f"whatif-result-{where}")


async def looks(page: Page, size: tuple[int, int], name: str) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    await picture(page, name)
