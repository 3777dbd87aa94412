"""A forecast says at once what it needs; the key of a service stays hidden."""

from __future__ import annotations

import pytest

from phaeton.config.load import parse
from phaeton.config.problems import ConfigError


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("forecast: {source: open_meteo}", "forecast.planes: is needed by forecast.source: open_meteo"),
        ("forecast: {source: forecast_solar, planes: [{kwp: 5}]}", "site.home.latitude: is needed"),
        ("forecast: {source: own_history}\nsite: {source: none}", "knows nothing without values of the house"),
        ("forecast: {source: solcast}", "forecast.source"),
        ("forecast: {planes: [{kwp: 0}]}", "forecast.planes[0].kwp"),
        ("forecast: {planes: [{kwp: 5, tilt_deg: 91}]}", "forecast.planes[0].tilt_deg"),
        ("forecast: {refresh_min: 5}", "forecast.refresh_min"),
    ],
)
def test_what_is_missing_or_wrong_is_said(more: str, says: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(f"charger: a\n{more}\n")
    assert says in str(error.value)


def test_the_key_is_a_secret() -> None:
    text = "forecast: {source: open_meteo, planes: [{kwp: 5}], open_meteo: {key: abc123}}\n"
    loaded = parse(f"charger: a\nsite: {{home: {{latitude: 52, longitude: 5}}}}\n{text}")
    assert "abc123" not in repr(loaded.config)
