"""``phaeton api``: the API's document without a daemon, as OpenAPI or as the tables of docs/api.md."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect

from phaeton.config.tree_web import Web
from phaeton.sinks.web.endpoint import Endpoint, Endpoints, Media
from phaeton.sinks.web.openapi import address, chapter, document
from phaeton.sinks.web.parts import Parts
from phaeton.sinks.web.site import WebSite
from phaeton.sinks.web.state import WebState

TOMORROW = "2026-06-02T05:00:00Z"
"""Examples ask for the day after they are made; a document does not change every day."""


def show(options: argparse.Namespace) -> int:
    """Print the document."""
    table = asyncio.run(endpoints())
    if options.markdown:
        sys.stdout.write("\n".join(markdown(table)) + "\n")
    else:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(document(table)), indent=2).decode() + "\n")
    return 0


async def endpoints() -> Endpoints:
    """The whole table, of a site that nobody visits: nothing behind it is ever called."""
    nothing: Any = None
    parts = Parts(submit=nothing, sessions=nothing, diagnostics=nothing)
    return WebSite(Web(), WebState([], nothing), parts, loopback=True).endpoints


def markdown(table: Endpoints) -> Iterator[str]:
    """A table for each chapter, in the order of the endpoints."""
    chapters: dict[str, Endpoints] = {}
    for endpoint in table:
        chapters.setdefault(chapter(endpoint), []).append(endpoint)
    for name, found in chapters.items():
        yield from (
            "",
            f"### {name.capitalize()}",
            "",
            "| request | right | what | parameters or body |",
            "|---|---|---|---|",
        )
        for endpoint in found:
            if endpoint.path.replace("/chargers/{id}", "") in {other.path for other in table} - {endpoint.path}:
                continue  # the same of one of several points
            right = endpoint.needs.name.lower()
            yield f"| `{endpoint.method} {address(endpoint)}` | {right} | {endpoint.summary} | {_given(endpoint)} |"


def _given(endpoint: Endpoint[Any, Any]) -> str:
    parts = []
    if endpoint.query is not None:
        kind = inspect.type_info(endpoint.query)
        assert isinstance(kind, inspect.StructType)
        parts.append(", ".join(f"`{field.encode_name}`" for field in kind.fields))
    if endpoint.upload is not None:
        parts.append(f"a file, `{endpoint.upload.content_type}`")
    elif endpoint.example.body is not None:
        parts.append(f"`{_short(endpoint.example.body)}`")
    if isinstance(endpoint.answer, Media):
        parts.append(f"answers `{endpoint.answer.content_type}`")
    return "; ".join(parts).replace("|", "\\|")


def _short(body: object) -> str:
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:]+Z", TOMORROW, json.dumps(body))
    return text if len(text) <= 100 else text[:97] + "..."
