"""Talks with services without I/O, and their answers made into values or trouble in words.

A talk is a generator: it yields a request, is sent the answer, and returns what it found or raises a `ServiceError`. So
each service is a pure function of answers, and fetching, retrying and counting are written once.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import TypeVar, cast

from phaeton.links.http import Answer, Ask, HttpClient, Trouble, TroubleKind, refusal

Found = TypeVar("Found")


class ServiceError(Exception):
    """An answer without values that can be used; says why, and what sort of trouble it is."""

    def __init__(self, kind: TroubleKind, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.trouble = Trouble(kind, message, retry_after_s)


async def have(talk: Generator[Ask, Answer, Found], http: HttpClient) -> Found | Trouble:
    """Have a talk over HTTP."""
    try:
        ask = next(talk)
        while True:
            answer = await http.send(ask)
            if isinstance(answer, Trouble):
                talk.close()
                return answer
            ask = talk.send(answer)
    except StopIteration as done:
        return cast("Found", done.value)
    except ServiceError as error:
        return error.trouble


def accepted(answer: Answer, who: str, key: str = "") -> Answer:
    """The answer, when its status is success; raises `ServiceError` with what the status says."""
    trouble = refusal(answer, who, key)
    if trouble is not None:
        raise ServiceError(trouble.kind, trouble.message, trouble.retry_after_s)
    return answer


def decoded(answer: Answer, who: str) -> object:
    """The body as JSON; raises `ServiceError`."""
    try:
        return answer.json()
    except ValueError:
        what = f"a page ({answer.content_type})" if "html" in answer.content_type else "no JSON"
        raise garbage(who, f"it sends {what}") from None


def garbage(who: str, what: str) -> ServiceError:
    """An answer that cannot be understood."""
    return ServiceError(TroubleKind.GARBAGE, f"the answer of {who} cannot be understood: {what}")


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
