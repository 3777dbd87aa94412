"""What an endpoint is: its address, whom it needs, the types of its query, body and answer, and what becomes of a call.

One table of these makes the routes, the check of who may, the validation, the OpenAPI document and the tests of the
examples. A part of the API is a class with ``endpoints()``; its handlers see values of their types and nothing else.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec
from aiohttp import hdrs, web
from msgspec import Struct

from phaeton.sinks.web.problem import ProblemError

BODY_BYTES = 16_384
"""No order is longer; what takes more says so in its endpoint."""
BODY_WITHIN_S = 10.0
"""A body must be there after this time ..."""
SLOWEST_BYTES_PER_S = 16_384.0
"""... and, of an upload, after the time that the most bytes take at this speed."""
JSON = "application/json"

Q = TypeVar("Q")
B = TypeVar("B")


class Scope(IntEnum):
    """Who may: each level may do what the ones below it may."""

    OPEN = 0
    """Anybody: whether it is alive, and the login."""
    GUEST = 1
    """Sees what happens, where the owner lets guests in."""
    READ = 2
    """Sees everything but secrets."""
    CONTROL = 3
    """Gives orders."""
    ADMIN = 4
    """Changes the configuration and the access."""


class Caller(Struct, frozen=True):
    """Who asks: ``name`` for the log of changes, ``origin`` for the orders (``page`` or ``rest``)."""

    name: str
    scope: Scope
    origin: str = "rest"


CALLER = web.RequestKey("phaeton.caller", Caller)
"""Where the request carries its `Caller`; a request without one is anybody's."""
BODY = web.RequestKey("phaeton.body", object)
"""The JSON body once it was read, for the log of changes."""
DID = web.RequestKey("phaeton.did", str)
"""What a handler says that it did, for the log of changes; without, that tells the body, secrets hidden."""
NOBODY = Caller("", Scope.OPEN)


def caller_of(request: web.Request) -> Caller:
    """Who asks, as the guard found out."""
    found: Caller = request.get(CALLER, NOBODY)
    return found


class Nothing(Struct, frozen=True):
    """No query, or no body."""


class Done(Struct, frozen=True):
    """The answer to an order."""

    ok: bool
    seq: int
    """The first snapshot with this number or a higher one holds what was ordered."""


class Media(Struct, frozen=True):
    """An answer or a body that is no JSON, such as ``text/event-stream``."""

    content_type: str
    binary: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    """A call that a test makes: what goes into the address, the query and the body, and what comes back.

    ``status`` says which answer is expected where it is not that of the endpoint.
    """

    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    answer: object = None
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Ask(Generic[Q, B]):
    """One call, validated: query and body are values of the endpoint's types."""

    request: web.Request
    query: Q
    body: B
    caller: Caller

    @property
    def point(self) -> str | None:
        """The charging point in the address; None = the first."""
        return self.request.match_info.get("id")

    async def upload(self, most_bytes: int) -> AsyncIterator[bytes]:
        """The body of an upload piece by piece; a `ProblemError` (413) when it is too long."""
        async for piece in _pieces(self.request, most_bytes):
            yield piece


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[Q, B]):
    """One method at one address."""

    method: str
    path: str
    handle: Callable[[Ask[Q, B]], Awaitable[object]]
    needs: Scope
    summary: str
    answer: Any = Nothing
    """The type of the answer, or the `Media` that the handler answers with itself."""
    query: type[Q] | None = None
    body: type[B] | Any = None
    """The type of the JSON body; None = there is none."""
    takes: tuple[str, ...] = (JSON,)
    """Content types of the body."""
    body_bytes: int = BODY_BYTES
    upload: Media | None = None
    """The body is a file, read by the handler with `Ask.upload`."""
    status: int = 200
    problems: Mapping[int, str] = field(default_factory=dict)
    """What else it may answer, and when; those that all endpoints share are added."""
    example: Example = field(default_factory=Example)
    tag: str = ""
    """The chapter of the document; empty = by the address."""
    schema: Callable[[], Mapping[str, object]] | None = None
    """A closer JSON Schema of the body than its type gives."""
    others: tuple[Media, ...] = ()
    """Other forms of the answer, for who asks for them."""

    async def called(self, request: web.Request) -> web.StreamResponse:
        """Answer a request: judge right, query and body, then let the handler answer."""
        caller = caller_of(request)
        if caller.scope < self.needs:
            raise refused(caller, self.needs)
        query = _query(request, self.query or Nothing)
        body = await self._body(request)
        answer = await self.handle(Ask(request, query, body, caller))
        if isinstance(answer, web.StreamResponse):
            return answer
        return web.Response(status=self.status, body=msgspec.json.encode(answer), content_type=JSON)

    async def _body(self, request: web.Request) -> Any:
        nothing = Nothing()
        if self.upload is not None:
            if request.content_type != self.upload.content_type:
                raise ProblemError(415, f"the body must be {self.upload.content_type}")
            return nothing
        if self.body is None and not request.can_read_body:
            return nothing
        if self.body is None and request.method in ("GET", "HEAD"):
            raise ProblemError(400, f"{request.method} takes no body")
        return converted(await json_object(request, self.takes, self.body_bytes), self.body or Nothing, "field")


