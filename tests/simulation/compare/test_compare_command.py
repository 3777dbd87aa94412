"""``phaeton compare`` as a person runs it: a process, files in, files out, and words for what is wrong."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

import pytest

from tests.simulation.commands import all_files, house_file, phaeton

STRATEGIES = ["immediate", "windows", "forerunner_auto", "auto", "price_plan"]


def test_it_writes_the_comparison_and_tells_it_in_a_table(tmp_path: Path) -> None:
    out, html = tmp_path / "out.json", tmp_path / "out.html"
    done = phaeton(
        "compare", *all_files(tmp_path, 4), "--battery-kwh", 5, "--set", "site.timezone=Europe/Amsterdam",
        "--also", "sooner", "auto.start_delay_s=0", "auto.rest_s=0", "--json", out, "--html", html,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(out.read_text())
    assert found["schema"] == "phaeton-comparison/1"
    assert list(found["runs"]) == [*STRATEGIES, "sooner"]
    assert {one["schema"] for one in found["runs"].values()} == {"phaeton-simulation/1"}
    assert found["runs"]["sooner"]["config"]["auto"]["rest_s"] == 0
    assert found["runs"]["auto"]["config"]["auto"]["rest_s"] == 300
    assert found["bound"]["totals"].keys() == found["runs"]["auto"]["totals"].keys()
    assert found["outcomes"]["bound"]["share_pct"] == 100.0
    assert found["outcomes"]["price_plan"]["goals_missed"] == 0
    least = min(one["settled_cost"] for one in found["outcomes"].values())
    assert found["outcomes"]["bound"]["settled_cost"] == least
    for title in (
        "Immediate",
        "Fixed windows",
        "Forerunner's auto",
        "Auto",
        "Price plan",
        "sooner",
        "Perfect foresight",
    ):
        assert any(line.startswith(title) for line in done.stdout.splitlines())
        assert f"<b>{escape(title)}</b>" in html.read_text()
    assert "<code>auto.rest_s</code></th><td class=left>0" in html.read_text()
    assert "http" not in html.read_text().replace("http://www.w3.org", "")
    assert "note: A kWh that is missing at a departure counts with 0.450 EUR" in done.stdout


def test_without_the_optional_part_it_compares_without_the_bound_and_says_how_to_get_it(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden" / "scipy"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ModuleNotFoundError('No module named scipy', name='scipy')\n")
    out = tmp_path / "out.json"
    done = phaeton("compare", *all_files(tmp_path, 3), "--json", out, PYTHONPATH=str(hidden.parent))
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(out.read_text())
    assert found["bound"] is None
    assert found["outcomes"]["auto"]["share_pct"] is None
    assert list(found["runs"]) == STRATEGIES
    assert "pip install 'phaeton[bound]'" in done.stdout


def test_another_configuration_file_can_be_compared(tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("charger: {host: 192.0.2.1, initial: {mode: manual, set_current_a: 8}}\n")
    done = phaeton("compare", "--history", house_file(tmp_path, 2), "--also", "slow", other, "--json", "-")
    found = json.loads(done.stdout)
    assert found["runs"]["slow"]["config"]["chargers"][0]["initial"]["set_current_a"] == 8
    assert found["outcomes"]["slow"]["ev_kwh"] == pytest.approx(found["outcomes"]["immediate"]["ev_kwh"])
    assert any("Without --sessions" in note for note in found["notes"])


@pytest.mark.parametrize(
    ("arguments", "phrase"),
    [
        (("--also", "auto", "auto.rest_s=1"), "--also auto: give it a name of its own"),
        (("--also", "auto.rest_s=1"), "--also auto.rest_s=1: give it a name of its own"),
        (("--also", "x", "one.yaml", "other.yaml"), "--also x: one configuration file at most"),
        (("--also", "x", "auto.rest_z=1"), "Did you mean auto.rest_s?"),
        (("--set", "auto.rest_z=1"), "Did you mean auto.rest_s?"),
        (("--jobs", "0"), "'0' must be a whole number from 1 up"),
        (("--unmet-price", "-1"), "-1 must be 0 or more"),
        (("--json", "nowhere/out.json"), "nowhere/out.json cannot be written: there is no folder nowhere. Make it"),
        (("--html", "nowhere/out.html"), "nowhere/out.html cannot be written: there is no folder nowhere. Make it"),
        (("--html", "/"), "/ cannot be written: it is a folder. Give the name of a file in it"),
    ],
)
def test_what_is_wrong_is_said_in_words(tmp_path: Path, arguments: tuple[str, ...], phrase: str) -> None:
    done = phaeton("compare", "--history", house_file(tmp_path, 1), *arguments)
    assert done.returncode == 2
    assert phrase in done.stderr
    assert "Traceback" not in done.stderr


def test_what_cannot_be_written_is_said_before_anything_is_read(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    kept.write_text("what was there")
    done = phaeton("compare", "--history", "none.csv", "--json", kept, "--html", tmp_path / "nowhere" / "out.html")
    assert done.returncode == 2
    assert "out.html cannot be written" in done.stderr
    assert "none.csv" not in done.stderr
    assert kept.read_text() == "what was there"


def test_prices_of_another_time_are_refused(tmp_path: Path) -> None:
    files = all_files(tmp_path, 2)
    files[1] = house_file(tmp_path, 9)
    done = phaeton("compare", *files)
    assert done.returncode == 2
    assert "costs cannot be compared without prices" in done.stderr
