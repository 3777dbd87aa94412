"""A price sensor of Home Assistant: lists of prices in its attributes, or its state as the price of now."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from phaeton.config.secret import SecretError, reveal
from phaeton.config.tree_prices import HomeAssistantPrices, Prices
from phaeton.links.http import Answer, Ask, TroubleKind
from phaeton.sources.prices.paths import find
from phaeton.sources.prices.provider import Rhythm, Span, Talk, filled
from phaeton.sources.prices.table import Row, Table, sound
from phaeton.sources.service.answers import ServiceError, accepted, decoded, garbage, items, number, section
from phaeton.sources.service.days import Wall
from phaeton.sources.service.times import instant_s

WHO = "Home Assistant"
KEY = "prices.homeassistant.token"

LISTS = (
    *("raw_today", "raw_tomorrow", "prices_today", "prices_tomorrow", "today", "tomorrow"),
    *("prices", "rates", "forecast", "data", "marketdata", "price_info"),
)
"""Attributes in which integrations are known to keep prices."""
_STARTS = (
    *("start", "start_time", "startsAt", "starts_at", "from", "valid_from", "start_timestamp", "time", "datetime"),
    *("hour", "timestamp"),
)
_VALUES = ("value", "price", "total", "price_per_kwh", "value_inc_vat", "electricity_price", "price_ct_per_kwh")
_ENDS = ("end", "end_time", "till", "valid_to", "end_timestamp")
_CENTS = ("price_ct_per_kwh",)
_SPOT = ("price_eur_per_mwh",)
_NOTHING = ("unavailable", "unknown", "")
_NOW_S = 900.0


class HomeAssistant:
    """The prices of one sensor."""

    title = WHO
    rhythm = Rhythm.SERVICE
    every_s = 900.0

    def __init__(self, config: HomeAssistantPrices, token: Callable[[], str], wall: Wall) -> None:
        self._config = config
        self._token = token
        self._wall = wall

    def talk(self, span: Span) -> Talk:
        """One request."""
        try:
            token = self._token()
        except SecretError as error:
            raise ServiceError(TroubleKind.AUTH, f"no token for {WHO}: {error}; set {KEY}") from None
        answer = yield Ask(
            url=f"{self._config.url.rstrip('/')}/api/states/{self._config.entity}",
            headers={"Authorization": f"Bearer {token}"},
        )
        return parse(answer, self._config, self._wall, span.now_s)


def provider(config: Prices, wall: Wall) -> HomeAssistant:
    """The source by its settings."""
    return HomeAssistant(config.homeassistant, lambda: reveal(config.homeassistant.token), wall)


def parse(answer: Answer, config: HomeAssistantPrices, wall: Wall, now_s: float) -> Table:
    """The prices of the sensor's answer; raises `ServiceError`."""
    if answer.status == 404:
        raise ServiceError(TroubleKind.REFUSED, f"{WHO} has no {config.entity}: check prices.homeassistant.entity")
    said = section(decoded(accepted(answer, WHO, KEY), WHO))
    if "state" not in said:
        raise garbage(WHO, "it is no state of an entity")
    attributes = section(said.get("attributes"))
    unit = str(attributes.get("unit_of_measurement") or attributes.get("unit") or "")
    scale = config.scale if config.scale is not None else scale_of(unit)
    names = config.attributes or LISTS
    rows = [row for name in names for row in _rows(find(attributes, name), name, config, wall, now_s, scale)]
    if not rows and config.attributes:
        raise ServiceError(TroubleKind.REFUSED, f"{config.entity} has no prices in {', '.join(config.attributes)}")
    if not rows:
        rows = _present(said.get("state"), now_s, scale, config.entity)
    return filled(sound(rows, currency_of(unit, attributes), who=WHO), WHO)


def scale_of(unit: str) -> float:
    """From the unit's text to the currency per kWh: ``ct/kWh`` is a hundredth, ``EUR/MWh`` a thousandth."""
    money, _, per = unit.replace(" ", "").casefold().partition("/")
    cents = money in ("ct", "c", "cent", "cents", "eurocent", "p", "øre", "öre", "ore", "¢")
    return (0.01 if cents else 1.0) * (0.001 if per == "mwh" else 1.0)


def currency_of(unit: str, attributes: dict[str, object]) -> str:
    """The currency that the sensor tells, or ''."""
    told = attributes.get("currency")
    if isinstance(told, str) and len(told) == 3:
        return told.upper()
    money = unit.partition("/")[0].strip()
    known = {"€": "EUR", "£": "GBP", "$": "USD", "kr": ""}
    return known.get(money, money.upper() if len(money) == 3 and money.isalpha() else "")


def _rows(
    value: object, name: str, config: HomeAssistantPrices, wall: Wall, now_s: float, scale: float
) -> Iterator[Row]:
    entries = items(value)
    if entries and all(entry is None or isinstance(entry, int | float) for entry in entries):
        yield from _bare(entries, wall, now_s, 1 if name.endswith("tomorrow") else 0, scale)
        return
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        told = section(entry)
        start = find(told, config.start) if config.start else _first(told, _STARTS)
        if start is None and not config.start:
            continue
        price = number(find(told, config.value), scale) if config.value else _price(told, scale, config.scale)
        yield Row(instant_s(start, wall), price, instant_s(_first(told, _ENDS), wall))


def _bare(entries: list[object], wall: Wall, now_s: float, day: int, scale: float) -> Iterator[Row]:
    """A list of numbers alone: the slots of a local day, when their number is right for that day."""
    start_s, end_s = wall.day_start_s(now_s, day), wall.day_start_s(now_s, day + 1)
    length_s = (end_s - start_s) / len(entries)
    if length_s not in (900.0, 1800.0, 3600.0):
        return
    for index, entry in enumerate(entries):
        yield Row(start_s + index * length_s, number(entry, scale), start_s + (index + 1) * length_s)


def _price(told: dict[str, object], scale: float, own_scale: float | None) -> float | None:
    for name in _VALUES:
        if name in told:
            cents = name in _CENTS and own_scale is None
            return number(told[name], 0.01 if cents else scale)
    for name in _SPOT:
        if name in told:
            return number(told[name], 0.001 if own_scale is None else scale)
    return None


def _present(state: object, now_s: float, scale: float, entity: str) -> list[Row]:
    """The state is the price of the running quarter of an hour."""
    text = str(state).strip().casefold()
    price = number(state, scale)
    if text in _NOTHING:
        raise ServiceError(TroubleKind.SERVER, f"{entity} is {text or 'empty'} in {WHO} at the moment")
    if price is None:
        raise ServiceError(
            TroubleKind.REFUSED, f"{entity} is no price sensor: name its list in prices.homeassistant.attributes"
        )
    start_s = now_s - now_s % _NOW_S
    return [Row(start_s, price, start_s + _NOW_S)]


def _first(told: dict[str, object], names: tuple[str, ...]) -> object:
    return next((told[name] for name in names if told.get(name) is not None), None)
