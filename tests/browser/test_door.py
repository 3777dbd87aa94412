"""The page of an owner with a password: the login, guests, and what it says while there is none."""

from __future__ import annotations

from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from phaeton.config.tree_web import Web, WebAccess
from phaeton.sinks.web.access import Access
from tests import outputs
from tests.browser.conftest import DESKTOP, PHONE, House, Pages, picture

pytestmark = pytest.mark.asyncio(loop_scope="session")

PASSWORD = "correct horse battery"


async def with_password(*, guest: bool = False) -> House:
    house = House([outputs.decided()])
    house.access = Access()
    await house.access.set_password(PASSWORD)
    house.config = Web(port=0, access=WebAccess(guest=guest))
    await house.start()
    return house


async def log_in(page: Page, password: str = PASSWORD) -> None:
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Log in").click()


async def test_a_stranger_sees_a_login_and_nothing_else(pages: Pages) -> None:
    house = await with_password()
    page = await pages.open(house)
    await expect(page.get_by_label("Password")).to_be_focused()
    await expect(page.locator("main")).to_be_hidden()
    await expect(page.locator("#log")).to_be_hidden()
    assert pages.complaints == []


async def test_the_password_opens_the_page_and_a_reload_keeps_it_open(pages: Pages) -> None:
    house = await with_password()
    page = await pages.open(house)
    await log_in(page)
    await expect(page.locator("#state")).to_have_text("Charging")
    await expect(page.locator("#door")).to_be_hidden()
    await page.get_by_label("Manual").click()
    await expect(page.get_by_label("Manual")).to_be_checked()
    assert [origin for _, _, origin in house.orders] == ["page:owner"]
    await page.reload()
    await expect(page.locator("#state")).to_have_text("Charging")


async def test_a_wrong_password_is_told(pages: Pages) -> None:
    house = await with_password()
    page = await pages.open(house)
    await log_in(page, "wrong horse")
    await expect(page.locator("#door-refusal")).to_have_text("The password is wrong.")
    await expect(page.locator("main")).to_be_hidden()
    await log_in(page)
    await expect(page.locator("#state")).to_have_text("Charging")
    pages.forgive("401")


async def test_a_logout_ends_the_view_in_every_tab(pages: Pages) -> None:
    house = await with_password()
    page = await pages.open(house)
    await log_in(page)
    await expect(page.locator("#state")).to_have_text("Charging")
    other = await page.context.new_page()
    await other.goto(house.address)
    await expect(other.locator("#state")).to_have_text("Charging")
    await page.get_by_role("button", name="Log out").click()
    await expect(page.get_by_label("Password")).to_be_visible()
    await expect(other.get_by_label("Password")).to_be_visible()
    await expect(other.locator("main")).to_be_hidden()
    pages.forgive("401", "ERR_INCOMPLETE")


async def test_a_guest_sees_everything_but_the_controls(pages: Pages) -> None:
    house = await with_password(guest=True)
    page = await pages.open(house, PHONE)
    await expect(page.locator("#state")).to_have_text("Charging")
    await expect(page.locator(".controls")).to_be_hidden()
    await picture(page, "guest")
    await page.get_by_role("button", name="Log in").click()
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.locator(".controls")).to_be_visible()
    await page.get_by_role("button", name="Log out").click()
    await expect(page.locator(".controls")).to_be_hidden()
    await expect(page.locator("#state")).to_have_text("Charging")
    pages.forgive("401", "ERR_INCOMPLETE")


async def test_without_a_password_a_page_for_others_says_what_to_do(pages: Pages) -> None:
    house = House([outputs.decided()])
    house.config = Web(host="0.0.0.0", port=0)
    await house.start()
    page = await pages.open(house)
    await expect(page.locator("#door-hint")).to_contain_text("phaeton password")
    await expect(page.locator("#login")).to_be_hidden()
    await expect(page.locator("main")).to_be_hidden()
    await picture(page, "no-password")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP])
async def test_the_door_is_readable_by_everybody(
    pages: Pages, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    house = await with_password()
    page = await pages.open(house, size, scheme)
    await log_in(page, "wrong horse")
    await expect(page.locator("#door-refusal")).not_to_be_empty()
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    await picture(page, f"login-{'phone' if size == PHONE else 'desktop'}-{scheme}")
    pages.forgive("401")
