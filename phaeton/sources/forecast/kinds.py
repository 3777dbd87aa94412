"""From the configuration to the source of the forecast."""

from __future__ import annotations

from importlib import import_module

from phaeton.config.node import Secret
from phaeton.config.secret import SecretError, reveal
from phaeton.config.tree_forecast import Forecast
from phaeton.config.tree_vehicles import HomePosition
from phaeton.sources.forecast.own_history import OwnHistory
from phaeton.sources.forecast.own_source import OwnSource
from phaeton.sources.forecast.source import SOURCE, ForecastSource, Service
from phaeton.sources.service.world import World


def build(config: Forecast, home: HomePosition, world: World, history: OwnHistory) -> OwnSource | ForecastSource | None:
    """The source that the configuration names, None for `none`; nothing runs before its `start`."""
    if config.source == "none":
        return None
    if config.source == "own_history":
        return OwnSource(history, world.now, SOURCE)
    own = import_module(f"phaeton.sources.forecast.{config.source}")
    service: Service = own.provider(config, home)
    return ForecastSource(service, lambda: _identity(config, home), config.refresh_min * 60.0, world, history.house_w)


def _identity(config: Forecast, home: HomePosition) -> str:
    """What the forecast depends on."""
    secret: Secret = config.open_meteo.key if config.source == "open_meteo" else config.forecast_solar.key
    try:
        key = reveal(secret).strip()
    except SecretError:
        key = ""
    url = config.open_meteo.url if config.source == "open_meteo" else config.forecast_solar.url
    parts = (config.source, url, key, home.latitude, home.longitude, config.open_meteo.efficiency_pct, *config.planes)
    return "|".join(map(str, parts))
