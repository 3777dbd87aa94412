"""Any service that answers with JSON: where in it the prices are is configured by paths."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from phaeton.config.secret import SecretError, reveal
from phaeton.config.tree_prices import HttpJsonPrices, Prices
from phaeton.links.http import Answer, Ask, TroubleKind, shown
from phaeton.sources.prices.paths import find
from phaeton.sources.prices.provider import Rhythm, Span, Talk, filled, not_yet
from phaeton.sources.prices.table import Row, Table, sound
from phaeton.sources.service.answers import ServiceError, accepted, decoded, garbage, items, number
from phaeton.sources.service.days import Wall
from phaeton.sources.service.times import instant_s


class HttpJson:
    """The prices of one address."""

    def __init__(self, config: HttpJsonPrices, headers: Callable[[], Mapping[str, str]], wall: Wall) -> None:
        self._config = config
        self._headers = headers
        self._wall = wall
        self.title = shown(config.url).partition("://")[2].partition("/")[0]
        self.rhythm = Rhythm.SERVICE if config.refresh_min > 0 else Rhythm.MARKET
        self.every_s = max(config.refresh_min, 5.0) * 60.0

    def talk(self, span: Span) -> Talk:
        """One request."""
        try:
            headers = self._headers()
        except SecretError as error:
            raise ServiceError(
                TroubleKind.AUTH, f"a header is missing: {error}; see prices.http_json.headers"
            ) from None
        answer = yield Ask(url=address(self._config.url, span, self._wall), headers=headers, conditional=True)
        return parse(answer, self._config, self._wall, self.title)


def provider(config: Prices, wall: Wall) -> HttpJson:
    """The source by its settings."""
    return HttpJson(config.http_json, lambda: _headers(config.http_json), wall)


def address(url: str, span: Span, wall: Wall) -> str:
    """The address with the times in it."""
    for name, value in {
        "{from}": _text(span.start_s),
        "{until}": _text(span.end_s),
        "{from_s}": str(int(span.start_s)),
        "{until_s}": str(int(span.end_s)),
        "{from_ms}": str(int(span.start_s * 1000)),
        "{until_ms}": str(int(span.end_s * 1000)),
        "{today}": wall.date(span.now_s),
        "{tomorrow}": wall.date(wall.day_start_s(span.now_s, 1)),
    }.items():
        url = url.replace(name, value)
    return url


def parse(answer: Answer, config: HttpJsonPrices, wall: Wall, who: str = "the price service") -> Table:
    """The prices by the configured paths; raises `ServiceError`."""
    if answer.status == 204:
        raise not_yet(who)
    said = decoded(accepted(answer, who, "prices.http_json.headers"), who)
    clock = wall if config.times == "local" else None
    found = find(said, config.rows)
    if isinstance(found, list):
        rows = _of_list(items(found), config, clock)
    elif isinstance(find(found, config.start), list):
        rows = _of_columns(found, config, clock, who)
    else:
        raise garbage(who, f"there is no list at prices.http_json.rows ({config.rows or 'the whole answer'})")
    return filled(sound(rows, config.currency, who=who), who)


def _of_list(entries: list[object], config: HttpJsonPrices, clock: Wall | None) -> Iterator[Row]:
    for entry in entries:
        yield Row(
            instant_s(find(entry, config.start), clock),
            number(find(entry, config.value), config.scale),
            instant_s(find(entry, config.end), clock) if config.end else None,
            level=_level(find(entry, config.level)) if config.level else "",
        )


def _of_columns(found: object, config: HttpJsonPrices, clock: Wall | None, who: str) -> Iterator[Row]:
    starts, values = items(find(found, config.start)), items(find(found, config.value))
    if len(starts) != len(values):
        raise garbage(who, "the lists at prices.http_json.start and .value differ in length")
    for start, value in zip(starts, values, strict=True):
        yield Row(instant_s(start, clock), number(value, config.scale))


def _level(value: object) -> str:
    return value.strip().upper().replace(" ", "_")[:20] if isinstance(value, str) else ""


def _text(utc_s: float) -> str:
    return datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%dT%H:%MZ")


def _headers(config: HttpJsonPrices) -> dict[str, str]:
    return {header.name: reveal(header.value) for header in config.headers}
