"""Departures that come again, by the wall clock of the site."""

from __future__ import annotations

from msgspec import Struct

from phaeton.config.tree_cars import Departure
from phaeton.model import Zone
from phaeton.streams.windows import local, offset_s

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_S = 86400.0


class Next(Struct, frozen=True, gc=False):
    """A departure with its time."""

    utc_s: float
    departure: Departure


def next_departure(departures: tuple[Departure, ...], zone: Zone, after_s: float) -> Next | None:
    """The first departure after a time (UTC seconds); None where there is none.

    A time that a clock change leaves out is met an hour later on the clock; one that comes twice is met the first time.
    """
    today, second = local(zone, after_s)
    midnight_s = after_s + offset_s(zone, after_s) - second
    best: Next | None = None
    for departure in departures:
        if not departure.active:
            continue
        for ahead in range(8):
            if departure.days and _DAYS[(today + ahead) % 7] not in departure.days:
                continue
            wall_s = midnight_s + ahead * _DAY_S + int(departure.time[:2]) * 3600.0 + int(departure.time[3:]) * 60.0
            utc_s = instant_s(zone, wall_s)
            if utc_s > after_s:
                if best is None or utc_s < best.utc_s:
                    best = Next(utc_s, departure)
                break
    return best


def instant_s(zone: Zone, wall_s: float) -> float:
    """The instant (UTC seconds) at which the wall clock shows ``wall_s``, counted from the same beginning."""
    before = wall_s - offset_s(zone, wall_s - _DAY_S)
    after = wall_s - offset_s(zone, wall_s + _DAY_S)
    found = [utc_s for utc_s in (before, after) if utc_s + offset_s(zone, utc_s) == wall_s]
    return min(found) if found else max(before, after)
