"""Tables that every spreadsheet reads as they are meant."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phaeton.sinks.web.csv_table import FORMULA, harmless, rows

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)


@given(st.lists(st.tuples(TEXTS, st.floats(allow_nan=False, allow_infinity=False)), min_size=1, max_size=5))
def test_what_is_written_is_read_back(cells: list[tuple[str, float]]) -> None:
    back = list(csv.reader(io.StringIO(rows(cells).decode(), newline="")))
    assert [(text, float(number)) for text, number in back] == [(harmless(text), number) for text, number in cells]
    assert not any(text.startswith(FORMULA) for text, _ in back)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_formula_becomes_text(text: str) -> None:
    assert harmless(text) == f"'{text}"


def test_numbers_and_what_is_not_known_stay_as_they_are() -> None:
    assert rows([["kWh", -1.5, 3, None, "a,b"]]) == b'kWh,-1.5,3,,"a,b"\r\n'
