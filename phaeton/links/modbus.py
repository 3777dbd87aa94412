"""Modbus TCP: one connection per host and port, with one owner that all charging points behind it share.

Requests go one after the other. A write passes the reads that wait, so that it stands behind the request in flight
only. After a time-out or an answer that does not fit, the socket is closed and never used again: a late answer would
be taken for that of the next request. In an outage there is one attempt per pause.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Literal

from msgspec import Struct
from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ExceptionResponse, ModbusPDU

from phaeton.links.modbus_frame import Expected, answer_problem
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

log = logging.getLogger(__name__)

# What pymodbus has to say of a failure comes here as an exception; said twice it would fill the log in an outage.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL + 1)

_READ_FUNCTION: dict[Space, int] = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
_SHORTEST_PAUSE_S = 0.25
_IDLE_MARGIN_S = 5.0

EXCEPTIONS = {
    1: "illegal function",
    2: "illegal address",
    3: "illegal value",
    4: "device failure",
    5: "acknowledged, not done yet",
    6: "busy",
    8: "memory error",
    10: "no path to the device",
    11: "the device behind the gateway does not answer",
}
"""Exception numbers of Modbus in words."""


class LinkError(Exception):
    """Something went wrong on a Modbus link; the message says what."""


class UnreachableError(LinkError):
    """No connection, or no answer in time."""


class BadAnswerError(LinkError):
    """An answer that does not fit the request; the connection was closed."""


class RefusedError(LinkError):
    """The charger answered with an exception; the connection stays."""

    def __init__(self, code: int, detail: str = "") -> None:
        self.code = code
        super().__init__(detail or f"refused with exception {code} ({EXCEPTIONS.get(code, 'unknown')})")


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
        self._taken = False
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """Requests that wait for their turn."""
        return len(self._urgent) + len(self._waiting)

    async def take(self, *, urgent: bool) -> None:
        if not self._taken:
            self._taken = True
            return
        queue = self._urgent if urgent else self._waiting
        place = asyncio.get_running_loop().create_future()
        queue.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.give()  # it was our turn already
            else:
                queue.remove(place)
            raise

    def give(self) -> None:
        for queue in (self._urgent, self._waiting):
            while queue:
                place = queue.popleft()
                if not place.done():
                    place.set_result(None)
                    return
        self._taken = False


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
        self._client: AsyncModbusTcpClient | None = None
        self._expected: Expected | None = None
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
        return self._client is not None

    def retry_in_s(self, *units: int) -> float:
        """Seconds until the next attempt with these units is allowed; 0 when a request may go now."""
        now_s = self._now()
        dues_s = (trouble.not_before_s - now_s for unit, trouble in self._troubles.items() if unit in (None, *units))
        return max((0.0, *dues_s))

    @property
    def stats(self) -> LinkStats:
        """What happened on this link so far."""
        oldest = min(self._troubles.values(), key=lambda trouble: trouble.began_s, default=None)
        outage_s = None if oldest is None else self._now() - oldest.began_s
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
        function = _READ_FUNCTION[space]

        async def ask(client: AsyncModbusTcpClient) -> ModbusPDU:
            if function == 3:
                return await client.read_holding_registers(address, count=count, device_id=unit)
            if function == 4:
                return await client.read_input_registers(address, count=count, device_id=unit)
            if function == 1:
                return await client.read_coils(address, count=count, device_id=unit)
            return await client.read_discrete_inputs(address, count=count, device_id=unit)

        size = 2 * count if function > 2 else (count + 7) // 8
        expected = Expected(unit, function, payload=size)
        answer = await self._request(ask, expected, f"{unit}:{address}x{count}", urgent=False)
        if function > 2:
            return list(answer.registers)
        return [int(bit) for bit in answer.bits[:count]]

    async def write(self, unit: int, address: int, registers: Sequence[int], function: Literal[5, 6, 16] = 16) -> None:
        """Write registers, before all reads that wait.

        It never connects: who is at the other end of a new connection is for the reader to find out first. Raises
        `UnreachableError` when there is no connection, and `LinkError` else.
        """
        values = list(registers)

        async def ask(client: AsyncModbusTcpClient) -> ModbusPDU:
            if function == 16:
                return await client.write_registers(address, values, device_id=unit)
            if function == 6:
                return await client.write_register(address, values[0], device_id=unit)
            return await client.write_coil(address, bool(values[0]), device_id=unit)

        second = len(values) if function == 16 else values[0] if function == 6 else 0xFF00 * bool(values[0])
        expected = Expected(unit, function, echo=(address, second))
        await self._request(ask, expected, f"{unit}:w{address}", urgent=True)

    async def close(self) -> None:
        """Close the connection for good; requests that wait fail with `UnreachableError`."""
        self._closed = True
        self._why = "closed"
        self._drop()

    async def _request(
        self,
        ask: Callable[[AsyncModbusTcpClient], Awaitable[ModbusPDU]],
        expected: Expected,
        name: str,
        *,
        urgent: bool,
    ) -> ModbusPDU:
        await self._take_turn(urgent=urgent)
        try:
            client = await self._connection(expected.unit, may_connect=not urgent)
            started_s = self._now()
            self._expected = expected
            try:
                answer = await ask(client)
            except ModbusException as error:
                took = self._now() - started_s
                why = f"no answer within {took:.1f} s" if self._client is client else f"connection lost ({error})"
                raise self._failed(UnreachableError(why), expected.unit, name, started_s) from None
            except (LinkError, OSError) as error:
                failure = error if isinstance(error, LinkError) else UnreachableError(str(error))
                raise self._failed(failure, expected.unit, name, started_s) from None
            except BaseException:
                self._drop()  # cancelled with an answer on the way
                raise
            finally:
                self._expected = None
            self._last_answer_s = self._now()
            self._troubles.pop(expected.unit, None)
            if isinstance(answer, ExceptionResponse):
                self._tally.failed(name)
                raise RefusedError(answer.exception_code)
            self._tally.answered(name, self._last_answer_s - started_s)
            return answer
        finally:
            self._turn.give()

    async def _take_turn(self, *, urgent: bool) -> None:
        gap_s = self.settings.write_gap_s if urgent else self.settings.gap_s
        while True:
            await self._turn.take(urgent=urgent)
            left_s = self._last_answer_s + gap_s - self._now()
            if left_s <= 0:
                return
            # A read gives its turn back for the gap, so that a write need not wait for it.
            self._turn.give()
            await asyncio.sleep(left_s)

    async def _connection(self, unit: int, *, may_connect: bool) -> AsyncModbusTcpClient:
        idle = self.settings.idle_close_s
        if self._client is not None and idle is not None and self._now() - self._last_answer_s > idle - _IDLE_MARGIN_S:
            self._drop()  # the charger closes it about now
        if self._client is not None:
            return self._client
        if self._closed or not may_connect or self.retry_in_s(unit) > 0:
            trouble = self._troubles.get(None) or self._troubles.get(unit)
            raise UnreachableError(trouble.why if trouble is not None and not self._closed else self._why)
        return await self._connect()

    async def _connect(self) -> AsyncModbusTcpClient:
        started_s = self._now()
        client = AsyncModbusTcpClient(
            self.host,
            port=self.port,
            framer=FramerType.RTU if self.settings.rtu_framing else FramerType.SOCKET,
            timeout=self.settings.connect_timeout_s,
            retries=0,
            reconnect_delay=0,
            trace_packet=self._checked,
            trace_connect=self._changed,
        )
        reason: list[str] = []
        create = client.ctx.call_create

        async def connect() -> object:
            try:
                return await create()
            except OSError as error:
                reason.append(_reason(error))
                raise

        client.ctx.call_create = connect
        try:
            connected = await client.connect()
        except BaseException:
            client.close()
            raise
        if not connected or self._closed:
            client.close()
            why = reason[0] if reason else f"no connection within {self.settings.connect_timeout_s:g} s"
            self._tally.connect_failed()
            raise self._failed(UnreachableError(f"{self.host}:{self.port}: {why}"), None, None, started_s)
        client.ctx.comm_params.timeout_connect = self.settings.request_timeout_s
        self._client = client
        self._last_answer_s = self._now()
        self.generation += 1
        self._troubles.pop(None, None)
        self._tally.connected()
        if self.settings.connect_delay_s:
            await asyncio.sleep(self.settings.connect_delay_s)
        return client

    def _checked(self, sending: bool, data: bytes) -> bytes:
        """Let only fitting answers through to pymodbus, which else waits for the time-out or raises in the loop."""
        if sending or self.settings.rtu_framing or self._client is None:
            return data
        context = self._client.ctx
        if self._expected is None:
            problem = "an answer that nobody asked for"
        else:
            problem = answer_problem(data, context.request_transaction_id, self._expected)
        if not problem:
            return data
        if self._expected is not None and not context.response_future.done():
            context.response_future.set_exception(BadAnswerError(problem))
        else:
            self._drop()
        return b""

    def _changed(self, connected: bool) -> None:
        """The peer closed the connection: fail the request in flight now instead of at its time-out."""
        if connected or self._client is None:
            return
        client, self._client = self._client, None
        self._why = "the charger closed the connection"
        if self._expected is not None and not client.ctx.response_future.done():
            client.ctx.response_future.set_exception(UnreachableError(self._why))
        for lost in tuple(self._watchers):
            lost()

    def _failed(self, error: LinkError, unit: int | None, name: str | None, started_s: float) -> LinkError:
        """Close, and set the pause: it counts from the beginning of the attempt, so that time-outs do not add to it."""
        self._drop()
        now_s = self._now()
        if name is not None:
            self._tally.failed(name)
        trouble = self._troubles.setdefault(unit, _Trouble(started_s))
        trouble.failures += 1
        pause = self.settings.pause_s(trouble.failures, now_s - trouble.began_s)
        trouble.not_before_s = max(started_s + pause, now_s + min(pause, _SHORTEST_PAUSE_S))
        trouble.why = self._why = str(error)
        return error

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


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
