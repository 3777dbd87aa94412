"""Auto's run: start when the sun is there on average, hold through clouds, rest after a stop.

The bridge bucket is the energy that grid and battery may lend during holds. Only a hold drains it; the sun fills it.
A start is auto going from a stop that it decided itself to current; commands and phase switches are none.
"""

from __future__ import annotations

from msgspec import Struct

from phaeton.config.tree import Auto
from phaeton.model import Reason, Why

HOLD_AT_LEAST_S = 60.0
LONG_REST_S = 900.0
HOUR_S = 3600.0
DAY_S = 86400.0


class RunState(Struct, frozen=True, gc=False):
    """Whether auto charges, and what it needs to know to begin or end that."""

    in_auto: bool = False
    running: bool = False
    stopped_s: float | None = None
    """When auto itself stopped the car last."""
    hold_since_s: float | None = None
    used_wh: float = 0.0
    """Taken out of the bridge bucket."""
    sunny_since_s: float | None = None
    credit_ws: float = 0.0
    """Surplus above the minimum since ``sunny_since_s``; below 0 the start delay begins anew."""
    starts: tuple[float, ...] = ()
    """Times of the starts of the last day."""


class Run(Struct, frozen=True, gc=False):
    """Auto's answer for this step."""

    running: bool = False
    floor: bool = False
    """Charge at the minimum whatever the surplus says."""
    started: bool = False
    reason: Reason = Reason(Why.WAIT_SUN)


_WAIT_SUN, _SURPLUS = Why.WAIT_SUN, Why.SURPLUS


class Sun(Struct, frozen=True, gc=False):
    """What the sun gives a point in this step (W)."""

    raise_w: float
    lower_w: float
    min_w: float
    """Power at the minimum current on the phases in use."""


def leave(before: RunState) -> RunState:
    """Not in auto: nothing runs and no delay counts; rests, budgets and the bucket are kept."""
    if not before.in_auto and not before.running:
        return before
    return RunState(stopped_s=before.stopped_s, used_wh=before.used_wh, starts=before.starts)


def stop(before: RunState, now_s: float) -> RunState:
    """Auto must stop for a cause other than the sun (low SoC, no data): a stop of its own, with a rest after it."""
    return RunState(
        in_auto=True,
        stopped_s=now_s if before.running else before.stopped_s,
        used_wh=before.used_wh,
        starts=before.starts,
    )


def step(
    before: RunState, config: Auto, sun: Sun, now_s: float, dt_s: float, flowing: bool, bridge_wh: float
) -> tuple[RunState, Run]:
    """Decide whether auto charges now; ``flowing``: current was already flowing when auto was entered."""
    share = config.min_solar_share_pct / 100
    threshold_w = sun.min_w * share
    if flowing and not before.in_auto and (sun.lower_w >= threshold_w or share == 0.0):
        before = RunState(
            in_auto=True, running=True, stopped_s=before.stopped_s, used_wh=before.used_wh, starts=before.starts
        )
    if before.running:
        return _running(before, config, sun, now_s, dt_s, threshold_w, share == 0.0, bridge_wh)
    return _waiting(before, config, sun, now_s, dt_s, threshold_w, share == 0.0)


def _running(
    before: RunState,
    config: Auto,
    sun: Sun,
    now_s: float,
    dt_s: float,
    threshold_w: float,
    always: bool,
    bridge_wh: float,
) -> tuple[RunState, Run]:
    short_w = threshold_w - sun.lower_w
    if always or short_w <= 0:
        filled_wh = (max(-short_w, 0.0) + bridge_wh) * dt_s / HOUR_S
        used_wh = max(before.used_wh - filled_wh, 0.0)
        state = RunState(True, True, before.stopped_s, None, used_wh, None, 0.0, before.starts)
        if sun.lower_w >= sun.min_w:
            return state, Run(True, False, False, Reason(_SURPLUS, sun.lower_w, sun.min_w))
        return state, Run(True, True, False, Reason(Why.MIN_SOLAR, sun.lower_w, sun.min_w))
    since_s = now_s if before.hold_since_s is None else before.hold_since_s
    used_wh = before.used_wh + short_w * dt_s / HOUR_S if before.hold_since_s is not None else before.used_wh
    held_s = now_s - since_s
    if held_s >= config.min_charge_duration_s or (used_wh >= bridge_wh and held_s >= HOLD_AT_LEAST_S):
        state = RunState(in_auto=True, stopped_s=now_s, used_wh=min(used_wh, bridge_wh), starts=before.starts)
        return state, Run(reason=Reason(Why.REST, sun.lower_w, sun.min_w, _rest_s(before, config, now_s)))
    state = RunState(
        in_auto=True,
        running=True,
        stopped_s=before.stopped_s,
        hold_since_s=since_s,
        used_wh=used_wh,
        starts=before.starts,
    )
    left_s = config.min_charge_duration_s - held_s
    if short_w > 0:
        left_s = min(left_s, max((bridge_wh - used_wh) * HOUR_S / short_w, HOLD_AT_LEAST_S - held_s, 0.0))
    return state, Run(True, True, False, Reason(Why.HOLD, sun.lower_w, threshold_w, left_s))


