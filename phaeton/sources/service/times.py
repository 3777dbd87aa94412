"""Times as services write them: RFC 3339, with or without an offset, seconds, milliseconds."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from phaeton.sources.service.days import Wall

_MILLISECONDS_FROM = 1e11
"""Seconds reach this in the year 5138, milliseconds did in 1973."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant_s(value: object, wall: Wall | None = None) -> float | None:
    """UTC seconds of a text or a number; None for anything that is no time.

    A text without an offset is on the clock of ``wall``, or in UTC where there is none.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        try:
            seconds = float(value)
        except OverflowError:
            return None
        if not math.isfinite(seconds):
            return None
        return seconds / 1000.0 if abs(seconds) >= _MILLISECONDS_FROM else seconds
    if not isinstance(value, str) or len(value) > 40:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return instant_s(int(text), wall)
    return _of_text(text, wall)


def _of_text(text: str, wall: Wall | None) -> float | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if found.tzinfo is not None:
        try:
            return (found - _EPOCH).total_seconds()
        except OverflowError:
            return None
    seconds = (found.replace(tzinfo=UTC) - _EPOCH).total_seconds()
    return seconds if wall is None else wall.instant_s(seconds)
