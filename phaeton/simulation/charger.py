"""A simulated Alfen Eve (NG9xx) behind a real Modbus TCP socket: for the demo, for tests, and for trying things out.

What the charger does is the plant's (`ChargerPlant`); here are its registers, its network socket, and its misbehaviour
on request. Units 1 and 2 are the sockets, 200 is the station.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from phaeton.simulation.alfen_registers import (
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    RegisterError,
    StationLabel,
    socket_registers,
    station_registers,
    write_socket,
)
from phaeton.simulation.charger_plant import ChargerPlant

STATION_UNIT = 200
_NO_SUCH_UNIT = 11
_LONGEST_STEP_S = 1.0
_LONGEST_GAP_S = 600.0


@dataclass(kw_only=True)
class WireFaults:
    """What is wrong between us and the charger. Change the fields at any time; each request reads them."""

    silent: bool = False
    """Requests are taken and never answered."""
    silent_units: set[int] = field(default_factory=set)
    """Requests to these units are never answered."""
    delay_s: float = 0.0
    """Each answer takes this long; a write is in force after it."""
    read_exception: int | None = None
    write_exception: int | None = None
    """Every read or write is answered by this exception."""
    single_write_exception: int | None = None
    """Function 6 is answered by this exception."""
    multiple_write_exception: int | None = None
    """Function 16 is answered by this exception."""
    refused_across: int | None = None
    """Reads that span this register are answered by exception 2, as on Eve Single Plus (362)."""
    garbage: bool = False
    truncated: bool = False
    """Answers miss their last bytes."""
    short: bool = False
    """Answers hold fewer registers than asked for, in a frame that fits them."""
    wrong_transaction: bool = False
    hang_up: bool = False
    """The connection is closed instead of an answer."""
    hang_up_at_single_write: bool = False
    """The connection is closed at function 6, as with firmware 7.3.0."""
    low_word_first: bool = False
    shifted: bool = False
    """Registers are numbered from one, so that everything lies one address lower."""


@dataclass(frozen=True, slots=True)
class Written:
    """One write that was accepted."""

    at_s: float
    """Time of the event loop."""
    unit: int
    function: int
    address: int
    registers: tuple[int, ...]

    @property
    def value(self) -> float:
        """The number that was written: one register as it is, two as a float."""
        if len(self.registers) == 2:
            return float(struct.unpack(">f", struct.pack(">2H", *self.registers))[0])
        return float(self.registers[0])


@dataclass
class SimulatedAlfen:
    """The charger: start it, change plants and faults, read what was written.

    With a ``clock`` the plants run by it whenever somebody asks; without, whoever owns them steps them.
    """

    plants: Sequence[ChargerPlant] = field(default_factory=lambda: [ChargerPlant()])
    label: StationLabel = field(default_factory=StationLabel)
    clock: Callable[[], float] | None = time.monotonic
    faults: WireFaults = field(default_factory=WireFaults)
    per_phase_power: bool = False
    """Meters fitted after 2021 leave the power per phase out."""
    requests: Counter[str] = field(default_factory=Counter)
    """How often each read and write came: ``1:306x72``, ``1:w1210``."""
    writes: list[Written] = field(default_factory=list)
    on_write: Callable[[Written], None] | None = None
    """Called at the moment that a write is in force."""
    connections: int = 0
    """How many connections were accepted so far."""
    port: int = 0
    _server: asyncio.Server | None = None
    _open: set[_Connection] = field(default_factory=set)
    _last_s: float | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; returns the port. After `stop` it listens on the same port again."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), host, port or self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self.port

    async def stop(self) -> None:
        """Refuse connections and drop those that are open; the plants go on."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.drop_connections()

    def drop_connections(self) -> None:
        """Close every open connection."""
        for connection in tuple(self._open):
            connection.close()

    def socket(self, number: int) -> ChargerPlant:
        """The plant of socket 1 or 2."""
        return self.plants[number - 1]

    def foreign_write(self, current_a: float, socket: int = 1) -> None:
        """Somebody else writes the setpoint."""
        self._run()
        self.plants[socket - 1].write_current(current_a)

    def answer(self, unit: int, pdu: bytes) -> bytes:
        """The answer to one request (function and data); counts it."""
        function = pdu[0]
        try:
            if function == 3:
                return self._read(unit, pdu)
            if function in (6, 16):
                return self._write(unit, pdu)
        except RegisterError as error:
            return bytes((function | 0x80, error.code))
        return bytes((function | 0x80, ILLEGAL_FUNCTION))

    def _read(self, unit: int, pdu: bytes) -> bytes:
        address, count = struct.unpack(">HH", pdu[1:5])
        self.requests[f"{unit}:{address}x{count}"] += 1
        faults = self.faults
        if faults.read_exception is not None:
            raise RegisterError(faults.read_exception)
        if faults.refused_across is not None and address < faults.refused_across < address + count:
            raise RegisterError(ILLEGAL_ADDRESS)
        self._run()
        if faults.shifted:
            address += 1
        if unit == STATION_UNIT:
            data = station_registers(self.label, self.plants, address, count, little=faults.low_word_first)
        else:
            plant = self._plant(unit)
            data = socket_registers(plant, address, count, per_phase=self.per_phase_power, little=faults.low_word_first)
        if faults.short:
            data = data[:-2]
        return bytes((pdu[0], len(data))) + data

    def _write(self, unit: int, pdu: bytes) -> bytes:
        function, address = pdu[0], int.from_bytes(pdu[1:3], "big")
        data = pdu[3:5] if function == 6 else pdu[6:]
        registers = struct.unpack(f">{len(data) // 2}H", data)
        self.requests[f"{unit}:w{address}"] += 1
        faults = self.faults
        single = faults.single_write_exception if function == 6 else faults.multiple_write_exception
        code = single if faults.write_exception is None else faults.write_exception
        if code is not None:
            raise RegisterError(code)
        self._run()
        write_socket(self._plant(unit), address + faults.shifted, registers, little=faults.low_word_first)
        written = Written(asyncio.get_running_loop().time(), unit, function, address, registers)
        self.writes.append(written)
        if self.on_write is not None:
            self.on_write(written)
        return pdu[:5]

    def _plant(self, unit: int) -> ChargerPlant:
        if not 1 <= unit <= len(self.plants):
            raise RegisterError(_NO_SUCH_UNIT)
        return self.plants[unit - 1]

    def _run(self) -> None:
        if self.clock is None:
            return
        now_s = self.clock()
        left_s = 0.0 if self._last_s is None else min(max(now_s - self._last_s, 0.0), _LONGEST_GAP_S)
        self._last_s = now_s
        while left_s > 0.0:
            step_s = min(left_s, _LONGEST_STEP_S)
            for plant in self.plants:
                plant.step(step_s)
            left_s -= step_s


