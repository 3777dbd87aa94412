"""What may flow at most: the charger's and the car's own limits, and what the house connection leaves.

A site limit has two values: ``now_a`` holds at once and ``raise_a`` is as far as the setpoint may go up. They differ
while it is uncertain how much of the measured current is our own (see ``pairing``). A missing measurement lowers
to the safe current and raises nothing.
"""

from __future__ import annotations

from msgspec import Struct

from phaeton.config.points import Point
from phaeton.config.tree import Site
from phaeton.model import ChargerReading, Phases, Reason, SiteReading, Why
from phaeton.streams.view import NOMINAL_V

FREE_A = 1e6
"""No limit."""
_CONFIG = Why.LIMIT_CONFIG
FIRST = Reason(_CONFIG)


class Cap(Struct, frozen=True, gc=False):
    """A limit in A with its reason; ``raise_a`` is never above ``now_a``."""

    now_a: float = FREE_A
    raise_a: float = FREE_A
    reason: Reason = FIRST


NO_CAP = Cap()


def tighter(a: Cap, b: Cap) -> Cap:
    """Both limits at once; the reason is that of the one that holds."""
    if b.now_a >= a.now_a and b.raise_a >= a.raise_a:
        return a
    if a.now_a > b.now_a or (a.now_a == b.now_a and a.raise_a > b.raise_a):
        return Cap(min(a.now_a, b.now_a), min(a.raise_a, b.raise_a), b.reason)
    return Cap(min(a.now_a, b.now_a), min(a.raise_a, b.raise_a), a.reason)


def own(point: Point, reading: ChargerReading | None, power_cap_w: float | None, volt_v: float, phases: int) -> Cap:
    """The limits of the point itself, in every mode (A)."""
    limits = point.charger.limits
    limit_a = limits.max_set_current_a
    reason = Reason(_CONFIG, limit_a)
    if reading is not None and reading.limit_max_a is not None and reading.limit_max_a < limit_a:
        limit_a, reason = max(reading.limit_max_a, 0.0), Reason(Why.LIMIT_CHARGER, reading.limit_max_a)
    if power_cap_w is not None and power_cap_w / (volt_v * phases) < limit_a:
        limit_a = power_cap_w / (volt_v * phases)
        reason = Reason(Why.LIMIT_OPERATOR, limit_a, power_cap_w)
    return Cap(limit_a, limit_a, reason)


def unbalanced(limit_a: float) -> Cap:
    """The unbalanced-load limit, for a car on one phase (A)."""
    return Cap(limit_a, limit_a, Reason(Why.LIMIT_UNBALANCED, limit_a))


def any_set(site_config: Site, off_grid: bool) -> bool:
    """Whether the house connection limits anything at all."""
    return site_config.limits.fuse_a is not None or site_config.limits.import_w is not None or off_grid


class Room(Struct, frozen=True, gc=False):
    """What the house connection leaves for all points together: A for each grid phase, W in total."""

    phase_now_a: tuple[float, float, float] = (FREE_A, FREE_A, FREE_A)
    phase_raise_a: tuple[float, float, float] = (FREE_A, FREE_A, FREE_A)
    total_now_w: float = FREE_A * 1000
    total_raise_w: float = FREE_A * 1000
    total_why: Why = Why.LIMIT_IMPORT
    blind: bool = False
    """A limit is set that cannot be measured now."""
    blind_off_grid: bool = False


FREE_ROOM = Room()


class Own(Struct, frozen=True, gc=False):
    """The own load behind the site's sample: A for each grid phase and W, least and most likely."""

    least_a: tuple[float, float, float]
    most_a: tuple[float, float, float]
    least_w: float
    most_w: float


