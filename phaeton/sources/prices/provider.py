"""The small interface of the sources: a talk without I/O, and when to have it.

A provider's `talk` (see `service.answers`) returns a `Table`.
"""

from __future__ import annotations

from collections.abc import Generator
from enum import Enum
from typing import Protocol, TypeAlias

from msgspec import Struct

from phaeton.links.http import Answer, Ask, HttpClient, Trouble, TroubleKind
from phaeton.sources.prices.table import Table
from phaeton.sources.service.answers import ServiceError, garbage, have

Talk: TypeAlias = Generator[Ask, Answer, Table]


class Span(Struct, frozen=True):
    """What is asked for: market days from the one of ``start_s`` up to ``end_s`` (UTC seconds)."""

    now_s: float
    start_s: float
    end_s: float
    days: tuple[str, ...]
    """The days themselves, as 2026-05-01."""


class Rhythm(Enum):
    """When new prices come."""

    MARKET = "market"
    """Once a day, after the auction."""
    SERVICE = "service"
    """Another program has them ready; it is asked at fixed intervals."""


class Provider(Protocol):
    """One source of prices over HTTP."""

    title: str
    """What people call it."""
    rhythm: Rhythm
    every_s: float
    """For `Rhythm.SERVICE`: time between two requests."""

    def talk(self, span: Span) -> Talk:
        """Ask for the prices of the span."""
        ...


async def fetch(provider: Provider, span: Span, http: HttpClient) -> Table | Trouble:
    """Have the provider's talk over HTTP."""
    return await have(provider.talk(span), http)


def not_yet(who: str) -> ServiceError:
    """The prices are not published yet."""
    return ServiceError(TroubleKind.NOT_YET, f"{who} has not published the prices yet")


def filled(table: Table, who: str) -> Table:
    """The table, when it has prices; raises `ServiceError` when there were none, or none that are sound."""
    if table.slots:
        return table
    if table.dropped:
        counts = ", ".join(f"{count} {why}" for why, count in sorted(table.dropped.items()))
        raise garbage(who, f"no row of it is sound ({counts})")
    raise not_yet(who)
