"""The OpenAPI 3.1 document, made from the table of endpoints and the types of their queries, bodies and answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from types import UnionType
from typing import Any, get_args

import msgspec
from aiohttp import web
from msgspec import Struct

from phaeton import __version__
from phaeton.sinks.web.endpoint import JSON, Ask, Endpoint, Endpoints, Media, Nothing, Scope
from phaeton.sinks.web.problem import PROBLEM_TYPE

OPENAPI = "3.1.0"
REFERENCE = "#/components/schemas/{name}"
ANSWERED = "As asked"
SHARED = {
    421: "the device was called by a name that is none of its own",
    429: "too many requests; `Retry-After` says when the next may come",
}
WITH_BODY = {
    400: "the body is not JSON",
    413: "the body is too long",
    415: "the body is of another type",
    422: "a value is wrong; `field` names it",
}
RIGHTS = {401: "a login or a token is needed", 403: "the caller may not, or a page of another site asked"}

CHAPTERS = (
    dict.fromkeys(("health", "ready", "status", "chargers", "events", "prices", "plan", "tibber", "forecast"), "state")
    | dict.fromkeys(("sessions", "energy", "series"), "history")
    | dict.fromkeys(("login", "logout", "audit"), "access")
    | dict.fromkeys(("dbus", "metrics", "support-bundle", "recordings"), "diagnostics")
    | {"openapi.json": "document", "restore": "backup", "test": "config"}
)
"""The chapters of addresses that do not name their own."""

Plain = dict[str, Any]


class Problem(Struct, frozen=True):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    """In words, for people."""
    field: str = ""
    """The field to blame, where one is."""
    code: str = ""
    """What it is in a word, for common problems; with it come the numbers and names of ``detail`` as ``values``."""
    values: dict[str, float | str] = {}


class OpenApi:
    """The document about a table of endpoints, made when somebody asks for it first."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._encoded: bytes | None = None

    def endpoints(self) -> Endpoints:
        """The document itself."""
        return [
            Endpoint("GET", "/openapi.json", self.handle, Scope.OPEN, "This document", dict[str, Any], tag="document")
        ]

    async def handle(self, ask: Ask[Nothing, Nothing]) -> web.Response:
        """``GET /openapi.json``."""
        if self._encoded is None:
            self._encoded = msgspec.json.encode(document([*self._endpoints, *self.endpoints()]))
        return web.Response(body=self._encoded, content_type=JSON)


def document(endpoints: Endpoints) -> Plain:
    """The whole document."""
    kinds = [kind for endpoint in endpoints for kind in _kinds(endpoint)]
    schemas, components = msgspec.json.schema_components([*kinds, Problem], ref_template=REFERENCE)
    found = iter(schemas)
    paths: dict[str, Plain] = {}
    for endpoint in endpoints:
        own = [next(found) for _ in _kinds(endpoint)]
        for schema in own[:2]:  # what comes in may hold nothing that means nothing
            components.get(_name(schema), {}).setdefault("additionalProperties", False)
        paths.setdefault(address(endpoint), {})[endpoint.method.lower()] = _operation(endpoint, own, components)
    return {
        "openapi": OPENAPI,
        "info": {
            "title": "Phaeton",
            "version": __version__,
            "summary": "The charging controller: its state, orders, configuration and access.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "phaeton"},
            },
        },
    }


def address(endpoint: Endpoint[Any, Any]) -> str:
    """The path as OpenAPI writes it."""
    return re.sub(r"{(\w+):(?:[^{}]|{[^{}]*})*}", r"{\1}", endpoint.path)


def chapter(endpoint: Endpoint[Any, Any]) -> str:
    """The tag: as told, else by the first part of the address after /api."""
    first = next(part for part in endpoint.path.split("/") if part and part != "api")
    return endpoint.tag or CHAPTERS.get(first, first)


def name_of(endpoint: Endpoint[Any, Any]) -> str:
    """A name for programs that are made from the document: ``get_chargers_id_plan``, ``get_root_metrics``."""
    words = re.findall(r"[\w-]+", address(endpoint))
    words = words[1:] if words[0] == "api" else ["root", *words]
    return "_".join([endpoint.method.lower(), *words]).replace("-", "_")


