"""Answers that fit, and all those that do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phaeton.links.modbus_frame import Expected, answer_problem

READ = Expected(unit=1, function=3, payload=4)
WRITE = Expected(unit=1, function=16, echo=(1210, 2))


def frame(text: str) -> bytes:
    return bytes.fromhex(text.replace(" ", ""))


# Answers of real chargers: evcc issues 22934 and 18877.
POWER = frame("b9 93 00 00 00 07 01 03 04 45 5a f4 cd")
WRITTEN = frame("b9 92 00 00 00 06 01 10 04 ba 00 02")
REFUSED = frame("00 23 00 00 00 03 01 86 03")


@pytest.mark.parametrize(
    ("data", "transaction", "expected"),
    [
        (POWER, 0xB993, READ),
        (WRITTEN, 0xB992, WRITE),
        (REFUSED, 0x23, Expected(unit=1, function=6, echo=(1215, 1))),
    ],
)
def test_answers_of_real_chargers_fit_whole_and_byte_by_byte(data: bytes, transaction: int, expected: Expected) -> None:
    for length in range(len(data) + 1):
        assert answer_problem(data[:length], transaction, expected) == ""


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (frame("b9 94 00 00 00 07 01 03 04 45 5a f4 cd"), "transaction"),
        (frame("b9 93 00 00 00 07 02 03 04 45 5a f4 cd"), "unit 2"),
        (frame("b9 93 00 00 00 07 01 04 04 45 5a f4 cd"), "function 4"),
        (frame("b9 93 00 00 00 05 01 03 02 45 5a"), "2 bytes of values"),
        (frame("b9 93 00 00 00 07 01 03 06 45 5a f4 cd"), "4 bytes of values"),
        (POWER + b"\0", "too many"),
        (frame("b9 93 00 00 00 04 01 83 02 00"), "wrong length"),
        (b"HTTP/1.1 400 Bad Request", "not Modbus"),
    ],
)
def test_answers_to_something_else_are_told_apart(data: bytes, problem: str) -> None:
    assert problem in answer_problem(data, 0xB993, READ)


def test_an_echo_of_another_write_is_told_apart() -> None:
    assert answer_problem(WRITTEN, 0xB992, Expected(unit=1, function=16, echo=(1215, 1)))


@given(st.binary(max_size=300), st.integers(0, 65535), st.sampled_from([READ, WRITE]))
def test_any_bytes_are_judged(data: bytes, transaction: int, expected: Expected) -> None:
    assert isinstance(answer_problem(data, transaction, expected), str)
