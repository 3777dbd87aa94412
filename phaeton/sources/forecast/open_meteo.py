"""Open-Meteo: global irradiance on the tilted panels by the hour, mean of the hour before the time it is told for."""

from __future__ import annotations

from collections.abc import Generator

from phaeton.config.secret import reveal
from phaeton.config.tree_forecast import Forecast, OpenMeteoForecast, Plane
from phaeton.config.tree_vehicles import HomePosition
from phaeton.links.http import Answer, Ask
from phaeton.sources.forecast.sun import Row, rows_before
from phaeton.sources.service.answers import ServiceError, accepted, decoded, garbage, items, number, section
from phaeton.sources.service.times import instant_s

URL = "https://api.open-meteo.com/v1/forecast"
PAID_URL = "https://customer-api.open-meteo.com/v1/forecast"
WHO = "Open-Meteo"
DAYS = 3
FULL_SUN_W_M2 = 1000.0
"""Irradiance at which panels give their peak power (standard test conditions)."""
MOST_W_M2 = 1500.0
"""Clouds beside the sun brighten it up to about this."""
_NAME = "global_tilted_irradiance"


class OpenMeteo:
    """The forecast of one position."""

    title = WHO

    def __init__(self, config: OpenMeteoForecast, home: HomePosition, planes: tuple[Plane, ...]) -> None:
        self._config = config
        self._home = home
        self._planes = planes

    def talk(self) -> Generator[Ask, Answer, list[list[Row]]]:
        """One request for each plane; the rows of each."""
        key = reveal(self._config.key).strip()
        url = self._config.url or (PAID_URL if key else URL)
        found = []
        for plane in self._planes:
            params = {
                "latitude": f"{self._home.latitude or 0.0:.2f}",
                "longitude": f"{self._home.longitude or 0.0:.2f}",
                "hourly": _NAME,
                "tilt": f"{plane.tilt_deg:g}",
                "azimuth": f"{plane.azimuth_deg:g}",
                "timeformat": "unixtime",
                "forecast_days": str(DAYS),
            }
            answer = yield Ask(url=url, params={**params, "apikey": key} if key else params)
            found.append(parse(answer, plane, self._config.efficiency_pct))
        return found


def provider(config: Forecast, home: HomePosition) -> OpenMeteo:
    """The service by its settings."""
    return OpenMeteo(config.open_meteo, home, config.planes)


def parse(answer: Answer, plane: Plane, efficiency_pct: float) -> list[Row]:
    """The power of a plane; raises `ServiceError`."""
    said = _refused(answer)
    hourly = section(said.get("hourly"))
    times, values = items(hourly.get("time")), items(hourly.get(_NAME))
    if not times or len(times) != len(values):
        raise garbage(WHO, f"it holds no {_NAME}")
    unit = section(said.get("hourly_units")).get(_NAME, "W/m²")
    if unit != "W/m²":
        raise garbage(WHO, f"the irradiance is in {str(unit)[:20]}")
    scale = plane.kwp * 1000.0 / FULL_SUN_W_M2 * efficiency_pct / 100.0
    pairs = ((instant_s(at), number(value, scale)) for at, value in zip(times, values, strict=True))
    rows = rows_before(pairs, MOST_W_M2 * scale)
    if not rows:
        raise garbage(WHO, "no row of it is sound")
    return rows


def _refused(answer: Answer) -> dict[str, object]:
    """What it said; a refusal has the service's own reason with it."""
    try:
        accepted(answer, WHO, "forecast.open_meteo.key")
    except ServiceError as error:
        try:
            reason = section(answer.json()).get("reason")
        except ValueError:
            reason = None
        if answer.status != 400 or not isinstance(reason, str):
            raise
        text = f"{WHO} refuses the request: {reason[:200]}"
        raise ServiceError(error.trouble.kind, text) from None
    return section(decoded(answer, WHO))
