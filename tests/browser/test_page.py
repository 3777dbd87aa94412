"""What owners see and do on the page."""

from __future__ import annotations

import asyncio
import math
import re
from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from msgspec.structs import replace
from playwright.async_api import Page, expect

from phaeton.model import Boost, Mode, Output, Reason, SetCurrent, SetMode, SetPhases, SetStart, Status, Why
from phaeton.orders import OrderError
from tests import outputs
from tests.browser.conftest import DESKTOP, PHONE, House, Pages, picture
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_it_shows_what_happens_and_why(house: House, pages: Pages) -> None:
    page = await pages.open(house)
    await expect(page.locator("#state")).to_have_text("Charging")
    await expect(page.locator(".big")).to_have_text("6.48 kW")
    await expect(page.locator("#facts")).to_have_text("9.4 A offered · 3 phases")
    await expect(page.locator("#reasons li").first).to_have_text(
        "The sun leaves 6,910\u00a0W for the car; 4,140\u00a0W is the least it takes"
    )
    await expect(page.locator("#link")).to_have_text("Live")
    await expect(page).to_have_title("Garage · Phaeton")


async def test_values_follow_live(house: House, pages: Pages) -> None:
    page = await pages.open(house)
    house.points = [replace(outputs.waiting(), reasons=(Reason(Why.WAIT_SUN, 310.0, 1380.0),))]
    house.read = outputs.reading(power_w=0.0)
    house.step()
    await expect(page.locator("#state")).to_have_text("Waiting for sun")
    await expect(page.locator(".big")).to_have_text("0 W")
    await expect(page.locator("#reasons")).to_contain_text("The sun leaves 310\u00a0W")


async def test_power_flows_where_it_goes(house: House, pages: Pages) -> None:
    page = await pages.open(house)
    assert await page.locator("#flow").get_attribute("aria-label") == (
        "Power now: Sun 8.24\u00a0kW, Grid export 430\u00a0W, House 610\u00a0W, "
        "Battery 87\u00a0% charging 720\u00a0W, Car 6.48\u00a0kW"
    )
    await expect(page.locator("#flow-note")).to_have_text("The sun leaves 6.91\u00a0kW for the car")


async def test_the_stay_tells_energy_sources_and_cost(house: House, pages: Pages) -> None:
    page = await pages.open(house)
    await expect(page.locator("#stay-energy")).to_have_text("12.44")
    await expect(page.locator("#stay-sources li").first).to_have_text("Sun9.90\u00a0kWh · 80\u00a0%")
    await expect(page.locator("#stay-cost")).to_have_text("€1.30")
    await expect(page.locator("#stay-charging")).to_have_text("1\u00a0h\u00a048\u00a0min")
    await expect(page.locator("#stay-saved")).to_have_text("€1.81 less than from the grid alone")


async def test_the_setpoint_is_told_with_its_lease(house: House, pages: Pages) -> None:
    page = await pages.open(house)
    await expect(page.locator("#chain")).to_contain_text("9.4 A")
    await expect(page.locator("#lease")).to_contain_text("Kept for 42\u00a0s more of 60\u00a0s")
    await expect(page.locator("#safe")).to_have_text("Without Phaeton the car charges at 6 A.")
    await expect(page.locator("#foreign")).to_have_text("Nobody else writes to the charger.")


async def test_a_foreign_writer_is_told(house: House, pages: Pages) -> None:
    lease = house.points[0].lease
    assert lease is not None
    house.points = [replace(house.points[0], lease=replace(lease, accepted_a=16.0, foreign_a=16.0, foreign_count=3))]
    house.step()
    page = await pages.open(house)
    await expect(page.locator("#foreign")).to_contain_text("Somebody else wrote 16 A to the charger, 3 times")
    await expect(page.locator("#accepted")).to_have_class("off")


@pytest.mark.parametrize(("label", "mode"), [("Manual", Mode.MANUAL), ("Scheduled", Mode.SCHEDULED)])
async def test_a_mode_click_reaches_the_control(house: House, pages: Pages, label: str, mode: Mode) -> None:
    page = await pages.open(house)
    await page.get_by_label(label).click()
    await expect(page.get_by_label(label)).to_be_checked()
    await expect(page.locator("#modes")).not_to_have_class(re.compile("pending"))
    assert house.orders == [("1", SetMode(mode), "page")]


