"""What a source of prices needs: a token, a zone, an address; and what cannot be together."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from phaeton.config.contradiction import Contradiction
from phaeton.config.tree import Config
from phaeton.config.tree_prices import Hours, Prices

ENERGY_CHARTS_ZONES = (
    *("AT", "BE", "BG", "CH", "CZ", "DE-LU", "DE-AT-LU", "DK1", "DK2", "EE", "ES", "FI", "FR", "GR", "HR", "HU"),
    *("IT-Calabria", "IT-Centre-North", "IT-Centre-South", "IT-North", "IT-SACOAC", "IT-SACODC", "IT-Sardinia"),
    *("IT-Sicily", "IT-South", "LT", "LV", "ME", "NL", "NO1", "NO2", "NO2NSL", "NO3", "NO4", "NO5", "PL", "PT", "RO"),
    *("RS", "SE1", "SE2", "SE3", "SE4", "SI", "SK"),
)
NORD_POOL_AREAS = (
    *("AT", "BE", "BG", "DK1", "DK2", "EE", "FI", "FR", "GER", "LT", "LV", "NL", "NO1", "NO2", "NO3", "NO4", "NO5"),
    *("PL", "SE1", "SE2", "SE3", "SE4", "SYS", "TEL"),
)
EIC_CODES = {
    "AT": "10YAT-APG------L",
    "BE": "10YBE----------2",
    "BG": "10YCA-BULGARIA-R",
    "CH": "10YCH-SWISSGRIDZ",
    "CZ": "10YCZ-CEPS-----N",
    "DE-LU": "10Y1001A1001A82H",
    "DK1": "10YDK-1--------W",
    "DK2": "10YDK-2--------M",
    "EE": "10Y1001A1001A39I",
    "ES": "10YES-REE------0",
    "FI": "10YFI-1--------U",
    "FR": "10YFR-RTE------C",
    "GR": "10YGR-HTSO-----Y",
    "HR": "10YHR-HEP------M",
    "HU": "10YHU-MAVIR----U",
    "IE": "10Y1001A1001A59C",
    "IT-NORTH": "10Y1001A1001A73I",
    "LT": "10YLT-1001A0008Q",
    "LV": "10YLV-1001A00074",
    "NL": "10YNL----------L",
    "NO1": "10YNO-1--------2",
    "NO2": "10YNO-2--------T",
    "NO3": "10YNO-3--------J",
    "NO4": "10YNO-4--------9",
    "NO5": "10Y1001A1001A48H",
    "PL": "10YPL-AREA-----S",
    "PT": "10YPT-REN------W",
    "RO": "10YRO-TEL------P",
    "RS": "10YCS-SERBIATSOV",
    "SE1": "10Y1001A1001A44P",
    "SE2": "10Y1001A1001A45N",
    "SE3": "10Y1001A1001A46L",
    "SE4": "10Y1001A1001A47J",
    "SI": "10YSI-ELES-----O",
    "SK": "10YSK-SEPS-----K",
}
"""Bidding zones by the names that people use, with the codes that ENTSO-E knows them by."""

_CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-"
_ASKS_NOBODY = ("fixed", "time_of_use")


def price_rules(config: Config) -> Iterator[Contradiction]:
    """The broken rules of `prices`."""
    prices = config.prices
    for kind, by in ((prices.source, "prices.source"), (prices.fallback, "prices.fallback")):
        for key, given, remedy in _needs(kind, prices):
            if not given:
                yield Contradiction(f"prices.{key}", "", f"is needed by {by}: {kind}", remedy, (by,))
        yield from _zones(kind, prices)
    if prices.fallback == prices.source:
        yield Contradiction(
            "prices.fallback",
            prices.fallback,
            "is the source itself",
            "Choose another one, or none",
            ("prices.source",),
        )
    elif prices.fallback != "none" and prices.source in _ASKS_NOBODY:
        text = f"is never used: {prices.source} always has a price"
        yield Contradiction("prices.fallback", prices.fallback, text, "Set it to none", ("prices.source",))
    if config.schedule.strategy == "level" and not _tells_levels(prices):
        yield Contradiction(
            "schedule.strategy",
            "level",
            f"never charges: prices.source {prices.source} tells no levels",
            "Choose percentile or threshold, or the source tibber",
            ("prices.source", "prices.http_json.level"),
        )
    for name, all_hours in (
        ("prices.time_of_use", prices.time_of_use),
        ("prices.formula.fees", prices.formula.fees),
        ("prices.fallback_formula.fees", prices.fallback_formula.fees),
    ):
        for index, hours in enumerate(all_hours):
            yield from _hours(hours, f"{name}[{index}]")


def _tells_levels(prices: Prices) -> bool:
    """Whether the source calls its prices cheap or expensive."""
    return prices.source == "tibber" or (prices.source == "http_json" and bool(prices.http_json.level))


def eic_is_sound(code: str) -> bool:
    """Whether a code of 16 characters has the right check character, as the EIC rules compute it."""
    if len(code) != 16 or any(character not in _CHARACTERS for character in code) or code[-1] == "-":
        return False
    total = sum(_CHARACTERS.index(character) * (16 - place) for place, character in enumerate(code[:15]))
    return _CHARACTERS[36 - (total - 1) % 37] == code[15]


def _needs(kind: str, prices: Prices) -> Iterator[tuple[str, bool, str]]:
    """Key, whether it is given, and what it looks like, for each thing that the source cannot do without."""
    match kind:
        case "tibber":
            token = "It is made at developer.tibber.com/settings/access-token"
            yield "tibber.token", prices.tibber.token.given, token
        case "energy_charts":
            yield "energy_charts.zone", bool(prices.energy_charts.zone), "As DE-LU, AT or NL"
        case "nordpool":
            yield "nordpool.area", bool(prices.nordpool.area), "As SE3, NO2, DK1 or GER"
        case "entsoe":
            yield "entsoe.zone", bool(prices.entsoe.zone), "As DE-LU, SE3 or ES"
            yield "entsoe.token", prices.entsoe.token.given, "It is asked for by mail at transparency@entsoe.eu"
        case "evcc":
            yield "evcc.url", bool(prices.evcc.url), "As http://192.168.1.20:7070"
        case "homeassistant":
            yield "homeassistant.url", bool(prices.homeassistant.url), "As http://192.168.1.20:8123"
            yield "homeassistant.token", prices.homeassistant.token.given, "It is made in your profile there"
            yield "homeassistant.entity", bool(prices.homeassistant.entity), "As sensor.nordpool"
        case "http_json":
            yield "http_json.url", bool(prices.http_json.url), "As http://192.168.1.20/prices.json"
        case "time_of_use":
            example = 'As [{start: "23:00", end: "07:00", import_per_kwh: 0.18}]'
            yield "time_of_use", bool(prices.time_of_use), example
        case "victron":
            both = bool(prices.victron.path) <= bool(prices.victron.service)
            yield "victron.service", both, "The path alone does not say whose it is"
        case _:
            return


def _zones(kind: str, prices: Prices) -> Iterator[Contradiction]:
    if kind == "energy_charts" and prices.energy_charts.zone:
        yield from _one_of(prices.energy_charts.zone, ENERGY_CHARTS_ZONES, "prices.energy_charts.zone")
    if kind == "nordpool" and prices.nordpool.area:
        yield from _one_of(prices.nordpool.area, NORD_POOL_AREAS, "prices.nordpool.area")
    if kind == "entsoe" and prices.entsoe.zone and not eic_is_sound(prices.entsoe.zone):
        yield from _one_of(prices.entsoe.zone.upper(), tuple(EIC_CODES), "prices.entsoe.zone")


def _one_of(value: str, known: tuple[str, ...], path: str) -> Iterator[Contradiction]:
    if value not in known:
        close = get_close_matches(value.upper(), known, n=1, cutoff=0.4)
        remedy = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(known)}"
        yield Contradiction(path, value, "is no zone that is known here", remedy)


def _hours(hours: Hours, path: str) -> Iterator[Contradiction]:
    if hours.start == hours.end:
        remedy = 'The whole day is start: "00:00", end: "24:00"'
        yield Contradiction(f"{path}.end", hours.end, "is the start: it has no length", remedy, (f"{path}.start",))
    if len(set(hours.days)) < len(hours.days):
        yield Contradiction(f"{path}.days", ", ".join(hours.days), "names a day twice")
    if len(set(hours.months)) < len(hours.months):
        yield Contradiction(f"{path}.months", ", ".join(map(str, hours.months)), "names a month twice")
