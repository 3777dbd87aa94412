"""Requests as bytes, and whether the bytes that came back are the answer: Modbus TCP, and RTU frames over TCP.

The PDUs and the frames are pymodbus's. An answer to a read that fits, as nearly all do, is told by its first bytes;
anything else is looked at piece by piece, to say what is wrong with it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, Protocol

from msgspec import Struct
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest, WriteSingleCoilRequest
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)

from phaeton.profiles.schema import Space

_HEADER = 7
_LONGEST = 254
"""Unit and PDU of the longest frame (Modbus TCP, MBAP header)."""
_READS: dict[Space, type[ModbusPDU]] = {
    "coil": ReadCoilsRequest,
    "discrete": ReadDiscreteInputsRequest,
    "holding": ReadHoldingRegistersRequest,
    "input": ReadInputRegistersRequest,
}
REFUSED = 0x80
"""Bit of the function in an answer that is an exception."""


class MisfitError(Exception):
    """The bytes cannot be the answer; the message says why."""


class Expected(Struct, frozen=True):
    """What the answer to a request must look like."""

    unit: int
    function: int
    payload: int | None = None
    """Bytes of data in the answer to a read."""
    echo: tuple[int, int] | None = None
    """Address, and count or value, that the answer to a write repeats."""


class Request(Struct, frozen=True):
    """A request without its frame, and what its answer must look like."""

    name: str
    """How statistics and messages call it: ``1:306x72``, ``1:w1210``."""
    pdu: bytes
    expected: Expected
    opening: bytes = b""
    """What a whole answer over Modbus TCP begins with, behind the number of its transaction; of reads only."""


@lru_cache(maxsize=256)
def read_request(unit: int, address: int, count: int, space: Space) -> Request:
    """A request for registers or bits, kept because it comes again each second; raises `ValueError`."""
    asked = _READS[space](dev_id=unit, address=address, count=count)
    size = 2 * count if asked.function_code > 2 else (count + 7) // 8
    pdu, function = _pdu(asked), asked.function_code
    opening = struct.pack(">HHBBB", 0, 3 + size, unit, function, size)
    return Request(f"{unit}:{address}x{count}", pdu, Expected(unit, function, payload=size), opening)


def write_request(unit: int, address: int, values: Sequence[int], function: Literal[5, 6, 16]) -> Request:
    """A request that writes registers, or one coil; raises `ValueError`."""
    if function == 16:
        second = len(values)
        asked: ModbusPDU = WriteMultipleRegistersRequest(dev_id=unit, address=address, registers=values)
    elif function == 6:
        second = values[0]
        asked = WriteSingleRegisterRequest(dev_id=unit, address=address, registers=values[:1])
    else:
        second = 0xFF00 * bool(values[0])
        asked = WriteSingleCoilRequest(dev_id=unit, address=address, bits=[bool(values[0])])
    return Request(f"{unit}:w{address}", _pdu(asked), Expected(unit, function, echo=(address, second)))


def _pdu(asked: ModbusPDU) -> bytes:
    return bytes((asked.function_code,)) + asked.encode()


class Framing(Protocol):
    """How requests and answers lie on the connection."""

    def frame(self, request: Request, transaction: int) -> bytes:
        """The bytes to send."""

    def answer(self, data: bytes, transaction: int, request: Request) -> bytes | None:
        """The PDU of the answer, None while bytes are missing; raises `MisfitError`."""


class TcpFraming:
    """Modbus TCP."""

    def __init__(self) -> None:
        self._framer = FramerSocket(DecodePDU(False))

    def frame(self, request: Request, transaction: int) -> bytes:
        """The bytes to send."""
        return self._framer.encode(request.pdu, request.expected.unit, transaction)

    def answer(self, data: bytes, transaction: int, request: Request) -> bytes | None:
        """The PDU of the answer, None while bytes are missing; raises `MisfitError`."""
        opening = request.opening
        if (
            opening
            and data.startswith(opening, 2)
            and len(data) == 2 + len(opening) + opening[-1]
            and data[0] << 8 | data[1] == transaction
        ):
            return data[_HEADER:]
        problem = answer_problem(data, transaction, request.expected)
        if problem:
            raise MisfitError(problem)
        if len(data) <= _HEADER or len(data) < 6 + int.from_bytes(data[4:6], "big"):
            return None
        return data[_HEADER:]


class RtuFraming:
    """RTU frames over TCP, as plain gateways pass them through: with a checksum, without a number."""

    def __init__(self) -> None:
        self._framer = FramerRTU(DecodePDU(False))

    def frame(self, request: Request, transaction: int) -> bytes:
        """The bytes to send."""
        return self._framer.encode(request.pdu, request.expected.unit, transaction)

    def answer(self, data: bytes, transaction: int, request: Request) -> bytes | None:
        """The PDU of the answer, None while bytes are missing; raises `MisfitError`."""
        used, unit, _, pdu = self._framer.decode(data)
        if not pdu:
            if used:
                raise MisfitError("a frame with a wrong checksum")
            return None
        expected = request.expected
        if unit != expected.unit:
            raise MisfitError(f"unit {unit} answered, {expected.unit} asked")
        problem = _pdu_problem(pdu, expected)
        if problem:
            raise MisfitError(problem)
        return pdu


def answer_problem(data: bytes, transaction: int, expected: Expected) -> str:
    """Why these bytes, whole or in part, cannot be the answer over Modbus TCP; empty while they may still become it."""
    if len(data) < _HEADER + 1:
        return ""
    length = int.from_bytes(data[4:6], "big")
    if data[2:4] != b"\0\0" or not 3 <= length <= _LONGEST:
        return "an answer that is not Modbus"
    if int.from_bytes(data[:2], "big") != transaction:
        return f"transaction {int.from_bytes(data[:2], 'big')} answered, {transaction} asked"
    if data[6] != expected.unit:
        return f"unit {data[6]} answered, {expected.unit} asked"
    end = 6 + length
    if len(data) > end:
        return f"{len(data) - end} bytes too many"
    return _pdu_problem(data[_HEADER:], expected, whole=len(data) == end)


def _pdu_problem(pdu: bytes, expected: Expected, *, whole: bool = True) -> str:
    function = pdu[0]
    if function & ~REFUSED != expected.function:
        return f"function {function} answered, {expected.function} asked"
    if not whole:
        return ""
    if function & REFUSED:
        return "" if len(pdu) == 2 else "an exception of the wrong length"
    body = pdu[1:]
    if expected.payload is not None:
        if len(body) != expected.payload + 1 or body[0] != expected.payload:
            return f"{max(len(body) - 1, 0)} bytes of values, expected {expected.payload}"
    elif expected.echo is not None:
        address, second = expected.echo
        if body != address.to_bytes(2, "big") + second.to_bytes(2, "big"):
            return "the answer to the write repeats something else"
    return ""
