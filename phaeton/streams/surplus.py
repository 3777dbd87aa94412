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
    age_s = now_s - site.mono_s
    if before.sample_s is None or site.mono_s > before.sample_s:
        state = _sample(state, config, site, ev_w)
    if state.moved_since_s is None and abs(ev_w - state.still_ev_w) > FROZEN_EV_W:
        state = replace(state, moved_since_s=now_s)
    reserve_w = _reserve(config.battery, site, state.battery_full)
    return state, Surplus(
        state.raise_w,
        state.lower_w,
        age_s,
        _is_frozen(state, config, site.mono_s),
        reserve_w,
        state.battery_feeds,
        site.dess_active,
    )


def _is_frozen(state: SurplusState, config: Config, sample_s: float) -> bool:
    """Whether samples keep coming, all the same, although the car moved; it lasts until the values move again."""
    if state.still_since_s is None or state.moved_since_s is None:
        return False
    still_s, moved_s = sample_s - state.still_since_s, sample_s - state.moved_since_s
    return still_s >= config.site.stale_hold_s and moved_s >= FROZEN_AFTER_S


def _sample(state: SurplusState, config: Config, site: SiteReading, ev_w: float) -> SurplusState:
    """Fold a new sample of the site in."""
    battery = config.battery
    soc = site.battery_soc_pct
    full = _latched(state.battery_full, soc, battery.full_soc_pct)
    feeds = battery.feed_car_soc_pct is not None and _latched(state.battery_feeds, soc, battery.feed_car_soc_pct)
    paired_state = pairing.time_steps(state.pairing, site.mono_s, ev_w, site.grid_w if site.grid_metered else None)
    own = pairing.pair(paired_state, site.mono_s)
    base_w = base(config, site, full, feeds)
    dt_s = 0.0 if state.sample_s is None else site.mono_s - state.sample_s
    tau_s = config.auto.smoothing_s
    weight = 1.0 if state.raise_w is None or tau_s <= 0.0 else dt_s / (dt_s + tau_s)
    raise_w = lower_w = None
    if base_w is not None:
        raise_w = _smoothed(state.raise_w, base_w + own.least_w, weight)
        lower_w = _smoothed(state.lower_w, base_w + own.most_w, weight)
    moved = state.still is None or not _same_values(state.still, site)
    return SurplusState(
        site.mono_s,
        raise_w,
        lower_w,
        paired_state,
        full,
        feeds,
        site.mono_s if moved or state.still_since_s is None else state.still_since_s,
        ev_w if moved else state.still_ev_w,
        None if moved else state.moved_since_s,
        site,
    )


def _smoothed(before: float | None, value: float, weight: float) -> float:
    return value if before is None else before + weight * (value - before)


def _latched(on: bool, soc_pct: float | None, limit_pct: float) -> bool:
    """Whether the SoC is at the limit; once there it may fall by 2 % before that ends."""
    if soc_pct is None:
        return False
    return soc_pct >= limit_pct - (BATTERY_HYSTERESIS_PCT if on else 0.0)


def _same_values(a: SiteReading, b: SiteReading) -> bool:
    return (
        a.grid_w == b.grid_w
        and a.consumption_w == b.consumption_w
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


def base(config: Config, site: SiteReading, battery_full: bool, battery_feeds: bool) -> float | None:
    """The surplus without the own power (W); None where the house cannot tell."""
    reserve_w = _reserve(config.battery, site, battery_full)
    extra_w = config.battery.feed_car_w if battery_feeds else 0.0
    if site.grid_metered and site.grid_w is not None:
        battery_w = site.battery_w or 0.0
        return -site.grid_w + grid_target_w(config.auto, site) + battery_w - reserve_w + extra_w
    if site.pv_w is not None and site.consumption_w is not None:
        return site.pv_w - site.consumption_w - reserve_w + extra_w
    return None


def _reserve(battery: Battery, site: SiteReading, full: bool) -> float:
    """What the battery may keep for itself (W): what it could charge with now, while it comes first."""
    charging_w = max(site.battery_w or 0.0, 0.0)
    if site.dess_active:
        return charging_w if site.dess_charge_w is None else max(site.dess_charge_w, 0.0)
    if battery.priority == "car" or full or (site.battery_w is None and site.battery_soc_pct is None):
        return 0.0
    limits = [w for w in (site.battery_charge_limit_w, battery.max_charge_w) if w is not None]
    return max(min(limits), 0.0) if limits else charging_w
