"""A source of prices says at once what it needs, in words with an example."""

from __future__ import annotations

import pytest

from phaeton.config.load import parse
from phaeton.config.price_rules import EIC_CODES, eic_is_sound
from phaeton.config.problems import ConfigError


def problems(prices: str) -> str:
    with pytest.raises(ConfigError) as error:
        parse(f"charger: a\nprices: {{{prices}}}\n")
    return str(error.value)


@pytest.mark.parametrize(
    ("prices", "says"),
    [
        ("source: tibber", "prices.tibber.token: is needed by prices.source: tibber"),
        ("source: energy_charts", "prices.energy_charts.zone: is needed"),
        ("source: energy_charts, energy_charts: {zone: de-lu}", "Did you mean DE-LU?"),
        ("source: nordpool, nordpool: {area: SE5}", "prices.nordpool.area = SE5: is no zone"),
        ("source: entsoe, entsoe: {zone: DE-LU}", "prices.entsoe.token: is needed"),
        ("source: entsoe, entsoe: {zone: 10Y1001A1001A82X, token: a}", "prices.entsoe.zone = 10Y1001A1001A82X"),
        ("source: evcc", "prices.evcc.url: is needed"),
        ("source: homeassistant, homeassistant: {url: 'http://h'}", "prices.homeassistant.entity: is needed"),
        ("source: http_json", "prices.http_json.url: is needed"),
        ("source: time_of_use", "prices.time_of_use: is needed"),
        ("source: victron, victron: {path: /Price}", "prices.victron.service: is needed"),
        ("source: awattar, fallback: awattar", "prices.fallback = awattar: is the source itself"),
        ("fallback: awattar", "prices.fallback = awattar: is never used"),
        ("source: awattar, fallback: tibber", "prices.tibber.token: is needed by prices.fallback: tibber"),
        ("formula: {fees: [{start: '07:00', end: '07:00', per_kwh: 0.1}]}", "prices.formula.fees[0].end = 07:00"),
        ("time_of_use: [{days: [mon, mon], import_per_kwh: 0.1}]", "names a day twice"),
        ("time_of_use: [{months: [1, 1], import_per_kwh: 0.1}]", "names a month twice"),
    ],
)
def test_what_is_missing_or_contradicts_is_said(prices: str, says: str) -> None:
    assert says in problems(prices)


@pytest.mark.parametrize(
    "prices",
    [
        "source: awattar, fallback: fixed",
        "source: tibber, tibber: {token: a}, fallback: energy_charts, energy_charts: {zone: DE-LU}",
        "source: entsoe, entsoe: {zone: 10Y1001A1001A82H, token: {env: ENTSOE}}",
        "source: victron",
        "source: victron, victron: {service: com.example.x, path: /Price}",
        "source: time_of_use, time_of_use: [{start: '22:00', end: '06:00', months: [1, 2], import_per_kwh: 0.1}]",
    ],
)
def test_what_fits_together_is_taken(prices: str) -> None:
    assert parse(f"charger: a\nprices: {{{prices}}}\n").config


def test_every_code_of_a_zone_has_the_right_check_character() -> None:
    assert [zone for zone, code in EIC_CODES.items() if not eic_is_sound(code)] == []
    assert not eic_is_sound("10Y1001A1001A82J")
    assert not eic_is_sound("DE-LU")


def test_levels_need_a_source_that_tells_them() -> None:
    level = "schedule: {strategy: level}\n"
    with pytest.raises(ConfigError, match=r"prices\.source fixed tells no levels"):
        parse("charger: a\n" + level)
    assert parse("charger: a\nprices: {source: tibber, tibber: {token: a}}\n" + level).config
    by_path = "prices: {source: http_json, http_json: {url: 'http://h', level: rank}}\n"
    assert parse("charger: a\n" + by_path + level).config
