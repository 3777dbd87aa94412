"""The page about a comparison in a real browser: bars against the bound, sources, months, on a screen and a phone."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from concurrent.futures import Future
from pathlib import Path
from typing import Literal, NamedTuple

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from msgspec.structs import replace
from playwright.async_api import Browser, Page, expect

from phaeton.simulation.compare.comparison import Comparison, compare
from phaeton.simulation.compare.strategies import built_in
from phaeton.simulation.history import Gap, in_memory
from phaeton.simulation.house_setup import HouseSetup
from phaeton.simulation.question import Question, Task
from phaeton.simulation.report import comparison_page
from phaeton.simulation.result import Result, Setup
from phaeton.simulation.workers import Workers
from phaeton.simulation.worth import worth
from phaeton.zones import zone
from tests.browser.conftest import DESKTOP, PHONE, picture
from tests.simulation.days import AMSTERDAM, DAY, HOUR, JUNE_S, config, evenings, hourly, stay, summer
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="session")

PRICES = [0.22, 0.20, 0.18, 0.17, 0.19, 0.24, 0.30, 0.32, 0.28, 0.20, 0.12, 0.08]
PRICES += [0.05, 0.06, 0.10, 0.16, 0.24, 0.34, 0.40, 0.38, 0.33, 0.28, 0.25, 0.23]


def ask(question: Question) -> Workers:
    def here(task: Task) -> Future[Result]:
        future: Future[Result] = Future()
        future.set_result(question.answer(task))
        return future

    return Workers(here, 1)


def written(path: Path, question: Question) -> Path:
    base = config()
    strategies = list(built_in(base, question.setup.house))
    rates = worth(question.tariff, base, question.history.start_s, question.history.end_s)
    found: Comparison = compare(question, strategies, rates, "EUR", ask(question))
    configs = {one.name: one.config for one in strategies}
    path.write_text(comparison_page(found, zone(AMSTERDAM, JUNE_S), configs, base), encoding="utf-8")
    return path


class Made(NamedTuple):
    """The page, and a page about hours in which nothing can be saved."""

    full: Path
    plain: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder, days = tmp_path_factory.mktemp("comparison"), 33
    history = summer(days)
    known_s = history.end_s
    history = replace(history, gaps=(Gap(known_s - 2 * HOUR, known_s, "no rows"),))
    prices = hourly(PRICES * days, 0.04)
    setup = Setup(house=HouseSetup(battery_kwh=8.0), start_s=JUNE_S + 25 * DAY)
    question = Question(history, evenings(days), prices, setup)
    dark = in_memory(JUNE_S, 10.0, [0.0] * 2160, [0.0] * 2160)
    hours = Question(dark, (stay(1, 4, 10.0),), hourly([0.3] * 6), Setup(step_s=10.0))
    return Made(written(folder / "full.html", question), written(folder / "plain.html", hours))


class Screens:
    """Opens the files; whatever a page says on its console is a fault."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.complaints: list[str] = []

    async def open(
        self, file: Path, size: tuple[int, int] = DESKTOP, scheme: Literal["light", "dark"] = "light"
    ) -> Page:
        width, height = size
        context = await self._browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, offline=True
        )
        context.set_default_timeout(PATIENCE_S * 1000.0)
        page = await context.new_page()
        page.on("console", lambda said: self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        await page.goto(file.as_uri())
        return page


@pytest_asyncio.fixture(loop_scope="session")
async def screens(browser: Browser) -> AsyncIterator[Screens]:
    opened = Screens(browser)
    yield opened
    assert opened.complaints == []


async def test_it_tells_what_each_would_have_cost_against_the_least_possible(screens: Screens, made: Made) -> None:
    page = await screens.open(made.full)
    await expect(page).to_have_title(re.compile(r"^26\sJun\s2024 . 3\sJul\s2024 . Phaeton comparison$"))
    await expect(page.locator(".card.wide")).to_contain_text(re.compile(r"Saved by “Price plan”.*EUR"))
    costs = page.locator("section", has_text="What each would have cost").locator("li")
    await expect(costs).to_have_count(6)
    plan = costs.filter(has_text="Price plan")
    await expect(plan).to_contain_text("best")
    await expect(plan).to_contain_text(re.compile(r"EUR less, \d+\s% of the possible"))
    await expect(costs.first).to_contain_text("what the others are compared with")
    marks = await costs.locator(".mark").evaluate_all("all => all.map(one => one.getBoundingClientRect().left)")
    assert max(marks) - min(marks) < 1.0
    bound = await costs.last.locator(".due").bounding_box()
    hatched = await costs.first.locator(".spared").bounding_box()
    assert bound is not None
    assert hatched is not None
    assert hatched["x"] == pytest.approx(marks[0], abs=1.0)
    assert hatched["width"] > 20
    await expect(costs.last.locator(".spared")).to_have_count(0)
    await picture(page, "comparison")


async def test_sources_missed_goals_months_strategies_and_gaps_are_there(screens: Screens, made: Made) -> None:
    page = await screens.open(made.full)
    energy = page.locator("section", has=page.get_by_role("heading", name="Into the car"))
    forerunner = energy.locator("li", has_text="Forerunner's auto")
    await expect(forerunner).to_contain_text(re.compile(r"\d+ of 7 missed, by .*kWh"))
    await expect(forerunner.locator(".bar .missing")).to_be_visible()
    months = page.locator("section", has=page.get_by_role("heading", name="Month by month"))
    await expect(months.locator("svg rect.kb")).to_have_count(2)
    await expect(months.locator("svg rect.k4")).to_have_count(2)
    numbers = page.locator("section", has=page.get_by_role("heading", name="All numbers"))
    await expect(numbers).to_contain_text("cannot be counted")
    await expect(numbers.locator("th", has_text="Starts")).to_have_count(0)
    strategies = page.locator(".strategies")
    await strategies.locator("li", has_text="Price plan").get_by_text("What it sets").click()
    await expect(strategies).to_contain_text("schedule.strategy")
    await expect(page.locator("section", has_text="Before you believe it")).to_contain_text("Left out: Wed 3")
    await expect(page.locator("section", has_text="House and settings")).to_contain_text("Europe/Amsterdam")


async def test_where_nothing_can_be_saved_it_says_so_and_counts_what_can_be_counted(
    screens: Screens, made: Made
) -> None:
    page = await screens.open(made.plain)
    await expect(page.locator(".card.wide")).to_contain_text("nothing beats “Immediate” here")
    numbers = page.locator("section", has=page.get_by_role("heading", name="All numbers"))
    await expect(numbers.locator("th", has_text="Starts")).to_be_visible()
    await expect(numbers.locator("th", has_text="Cycles")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
async def test_it_fits_and_can_be_read(
    screens: Screens, made: Made, size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    page = await screens.open(made.full, size, scheme)
    assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
    if size == DESKTOP:
        tables = page.locator(".scroll")
        assert await tables.evaluate_all("all => all.every(one => one.scrollWidth <= one.clientWidth)")
    found = await Axe().run(page)
    assert found.response["violations"] == [], found.generate_report()
