"""The live stream: each client is sent the newest snapshot, and what it is too slow for it never sees.

One frame is encoded for all clients, and none while nobody listens. A client that takes nothing for long is cut off;
it comes back by itself and then gets the present state.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable

from aiohttp import web
from aiohttp_sse import EventSourceResponse

from phaeton.sinks.web.endpoint import Ask, Endpoint, Endpoints, Media, Nothing, Scope
from phaeton.sinks.web.problem import ProblemError

PING_S = 15.0
SEND_TIMEOUT_S = 30.0
SOCKET_BUFFER_BYTES = 16_384
"""Little is buffered ahead, so that a slow client gets news and not the past."""
MOST_CLIENTS = 250
RETRY_MS = 1000
MOST_HAPPENED = 50
"""A client that is slower misses the oldest events."""
AT_ONCE = 8
"""So many clients are written to before whatever else is due has its turn: 200 in one go would hold up a step."""


def frame(event: str, data: bytes) -> bytes:
    """One event in the text/event-stream format; ``data`` must be one line."""
    return b"event: " + event.encode() + b"\ndata: " + data + b"\n\n"


class EventHub:
    """Tells the clients of one server what is new; ``encode`` gives the newest state, if there is one."""

    def __init__(self, encode: Callable[[], bytes | None]) -> None:
        self._encode = encode
        self._frame: bytes | None = None
        self._version = 0
        self._happened: deque[tuple[int, bytes]] = deque(maxlen=MOST_HAPPENED)
        self._count = 0
        """Events so far; a client is told those that come while it listens."""
        self._closed = False
        self._waiting: set[asyncio.Future[None]] = set()
        self._due: deque[asyncio.Future[None]] = deque()
        """Clients that are told in the turns to come."""
        self.clients = 0

    def changed(self) -> None:
        """A new state is there; costs nothing while nobody listens."""
        self._version += 1
        self._frame = None
        self._wake()

    def happened(self, event: str, data: bytes) -> None:
        """Something happened that every client is told, once."""
        if self.clients:
            self._count += 1
            self._happened.append((self._count, frame(event, data)))
            self._wake()

    def close(self) -> None:
        """End all streams at once."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        if self._waiting and not self._due:
            asyncio.get_running_loop().call_soon(self._wake_some)
        self._due.extend(self._waiting)
        self._waiting.clear()

    def _wake_some(self) -> None:
        for _ in range(min(AT_ONCE, len(self._due))):
            future = self._due.popleft()
            if not future.done():
                future.set_result(None)
        if self._due:
            asyncio.get_running_loop().call_soon(self._wake_some)

    def _newest(self) -> bytes | None:
        if self._frame is None:
            data = self._encode()
            self._frame = None if data is None else frame("status", data)
        return self._frame

    def endpoints(self) -> Endpoints:
        """The stream."""
        return [
            Endpoint(
                "GET",
                "/api/events",
                self.handle,
                Scope.GUEST,
                "Server-sent events: `status` at once and with each decision, and what happens, such as `plugged`",
                Media("text/event-stream"),
                problems={503: "too many pages are open"},
            )
        ]

    async def handle(self, ask: Ask[Nothing, Nothing]) -> web.StreamResponse:
        """``GET /api/events``."""
        if self.clients >= MOST_CLIENTS:
            raise ProblemError(503, "too many pages are open already")
        self.clients += 1
        try:
            return await self._stream(ask.request)
        finally:
            self.clients -= 1

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        answer = EventSourceResponse(ping_interval=PING_S, send_timeout=SEND_TIMEOUT_S)
        buffer_little(request)
        writer = await answer.prepare(request)
        assert writer is not None
        try:
            async with answer:
                await answer.write(f"retry: {RETRY_MS}\n\n".encode())
                sent, heard = -1, self._count
                while not self._closed:
                    newest = self._newest()
                    waiting = b"".join(data for number, data in self._happened if number > heard)
                    if waiting:
                        heard = self._count
                        await answer.write(waiting)
                    elif sent != self._version and newest is not None:
                        sent = self._version
                        await answer.write(newest)
                        if request.protocol.writing_paused:
                            async with asyncio.timeout(SEND_TIMEOUT_S):
                                await writer.drain()
                    else:
                        await self._next()
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
        except ConnectionResetError:
            pass
        return answer

    async def _next(self) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await future
        finally:
            self._waiting.discard(future)


def buffer_little(request: web.Request) -> None:
    """Let little wait in the connection of a stream."""
    transport = request.transport
    if transport is None:
        return
    transport.set_write_buffer_limits(high=0)
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER_BYTES)
