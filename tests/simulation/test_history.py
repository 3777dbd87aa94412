"""Histories from CSV files: even cells with the same energy, named gaps, and a clear word about what is wrong."""

from __future__ import annotations

import pickle
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phaeton.simulation.csv_rows import InputError
from phaeton.simulation.history import History, read_history
from phaeton.simulation.resampling import Row, rhythm, runs
from tests.simulation.tables import JUNE_S, at, table

HEADER = "time,pv_w,load_w"


def cells(history: History) -> list[tuple[float, float, float]]:
    """Start (seconds after JUNE_S), PV and load of each cell."""
    return [
        (chunk.start_s - JUNE_S + index * history.cell_s, pv_w, load_w)
        for span in history.spans
        for chunk in history.chunks(span, -1e18, 1e18)
        for index, (pv_w, load_w) in enumerate(zip(chunk.pv_w, chunk.load_w, strict=True))
    ]


def test_even_rows_become_cells_of_their_own_length(tmp_path: Path) -> None:
    path = table(tmp_path / "h.csv", HEADER, [(0, 1000, 300), (600, 2000, 310), (1200, 1500, 320)])
    history = read_history([path], 60.0)
    assert (history.cell_s, history.data_s, history.gaps, history.notes) == (600.0, 600.0, (), ())
    assert cells(history) == [(0, 1000, 300), (600, 2000, 310), (1200, 1500, 320)]


def test_finer_rows_are_averaged_over_the_step(tmp_path: Path) -> None:
    path = table(tmp_path / "h.csv.gz", HEADER, [(10 * n, 100 * n, 300 + n) for n in range(12)])
    assert cells(read_history([path], 60.0)) == [(0, 250, 302.5), (60, 850, 308.5)]


def test_rows_beside_the_step_count_by_their_part_of_it(tmp_path: Path) -> None:
    path = table(tmp_path / "h.csv", HEADER, [(45, 600, 200), (105, 1200, 200), (165, 1800, 200), (225, 0, 200)])
    history = read_history([path], 60.0)
    assert cells(history) == [
        (60, 600 * 0.75 + 1200 * 0.25, 200),
        (120, 1200 * 0.75 + 1800 * 0.25, 200),
        (180, 1350, 200),
    ]


def test_rows_that_come_unevenly_hold_until_the_next_and_that_is_said(tmp_path: Path) -> None:
    path = table(tmp_path / "h.csv", HEADER, [(0, 100, 10), (7, 200, 10), (20, 300, 10), (30, 400, 101), (37, 0, 10)])
    history = read_history([path], 10.0)
    assert cells(history)[:2] == [(0, 130, 10), (10, 200, 10)]
    assert "unevenly" in history.notes[0]


def test_gaps_are_named_and_left_out(tmp_path: Path) -> None:
    rows = [(0, 100, 10), (60, 100, 10), (240, 100, 101), (300, "", 10), (360, "", ""), (420, 100, 10)]
    rows += [(480 + 60 * n, 100, 10) for n in range(20)]
    history = read_history([table(tmp_path / "h.csv", HEADER, rows)], 60.0)
    found = [(gap.start_s - JUNE_S, gap.end_s - JUNE_S, gap.why) for gap in history.gaps]
    assert found == [(120, 240, "no rows"), (300, 420, "pv_w empty")]
    assert [(span.start_s - JUNE_S, span.count) for span in history.spans] == [(0, 2), (240, 1), (420, 21)]


def test_a_cell_that_is_known_in_part_is_a_gap(tmp_path: Path) -> None:
    rows = [(n, 100, 150) for n in range(90)] + [(n, 100, 150) for n in range(100, 240)]
    history = read_history([table(tmp_path / "h.csv", HEADER, rows)], 60.0)
    assert [(gap.start_s - JUNE_S, gap.end_s - JUNE_S) for gap in history.gaps] == [(60, 120)]


