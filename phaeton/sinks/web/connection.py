"""Connections within limits: so many in all and from one address, and none that dawdles over its headers."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter

from aiohttp import web

from phaeton.sinks.web.access.client import Network, group, parsed
from phaeton.sinks.web.headers import HEADERS
from phaeton.sinks.web.problem import PROBLEM_TYPE

MOST = 400
"""Connections in all; each takes some 30 kB."""
MOST_OF_ONE = 48
"""... of one address, but this machine and the proxies, behind which are many."""
HEADERS_WITHIN_S = 30.0
"""A connection that has not sent a whole head by then is closed; one that is idle, too."""
LINGER_S = 2.0
UNREAD_MS = 60_000
"""An answer that nobody takes for this long ends its connection."""
LINE_BYTES = 8190
MOST_HEADERS = 100

_log = logging.getLogger(__name__)


class Crowd:
    """The connections that are open."""

    def __init__(self, trusted: tuple[Network, ...]) -> None:
        self._trusted = trusted
        self._of: Counter[str] = Counter()
        self.count = 0
        """Connections that are open."""

    def enter(self, peer: str) -> str | None:
        """Count one; returns what it is counted under, None when it may not stay."""
        address = parsed(peer)
        name = group(address)
        free = address is not None and (address.is_loopback or any(address in net for net in self._trusted))
        if self.count >= MOST or (not free and self._of[name] >= MOST_OF_ONE):
            return None
        self.count += 1
        self._of[name] += 1
        return name

    def leave(self, name: str) -> None:
        """One is gone."""
        self.count -= 1
        self._of[name] -= 1
        if not self._of[name]:
            del self._of[name]


class Connection(web.RequestHandler):
    """One connection; what its parser refuses is answered as everything else is, and not told at length in the log."""

    def __init__(self, server: web.Server, crowd: Crowd) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # as AppRunner passes it on
            keepalive_timeout=HEADERS_WITHIN_S,
            lingering_time=LINGER_S,
            max_line_size=LINE_BYTES,
            max_field_size=LINE_BYTES,
            max_headers=MOST_HEADERS,
            auto_decompress=False,
        )
        self._crowd = crowd
        self._counted: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let it in, or close it at once."""
        peer = transport.get_extra_info("peername")
        self._counted = self._crowd.enter(peer[0] if peer else "")
        super().connection_made(transport)
        if self._counted is None:
            self.force_close()
            return
        connection = transport.get_extra_info("socket")
        if connection is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Gone."""
        if self._counted is not None:
            self._crowd.leave(self._counted)
            self._counted = None
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no request of ours."""
        if status >= 500:
            _log.error("a request could not be answered", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun already")
        text = "this is not a request that can be understood" if status < 500 else "Phaeton failed on this request"
        answer = web.Response(
            status=status,
            body=f'{{"type": "about:blank", "title": "Bad request", "status": {status}, "detail": "{text}"}}'.encode(),
            content_type=PROBLEM_TYPE,
            headers=HEADERS,
        )
        answer.force_close()
        return answer


class CrowdSite(web.BaseSite):
    """As aiohttp's site of a socket, with our connections."""

    def __init__(self, runner: web.AppRunner, listening: socket.socket, crowd: Crowd, backlog: int) -> None:
        super().__init__(runner, backlog=backlog)
        self._listening = listening
        self._crowd = crowd

    @property
    def name(self) -> str:
        """Where it listens, for logs."""
        return str(self._listening.getsockname())

    async def start(self) -> None:
        """Take connections from here on."""
        await super().start()
        server = self._runner.server
        assert server is not None
        crowd = self._crowd
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(server, crowd), sock=self._listening, backlog=self._backlog
        )
