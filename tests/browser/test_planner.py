"""The planner: windows and departures drawn on a week, what they will cost, and how they are saved."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from msgspec.structs import replace
from playwright.async_api import Page, Route, expect

from phaeton import zones
from phaeton.app.settings import LiveSettings
from phaeton.config.change import Change, compare
from phaeton.config.load import load
from phaeton.config.tree import Config
from phaeton.config.tree_web import Web, WebAccess
from phaeton.model import Output, PriceCurve
from phaeton.sinks.web.access import Access
from phaeton.sinks.web.settings import Wish
from phaeton.sinks.web.vehicles import VehicleInfo
from phaeton.sources.config_file import ConfigFile
from tests import outputs, plans
from tests.browser.conftest import DESKTOP, PHONE, House, Pages, picture
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHARGER = "charger: 10.0.0.5"
CAR = """
vehicles:
  - id: ev6
    name: Kia EV6
    battery_kwh: 74
    homeassistant: {url: "http://ha.local", token: secret}
    departures: [{time: "07:00", days: [tue, wed, thu], soc_pct: 80}]
"""
NIGHT = 'schedule: {strategy: plan, windows: [{start: "22:00", end: "02:00", days: [mon, tue]}]}'


class Desk:
    """The configuration of the house, in a file, and taken over at once."""

    def __init__(self, folder: Path, text: str) -> None:
        self.path = folder / "phaeton_config.yaml"
        self.path.write_text(text)
        loaded = load(self.path, {})
        self.config = loaded.config
        self.settings = LiveSettings(ConfigFile(loaded, {}), self._reload, folder / "state", lambda: 1e9)

    async def _reload(self, config: Config) -> Change:
        before, self.config = self.config, config
        return compare(before, config)

    def windows(self) -> list[tuple[str, str, tuple[str, ...]]]:
        return [(window.start, window.end, window.days) for window in self.config.schedule.windows]


def told(mono_s: float) -> Output:
    """A car at 41 %, and prices of two days."""
    made = plans.planning(mono_s, plan=None)
    report = plans.report()
    car = replace(made.decision.cars[0], wh_per_pct=870.0, power_w=11_000.0)
    return Output(
        replace(made.situation, prices=PriceCurve(0.0, plans.NOW_S, report.slots, "EUR")),
        replace(made.decision, cars=(car,), currency="EUR"),
    )


Built = Callable[..., Awaitable[tuple[House, Desk]]]


@pytest.fixture
def built(tmp_path: Path) -> Built:
    async def build(text: str = "\n".join((CHARGER, NIGHT, CAR)), *, guest: bool = False) -> tuple[House, Desk]:
        desk = Desk(tmp_path, text)
        house = House([outputs.decided()])
        house.make, house.prices = told, plans.report()
        house.vehicles = (VehicleInfo(id="ev6", name="Kia EV6", battery_kwh=74.0),)
        house.settings, house.configured = desk.settings, lambda: desk.config
        if guest:
            house.access = Access()
            await house.access.set_password("correct horse battery")
            house.config = Web(port=0, access=WebAccess(guest=True))
        await house.start()
        return house, desk

    return build


async def planner(pages: Pages, house: House, size: tuple[int, int] = DESKTOP, **more: str) -> Page:
    page = await pages.open(house, size, path="/#/planner", **more)  # type: ignore[arg-type]
    await expect(page.locator(".legs li").or_(page.locator("#view .plan-lines li")).first).to_be_visible()
    return page


async def spot(page: Page, day: int, hour: float) -> tuple[float, float]:
    """Where an hour of a day is on the screen, after it was scrolled there."""
    body = page.locator(f".day[data-day='{day}'] .day-body")
    await body.evaluate(
        "(it, share) => scrollBy(0, it.getBoundingClientRect().top + it.offsetHeight * share - 300)", hour / 24
    )
    box = await body.bounding_box()
    assert box is not None
    return box["x"] + box["width"] * 0.5, box["y"] + box["height"] * hour / 24.0


async def drag(page: Page, start: tuple[float, float], hours: float, *, columns: float = 0.0) -> None:
    body = await page.locator(".day-body:visible").first.bounding_box()
    assert body is not None
    await page.mouse.move(*start)
    await page.mouse.down()
    for part in (0.3, 0.7, 1.0):
        await page.mouse.move(
            start[0] + columns * body["width"] * part, start[1] + hours * body["height"] / 24.0 * part
        )
    await page.mouse.up()


async def save(page: Page) -> None:
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator(".save-bar")).to_contain_text("Saved and in force")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_the_week_its_cost_and_its_lists_are_for_everybody(
    built: Built, pages: Pages, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    house, _ = await built()
    page = await planner(pages, house, size, scheme=scheme)
    first = page.locator(".legs li").first
    await expect(first).to_contain_text("Tue 07:00 · Kia EV6 · 80\u00a0%")
    await expect(first).to_contain_text("ready at Tue")
    await expect(page.locator(".legs li").nth(2)).to_contain_text("cost not known yet")
    await expect(page.locator("#view .plan-lines")).to_contain_text("Prices are known until Wed 00:00")
    await expect(page.locator("#view .plan-lines")).to_contain_text("as full as it is now")
    await page.get_by_role("button", name="Window 22:00 to 02:00, Mon, Tue").first.focus()
    assert (found := await Axe().run(page)).violations_count == 0, found.generate_report()
    assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
    await picture(page, f"planner-{'phone' if size == PHONE else 'desktop'}-{scheme}")


async def test_a_window_is_drawn_moved_and_stretched_by_mouse_and_saved(built: Built, pages: Pages) -> None:
    house, desk = await built(f"{CHARGER}\n{CAR}")
    page = await planner(pages, house)
    cost = page.locator("#view .medium span")
    before = await cost.inner_text()
    await drag(page, await spot(page, 1, 15), 2)
    tuesday = page.locator(".day[data-day='1'] .block")
    await expect(tuesday).to_have_text("15:00\u201317:00")
    await expect(cost).not_to_have_text(before)
    await drag(page, await spot(page, 1, 16), 1.5, columns=1)
    wednesday = page.locator(".day[data-day='2'] .block")
    await expect(wednesday).to_have_text("16:30\u201318:30")
    x, y = await spot(page, 2, 18.5)
    await drag(page, (x, y - 3), 1)
    await expect(wednesday).to_have_text("16:30\u201319:30")
    x, y = await spot(page, 2, 16.5)
    await drag(page, (x, y + 3), -1)
    await expect(wednesday).to_have_text("15:30\u201319:30")
    assert desk.windows() == []
    await save(page)
    assert desk.windows() == [("15:30", "19:30", ("wed",))]
    await page.get_by_role("button", name="Undo").click()
    await expect(wednesday).to_have_text("16:30\u201319:30")
    await page.get_by_role("button", name="Discard").click()
    await expect(wednesday).to_have_text("15:30\u201319:30")
    assert "token: secret" in desk.path.read_text()


async def test_a_window_over_midnight_is_on_both_days_and_one_thing(built: Built, pages: Pages) -> None:
    house, desk = await built()
    page = await planner(pages, house)
    await expect(page.locator(".day[data-day='0'] .block")).to_have_text("22:00\u201302:00")
    await expect(page.locator(".day[data-day='1'] .block")).to_have_count(2)
    x, y = await spot(page, 2, 2)
    await drag(page, (x, y - 3), 1)
    await expect(page.locator(".day[data-day='0'] .block")).to_have_text("22:00\u201303:00")
    await page.evaluate("location.hash = '/sessions'")
    await expect(page.get_by_role("heading", name="Sessions", level=1)).to_be_visible()
    await page.go_back()
    await expect(page.locator(".save-bar")).to_contain_text("Not saved yet")
    await expect(page.locator(".day[data-day='0'] .block")).to_have_text("22:00\u201303:00")
    await drag(page, await spot(page, 2, 1), -2)
    await expect(page.locator(".day[data-day='0'] .block")).to_have_text("20:00\u201301:00")
    await save(page)
    assert desk.windows() == [("20:00", "01:00", ("mon", "tue"))]


async def test_the_keyboard_moves_stretches_adds_and_removes(built: Built, pages: Pages) -> None:
    house, desk = await built()
    page = await planner(pages, house)
    window = page.locator(".day[data-day='0'] .block")
    await window.focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Shift+ArrowUp")
    await expect(window).to_have_text("22:15\u201302:00")
    await page.keyboard.press("ArrowRight")
    await expect(page.locator(".day[data-day='1'] .block").first).to_be_focused()
    leave = page.locator(".day[data-day='1'] .leave")
    await leave.focus()
    await page.keyboard.press("ArrowUp")
    await expect(leave).to_have_text("06:45 · 80\u00a0%")
    await page.get_by_role("button", name="Add a window").press("Enter")
    await expect(page.get_by_role("textbox", name="From").last).to_be_focused()
    await page.get_by_role("textbox", name="From").last.fill("12:00")
    await page.get_by_role("textbox", name="Until").last.fill("00:00")
    await page.get_by_role("textbox", name="Until").last.press("Tab")
    await page.get_by_role("checkbox", name="Sunday").nth(1).uncheck()
    await save(page)
    every = ("mon", "tue", "wed", "thu", "fri", "sat")
    assert desk.windows() == [("22:15", "02:00", ("tue", "wed")), ("12:00", "24:00", every)]
    (departure,) = desk.config.vehicles[0].departures
    assert (departure.time, departure.soc_pct) == ("06:45", 80.0)
    await window.first.focus()
    await page.keyboard.press("Delete")
    await expect(page.get_by_role("button", name="Undo")).to_be_focused()
    await expect(page.locator(".entries").first.locator("> li")).to_have_count(1)


async def test_a_finger_draws_moves_scrolls_and_turns_the_day(built: Built, pages: Pages) -> None:
    house, _ = await built(f"{CHARGER}\n{CAR}")
    page = await planner(pages, house, PHONE)
    glass = await page.context.new_cdp_session(page)

    async def touch(kind: str, x: float, y: float) -> None:
        points = [] if kind == "touchEnd" else [{"x": x, "y": y}]
        await glass.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    x, y = await spot(page, 0, 10)
    await touch("touchStart", x, y)
    window = page.locator(".day[data-day='0'] .block")
    await expect(window).to_have_text("10:00\u201311:00")
    await touch("touchMove", x, y + 32)
    await touch("touchMove", x, y + 64)
    await touch("touchEnd", x, y + 64)
    await expect(window).to_have_text("10:00\u201313:00")
    await touch("touchStart", x, y + 32)
    await touch("touchMove", x, y + 60)
    await touch("touchMove", x, y + 96)
    await touch("touchEnd", x, y + 96)
    await expect(window).to_have_text("12:00\u201315:00")
    x, y = await spot(page, 0, 6)
    await touch("touchStart", x + 100, y)
    await touch("touchMove", x, y + 2)
    await touch("touchMove", x - 100, y + 4)
    await touch("touchEnd", x - 100, y + 4)
    await expect(page.locator(".week-title")).to_have_text("Tuesday, 2 Jun")
    await page.get_by_role("button", name="Day before").click()
    await expect(window).to_be_visible()
    await picture(page, "planner-phone-drawn")


async def test_what_is_refused_is_said_at_the_thing(built: Built, pages: Pages) -> None:
    house, desk = await built()
    page = await planner(pages, house)
    await page.get_by_role("textbox", name="Until").fill("22:00")
    await page.get_by_role("textbox", name="Until").press("Tab")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator(".entry .refusal").first).not_to_be_empty()
    await expect(page.locator(".save-bar .refusal")).to_contain_text("Not done")
    assert desk.windows() == [("22:00", "02:00", ("mon", "tue"))]
    await picture(page, "planner-refused")
    pages.forgive("422")


async def test_a_change_of_somebody_else_is_told_and_may_be_saved_over(built: Built, pages: Pages) -> None:
    house, desk = await built()
    page = await planner(pages, house)
    await desk.settings.save(Wish(patch={"auto": {"rest_s": 200}}), "else", None)
    await page.locator(".day[data-day='0'] .block").press("ArrowDown")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator(".save-bar")).to_contain_text("Somebody else changed the settings")
    assert (found := await Axe().run(page)).violations_count == 0, found.generate_report()
    await picture(page, "planner-conflict")
    await page.get_by_role("button", name="Save mine over it").click()
    await expect(page.locator(".save-bar")).to_contain_text("Saved and in force")
    assert (desk.windows()[0][0], desk.config.auto.rest_s) == ("22:15", 200.0)
    pages.forgive("412")


async def test_a_departure_that_cannot_be_met_and_one_of_once_are_told(built: Built, pages: Pages) -> None:
    house, _ = await built(f"{CHARGER}\n{CAR}")

    def once(mono_s: float) -> Output:
        made = told(mono_s)
        car = replace(
            made.decision.cars[0], repeating=False, goal_soc_pct=75.0, departure_utc_s=plans.NOW_S + 2 * plans.HOUR_S
        )
        return Output(made.situation, replace(made.decision, cars=(car,)))

    house.make = once
    house.step()
    page = await planner(pages, house)
    await expect(page.locator(".legs li").first).to_contain_text("misses by")
    await expect(page.locator(".leave.once")).to_have_text("14:00 · 75\u00a0%")
    await page.get_by_role("button", name="Take back").click()
    await page.get_by_role("button", name="Really take it back?").click()
    await until(lambda: len(house.orders) == 1)


async def test_who_may_only_read_sees_it_and_changes_nothing(built: Built, pages: Pages) -> None:
    house, _ = await built()
    page = await pages.open(house)

    async def reader(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(response=answer, json={**await answer.json(), "scope": "read"})

    await page.route("**/api/access", reader)
    await page.goto(f"{house.address}/#/planner")
    await page.reload()
    window = page.locator(".day[data-day='0'] .block")
    await window.press("ArrowDown")
    await drag(page, await spot(page, 2, 10), 2)
    await expect(window).to_have_text("22:00\u201302:00")
    await expect(page.locator("#view .block")).to_have_count(4)
    await expect(page.locator("#view").get_by_role("button", name="Add")).to_have_count(0)
    await expect(page.locator(".entry input:enabled")).to_have_count(0)
    await expect(page.get_by_text("Only who administers Phaeton")).to_be_visible()
    assert (found := await Axe().run(page)).violations_count == 0, found.generate_report()


async def test_a_guest_is_not_led_to_it(built: Built, pages: Pages) -> None:
    house, _ = await built(guest=True)
    page = await pages.open(house)
    await expect(page.get_by_role("link", name="Sessions")).to_be_visible()
    await expect(page.locator("#views a[data-view='planner']")).to_be_hidden()


async def test_a_house_without_windows_cars_and_prices_says_so(built: Built, pages: Pages) -> None:
    house, _ = await built(CHARGER)
    house.make, house.vehicles, house.prices = None, (), None
    house.step()
    pages.forgive("503")
    page = await pages.open(house, PHONE, path="/#/planner")
    await expect(page.locator("#view .medium")).to_contain_text("Nothing will be charged")
    await expect(page.get_by_text("There are no windows.")).to_be_visible()
    await expect(page.get_by_text("A departure belongs to a car")).to_be_visible()
    assert (found := await Axe().run(page)).violations_count == 0, found.generate_report()
    await picture(page, "planner-empty")


@pytest.mark.parametrize(("noon_s", "hole", "twice"), [(1_774_519_200.0, 4, 0), (1_792_663_200.0, 0, 4)])
async def test_a_week_with_a_clock_change_is_drawn_right(
    built: Built, pages: Pages, monkeypatch: pytest.MonkeyPatch, noon_s: float, hole: int, twice: int
) -> None:
    house, _ = await built()
    zone = zones.zone("Europe/Berlin", noon_s)
    monkeypatch.setattr(outputs, "NOON_UTC_S", noon_s)
    house.prices = None
    house.make, house.zone = outputs.output, zone
    house.step()
    page = await pages.open(house, path="/#/planner")
    pages.forgive("503")
    sunday = page.locator(".day[data-day='6']")
    await expect(sunday.locator(".hole")).to_have_count(hole)
    await expect(sunday.locator(".twice")).to_have_count(twice)
    await expect(page.locator(".hole, .twice")).to_have_count(4)


@pytest.mark.parametrize(
    ("locale", "title", "words"),
    [("nl-NL", "Planner", "Nog niet opgeslagen"), ("de-DE", "Planer", "Noch nicht gespeichert")],
)
async def test_it_speaks_the_other_languages_too(
    built: Built, pages: Pages, locale: str, title: str, words: str
) -> None:
    house, _ = await built()
    page = await planner(pages, house, (360, 740), locale=locale)
    await expect(page.locator("#view-title")).to_have_text(title)
    await page.locator(".day[data-day='0'] .block").press("ArrowDown")
    await expect(page.locator(".save-bar")).to_contain_text(words)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    await picture(page, f"planner-{locale[:2]}")
