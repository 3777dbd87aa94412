"""``phaeton simulate`` as a person runs it: a process, files in, files out, and words for what is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from phaeton.simulation.csv_rows import utc_text
from tests.simulation.tables import JUNE_S, table

HOUR = 3600
TOTALS = {
    "ev_kwh",
    "ev_from_pv_kwh",
    "ev_from_battery_kwh",
    "ev_from_grid_kwh",
    "import_kwh",
    "export_kwh",
    "cost",
    "ev_cost",
    "self_consumption_pct",
    "unmet_kwh",
    "late_min",
    "starts",
    "phase_switches",
    "setpoint_writes",
    "battery_throughput_kwh",
}


def simulate(*arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "phaeton", "simulate", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, env={**os.environ, **environ}, check=False
    )


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Two days with sun from 8 to 18 o'clock."""
    rows = [(900 * n, 6000 if 8 <= (n / 4) % 24 < 18 else 0, 400 + (n % 4)) for n in range(2 * 96)]
    return table(tmp_path / "house.csv.gz", "time,pv_w,load_w", rows)


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    return table(tmp_path / "prices.csv", "start,price_per_kwh", [(HOUR * n, 0.25) for n in range(48)])


@pytest.fixture
def sessions(tmp_path: Path) -> Path:
    rows = [(HOUR * 9, utc_text(JUNE_S + HOUR * 15), 12), (HOUR * 40, utc_text(JUNE_S + HOUR * 46), 30)]
    return table(tmp_path / "stays.csv", "arrival,departure,energy_kwh", rows)


def test_it_writes_the_result_and_the_page(tmp_path: Path, history: Path, prices: Path, sessions: Path) -> None:
    found, page = tmp_path / "out.json", tmp_path / "out.html"
    done = simulate(
        "--history", history, "--prices", prices, "--sessions", sessions, "--step", "10s", "--texture", "--seed", 3,
        "--battery-kwh", 5, "--set", "auto.start_delay_s=60", "--set", "site.timezone=Europe/Amsterdam",
        "--json", found, "--html", page,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(found.read_text())
    assert result["schema"] == "phaeton-simulation/1"
    assert {"steps", "wall_s", "steps_per_s", "config", "gaps", "totals", "months", "sessions"} <= result.keys()
    assert result["totals"].keys() == TOTALS
    assert [one.keys() - TOTALS for one in result["months"]] == [{"month"}]
    assert {"arrival", "departure", "wanted_kwh"} <= result["sessions"][0].keys() - TOTALS
    assert (result["steps"], result["not_valid"]) == (2 * 8640, [])
    assert result["config"]["auto"]["start_delay_s"] == 60
    assert result["sessions"][0]["ev_kwh"] == 12.0
    assert result["sessions"][0]["arrival"] == "2024-06-01T09:00:00Z"
    assert "kWh: " in done.stdout
    assert "1 of 2 stays missed" in done.stdout
    html = page.read_text()
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert "<script src" not in html


def test_without_prices_and_sessions_it_says_what_it_assumed(history: Path) -> None:
    done = simulate("--history", history, "--daily-kwh", "7")
    assert done.returncode == 0
    assert "note: Without --prices a kWh costs 0.25 EUR and brings 0.08" in done.stdout
    assert "wants 7 kWh each day" in done.stdout
    assert "not valid" in done.stdout


def test_the_result_may_go_to_standard_output(history: Path) -> None:
    done = simulate("--history", history, "--json", "-", "--start", "2024-06-01T12:00", "--end", "2024-06-02")
    result = json.loads(done.stdout)
    assert result["run"]["start"] <= "2024-06-01T12:00:00Z"


def test_the_configuration_of_the_daemon_is_used_and_the_environment_is_not(tmp_path: Path, history: Path) -> None:
    path = tmp_path / "phaeton_config.yaml"
    path.write_text("charger: 192.0.2.10\nauto:\n  rest_s: 77\n")
    found = tmp_path / "out.json"
    done = simulate(
        "--history", history, "-c", path, "--set", "chargers[0].limits.max_phases=1", "--json", found,
        PHAETON_AUTO__REST_S="99",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    config = json.loads(found.read_text())["config"]
    assert (config["auto"]["rest_s"], config["chargers"][0]["limits"]["max_phases"]) == (77, 1)


@pytest.mark.parametrize(
    ("arguments", "phrase"),
    [
        (("--set", "auto.start_dely_s=60"), "--set auto.start_dely_s=60: auto.start_dely_s: is no key of the"),
        (("--set", "auto.start_dely_s=60"), "Did you mean auto.start_delay_s?"),
        (("--set", "auto.start_delay_s"), "has no value"),
        (("--set", "auto.start_delay_s=soon"), "--set auto.start_delay_s: auto.start_delay_s = soon: must be a number"),
        (("--step", "45s"), "'45s' must be one of 1s, 2s"),
        (("--start", "soon"), "--start soon: write 2024-06-01"),
        (("--start", "2025-01-01"), "nothing of the history lies within the time"),
        (("--sessions", "nowhere.csv"), "nowhere.csv: cannot be read"),
        (("--daily-kwh", "-3"), "-3 must be 0 or more"),
        (("--config", "nowhere.yaml"), "there is no such file"),
        (("--json", "nowhere/out.json"), "nowhere/out.json cannot be written: there is no folder nowhere. Make it"),
        (("--html", "nowhere/out.html"), "nowhere/out.html cannot be written: there is no folder nowhere. Make it"),
    ],
)
def test_what_is_wrong_is_said_in_words(history: Path, arguments: tuple[str, ...], phrase: str) -> None:
    done = simulate("--history", history, *arguments)
    assert done.returncode == 2
    assert phrase in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_row_is_named(tmp_path: Path) -> None:
    path = table(tmp_path / "house.csv", "time,pv_w,load_w", [(0, 1, 400), (900, -2, 400), (1800, 1, 400)])
    done = simulate("--history", path)
    assert done.returncode == 2
    assert f"{path}, row 3, column pv_w: -2 W is negative" in done.stderr


RECORDINGS = Path(__file__).parents[1] / "recordings"


def test_what_the_daemon_recorded_is_a_history_too(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    done = simulate("--history", RECORDINGS / "outages.phaeton", "--step", "10s", "--daily-kwh", 40, "--json", out)
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(out.read_text())
    assert (result["run"]["data_s"], result["not_valid"]) == (1.0, [])
    assert 80 < result["steps"] <= 110
    (outage,) = [gap for gap in result["gaps"] if gap["hours"] * 3600 > 90]
    assert outage["why"] == "not recorded"
    assert result["totals"]["export_kwh"] > 0.5


@pytest.mark.parametrize(
    ("names", "phrase"),
    [
        (("nowhere.phaeton",), "nowhere.phaeton: cannot be read: No such file"),
        (("cloud.phaeton", "house.csv"), "give recordings of Phaeton or CSV files, not both"),
        (("broken.phaeton",), "broken.phaeton: "),
    ],
)
def test_recordings_that_cannot_be_used_are_named(tmp_path: Path, names: tuple[str, ...], phrase: str) -> None:
    (tmp_path / "broken.phaeton").write_text("no recording")
    done = simulate("--history", *(tmp_path / name for name in names))
    assert done.returncode == 2
    assert phrase in done.stderr
    assert "Traceback" not in done.stderr
