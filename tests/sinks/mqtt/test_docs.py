"""The topics that docs/mqtt.md lists are those that the code publishes and takes."""

from __future__ import annotations

import re
from pathlib import Path

from phaeton.sinks.mqtt.commands import COMMANDS
from phaeton.sinks.mqtt.topics import POINT_TOPICS, SITE_TOPICS, Topic

DOCS = Path(__file__).parents[3] / "docs" / "mqtt.md"


def rows(first: str) -> list[list[str]]:
    """The cells of the table whose head begins so, without the head."""
    lines = DOCS.read_text(encoding="utf-8").splitlines()
    begins = next(number for number, line in enumerate(lines) if line.startswith(first))
    found = []
    for line in lines[begins + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return found


def told(topic: Topic[object]) -> str:
    if topic.power:
        return "when it moves by `min_change_w`"
    if topic.least is None:
        return "at once"
    return f"when it moves by {topic.least:g}" if topic.least else "when it changes"


def test_the_values_of_a_point() -> None:
    assert rows("| `phaeton/<point>/...` | unit") == [[f"`{t.name}`", t.unit, t.text, told(t)] for t in POINT_TOPICS]


def test_the_values_of_the_house() -> None:
    assert rows("| `phaeton/site/...`") == [[f"`{t.name}`", t.unit, t.text, told(t)] for t in SITE_TOPICS]


def test_the_orders() -> None:
    assert rows("| `phaeton/<point>/...` | takes") == [[f"`{c.name}/set`", c.text, f"`{c.example}`"] for c in COMMANDS]
