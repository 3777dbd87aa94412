"""What lies around the program: workflows, lists of libraries, the changelog."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted(ROOT.glob(".github/**/*.yml"))
UNPINNED = {"kia", "backup"}
"""Extras that no test and no bundle needs beside others."""
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *WORKFLOWS]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_can_be_read(file: Path) -> None:
    assert isinstance(yaml.safe_load(file.read_text()), dict)


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: file.name)
def test_only_commands_that_are_there_are_named(file: Path) -> None:
    commands = re.findall(r"^([a-z]+)\)$", (ROOT / "dev").read_text(), re.MULTILINE)
    assert set(re.findall(r"\./dev ([a-z]+)", file.read_text())) <= set(commands)


def test_each_library_that_is_asked_for_is_pinned_with_its_hashes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {"run": [*project["dependencies"], *project["optional-dependencies"]["build"]]}
    extras = [one for name, one in project["optional-dependencies"].items() if name not in UNPINNED]
    asked["develop"] = [*project["dependencies"], *(line for extra in extras for line in extra)]
    for name, lines in asked.items():
        text = (ROOT / "requirements" / f"{name}.txt").read_text()
        pinned = set(re.findall(r"^([a-z0-9-]+)==\S+(?: ;.*)? \\\n    --hash=sha256:", text, re.MULTILINE))
        wanted = {re.split(r"[^A-Za-z0-9_.-]", line)[0].lower().replace("_", "-") for line in lines}
        assert wanted <= pinned


def test_the_notes_of_a_release_are_its_part_of_the_changelog() -> None:
    def notes(version: str) -> str:
        return subprocess.run([ROOT / "dev", "notes", version], capture_output=True, text=True, check=True).stdout

    assert "### Added" in notes("Unreleased")
    assert notes("0.0.0") == ""
