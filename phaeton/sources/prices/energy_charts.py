"""energy-charts.info (Fraunhofer ISE): market prices per zone as two lists; 404 until they are published."""

from __future__ import annotations

from phaeton.config.tree_prices import Prices
from phaeton.links.http import Answer, Ask, TroubleKind
from phaeton.sources.prices.provider import Rhythm, Span, Talk, filled, not_yet
from phaeton.sources.prices.table import Row, Table, sound
from phaeton.sources.service.answers import ServiceError, accepted, decoded, garbage, items, number, section
from phaeton.sources.service.days import Wall
from phaeton.sources.service.times import instant_s

URL = "https://api.energy-charts.info/price"
WHO = "energy-charts"
MWH = 0.001


class EnergyCharts:
    """The prices of one bidding zone."""

    title = WHO
    rhythm = Rhythm.MARKET
    every_s = 0.0

    def __init__(self, zone: str, url: str = "") -> None:
        self._zone = zone
        self._url = url or URL

    def talk(self, span: Span) -> Talk:
        """One request for all days that are missing."""
        answer = yield Ask(
            url=self._url,
            params={"bzn": self._zone, "start": span.days[0], "end": span.days[-1]},
            conditional=True,
        )
        return parse(answer)


def provider(config: Prices, wall: Wall) -> EnergyCharts:
    """The source by its settings."""
    return EnergyCharts(config.energy_charts.zone, config.energy_charts.url)


def parse(answer: Answer) -> Table:
    """The prices; raises `ServiceError`."""
    if answer.status in (204, 404):
        raise not_yet(WHO)
    if answer.status == 400:
        raise ServiceError(TroubleKind.REFUSED, f"{WHO} does not know this zone: check prices.energy_charts.zone")
    said = section(decoded(accepted(answer, WHO), WHO))
    times, prices = said.get("unix_seconds"), said.get("price")
    if not isinstance(times, list) or not isinstance(prices, list) or len(times) != len(prices):
        raise garbage(WHO, "times and prices do not fit together")
    unit = str(said.get("unit", "")).upper().replace(" ", "")
    currency, _, per = unit.partition("/")
    if per not in ("", "MWH"):
        raise garbage(WHO, f"the unit {unit[:20]!r} is new")
    note = f"{WHO} says that this address is going to end" if said.get("deprecated") is True else ""
    rows = (
        Row(instant_s(at), price, spot=price)
        for at, price in ((at, number(price, MWH)) for at, price in zip(times, items(prices), strict=True))
    )
    return filled(sound(rows, currency[:8] or "EUR", note=note, who=WHO), WHO)
