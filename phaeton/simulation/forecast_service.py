"""Simulated forecasts on the loopback: Open-Meteo and forecast.solar, with their limits, misbehaving on request.

The sun of a day is a bow from six to eighteen o'clock local time. A dry run needs no account:

    async with SimulatedForecasts() as service:
        config = Config(..., forecast=service.forecast("open_meteo"))
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from aiohttp import web

from phaeton.config.tree_forecast import Forecast, ForecastSolar, ForecastSourceKind, OpenMeteoForecast, Plane
from phaeton.simulation.misbehaving import Misbehaviour, SimulatedService

PEAK_W_M2 = 800.0
LIMIT = 12
LIMIT_PERIOD_S = 3600
HOUR_S = 3600.0
DAYS = 3
KWP = 10.0


class SimulatedForecasts(SimulatedService):
    """Both services on one port. ``now`` is the clock by which days begin (UTC seconds)."""

    def __init__(self, now: Callable[[], float] = time.time, *, zone: str = "Europe/Berlin", port: int = 0) -> None:
        super().__init__(port)
        self._now = now
        self._zone: tzinfo = ZoneInfo(zone)
        self._times: list[float] = []
        self.peak_w_m2 = PEAK_W_M2
        """Irradiance at noon."""
        self.places: set[tuple[str, str]] = set()
        """Latitude and longitude that were asked for, as they were written."""

    def forecast(self, kind: ForecastSourceKind) -> Forecast:
        """A configuration that asks the simulated service of this kind for 10 kWp."""
        return Forecast(
            source=kind,
            planes=(Plane(kwp=KWP),),
            open_meteo=OpenMeteoForecast(url=f"{self.url}/open-meteo"),
            forecast_solar=ForecastSolar(url=f"{self.url}/forecast-solar"),
        )

    def sun_w_m2(self, utc_s: float) -> float:
        """Irradiance at an instant."""
        at = datetime.fromtimestamp(utc_s, self._zone)
        hour = at.hour + at.minute / 60.0
        return max(self.peak_w_m2 * math.sin((hour - 6.0) / 12.0 * math.pi), 0.0) if 6.0 <= hour <= 18.0 else 0.0

    def _routes(self) -> list[web.RouteDef]:
        return [
            web.get("/open-meteo", self._open_meteo),
            web.get("/forecast-solar/{key}/estimate/{lat}/{lon}/{tilt}/{azimuth}/{kwp}", self._forecast_solar),
            web.get("/forecast-solar/estimate/{lat}/{lon}/{tilt}/{azimuth}/{kwp}", self._forecast_solar),
        ]

    def _unauthorized(self, service: str) -> web.Response:
        if service == "open-meteo":
            return web.json_response({"error": True, "reason": "The supplied API key is invalid."}, status=401)
        return web.json_response({"result": None, "message": {"code": 401, "type": "error"}}, status=401)

    async def _open_meteo(self, request: web.Request) -> web.Response:
        try:
            where = [float(request.query[name]) for name in ("latitude", "longitude", "tilt", "azimuth")]
        except (KeyError, ValueError):
            return web.json_response({"error": True, "reason": "Parameter is missing or no number."}, status=400)
        if not -90 <= where[0] <= 90:
            reason = "Latitude must be in range of -90 to 90."
            return web.json_response({"error": True, "reason": reason}, status=400)
        self.places.add((request.query["latitude"], request.query["longitude"]))
        start_s = self._now() // 86400.0 * 86400.0
        times = [start_s + hour * HOUR_S for hour in range(24 * DAYS)]
        values = [round(self.sun_w_m2(at_s - HOUR_S / 2), 1) for at_s in times]
        nothing = self.misbehaviour is Misbehaviour.NOTHING
        return web.json_response(
            {
                "latitude": where[0],
                "longitude": where[1],
                "utc_offset_seconds": 0,
                "timezone": "GMT",
                "hourly_units": {"time": "unixtime", "global_tilted_irradiance": "W/m²"},
                "hourly": {
                    "time": [int(at_s) for at_s in times],
                    "global_tilted_irradiance": [None] * len(times) if nothing else values,
                },
            }
        )

    async def _forecast_solar(self, request: web.Request) -> web.Response:
        now_s = self._now()
        self._times = [at_s for at_s in self._times if at_s > now_s - LIMIT_PERIOD_S]
        limit = {"zone": "IP 127.0.0.1", "period": LIMIT_PERIOD_S, "limit": LIMIT}
        info = {"timezone": str(self._zone), "time_utc": _text(now_s)}
        if len(self._times) >= LIMIT:
            again = {**limit, "retry-at": _text(self._times[0] + LIMIT_PERIOD_S)}
            words = "Rate limit for API calls reached."
            message = {"code": 429, "type": "error", "text": words, "info": info, "ratelimit": again}
            return web.json_response({"result": None, "message": message}, status=429)
        self._times.append(now_s)
        self.places.add((request.match_info["lat"], request.match_info["lon"]))
        kwp = float(request.match_info["kwp"])
        energies: dict[str, int] = {}
        today = datetime.fromtimestamp(now_s, self._zone).replace(hour=6, minute=0, second=0, microsecond=0)
        for day in range(0 if self.misbehaviour is Misbehaviour.NOTHING else DAYS - 1):
            sunrise_s = (today + timedelta(days=day)).timestamp()
            energies[_text(sunrise_s)] = 0
            for hour in range(1, 13):
                at_s = sunrise_s + hour * HOUR_S
                energies[_text(at_s)] = round(self.sun_w_m2(at_s - HOUR_S / 2) * kwp)
        left = {**limit, "remaining": LIMIT - len(self._times)}
        message = {"code": 0, "type": "success", "text": "", "info": info, "ratelimit": left}
        return web.json_response({"result": {"watt_hours_period": energies}, "message": message})


def _text(utc_s: float) -> str:
    return datetime.fromtimestamp(utc_s, UTC).isoformat(timespec="seconds")
