"""Whether a site waits for nothing but the sun, so that a simulation need not ask again before there is some.

With the whole state at rest, more house load than sun (``is_dark``) and no event, each further step would decide the
same and remember the same, but for times. What may end that by the clock alone (a car's goal, prices, windows, a
rest after off-grid, a delay that runs) is no rest.
"""

from __future__ import annotations

from phaeton.model import Mode
from phaeton.streams.curtailed import PV_AT_LEAST_W
from phaeton.streams.graph import GraphState
from phaeton.streams.memory import PointMemory
from phaeton.streams.surplus import SurplusState, grid_target_w

_AUTO = Mode.AUTO


def is_dark(pv_w: float, load_w: float) -> bool:
    """Whether the sun can neither leave anything for a car nor be held back (W)."""
    return pv_w <= load_w and pv_w <= PV_AT_LEAST_W


def waits_for_sun(before: GraphState, after: GraphState) -> bool:
    """Whether everything has come to rest between two steps, and only sun or an event can end that."""
    site, auto = after.situation.site, after.config.auto
    if site is None or site.dess_active or grid_target_w(auto, site) > 0.0 or auto.min_solar_share_pct <= 0.0:
        return False
    memory = after.memory
    if memory.garage is not None or memory.site is not before.memory.site or memory.site.back_s is not None:
        return False
    return _dry(memory.surplus) and all(map(_rests, before.memories, after.memories))


def _dry(surplus: SurplusState) -> bool:
    """Nothing flows into a car, nothing is still looked for in the grid, and the battery gives nothing."""
    pairing = surplus.pairing
    if surplus.battery_feeds or pairing.timing_since_s is not None or surplus.moved_since_s is not None:
        return False
    return len(pairing.history) == 1 and pairing.history[0][1] == 0.0


def _rests(was: PointMemory, now: PointMemory) -> bool:
    """A point that waits in auto with nothing asked for: each room answers with what it had."""
    asked = now.asked
    if now.pace.setpoint_a > 0.0 or asked.mode is not _AUTO or asked.boost or now.run.sunny_since_s is not None:
        return False
    same = (
        was.run is now.run
        and was.pace is now.pace
        and was.phases is now.phases
        and was.wake is now.wake
        and was.curtailed is now.curtailed
        and was.limit is now.limit
        and was.asked is asked
        and was.view.state is now.view.state
    )
    return same and now.view.gone_since_s is None and now.lease.mismatch_since_s is None
