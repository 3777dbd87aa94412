"""The view of who may use the page: the password, guests, tokens, who is logged in, and who changed what."""

from __future__ import annotations

from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Locator, Page, expect

from phaeton.config.tree_web import Web
from phaeton.sinks.web.access import Access
from tests import outputs
from tests.browser.conftest import DESKTOP, PHONE, House, Pages, picture

pytestmark = pytest.mark.asyncio(loop_scope="session")

PASSWORD = "correct horse battery"
LONG = "the heating in the cellar of the neighb."


async def with_password() -> House:
    house = House([outputs.decided()])
    house.access = Access()
    await house.access.set_password(PASSWORD)
    house.config = Web(port=0)
    await house.start()
    return house


async def opened(pages: Pages, house: House, **how: object) -> Page:
    """The view, logged in."""
    page = await pages.open(house, path="/#/access", **how)  # type: ignore[arg-type]
    await page.locator("#password").fill(PASSWORD)
    await page.locator("#enter").click()
    await expect(page.locator("#view .lines li").first).to_be_visible()
    return page


def part(page: Page, title: str) -> Locator:
    return page.locator("section.card").filter(has=page.get_by_role("heading", name=title, exact=True))


async def test_a_token_is_shown_once_copied_and_revoked(pages: Pages) -> None:
    house = await with_password()
    page = await opened(pages, house)
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tokens = part(page, "Tokens of programs")
    await expect(tokens).to_contain_text("No program has a token.")
    await tokens.get_by_label("What it is for").fill("home assistant")
    await tokens.get_by_label("It may").select_option("read and control")
    await tokens.get_by_label("Ends").select_option("after 30 days")
    await tokens.get_by_role("button", name="Make a token").click()
    secret = tokens.get_by_label("The token", exact=True)
    await expect(secret).to_be_focused()
    await tokens.get_by_role("button", name="Copy").click()
    await expect(tokens.get_by_role("button", name="Copied")).to_be_visible()
    told = await page.evaluate("navigator.clipboard.readText()")
    assert told == await secret.input_value()
    assert told.startswith("pht_")
    await expect(tokens.locator("li")).to_contain_text("home assistant")
    await expect(tokens.locator("li")).to_contain_text("read and control · not used yet · ends")
    await tokens.get_by_label("What it is for").fill("home assistant")
    await tokens.get_by_role("button", name="Make a token").click()
    await expect(tokens.get_by_role("alert")).to_contain_text("There is a token named home assistant already")
    await expect(tokens.get_by_label("What it is for")).to_be_focused()
    await page.reload()
    await expect(tokens.locator("li")).to_be_visible()
    assert told not in await page.content()
    await tokens.get_by_role("button", name="Revoke home assistant").click()
    await tokens.get_by_role("button", name="Really revoke? home assistant").click()
    await expect(tokens).to_contain_text("No program has a token.")
    await expect(part(page, "Who changed what")).to_contain_text("make the token 'home assistant'")
    pages.forgive("401", "409")


async def test_another_password_needs_the_present_one_and_logs_the_others_out(pages: Pages) -> None:
    house = await with_password()
    other = await opened(pages, house)
    page = await opened(pages, house)
    logins = part(page, "Logged in")
    await expect(logins.locator("li")).to_have_count(2)
    await expect(logins.locator("li", has_text="This browser")).to_have_count(1)
    card = part(page, "Password")
    old, new, again = (card.get_by_label(name) for name in ("Present password", "New password", "Once more"))
    change = card.get_by_role("button", name="Change the password")
    await old.fill("wrong horse")
    await new.fill("staple of the house")
    await again.fill("staple of a house")
    await change.click()
    await expect(card.get_by_role("alert")).to_have_text("The two are not the same.")
    await expect(again).to_be_focused()
    await again.fill("staple of the house")
    await change.click()
    await expect(card.get_by_role("alert")).to_have_text("The password is wrong.")
    await expect(old).to_be_focused()
    await old.fill(PASSWORD)
    await change.click()
    await expect(card.get_by_role("status")).to_have_text("The password is changed. All other browsers are logged out.")
    await expect(logins.locator("li")).to_have_count(1)
    await other.reload()
    await expect(other.locator("#password")).to_be_visible()
    pages.forgive("401")


async def test_other_browsers_are_logged_out_one_by_one_or_all(pages: Pages) -> None:
    house = await with_password()
    others = [await opened(pages, house) for _ in range(2)]
    page = await opened(pages, house)
    logins = part(page, "Logged in")
    await expect(logins.locator("li")).to_have_count(3)
    await logins.get_by_role("button", name="Log out Chrome").first.click()
    await logins.get_by_role("button", name="Really log out?").click()
    await expect(logins.locator("li")).to_have_count(2)
    await logins.get_by_role("button", name="Log all others out").click()
    await logins.get_by_role("button", name="Really log all others out?").click()
    await expect(logins.locator("li")).to_have_count(1)
    await expect(logins.get_by_role("button")).to_have_count(0)
    for other in others:
        await other.reload()
        await expect(other.locator("#password")).to_be_visible()
    pages.forgive("401")


async def test_without_a_password_the_device_itself_sets_the_first_one(pages: Pages, house: House) -> None:
    page = await pages.open(house, path="/#/access")
    card = part(page, "Password")
    await expect(card).to_contain_text("There is no password.")
    await expect(card.get_by_label("Present password")).to_be_hidden()
    await card.get_by_label("New password").fill(PASSWORD)
    await card.get_by_label("Once more").fill(PASSWORD)
    await card.get_by_role("button", name="Set the password").click()
    await expect(card.get_by_role("status")).to_have_text("The password is set.")
    await expect(part(page, "Logged in").locator("li")).to_contain_text("This browser")
    guests = page.get_by_label("Guests may look")
    await guests.click()
    await expect(part(page, "Guests").get_by_role("alert")).to_contain_text("is not kept")
    await expect(guests).not_to_be_checked()
    pages.forgive("503")


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")], ids=["phone", "desktop"])
async def test_the_view_is_readable_by_everybody(
    pages: Pages, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    house = await with_password()
    assert house.access is not None
    await house.access.add_token("solar forecast", "read", None)
    await house.access.add_token("x" * 40, "control", house.access.utc() + 86_400.0)
    page = await opened(pages, house, size=size, scheme=scheme)
    await page.get_by_label("What it is for").fill(LONG)
    await page.get_by_role("button", name="Make a token").click()
    await expect(page.get_by_label("The token", exact=True)).to_be_visible()
    await expect(page.locator("#view .lines li")).to_have_count(3 + 1 + 1)
    assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    await picture(page, f"access-{'phone' if size == PHONE else 'desktop'}-{scheme}")
    pages.forgive("401")
