"""What simulated services have in common: a port on the loopback, counted requests, misbehaviour on request."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Self

from aiohttp import web

RETRY_AFTER_S = 1800
SLOW_S = 0.2


class Misbehaviour(Enum):
    """How a service goes wrong."""

    UNAUTHORIZED = "unauthorized"
    """Tibber says so with status 200, the others with 401."""
    TOO_MANY = "too_many"
    """429 with ``Retry-After``, and a body that is no JSON."""
    TOO_MANY_WITHOUT_PATIENCE = "too_many_without_patience"
    """429 and no ``Retry-After``."""
    BROKEN = "broken"
    """500."""
    GATEWAY = "gateway"
    """502 with a page."""
    NO_TOMORROW = "no_tomorrow"
    """Tomorrow is never published."""
    NOTHING = "nothing"
    """Well-formed answers without any price."""
    GARBAGE = "garbage"
    """200, and no sense in it."""
    SLOW = "slow"
    """The right answer, later."""
    SILENT = "silent"
    """No answer at all."""
    CUT = "cut"
    """The connection ends within the answer."""
    HUGE = "huge"
    """An answer without end."""


class SimulatedService:
    """Services on one port; what they serve is in the routes of whoever derives from it."""

    def __init__(self, port: int = 0) -> None:
        self._wanted_port = port
        self._runner: web.AppRunner | None = None
        self._ended = asyncio.Event()
        self.port = 0
        self.misbehaviour: Misbehaviour | None = None
        self.requests: Counter[str] = Counter()
        """How often each service was asked."""
        self.agents: set[str] = set()
        """Who asked, as they said it."""

    @property
    def url(self) -> str:
        """Where they all are."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        """Listen."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self.stop()

    async def start(self) -> None:
        """Listen on the loopback; `port` is known then."""
        app = web.Application(middlewares=[self._gate])
        app.add_routes(self._routes())
        self._ended.clear()
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5, handle_signals=False)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self._wanted_port).start()
        self._runner = runner
        self.port = runner.addresses[0][1]

    async def stop(self) -> None:
        """Close the port; those who wait for an answer get none."""
        self._ended.set()
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    def _routes(self) -> list[web.RouteDef]:
        """What is served; the first part of a path is the service that is counted."""
        return []

    def _unauthorized(self, service: str) -> web.Response:
        return web.Response(status=401, text="no")

    @web.middleware
    async def _gate(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        service = request.path.split("/")[1]
        self.requests[service] += 1
        self.agents.add(request.headers.get("User-Agent", ""))
        wrong = self.misbehaviour
        if wrong is Misbehaviour.SILENT:
            await self._ended.wait()
        if wrong is Misbehaviour.SLOW:
            await asyncio.sleep(SLOW_S)
        if wrong in (Misbehaviour.CUT, Misbehaviour.HUGE):
            return await self._endless(request, cut=wrong is Misbehaviour.CUT)
        refused = self._refused(wrong, service)
        if refused is not None:
            return refused
        return await handler(request)

    def _refused(self, wrong: Misbehaviour | None, service: str) -> web.Response | None:
        if wrong is Misbehaviour.UNAUTHORIZED:
            return self._unauthorized(service)
        if wrong is Misbehaviour.TOO_MANY:
            return web.Response(status=429, text="too many", headers={"Retry-After": str(RETRY_AFTER_S)})
        if wrong is Misbehaviour.TOO_MANY_WITHOUT_PATIENCE:
            return web.Response(status=429, text="too many")
        if wrong is Misbehaviour.BROKEN:
            return web.json_response({"error": "broken"}, status=500)
        if wrong is Misbehaviour.GATEWAY:
            return web.Response(status=502, text="<html><body>Bad Gateway</body></html>", content_type="text/html")
        if wrong is Misbehaviour.GARBAGE:
            return web.Response(text='{"data": [1, "two", {"price": ', content_type="application/json")
        return None

    async def _endless(self, request: web.Request, *, cut: bool) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        if cut:
            response.content_length = 100_000
        await response.prepare(request)
        try:
            while not self._ended.is_set():
                await response.write(b" " * 50_000)
                if cut and request.transport is not None:
                    request.transport.close()
                    break
        except ConnectionResetError:
            pass
        return response