def problems_of(endpoint: Endpoint[Any, Any]) -> dict[int, str]:
    """All that the endpoint may answer beside what was asked, and when."""
    found = dict(SHARED)
    if endpoint.body is not None or endpoint.method not in ("GET", "HEAD"):
        found |= WITH_BODY
    if endpoint.query is not None:
        found |= {422: WITH_BODY[422]}
    if not endpoint.body and endpoint.query is None:
        found |= {422: "there is a parameter or a field that means nothing here"}
    if endpoint.needs > Scope.OPEN or endpoint.method != "GET":
        found |= RIGHTS
    return dict(sorted({**found, **endpoint.problems}.items()))


def _kinds(endpoint: Endpoint[Any, Any]) -> list[Any]:
    """The types that need a schema: query, body, answer."""
    kinds = [endpoint.query or Nothing, endpoint.body or Nothing]
    if isinstance(endpoint.answer, Media):
        return kinds
    answers = get_args(endpoint.answer) if isinstance(endpoint.answer, UnionType) else (endpoint.answer,)
    return [*kinds, *answers]


def _name(schema: Plain) -> str:
    """The component that a schema refers to; empty for one that stands by itself."""
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _operation(endpoint: Endpoint[Any, Any], schemas: list[Plain], components: Mapping[str, Plain]) -> Plain:
    query, body, *answer = schemas
    operation: Plain = {
        "operationId": name_of(endpoint),
        "summary": endpoint.summary,
        "tags": [chapter(endpoint)],
        "x-needs": endpoint.needs.name.lower(),
        "x-example-status": endpoint.example.status or endpoint.status,
        "security": _security(endpoint.needs),
        "parameters": [*_places(endpoint), *_parameters(endpoint, query, components)],
        "responses": _responses(endpoint, answer),
    }
    if endpoint.upload is not None:
        schema: Plain = {} if endpoint.upload.binary else {"type": "string"}
        operation["requestBody"] = {"required": True, "content": {endpoint.upload.content_type: {"schema": schema}}}
    elif endpoint.body is not None:
        content: Plain = {"schema": dict(endpoint.schema()) if endpoint.schema else body}
        if endpoint.example.body is not None:
            content["examples"] = {"example": {"value": endpoint.example.body}}
        operation["requestBody"] = {"required": True, "content": dict.fromkeys(endpoint.takes, content)}
    return operation


def _security(needs: Scope) -> list[Plain]:
    if needs == Scope.OPEN:
        return []
    ways: list[Plain] = [{"token": []}, {"session": []}]
    return [*ways, {}] if needs == Scope.GUEST else ways


def _places(endpoint: Endpoint[Any, Any]) -> Iterable[Plain]:
    for name in re.findall(r"{(\w+)}", address(endpoint)):
        place: Plain = {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        if name in endpoint.example.path:
            place["example"] = endpoint.example.path[name]
        yield place


def _parameters(endpoint: Endpoint[Any, Any], query: Plain, components: Mapping[str, Plain]) -> Iterable[Plain]:
    kind = components[_name(query)]
    for name, schema in kind.get("properties", {}).items():
        parameter: Plain = {"name": name, "in": "query", "required": name in kind["required"], "schema": schema}
        if name in endpoint.example.query:
            parameter["example"] = endpoint.example.query[name]
        yield parameter


def _responses(endpoint: Endpoint[Any, Any], answer: list[Plain]) -> Plain:
    if isinstance(endpoint.answer, Media):
        media = endpoint.answer
        content = {media.content_type: {"schema": {} if media.binary else {"type": "string"}}}
    else:
        described: Plain = {"schema": answer[0] if len(answer) == 1 else {"anyOf": answer}}
        if endpoint.example.answer is not None:
            described["examples"] = {"example": {"value": endpoint.example.answer}}
        content = {JSON: described}
    for media in endpoint.others:
        content[media.content_type] = {"schema": {} if media.binary else {"type": "string"}}
    found: Plain = {str(endpoint.status): {"description": ANSWERED, "content": content}}
    problem = {PROBLEM_TYPE: {"schema": {"$ref": REFERENCE.format(name="Problem")}}}
    for status, when in problems_of(endpoint).items():
        found[str(status)] = {"description": f"{HTTPStatus(status).phrase}: {when}", "content": problem}
    return found
