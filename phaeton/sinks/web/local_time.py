"""Times on the site's wall clock as the API tells them: instants with their offset, days and months by name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

from phaeton.calendar_days import instant, midnight, month, next_midnight, next_month, wall_s
from phaeton.model import Zone
from phaeton.streams.windows import offset_s

Span = Literal["hour", "day", "month"]

HOUR_S = 3600.0


def local(zone: Zone, utc_s: float) -> str:
    """An instant with the site's offset: ``2026-06-01T12:00:00+02:00``."""
    offset = int(offset_s(zone, utc_s))
    sign, size = ("-", -offset) if offset < 0 else ("+", offset)
    wall = datetime.fromtimestamp(int(utc_s) + offset, UTC)
    return f"{wall:%Y-%m-%dT%H:%M:%S}{sign}{size // 3600:02d}:{size % 3600 // 60:02d}"


def day(zone: Zone, utc_s: float) -> str:
    """The local day: ``2026-06-01``."""
    return datetime.fromtimestamp(wall_s(zone, utc_s), UTC).strftime("%Y-%m-%d")


def _hour(zone: Zone, utc_s: float) -> str:
    return local(zone, _hour_start(zone, utc_s))


def _hour_start(zone: Zone, utc_s: float) -> float:
    """Hours have the offset that holds at the instant, so that both of an autumn night are told apart."""
    offset = offset_s(zone, utc_s)
    return (utc_s + offset) // HOUR_S * HOUR_S - offset


def _month_start(zone: Zone, utc_s: float) -> float:
    first = datetime.fromtimestamp(wall_s(zone, utc_s), UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return instant(zone, first.timestamp())


NAME: dict[Span, Callable[[Zone, float], str]] = {"hour": _hour, "day": day, "month": month}
"""What the hour, day or month of an instant is called."""

START: dict[Span, Callable[[Zone, float], float]] = {"hour": _hour_start, "day": midnight, "month": _month_start}
"""When it began."""

NEXT: dict[Span, Callable[[Zone, float], float]] = {
    "hour": lambda zone, utc_s: _hour_start(zone, utc_s) + HOUR_S,
    "day": next_midnight,
    "month": next_month,
}
"""When the next one begins."""
