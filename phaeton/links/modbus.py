"""Modbus TCP: one connection per host and port, with one owner that all charging points behind it share.

Requests go one after the other. A write passes the reads that wait, so that it stands behind the request in flight
only. After a time-out or an answer that does not fit, the socket is closed and never used again: a late answer would
be taken for that of the next request. In an outage there is one attempt per pause.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import struct
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic
from types import TracebackType
from typing import Literal

from msgspec import Struct

from phaeton.links.modbus_connection import CLOSED_BY_PEER, Connection
from phaeton.links.modbus_errors import BadAnswerError, LinkError, RefusedError, UnreachableError
from phaeton.links.modbus_frame import REFUSED, Request, RtuFraming, TcpFraming, read_request, write_request
from phaeton.links.modbus_stats import BlockStats, LinkStats, Tally
from phaeton.links.outage import pause_s
from phaeton.profiles.schema import Space, Transport

__all__ = [
    "BadAnswerError",
    "BlockStats",
    "LinkError",
    "LinkSettings",
    "LinkStats",
    "ModbusLink",
    "ModbusLinks",
    "RefusedError",
    "UnreachableError",
]

_SHORTEST_PAUSE_S = 0.25
_IDLE_MARGIN_S = 5.0


class LinkSettings(Struct, frozen=True, kw_only=True):
    """Times of a link, in seconds, and its framing."""

    connect_timeout_s: float = 10.0
    request_timeout_s: float = 3.0
    connect_delay_s: float = 0.0
    gap_s: float = 0.0
    """Least time between an answer and the next request."""
    write_gap_s: float = 0.0
    """The same before a write."""
    idle_close_s: float | None = None
    rtu_framing: bool = False
    pause_s: Callable[[int, float], float] = pause_s
    """The pause after failed attempt n of an outage that lasts so long already."""

    @classmethod
    def of(cls, transport: Transport) -> LinkSettings:
        """The settings that a profile asks for."""
        write_gap_ms = transport.gap_ms if transport.write_gap_ms is None else transport.write_gap_ms
        return cls(
            connect_timeout_s=transport.connect_timeout_s,
            request_timeout_s=transport.request_timeout_s,
            connect_delay_s=transport.connect_delay_ms / 1000,
            gap_s=transport.gap_ms / 1000,
            write_gap_s=write_gap_ms / 1000,
            idle_close_s=transport.idle_close_s,
            rtu_framing=transport.kind != "tcp",
        )


class _Turn:
    """Lets one request at a time through, urgent ones before those that wait."""

    def __init__(self) -> None:
        self.taken = False
        """Whoever finds it free takes it by setting this, else it waits."""
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """Requests that wait for their turn."""
        return len(self._urgent) + len(self._waiting)

    async def wait(self, *, urgent: bool) -> None:
        queue = self._urgent if urgent else self._waiting
        place = asyncio.get_running_loop().create_future()
        queue.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.give()  # it was our turn already
            elif place in queue:  # whoever gave its turn meanwhile passed us over
                queue.remove(place)
            raise

    def give(self) -> None:
        for queue in (self._urgent, self._waiting):
            while queue:
                place = queue.popleft()
                if not place.done():
                    place.set_result(None)
                    return
        self.taken = False


class _Trouble:
    """Failures in a row, of one unit or of the connection itself, and when the next attempt is due."""

    def __init__(self, began_s: float) -> None:
        self.began_s = began_s
        self.failures = 0
        self.not_before_s = began_s
        self.why = ""


class ModbusLink:
    """The owner of one connection. Made by `ModbusLinks.get`; all methods belong to the event loop's thread."""

    def __init__(self, host: str, port: int, settings: LinkSettings) -> None:
        self.host = host
        self.port = port
        self.settings = settings
        self.generation = 0
        """Counts the connections made; who keeps what it learnt of a charger compares it."""
        self._turn = _Turn()
        self._framing = RtuFraming() if settings.rtu_framing else TcpFraming()
        self._connection: Connection | None = None
        self._last_answer_s = float("-inf")
        self._troubles: dict[int | None, _Trouble] = {}
        """By unit, so that a silent one does not keep the others waiting; None is the connection itself."""
        self._why = "not connected yet"
        self._tally = Tally()
        self._closed = False
        self._watchers: list[Callable[[], None]] = []

    @property
    def connected(self) -> bool:
        """Whether there is a connection; a silent peer shows at the next request only."""
        return self._connection is not None and self._connection.open

    def retry_in_s(self, *units: int) -> float:
        """Seconds until the next attempt with these units is allowed; 0 when a request may go now."""
        now_s = monotonic()
        dues_s = (trouble.not_before_s - now_s for unit, trouble in self._troubles.items() if unit in (None, *units))
        return max((0.0, *dues_s))

    @property
    def stats(self) -> LinkStats:
        """What happened on this link so far."""
        oldest = min(self._troubles.values(), key=lambda trouble: trouble.began_s, default=None)
        outage_s = None if oldest is None else monotonic() - oldest.began_s
        why = "" if oldest is None else oldest.why
        return self._tally.stats(
            self.host, self.port, connected=self.connected, outage_s=outage_s, why=why, waiting=self._turn.waiting
        )

    def watch(self, lost: Callable[[], None]) -> Callable[[], None]:
        """Call ``lost`` when the peer drops the connection; returns what ends that."""
        self._watchers.append(lost)
        return lambda: self._watchers.remove(lost)

    async def read(self, unit: int, address: int, count: int, space: Space = "holding") -> list[int]:
        """Read registers (coils as 0 and 1); connects when needed. Raises `LinkError`."""
        data = await self.read_bytes(unit, address, count, space)
        if space in ("coil", "discrete"):
            return [data[bit >> 3] >> (bit & 7) & 1 for bit in range(count)]
        return list(struct.unpack(f">{count}H", data))

    async def read_bytes(self, unit: int, address: int, count: int, space: Space = "holding") -> bytes:
        """The same as the wire has it: registers with the high byte first, bits from the lowest on."""
        return (await self._request(read_request(unit, address, count, space), urgent=False))[2:]

    async def write(self, unit: int, address: int, registers: Sequence[int], function: Literal[5, 6, 16] = 16) -> None:
        """Write registers, before all reads that wait.

        It never connects: who is at the other end of a new connection is for the reader to find out first. Raises
        `UnreachableError` when there is no connection, and `LinkError` else.
        """
        await self._request(write_request(unit, address, registers, function), urgent=True)

    async def close(self) -> None:
        """Close the connection for good; requests that wait fail with `UnreachableError`."""
        self._closed = True
        self._why = "closed"
        self._drop()

    async def _request(self, request: Request, *, urgent: bool) -> bytes:
        """The PDU of the answer."""
        await self._take_turn(urgent=urgent)
        try:
            unit = request.expected.unit
            connection = await self._connected(unit, may_connect=not urgent)
            started_s = monotonic()
            try:
                answer = await connection.ask(request, self.settings.request_timeout_s)
            except (LinkError, OSError) as error:
                failure = error if isinstance(error, LinkError) else UnreachableError(str(error))
                raise self._failed(failure, unit, request.name, started_s) from None
            except BaseException:
                self._drop()  # cancelled with an answer on the way
                raise
            now_s = self._last_answer_s = monotonic()
            if self._troubles:
                self._troubles.pop(unit, None)
            if answer[0] & REFUSED:
                self._tally.failed(request.name)
                raise RefusedError(answer[1])
            self._tally.answered(request.name, now_s - started_s)
            return answer
        finally:
            self._turn.give()

    async def _take_turn(self, *, urgent: bool) -> None:
        gap_s = self.settings.write_gap_s if urgent else self.settings.gap_s
        while True:
            if self._turn.taken:
                await self._turn.wait(urgent=urgent)
            else:
                self._turn.taken = True
            left_s = self._last_answer_s + gap_s - monotonic()
            if left_s <= 0:
                return
            # A read gives its turn back for the gap, so that a write need not wait for it.
            self._turn.give()
            await asyncio.sleep(left_s)

    async def _connected(self, unit: int, *, may_connect: bool) -> Connection:
        """The connection, a new one when there is none or the charger closes it about now."""
        connection, idle_s = self._connection, self.settings.idle_close_s
        if connection is not None and connection.open:
            if idle_s is None or monotonic() - self._last_answer_s <= idle_s - _IDLE_MARGIN_S:
                return connection
            self._drop()
        if self._closed or not may_connect or self.retry_in_s(unit) > 0:
            trouble = self._troubles.get(None) or self._troubles.get(unit)
            raise UnreachableError(trouble.why if trouble is not None and not self._closed else self._why)
        return await self._connect()

    async def _connect(self) -> Connection:
        started_s = monotonic()
        connection = Connection(self._framing, self._lost)
        loop = asyncio.get_running_loop()
        why = ""
        try:
            async with asyncio.timeout(self.settings.connect_timeout_s):
                await loop.create_connection(lambda: connection, self.host, self.port)
        except TimeoutError:
            why = f"no connection within {self.settings.connect_timeout_s:g} s"
        except OSError as error:
            why = _reason(error)
        if why or self._closed:
            connection.close()
            self._tally.connect_failed()
            raise self._failed(UnreachableError(f"{self.host}:{self.port}: {why or self._why}"), None, None, started_s)
        self._connection = connection
        self._last_answer_s = monotonic()
        self.generation += 1
        self._troubles.pop(None, None)
        self._tally.connected()
        if self.settings.connect_delay_s:
            await asyncio.sleep(self.settings.connect_delay_s)
        return connection

    def _lost(self) -> None:
        """The peer closed the connection."""
        self._connection = None
        self._why = CLOSED_BY_PEER
        for lost in tuple(self._watchers):
            lost()

    def _failed(self, error: LinkError, unit: int | None, name: str | None, started_s: float) -> LinkError:
        """Close, and set the pause: it counts from the beginning of the attempt, so that time-outs do not add to it."""
        self._drop()
        now_s = monotonic()
        if name is not None:
            self._tally.failed(name)
        trouble = self._troubles.setdefault(unit, _Trouble(started_s))
        trouble.failures += 1
        pause = self.settings.pause_s(trouble.failures, now_s - trouble.began_s)
        trouble.not_before_s = max(started_s + pause, now_s + min(pause, _SHORTEST_PAUSE_S))
        trouble.why = self._why = str(error)
        return error

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def _reason(error: OSError) -> str:
    """Why a connection could not be made, in the words of the system."""
    if isinstance(error, socket.gaierror):
        return error.strerror or "the name is not known"
    # Where a name has several addresses asyncio joins the errors of all into one text.
    number = error.errno or next(iter(re.findall(r"\[Errno (\d+)\]", str(error))), None)
    return os.strerror(int(number)) if number else str(error)


class ModbusLinks:
    """All links, one for each host and port; use it as an asynchronous context that closes them."""

    def __init__(self) -> None:
        self._links: dict[tuple[str, int], ModbusLink] = {}

    def get(self, host: str, port: int, settings: LinkSettings) -> ModbusLink:
        """The link to this host and port; the first who asks says how it is spoken to."""
        link = self._links.get((host, port))
        if link is None:
            link = self._links[(host, port)] = ModbusLink(host, port, settings)
        return link

    @property
    def stats(self) -> tuple[LinkStats, ...]:
        """The statistics of all links."""
        return tuple(link.stats for link in self._links.values())

    async def drop(self, host: str, port: int) -> None:
        """Close one link and forget it; the next `get` makes a new one."""
        link = self._links.pop((host, port), None)
        if link is not None:
            await link.close()

    async def close(self) -> None:
        """Close all links."""
        for host, port in tuple(self._links):
            await self.drop(host, port)

    async def __aenter__(self) -> ModbusLinks:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
