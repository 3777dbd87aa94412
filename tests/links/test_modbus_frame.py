"""Answers that fit, and all those that do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phaeton.links.modbus_frame import (
    Expected,
    Framing,
    MisfitError,
    Request,
    RtuFraming,
    TcpFraming,
    answer_problem,
    read_request,
    write_request,
)

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


REQUESTS = [
    read_request(1, 344, 2, "holding"),
    read_request(1, 20, 9, "coil"),
    write_request(1, 1210, [0x40C0, 0], 16),
    write_request(1, 1215, [3], 6),
    write_request(1, 7, [1], 5),
]
SENT = ["03 01 58 00 02", "01 00 14 00 09", "10 04 ba 00 02 04 40 c0 00 00", "06 04 bf 00 03", "05 00 07 ff 00"]
PDUS = ["03 04 45 5a f4 cd", "01 02 05 01", "10 04 ba 00 02", "06 04 bf 00 03", "05 00 07 ff 00"]


@pytest.mark.parametrize(
    ("request_", "sent"),
    list(zip(REQUESTS, SENT, strict=True)),
)
def test_requests_lie_on_the_wire_as_the_standard_says(request_: Request, sent: str) -> None:
    pdu = frame(sent)
    head = frame("01 02 00 00") + (len(pdu) + 1).to_bytes(2, "big") + b"\x01"
    assert TcpFraming().frame(request_, 0x0102) == head + pdu
    assert RtuFraming().frame(request_, 0x0102)[:-2] == b"\x01" + pdu


def test_a_read_is_checked_before_it_is_sent() -> None:
    for count in (0, 126, 200):
        with pytest.raises(ValueError, match="count"):
            read_request(1, 300, count, "holding")


@pytest.mark.parametrize(("request_", "pdu"), list(zip(REQUESTS, PDUS, strict=True)))
def test_the_answer_is_taken_when_it_is_whole_in_either_framing(request_: Request, pdu: str) -> None:
    body = frame(pdu)
    refused = bytes((body[0] | 0x80, 2))
    tcp, rtu = TcpFraming(), RtuFraming()
    for answer in (body, refused):
        # One's own frame around the answer is as good as that of a server.
        around = Request("", answer, request_.expected)
        for framing in (tcp, rtu):
            whole = framing.frame(around, 7)
            assert framing.answer(whole, 7, request_) == answer
            assert all(framing.answer(whole[:n], 7, request_) is None for n in range(len(whole)))


@pytest.mark.parametrize("framing", [TcpFraming(), RtuFraming()])
@pytest.mark.parametrize(("request_", "pdu"), list(zip(REQUESTS, PDUS, strict=True)))
def test_a_changed_byte_of_the_answer_is_never_taken_for_another_value(
    framing: Framing, request_: Request, pdu: str
) -> None:
    body = frame(pdu)
    whole = framing.frame(Request("", body, request_.expected), 7)
    for n in range(len(whole)):
        for flipped in (0x01, 0x80):
            bad = bytearray(whole)
            bad[n] ^= flipped
            try:
                taken = framing.answer(bytes(bad), 7, request_)
            except MisfitError:
                continue
            # A framing without a checksum cannot tell a value from another one.
            assert taken is None or (isinstance(framing, TcpFraming) and len(taken) in (len(body), 2))


@given(st.binary(max_size=300), st.integers(0, 65535), st.sampled_from(REQUESTS), st.booleans())
def test_any_bytes_are_an_answer_or_a_part_of_one_or_a_misfit(
    data: bytes, transaction: int, request_: Request, rtu: bool
) -> None:
    framing: Framing = RtuFraming() if rtu else TcpFraming()
    try:
        taken = framing.answer(data, transaction, request_)
    except MisfitError:
        taken = None
    assert taken is None or taken[0] & 0x7F == request_.expected.function
