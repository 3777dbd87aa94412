"""Whatever lies in the tables of a simulation: they are read, or refused with the file, the row and the column."""

from __future__ import annotations

import gzip
from math import isfinite
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phaeton.simulation.csv_rows import InputError
from phaeton.simulation.history import History, read_history

cell = (
    st.sampled_from(["", "2024-06-01T00:00:00Z", "2024-06-01T00:01:00Z", "2024-06-01 00:02", "1717200000", "nan", "-5"])
    | st.integers(-10, 10**7).map(str)
    | st.floats().map(str)
    | st.text("0123456789.,;-+eE:TZ \"'\x00é", max_size=8)
)
header = st.sampled_from(
    ["time,pv_w,load_w", "time,pv_w,grid_w", "time,load_w,pv_w,battery_w", "pv_w,time", "time;pv_w"]
)
table = st.builds(
    lambda head, rows, end: (head + end + end.join(",".join(row) for row in rows)).encode(),
    header,
    st.lists(st.lists(cell, min_size=1, max_size=4), max_size=8),
    st.sampled_from(["\n", "\r\n", "\n\n"]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table | st.binary(max_size=200) | table.map(gzip.compress))
def test_any_history_is_read_or_refused_by_its_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "history.csv"
    path.write_bytes(content)
    found: list[History] = []
    refused = "history.csv"
    try:
        found.append(read_history([path], 60.0))
    except InputError as error:
        refused = str(error)
    assert "history.csv" in refused
    for history in found:
        for span in history.spans:
            for chunk in history.chunks(span, -1e18, 1e18):
                assert all(isfinite(w) for w in (*chunk.pv_w, *chunk.load_w))


def test_the_tables_are_not_all_refused_for_one_cause(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text("time,pv_w,load_w\n2024-06-01T00:00:00Z,1,2\n2024-06-01T00:01:00Z,3,x\n")
    with pytest.raises(InputError, match=r"row 3.*load_w|load_w.*row 3"):
        read_history([path], 60.0)
