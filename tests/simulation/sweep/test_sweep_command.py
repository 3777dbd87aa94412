"""``phaeton sweep`` as a person runs it: on the cores, on a cluster, ended in the middle and gone on with."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyarrow import parquet

from tests.simulation.commands import all_files, house_file, phaeton

SPACE = ["--set-range", "auto.start_delay_s=0..120:60", "--set-choice", "battery.priority=car,battery"]
WAIT_S = 60.0


def settled(path: Path) -> dict[tuple[str, str], str]:
    with path.open(newline="") as file:
        return {
            (row["auto.start_delay_s"], row["battery.priority"]): row["settled_cost"] for row in csv.DictReader(file)
        }


def options(folder: Path, days: int = 4) -> list[object]:
    return ["sweep", *all_files(folder, days), "--battery-kwh", 4, *SPACE]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("sweep")
    out = folder / "sweep.csv"
    return out, phaeton(*options(folder), "--out", out)


def test_each_combination_has_a_row_and_the_best_is_named(
    done: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    out, result = done
    assert (result.returncode, result.stderr) == (0, "")
    costs = settled(out)
    assert set(costs) == {(delay, who) for delay in ("0", "60", "120") for who in ("car", "battery")}
    assert result.stdout.splitlines()[0].startswith(("Best of 6: ", "Your present settings"))
    assert "What each setting matters" in result.stdout
    assert "show no clouds" in result.stdout


def test_going_on_with_a_finished_sweep_runs_nothing_and_says_the_same(
    done: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    out, first = done
    before = out.read_bytes()
    again = phaeton(*options(tmp_path), "--out", out, "--resume")
    assert again.stdout == first.stdout
    assert out.read_bytes() == before
    refused = phaeton(*options(tmp_path), "--out", out)
    assert refused.returncode == 2
    assert "is there already: --resume goes on with it" in refused.stderr
    other = phaeton(*options(tmp_path), "--out", out, "--resume", "--set", "auto.rest_s=60")
    assert other.returncode == 2
    assert "was made from another history, other prices, stays, house or settings" in other.stderr


def written(out: Path) -> bytes:
    """What is in the file; nothing while it is not there, or was only tried."""
    try:
        return out.read_bytes()
    except FileNotFoundError:
        return b""


def test_a_sweep_that_was_killed_goes_on_where_it_was(
    done: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    out = tmp_path / "sweep.csv"
    command = [sys.executable, "-m", "phaeton", *map(str, options(tmp_path)), "--out", str(out), "--jobs", "1"]
    with subprocess.Popen(command, start_new_session=True) as running:
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until and written(out).count(b"\n") < 3:
            os.sched_yield()
        os.killpg(running.pid, signal.SIGKILL)
    kept = out.read_bytes()
    assert 3 <= kept.count(b"\n") < 7
    result = phaeton(*options(tmp_path), "--out", out, "--resume")
    assert result.returncode == 0
    assert out.read_bytes().startswith(kept[: kept.rfind(b"\n") + 1])
    assert settled(out) == settled(done[0])


def test_ctrl_c_says_how_to_go_on(tmp_path: Path) -> None:
    out = tmp_path / "sweep.csv"
    command = [sys.executable, "-m", "phaeton", *map(str, options(tmp_path, 20)), "--out", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as running:
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until and not written(out):
            os.sched_yield()
        os.killpg(running.pid, signal.SIGINT)
        try:
            _, said = running.communicate(timeout=WAIT_S)
        finally:
            running.kill()
    assert running.returncode == 1
    assert "stopped; --resume goes on from what is in" in said
    assert "Traceback" not in said


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.simulation.sweep.cluster"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdin is not None
        yield running.stdout.readline().strip()
        running.stdin.close()


def test_a_cluster_finds_the_same_and_parquet_holds_it(
    done: tuple[Path, subprocess.CompletedProcess[str]], cluster: str, tmp_path: Path
) -> None:
    out = tmp_path / "sweep.parquet"
    result = phaeton(*options(tmp_path), "--cluster", cluster, "--out", out)
    assert result.returncode == 0, result.stderr
    assert settled(tmp_path / "sweep.rows.csv") == settled(done[0])
    assert result.stdout == done[1].stdout
    rows = parquet.read_table(out).to_pylist()
    assert len(rows) == 6
    assert {row["battery.priority"] for row in rows} == {"car", "battery"}


def test_a_cluster_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = phaeton(*options(tmp_path), "--cluster", "nonsense://127.0.0.1:1", "--out", tmp_path / "a.csv")
    assert result.returncode == 2
    assert "no Dask scheduler answers at nonsense://127.0.0.1:1" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("missing", "arguments", "phrase"),
    [
        ("distributed", ("--cluster", "tcp://127.0.0.1:1", "--out", "a.csv"), "pip install 'phaeton[cluster]'"),
        ("pyarrow", ("--out", "a.parquet"), "pip install 'phaeton[parquet]'"),
    ],
)
def test_optional_parts_that_are_missing_are_named(
    tmp_path: Path, missing: str, arguments: tuple[str, ...], phrase: str
) -> None:
    hidden = tmp_path / "hidden" / missing
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text(f"raise ModuleNotFoundError('No module', name={missing!r})\n")
    where = [str(tmp_path / one) if one.startswith("a.") else one for one in arguments]
    result = phaeton(*options(tmp_path), *where, PYTHONPATH=str(hidden.parent))
    assert result.returncode == 2
    assert phrase in result.stderr


def test_samples_are_drawn(tmp_path: Path) -> None:
    out = tmp_path / "sweep.csv"
    result = phaeton(
        "sweep", "--history", house_file(tmp_path, 2), "--set-range", "auto.rest_s=0..600", "--samples", 3,
        "--seed", 5, "--out", out,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert len(out.read_text().splitlines()) == 1 + 1 + 3
    assert "How sure that is cannot be told from" in result.stdout or "as good as the best" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "phrase"),
    [
        (("--set-range", "auto.rest_z=0..9:3"), "--set auto.rest_z=0: auto.rest_z: is no key of the configuration"),
        (("--set-choice", "battery.priority=car,dog"), "battery.priority = dog"),
        ((), "nothing is varied"),
        (("--set-range", "auto.rest_s=0..600"), "give it a step"),
        (("--set-range", "auto.rest_s=0..600:60", "--samples", "x"), "'x' must be a whole number"),
    ],
)
def test_what_is_wrong_is_said_in_words(tmp_path: Path, arguments: tuple[str, ...], phrase: str) -> None:
    result = phaeton("sweep", "--history", house_file(tmp_path, 1), *arguments, "--out", tmp_path / "a.csv")
    assert result.returncode == 2
    assert phrase in result.stderr
    assert not (tmp_path / "a.csv").exists()


def test_a_result_needs_a_place(tmp_path: Path) -> None:
    result = phaeton("sweep", "--history", house_file(tmp_path, 1), *SPACE, "--out", tmp_path / "a.xlsx")
    assert "let it end in .csv or .parquet" in result.stderr
    nowhere = phaeton("sweep", "--history", house_file(tmp_path, 1), *SPACE, "--out", tmp_path / "no" / "a.csv")
    assert (nowhere.returncode, "cannot be written" in nowhere.stderr) == (2, True)
