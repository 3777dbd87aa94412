"""aWATTar: hourly market prices of Germany and Austria, start and end in milliseconds."""

from __future__ import annotations

from collections.abc import Iterator

from phaeton.config.tree_prices import Prices
from phaeton.links.http import Answer, Ask
from phaeton.sources.prices.provider import Rhythm, Span, Talk, filled
from phaeton.sources.prices.table import Row, Table, sound
from phaeton.sources.service.answers import accepted, decoded, garbage, number, section
from phaeton.sources.service.days import Wall
from phaeton.sources.service.times import instant_s

URLS = {"de": "https://api.awattar.de/v1/marketdata", "at": "https://api.awattar.at/v1/marketdata"}
WHO = "aWATTar"
_SCALES = {"EUR/MWH": 0.001, "EUR/KWH": 1.0, "CENT/KWH": 0.01}


class Awattar:
    """The prices of one country."""

    title = WHO
    rhythm = Rhythm.MARKET
    every_s = 0.0

    def __init__(self, country: str, url: str = "") -> None:
        self._url = url or URLS[country]

    def talk(self, span: Span) -> Talk:
        """One request for all that is missing."""
        answer = yield Ask(
            url=self._url,
            params={"start": str(int(span.start_s * 1000)), "end": str(int(span.end_s * 1000))},
        )
        return parse(answer)


def provider(config: Prices, wall: Wall) -> Awattar:
    """The source by its settings."""
    return Awattar(config.awattar.country, config.awattar.url)


def parse(answer: Answer) -> Table:
    """The prices; raises `ServiceError`."""
    said = section(decoded(accepted(answer, WHO), WHO))
    data = said.get("data")
    if not isinstance(data, list):
        raise garbage(WHO, "it holds no data")
    return filled(sound(_rows(data), "EUR", who=WHO), WHO)


def _rows(data: list[object]) -> Iterator[Row]:
    for entry in map(section, data):
        scale = _SCALES.get(str(entry.get("unit", "Eur/MWh")).upper().replace(" ", ""))
        price = None if scale is None else number(entry.get("marketprice"), scale)
        yield Row(instant_s(entry.get("start_timestamp")), price, instant_s(entry.get("end_timestamp")), spot=price)
