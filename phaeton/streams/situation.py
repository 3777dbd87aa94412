"""What is known: every event folds into one immutable situation, and nonsense stays outside.

Time never runs back here: an event older than the newest one of its source is dropped, and numbers that are not
finite become "not known".
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf, isfinite

from msgspec import Struct
from msgspec.structs import replace

from phaeton.config.points import Point
from phaeton.config.tree import Config
from phaeton.model import (
    ChargerIdentity,
    ChargerReading,
    Command,
    Event,
    ForecastCurve,
    PointSituation,
    PriceCurve,
    SiteReading,
    Situation,
    Tick,
    Unavailable,
    VehicleReading,
    WriteOutcome,
    Zone,
)
from phaeton.streams.curves import newest_forecast, newest_prices


class ConfigChanged(Event, frozen=True, gc=False, tag=True):
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
_MOST_VEHICLES = 50
_TIME_ONLY = frozenset({Tick, WriteOutcome, Command})
"""Nothing is known by these but the time."""
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
    """The same reading without anything that is not finite; one sum tells it of all (NaN and infinities survive it)."""
    r = reading
    numbers = (
        r.grid_w,
        r.pv_w,
        r.consumption_w,
        r.battery_w,
        r.battery_soc_pct,
        r.battery_charge_limit_w,
        r.ess_setpoint_w,
        r.ess_min_soc_pct,
        r.feed_in_limit_w,
        r.dess_charge_w,
        *r.grid_phase_w,
        *r.grid_phase_a,
    )
    if isfinite(sum(filter(None, numbers))):
        return reading
    return replace(reading, **_bad_numbers(reading, _SITE_NUMBERS), **_bad_phases(reading, _PHASES[:2]))


def finite_charger(reading: ChargerReading) -> ChargerReading:
    """The same reading without anything that is not finite."""
    r = reading
    numbers = (
        r.power_w,
        r.energy_kwh,
        r.limit_set_a,
        r.limit_actual_a,
        r.limit_safe_a,
        r.limit_max_a,
        r.limit_remaining_s,
        r.temperature_c,
        *r.voltage_v,
        *r.current_a,
        *r.power_phase_w,
    )
    if isfinite(sum(filter(None, numbers))):
        return reading
    return replace(reading, **_bad_numbers(reading, _CHARGER_NUMBERS), **_bad_phases(reading, _PHASES[2:]))


def fold(situation: Situation, events: Iterable[Event]) -> Situation:
    """The situation with the events in it; commands, outcomes and ticks only advance its time."""
    mono_s, utc_s = situation.mono_s, situation.utc_s
    points, site, prices = situation.points, situation.site, situation.prices
    forecast, vehicles = situation.forecast, situation.vehicles
    away = situation.site_unavailable
    for event in events:
        at_s = event.mono_s
        if at_s != mono_s or event.utc_s != utc_s:
            mono_s, utc_s = _later(mono_s, utc_s, event)
        if type(event) in _TIME_ONLY:
            continue
        if isinstance(event, ChargerReading):
            if isfinite(at_s):
                points = _read(points, event)
        elif isinstance(event, SiteReading):
            if isfinite(at_s) and (site is None or at_s >= site.mono_s):
                site, away = finite_site(event), None
        elif isinstance(event, ChargerIdentity):
            points = tuple([replace(p, identity=event) if p.id == event.point else p for p in points])
        elif isinstance(event, Unavailable):
            away = event if event.source == "site" else away
            points = tuple([replace(p, unavailable=event) if p.id == event.source else p for p in points])
        elif isinstance(event, PriceCurve):
            prices = newest_prices(prices, event, utc_s)
        elif isinstance(event, ForecastCurve):
            forecast = newest_forecast(forecast, event, utc_s)
        elif isinstance(event, VehicleReading):
            vehicles = (*[v for v in vehicles if v.vehicle != event.vehicle], event)[-_MOST_VEHICLES:]
    return Situation(mono_s, utc_s, points, site, away, prices, forecast, vehicles)


def _later(mono_s: float, utc_s: float, event: Event) -> tuple[float, float]:
    """The time of an event, as far as it goes: a clock that is not finite or runs back is not followed."""
    return event.mono_s if mono_s < event.mono_s < inf else mono_s, event.utc_s if isfinite(event.utc_s) else utc_s


def _read(points: tuple[PointSituation, ...], event: ChargerReading) -> tuple[PointSituation, ...]:
    """The points with a new reading of one of them, unless it is older than the one that is known."""
    for index, point in enumerate(points):
        if point.id == event.point:
            if point.reading is not None and event.mono_s < point.reading.mono_s:
                return points
            read = PointSituation(point.id, finite_charger(event), point.identity, None)
            return (read,) if len(points) == 1 else (*points[:index], read, *points[index + 1 :])
    return points