def test_files_with_the_same_columns_follow_each_other(tmp_path: Path) -> None:
    june = table(tmp_path / "june.csv", HEADER, [(60 * n, 100 + n, 300) for n in range(3)])
    later = table(tmp_path / "later.csv", HEADER, [(60 * n, 100 + n, 300) for n in range(5, 8)])
    history = read_history([later, june], 60.0)
    assert [start for start, _, _ in cells(history)] == [0, 60, 120, 300, 360, 420]
    assert len(history.gaps) == 1


def test_files_with_different_columns_are_joined_where_both_know(tmp_path: Path) -> None:
    sun = table(tmp_path / "sun.csv", "time,pv_w", [(60 * n, 500 * n) for n in range(6)])
    house = table(tmp_path / "house.csv", "time,load_w", [(120 * n, 200 + n) for n in range(1, 5)])
    history = read_history([sun, house], 60.0)
    assert cells(history) == [(120, 1000, 201), (180, 1500, 201), (240, 2000, 202), (300, 2500, 202)]


@pytest.mark.parametrize(
    ("header", "values", "pv_w", "load_w"),
    [
        ("time,pv_w,grid_w", (3000, -2200), 3000, 800),
        ("time,load_w,grid_w", (800, -2200), 3000, 800),
        ("time,grid_w", (-2200,), 2200, 0),
        ("time,grid_w", (900,), 0, 900),
        ("time,pv_w,grid_w,battery_w", (3000, -200, 2000), 3000, 800),
        ("time,grid_w,battery_w", (-200, 2000), 2200, 0),
        ("time,load_w", (800,), 0, 800),
        ("time,pv_w,load_w,grid_w", (3000, 800, 770), 3000, 800),
    ],
)
def test_load_and_pv_follow_from_what_was_measured(
    tmp_path: Path, header: str, values: Sequence[float], pv_w: float, load_w: float
) -> None:
    path = table(tmp_path / "h.csv", header, [(60 * n, *values) for n in range(3)])
    assert cells(read_history([path], 60.0))[0] == (0, pv_w, load_w)


def test_columns_that_are_not_needed_may_have_holes(tmp_path: Path) -> None:
    header = "time,pv_w,load_w,grid_w,battery_w"
    path = table(tmp_path / "h.csv", header, [(0, 900, 300, "", ""), (60, 800, 300, 1, ""), (120, 700, 300, "", 5)])
    history = read_history([path], 60.0)
    assert (len(cells(history)), history.gaps) == (3, ())
    assert "--battery-kwh" in history.notes[0]


def test_a_file_that_is_not_needed_is_refused(tmp_path: Path) -> None:
    house = table(tmp_path / "house.csv", HEADER, [(0, 900, 300), (60, 800, 300)])
    grid = table(tmp_path / "grid.csv", "time,grid_w", [(0, 900), (60, 800)])
    with pytest.raises(InputError, match=r"grid\.csv, row 1: grid_w is not needed beside the other files"):
        read_history([house, grid], 60.0)


def test_a_grid_alone_is_used_and_its_limits_are_said(tmp_path: Path) -> None:
    path = table(tmp_path / "h.csv", "time,grid_w", [(0, 900), (60, -900), (120, 5)])
    assert any("only the grid" in note for note in read_history([path], 60.0).notes)


def test_meters_that_disagree_a_little_are_reported(tmp_path: Path) -> None:
    path = table(tmp_path / "h.csv", "time,pv_w,grid_w", [(0, 3000, -3040), (60, 3000, -2000), (120, 3000, -2000)])
    history = read_history([path], 60.0)
    assert cells(history)[0] == (0, 3000, 0)
    assert any("in 1 cells (at least -40 W)" in note for note in history.notes)


def test_the_phases_of_load_and_pv_are_kept_as_shares(tmp_path: Path) -> None:
    header = "time,pv_w,load_w,load_l1_w,load_l2_w,load_l3_w"
    path = table(tmp_path / "h.csv", header, [(0, 0, 400, 100, 300, 0), (60, 0, 0, 0, 0, 0)])
    history = read_history([path], 60.0)
    chunk = next(history.chunks(history.spans[0], -1e18, 1e18))
    assert [list(share) for share in chunk.shares[:3]] == [[0.25, 1 / 3], [0.75, 1 / 3], [0, 1 / 3]]
    assert [share[0] for share in chunk.shares[3:]] == [1 / 3, 1 / 3, 1 / 3]