async def test_stop_and_start(house: House, pages: Pages) -> None:
    page = await pages.open(house)
    await page.get_by_role("button", name="Stop").click()
    await expect(page.get_by_role("button", name="Start")).to_be_visible()
    await page.get_by_role("button", name="Start").click()
    await expect(page.get_by_role("button", name="Stop")).to_be_visible()
    assert [order for _, order, _ in house.orders] == [SetStart(False), SetStart(True)]


async def test_phases_and_boost(house: House, pages: Pages) -> None:
    page = await pages.open(house)
    await page.locator("#phase-choices").get_by_label("1").click()
    await expect(page.locator("#phase-choices").get_by_label("1")).to_be_checked()
    await page.get_by_role("switch", name="Charge fast for once").click()
    await expect(page.locator("#boost-hint")).to_have_text("Fast until the car is unplugged.")
    await expect(page.locator("#facts")).to_contain_text("Fast charging")
    assert [order for _, order, _ in house.orders] == [SetPhases(1), Boost(on=True)]


async def test_the_slider_is_for_manual_mode_and_bounded_by_the_charger(house: House, pages: Pages) -> None:
    page = await pages.open(house)
    slider = page.get_by_label("Current")
    await expect(slider).to_be_disabled()
    await expect(page.locator("#current-hint")).to_have_text("Used in manual mode. Now offered: 9.4 A.")
    await page.get_by_label("Manual").click()
    await expect(slider).to_be_enabled()
    assert [await slider.get_attribute(name) for name in ("min", "max")] == ["6", "32"]
    await slider.focus()
    for _ in range(4):
        await page.keyboard.press("ArrowRight")
    await expect(page.locator("#current-value")).to_have_text("18 A")
    await until_ordered(house, 2)
    assert house.orders[1] == ("1", SetCurrent(18.0), "page")


async def until_ordered(house: House, count: int) -> None:
    await until(lambda: len(house.orders) >= count)


async def test_a_refused_order_is_taken_back_with_the_reason(house: House, pages: Pages) -> None:
    page = await pages.open(house)
    house.refuse = OrderError("scheduled has no windows yet")
    house.held = asyncio.Event()
    await page.get_by_label("Scheduled").click()
    await expect(page.get_by_label("Scheduled")).to_be_checked()
    house.step()
    await expect(page.get_by_label("Scheduled")).to_be_checked()
    house.held.set()
    await expect(page.get_by_role("alert").filter(has_text="Not done")).to_have_text(
        "Not done: scheduled has no windows yet."
    )
    await expect(page.get_by_label("Auto").first).to_be_checked()
    pages.forgive("422")


async def test_what_was_asked_is_shown_until_the_daemon_shows_it(house: House, pages: Pages) -> None:
    page = await pages.open(house)
    house.silent = True
    await page.get_by_role("button", name="Stop").click()
    await expect(page.get_by_role("button", name="Start")).to_be_visible()
    house.silent = False
    house.step()
    await expect(page.get_by_role("button", name="Start")).not_to_have_class(re.compile("pending"))


async def test_a_daemon_that_goes_is_told_and_found_again(house: House, pages: Pages) -> None:
    page = await pages.open(house)
    await house.stop()
    banner = page.locator("#banner")
    await expect(banner).to_contain_text(re.compile(r"^No data since \d\d:\d\d:\d\d\."))
    await expect(page.locator("#link")).to_have_text("Offline")
    house.points = [replace(house.points[0], mode=Mode.MANUAL)]
    await house.start()
    await expect(banner).to_be_hidden()
    await expect(page.get_by_label("Manual")).to_be_checked()
    pages.forgive("ERR_")


async def test_an_order_without_an_answer_is_taken_back(house: House, pages: Pages) -> None:
    page = await pages.open(house)
    await house.stop()
    await page.get_by_label("Manual").click()
    await expect(page.locator("#refusal")).to_have_text("Not done: Phaeton did not answer.")
    await expect(page.get_by_label("Manual")).not_to_be_checked()
    pages.forgive("ERR_")


