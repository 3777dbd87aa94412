"""The beginning and end of a time that is asked for."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from phaeton.sinks.web.problem import ProblemError
from phaeton.sinks.web.request import instant

From = Annotated[str, Meta(description="Begins here: UTC seconds, or RFC 3339 with its offset")]
To = Annotated[str, Meta(description="Ends before: UTC seconds, or RFC 3339 with its offset")]

_FIRST_S, _LAST_S = 0.0, 4_102_444_800.0
"""1970 to 2100."""


def moment_of(text: str | None, name: str) -> float | None:
    """UTC seconds; a `ProblemError` (422) for what is no time, or none of ours."""
    if text is None:
        return None
    utc_s = instant(text, name)
    if not _FIRST_S <= utc_s <= _LAST_S:
        raise ProblemError(422, f"{name} must be between 1970 and 2100", name)
    return utc_s


def ordered(from_s: float | None, to_s: float | None) -> None:
    """A `ProblemError` where the end is not after the beginning."""
    if from_s is not None and to_s is not None and to_s <= from_s:
        raise ProblemError(422, "to must be later than from", "to")
