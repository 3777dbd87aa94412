"""The examples of docs/extending.md: each block of a chapter is run after the others of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from phaeton.cli import main

TEXT = (Path(__file__).parents[1] / "docs" / "extending.md").read_text()
CHAPTERS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))


def blocks(chapter: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", CHAPTERS[chapter], re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("chapter", ["A source of prices", "A car", "A strategy"])
def test_an_example_does_what_it_says(chapter: str) -> None:
    found = blocks(chapter, "python")
    assert len(found) == 2
    names: dict[str, object] = {"__name__": "example"}
    for number, block in enumerate(found):
        exec(compile(block, f"{chapter}, block {number}", "exec"), names)


def test_the_example_of_a_profile_is_sound(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = blocks("A charger", "yaml")
    file = tmp_path / "my_alfen.yaml"
    file.write_text(block)
    assert main(["profile", "check", str(file)]) == 0
    assert "my_alfen" in capsys.readouterr().out


def test_no_block_is_left_out() -> None:
    assert len(re.findall("^```[a-z]+$", TEXT, re.MULTILINE)) == 7
