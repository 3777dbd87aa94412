"""The small interface of the sources: a talk without I/O, and when to have it.

A provider's `talk` is a generator: it yields a request, is sent the answer, and returns a `Table` or raises a
`PriceError`. So each source is a pure function of answers, and fetching, retrying and counting are written once.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from enum import Enum
from typing import Protocol, TypeAlias, cast

from msgspec import Struct

from phaeton.links.http import Answer, Ask, HttpClient, Trouble, TroubleKind, refusal
from phaeton.sources.prices.table import PriceError, Table

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
    talk = provider.talk(span)
    try:
        ask = next(talk)
        while True:
            answer = await http.send(ask)
            if isinstance(answer, Trouble):
                talk.close()
                return answer
            ask = talk.send(answer)
    except StopIteration as done:
        return cast("Table", done.value)
    except PriceError as error:
        return error.trouble


def accepted(answer: Answer, who: str, key: str = "") -> Answer:
    """The answer, when its status is success; raises `PriceError` with what the status says."""
    trouble = refusal(answer, who, key)
    if trouble is not None:
        raise PriceError(trouble.kind, trouble.message, trouble.retry_after_s)
    return answer


def decoded(answer: Answer, who: str) -> object:
    """The body as JSON; raises `PriceError`."""
    try:
        return answer.json()
    except ValueError:
        what = f"a page ({answer.content_type})" if "html" in answer.content_type else "no JSON"
        raise garbage(who, f"it sends {what}") from None


def garbage(who: str, what: str) -> PriceError:
    """An answer that cannot be understood."""
    return PriceError(TroubleKind.GARBAGE, f"the answer of {who} cannot be understood: {what}")


def not_yet(who: str) -> PriceError:
    """The prices are not published yet."""
    return PriceError(TroubleKind.NOT_YET, f"{who} has not published the prices yet")


def filled(table: Table, who: str) -> Table:
    """The table, when it has prices; raises `PriceError` when there were none, or none that are sound."""
    if table.slots:
        return table
    if table.dropped:
        counts = ", ".join(f"{count} {why}" for why, count in sorted(table.dropped.items()))
        raise garbage(who, f"no row of it is sound ({counts})")
    raise not_yet(who)


def number(value: object, scale: float = 1.0) -> float | None:
    """A finite number, also one in a text (``"0,25"``); None for anything else. Never a switch."""
    if isinstance(value, str):
        text = value.strip()
        try:
            value = float(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value) * scale
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def section(value: object) -> dict[str, object]:
    """A JSON object, or an empty one for anything else."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def items(value: object) -> list[object]:
    """A JSON list, or an empty one for anything else."""
    return cast("list[object]", value) if isinstance(value, list) else []
