"""The state of charge of a car between its readings: the last good reading and what has flowed since.

Cars tell it seldom, late, and sometimes wrongly. A reading is taken at the time that the car measured it; what is
impossible is kept back until a second one says the same. Energy from the socket counts with an efficiency until the
car's own readings have taught how much one percent needs. How unsure the estimate is goes with it; where nothing
is known there is none, and it is never 0.
"""

from __future__ import annotations

from bisect import bisect_right
from math import isfinite

from msgspec import Struct
from msgspec.structs import replace

from phaeton.model import VehicleReading

EFFICIENCY = 0.85
"""From the socket into the battery, until it is learnt."""
AHEAD_S = 7200.0
"""A car's clock may be so far ahead; a time beyond is no time."""
BEHIND_S = 60.0
"""A reading so much older than the last one is an old one again."""
FRESH_S = 300.0
LEAST_LEARNT_PCT = 15.0
LEARN_WEIGHT = 0.3
LEARN_LEAST, LEARN_MOST = 0.75, 1.15
"""What is learnt stays so close to what the battery's size says."""
TOO_OLD_S = 86400.0
"""A reading from before the car came says nothing after this."""
ODD_RISE_PCT = 5.0
ODD_FALL_PCT = 3.0
PERSONS_SIGMA_PCT = 3.0
"""A person's own word, which is never odd: people see the car."""
FASTEST_W = 250_000.0
"""A car may have charged elsewhere with so much."""
TRAIL_S = 300.0
TRAIL_LENGTH = 200


class SocState(Struct, frozen=True, gc=False, kw_only=True):
    """What is remembered of one car's charge."""

    soc_pct: float | None = None
    """The last accepted reading."""
    utc_s: float = 0.0
    """When the car measured it."""
    sigma_pct: float = 1.0
    energy_kwh: float = 0.0
    """The car's counter of energy at our sockets, at that time."""
    fresh: bool = False
    """It was young when it came."""
    staying: bool = False
    """It was measured in the present stay."""
    odd_pct: float | None = None
    """A reading that was not believed, until a second one agrees."""
    odd_utc_s: float = 0.0
    taught_pct: float | None = None
    """Where learning began in this stay."""
    taught_kwh: float = 0.0
    wh_per_pct: float | None = None
    """Learnt: energy from the socket for one percent."""
    trail: tuple[tuple[float, float], ...] = ()
    """The counter over time in this stay: (UTC seconds, kWh)."""


class Estimate(Struct, frozen=True, gc=False):
    """The state of charge as it should be now."""

    soc_pct: float
    sigma_pct: float
    age_s: float
    """Since the car measured what it begins at."""


def nominal_wh_per_pct(battery_kwh: float | None) -> float | None:
    """Energy from the socket for one percent, by the battery's size (Wh)."""
    return None if battery_kwh is None else battery_kwh * 10.0 / EFFICIENCY


def wh_per_pct(state: SocState, battery_kwh: float | None) -> float | None:
    """Energy from the socket for one percent: learnt, else by the battery's size; None where neither is known."""
    return state.wh_per_pct if state.wh_per_pct is not None else nominal_wh_per_pct(battery_kwh)


def follow(state: SocState, utc_s: float, energy_kwh: float) -> SocState:
    """Keep the counter's way, to find later what had flowed when a car measured."""
    if state.trail and (energy_kwh == state.trail[-1][1] or utc_s - state.trail[-1][0] < TRAIL_S):
        return state
    return replace(state, trail=(*state.trail[-TRAIL_LENGTH:], (utc_s, energy_kwh)))


def arrived(state: SocState) -> SocState:
    """The car was plugged in: what was doubted before is forgotten."""
    return replace(state, staying=False, odd_pct=None, taught_pct=None, trail=())


def _counter_at(state: SocState, utc_s: float, now_s: float, energy_kwh: float) -> float:
    """What the counter was at a time of this stay, by a line between the points of its way."""
    trail = (*state.trail, (now_s, energy_kwh))
    index = bisect_right(trail, (utc_s, float("inf")))
    if index == 0:
        return trail[0][1]
    if index == len(trail):
        return energy_kwh
    (from_s, from_kwh), (to_s, to_kwh) = trail[index - 1], trail[index]
    share = (utc_s - from_s) / (to_s - from_s) if to_s > from_s else 1.0
    return from_kwh + share * (to_kwh - from_kwh)


def accept(
    state: SocState,
    reading: VehicleReading,
    *,
    energy_kwh: float,
    since_s: float | None,
    charging: bool,
    battery_kwh: float | None,
) -> SocState:
    """Take a reading, or keep it back. ``since_s``: plugged in here since then (UTC seconds), None when away."""
    soc_pct, now_s = reading.soc_pct, reading.utc_s
    if soc_pct is None or not isfinite(soc_pct) or not 0.0 <= soc_pct <= 100.0 or not isfinite(now_s):
        return state
    measured_s, sigma_pct = now_s, max(reading.soc_sigma_pct, 0.5)
    told_s = reading.soc_utc_s
    if told_s is not None and isfinite(told_s):
        if told_s > now_s + AHEAD_S:
            sigma_pct += 10.0
        else:
            measured_s = min(told_s, now_s)
    if state.soc_pct is not None:
        if measured_s < state.utc_s - BEHIND_S or (measured_s <= state.utc_s and soc_pct == state.soc_pct):
            return state
        by_person = reading.soc_sigma_pct >= PERSONS_SIGMA_PCT
        odd = not by_person and _odd(state, soc_pct, measured_s, energy_kwh, since_s, charging, battery_kwh)
        if odd and not _agreed(state, soc_pct, measured_s):
            if state.odd_pct is not None and abs(state.odd_pct - soc_pct) <= ODD_FALL_PCT:
                return state
            return replace(state, odd_pct=soc_pct, odd_utc_s=measured_s)
    staying = since_s is not None and measured_s >= since_s
    counter_kwh = energy_kwh
    if since_s is not None:
        counter_kwh = _counter_at(state, measured_s, now_s, energy_kwh)
    accepted = replace(
        state,
        soc_pct=soc_pct,
        utc_s=measured_s,
        sigma_pct=sigma_pct,
        energy_kwh=counter_kwh,
        fresh=now_s - measured_s <= FRESH_S,
        staying=staying,
        odd_pct=None,
    )
    return _learn(accepted, battery_kwh)


