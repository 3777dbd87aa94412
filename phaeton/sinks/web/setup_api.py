"""The part of the API about the first start: which chargers there are, while none is configured."""

from __future__ import annotations

import asyncio
from typing import Annotated

from msgspec import Meta, Struct

from phaeton.sinks.web.endpoint import DID, Ask, Endpoint, Endpoints, Example, Nothing, Scope
from phaeton.sinks.web.finder import Finder, Kind, SearchResult
from phaeton.sinks.web.parts import Parts
from phaeton.sinks.web.problem import ProblemError
from phaeton.sinks.web.state import WebState


class SearchBody(Struct, frozen=True):
    """Where to look."""

    host: Annotated[
        str, Meta(pattern=r"^[A-Za-z0-9._:-]{0,253}$", description="An address or name; empty = the networks around")
    ] = ""
    port: Annotated[int, Meta(ge=1, le=65535, description="null = those that chargers use")] | None = None
    profile: Annotated[str, Meta(pattern="^[a-z0-9_]{0,64}$", description="The kind; empty = found out")] = ""


class SetupApi:
    """The handlers; one search at a time."""

    def __init__(self, state: WebState, parts: Parts) -> None:
        self._state = state
        self._finder = parts.finder
        self._searching = asyncio.Lock()

    def endpoints(self) -> Endpoints:
        """All of this part."""
        return [
            Endpoint(
                "GET", "/api/setup/kinds", self.kinds, Scope.READ, "The kinds of chargers that Phaeton knows",
                list[Kind], problems={503: "this daemon searches for none"},
            ),
            Endpoint(
                "POST", "/api/setup/search", self.search, Scope.ADMIN,
                "Find chargers in the networks around, or look at one address, while none is configured. It takes up "
                "to a minute and writes to none",
                SearchResult, body=SearchBody, example=Example(body={"host": "192.0.2.10"}, status=409),
                problems={
                    409: "a charger is configured already, or a search is running",
                    503: "this daemon searches for none",
                },
            ),
        ]  # fmt: skip

    async def kinds(self, ask: Ask[Nothing, Nothing]) -> list[Kind]:
        """By name."""
        return self._there().kinds()

    async def search(self, ask: Ask[Nothing, SearchBody]) -> SearchResult:
        """Everywhere, or at an address."""
        finder, body = self._there(), ask.body
        ask.request[DID] = f"look for a charger at {body.host}" if body.host else "search the network for chargers"
        if self._state.points:
            raise ProblemError(409, "a charger is configured already; the settings change it", code="configured")
        if body.profile and body.profile not in {kind.profile for kind in finder.kinds()}:
            raise ProblemError(422, f"there is no profile {body.profile!r}", "profile")
        if self._searching.locked():
            raise ProblemError(409, "a search is running already", code="searching")
        async with self._searching:
            return await (finder.look(body.host, body.port, body.profile) if body.host else finder.find())

    def _there(self) -> Finder:
        if self._finder is None:
            raise ProblemError(503, "this daemon searches for no chargers")
        return self._finder
