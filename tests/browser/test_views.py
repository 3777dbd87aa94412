"""The views beside the dashboard: the way between them, sessions, diagnostics and the log."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from msgspec.structs import replace
from playwright.async_api import Page, Route, expect

from phaeton.config.tree_web import Web, WebAccess
from phaeton.model import EnergySlot, Session
from phaeton.sinks.web.access import Access
from tests import outputs
from tests.browser.conftest import DESKTOP, LOGGER, PHONE, House, Pages, picture
from tests.browser.inside import NOT_READY, Bundle, Folder, Inside
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

DAY_S = 86_400.0
NARROW = (360, 740)


def stays(count: int = 60) -> list[Session]:
    """One every second day back from the first of June, in turn at two charging points, the newest of two cars."""
    return [
        replace(
            outputs.session("1" if n % 2 else "2", ended=True, start_utc_s=outputs.NOON_UTC_S - (n + 1) * 2 * DAY_S),
            vehicle=("ev6", "", "zoe")[n % 3],
            energy_kwh=20.0 + n % 7,
            pv_kwh=14.0,
            battery_kwh=2.0,
            grid_kwh=4.0 + n % 7,
        )
        for n in range(count)
    ]


def slots(stay: Session) -> list[EnergySlot]:
    """Its two hours."""
    return [
        EnergySlot(
            start_utc_s=stay.start_utc_s + n * 900.0,
            point=stay.point,
            session=stay.id,
            energy_kwh=2.5,
            pv_kwh=1.5,
            battery_kwh=0.5,
            grid_kwh=0.5,
            cost=0.31,
            reference_cost=0.62,
            unpriced_kwh=0.0,
        )
        for n in range(8)
    ]


async def built(tmp_path: Path, *, guest: bool = False, sessions: int = 60) -> House:
    house = House([outputs.decided()])
    house.kept.sessions = stays(sessions)
    house.kept.slots = slots(house.kept.sessions[0]) if sessions else []
    house.inspection, house.recordings, house.support = Inside(), Folder(tmp_path), Bundle()
    if guest:
        house.access = Access()
        await house.access.set_password("correct horse battery")
        house.config = Web(port=0, access=WebAccess(guest=True))
    await house.start()
    return house


def clients(house: House) -> int:
    assert house.server is not None
    return house.server.clients


async def go(page: Page, name: str) -> None:
    """Open a view by its link, which may be in the menu."""
    views = page.get_by_role("navigation", name="Views")
    link, more = views.get_by_role("link", name=name, exact=True), views.get_by_role("button", name="More")
    await expect(link.or_(more).first).to_be_visible()
    if not await link.is_visible():
        await more.click()
    await link.click()


EVERY_VIEW = ("planner", "sessions", "whatIf", "settings", "diagnostics", "logs", "updates", "access")


async def with_every_view(page: Page) -> None:
    """The page as it is with nine views, the later ones for administrators."""
    more = "".join(
        f"{name}: {{ load: () => import('./logs.js'), title: 'view{name[0].upper()}{name[1:]}', icon: 'M4 4h16v16H4z',"
        f" needs: '{'read' if name == 'logs' else 'admin'}' }},"
        for name in EVERY_VIEW
    )

    async def changed(route: Route) -> None:
        answer = await route.fetch()
        body = re.sub(r"(\n  dashboard: .*\n)(.*\n)*?\};", lambda found: f"{found[1]}{more}}};", await answer.text())
        await route.fulfill(response=answer, body=body)

    await page.context.route("**/main.js", changed)
    await page.reload()


async def test_views_that_do_not_fit_are_in_a_menu(pages: Pages, tmp_path: Path) -> None:
    house = await built(tmp_path)
    page = await pages.open(house, PHONE)
    await with_every_view(page)
    more, menu = page.get_by_role("button", name="More"), page.locator("#views .menu")
    await expect(page.locator("#views > a:visible")).to_have_text(["Dashboard", "Planner", "Sessions", "What-if"])
    await expect(menu).to_be_hidden()
    await more.press("Enter")
    await expect(more).to_have_attribute("aria-expanded", "true")
    await expect(menu.get_by_role("link")).to_have_text(["Settings", "Diagnostics", "Logs", "Updates", "Access"])
    assert (await Axe().run(page)).violations_count == 0
    await picture(page, "menu-phone")
    await page.keyboard.press("Tab")
    await expect(menu.get_by_role("link", name="Settings")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(menu).to_be_hidden()
    await expect(more).to_be_focused()
    await more.click()
    await page.locator("#state").click()
    await expect(menu).to_be_hidden()
    await go(page, "Logs")
    await expect(menu).to_be_hidden()
    await expect(page.get_by_role("heading", name="Logs", level=1)).to_be_focused()
    await expect(more).to_have_class("current")
    for width in (1280, 730):
        await page.set_viewport_size({"width": width, "height": 800})
        await expect(more).to_be_hidden() if width == 1280 else await more.click()
        assert await page.locator("#views > a:visible").count() + await menu.locator("a:visible").count() == 9
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await picture(page, f"menu-{width}")


async def test_the_views_are_found_kept_and_left(pages: Pages, tmp_path: Path) -> None:
    house = await built(tmp_path)
    page = await pages.open(house, PHONE)
    await until(lambda: clients(house) == 1)
    await go(page, "Sessions")
    await expect(page.get_by_role("heading", name="Sessions", level=1)).to_be_focused()
    await expect(page.locator("#views [aria-current]")).to_have_text("Sessions")
    await expect(page).to_have_title("Sessions · Phaeton")
    await until(lambda: clients(house) == 0 or house.step())  # the stream has ended
    await page.reload()
    await expect(page.get_by_role("heading", name="Sessions", level=1)).to_be_visible()
    await page.go_back()
    await expect(page.locator("#state")).to_be_focused()
    await expect(page.locator("#link")).to_have_text("Live")
    await page.go_forward()
    await expect(page.locator("#dashboard")).to_be_hidden()


async def test_a_guest_sees_sessions_but_nothing_of_the_inside(pages: Pages, tmp_path: Path) -> None:
    house = await built(tmp_path, guest=True)
    page = await pages.open(house, path="/#/logs")
    await expect(page.locator("#view-body")).to_have_text("Log in to see this.")
    await expect(page.locator("#views a:visible")).to_have_text(["Dashboard", "Sessions"])
    await go(page, "Sessions")
    await expect(page.locator(".cards-table tbody tr")).to_have_count(26)
    await page.get_by_role("button", name="Log in").click()
    await page.get_by_label("Password").fill("correct horse battery")
    await page.keyboard.press("Enter")
    await expect(page.locator("#views a:visible").nth(3)).to_be_visible()
    await go(page, "Logs")
    await expect(page.locator(".log")).to_be_visible()
    await page.get_by_role("button", name="Log out").click()
    await expect(page.locator("#view-body")).to_have_text("Log in to see this.")
    pages.forgive("401", "ERR_INCOMPLETE")


async def test_the_first_load_is_small_and_views_come_later(pages: Pages, tmp_path: Path) -> None:
    house = await built(tmp_path)
    page = await pages.open(house, path="/#/none")
    await page.close()
    context = page.context
    page = await context.new_page()
    session = await context.new_cdp_session(page)
    await session.send("Network.enable")
    await session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    sizes: dict[str, float] = {}
    session.on("Network.loadingFinished", lambda e: sizes.update({e["requestId"]: e["encodedDataLength"]}))
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url.rsplit("/", 1)[-1]))
    await page.goto(house.address)
    await expect(page.locator("#link")).to_have_text("Live")
    await page.wait_for_load_state("load")
    assert 30_000 < sum(sizes.values()) < 150_000
    assert "en.js" in loaded
    assert {"sessions.js", "logs.js", "diagnostics.js", "nl.js", "reasons_de.js"}.isdisjoint(loaded)
    await go(page, "Sessions")
    await expect(page.locator(".cards-table tbody tr")).to_have_count(26)
    assert "sessions.js" in loaded


async def test_sessions_are_paged_filtered_and_added_up(pages: Pages, tmp_path: Path) -> None:
    house = await built(tmp_path)
    page = await pages.open(house, path="/#/sessions")
    rows = page.locator(".cards-table tbody tr")
    await expect(rows).to_have_count(26)
    await expect(rows.first).to_contain_text("still here")
    await expect(rows.nth(1)).to_contain_text("20.00\u00a0kWh")
    await expect(page.locator(".bars svg").first).to_have_attribute(
        "aria-label", "Energy by month and source. Most in Mar 26: 367.00\u00a0kWh."
    )
    await page.get_by_role("button", name="Older sessions").click()
    await expect(rows).to_have_count(51)
    await expect(rows.nth(26).get_by_role("link")).to_be_focused()
    await page.get_by_role("button", name="Older sessions").click()
    await expect(rows).to_have_count(61)
    await expect(page.get_by_role("button", name="Older sessions")).to_be_hidden()
    await page.get_by_label("From", exact=True).fill("2026-05-20")
    await page.get_by_label("To", exact=True).fill("2026-05-25")
    await expect(rows).to_have_count(3)
    csv = await page.get_by_role("link", name="CSV").get_attribute("href")
    assert csv is not None
    assert csv.endswith("from=2026-05-19T22%3A00%3A00.000Z&to=2026-05-25T22%3A00%3A00.000Z&form=csv")
    await page.get_by_label("From", exact=True).fill("2026-06-20")
    await expect(page.get_by_text("The first day is after the last one.")).to_be_visible()
    await page.get_by_label("To", exact=True).fill("2026-06-25")
    await expect(page.get_by_text("No session fits these filters.")).to_be_visible()
    await page.get_by_role("button", name="Clear the filters").click()
    await expect(rows).to_have_count(26)
    async with page.expect_download() as download:
        await page.get_by_role("link", name="CSV").click()
    assert (await download.value).suggested_filename == "phaeton-sessions.csv"


async def test_a_session_shows_its_quarters(pages: Pages, tmp_path: Path) -> None:
    house = await built(tmp_path)
    page = await pages.open(house, path="/#/sessions")
    await page.locator(".cards-table tbody a").nth(1).click()
    heading = page.get_by_role("heading", level=1)
    await expect(heading).to_contain_text("Session of ")
    await expect(page.locator(".scroll tbody tr:visible")).to_have_count(8)
    await expect(page.locator(".scroll tbody tr:visible").first).to_contain_text("€0.31")
    await page.reload()
    await expect(page.locator(".scroll tbody tr:visible")).to_have_count(8)
    await page.get_by_role("link", name="All sessions").click()
    await expect(page.locator(".cards-table tbody tr")).to_have_count(26)


async def test_without_sessions_it_says_when_one_begins(pages: Pages, tmp_path: Path) -> None:
    house = await built(tmp_path, sessions=0)
    house.points = [replace(house.points[0], session=None)]
    house.step()
    page = await pages.open(house, path="/#/sessions")
    await expect(page.get_by_text("No sessions yet.")).to_be_visible()
    await expect(page.get_by_role("link", name="CSV")).to_be_hidden()


async def test_the_diagnostics_show_the_inside(pages: Pages, tmp_path: Path) -> None:
    house = await built(tmp_path)
    page = await pages.open(house, path="/#/diagnostics")
    await expect(page.get_by_text(NOT_READY).first).to_be_visible()
    await expect(page.get_by_role("region", name="Modbus 192.0.2.5:502")).to_contain_text("1:306x72")
    await expect(page.get_by_role("region", name="Timing")).to_contain_text("Step of the control")
    await page.get_by_label("Search paths and values").fill("l2 power")
    await expect(page.locator("#view li:visible", has_text="/Ac/L2/Power")).to_have_count(1)
    await expect(page.locator("#view li:visible", has_text="/Mode")).to_have_count(0)
    await page.get_by_label("Search registers").fill("avail")
    await expect(page.get_by_role("region", name="Registers")).to_contain_text("1 (operative)")
    await expect(page.get_by_role("region", name="Registers").locator("tbody tr:visible")).to_have_count(1)
    await expect(page.get_by_role("button", name="Delete")).to_have_count(2)  # the third is being written
    await page.get_by_role("button", name="Delete 31 May 2026").click()
    await page.get_by_role("button", name="Delete for good? 31 May 2026").click()
    await expect(page.get_by_role("button", name="Delete")).to_have_count(1)
    await page.get_by_label("With the recording of the last day").uncheck()
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download the support bundle").click()
    assert (await download.value).suggested_filename.startswith("phaeton-support-")
    assert isinstance(house.support, Bundle)
    assert house.support.asked == [False]


async def test_what_cannot_be_had_is_said(house: House, pages: Pages) -> None:
    page = await pages.open(house, path="/#/diagnostics")
    await expect(page.locator("#view .tools")).to_contain_text(
        "This could not be loaded: there is nothing to look into."
    )
    await go(page, "Sessions")
    await expect(page.get_by_text("still here")).to_be_visible()
    await house.stop()
    await page.get_by_label("From", exact=True).fill("2026-05-20")
    await expect(page.get_by_text("Phaeton did not answer.")).to_be_visible()
    await house.start()
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_text("No session fits these filters.")).to_be_visible()
    pages.forgive("503", "ERR_")


@pytest.mark.usefixtures("log_ring")
async def test_the_log_follows_filters_and_pauses(pages: Pages, tmp_path: Path) -> None:
    house = await built(tmp_path)
    page = await pages.open(house, path="/#/logs")
    lines = page.locator(".log p")
    await page.get_by_label("Search").fill("of-this-test")
    LOGGER.warning("first of-this-test")
    LOGGER.info("something else")
    await expect(lines).to_have_count(1)
    await expect(lines).to_contain_text("WARNING")
    await page.get_by_role("button", name="Pause").click()
    for n in range(3):
        LOGGER.info("number %d of-this-test", n)
    await expect(page.get_by_text("3 lines wait")).to_be_visible()
    await expect(lines).to_have_count(1)
    await page.get_by_role("button", name="Go on").click()
    await expect(lines).to_have_count(4)
    await page.get_by_label("Level").select_option("warning")
    await expect(lines).to_have_count(1)
    await page.get_by_label("Search").fill("nobody wrote this")
    await expect(page.get_by_text("Nothing in the log fits.")).to_be_visible()
    assert house.server is not None
    assert house.server.site is not None
    logs = house.server.site.logs
    await until(lambda: logs.clients == 1 or LOGGER.warning("of-this-test, but nobody wrote this"))
    await go(page, "Sessions")
    await until(lambda: logs.clients == 0 or LOGGER.warning("of-this-test, but nobody wrote this"))


@pytest.mark.usefixtures("log_ring")
async def test_a_long_log_stays_where_it_is_read_and_is_bounded(pages: Pages, tmp_path: Path) -> None:
    house = await built(tmp_path)
    page = await pages.open(house, PHONE, path="/#/logs")
    LOGGER.info("what the search leaves out")
    await page.get_by_label("Search").fill("long-log")
    await expect(page.get_by_text("Nothing in the log fits.")).to_be_visible()
    for n in range(1200):
        LOGGER.info("long-log %d", n)
        if n % 100 == 0:
            await asyncio.sleep(0)
    await expect(page.locator(".log p").last).to_contain_text("long-log 1199")
    assert await page.locator(".log p").count() <= 1000
    newest = page.get_by_role("button", name="To the newest")
    await expect(newest).to_be_hidden()
    await page.locator(".log").evaluate("box => { box.scrollTop = 0; }")
    await expect(newest).to_be_visible()
    LOGGER.info("long-log after")
    await expect(page.locator(".log p").last).to_contain_text("long-log after")
    assert await page.locator(".log").evaluate("box => box.scrollTop") < 100
    await newest.click()
    await expect(newest).to_be_hidden()


READY = {
    "sessions": ".cards-table tbody tr",
    "diagnostics": "#view .tree tbody tr",
    "logs": ".log p",
    "access": "#view .fields button",
}


@pytest.mark.usefixtures("log_ring")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [NARROW, DESKTOP], ids=["phone", "desktop"])
async def test_each_view_is_readable_by_everybody(
    pages: Pages, tmp_path: Path, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    house = await built(tmp_path)
    page = await pages.open(house, size, scheme, path="/#/sessions")
    LOGGER.warning("A long line: %s", "x" * 200)
    LOGGER.error("An error")
    for name, sign in READY.items():
        await page.evaluate(f"location.hash = '/{name}'")
        await expect(page.locator(sign).first).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= size[0], name
        found = await Axe().run(page)
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"
        await picture(page, f"{name}-{'phone' if size == NARROW else 'desktop'}-{scheme}")
    await page.evaluate(f"location.hash = '/sessions/{house.kept.sessions[0].id}'")
    await expect(page.locator(".scroll tbody tr:visible")).to_have_count(8)
    assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    await picture(page, f"session-{'phone' if size == NARROW else 'desktop'}-{scheme}")