def room(
    site_config: Site,
    site: SiteReading | None,
    age_s: float | None,
    load: Own,
    off_grid: bool,
    lines: frozenset[int],
    volts: tuple[float, float, float] = (NOMINAL_V, NOMINAL_V, NOMINAL_V),
) -> Room:
    """What the house connection leaves, from the newest site reading.

    ``lines`` are the grid's phases that count, ``volts`` their voltages as a charger measures them.
    """
    limits = site_config.limits
    fresh = site is not None and age_s is not None and age_s <= limits.missing_after_s
    blind = False
    phase_now = phase_raise = FREE_ROOM.phase_now_a
    total_now = total_raise = FREE_ROOM.total_now_w
    total_why = Why.LIMIT_IMPORT
    if limits.fuse_a is not None:
        measured = _loads(site, volts) if fresh and site is not None else None
        if measured is None or any(measured[line] is None for line in lines):
            blind = True
        else:
            allowed = limits.fuse_a - limits.fuse_margin_a
            phase_now = _each(measured, load.most_a, allowed)
            phase_raise = _each(measured, load.least_a, allowed)
    if limits.import_w is not None:
        if not fresh or site is None or site.grid_w is None or not site.grid_metered:
            blind = True
        else:
            total_now = load.most_w + limits.import_w - site.grid_w
            total_raise = load.least_w + limits.import_w - site.grid_w
    blind_off_grid = False
    if off_grid and site_config.off_grid:
        if site_config.inverter_rating_w is None or not fresh or site is None or site.consumption_w is None:
            blind_off_grid = True
        else:
            rating_w = site_config.inverter_rating_w * site_config.off_grid_share_pct / 100
            if load.most_w + rating_w - site.consumption_w < total_now:
                total_now = load.most_w + rating_w - site.consumption_w
                total_raise = load.least_w + rating_w - site.consumption_w
                total_why = Why.OFF_GRID
    return Room(phase_now, phase_raise, total_now, total_raise, total_why, blind, blind_off_grid)


def _loads(site: SiteReading, volts: tuple[float, float, float]) -> Phases | None:
    """The current of each grid phase that is measured, import positive (A); a house may have one only."""
    if not site.grid_metered:
        return None
    power_w, current_a = site.grid_phase_w, site.grid_phase_a
    return (
        _line(power_w[0], current_a[0], volts[0]),
        _line(power_w[1], current_a[1], volts[1]),
        _line(power_w[2], current_a[2], volts[2]),
    )


def _line(power_w: float | None, current_a: float | None, volt_v: float) -> float | None:
    """The larger of the meter's |I| and P/V, with the sign of the power (A)."""
    by_power = None if power_w is None else power_w / volt_v
    if current_a is None or by_power is None:
        return by_power if current_a is None else abs(current_a)
    return max(abs(current_a) if by_power >= 0 else -abs(current_a), by_power)


def _each(measured: Phases, own_a: tuple[float, float, float], allowed_a: float) -> tuple[float, float, float]:
    return (
        _left(measured[0], own_a[0], allowed_a),
        _left(measured[1], own_a[1], allowed_a),
        _left(measured[2], own_a[2], allowed_a),
    )


def _left(measured_a: float | None, own_a: float, allowed_a: float) -> float:
    return FREE_A if measured_a is None else own_a + allowed_a - measured_a


class LimitState(Struct, frozen=True, gc=False):
    """A point's memory of the site's limits."""

    limited: bool = False
    """A site limit held the setpoint down; it rises again after room was there for a while."""
    room_since_s: float | None = None
    stopped_s: float | None = None
    """A site limit stopped the car then."""
    last_a: float = FREE_A
    """The last limit that could be measured."""


UNLIMITED = LimitState()


def site_cap(
    before: LimitState,
    site_config: Site,
    cap: Cap,
    blind: bool,
    setpoint_a: float,
    min_a: float,
    now_s: float,
) -> tuple[LimitState, Cap]:
    """The site's limit for one point, with its memory: blindness, slow raising, rest after a stop."""
    limits = site_config.limits
    if blind:
        safe_a = min(cap.now_a, before.last_a, limits.safe_current_a)
        cap = Cap(safe_a, safe_a, Reason(Why.LIMIT_BLIND, safe_a))
        last_a = before.last_a
    else:
        last_a = cap.now_a
    if cap.now_a >= FREE_A:
        return UNLIMITED, NO_CAP
    stopped_s = before.stopped_s
    if setpoint_a > 0 and cap.now_a < min_a and not blind:
        stopped_s = now_s
    if stopped_s is not None:
        rest_s = stopped_s + limits.resume_after_s - now_s
        if rest_s > 0:
            state = LimitState(limited=True, room_since_s=None, stopped_s=stopped_s, last_a=last_a)
            return state, Cap(0.0, 0.0, Reason(Why.LIMIT_REST, left_s=rest_s))
        stopped_s = None
    limited = before.limited or setpoint_a > cap.now_a
    room_since_s = before.room_since_s
    raise_a = cap.raise_a
    if limited and setpoint_a > 0:
        if cap.raise_a <= setpoint_a + 0.1:
            room_since_s = None
        elif room_since_s is None:
            room_since_s = now_s
        if room_since_s is None or now_s - room_since_s < limits.raise_after_s:
            raise_a = min(raise_a, setpoint_a)
        else:
            limited, room_since_s = False, None
    else:
        limited, room_since_s = False, None
    state = LimitState(limited=limited, room_since_s=room_since_s, stopped_s=stopped_s, last_a=last_a)
    return state, Cap(cap.now_a, min(raise_a, cap.now_a), cap.reason)
