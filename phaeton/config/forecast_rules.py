"""What a forecast of the sun needs: panels and a position for the services, values of the house for its own history."""

from __future__ import annotations

from collections.abc import Iterator

from phaeton.config.contradiction import Contradiction
from phaeton.config.tree import Config


def forecast_rules(config: Config) -> Iterator[Contradiction]:
    """The broken rules of `forecast`."""
    forecast, home = config.forecast, config.site.home
    by = ("forecast.source",)
    if forecast.source in ("open_meteo", "forecast_solar"):
        if not forecast.planes:
            example = "For instance [{kwp: 9.8, tilt_deg: 35, azimuth_deg: 0}]"
            yield Contradiction("forecast.planes", "", f"is needed by forecast.source: {forecast.source}", example, by)
        if home.latitude is None and home.longitude is None:
            text = f"is needed by forecast.source: {forecast.source}"
            yield Contradiction("site.home.latitude", "", text, "Where the panels are, as 52.1 and 5.3", by)
    if forecast.source == "own_history" and config.site.source == "none":
        text = "knows nothing without values of the house"
        yield Contradiction("forecast.source", "own_history", text, "Set site.source to gx", ("site.source",))