class _Connection(asyncio.Protocol):
    """One client: takes frames apart, and answers with whatever is wrong at the time."""

    def __init__(self, charger: SimulatedAlfen) -> None:
        self._charger = charger
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._charger.connections += 1
        self._charger._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._charger._open.discard(self)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= 8:
            end = 6 + int.from_bytes(self._buffer[4:6], "big")
            if len(self._buffer) < end:
                return
            frame, self._buffer = self._buffer[:end], self._buffer[end:]
            delay_s = self._charger.faults.delay_s
            if delay_s > 0:
                asyncio.get_running_loop().call_later(delay_s, self._reply, frame)
            else:
                self._reply(frame)

    def _reply(self, frame: bytes) -> None:
        faults = self._charger.faults
        if self._transport is None:
            return
        if faults.hang_up or (faults.hang_up_at_single_write and frame[7] == 6):
            self._transport.close()
            return
        if faults.silent or frame[6] in faults.silent_units:
            self._charger.requests["unanswered"] += 1
            return
        if faults.garbage:
            self._transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            return
        body = self._charger.answer(frame[6], frame[7:])
        transaction = frame[:2] if not faults.wrong_transaction else bytes((frame[0] ^ 0x55, frame[1]))
        answer = transaction + b"\0\0" + (len(body) + 1).to_bytes(2, "big") + frame[6:7] + body
        self._transport.write(answer[:-3] if faults.truncated else answer)
