"""All that answers a request: routes, page, events. This loads the web library; `server` does so when somebody asks."""

from __future__ import annotations

from aiohttp import web

from phaeton.config.tree_web import Web
from phaeton.sinks.web import reference
from phaeton.sinks.web.api import Api
from phaeton.sinks.web.assets import Assets
from phaeton.sinks.web.endpoint import Endpoints
from phaeton.sinks.web.events import EventHub
from phaeton.sinks.web.guard import add_headers, guard
from phaeton.sinks.web.openapi import OpenApi
from phaeton.sinks.web.parts import Parts
from phaeton.sinks.web.state import WebState
from phaeton.sinks.web.vehicle_api import VehicleApi

SHUTDOWN_S = 1.0


class WebSite:
    """The application of one server and its live stream."""

    def __init__(self, config: Web, state: WebState, parts: Parts) -> None:
        self.hub = EventHub(state.encoded)
        self.endpoints: Endpoints = [
            *Api(state, parts).endpoints(),
            *self.hub.endpoints(),
            *VehicleApi(state, parts).endpoints(),
        ]
        self.endpoints += OpenApi(self.endpoints).endpoints()
        self.runner = web.AppRunner(
            self._app(config), access_log=None, shutdown_timeout=SHUTDOWN_S, handle_signals=False
        )

    def _app(self, config: Web) -> web.Application:
        assets = Assets()
        app = web.Application(middlewares=[guard(config.host)])
        app.on_response_prepare.append(add_headers)
        app.on_shutdown.append(self._end_streams)
        app.add_routes([endpoint.route() for endpoint in self.endpoints])
        app.add_routes(reference.routes())
        app.add_routes(
            [
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
        self.hub.close()
