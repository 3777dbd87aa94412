"""All that answers a request: routes, page, events. This loads the web library; `server` does so when somebody asks."""

from __future__ import annotations

from aiohttp import web

from phaeton.config.tree_web import Web
from phaeton.sinks.web import endpoint, reference
from phaeton.sinks.web.access import Access
from phaeton.sinks.web.access.client import networks
from phaeton.sinks.web.access_api import AccessApi
from phaeton.sinks.web.api import Api
from phaeton.sinks.web.assets import Assets, to_directory
from phaeton.sinks.web.backup_api import BackupApi
from phaeton.sinks.web.config_api import ConfigApi
from phaeton.sinks.web.connection import Crowd
from phaeton.sinks.web.diagnostics_api import DiagnosticsApi
from phaeton.sinks.web.endpoint import Endpoints
from phaeton.sinks.web.energy_api import EnergyApi
from phaeton.sinks.web.events import EventHub
from phaeton.sinks.web.forecast_api import ForecastApi
from phaeton.sinks.web.gate import Gate
from phaeton.sinks.web.guard import guard
from phaeton.sinks.web.headers import header_writer
from phaeton.sinks.web.logs_api import LogsApi
from phaeton.sinks.web.notify_api import NotifyApi
from phaeton.sinks.web.openapi import OpenApi
from phaeton.sinks.web.parts import Parts
from phaeton.sinks.web.preview_api import PreviewApi
from phaeton.sinks.web.recordings_api import RecordingsApi
from phaeton.sinks.web.series_api import SeriesApi
from phaeton.sinks.web.session_api import SessionApi
from phaeton.sinks.web.setup_api import SetupApi
from phaeton.sinks.web.simulation_api import SimulationApi
from phaeton.sinks.web.state import WebState
from phaeton.sinks.web.support_api import SupportApi
from phaeton.sinks.web.trial_api import TrialApi
from phaeton.sinks.web.update_api import UpdateApi
from phaeton.sinks.web.vehicle_api import VehicleApi

SHUTDOWN_S = 1.0


class WebSite:
    """The application of one server and its live stream."""

    def __init__(self, config: Web, state: WebState, parts: Parts, *, loopback: bool) -> None:
        self.gate = Gate(config, parts.access or Access(), loopback=loopback)
        self.crowd = Crowd(networks(config.trusted_proxies))
        self.hub = EventHub(state.encoded)
        self.logs = LogsApi()
        self.endpoints: Endpoints = [
            *Api(state, parts).endpoints(),
            *self.hub.endpoints(),
            *VehicleApi(state, parts).endpoints(),
            *SessionApi(state, parts).endpoints(),
            *EnergyApi(state, parts).endpoints(),
            *SeriesApi(state, parts).endpoints(),
            *ForecastApi(state, parts).endpoints(),
            *PreviewApi(state, parts).endpoints(),
            *SimulationApi(parts).endpoints(),
            *UpdateApi(parts).endpoints(),
            *AccessApi(self.gate, state).endpoints(),
            *SetupApi(state, parts).endpoints(),
            *ConfigApi(parts).endpoints(),
            *TrialApi(parts).endpoints(),
            *BackupApi(parts).endpoints(),
            *self.logs.endpoints(),
            *RecordingsApi(parts).endpoints(),
            *NotifyApi(parts).endpoints(),
            *SupportApi(parts).endpoints(),
            *DiagnosticsApi(state, parts, self.hub, self.logs).endpoints(),
        ]
        self.endpoints += OpenApi(self.endpoints).endpoints()
        self.runner = web.AppRunner(
            self._app(config.path_prefix), access_log=None, shutdown_timeout=SHUTDOWN_S, handle_signals=False
        )

    def _app(self, prefix: str) -> web.Application:
        app = web.Application(middlewares=[guard(self.gate)])
        app.on_response_prepare.append(header_writer(self.gate))
        app.on_shutdown.append(self._end_streams)
        routes = [*endpoint.routes(self.endpoints), *reference.routes(), *_page(Assets(prefix))]
        app.add_routes(routes)
        if prefix:  # a proxy may take it away or leave it
            app.add_routes([web.RouteDef(r.method, prefix + r.path, r.handler, r.kwargs) for r in routes])
            app.add_routes([web.get(prefix, to_directory)])
        return app

    async def _end_streams(self, _: web.Application) -> None:
        self.gate.close()
        self.hub.close()
        self.logs.close()


def _page(assets: Assets) -> list[web.RouteDef]:
    found = [
        web.get("/", assets.page),
        web.get("/favicon.ico", assets.icon),
        web.get("/assets/{version}/{name:.+}", assets.file),
    ]
    for alias in ("/ui", "/app"):
        found += [
            web.get(alias, to_directory),
            web.get(f"{alias}/", assets.page),
            web.get(f"{alias}/index.html", assets.to_page),
            web.get(f"{alias}/assets/{{version}}/{{name:.+}}", assets.file),
        ]
    return found
