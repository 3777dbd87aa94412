"""The table of what the forerunners had: each place that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

from phaeton.config import forerunner, forerunner_prices
from phaeton.config.reading import kind_at
from phaeton.links.dbus_library import Value
from phaeton.sinks.evcharger_values import add_items
from phaeton.sinks.web.api_document import endpoints
from phaeton.sinks.web.assets import PAGE

DOCUMENT = Path(__file__).parents[1] / "docs" / "parity.md"
WORDS = PAGE / "words"
CODE = re.compile(r"`([^`]+)`")
WITHOUT_TABLE = {"GET /", "GET /ui/", "GET /app/", "GET /docs"}
"""Files of the page, not endpoints of the API; `test_forerunner_api` asks for them."""


def rows(title: str) -> list[list[str]]:
    """The cells of the table below a title."""
    chapter = DOCUMENT.read_text().split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in chapter.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def steps(path: str) -> tuple[str | int, ...]:
    return tuple(int(step) if step.isdigit() else step for step in re.split(r"[.\[\]]+", path) if step)


def test_each_setting_of_the_forerunners_has_its_line_and_each_place_is_a_setting() -> None:
    table = rows("Settings")
    theirs = {CODE.findall(row[0])[0] for row in table}
    known = forerunner.TABLE.keys() | forerunner_prices.HOMES.keys()
    assert {key for key in theirs if not key.startswith("schedule.items[]")} == known - {"schedule.items"}
    assert len(theirs) == len(table)
    for _, here, why in table:
        places = CODE.findall(here)
        assert places or why
        assert [place for place in places if kind_at(steps(place)) is None] == []


def test_a_setting_is_where_migration_puts_it() -> None:
    for theirs, here, _ in rows("Settings"):
        (key,) = CODE.findall(theirs)
        if not key.startswith("schedule.items[]"):
            assert forerunner.home(key) in (CODE.findall(here) or [""])


class Paths:
    """A service that only notes its paths."""

    def __init__(self) -> None:
        self.paths: set[str] = set()

    def add(self, path: str, signature: str, value: Value = None, **_: object) -> None:
        self.paths.add(path)


def test_each_path_on_the_bus_is_there_or_says_why_not() -> None:
    service = Paths()
    add_items(service, {})  # type: ignore[arg-type]
    for _, here, why in rows("D-Bus"):
        places = set(CODE.findall(here))
        assert places or why
        assert places <= service.paths


async def test_each_request_is_there() -> None:
    table = {f"{endpoint.method} {endpoint.path}" for endpoint in await endpoints()}
    for theirs, here, note in rows("Requests"):
        named = set(CODE.findall(theirs) + CODE.findall(here) + CODE.findall(note))
        assert named - WITHOUT_TABLE <= table


def test_each_part_of_the_page_is_found_by_its_words() -> None:
    catalogues = "".join(file.read_text() for file in WORDS.glob("*en.js"))
    words = set(re.findall(r"^  \"?([\w.]+)\"?: ", catalogues, re.MULTILINE))
    for _, _, named in rows("The page"):
        keys = set(CODE.findall(named))
        assert keys
        assert keys <= words
