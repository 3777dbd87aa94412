"""The languages of the page: complete, the same parameters in each, and no English left where another is spoken."""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace
from playwright.async_api import Page, expect

from phaeton.links.modbus_connection import CLOSED_BY_PEER
from phaeton.links.modbus_errors import RefusedError
from phaeton.model import Reason, Status, Why
from phaeton.profiles import load_profile
from phaeton.profiles.proof import unproven
from phaeton.sinks.web.access import Access
from phaeton.streams.reasons import describe
from tests import outputs
from tests.browser.conftest import LOGGER, PHONE, House, Pages
from tests.browser.test_views import READY, built

pytestmark = pytest.mark.asyncio(loop_scope="session")

Words = Mapping[str, str | Mapping[str, str]]
OTHERS = ("nl", "de")
LOCALES = {"nl": "nl-NL", "de": "de-AT"}
PAGE = Path(__file__).parents[2] / "phaeton" / "sinks" / "web" / "page"

TEXTS = """() => {
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.nodeType === Node.TEXT_NODE) {
      if (!node.parentElement.closest("noscript, option[lang]")) texts.push(node.textContent.trim());
    } else if (node.hasAttribute("aria-label")) texts.push(node.getAttribute("aria-label"));
  }
  return texts.filter(Boolean);
}"""


async def catalogue(page: Page, name: str) -> Words:
    told: Words = await page.evaluate(
        "name => import(new URL(`words/${name}.js`, document.querySelector('script[type=module]').src))"
        ".then(found => found.default)",
        name,
    )
    return told


# What is loaded first, and the catalogues of views that come later: `words/<view>_<language>.js`.
OF_VIEWS = sorted(path.stem.removesuffix("_en") for path in (PAGE / "words").glob("*_en.js"))


async def catalogue_of(page: Page, language: str) -> Words:
    """All that the page says in a language."""
    told = dict(await catalogue(page, language))
    for view in OF_VIEWS:
        more = await catalogue(page, f"{view}_{language}")
        assert told.keys().isdisjoint(more), f"{view}_{language} says again what is said already"
        told.update(more)
    return told


def parameters(words: str | Mapping[str, str]) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", json.dumps(words)))


async def test_every_key_is_in_all_languages_with_the_same_parameters(house: House, pages: Pages) -> None:
    page = await pages.open(house)
    english = await catalogue_of(page, "en")
    assert len(english) > 250
    for name in OTHERS:
        other = await catalogue_of(page, name)
        assert other.keys() == english.keys()
        for key, words in english.items():
            assert type(other[key]) is type(words), key
            # The form of one may leave out how many there are.
            assert parameters(other[key]) == parameters(words), f"{name} {key}"
            assert all(other[key].values() if isinstance(other[key], dict) else [other[key]]), key


async def test_every_key_that_is_said_is_there_and_every_one_there_is_said(house: House, pages: Pages) -> None:
    page = await pages.open(house)
    english = await catalogue_of(page, "en")
    code = "".join(path.read_text() for path in [*PAGE.glob("*.js"), PAGE / "index.html"])
    said = set(re.findall(r"""(?:say|card|labelled)\("([\w.]+)\"""", code)) | set(
        re.findall(r'data-(?:text|label)="([\w.]+)"', code)
    )
    assert said - english.keys() == set()
    families = (
        "status.",
        "mode.",
        "modeHint.",
        "boostKind.",
        "source.",
        "window.",
        "series.",
        "quality.",
        "level.",
        "updateStep.",
        "installedAs.",
        "strategyOf.",
        "run.",
        "runHint.",
        "jobState.",
        "priceSource.",
        "scope.",
        "who.",
        "view",
        "choice.",
        "key.",
        "revisionBy.",
    )
    unsaid = {key for key in english if not key.startswith(families) and f'"{key}"' not in code}
    assert unsaid == set()


TOLD = [
    f"192.0.2.5:502: {os.strerror(errno.ECONNREFUSED)}",
    f"192.0.2.5:502: {os.strerror(errno.EHOSTUNREACH)}",
    "192.0.2.5:502: no connection within 3 s",
    "no answer within 2.0 s",
    CLOSED_BY_PEER,
    str(RefusedError(2)),
    unproven(load_profile("goodwe_hca")),
    "what answers at 192.0.2.5:502 is no Alfen NG9xx: voltage_l1 is 1234",
    "com.victronenergy.system is not on D-Bus",
]


@pytest.mark.parametrize("language", OTHERS)
async def test_what_is_told_of_connections_is_said_in_each_language(house: House, pages: Pages, language: str) -> None:
    page = await pages.open(house, locale=LOCALES[language])
    module = "import(new URL('text.js', document.querySelector('script[type=module]').src))"
    said = await page.evaluate(f"told => {module}.then(text => told.map(text.toldWords))", TOLD)
    assert [one for one, other in zip(said, TOLD, strict=True) if one == other] == []
    assert said[0].startswith("192.0.2.5:502: ")
    assert await page.evaluate(f"{module}.then(text => text.toldWords('E 17 of the charger itself'))") == (
        "E 17 of the charger itself"
    )


async def test_every_status_and_reason_has_words(house: House, pages: Pages) -> None:
    page = await pages.open(house)
    for name in ("en", *OTHERS):
        words = await catalogue_of(page, name)
        for status in Status:
            assert f"status.{status.value}" in words
    for name in OTHERS:
        reasons = await catalogue(page, f"reasons_{name}")
        assert reasons.keys() == {why.value for why in Why}


