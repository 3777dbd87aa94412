"""forecast.solar: energy of the panels since the time told before, from sunrise to sunset."""

from __future__ import annotations

from collections.abc import Generator
from itertools import pairwise

from phaeton.config.secret import reveal
from phaeton.config.tree_forecast import Forecast, ForecastSolar, Plane
from phaeton.config.tree_vehicles import HomePosition
from phaeton.links.http import LONGEST_PATIENCE_S, Answer, Ask, TroubleKind
from phaeton.sources.forecast.sun import Row, rows_before
from phaeton.sources.service.answers import ServiceError, accepted, decoded, garbage, number, section
from phaeton.sources.service.times import instant_s

URL = "https://api.forecast.solar"
WHO = "forecast.solar"
KEY = "forecast.forecast_solar.key"
MOST_PER_KWP_W = 1500.0
_MALFORMED_KEY = 400
_TOO_OFTEN = 429


class ForecastSolarService:
    """The forecast of one position."""

    title = WHO

    def __init__(self, config: ForecastSolar, home: HomePosition, planes: tuple[Plane, ...]) -> None:
        self._config = config
        self._home = home
        self._planes = planes

    def talk(self) -> Generator[Ask, Answer, list[list[Row]]]:
        """One request for each plane; the rows of each."""
        key = reveal(self._config.key).strip()
        if not (key.isascii() and (key.isalnum() or not key)):
            raise ServiceError(TroubleKind.AUTH, f"{KEY} is no key: it has letters and digits only")
        base = (self._config.url or URL).rstrip("/") + (f"/{key}" if key else "")
        found = []
        for plane in self._planes:
            where = f"{self._home.latitude or 0.0:.2f}/{self._home.longitude or 0.0:.2f}"
            panels = f"{plane.tilt_deg:.0f}/{plane.azimuth_deg:.0f}/{plane.kwp:g}"
            ask = Ask(
                url=f"{base}/estimate/{where}/{panels}", params={"time": "utc"}, headers={"Accept": "application/json"}
            )
            found.append(parse((yield ask), plane))
        return found


def provider(config: Forecast, home: HomePosition) -> ForecastSolarService:
    """The service by its settings."""
    return ForecastSolarService(config.forecast_solar, home, config.planes)


def parse(answer: Answer, plane: Plane) -> list[Row]:
    """The power of a plane; raises `ServiceError`."""
    said = section(decoded(_let_in(answer), WHO))
    energies = section(section(said.get("result")).get("watt_hours_period"))
    if not energies:
        raise garbage(WHO, "it holds no watt_hours_period")
    told = {at_s: number(value) for at, value in energies.items() if (at_s := instant_s(at)) is not None}
    times = sorted(told)
    powers: list[tuple[float | None, float | None]] = [(times[0], 0.0)] if times else []
    powers += [(end_s, _mean_w(told[end_s], end_s - start_s)) for start_s, end_s in pairwise(times)]
    rows = rows_before(powers, MOST_PER_KWP_W * plane.kwp)
    if not rows:
        raise garbage(WHO, "no row of it is sound")
    return rows


def _mean_w(energy_wh: float | None, length_s: float) -> float | None:
    return None if energy_wh is None else energy_wh * 3600.0 / length_s


def _let_in(answer: Answer) -> Answer:
    """The answer, when it is one; its own words and its patience go with a refusal."""
    try:
        return accepted(answer, WHO, KEY)
    except ServiceError as error:
        message = _message(answer)
        words = message.get("text")
        if answer.status == _MALFORMED_KEY and isinstance(words, str) and words:
            raise ServiceError(TroubleKind.REFUSED, f"{WHO} refuses the request: {words[:200]}") from None
        if answer.status == _TOO_OFTEN:
            again_s = _patience_s(message)
            raise ServiceError(
                error.trouble.kind, error.trouble.message, again_s or error.trouble.retry_after_s
            ) from None
        raise


def _message(answer: Answer) -> dict[str, object]:
    try:
        return section(section(answer.json()).get("message"))
    except ValueError:
        return {}


def _patience_s(message: dict[str, object]) -> float | None:
    """How long to wait by the service's own words: until ``retry-at``, else for the period of its limit."""
    limit = section(message.get("ratelimit"))
    again_s, now_s = instant_s(limit.get("retry-at")), instant_s(section(message.get("info")).get("time_utc"))
    if again_s is not None and now_s is not None and again_s > now_s:
        return min(again_s - now_s, LONGEST_PATIENCE_S)
    period_s = number(limit.get("period"))
    return None if period_s is None or period_s <= 0 else min(period_s, LONGEST_PATIENCE_S)
