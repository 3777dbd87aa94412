"""What is known: every event folds into one immutable situation, and nonsense stays outside.

Time never runs back here: an event older than the newest one of its source is dropped, and numbers that are not
finite become "not known".
"""

from __future__ import annotations

from math import isfinite

from msgspec import Struct
from msgspec.structs import replace

from phaeton.config.points import Point
from phaeton.config.tree import Config
from phaeton.model import (
    ChargerIdentity,
    ChargerReading,
    Event,
    PointSituation,
    PriceCurve,
    SiteReading,
    Situation,
    Unavailable,
    Zone,
)


class ConfigChanged(Event, frozen=True, tag=True):
    """A configuration comes into force; points keep their memory by their ids."""

    config: Config
    points: tuple[Point, ...]
    zone: Zone


GraphEvent = Event
"""What the graph takes: any event; those that it does not know only tell the time."""

_SITE_NUMBERS = (
    "grid_w",
    "pv_w",
    "consumption_w",
    "battery_w",
    "battery_soc_pct",
    "battery_charge_limit_w",
    "ess_setpoint_w",
    "ess_min_soc_pct",
    "feed_in_limit_w",
    "dess_charge_w",
)
_CHARGER_NUMBERS = (
    "power_w",
    "energy_kwh",
    "limit_set_a",
    "limit_actual_a",
    "limit_safe_a",
    "limit_max_a",
    "limit_remaining_s",
    "temperature_c",
)
_PHASES = ("grid_phase_w", "grid_phase_a", "voltage_v", "current_a", "power_phase_w")


def _bad_numbers(event: Struct, names: tuple[str, ...]) -> dict[str, object]:
    """The fields that hold something not finite, with what they become."""
    changes: dict[str, object] = {}
    for name in names:
        value = getattr(event, name)
        if value is not None and not isfinite(value):
            changes[name] = None
    return changes


def _bad_phases(event: Struct, names: tuple[str, ...]) -> dict[str, object]:
    changes: dict[str, object] = {}
    for name in names:
        values = getattr(event, name)
        if any(value is not None and not isfinite(value) for value in values):
            changes[name] = tuple(value if value is not None and isfinite(value) else None for value in values)
    return changes


def finite_site(reading: SiteReading) -> SiteReading:
    """The same reading without anything that is not finite."""
    changes = _bad_numbers(reading, _SITE_NUMBERS) | _bad_phases(reading, _PHASES[:2])
    return replace(reading, **changes) if changes else reading


def finite_charger(reading: ChargerReading) -> ChargerReading:
    """The same reading without anything that is not finite."""
    changes = _bad_numbers(reading, _CHARGER_NUMBERS) | _bad_phases(reading, _PHASES[2:])
    return replace(reading, **changes) if changes else reading


def advance(situation: Situation, event: Event) -> Situation:
    """The situation at the time of the event; a clock that is not finite or runs back is not followed."""
    mono_s = event.mono_s if isfinite(event.mono_s) and event.mono_s > situation.mono_s else situation.mono_s
    utc_s = event.utc_s if isfinite(event.utc_s) else situation.utc_s
    if mono_s == situation.mono_s and utc_s == situation.utc_s:
        return situation
    return Situation(
        mono_s=mono_s,
        utc_s=utc_s,
        points=situation.points,
        site=situation.site,
        site_unavailable=situation.site_unavailable,
        prices=situation.prices,
    )


def fold(situation: Situation, event: Event) -> Situation:
    """The situation with the event in it; commands, outcomes and ticks only advance its time."""
    now = advance(situation, event)
    if isinstance(event, ChargerReading):
        return _with_reading(now, event)
    if isinstance(event, SiteReading):
        if now.site is not None and not event.mono_s >= now.site.mono_s:
            return now
        return replace(now, site=finite_site(event), site_unavailable=None) if isfinite(event.mono_s) else now
    if isinstance(event, ChargerIdentity):
        return replace(now, points=tuple(replace(p, identity=event) if p.id == event.point else p for p in now.points))
    if isinstance(event, Unavailable):
        if event.source == "site":
            return replace(now, site_unavailable=event)
        return replace(
            now, points=tuple(replace(p, unavailable=event) if p.id == event.source else p for p in now.points)
        )
    if isinstance(event, PriceCurve):
        return replace(now, prices=event)
    return now


def _with_reading(now: Situation, event: ChargerReading) -> Situation:
    if not isfinite(event.mono_s):
        return now
    points = list(now.points)
    for index, point in enumerate(points):
        if point.id == event.point and (point.reading is None or event.mono_s >= point.reading.mono_s):
            points[index] = PointSituation(
                id=point.id, reading=finite_charger(event), identity=point.identity, unavailable=None
            )
    return Situation(
        mono_s=now.mono_s,
        utc_s=now.utc_s,
        points=tuple(points),
        site=now.site,
        site_unavailable=now.site_unavailable,
        prices=now.prices,
    )
