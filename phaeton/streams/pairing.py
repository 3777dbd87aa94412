"""Own power at the moment of the site's sample: the site shows a change of the car later than the charger does.

Until that delay is measured every moment of the last 12 s counts as possible: what may be raised is reckoned with
the least own power of them, what must be lowered with the most. That cannot swing for delays up to 10 s. The delay is
measured from own steps above 500 W: the time from the charger showing the step until the grid shows half of it.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

WINDOW_S = 12.0
STEP_W = 500.0
SLACK_S = 1.5
"""Kept on both sides of a measured delay."""
_KEPT_MEASUREMENTS = 5
_AGREE_S = 2.0


class PairingState(Struct, frozen=True, gc=False):
    """Own power over the last seconds and the steps that are being timed."""

    history: tuple[tuple[float, float], ...] = ()
    """(mono_s, own W), each valid until the next; the first may lie before the window."""
    measured_s: tuple[float, ...] = ()
    """The last measured delays."""
    timing_since_s: float | None = None
    timing_ev_w: float = 0.0
    """Own power before the step that is being timed."""
    timing_grid_w: float = 0.0
    last_grid_w: float | None = None


class Paired(Struct, frozen=True, gc=False):
    """The least and the most that the own power may have been when the site was sampled, in W."""

    least_w: float
    most_w: float


def delay_s(state: PairingState) -> float | None:
    """The site's delay, once the last three measurements agree within 2 s."""
    if len(state.measured_s) < 3:
        return None
    last = sorted(state.measured_s[-3:])
    return last[1] if last[2] - last[0] <= _AGREE_S else None


def note(state: PairingState, now_s: float, ev_w: float) -> PairingState:
    """Remember the own power; values that did not change take no room."""
    history = state.history
    if history:
        if history[-1][1] == ev_w:
            if len(history) == 1 or history[1][0] > now_s - WINDOW_S - 2 * SLACK_S:
                return state
        elif history[-1][0] == now_s:
            history = (*history[:-1], (now_s, ev_w))
        else:
            history = (*history, (now_s, ev_w))
    else:
        history = ((now_s, ev_w),)
    first = now_s - WINDOW_S - 2 * SLACK_S
    while len(history) > 1 and history[1][0] <= first:
        history = history[1:]
    return replace(state, history=history)


def pair(state: PairingState, sample_s: float, window_s: float = WINDOW_S) -> Paired:
    """The own power that may stand behind a site sample taken at ``sample_s``; delays up to ``window_s`` count."""
    history = state.history
    if len(history) == 1:
        return Paired(history[0][1], history[0][1])
    delay = delay_s(state)
    if delay is None:
        start, end = sample_s - window_s, sample_s + SLACK_S
    else:
        start, end = sample_s - delay - SLACK_S, sample_s - delay + SLACK_S
    least = most = None
    for index, (at_s, ev_w) in enumerate(history):
        until_s = history[index + 1][0] if index + 1 < len(history) else 1e18
        if until_s <= start or (at_s > end and least is not None):
            continue
        least = ev_w if least is None or ev_w < least else least
        most = ev_w if most is None or ev_w > most else most
    return Paired(least or 0.0, most or 0.0)


def time_steps(state: PairingState, now_s: float, ev_w: float, grid_w: float | None) -> PairingState:
    """Measure the delay: watch own steps arrive in the grid power; ``now_s`` is the time of the site's sample."""
    if grid_w is None:
        return state if state.timing_since_s is None else replace(state, timing_since_s=None, last_grid_w=None)
    last_grid_w = state.last_grid_w
    if last_grid_w is None:
        return replace(state, last_grid_w=grid_w)
    if state.timing_since_s is None:
        if len(state.history) == 1:
            return replace(state, last_grid_w=grid_w) if grid_w != last_grid_w else state
        recent = [w for at_s, w in state.history if at_s >= now_s - 2.5]
        before = [w for at_s, w in state.history if at_s < now_s - 2.5]
        if recent and before and abs(ev_w - before[-1]) > STEP_W:
            first_s = next(
                at_s for at_s, w in state.history if abs(w - before[-1]) > STEP_W / 2 and at_s >= now_s - 2.5
            )
            return replace(
                state,
                timing_since_s=first_s,
                timing_ev_w=before[-1],
                timing_grid_w=last_grid_w,
            )
        return replace(state, last_grid_w=grid_w) if grid_w != last_grid_w else state
    step_w = ev_w - state.timing_ev_w
    waited_s = now_s - state.timing_since_s
    if waited_s > WINDOW_S or abs(step_w) <= STEP_W:
        return replace(state, timing_since_s=None, last_grid_w=grid_w)
    moved_w = grid_w - state.timing_grid_w
    if (moved_w > 0) == (step_w > 0) and abs(step_w) / 2 <= abs(moved_w) <= 1.5 * abs(step_w):
        measured = (*state.measured_s, round(max(waited_s, 0.0), 1))[-_KEPT_MEASUREMENTS:]
        return replace(state, timing_since_s=None, last_grid_w=grid_w, measured_s=measured)
    return state
