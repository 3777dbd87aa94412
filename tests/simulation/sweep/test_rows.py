"""The file of a sweep: written as results come, continued, and never mixed with another question."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyarrow import parquet

from phaeton.simulation.csv_rows import InputError
from phaeton.simulation.question import Question, Task
from phaeton.simulation.result import Result, Setup
from phaeton.simulation.scope import SimulationError
from phaeton.simulation.sweep.rows import Row, RowFile, row_of, to_parquet
from phaeton.simulation.worth import Worth
from tests.simulation.days import config, evenings, hourly, summer

KEYS = ("auto.start_delay_s", "battery.priority")
RATES = Worth(unmet_per_kwh=0.5, stored_per_kwh=0.2)


@pytest.fixture(scope="module")
def result() -> Result:
    return Question(summer(4), evenings(4), hourly([0.3, 0.2] * 48), Setup()).answer(Task(config()))


@pytest.fixture
def rows(result: Result) -> list[Row]:
    return [row_of((str(n), "car"), result, RATES) for n in range(3)]


def test_a_row_holds_the_totals_the_compared_cost_and_that_of_each_week(result: Result) -> None:
    row = row_of(("60", "car"), result, RATES)
    assert row.figures["cost"] == result.totals.cost
    assert row.settled == pytest.approx(result.totals.cost + 0.5 * result.totals.unmet_kwh, abs=1e-5)
    assert sum(row.weeks.values()) == pytest.approx(row.settled, abs=1e-4)
    assert list(row.weeks) == ["2024-W22", "2024-W23"]


def test_what_was_written_is_read_again(tmp_path: Path, rows: list[Row]) -> None:
    path = tmp_path / "sweep.csv"
    with RowFile(path, "q", KEYS, resume=False) as file:
        for row in rows[:2]:
            file.add(row)
    with RowFile(path, "q", KEYS, resume=True) as file:
        assert list(file.rows.values()) == rows[:2]
        file.add(rows[2])
    whole = path.read_text()
    with RowFile(path, "q", KEYS, resume=True) as file:
        assert list(file.rows.values()) == rows
    assert path.read_text() == whole
    assert len(whole.splitlines()) == 4


def test_a_line_that_was_cut_is_done_again(tmp_path: Path, rows: list[Row]) -> None:
    path = tmp_path / "sweep.csv"
    with RowFile(path, "q", KEYS, resume=False) as file:
        for row in rows:
            file.add(row)
    whole = path.read_bytes()
    for cut in (1, 40, len(whole.splitlines(keepends=True)[-1]) - 1):
        path.write_bytes(whole[:-cut])
        with RowFile(path, "q", KEYS, resume=True) as file:
            assert list(file.rows.values()) == rows[:2]
            file.add(rows[2])
        assert path.read_bytes() == whole


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "sweep.csv"
    path.write_text("my shopping list\n")
    with pytest.raises(SimulationError, match="is there already: --resume goes on with it"):
        RowFile(path, "q", KEYS, resume=False)
    with pytest.raises(InputError, match="varies other settings than these"):
        RowFile(path, "q", KEYS, resume=True)
    assert path.read_text() == "my shopping list\n"


def test_another_question_and_broken_rows_are_refused(tmp_path: Path, rows: list[Row]) -> None:
    path = tmp_path / "sweep.csv"
    with RowFile(path, "q", KEYS, resume=False) as file:
        file.add(rows[0])
    with pytest.raises(InputError, match="row 2: was made from another history, other prices"):
        RowFile(path, "other", KEYS, resume=True)
    path.write_text(path.read_text() + "q,1\n")
    with pytest.raises(InputError, match="row 3: the row has another width"):
        RowFile(path, "q", KEYS, resume=True)


def test_parquet_holds_the_same_as_numbers(tmp_path: Path, rows: list[Row]) -> None:
    path, out = tmp_path / "sweep.rows.csv", tmp_path / "sweep.parquet"
    with RowFile(path, "0123", KEYS, resume=False) as file:
        for row in rows:
            file.add(row)
    to_parquet(path, out)
    table = parquet.read_table(out).to_pylist()
    assert [one["auto.start_delay_s"] for one in table] == [0, 1, 2]
    assert table[0]["question"] == "0123"
    assert table[0]["settled_cost"] == rows[0].settled
    assert table[0]["settled_2024-W23"] == rows[0].weeks["2024-W23"]
    assert [one.name for one in tmp_path.iterdir() if one.suffix == ".part"] == []
