"""ENTSO-E's transparency platform: day-ahead prices (document A44) of all Europe as XML, with a token.

In the curve type A03 a position that is left out repeats the one before. Where a zone has several auctions the lowest
position of the classification sequence is the coupled one. An acknowledgement instead of prices means that there are
none. XML is read without any declarations of entities.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from msgspec import Struct

from phaeton.config.price_rules import EIC_CODES
from phaeton.config.secret import SecretError, reveal
from phaeton.config.tree_prices import Prices
from phaeton.links.http import Answer, Ask, TroubleKind
from phaeton.sources.prices.provider import Rhythm, Span, Talk, filled, not_yet
from phaeton.sources.prices.table import Row, Table, sound
from phaeton.sources.service.answers import ServiceError, accepted, garbage, number
from phaeton.sources.service.days import Wall
from phaeton.sources.service.times import instant_s

URL = "https://web-api.tp.entsoe.eu/api"
WHO = "ENTSO-E"
KEY = "prices.entsoe.token"
MWH = 0.001
_MOST_POSITIONS = 1000
_NO_DATA = "999"
"""The reason code of an acknowledgement that says: nothing matches."""

_RESOLUTIONS_S = {"PT15M": 900.0, "PT30M": 1800.0, "PT60M": 3600.0, "PT1H": 3600.0}


class Entsoe:
    """The prices of one bidding zone."""

    title = WHO
    rhythm = Rhythm.MARKET
    every_s = 0.0

    def __init__(self, token: Callable[[], str], zone: str, url: str = "") -> None:
        self._token = token
        self._eic = EIC_CODES.get(zone.upper(), zone)
        self._url = url or URL

    def talk(self, span: Span) -> Talk:
        """One request for all that is missing."""
        try:
            token = self._token()
        except SecretError as error:
            raise ServiceError(TroubleKind.AUTH, f"no token for ENTSO-E: {error}; set {KEY}") from None
        answer = yield Ask(
            url=self._url,
            params={
                "securityToken": token,
                "documentType": "A44",
                "in_Domain": self._eic,
                "out_Domain": self._eic,
                "periodStart": _stamp(span.start_s),
                "periodEnd": _stamp(span.end_s),
            },
        )
        return parse(answer)


def provider(config: Prices, wall: Wall) -> Entsoe:
    """The source by its settings."""
    return Entsoe(lambda: reveal(config.entsoe.token), config.entsoe.zone, config.entsoe.url)


class _Series(Struct, frozen=True):
    """One time series: of one auction, in one resolution."""

    auction: int
    length_s: float
    currency: str
    rows: tuple[Row, ...]


def parse(answer: Answer) -> Table:
    """The prices; raises `ServiceError`."""
    if answer.status in (401, 403, 429) or answer.status >= 500:
        accepted(answer, WHO, KEY)
    root = None
    if answer.body.lstrip()[:1] == b"<" and answer.content_type != "text/html":
        root = _tree(answer.body)
    if root is not None and root.tag == "Acknowledgement_MarketDocument":
        raise _acknowledged(root)
    accepted(answer, WHO, KEY)
    if root is None or root.tag != "Publication_MarketDocument":
        raise garbage(WHO, "it is no document of prices")
    found = [_series(element) for element in root.iter("TimeSeries")]
    if not found:
        raise not_yet(WHO)
    auction = min(series.auction for series in found)
    chosen = [series for series in found if series.auction == auction]
    finest_s = min(series.length_s for series in chosen)
    chosen = [series for series in chosen if series.length_s == finest_s]
    rows = (row for series in chosen for row in series.rows)
    return filled(sound(rows, chosen[0].currency, finest_s, who=WHO), WHO)


def _series(element: Element) -> _Series:
    unit = element.findtext("price_Measure_Unit.name", "MWH")
    if unit.upper() != "MWH":
        raise garbage(WHO, f"the unit {unit[:20]!r} is new")
    auction = number(element.findtext("classificationSequence_AttributeInstanceComponent.position", "1"))
    repeats = element.findtext("curveType", "A03") == "A03"
    rows: list[Row] = []
    lengths_s = []
    for period in element.iter("Period"):
        length_s = _RESOLUTIONS_S.get(period.findtext("resolution", ""))
        if length_s is None:
            raise garbage(WHO, "the resolution is new")
        lengths_s.append(length_s)
        rows += _period(period, length_s, repeats)
    currency = element.findtext("currency_Unit.name", "EUR")
    return _Series(int(auction or 1), min(lengths_s, default=3600.0), currency[:8], tuple(rows))


def _period(period: Element, length_s: float, repeats: bool) -> Iterator[Row]:
    start_s = instant_s(period.findtext("timeInterval/start"))
    end_s = instant_s(period.findtext("timeInterval/end"))
    if start_s is None or end_s is None or not 0 < end_s - start_s <= _MOST_POSITIONS * length_s:
        raise garbage(WHO, "a period has no sound start and end")
    count = int((end_s - start_s) // length_s)
    given: dict[int, float | None] = {}
    for point in period.iter("Point"):
        position = number(point.findtext("position"))
        if position is not None and 1 <= position <= count:
            given[int(position)] = number(point.findtext("price.amount"), MWH)
    price: float | None = None
    for position in range(1, count + 1):
        if position in given:
            price = given[position]
        elif not repeats or not given:
            continue
        yield Row(start_s + (position - 1) * length_s, price, spot=price)


def _acknowledged(root: Element) -> ServiceError:
    reason = " ".join(text.strip() for text in (root.findtext("Reason/text") or "").split())[:120]
    text = f"ENTSO-E has no prices yet ({reason or 'without a reason'}); if it stays so, check prices.entsoe.zone"
    if root.findtext("Reason/code") == _NO_DATA:
        return ServiceError(TroubleKind.NOT_YET, text)
    return ServiceError(TroubleKind.REFUSED, text.replace(" yet", ""))


class _HasDeclarationsError(Exception):
    """The document declares a type or entities: no document of prices does."""


def _tree(body: bytes) -> Element:
    """The elements without their namespaces; raises `ServiceError`."""
    builder = TreeBuilder()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True

    def declares(*_: object) -> None:
        raise _HasDeclarationsError

    def starts(name: str, _: object) -> None:
        builder.start(name.rpartition(" ")[2], {})

    def ends(name: str) -> None:
        builder.end(name.rpartition(" ")[2])

    parser.StartDoctypeDeclHandler = declares
    parser.EntityDeclHandler = declares
    parser.StartElementHandler = starts
    parser.EndElementHandler = ends
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(body, True)
        return builder.close()
    except (expat.ExpatError, _HasDeclarationsError, AssertionError, ValueError, LookupError):
        raise garbage(WHO, "it is no sound XML") from None


def _stamp(utc_s: float) -> str:
    return datetime.fromtimestamp(utc_s, UTC).strftime("%Y%m%d%H%M")
