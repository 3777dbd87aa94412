"""The card of prices, car and plan: there when there is something of it, true to the plan, readable by everybody."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from msgspec.structs import replace
from playwright.async_api import Page, expect

from phaeton.model import Plan
from phaeton.sinks.web.vehicles import VehicleInfo
from tests import plans
from tests.browser.conftest import DESKTOP, PHONE, House, Pages, picture

pytestmark = pytest.mark.asyncio(loop_scope="session")

BARS = "#price-bars rect"


def planning(house: House, plan: Plan | None = plans.PLAN) -> None:
    """A car that goes by a plan, and the prices of two days."""
    house.prices = plans.report()
    house.vehicles = (VehicleInfo(id="ev6", name="Kia EV6", battery_kwh=74.0),)
    house.make = lambda mono_s: plans.planning(mono_s, plan)
    house.step()


async def test_without_prices_plan_and_car_the_card_is_not_there(house: House, pages: Pages) -> None:
    house.prices = replace(plans.report(), kind="fixed")
    house.step()
    page = await pages.open(house)
    await expect(page.locator("#plan")).to_be_hidden()


async def test_the_car_its_goal_and_its_plan_are_told(house: House, pages: Pages) -> None:
    planning(house)
    page = await pages.open(house)
    await expect(page.locator("#plan-cars li")).to_have_text("Kia EV641\u00a0% · up to 80\u00a0%")
    await expect(page.locator("#plan-lines li").nth(0)).to_contain_text("80\u00a0% by ")
    await expect(page.locator("#plan-lines li").nth(1)).to_contain_text("about €1.10")
    await expect(page.locator("#plan-lines li").nth(2)).to_have_text("4.40\u00a0kWh of it from the sun")
    await expect(page.locator("#plan-late")).to_be_hidden()


async def test_the_prices_are_bars_with_the_planned_slots_and_now(house: House, pages: Pages) -> None:
    planning(house)
    page = await pages.open(house)
    await expect(page.locator("#price-now")).to_have_text("€0.248")
    await expect(page.locator(BARS)).to_have_count(48)
    await expect(page.locator(f"{BARS}.on")).to_have_count(4)
    zero = float(await page.locator("#price-bars .zero").get_attribute("y1") or "nan")
    for bar in await page.locator(f"{BARS}.below").all():
        assert float(await bar.get_attribute("y") or "nan") == zero
    assert await page.locator(f"{BARS}.below").count() == 2
    mark = float(await page.locator("#price-mark").get_attribute("x1") or "nan")
    assert mark == pytest.approx(250.0, abs=3.0)
    await expect(page.locator("#price-bars")).to_have_attribute(
        "aria-label", re.compile(r"Prices from -€0\.02 to €0\.38 per kWh\. It charges between .* and .*")
    )
    await expect(page.locator("#price-times .day")).to_have_count(2)


async def test_a_new_plan_is_drawn_and_new_prices_are_fetched(house: House, pages: Pages) -> None:
    planning(house)
    page = await pages.open(house)
    await expect(page.locator(f"{BARS}.on")).to_have_count(4)
    less = replace(plans.PLAN, made_utc_s=plans.NOW_S, slots=plans.PLAN.slots[1:2], sun_kwh=0.0)
    house.make = lambda mono_s: plans.planning(mono_s, less)
    house.step()
    await expect(page.locator(f"{BARS}.on")).to_have_count(1)
    house.prices = replace(plans.report(), slots=plans.report().slots[:24], version=4)
    house.step()
    await expect(page.locator(BARS)).to_have_count(24)


async def test_lateness_is_told(house: House, pages: Pages) -> None:
    planning(house, plans.LATE)
    page = await pages.open(house)
    await expect(page.locator("#plan-late")).to_have_text(
        "Late by 72\u00a0min: 15.95\u00a0kWh will be missing at the departure."
    )
    await expect(page.locator("#plan-lines")).to_contain_text("Charging by plan now")


async def test_prices_that_are_not_known_are_no_zero(house: House, pages: Pages) -> None:
    planning(house, None)
    house.prices = plans.report(known=False)
    house.step()
    page = await pages.open(house)
    await expect(page.locator("#price-now")).to_have_text("Price unknown")
    await expect(page.locator("#price-note")).to_have_text("wait")
    await expect(page.locator("#price-plot")).to_be_hidden()


async def test_a_car_that_is_away_is_shown_as_such(house: House, pages: Pages) -> None:
    house.vehicles = (VehicleInfo(id="ev6", name="Kia EV6"),)
    house.step()
    page = await pages.open(house)
    await expect(page.locator("#plan-cars")).to_contain_text("away · charge unknown")
    await expect(page.locator("#price-part")).to_be_hidden()


@pytest.mark.parametrize("width", [320, 390, 800, 1280])
@pytest.mark.parametrize("plan", [plans.PLAN, plans.LATE], ids=["in time", "late"])
async def test_nothing_scrolls_sideways(house: House, pages: Pages, width: int, plan: Plan) -> None:
    planning(house, plan)
    page = await pages.open(house, (width, 900))
    await expect(page.locator(BARS)).to_have_count(48)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    overlapping = await page.evaluate(
        "(() => { const s = [...document.querySelectorAll('#price-times span')].map(e => e.getBoundingClientRect());"
        " return s.slice(1).filter((r, i) => r.left < s[i].right).length; })()"
    )
    assert overlapping == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_light_and_dark_are_readable_by_everybody(
    house: House, pages: Pages, scheme: Literal["light", "dark"], size: tuple[int, int]
) -> None:
    planning(house, plans.LATE)
    page = await pages.open(house, size, scheme)
    await expect(page.locator(BARS)).to_have_count(48)
    assert await offences(page) == []
    planning(house)
    await expect(page.locator("#plan-late")).to_be_hidden()
    await picture(page.locator("#plan"), f"plan-{scheme}-{size[0]}")


async def offences(page: Page) -> list[str]:
    """What axe finds, each with its first place."""
    found = await Axe().run(page)
    return [f"{rule['id']}: {rule['nodes'][0]['html'][:120]}" for rule in found.response["violations"]]
