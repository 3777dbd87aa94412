"""A Modbus server for simulated chargers: Modbus TCP, or RTU frames over TCP. What it answers is its owner's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

Answer = Callable[[int, bytes], bytes | None]
"""From a unit and a PDU to the PDU of the answer; None = no answer."""

_RTU_BYTES = 8
"""Of a request that reads, or writes one value: unit, function, two numbers, checksum."""
_RTU_LONG = {15, 16}


def checksum(data: bytes) -> bytes:
    """The CRC of an RTU frame (Modbus over serial line, chapter 6.2.2), low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc.to_bytes(2, "little")


class ModbusServer:
    """Listens on one port; ``port`` is known after `start`."""

    def __init__(self, answer: Answer, *, rtu: bool = False) -> None:
        self.answer = answer
        self.rtu = rtu
        self.port = 0
        self.connections = 0
        """How many connections were accepted so far."""
        self._server: asyncio.Server | None = None
        self._open: set[_Connection] = set()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; returns the port. After `stop` it listens on the same port again."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), host, port or self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self.port

    async def stop(self) -> None:
        """Refuse connections and drop those that are open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in tuple(self._open):
            connection.close()

    def opened(self, connection: _Connection) -> None:
        """A client came."""
        self.connections += 1
        self._open.add(connection)

    def closed(self, connection: _Connection) -> None:
        """A client went."""
        self._open.discard(connection)


class _Connection(asyncio.Protocol):
    """One client: takes frames apart and answers them one after the other."""

    def __init__(self, server: ModbusServer) -> None:
        self._server = server
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._server.closed(self)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        take = self._take_rtu if self._server.rtu else self._take_tcp
        while self._transport is not None and take(self._transport):
            pass

    def _take_tcp(self, transport: asyncio.Transport) -> bool:
        if len(self._buffer) < 8:
            return False
        if self._buffer[2:4] != b"\0\0":
            transport.close()
            return False
        end = 6 + int.from_bytes(self._buffer[4:6], "big")
        if len(self._buffer) < end:
            return False
        frame, self._buffer = self._buffer[:end], self._buffer[end:]
        body = self._server.answer(frame[6], frame[7:])
        if body is not None:
            transport.write(frame[:4] + (len(body) + 1).to_bytes(2, "big") + frame[6:7] + body)
        return True

    def _take_rtu(self, transport: asyncio.Transport) -> bool:
        if len(self._buffer) < _RTU_BYTES:
            return False
        end = 9 + self._buffer[6] if self._buffer[1] in _RTU_LONG else _RTU_BYTES
        if len(self._buffer) < end:
            return False
        frame, self._buffer = self._buffer[:end], self._buffer[end:]
        if checksum(frame[:-2]) != frame[-2:]:
            self._buffer = b""  # a serial line drops what it cannot read, and says nothing
            return False
        body = self._server.answer(frame[0], frame[1:-2])
        if body is not None:
            answer = frame[:1] + body
            transport.write(answer + checksum(answer))
        return True
