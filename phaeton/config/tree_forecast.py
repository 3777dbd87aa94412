"""The part of the configuration about the sun to come: who forecasts it, and what the panels are like."""

from __future__ import annotations

from typing import Annotated, Literal

from phaeton.config.forms import URL
from phaeton.config.node import Node, Secret, meta

ForecastSourceKind = Literal["none", "own_history", "open_meteo", "forecast_solar"]


class Plane(Node, frozen=True):
    """One field of panels that look the same way."""

    kwp: Annotated[float, meta("Peak power of the panels, in kWp", gt=0, le=1000)]
    tilt_deg: Annotated[float, meta("Tilt: 0 = flat, 90 = upright", ge=0, le=90)] = 30.0
    azimuth_deg: Annotated[
        float, meta("Direction: 0 = south, -90 = east, 90 = west, 180 = north (everywhere on earth)", ge=-180, le=180)
    ] = 0.0


class OwnHistoryForecast(Node, frozen=True):
    """What this house did at the same hour: the sun of the last days, and the consumption of such days."""

    days: Annotated[int, meta("A day so many days ago counts for about a third of today", ge=2, le=60)] = 10


class OpenMeteoForecast(Node, frozen=True):
    """Open-Meteo: irradiance on the tilted panels, without an account for private use."""

    key: Annotated[Secret, meta("Key of a paid plan; empty = the free service")] = Secret()
    efficiency_pct: Annotated[
        float, meta("What of the panels' power arrives at the house: heat, cables, inverter", gt=0, le=110)
    ] = 85.0
    url: Annotated[str, meta("Another address of the service, for a dry run", pattern=URL)] = ""


class ForecastSolar(Node, frozen=True):
    """forecast.solar: power of the panels, without an account for a few requests an hour."""

    key: Annotated[Secret, meta("Key of an account; empty = the public service")] = Secret()
    url: Annotated[str, meta("Another address of the service, for a dry run", pattern=URL)] = ""


class Forecast(Node, frozen=True):
    """The sun to come; a departure plan counts on a share of it (`schedule.plan.forecast_certainty_pct`)."""

    source: Annotated[
        ForecastSourceKind,
        meta(
            "Where it comes from: nowhere, what the house did so far (a good start), or a service, which is told the "
            "position of `site.home` to about a kilometre"
        ),
    ] = "none"
    refresh_min: Annotated[float, meta("Time between two requests to a service, in minutes", ge=30, le=1440)] = 120.0
    planes: Annotated[tuple[Plane, ...], meta("The panels; needed by the services", max_length=4)] = ()
    own_history: OwnHistoryForecast = OwnHistoryForecast()
    open_meteo: OpenMeteoForecast = OpenMeteoForecast()
    forecast_solar: ForecastSolar = ForecastSolar()
