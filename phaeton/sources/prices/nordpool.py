"""Nord Pool's data portal: one request a day and area; 204 until they are published."""

from __future__ import annotations

from collections.abc import Iterator

from phaeton.config.tree_prices import Prices
from phaeton.links.http import Answer, Ask, TroubleKind
from phaeton.sources.prices.provider import Rhythm, Span, Talk, filled, not_yet
from phaeton.sources.prices.table import RawSlot, Row, Table, sound
from phaeton.sources.service.answers import ServiceError, accepted, decoded, garbage, items, number, section
from phaeton.sources.service.days import Wall
from phaeton.sources.service.times import instant_s

URL = "https://dataportal-api.nordpoolgroup.com/api/DayAheadPrices"
WHO = "Nord Pool"
MWH = 0.001


class NordPool:
    """The prices of one delivery area."""

    title = WHO
    rhythm = Rhythm.MARKET
    every_s = 0.0

    def __init__(self, area: str, currency: str, url: str = "") -> None:
        self._area = area
        self._currency = currency
        self._url = url or URL

    def talk(self, span: Span) -> Talk:
        """One request for each day that is missing; a day that is not there yet does not spoil the others."""
        slots: tuple[RawSlot, ...] = ()
        dropped: dict[str, int] = {}
        late: ServiceError | None = None
        for day in span.days:
            params = {"date": day, "market": "DayAhead", "deliveryArea": self._area, "currency": self._currency}
            answer = yield Ask(url=self._url, params=params)
            try:
                table = parse(answer, self._area)
            except ServiceError as error:
                if error.trouble.kind is not TroubleKind.NOT_YET:
                    raise
                late = error
                continue
            slots += table.slots
            dropped = {why: dropped.get(why, 0) + table.dropped.get(why, 0) for why in {*dropped, *table.dropped}}
        if not slots and late is not None:
            raise late
        return Table(slots, self._currency, dropped)


def provider(config: Prices, wall: Wall) -> NordPool:
    """The source by its settings."""
    return NordPool(config.nordpool.area, config.nordpool.currency, config.nordpool.url)


def parse(answer: Answer, area: str) -> Table:
    """The prices of one day; preliminary ones do not count yet. Raises `ServiceError`."""
    if answer.status == 204:
        raise not_yet(WHO)
    said = section(decoded(accepted(answer, WHO), WHO))
    if "multiAreaEntries" not in said:
        raise garbage(WHO, "it holds no entries")
    if _is_preliminary(said, area):
        raise not_yet(WHO)
    rows = list(_rows(said, area))
    if items(said.get("multiAreaEntries")) and not rows:
        raise ServiceError(TroubleKind.REFUSED, f"{WHO} has no area {area!r}: check prices.nordpool.area")
    return filled(sound(rows, str(said.get("currency", ""))[:8], who=WHO), WHO)


def _rows(said: dict[str, object], area: str) -> Iterator[Row]:
    for entry in map(section, items(said.get("multiAreaEntries"))):
        values = section(entry.get("entryPerArea"))
        if area in values:
            price = number(values[area], MWH)
            yield Row(instant_s(entry.get("deliveryStart")), price, instant_s(entry.get("deliveryEnd")), spot=price)


def _is_preliminary(said: dict[str, object], area: str) -> bool:
    return any(
        area in items(state.get("areas")) and str(state.get("state", "")).casefold() == "preliminary"
        for state in map(section, items(said.get("areaStates")))
    )