def _agreed(state: SocState, soc_pct: float, measured_s: float) -> bool:
    """A second reading says what the first odd one said; for an empty battery some minutes later."""
    if state.odd_pct is None or abs(state.odd_pct - soc_pct) > ODD_FALL_PCT:
        return False
    return measured_s >= state.odd_utc_s + (FRESH_S if soc_pct == 0.0 else 1.0)


def _odd(
    state: SocState,
    soc_pct: float,
    measured_s: float,
    energy_kwh: float,
    since_s: float | None,
    charging: bool,
    battery_kwh: float | None,
) -> bool:
    """Whether the reading does not fit what is known."""
    before_pct = state.soc_pct or 0.0
    if soc_pct == 0.0 and before_pct > 5.0:
        return True
    here = since_s is not None and state.staying
    if here and charging and soc_pct < before_pct - ODD_FALL_PCT:
        return True
    if battery_kwh is None:
        return soc_pct == 100.0 and before_pct <= 90.0 and measured_s - state.utc_s <= FRESH_S
    if here:
        possible_kwh = max(energy_kwh - state.energy_kwh, 0.0) * 1.05
    else:
        possible_kwh = FASTEST_W * max(measured_s - state.utc_s, 0.0) / 3.6e6
    return soc_pct - before_pct > possible_kwh / battery_kwh * 100.0 + ODD_RISE_PCT


def _learn(state: SocState, battery_kwh: float | None) -> SocState:
    """Learn how much one percent needs, over a rise that is long enough, between readings that were young."""
    soc_pct = state.soc_pct
    if soc_pct is None or not state.staying or not state.fresh:
        return state
    if state.taught_pct is None or soc_pct < state.taught_pct:
        return replace(state, taught_pct=soc_pct, taught_kwh=state.energy_kwh)
    rise_pct = soc_pct - state.taught_pct
    if rise_pct < LEAST_LEARNT_PCT:
        return state
    seen = (state.energy_kwh - state.taught_kwh) * 1000.0 / rise_pct
    nominal = nominal_wh_per_pct(battery_kwh)
    if nominal is not None:
        seen = min(max(seen, LEARN_LEAST * nominal), LEARN_MOST * nominal)
    elif seen <= 0:
        return replace(state, taught_pct=soc_pct, taught_kwh=state.energy_kwh)
    known = state.wh_per_pct if state.wh_per_pct is not None else nominal
    learnt = seen if known is None else known + LEARN_WEIGHT * (seen - known)
    return replace(state, taught_pct=soc_pct, taught_kwh=state.energy_kwh, wh_per_pct=learnt)


def ended_by_car(
    state: SocState, limit_pct: float, utc_s: float, energy_kwh: float, battery_kwh: float | None
) -> SocState:
    """The car ended charging by itself: close to its limit it has reached it."""
    now = estimate(state, energy_kwh=energy_kwh, utc_s=utc_s, battery_kwh=battery_kwh, limit_pct=None)
    if now is None or abs(now.soc_pct - limit_pct) > 5.0 or now.soc_pct == limit_pct:
        return state
    return replace(
        state, soc_pct=limit_pct, utc_s=utc_s, sigma_pct=2.0, energy_kwh=energy_kwh, fresh=False, staying=True
    )


def estimate(
    state: SocState, *, energy_kwh: float, utc_s: float, battery_kwh: float | None, limit_pct: float | None
) -> Estimate | None:
    """The charge now; None where nothing is known, or only something too old.

    ``limit_pct`` is the car's own limit: the estimate does not run past it by more than a percent.
    """
    if state.soc_pct is None:
        return None
    age_s = max(utc_s - state.utc_s, 0.0)
    if age_s > TOO_OLD_S and not state.staying:
        return None
    since_kwh = max(energy_kwh - state.energy_kwh, 0.0)
    per_pct = wh_per_pct(state, battery_kwh)
    gained_pct = 0.0 if per_pct is None or per_pct <= 0 else since_kwh * 1000.0 / per_pct
    soc_pct = state.soc_pct + gained_pct
    if limit_pct is not None and state.soc_pct <= limit_pct:
        soc_pct = min(soc_pct, limit_pct + 1.0)
    sigma_pct = state.sigma_pct + 0.05 * gained_pct + 0.3 * age_s / 3600.0
    if per_pct is None and since_kwh > 0.1:
        sigma_pct += 15.0
    return Estimate(min(soc_pct, 100.0), min(sigma_pct, 50.0), age_s)