async def test_an_unreachable_charger_shows_no_old_numbers(house: House, pages: Pages) -> None:
    house.make = outputs.unreachable
    house.step()
    page = await pages.open(house)
    await expect(page.locator("#state")).to_have_text("No connection")
    await expect(page.locator(".big")).to_have_text("\u2013 ")
    await expect(page.locator("#reasons")).to_contain_text("Connection refused by 192.0.2.5")
    await expect(page.locator("#flow-note")).to_have_text("Values of the house are 64\u00a0s old.")
    await expect(page.locator("#accepted")).to_have_text("\u2013")
    await picture(page, "page-unreachable")


async def test_a_charger_without_phase_switching_says_so(house: House, pages: Pages) -> None:
    house.make = lambda mono_s: outputs.output(mono_s, who=outputs.identity(can_switch_phases=False))
    house.step()
    page = await pages.open(house)
    await expect(page.locator("#phase-choices").get_by_label("3")).to_be_disabled()
    await expect(page.locator("#phase-hint")).to_have_text("This charger gives no way to choose the phases.")


async def test_no_car_and_no_stay(house: House, pages: Pages) -> None:
    point = replace(
        outputs.waiting(), status=Status.DISCONNECTED, session=None, lease=None, reasons=(Reason(Why.NO_CAR),)
    )
    house.make = lambda mono_s: outputs.output(mono_s, point=point, read=outputs.reading(power_w=0.0))
    house.step()
    page = await pages.open(house)
    await expect(page.locator("#state")).to_have_text("Disconnected")
    await expect(page.locator("#stay-none")).to_be_visible()
    await expect(page.locator("#lease")).to_have_text("Nothing was asked of the charger yet.")


async def test_the_chart_has_the_past_after_a_reload(house: House, pages: Pages) -> None:
    page = await pages.open(house)
    plot = page.locator("#plot")
    await expect(plot).to_have_attribute("aria-label", re.compile("Chart of the last 5 min. The car draws 6.48"))
    assert await page.evaluate("fetch('api/series?window=300').then(a => a.json()).then(s => s.t.length)") >= 118
    await plot.hover(position={"x": 600, "y": 100})
    await expect(page.locator("#chart-time")).to_have_text(re.compile(r"\d\d:\d\d:\d\d"))
    await expect(page.locator("#series button").first).to_have_text(re.compile(r"Car6.48"))
    await page.get_by_role("radio", name="6 h").click()
    await expect(plot).to_have_attribute("aria-label", re.compile("Chart of the last 6 h"))
    await page.reload()
    await expect(page.get_by_role("radio", name="6 h")).to_be_checked()


async def test_a_series_can_be_hidden(house: House, pages: Pages) -> None:
    page = await pages.open(house)
    button = page.get_by_role("button", name="Surplus")
    await button.click()
    await expect(button).to_have_attribute("aria-pressed", "false")


async def test_details_show_phases_and_connections(house: House, pages: Pages) -> None:
    page = await pages.open(house)
    await page.get_by_text("Details").click()
    await expect(page.locator("#phase-rows tr").first).to_have_text("L1230.4\u00a0V9.4\u00a0A2.16\u00a0kW")
    await expect(page.locator("#links")).to_contain_text("8,213 requests, 3 failed, 31.2 ms")
    await expect(page.locator("#links dd").last).to_have_text("down · no system bus")


async def test_one_of_several_chargers_is_chosen(pages: Pages) -> None:
    house = House([outputs.decided("1"), outputs.waiting("2")])
    await house.start()
    page = await pages.open(house, PHONE)
    await expect(page.locator("#state")).to_have_text("Charging")
    await page.get_by_label("Carport").click()
    await expect(page.locator("#state")).to_have_text("Waiting for sun")
    await page.get_by_label("Manual").click()
    await until_ordered(house, 1)
    assert house.orders[0][0] == "2"
    await page.reload()
    await expect(page.get_by_label("Carport")).to_be_checked()


async def test_everything_works_by_keyboard(house: House, pages: Pages) -> None:
    page = await pages.open(house)
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Charging", exact=True)).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Stop")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Start")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.locator("#modes input:checked")).to_be_focused()
    await page.keyboard.press("ArrowLeft")
    await expect(page.get_by_label("Manual")).to_be_checked()
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Current")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.locator("#phase-choices input:checked")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await expect(page.get_by_role("switch")).to_be_checked()
    assert [order for _, order, _ in house.orders] == [SetStart(False), SetMode(Mode.MANUAL), Boost(on=True)]


