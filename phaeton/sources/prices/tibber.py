"""Tibber: one query for the prices of today and tomorrow, by a personal access token.

The resolution is always named, for the service may change its default. Quarter hours are asked first; a contract that
gives none (some Dutch ones) is asked for hours. Errors are known by their codes, also those that come with status 200.
A home without a contract is passed over; of several with one, the owner chooses by name.

For a first try there is a demo token in Tibber's documentation (developer.tibber.com); its prices are not real.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from phaeton.config.secret import SecretError, reveal
from phaeton.config.tree_prices import Prices
from phaeton.links.http import Answer, Ask, TroubleKind
from phaeton.sources.prices.provider import Rhythm, Span, Talk, filled
from phaeton.sources.prices.table import Row, Table, sound
from phaeton.sources.service.answers import ServiceError, accepted, garbage, items, number, section
from phaeton.sources.service.days import Wall
from phaeton.sources.service.times import instant_s

URL = "https://api.tibber.com/v1-beta/gql"
WHO = "Tibber"
KEY = "prices.tibber.token"
QUARTERS = "QUARTER_HOURLY"
HOURS = "HOURLY"

_FULL = "total energy startsAt level currency"
_LEAST = "total startsAt currency"
_HOMES = "id appNickname address{address1}"

_AUTH_CODES = {"UNAUTHENTICATED", "FORBIDDEN"}
_QUERY_CODES = {"GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED", "BAD_USER_INPUT"}


class Tibber:
    """The prices of one home."""

    title = WHO
    rhythm = Rhythm.MARKET
    every_s = 0.0

    def __init__(self, token: Callable[[], str], home: str = "", url: str = "") -> None:
        """``token`` is read for each talk: a new one in its file counts at once."""
        self._token = token
        self._home = home.strip()
        self._url = url or URL
        self._resolution = QUARTERS

    def talk(self, span: Span) -> Talk:
        """One request as a rule; another where the first shows that it must be asked for less."""
        try:
            token = self._token()
        except SecretError as error:
            raise ServiceError(TroubleKind.AUTH, f"no access token for Tibber: {error}; set {KEY}") from None
        fields = _FULL
        answer = yield self._ask(token, fields)
        if _code(answer) in _QUERY_CODES:
            fields = _LEAST
            answer = yield self._ask(token, fields)
        home = choose(homes(answer), self._home)
        table = parse(home)
        if not table.slots and self._resolution == QUARTERS and not _has_rows(home):
            hourly = yield self._ask(token, fields, HOURS)
            table = parse(choose(homes(hourly), self._home))
            if table.slots:
                self._resolution = HOURS
        return filled(table, WHO)

    def _ask(self, token: str, fields: str, resolution: str = "") -> Ask:
        query = (
            "query Prices($resolution:PriceInfoResolution!){viewer{homes{"
            f"{_HOMES} currentSubscription{{status priceInfo(resolution:$resolution)"
            f"{{today{{{fields}}} tomorrow{{{fields}}}}}}}}}}}}}"
        )
        return Ask(
            url=self._url,
            method="POST",
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            json={"query": query, "variables": {"resolution": resolution or self._resolution}},
        )


def provider(config: Prices, wall: Wall) -> Tibber:
    """The source by its settings."""
    return Tibber(lambda: reveal(config.tibber.token), config.tibber.home, config.tibber.url)


def homes(answer: Answer) -> list[dict[str, object]]:
    """The homes of the account; raises `ServiceError` with what the errors of the answer mean."""
    said = _decoded(answer)
    viewer = section(section(section(said).get("data")).get("viewer"))
    found = [section(home) for home in [*items(viewer.get("homes")), viewer.get("home")] if isinstance(home, dict)]
    if any(_price_info(home) for home in found):
        return found  # some part failed, the prices did not
    _raise_errors(answer, said)
    accepted(answer, WHO, KEY)
    if said is None:
        raise garbage(WHO, "it sends no JSON")
    if not isinstance(said, dict) or "viewer" not in section(section(said).get("data")):
        raise garbage(WHO, "it holds no account")
    return found


def choose(found: list[dict[str, object]], wanted: str) -> dict[str, object]:
    """The home that is meant; raises `ServiceError` with the names where that is not clear."""
    if wanted:
        named = [home for home in found if wanted.casefold() in (text.casefold() for text in _names(home))]
        if not named:
            known = ", ".join(_name(home) for home in found) or "none"
            text = f"there is no home {wanted!r} in this Tibber account; there is: {known}. Set prices.tibber.home"
            raise ServiceError(TroubleKind.REFUSED, text)
        if len(named) > 1:
            raise ServiceError(
                TroubleKind.REFUSED, f"several homes of this Tibber account are called {wanted!r}; name it by its id"
            )
        if named[0].get("currentSubscription") is None:
            raise ServiceError(TroubleKind.REFUSED, f"the home {_name(named[0])} has no contract with Tibber")
        return named[0]
    subscribed = [home for home in found if home.get("currentSubscription") is not None]
    if not subscribed:
        raise ServiceError(TroubleKind.REFUSED, "no home of this Tibber account has a contract, so there are no prices")
    if len(subscribed) > 1:
        names = ", ".join(_name(home) for home in subscribed)
        raise ServiceError(
            TroubleKind.REFUSED, f"this Tibber account has several homes: {names}. Set prices.tibber.home"
        )
    return subscribed[0]


def parse(home: dict[str, object]) -> Table:
    """The prices of a home, today's and tomorrow's; raises `ServiceError`."""
    info = _price_info(home)
    if info is None:
        raise ServiceError(TroubleKind.SERVER, "Tibber tells no prices at the moment; this happens in its maintenance")
    rows = list(_rows(info))
    currency = next((str(row["currency"]) for row in rows if isinstance(row.get("currency"), str)), "")
    return sound((_row(row) for row in rows), currency[:8], who=WHO)


def _rows(info: dict[str, object]) -> Iterator[dict[str, object]]:
    for day in ("today", "tomorrow"):
        for row in items(info.get(day)):
            yield section(row)


def _row(row: dict[str, object]) -> Row:
    level = row.get("level")
    return Row(
        instant_s(row.get("startsAt")),
        number(row.get("total")),
        spot=number(row.get("energy")),
        level=level.upper()[:20] if isinstance(level, str) else "",
    )


def _price_info(home: dict[str, object]) -> dict[str, object] | None:
    info = section(home.get("currentSubscription")).get("priceInfo")
    return section(info) if isinstance(info, dict) else None


def _has_rows(home: dict[str, object]) -> bool:
    info = _price_info(home)
    return info is not None and any(True for _ in _rows(info))


def _names(home: dict[str, object]) -> list[str]:
    """What people call it, then its id."""
    return [*_called(home), *_texts(home.get("id"))]


def _name(home: dict[str, object]) -> str:
    return next(iter(_called(home)), "one without a name")


def _called(home: dict[str, object]) -> list[str]:
    return _texts(home.get("appNickname"), section(home.get("address")).get("address1"))


def _texts(*values: object) -> list[str]:
    return [value.strip() for value in values if isinstance(value, str) and value.strip()]


def _decoded(answer: Answer) -> object:
    try:
        return answer.json()
    except ValueError:
        return None


def _code(answer: Answer) -> str:
    """The code of the first error; empty where there is none."""
    return next((code for code, _ in _errors(_decoded(answer))), "")


def _errors(said: object) -> Iterator[tuple[str, str]]:
    for error in items(section(said).get("errors")):
        code = section(section(error).get("extensions")).get("code")
        message = section(error).get("message")
        yield code if isinstance(code, str) else "", message if isinstance(message, str) else ""


def _raise_errors(answer: Answer, said: object) -> None:
    errors = list(_errors(said))
    if not errors or answer.status == 429:
        return
    code, message = errors[0]
    if code in _AUTH_CODES:
        text = f"Tibber does not accept the access token: make a new one at developer.tibber.com and set {KEY}"
        raise ServiceError(TroubleKind.AUTH, text)
    if "demo user" in message.casefold():
        raise ServiceError(TroubleKind.AUTH, f"Tibber's demo token may not do this: set {KEY} to your own")
    if code in _QUERY_CODES:
        text = "Tibber no longer understands what it is asked: an update of Phaeton is needed"
        raise ServiceError(TroubleKind.REFUSED, text)
    accepted(answer, WHO, KEY)
    raise ServiceError(TroubleKind.SERVER, f"Tibber has trouble of its own ({code or 'an error without a code'})")
