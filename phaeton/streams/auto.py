"""Auto: charge by the surplus, by the probe of curtailed PV, or by nothing while the house is not known."""

from __future__ import annotations

from msgspec.structs import replace

from phaeton.config.tree import Config
from phaeton.model import Reason, Why
from phaeton.streams import curtailed, run
from phaeton.streams.intent import Look
from phaeton.streams.limits import Cap
from phaeton.streams.memory import PointMemory
from phaeton.streams.pace import Wish
from phaeton.streams.phases import Wanted
from phaeton.streams.run import Run, Sun
from phaeton.streams.share import Shared
from phaeton.streams.site import SiteView

BRIDGE_WH = 100.0
BRIDGE_THREE_PHASES_WH = 150.0


def step(
    memory: PointMemory,
    seen: Look,
    shared: Shared,
    site: SiteView,
    config: Config,
    own: Cap,
    now_s: float,
    dt_s: float,
) -> tuple[PointMemory, Wish, Wanted, bool]:
    """Auto's half of the decision; True at the end: it offers a start, which is still to be taken."""
    offer = shared.offer
    if site.lost or offer is None or site.held:
        return _blind(memory, seen, site, now_s)
    view, setpoint_a, phases = seen.view, memory.pace.setpoint_a, memory.asked.phases
    auto = config.auto
    if seen.intent.solar_share_pct is not None:
        auto = replace(auto, min_solar_share_pct=seen.intent.solar_share_pct)
    notes_share = auto.min_solar_share_pct < 100 and not may_fill_from_grid(site, config)
    if notes_share:
        auto = replace(auto, min_solar_share_pct=100.0)
    w_per_a = view.volt_v * seen.phases
    amps_per_w = 1.0 / w_per_a
    before = memory.curtailed
    may_probe = (
        auto.curtailed_probe
        and curtailed.possible(site.reading, shared.battery_full, site.off_grid)
        and (memory.run.running or run.may_start(memory.run, auto, now_s))
        and site.fresh
    )
    probe_state, probe_a = before, 0.0
    if may_probe or before is not curtailed.RESET:
        probe_state, probe_a = curtailed.step(before, site.reading, may_probe, now_s, seen.min_a, own.now_a, w_per_a)
    bridge_wh = auto.bridge_wh
    if bridge_wh is None:
        bridge_wh = BRIDGE_WH if seen.can_switch or seen.phases == 1 else BRIDGE_THREE_PHASES_WH
    if probe_a > 0:
        run_state, ran = run.probing(memory.run, now_s), Run(True, True, False, Reason(Why.CURTAILED, probe_a))
    elif before.offer_a > 0 and offer.lower_w < seen.min_w:
        run_state = run.stop(memory.run, now_s)
        ran = Run(reason=Reason(Why.CURTAILED, 0.0))
    else:
        sun = Sun(offer.raise_w, offer.lower_w, seen.min_w)
        flowing = view.charging and setpoint_a > 0
        run_state, ran = run.step(memory.run, auto, sun, now_s, dt_s, flowing, bridge_wh)
    if not phases and not (config.phases.auto_switch and seen.can_switch):
        phases = memory.phases.phases
    free = not memory.auto_began and setpoint_a == 0.0
    wanted = Wanted(phases or None, offer.raise_w, seen.min_a * view.volt_v, ran.running, free, ran.started)
    began = memory.auto_began or (ran.running and not ran.started)
    if run_state is not memory.run or probe_state is not before or began is not memory.auto_began:
        memory = replace(memory, run=run_state, curtailed=probe_state, auto_began=began)
    reason = ran.reason
    if not ran.running:
        if notes_share:
            reason = Reason(Why.BATTERY_NOT_PROTECTED, offer.lower_w, seen.min_w)
        return memory, Wish(0.0, 0.0, True, False, 0.0, reason), wanted, False
    raise_a = max(offer.raise_w * amps_per_w, probe_a) if site.fresh else min(setpoint_a, offer.raise_w * amps_per_w)
    lower_a = max(offer.lower_w * amps_per_w, probe_a)
    deficit_w = 0.0 if probe_a > 0 else view.ev_w - offer.lower_w
    return memory, Wish(raise_a, lower_a, True, ran.floor, deficit_w, reason), wanted, ran.started


def _blind(memory: PointMemory, seen: Look, site: SiteView, now_s: float) -> tuple[PointMemory, Wish, Wanted, bool]:
    """Auto without values of the house: what flows is held, then the minimum, then nothing."""
    wanted = Wanted(memory.asked.phases or memory.phases.phases)
    setpoint_a = memory.pace.setpoint_a
    why = Why.SITE_FROZEN if site.frozen else Why.SITE_STALE
    reason = Reason(why, site.age_s)
    if site.lost or setpoint_a == 0.0:
        return replace(memory, run=run.stop(memory.run, now_s)), Wish(0.0, 0.0, reason=reason), wanted, False
    held_a = min(setpoint_a, seen.min_a) if site.held else setpoint_a
    return memory, Wish(held_a, held_a, reason=reason), wanted, False


def leave(memory: PointMemory, now_s: float, *, low: bool) -> PointMemory:
    """Out of auto; ``low``: only for now, because the house battery is too low."""
    state = run.stop(memory.run, now_s) if low else run.leave(memory.run)
    if state is memory.run and memory.curtailed == curtailed.RESET:
        return memory
    return replace(memory, run=state, curtailed=curtailed.RESET)


def may_fill_from_grid(site: SiteView, config: Config) -> bool:
    """Whether the minimum may be filled up from the grid without the ESS taking that from the house battery."""
    reading = site.reading
    if reading is None or not reading.ess or reading.battery_w is None or config.battery.feed_car_soc_pct is not None:
        return True
    return reading.battery_use == 1
