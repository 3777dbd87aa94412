"""How many watts the sun leaves for the cars, and whether the house can be believed at all.

With b the battery's power (charging positive): surplus = own power - grid + target + b - reserve. The reserve is what
the battery could charge with now, while it comes first. Two values leave this room: one to raise with and one to
lower with (see ``pairing``); both are smoothed over event time.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from phaeton.config.tree import Auto, Battery, Config
from phaeton.model import SiteReading
from phaeton.streams import pairing
from phaeton.streams.pairing import PairingState

BATTERY_HYSTERESIS_PCT = 2.0
FROZEN_EV_W = 1000.0
"""A site that stands still while the car moves by more than this is frozen."""
FROZEN_AFTER_S = 15.0
"""... once the slowest meter should have shown the move."""


class SurplusState(Struct, frozen=True, gc=False):
    """Smoothed surplus and what is needed to judge the next sample."""

    sample_s: float | None = None
    raise_w: float | None = None
    lower_w: float | None = None
    pairing: PairingState = PairingState()
    battery_full: bool = False
    battery_feeds: bool = False
    still_since_s: float | None = None
    still_ev_w: float = 0.0
    """Own power when the site's values last changed."""
    moved_since_s: float | None = None
    """The car has moved since then, and the site has not shown it."""
    still: SiteReading | None = None


class Surplus(Struct, frozen=True, gc=False):
    """What the sun leaves for all cars, their own power included (W), and how far it can be trusted."""

    raise_w: float | None = None
    lower_w: float | None = None
    age_s: float | None = None
    frozen: bool = False
    reserve_w: float = 0.0
    battery_feeds: bool = False
    dess: bool = False


NONE = Surplus()


def step(
    before: SurplusState, config: Config, site: SiteReading | None, now_s: float, ev_w: float
) -> tuple[SurplusState, Surplus]:
    """Take the newest site reading; ``ev_w`` is the own power of all points together."""
    paired_state = pairing.note(before.pairing, now_s, ev_w)
    state = before if paired_state is before.pairing else replace(before, pairing=paired_state)
    if site is None:
        return state, NONE
    sampled = before.sample_s is None or site.mono_s > before.sample_s
    full, feeds = _by_soc(state, config.battery, site.battery_soc_pct) if sampled else (state.battery_full, False)
    reserve_w = _reserve(config.battery, site, full)
    if sampled:
        state = _sample(state, config, site, ev_w, full, feeds, reserve_w)
    if state.moved_since_s is None and abs(ev_w - state.still_ev_w) > FROZEN_EV_W:
        state = replace(state, moved_since_s=now_s)
    return state, Surplus(
        state.raise_w,
        state.lower_w,
        now_s - site.mono_s,
        state.moved_since_s is not None and _is_frozen(state, config, site.mono_s),
        reserve_w,
        state.battery_feeds,
        site.dess_active,
    )


def _by_soc(state: SurplusState, battery: Battery, soc_pct: float | None) -> tuple[bool, bool]:
    """Whether the battery counts as full, and whether it may feed the car."""
    full = _latched(state.battery_full, soc_pct, battery.full_soc_pct)
    if battery.feed_car_soc_pct is None:
        return full, False
    return full, _latched(state.battery_feeds, soc_pct, battery.feed_car_soc_pct)


def _is_frozen(state: SurplusState, config: Config, sample_s: float) -> bool:
    """Whether samples keep coming, all the same, although the car moved; it lasts until the values move again."""
    if state.still_since_s is None or state.moved_since_s is None:
        return False
    still_s, moved_s = sample_s - state.still_since_s, sample_s - state.moved_since_s
    return still_s >= config.site.stale_hold_s and moved_s >= FROZEN_AFTER_S


def _sample(
    state: SurplusState, config: Config, site: SiteReading, ev_w: float, full: bool, feeds: bool, reserve_w: float
) -> SurplusState:
    """Fold a new sample of the site in."""
    sample_s = site.mono_s
    paired_state = pairing.time_steps(state.pairing, sample_s, ev_w, site.grid_w if site.grid_metered else None)
    own = pairing.pair(paired_state, sample_s)
    base_w = _base(config, site, reserve_w, config.battery.feed_car_w if feeds else 0.0)
    raise_w = lower_w = None
    if base_w is not None:
        raise_w, lower_w = base_w + own.least_w, base_w + own.most_w
        tau_s = config.auto.smoothing_s
        if state.raise_w is not None and state.lower_w is not None:
            dt_s = 0.0 if state.sample_s is None else sample_s - state.sample_s
            weight = dt_s / (dt_s + tau_s) if tau_s > 0.0 else 1.0
            raise_w = state.raise_w + weight * (raise_w - state.raise_w)
            lower_w = state.lower_w + weight * (lower_w - state.lower_w)
    moved = state.still is None or state.still.grid_w != site.grid_w or not _same_otherwise(state.still, site)
    return SurplusState(
        sample_s,
        raise_w,
        lower_w,
        paired_state,
        full,
        feeds,
        sample_s if moved or state.still_since_s is None else state.still_since_s,
        ev_w if moved else state.still_ev_w,
        None if moved else state.moved_since_s,
        site,
    )


def _latched(on: bool, soc_pct: float | None, limit_pct: float) -> bool:
    """Whether the SoC is at the limit; once there it may fall by 2 % before that ends."""
    if soc_pct is None:
        return False
    return soc_pct >= limit_pct - (BATTERY_HYSTERESIS_PCT if on else 0.0)


def _same_otherwise(a: SiteReading, b: SiteReading) -> bool:
    return (
        a.consumption_w == b.consumption_w
        and a.pv_w == b.pv_w
        and a.battery_w == b.battery_w
        and a.grid_phase_w == b.grid_phase_w
    )


def grid_target_w(auto: Auto, site: SiteReading) -> float:
    """What the grid shall be regulated to, import positive (W)."""
    if auto.grid_target_w is not None:
        return auto.grid_target_w
    if site.ess and site.ess_setpoint_w is not None:
        return site.ess_setpoint_w
    return -50.0


def _base(config: Config, site: SiteReading, reserve_w: float, extra_w: float) -> float | None:
    """The surplus without the own power (W); None where the house cannot tell."""
    if site.grid_metered and site.grid_w is not None:
        battery_w = site.battery_w or 0.0
        return -site.grid_w + grid_target_w(config.auto, site) + battery_w - reserve_w + extra_w
    if site.pv_w is not None and site.consumption_w is not None:
        return site.pv_w - site.consumption_w - reserve_w + extra_w
    return None


def _reserve(battery: Battery, site: SiteReading, full: bool) -> float:
    """What the battery may keep for itself (W): what it could charge with now, while it comes first."""
    battery_w = site.battery_w
    if site.dess_active:
        dess_w = battery_w or 0.0 if site.dess_charge_w is None else site.dess_charge_w
        return max(dess_w, 0.0)
    if full or battery.priority == "car" or (battery_w is None and site.battery_soc_pct is None):
        return 0.0
    limit_w, most_w = site.battery_charge_limit_w, battery.max_charge_w
    if limit_w is None:
        limit_w = battery_w or 0.0 if most_w is None else most_w
    elif most_w is not None:
        limit_w = min(limit_w, most_w)
    return max(limit_w, 0.0)
