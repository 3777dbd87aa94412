"""The goal of a car and the end of fast charging: set on the page, refused in words, readable everywhere."""

from __future__ import annotations

from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from msgspec.structs import replace
from playwright.async_api import Page, expect

from phaeton.model import Boost, ClearGoal, Output, SetGoal
from phaeton.orders import OrderError
from phaeton.sinks.web.vehicles import VehicleInfo
from tests import outputs, plans
from tests.browser.conftest import DESKTOP, PHONE, House, Pages

pytestmark = pytest.mark.asyncio(loop_scope="session")

MORNING_S = outputs.NOON_UTC_S + 19 * 3600.0
"""Tuesday 07:00 in Berlin, where the browser is."""


def for_once(mono_s: float) -> Output:
    """The car is to be at 80 % in the morning, because somebody said so."""
    made = plans.planning(mono_s)
    return replace(made, decision=replace(made.decision, cars=(replace(made.decision.cars[0], repeating=False),)))


async def at_home(house: House, pages: Pages, *, size: tuple[int, int] = DESKTOP, **car: float | None) -> Page:
    house.vehicles = (VehicleInfo(id="ev6", name="Kia EV6", **{"battery_kwh": 74.0, **car}),)
    house.make = for_once
    house.step()
    return await pages.open(house, size)


async def test_a_goal_in_percent_is_set_for_a_morning(house: House, pages: Pages) -> None:
    page = await at_home(house, pages)
    await page.get_by_text("Change the goal").click()
    await expect(page.get_by_label("By", exact=True)).to_have_value("2026-06-02T07:00")
    await page.get_by_label("Have").fill("85")
    await page.get_by_label("By", exact=True).fill("2026-06-03T06:30")
    await page.get_by_role("button", name="Set", exact=True).click()
    await expect(page.locator("#goal-form")).to_be_hidden()
    assert house.orders == [
        ("1", SetGoal(departure_utc_s=MORNING_S + 86_400.0 - 1800.0, soc_pct=85.0, vehicle="ev6"), "page")
    ]


async def test_without_the_size_of_the_battery_a_goal_is_an_energy(house: House, pages: Pages) -> None:
    page = await at_home(house, pages, battery_kwh=None)
    await page.locator("#goal-title").click()
    await expect(page.locator("#goal-hint")).to_contain_text("needs the size of the car's battery")
    await page.get_by_label("%, kWh").select_option("kWh")
    await page.get_by_label("Have").fill("12.5")
    await page.get_by_role("button", name="Set", exact=True).click()
    await expect(page.locator("#goal-form")).to_be_hidden()
    ((_, order, _),) = house.orders
    assert isinstance(order, SetGoal)
    assert (order.energy_kwh, order.soc_pct, order.departure_utc_s) == (12.5, None, MORNING_S)


async def test_what_is_refused_is_said_and_a_goal_is_taken_back(house: House, pages: Pages) -> None:
    page = await at_home(house, pages)
    await page.locator("#goal-title").click()
    await page.get_by_label("By", exact=True).fill("2026-09-01T07:00")
    await page.get_by_role("button", name="Set", exact=True).click()
    await expect(page.locator("#goal-refusal")).to_contain_text("within two weeks")
    pages.forgive("422")
    await page.get_by_role("button", name="Take back").click()
    await expect(page.locator("#goal-form")).to_be_hidden()
    assert [order for _, order, _ in house.orders] == [ClearGoal(vehicle="ev6")]


async def test_a_guest_and_a_house_without_cars_have_no_goal(house: House, pages: Pages) -> None:
    house.prices = plans.report()
    house.step()
    page = await pages.open(house)
    await expect(page.locator("#plan")).to_be_visible()
    await expect(page.locator("#goal")).to_be_hidden()


async def test_fast_charging_ends_at_a_time_an_energy_or_a_charge(house: House, pages: Pages) -> None:
    page = await pages.open(house)
    switch, kind = page.get_by_role("switch", name="Charge fast for once"), page.get_by_label("Until", exact=True)
    await kind.select_option("so many kWh")
    await page.locator("#boost-amount").fill("7.5")
    await switch.click()
    await expect(page.locator("#boost-end")).to_be_hidden()
    await switch.click()
    await expect(page.locator("#boost-end")).to_be_visible()
    await kind.select_option("a charge in %")
    await page.locator("#boost-amount").fill("90")
    await switch.click()
    await expect(page.locator("#boost-end")).to_be_hidden()
    await switch.click()
    await kind.select_option("a time")
    await page.locator("#boost-until").fill("2026-06-01T14:30")
    await switch.click()
    await expect(page.locator("#boost-end")).to_be_hidden()
    assert [order for _, order, _ in house.orders if isinstance(order, Boost) and order.on] == [
        Boost(on=True, energy_kwh=7.5),
        Boost(on=True, soc_pct=90.0),
        Boost(on=True, until_utc_s=outputs.NOON_UTC_S + 2.5 * 3600.0),
    ]


async def test_an_impossible_end_starts_nothing(house: House, pages: Pages) -> None:
    page = await pages.open(house)
    switch = page.get_by_role("switch", name="Charge fast for once")
    await page.get_by_label("Until", exact=True).select_option("a charge in %")
    await page.locator("#boost-amount").fill("150")
    await switch.click()
    await expect(switch).not_to_be_checked()
    assert house.orders == []
    house.refuse = OrderError("the car's charge is not known")
    await page.locator("#boost-amount").fill("80")
    await switch.click()
    await expect(page.locator("#refusal")).to_contain_text("the car's charge is not known")
    await expect(switch).not_to_be_checked()
    pages.forgive("422")


@pytest.mark.parametrize("size", [(320, 700), DESKTOP], ids=["small", "desktop"])
async def test_the_forms_do_not_scroll_sideways(house: House, pages: Pages, size: tuple[int, int]) -> None:
    page = await at_home(house, pages, size=size)
    await page.locator("#goal-title").click()
    await page.get_by_label("Until", exact=True).select_option("a time")
    assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_forms_are_for_everybody(house: House, pages: Pages, scheme: Literal["light", "dark"]) -> None:
    house.vehicles = (VehicleInfo(id="ev6", name="Kia EV6"),)
    house.make = lambda mono_s: plans.planning(mono_s, None)
    house.step()
    page = await pages.open(house, PHONE, scheme)
    await page.locator("#goal-title").click()
    await page.get_by_label("Until", exact=True).select_option("so many kWh")
    found = await Axe().run(page)
    assert found.response["violations"] == [], found.generate_report()