Endpoints: TypeAlias = list[Endpoint[Any, Any]]


def routes(endpoints: Endpoints) -> Iterator[web.RouteDef]:
    """As aiohttp wants them; a place such as ``{job}`` takes no word that stands there in another address."""
    paths = [endpoint.path.split("/") for endpoint in endpoints]
    for endpoint, path in zip(endpoints, paths, strict=True):
        parts = list(path)
        for n, part in enumerate(path):
            words = sorted({other[n] for other in paths if other[:n] == path[:n] and n < len(other)} - {part})
            taken = [re.escape(word) for word in words if not word.startswith("{")]
            if part.startswith("{") and taken:
                parts[n] = f"{{{part[1:-1]}:(?!(?:{'|'.join(taken)})(?:/|$))[^/]+}}"
        yield web.route(endpoint.method, "/".join(parts), endpoint.called)


def refused(caller: Caller, needs: Scope) -> ProblemError:
    """401 for somebody unknown, 403 for somebody who may not."""
    if caller.scope <= Scope.GUEST:
        return ProblemError(401, "log in first, or send a token")
    return ProblemError(
        403, f"this needs the right to {needs.name.lower()}; {caller.name} has {caller.scope.name.lower()}"
    )


async def json_object(request: web.Request, takes: tuple[str, ...] = (JSON,), most_bytes: int = BODY_BYTES) -> object:
    """The JSON body of a request; only JSON, so that no form of another site can be posted."""
    if request.content_type not in takes:
        raise ProblemError(415, f"the body must be {' or '.join(takes)}")
    raw = b"".join([piece async for piece in _pieces(request, most_bytes)])
    try:
        found: object = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProblemError(400, f"the body is not JSON: {error}") from None
    request[BODY] = found
    return found


def converted(value: object, kind: Any, what: str, *, strict: bool = True) -> Any:
    """The value as one of the type, or a `ProblemError` (422) that names the field; ``what`` calls the fields."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        if not isinstance(value, dict):
            raise ProblemError(422, "the body must be a JSON object")
        names = kind.__struct_encode_fields__
        for name in value:
            if name not in names:
                known = f"known: {', '.join(sorted(names))}" if names else "there is none here"
                raise ProblemError(422, f"unknown {what} {name!r}; {known}", name)
        for name in names[: len(names) - len(kind.__struct_defaults__)]:
            if name not in value:
                raise ProblemError(422, f"the {what} {name!r} is missing", name)
    try:
        return msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        said, _, where = str(error).partition(" - at `$")
        name = where.rstrip("`").lstrip(".")
        raise ProblemError(422, f"{name}: {said}" if name else said, name or None) from None


def _query(request: web.Request, kind: Any) -> Any:
    texts = request.query
    for name in texts:
        if len(texts.getall(name)) > 1:
            raise ProblemError(422, f"the parameter {name!r} is there twice", name)
    found = converted(dict(texts), kind, "parameter", strict=False)
    fields = dict(zip(kind.__struct_encode_fields__, kind.__struct_fields__, strict=True))
    for name, text in texts.items():
        if type(getattr(found, fields[name])) is int and not text.removeprefix("-").isdecimal():
            raise ProblemError(422, f"{name} must be a whole number", name)
    return found


async def _pieces(request: web.Request, most_bytes: int) -> AsyncIterator[bytes]:
    too_long = ProblemError(413, f"the body is longer than {most_bytes} bytes, the most that is taken here")
    if (request.content_length or 0) > most_bytes:
        raise too_long
    taken = 0
    loop = asyncio.get_running_loop()
    end_s = loop.time() + BODY_WITHIN_S + (most_bytes - BODY_BYTES) / SLOWEST_BYTES_PER_S
    while True:
        try:
            async with asyncio.timeout_at(end_s):
                piece = await request.content.readany()
        except TimeoutError:
            raise ProblemError(408, "the body came too slowly") from None
        if not piece:
            return
        taken += len(piece)
        if taken > most_bytes:
            raise too_long
        yield piece


def download(body: bytes, content_type: str, filename: str) -> web.Response:
    """A file for the browser to save."""
    return web.Response(
        body=body, content_type=content_type, headers={hdrs.CONTENT_DISPOSITION: f'attachment; filename="{filename}"'}
    )
