"""Reading requests: bodies, fields and parameters become values, or a problem that names the field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar

import msgspec
from aiohttp import web

from phaeton import orders
from phaeton.orders import OrderError
from phaeton.sinks.web.problem import ProblemError

BODY_BYTES = 16_384
Made = TypeVar("Made")
Body = dict[str, object]


class Done(msgspec.Struct, frozen=True):
    """The answer to an order."""

    ok: bool
    seq: int
    """The first snapshot with this number or a higher one holds what was ordered."""


def origin_of(request: web.Request) -> str:
    """Who orders: the page says so of itself, everything else is ``rest``."""
    return "page" if request.headers.get("X-Phaeton-Page") else "rest"


def json_response(value: object) -> web.Response:
    """Any value as JSON."""
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


async def body_of(request: web.Request) -> Body:
    """The JSON object of a request; only JSON, so that no form of another site can be posted."""
    if request.content_type != "application/json":
        raise ProblemError(415, "the body must be application/json")
    raw = await request.read()
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProblemError(400, f"the body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ProblemError(422, "the body must be a JSON object")
    return value


def fields(body: Body, known: set[str]) -> None:
    """Refuse fields that mean nothing here."""
    for name in body:
        if name not in known:
            raise ProblemError(422, f"unknown field {name!r}; known: {', '.join(sorted(known))}", name)


def field(make: Callable[[object], Made], body: Body, name: str) -> Made:
    """Make an order of the one field that matters; what is wrong with it is told with its name."""
    value = value_of(body, name)
    return named(lambda: make(value), name)


def value_of(body: Body, name: str) -> object:
    """The value of a field that must be there."""
    if name not in body:
        raise ProblemError(422, f"the field {name!r} is missing", name)
    return body[name]


def named(make: Callable[[], Made], name: str) -> Made:
    """Make an order; what is wrong with it is told with the name of the field."""
    try:
        return make()
    except OrderError as error:
        raise ProblemError(422, str(error), name) from None


def only(query: Mapping[str, str], known: set[str]) -> None:
    """Refuse parameters that mean nothing here."""
    for name in query:
        if name not in known:
            raise ProblemError(422, f"unknown parameter {name!r}; known: {', '.join(sorted(known))}", name)


def whole(text: str, name: str, least: int, most: int) -> int:
    """A whole number in the range."""
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        raise ProblemError(422, f"{name} must be a whole number from {least} to {most}", name)
    return int(text)


def instant(text: str, name: str) -> float:
    """UTC seconds from a number or from RFC 3339 text with its offset."""
    try:
        return orders.number(text, name)
    except OrderError:
        pass
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        parsed = None
    if parsed is None or parsed.tzinfo is None:
        raise ProblemError(422, f"{name} must be UTC seconds or a time such as 2026-05-01T07:00:00+02:00", name)
    return parsed.timestamp()