def _waiting(
    before: RunState, config: Auto, sun: Sun, now_s: float, dt_s: float, threshold_w: float, always: bool
) -> tuple[RunState, Run]:
    surplus_w, starts = sun.raise_w, before.starts
    sunny_since_s, credit_ws = before.sunny_since_s, before.credit_ws
    if always:
        sunny_since_s, credit_ws = -1e18, 0.0
    elif sunny_since_s is not None:
        most_ws = max(threshold_w, 1.0) * config.start_delay_s
        credit_ws = min(credit_ws + (surplus_w - threshold_w) * dt_s, most_ws)
        if credit_ws < 0.0:
            sunny_since_s, credit_ws = None, 0.0
    elif surplus_w >= threshold_w:
        sunny_since_s, credit_ws = now_s, 0.0
    if starts and starts[0] <= now_s - DAY_S:
        starts = tuple(at_s for at_s in starts if at_s > now_s - DAY_S)
    state = before
    still = sunny_since_s is None and before.sunny_since_s is None and before.in_auto and before.hold_since_s is None
    if not still or starts is not before.starts:
        state = RunState(True, False, before.stopped_s, None, before.used_wh, sunny_since_s, credit_ws, starts)
    if sunny_since_s is None:
        return state, Run(False, False, False, Reason(_WAIT_SUN, surplus_w, threshold_w))
    delay_s = sunny_since_s + config.start_delay_s - now_s
    if delay_s > 0:
        return state, Run(reason=Reason(Why.START_DELAY, surplus_w, threshold_w, delay_s))
    rest_s = _rest_left_s(state, config, now_s)
    if rest_s > 0:
        return state, Run(reason=Reason(Why.REST, surplus_w, threshold_w, rest_s))
    spent = [at_s for at_s in starts if at_s > now_s - HOUR_S]
    if len(spent) >= config.max_starts_per_hour:
        left_s = spent[-config.max_starts_per_hour] + HOUR_S - now_s
        return state, Run(reason=Reason(Why.STARTS_SPENT, len(spent), config.max_starts_per_hour, left_s))
    if surplus_w < threshold_w and not always:
        return state, Run(reason=Reason(Why.WAIT_SUN, surplus_w, threshold_w))
    return state, Run(True, sun.lower_w < sun.min_w, True, Reason(Why.SURPLUS, surplus_w, sun.min_w))


def begin(state: RunState, now_s: float) -> RunState:
    """Take the start that ``step`` offered; it is booked only when it is really taken."""
    return RunState(
        in_auto=True,
        running=True,
        stopped_s=state.stopped_s,
        used_wh=state.used_wh,
        starts=(*state.starts, now_s),
    )


def _rest_s(state: RunState, config: Auto, now_s: float) -> float:
    today = sum(1 for at_s in state.starts if at_s > now_s - DAY_S)
    return max(config.rest_s, LONG_REST_S) if today >= config.starts_per_day_before_long_rest else config.rest_s


def _rest_left_s(state: RunState, config: Auto, now_s: float) -> float:
    if state.stopped_s is None:
        return 0.0
    return state.stopped_s + _rest_s(state, config, now_s) - now_s


def may_start(state: RunState, config: Auto, now_s: float) -> bool:
    """Whether rests and budgets allow a start now."""
    spent = sum(1 for at_s in state.starts if at_s > now_s - HOUR_S)
    return _rest_left_s(state, config, now_s) <= 0 and spent < config.max_starts_per_hour


def probing(state: RunState, now_s: float) -> RunState:
    """Run on the probe's offer; going from a stop to it is a start."""
    if state.running:
        return RunState(
            in_auto=True, running=True, stopped_s=state.stopped_s, used_wh=state.used_wh, starts=state.starts
        )
    return begin(state, now_s)