@pytest.mark.parametrize("width", [320, 390, 800, 1280])
async def test_nothing_scrolls_sideways(house: House, pages: Pages, width: int) -> None:
    long = "a very long word of a cause that the charger told, " + "x" * 60
    point = replace(house.points[0], reasons=(*house.points[0].reasons, Reason(Why.FAULT, text=long)))
    house.make = lambda mono_s: outputs.output(mono_s, point=point)
    house.step()
    page = await pages.open(house, (width, 900))
    await page.get_by_text("Details").click()
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    cut = await page.evaluate(
        "[...document.querySelectorAll('main .segments span, main button, main dd, main h2')]"
        ".filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent)"
    )
    assert cut == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_light_and_dark_are_readable_by_everybody(
    house: House, pages: Pages, scheme: Literal["light", "dark"], size: tuple[int, int]
) -> None:
    page = await pages.open(house, size, scheme)
    await page.get_by_text("Details").click()
    await expect(page.locator("#phase-rows tr")).to_have_count(3)
    background = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(244, 246, 244)" if scheme == "light" else "rgb(15, 19, 17)")
    assert await offences(page) == []


async def test_a_fault_and_the_banner_are_readable_too(house: House, pages: Pages) -> None:
    house.make = outputs.unreachable
    house.step()
    page = await pages.open(house)
    await house.stop()
    await expect(page.locator("#banner")).to_be_visible()
    assert await offences(page) == []
    pages.forgive("ERR_")


async def offences(page: Page) -> list[str]:
    """What axe finds, each with its first place."""
    found = await Axe().run(page)
    return [f"{rule['id']}: {rule['nodes'][0]['html'][:120]}" for rule in found.response["violations"]]


@pytest.mark.parametrize("path", ["/ui/", "/app"])
async def test_the_old_addresses_show_the_page(house: House, pages: Pages, path: str) -> None:
    page = await pages.open(house, path=path)
    await expect(page.locator("#state")).to_have_text("Charging")


def sunny(mono_s: float) -> Output:
    """A noon with clouds, for the picture of the README."""
    second = mono_s - 1000.0
    cloud = 0.5 if 0.55 < second / 3600 < 0.62 or 0.75 < second / 3600 < 0.78 else 1.0
    pv_w = (6800.0 + 1500.0 * math.sin(second / 2400) + 60 * math.sin(second / 9)) * cloud
    surplus_w = pv_w - 640.0 - 720.0
    amps = max(min(math.floor(surplus_w / 690.0 * 10) / 10, 16.0), 6.0)
    made = outputs.output(
        mono_s,
        point=replace(
            outputs.decided(),
            current_a=amps,
            surplus_w=surplus_w,
            reasons=(Reason(Why.SURPLUS, surplus_w, 4140.0), Reason(Why.RAISE_PACE, amps, amps + 0.6, 6.0)),
        ),
        read=outputs.reading(power_w=amps * 685.0, mono_s=mono_s),
    )
    site = outputs.site(mono_s)
    used_w = 610.0 + amps * 685.0
    situation = replace(
        made.situation, site=replace(site, pv_w=pv_w, consumption_w=used_w, grid_w=used_w + 720.0 - pv_w)
    )
    return Output(situation, made.decision)


@pytest.mark.parametrize(
    ("name", "size", "scheme"),
    [
        ("desktop", DESKTOP, "light"),
        ("desktop-dark", DESKTOP, "dark"),
        ("phone", PHONE, "light"),
        ("phone-dark", PHONE, "dark"),
    ],
)
async def test_an_hour_of_sun_fills_the_chart(
    house: House, pages: Pages, name: str, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    house.make = sunny
    for _ in range(3600):
        house.step()
    page = await pages.open(house, size, scheme)
    await page.get_by_role("radio", name="1 h").click()
    await expect(page.locator("#plot")).to_have_attribute("aria-label", re.compile("Chart of the last 1 h"))
    painted = await page.evaluate(
        "(() => { const c = document.querySelector('#plot canvas'); const d = c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data; let n = 0; for (let i = 3; i < d.length; i += 4) if (d[i]) n++;"
        " return n / (c.width * c.height); })()"
    )
    assert painted > 0.2
    await picture(page, f"page-{name}")
