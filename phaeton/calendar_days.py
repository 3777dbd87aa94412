"""Days and months of the site's wall clock, as instants: both clock changes make a day shorter or longer."""

from __future__ import annotations

from datetime import UTC, datetime

from phaeton.model import Zone
from phaeton.streams.windows import offset_s

_DAY_S = 86400.0


def wall_s(zone: Zone, utc_s: float) -> float:
    """The wall clock as seconds, as if it were UTC."""
    return utc_s + offset_s(zone, utc_s)


def instant(zone: Zone, on_wall_s: float) -> float:
    """The instant of a time of the wall clock; the first of two, and after the jump where it does not exist."""
    before_s = on_wall_s - offset_s(zone, on_wall_s - _DAY_S)
    after_s = on_wall_s - offset_s(zone, on_wall_s + _DAY_S)
    return after_s if wall_s(zone, before_s) != on_wall_s == wall_s(zone, after_s) else before_s


def midnight(zone: Zone, utc_s: float) -> float:
    """When the local day of this instant began."""
    return instant(zone, wall_s(zone, utc_s) // _DAY_S * _DAY_S)


def next_midnight(zone: Zone, utc_s: float) -> float:
    """When the next local day begins."""
    return instant(zone, (wall_s(zone, utc_s) // _DAY_S + 1) * _DAY_S)


def day(zone: Zone, utc_s: float) -> str:
    """The local day, as 2024-06-03."""
    return datetime.fromtimestamp(wall_s(zone, utc_s), UTC).strftime("%Y-%m-%d")


def month(zone: Zone, utc_s: float) -> str:
    """The local month, as 2024-06."""
    return datetime.fromtimestamp(wall_s(zone, utc_s), UTC).strftime("%Y-%m")


def next_month(zone: Zone, utc_s: float) -> float:
    """When the next local month begins."""
    local = datetime.fromtimestamp(wall_s(zone, utc_s), UTC)
    first = datetime(local.year + local.month // 12, local.month % 12 + 1, 1, tzinfo=UTC)
    return instant(zone, first.timestamp())
