"""The web server: it listens, tries again where it cannot, publishes outputs, and ends at once when told to."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
from collections.abc import Callable, Sequence

from aiohttp import web

from phaeton.config.tree import Web
from phaeton.model import Output
from phaeton.sinks.web.api import BODY_BYTES, Api, Sessions, Submit
from phaeton.sinks.web.assets import Assets
from phaeton.sinks.web.events import EventHub
from phaeton.sinks.web.guard import add_headers, guard
from phaeton.sinks.web.state import WebState
from phaeton.sinks.web.status import Diagnostics, PointName

_log = logging.getLogger(__name__)

RETRY_S = 10.0
"""Pause between two attempts to listen."""
SHUTDOWN_S = 1.0


class WebServer:
    """The page and the API of one site; only `publish` is called by the control, and it returns at once."""

    def __init__(
        self,
        config: Web,
        submit: Submit,
        points: Sequence[PointName],
        sessions: Sessions,
        diagnostics: Callable[[], Diagnostics],
        retry_s: float = RETRY_S,
    ) -> None:
        self._config = config
        self._retry_s = retry_s
        self._state = WebState(points, diagnostics)
        self._hub = EventHub(self._state.encoded)
        self._api = Api(self._state, submit, sessions)
        self._runner: web.AppRunner | None = None
        self._listening: asyncio.Task[None] | None = None
        self._complained = False
        self.address: str | None = None
        """Where it listens, such as ``http://127.0.0.1:8088``; None while it does not."""

    @property
    def clients(self) -> int:
        """How many pages follow the events."""
        return self._hub.clients

    def publish(self, output: Output) -> None:
        """Take the newest output; costs a few microseconds while nobody listens."""
        try:
            self._state.take(output)
            self._hub.changed()
        except Exception:
            _log.exception("The page missed an output")

    async def start(self) -> None:
        """Listen; where that fails (the port is in use), say so and go on trying in the background."""
        runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=SHUTDOWN_S, handle_signals=False)
        await runner.setup()
        self._runner = runner
        if not await self._listen(runner):
            self._listening = asyncio.create_task(self._listen_later(runner))

    async def stop(self) -> None:
        """End the streams and close the port; returns within about a second at most."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
            self._listening = None
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        self.address = None

    def _app(self) -> web.Application:
        assets = Assets()
        app = web.Application(middlewares=[guard(self._config.host)], client_max_size=BODY_BYTES)
        app.on_response_prepare.append(add_headers)
        app.on_shutdown.append(self._end_streams)
        app.add_routes(self._api.routes())
        app.add_routes(
            [
                web.get("/api/events", self._hub.handle),
                web.get("/", assets.page),
                web.get("/favicon.ico", assets.icon),
                web.get("/assets/{version}/{name:.+}", assets.file),
            ]
        )
        for alias in ("/ui", "/app"):
            app.add_routes(
                [
                    web.get(alias, assets.to_directory),
                    web.get(f"{alias}/", assets.page),
                    web.get(f"{alias}/index.html", assets.to_page),
                    web.get(f"{alias}/assets/{{version}}/{{name:.+}}", assets.file),
                ]
            )
        return app

    async def _end_streams(self, _: web.Application) -> None:
        self._hub.close()

    async def _listen(self, runner: web.AppRunner) -> bool:
        site = web.TCPSite(runner, self._config.host, self._config.port)
        where = f"{self._config.host} port {self._config.port}"
        try:
            await site.start()
        except OSError as error:
            hint = error.strerror or str(error)
            if error.errno == errno.EADDRINUSE:
                hint = "another program uses this port; set web.port to a free one or stop that program"
            elif error.errno == errno.EACCES:
                hint = "not allowed; set web.port to 1024 or above"
            elif error.errno == errno.EADDRNOTAVAIL:
                hint = "this machine has no such address; set web.host to one of its own"
            await site.stop()
            if not self._complained:
                _log.error("The page cannot be served on %s: %s. Trying again every %g s", where, hint, self._retry_s)
            self._complained = True
            return False
        host, port = runner.addresses[0][:2]
        self.address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        _log.info("The page is at %s", self.address)
        if not _only_this_machine(host):
            _log.warning("Everybody who reaches %s can control the charger: there is no password", self.address)
        return True

    async def _listen_later(self, runner: web.AppRunner) -> None:
        while True:
            await asyncio.sleep(self._retry_s)
            if await self._listen(runner):
                return


def _only_this_machine(host: str) -> bool:
    return ipaddress.ip_address(host.partition("%")[0]).is_loopback
