"""The web server: it listens, and loads everything else when the first visitor knocks.

The web library takes 12 MB and, on a small device, seconds to load. Neither is spent before a page is opened, and the
loading happens beside the event loop, so that no control step waits for it.
"""

from __future__ import annotations

import asyncio
import errno
import importlib
import ipaddress
import logging
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

from phaeton.config.tree_web import Web
from phaeton.model import Output
from phaeton.sinks.web.parts import Parts
from phaeton.sinks.web.state import WebState
from phaeton.sinks.web.status import PointName

if TYPE_CHECKING:
    from phaeton.sinks.web.site import WebSite

_log = logging.getLogger(__name__)

RETRY_S = 10.0
"""Pause between two attempts to listen."""
BACKLOG = 128


class WebServer:
    """The page and the API of one site; only `publish` is called by the control, and it returns at once."""

    def __init__(
        self,
        config: Web,
        points: Sequence[PointName],
        parts: Parts,
        retry_s: float = RETRY_S,
    ) -> None:
        self._config = config
        self._retry_s = retry_s
        self._parts = parts
        self._state = WebState(points, parts.diagnostics, parts.zone)
        self._socket: socket.socket | None = None
        self._site: WebSite | None = None
        self._listening: asyncio.Task[None] | None = None
        self._opening: asyncio.Task[None] | None = None
        self._complained = False
        self.address: str | None = None
        """Where it listens, such as ``http://127.0.0.1:8088``; None while it does not."""

    @property
    def clients(self) -> int:
        """How many pages follow the events."""
        return 0 if self._site is None else self._site.hub.clients

    @property
    def site(self) -> WebSite | None:
        """What answers the requests; None until somebody knocks."""
        return self._site

    def publish(self, output: Output) -> None:
        """Take the newest output; costs a few microseconds while nobody listens."""
        try:
            self._state.take(output)
            if self._site is not None:
                self._site.hub.changed()
        except Exception:
            _log.exception("The page missed an output")

    def happened(self, event: str, data: bytes) -> None:
        """Tell all pages of an event; ``data`` is JSON in one line."""
        if self._site is not None:
            self._site.hub.happened(event, data)

    def use(self, points: Sequence[PointName]) -> None:
        """Tell of these charging points from now on, such as a second socket that was found."""
        self._state.use(points)

    async def start(self) -> None:
        """Listen; where that fails (the port is in use), say so and go on trying in the background."""
        if not await self._listen():
            self._listening = asyncio.create_task(self._listen_later())

    async def stop(self) -> None:
        """End the streams and close the port; returns within about a second at most."""
        for task in (self._listening, self._opening):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        self._listening = self._opening = None
        if self._site is not None:
            await self._site.runner.cleanup()
            self._site = None
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
        self.address = None

    async def _listen(self) -> bool:
        host, port = self._config.host, self._config.port
        loop = asyncio.get_running_loop()
        try:
            family, _, _, _, where = (await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))[0]
            listening = socket.create_server(where[:2], family=family, backlog=BACKLOG)
        except OSError as error:
            self._complain(error)
            return False
        listening.setblocking(False)
        self._socket = listening
        bound_host, bound_port = listening.getsockname()[:2]
        self.address = (
            f"http://[{bound_host}]:{bound_port}" if ":" in bound_host else f"http://{bound_host}:{bound_port}"
        )
        loop.add_reader(listening, self._knocked)
        _log.info("The page is at %s", self.address)
        if not _only_this_machine(bound_host):
            self._warn_of_strangers()
        return True

    def _warn_of_strangers(self) -> None:
        access = self._parts.access
        if access is None or not access.password_set:
            _log.warning(
                "%s is reached from elsewhere but lets nobody in: there is no password. Set one: `phaeton password`",
                self.address,
            )

    def _complain(self, error: OSError) -> None:
        hint = error.strerror or str(error)
        if error.errno == errno.EADDRINUSE:
            hint = "another program uses this port; set web.port to a free one or stop that program"
        elif error.errno == errno.EACCES:
            hint = "not allowed; set web.port to 1024 or above"
        elif error.errno == errno.EADDRNOTAVAIL:
            hint = "this machine has no such address; set web.host to one of its own"
        if not self._complained:
            where = f"{self._config.host} port {self._config.port}"
            _log.error("The page cannot be served on %s: %s. Trying again every %g s", where, hint, self._retry_s)
        self._complained = True

    async def _listen_later(self) -> None:
        while True:
            await asyncio.sleep(self._retry_s)
            if await self._listen():
                return

    def _knocked(self) -> None:
        """The first connection waits in the backlog: open the house, and let it take the socket over."""
        if self._socket is not None and self._opening is None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._opening = asyncio.create_task(self._open(self._socket))

    async def _open(self, listening: socket.socket) -> None:
        try:
            await self._serve(listening)
        except Exception:
            _log.exception("The page could not be opened; trying again in %g s", self._retry_s)
            await asyncio.sleep(self._retry_s)
            self._opening = None
            asyncio.get_running_loop().add_reader(listening, self._knocked)

    async def _serve(self, listening: socket.socket) -> None:
        await asyncio.to_thread(importlib.import_module, "phaeton.sinks.web.site")
        from phaeton.sinks.web.connection import CrowdSite  # noqa: PLC0415 - loaded by now
        from phaeton.sinks.web.site import WebSite  # noqa: PLC0415 - loaded by now

        loopback = _only_this_machine(listening.getsockname()[0])
        site = WebSite(self._config, self._state, self._parts, loopback=loopback)
        await site.runner.setup()
        self._site = site
        await CrowdSite(site.runner, listening, site.crowd, BACKLOG).start()
        self._socket = None  # its owner is the runner now


def _only_this_machine(host: str) -> bool:
    return ipaddress.ip_address(host.partition("%")[0]).is_loopback
