"""An evcc in the house: the grid tariff as it computes it, final prices per kWh."""

from __future__ import annotations

from collections.abc import Iterator

from phaeton.config.tree_prices import Prices
from phaeton.links.http import Answer, Ask, TroubleKind
from phaeton.sources.prices.provider import Rhythm, Span, Talk, filled, not_yet
from phaeton.sources.prices.table import Row, Table, sound
from phaeton.sources.service.answers import ServiceError, accepted, decoded, garbage, number, section
from phaeton.sources.service.days import Wall
from phaeton.sources.service.times import instant_s

WHO = "evcc"


class Evcc:
    """The grid tariff of one evcc."""

    title = WHO
    rhythm = Rhythm.SERVICE
    every_s = 1800.0

    def __init__(self, url: str) -> None:
        self._url = f"{url.rstrip('/')}/api/tariff/grid"

    def talk(self, span: Span) -> Talk:
        """One request."""
        answer = yield Ask(url=self._url, conditional=True)
        return parse(answer)


def provider(config: Prices, wall: Wall) -> Evcc:
    """The source by its settings."""
    return Evcc(config.evcc.url)


def parse(answer: Answer) -> Table:
    """The prices, with or without the wrapper of older versions; raises `ServiceError`."""
    if answer.status == 404:
        raise ServiceError(TroubleKind.REFUSED, "this evcc has no grid tariff, or prices.evcc.url is not its address")
    said = section(decoded(accepted(answer, WHO), WHO))
    rates = section(said.get("result", said)).get("rates")
    if rates is None:
        raise not_yet(WHO)
    if not isinstance(rates, list):
        raise garbage(WHO, "it holds no rates")
    return filled(sound(_rows(rates), who=WHO), WHO)


def _rows(rates: list[object]) -> Iterator[Row]:
    for rate in map(section, rates):
        price = number(rate["value"] if "value" in rate else rate.get("price"))
        yield Row(instant_s(rate.get("start")), price, instant_s(rate.get("end")))
