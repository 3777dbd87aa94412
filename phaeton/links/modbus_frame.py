"""Whether the bytes that came back are the answer to the request that was sent (Modbus TCP framing)."""

from __future__ import annotations

from msgspec import Struct

_HEADER = 7
_LONGEST = 254
"""Unit and PDU of the longest frame (Modbus TCP, MBAP header)."""


class Expected(Struct, frozen=True):
    """What the answer to a request must look like."""

    unit: int
    function: int
    payload: int | None = None
    """Bytes of data in the answer to a read."""
    echo: tuple[int, int] | None = None
    """Address, and count or value, that the answer to a write repeats."""


def answer_problem(data: bytes, transaction: int, expected: Expected) -> str:
    """Why these bytes, whole or in part, cannot be the answer; empty while they may still become it."""
    if len(data) < _HEADER + 1:
        return ""
    length = int.from_bytes(data[4:6], "big")
    if data[2:4] != b"\0\0" or not 3 <= length <= _LONGEST:
        return "an answer that is not Modbus"
    if int.from_bytes(data[:2], "big") != transaction:
        return f"transaction {int.from_bytes(data[:2], 'big')} answered, {transaction} asked"
    if data[6] != expected.unit:
        return f"unit {data[6]} answered, {expected.unit} asked"
    function = data[7]
    if function & 0x7F != expected.function:
        return f"function {function} answered, {expected.function} asked"
    end = 6 + length
    if len(data) > end:
        return f"{len(data) - end} bytes too many"
    if len(data) < end:
        return ""
    if function & 0x80:
        return "" if length == 3 else "an exception of the wrong length"
    return _body_problem(data[8:], expected)


def _body_problem(body: bytes, expected: Expected) -> str:
    if expected.payload is not None:
        if len(body) != expected.payload + 1 or body[0] != expected.payload:
            return f"{max(len(body) - 1, 0)} bytes of values, expected {expected.payload}"
    elif expected.echo is not None:
        address, second = expected.echo
        if body != address.to_bytes(2, "big") + second.to_bytes(2, "big"):
            return "the answer to the write repeats something else"
    return ""
