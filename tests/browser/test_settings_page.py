"""The view of the settings: a form made from the schema, before a real file that a real judge writes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Dialog, Locator, Page, expect

from phaeton.app.settings import LiveSettings
from phaeton.config.change import Change, compare
from phaeton.config.load import load
from phaeton.config.schema import json_schema
from phaeton.config.tree import Config
from phaeton.sources.config_file import ConfigFile
from tests import outputs
from tests.browser.conftest import House, Pages
from tests.browser.test_languages import OTHERS, catalogue

pytestmark = pytest.mark.asyncio(loop_scope="session")

OWN = """\
# The box in the garage
chargers:
  - {id: car, host: 192.0.2.5, name: Garage}  # Alfen
auto:
  start_delay_s: 90  # clouds
prices:
  source: homeassistant
  homeassistant: {url: "http://192.0.2.7:8123", token: tell-nobody-this, entity: sensor.price}
vehicles:
  - {id: ev6, name: EV6, battery_kwh: 77.4}
  - {id: van, name: Van, source: evcc, evcc: {url: "http://192.0.2.8:7070"}}
schedule:
  windows:
    - {start: "23:00", end: "05:30"}
"""


@pytest_asyncio.fixture(loop_scope="session")
async def file(tmp_path: Path) -> Path:
    path = tmp_path / "phaeton.yaml"
    path.write_text(OWN)
    return path


@pytest_asyncio.fixture(loop_scope="session")
async def owned(file: Path) -> AsyncIterator[House]:
    """A house whose settings are those of the file."""
    built = await with_settings(file)
    yield built
    await built.stop()


async def with_settings(file: Path, environ: dict[str, str] | None = None) -> House:
    loaded = load(file, environ=environ or {})
    in_force = [loaded.config]

    async def reload(config: Config) -> Change:
        found = compare(in_force[0], config)
        in_force[0] = config
        return found

    watched = ConfigFile(loaded, environ or {})
    house = House([outputs.decided()])
    house.settings = LiveSettings(watched, reload, file.parent / "state", lambda: outputs.NOON_UTC_S)
    await house.start()
    return house


def text_of(file: Path) -> str:
    return file.read_text()


async def opened(pages: Pages, house: House, section: str = "", **options: Any) -> Page:
    page = await pages.open(house, path=f"/#/settings/{section}", **options)
    await expect(page.locator(".section").first).to_be_visible()
    return page


def section(page: Page, name: str) -> Locator:
    return page.locator(f'[data-section="{name}"]')


async def saved(page: Page) -> None:
    await page.get_by_role("button", name="Check and save").click()
    await page.get_by_role("dialog").get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("Saved, and in force.")).to_be_visible()
    await expect(page.locator(".save-bar")).to_be_hidden()


async def test_mistakes_are_told_at_their_fields_and_nothing_is_saved(owned: House, file: Path, pages: Pages) -> None:
    page = await opened(pages, owned, "auto")
    share = page.get_by_label("Least share of the sun")
    await share.fill("140")
    windows = section(page, "schedule")
    await windows.locator("summary").first.click()
    await windows.get_by_role("button", name="Add (Time windows)").click()
    await expect(windows.get_by_label("From", exact=True).nth(1)).to_be_focused()
    await windows.get_by_label("From", exact=True).nth(1).fill("25:00")
    await windows.get_by_label("Until", exact=True).nth(1).fill("06:00")
    await windows.locator("summary").first.click()
    await page.get_by_role("button", name="Check and save").click()
    await expect(page.get_by_text("2 mistakes; nothing was changed.")).to_be_visible()
    await expect(share).to_be_focused()
    await expect(share).to_have_attribute("aria-invalid", "true")
    await expect(page.locator(".refusal:visible").first).to_contain_text("100")
    await expect(windows.get_by_label("From", exact=True).nth(1)).to_have_attribute("aria-invalid", "true")
    await windows.get_by_label("From", exact=True).nth(1).fill("12:00")
    await share.fill("50")
    await expect(page.locator(".refusal:visible")).to_have_count(0)
    await saved(page)
    assert 'start: "12:00"' in text_of(file)
    await windows.get_by_text("1. 23:00\u201305:30").click()
    await page.get_by_role("button", name="Remove 1. 23:00\u201305:30").click()
    await saved(page)
    assert "23:00" not in text_of(file)


async def test_a_secret_is_kept_replaced_and_cleared_and_never_shown(owned: House, file: Path, pages: Pages) -> None:
    page = await opened(pages, owned, "prices")
    token = section(page, "prices").get_by_label("Token").first
    await expect(section(page, "prices").get_by_label("Entity")).to_be_visible()
    token = page.get_by_placeholder("set; leave empty to keep it")
    assert "tell-nobody" not in await page.content()
    await section(page, "prices").get_by_label("Entity").fill("sensor.other")
    await saved(page)
    assert "tell-nobody-this" in text_of(file)
    await token.fill("another-word")
    await saved(page)
    assert "another-word" in text_of(file)
    assert "tell-nobody" not in text_of(file)
    await section(page, "prices").get_by_role("button", name="Clear").click()
    await section(page, "prices").get_by_label("Source", exact=True).select_option("fixed")
    await expect(section(page, "prices").get_by_label("Entity")).to_be_hidden()
    await saved(page)
    assert "another-word" not in text_of(file)


async def test_cars_are_sorted_and_keep_what_belongs_to_them(owned: House, file: Path, pages: Pages) -> None:
    page = await opened(pages, owned, "vehicles")
    cars = section(page, "vehicles")
    await cars.get_by_text("2. Van").click()
    await expect(cars.get_by_role("group", name="evcc")).to_be_visible()
    await cars.get_by_role("button", name="Up 2. Van").click()
    await expect(cars.get_by_text("1. Van")).to_be_visible()
    await saved(page)
    assert [car.name for car in load(file).config.vehicles] == ["Van", "EV6"]
    assert load(file).config.vehicles[0].evcc.url == "http://192.0.2.8:7070"


async def test_of_two_who_change_the_second_is_told_and_keeps_what_was_typed(
    owned: House, file: Path, pages: Pages
) -> None:
    one, other = await opened(pages, owned, "auto"), await opened(pages, owned, "auto")
    await one.get_by_label("Surplus before the start").fill("60")
    await other.get_by_label("Rest between two starts").fill("200")
    await saved(one)
    pages.forgive("412")
    await other.get_by_role("button", name="Check and save").click()
    await other.get_by_role("dialog").get_by_role("button", name="Save", exact=True).click()
    await expect(other.get_by_text("somebody else changed the settings meanwhile")).to_be_visible()
    await other.get_by_role("button", name="Read them again, keep my changes").click()
    await expect(other.get_by_label("Surplus before the start")).to_have_value("60")
    await expect(other.get_by_label("Rest between two starts")).to_have_value("200")
    await saved(other)
    found = load(file).config.auto
    assert (found.start_delay_s, found.rest_s) == (60.0, 200.0)


async def test_who_leaves_with_changes_is_asked(owned: House, pages: Pages) -> None:
    page = await opened(pages, owned, "auto")
    await page.get_by_label("Surplus before the start").fill("61")
    asked: list[str] = []
    answers = iter([False, True])

    async def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        await (dialog.accept() if next(answers) else dialog.dismiss())

    page.on("dialog", answer)
    await page.get_by_role("link", name="Logs").click()
    await expect(page.get_by_label("Surplus before the start")).to_have_value("61")
    await expect(page).to_have_url(re.compile("#/settings/auto$"))
    await page.get_by_role("link", name="Logs").click()
    await expect(page.get_by_role("heading", name="Logs", level=1)).to_be_visible()
    assert len(asked) == 2


async def test_settings_are_found_by_names_keys_and_help(owned: House, pages: Pages) -> None:
    page = await opened(pages, owned)
    await page.get_by_label("Search settings").fill("fuse")
    await expect(page.get_by_label("Main fuse")).to_be_visible()
    await expect(section(page, "battery")).to_be_hidden()
    await page.get_by_label("Search settings").fill("cloud")
    await expect(page.get_by_label("Energy to bridge clouds")).to_be_visible()
    await page.get_by_label("Search settings").fill("no such thing")
    await expect(page.get_by_text("0 settings fit")).to_be_visible()
    await page.get_by_label("Search settings").fill("")
    await expect(section(page, "battery")).to_be_visible()


async def test_what_the_environment_sets_is_not_changed_here(file: Path, pages: Pages) -> None:
    house = await with_settings(file, {"PHAETON_AUTO__REST_S": "222"})
    page = await opened(pages, house, "auto")
    await expect(page.get_by_label("Rest between two starts")).to_be_disabled()
    await expect(page.get_by_text("The environment variable PHAETON_AUTO__REST_S sets this.")).to_be_visible()


async def test_the_schema_has_names_of_its_sections_and_help_in_each_language(owned: House, pages: Pages) -> None:
    page = await pages.open(owned)
    groups, described = set(), set()

    def walk(path: str, node: dict[str, Any]) -> None:
        if "description" in node:
            described.add(path)
        inner = node.get("items", node)
        if not isinstance(inner, dict) or "$ref" not in inner:
            return
        name = inner["$ref"].rsplit("/", 1)[1]
        if name != "Secret":
            groups.add(path)
            for key, below in json_schema()["$defs"][name]["properties"].items():
                walk(f"{path}.{key}", below)

    for key, node in json_schema()["$defs"]["Config"]["properties"].items():
        if key not in ("version", "charger"):
            walk(key, node)
    for language in ("en", *OTHERS):
        words = await catalogue(page, f"settings_{language}")
        named = {key.removeprefix("key.") for key in words if key.startswith("key.")}
        assert groups - named == set(), language
    helped = [set(await catalogue(page, f"help_{language}")) for language in OTHERS]
    assert helped == [described, described]


async def test_earlier_settings_are_brought_back(owned: House, file: Path, pages: Pages) -> None:
    page = await opened(pages, owned, "auto")
    delay = page.get_by_label("Surplus before the start")
    await delay.fill("75")
    await saved(page)
    assert "start_delay_s: 75" in text_of(file)
    revisions = page.locator(".revisions")
    await revisions.locator("summary").last.click()
    await expect(revisions.get_by_text("-  start_delay_s: 90")).to_be_visible()
    await revisions.get_by_role("button", name="Bring back 1").click()
    await revisions.get_by_role("button", name="Bring back for good? 1").click()
    await expect(delay).to_have_value("90")
    assert text_of(file) == OWN