async def test_every_refusal_that_has_a_code_has_words(house: House, pages: Pages) -> None:
    page = await pages.open(house)
    home = PAGE.parents[2]
    sources = [*(home / "sinks" / "web").glob("*.py"), home / "orders.py", home / "car_orders.py"]
    codes = {code for path in sources for code in re.findall(r'\bcode ?= ?"(\w+)"', path.read_text())}
    codes |= {code for path in sources for code in re.findall(r'\bdetail, code = \w+, "(\w+)"', path.read_text())}
    for name in OTHERS:
        assert (await catalogue(page, f"refusals_{name}")).keys() == codes


async def test_a_refusal_is_said_in_the_language_of_the_page(pages: Pages) -> None:
    house = House([outputs.decided()], access=Access())
    assert house.access is not None
    await house.access.set_password("correct horse battery")
    await house.start()
    page = await pages.open(house, locale="de-AT")
    await page.locator("#password").fill("wrong horse")
    await page.locator("#enter").click()
    await expect(page.locator("#door-refusal")).to_have_text("Das Passwort ist falsch.")
    pages.forgive("401")


def numbers(sentence: str) -> list[str]:
    """The numbers of a sentence, whatever separates their digits."""
    spelt = re.sub(r"\b(one phase|één fase|eine Phase)\b", "1", sentence)
    found = re.findall(r"\d+(?:[.,\u00a0]\d+)*", spelt)
    return sorted(re.sub(r"\D", "", number).rstrip("0") for number in found)


@pytest.mark.parametrize("language", OTHERS)
async def test_a_reason_tells_the_same_numbers_in_each_language(house: House, pages: Pages, language: str) -> None:
    reasons = [Reason(why, 1234.0, 4321.0, 7260.0, "E 17") for why in Why]
    reasons += [Reason(why) for why in Why]
    house.points = [replace(house.points[0], reasons=tuple(reasons))]
    house.step()
    page = await pages.open(house, locale=LOCALES[language])
    shown = await page.locator("#reasons li").all_inner_texts()
    assert len(shown) == len(reasons)
    for reason, told in zip(reasons, shown, strict=True):
        english = describe(reason)
        assert told != english.replace(" ", "\u00a0"), reason
        assert numbers(told) == numbers(english), f"{told} / {english}"
        assert "{" not in told
        assert "undefined" not in told


@pytest.mark.usefixtures("log_ring")
@pytest.mark.parametrize("language", OTHERS)
async def test_no_english_is_left_on_any_view(pages: Pages, tmp_path: Path, language: str) -> None:
    house = await built(tmp_path)
    page = await pages.open(house, PHONE, locale=LOCALES[language])
    english, spoken = await catalogue_of(page, "en"), await catalogue_of(page, language)
    same = {words for key, words in english.items() if spoken[key] == words}
    spoken_words = {words for words in spoken.values() if isinstance(words, str)}
    foreign = {words for words in english.values() if isinstance(words, str)} - same - spoken_words
    assert await page.evaluate("document.documentElement.lang") == language
    await page.locator(".details summary").click()
    LOGGER.warning("words of the daemon")
    for name in ("dashboard", *READY, f"sessions/{house.kept.sessions[0].id}"):
        await page.evaluate(f"location.hash = '/{name}'")
        sign = READY.get(name, ".scroll tbody tr:visible" if "/" in name else "#link[data-state=live]")
        await expect(page.locator(sign).first).to_be_visible()
        texts = await page.evaluate(TEXTS)
        assert len(texts) > 10
        assert foreign.intersection(texts) == set(), name
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


async def test_a_language_is_chosen_and_remembered(pages: Pages, tmp_path: Path) -> None:
    house = await built(tmp_path)
    page = await pages.open(house, path="/#/sessions")
    await expect(page.locator(".cards-table tbody tr")).to_have_count(26)
    await page.get_by_label("Language").select_option("de")
    await expect(page.get_by_role("heading", name="Ladungen", level=1)).to_be_visible()
    await expect(page.locator(".cards-table tbody tr").nth(1)).to_contain_text("20,00\u00a0kWh")
    await expect(page.locator(".cards-table tbody tr").nth(1)).to_contain_text("1,30\u00a0€")
    await page.reload()
    await page.get_by_role("link", name="Übersicht").click()
    await expect(page.locator("#state")).to_have_text("Lädt")
    await expect(page.locator("#reasons li").first).to_have_text(
        "Die Sonne lässt 6.910\u00a0W für das Auto übrig; 4.140\u00a0W ist das Wenigste, was es nimmt"
    )
    await page.get_by_label("Sprache").select_option("nl")
    await expect(page.locator("#state")).to_have_text("Laden")


async def test_times_are_those_of_the_site_and_not_of_who_looks(house: House, pages: Pages) -> None:
    page = await pages.open(house)  # the browser is in New York, the site in Berlin
    await page.locator("#boost-kind").select_option("until")
    await expect(page.locator("#boost-until")).to_have_value("2026-06-01T14:02")
    assert outputs.NOON_UTC_S == 1_780_308_000.0  # 12:00 in Berlin; the house has run for two minutes