BAD = {
    "duplicate": (HEADER, [(0, 1, 200), (60, 1, 200), (60, 1, 200)], 4, "time", "there already, in row 3"),
    "unsorted": (HEADER, [(0, 1, 200), (120, 1, 200), (60, 1, 200)], 4, "time", "earlier than row 3"),
    "local time": (HEADER, [(0, 1, 200), ("2024-06-01T00:01:00", 1, 200)], 3, "time", "has no time zone"),
    "no time": (HEADER, [(0, 1, 200), ("1.6.2024 10:00", 1, 200)], 3, "time", "is no time"),
    "negative PV": (HEADER, [(0, 1, 200), (60, 900, 200), (120, -3.5, 200)], 4, "pv_w", "-3.5 W is negative"),
    "negative load": (HEADER, [(0, 1, 200), (60, 1, -200)], 3, "load_w", "-200 W is negative"),
    "kW": (HEADER, [(0, 0, 0.3), (60, 5.25, 0.4), (120, 4.1, 0.3)], 3, "pv_w", "5.25, which looks like kW"),
    "kW of the grid": ("time,grid_w", [(0, 0.3), (60, -5.25)], 3, "grid_w", "5.25, which looks like kW"),
    "mW": (HEADER, [(0, 1, 200), (60, 4_200_000, 200)], 3, "pv_w", "more than a house has"),
    "word": (HEADER, [(0, 1, 200), (60, "unavailable", 200)], 3, "pv_w", "'unavailable' is no number"),
    "not a number": (HEADER, [(0, 1, 200), (60, "nan", 200)], 3, "pv_w", "'nan' is no number"),
    "infinite": (HEADER, [(0, 1, 200), (60, 1, "inf")], 3, "load_w", "'inf' is no number"),
    "comma": (HEADER, [(0, 1, 200), (60, '"1,5"', 200)], 3, "pv_w", "a point, not a comma"),
    "too few cells": (HEADER, [(0, 1, 200), (60, 1)], 3, "", "has 2 cells, the header has 3"),
    "wrong columns": (
        "time,solar,usage",
        [(0, 1, 200), (60, 1, 200)],
        1,
        "",
        "there is neither pv_w and load_w nor grid_w",
    ),
    "no time column": ("timestamp,pv_w,load_w", [(0, 1, 200)], 1, "", "no column 'time'"),
    "column twice": ("time,pv_w,pv_w", [(0, 1, 200)], 1, "pv_w", "is there twice"),
    "semicolons": ("time;pv_w;load_w", [], 1, "", "separated by ;"),
    "one row": (HEADER, [(0, 1, 200)], None, "", "fewer than two rows"),
    "PV alone": ("time,pv_w", [(0, 1), (60, 200)], None, "", "not what the house draws"),
    "grid of the wrong sign": ("time,pv_w,grid_w", [(0, 100, -4000), (60, 100, -4000)], None, "load_w", "-3900 W"),
    "nothing known": (HEADER, [(0, "", 200), (60, "", 200), (120, "", 200)], None, "", "no time that is known"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_said_with_its_row_and_column(tmp_path: Path, case: str) -> None:
    header, rows, row, column, phrase = BAD[case]
    path = table(tmp_path / "house.csv", header, rows)
    with pytest.raises(InputError) as raised:
        read_history([path], 60.0)
    assert (raised.value.row, raised.value.column) == (row, column)
    text = str(raised.value)
    assert phrase in text
    assert text.startswith(str(path))
    assert row is None or f"row {row}" in text


def test_a_small_house_may_be_trusted(tmp_path: Path) -> None:
    path = table(tmp_path / "boat.csv", HEADER, [(0, 5, 20), (60, 7, 30)])
    assert read_history([path], 60.0, trust_units=True).columns.rows == 2


@pytest.mark.parametrize(
    ("content", "phrase"),
    [
        (b"", "is empty"),
        (b"time,pv_w,load_w\n2024-06-01T00:00:00Z,\xff,1\n", "no UTF-8"),
        (b"\x1f\x8b\x08\x00broken", "cannot be read"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, content: bytes, phrase: str) -> None:
    path = tmp_path / "house.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=phrase):
        read_history([path], 60.0)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.csv: cannot be read: No such file"):
        read_history([tmp_path / "nowhere.csv"], 60.0)


def test_the_same_time_in_two_files_is_refused(tmp_path: Path) -> None:
    one = table(tmp_path / "one.csv", HEADER, [(0, 1, 200), (60, 1, 200)])
    two = table(tmp_path / "two.csv", HEADER, [(60, 1, 200), (120, 1, 200)])
    with pytest.raises(InputError, match=r"two.csv, row 2, column time: .* is in an earlier file already"):
        read_history([one, two], 60.0)


def test_a_column_in_two_kinds_of_files_is_refused(tmp_path: Path) -> None:
    one = table(tmp_path / "one.csv", HEADER, [(0, 1, 200), (60, 1, 200)])
    two = table(tmp_path / "two.csv", "time,pv_w", [(0, 1), (60, 1)])
    with pytest.raises(InputError, match=r"two.csv, row 1, column pv_w: .*one.csv has this column too"):
        read_history([one, two], 60.0)


def test_a_history_goes_to_another_process_by_its_file(tmp_path: Path) -> None:
    path = table(tmp_path / "h.csv", HEADER, [(60 * n, 10 * n, 300) for n in range(100)])
    history = read_history([path], 60.0)
    copy = pickle.loads(pickle.dumps(history))
    assert cells(copy) == cells(history)
    kept = Path(history.columns.path)
    copy.columns.close()
    assert kept.exists()
    history.columns.close()
    assert not kept.exists()


def test_the_memory_is_flat_with_the_length_of_the_history(tmp_path: Path) -> None:
    short = table(tmp_path / "short.csv", HEADER, [(60 * n, n % 4000, 300) for n in range(10_000)])
    long = table(tmp_path / "long.csv", HEADER, [(60 * n, n % 4000, 300) for n in range(40_000)])

    def peak(path: Path) -> int:
        tracemalloc.start()
        history = read_history([path], 60.0)
        for span in history.spans:
            for _ in history.chunks(span, -1e18, 1e18):
                pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(long) < peak(short) + 200_000


@given(
    st.lists(st.tuples(st.integers(1, 700), st.floats(0, 9000)), min_size=2, max_size=40),
    st.sampled_from([1.0, 10.0, 60.0, 900.0]),
)
def test_resampling_neither_wins_nor_loses_energy(steps: list[tuple[int, float]], cell_s: float) -> None:
    rows, start_s = [], JUNE_S
    for line, (step_s, power_w) in enumerate(steps):
        rows.append(Row(line, start_s, (power_w,)))
        start_s += step_s
    usual = rhythm([row.start_s for row in rows])
    known = {}
    for run in runs(iter(rows), usual, ["pv_w"], cell_s):
        if run.values is not None:
            for cell in range(run.first, run.first + run.cells):
                assert cell not in known
                known[cell] = run.values[0]
    ends_s = [row.start_s for row in rows[1:]] + [rows[-1].start_s + usual.interval_s]
    for cell, mean_w in known.items():
        total = 0.0
        for row, next_s in zip(rows, ends_s, strict=True):
            end_s = next_s if next_s - row.start_s <= usual.hold_s else row.start_s + usual.interval_s
            part_s = min(end_s, (cell + 1) * cell_s) - max(row.start_s, cell * cell_s)
            total += max(0.0, part_s) * (row.values[0] or 0.0)
        assert mean_w * cell_s == pytest.approx(total, abs=1e-3)


def test_times_may_have_offsets(tmp_path: Path) -> None:
    path = table(tmp_path / "h.csv", HEADER, [("2024-06-01T02:00:00+02:00", 100, 200), (60, 2, 200)])
    assert [start for start, _, _ in cells(read_history([path], 60.0))] == [0, 60]
    assert at(0) == "2024-06-01T00:00:00Z"
