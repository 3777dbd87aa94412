"""How fast the setpoint moves: rounding, settling, the pace of raises and their budget.

Lowering, stopping and limits are never held back. Raises cost a token; one comes back each minute, ten are saved.
"""

from __future__ import annotations

from math import floor

from msgspec import Struct

from phaeton.config.tree import Auto
from phaeton.model import Reason, Why
from phaeton.streams.limits import Cap

TOKENS = 10.0
TOKEN_EVERY_S = 60.0
SETTLED_A = 0.5
SETTLED_S = 3.0


class PaceState(Struct, frozen=True, gc=False):
    """The setpoint and its recent moves."""

    setpoint_a: float = 0.0
    changed_s: float | None = None
    raised_s: float | None = None
    tokens: float = TOKENS
    tokens_s: float = 0.0
    settled_since_s: float | None = None
    short_since_s: float | None = None
    """The sun gives less than the setpoint since then."""


class Wish(Struct, frozen=True, gc=False):
    """What the mode wants (A): one current, or for the sun one to raise to and one to lower to."""

    raise_a: float
    lower_a: float
    solar: bool = False
    floor: bool = False
    """Never below the minimum, whatever ``lower_a`` says."""
    deficit_w: float = 0.0
    """What the car draws beyond what the sun gives."""
    reason: Reason = Reason(Why.MANUAL)


NOTHING = Wish(0.0, 0.0)


def rounded(current_a: float, step_a: float) -> float:
    """Down to the charger's step."""
    return round(floor(current_a / step_a + 1e-6) * step_a, 3)


def tenths(value: float) -> float:
    """To one decimal (``round`` takes ten times as long)."""
    return floor(value * 10.0 + 0.5) / 10.0


def adopt(state: PaceState, setpoint_a: float, now_s: float) -> PaceState:
    """Go on from a setpoint that is live at the charger."""
    return PaceState(setpoint_a=setpoint_a, changed_s=now_s, tokens=state.tokens, tokens_s=now_s)


def step(
    before: PaceState,
    config: Auto,
    wish: Wish,
    cap: Cap,
    now_s: float,
    min_a: float,
    step_a: float,
    current_a: float,
    hold_raises: bool,
) -> tuple[PaceState, float, Reason | None]:
    """The setpoint (A) for this step, and what keeps it from the wish."""
    was_a, tokens = before.setpoint_a, before.tokens
    if was_a == 0.0 == wish.raise_a and _rests(before, wish, min_a, current_a):
        return before, 0.0, None
    if tokens < TOKENS:
        tokens = min(tokens + max(now_s - before.tokens_s, 0.0) / TOKEN_EVERY_S, TOKENS)
    settled_since_s = None
    if -SETTLED_A <= current_a - was_a <= SETTLED_A:
        settled_since_s = now_s if before.settled_since_s is None else before.settled_since_s
    short_since_s, now_a, reason = _aim(before, config, wish, cap, now_s, min_a, settled_since_s)
    if reason is None and now_a < wish.raise_a and cap.now_a < wish.raise_a:
        reason = cap.reason
    if now_a != was_a:
        now_a = rounded(now_a, step_a)
    if now_a < min_a:
        now_a = 0.0
    if now_a > was_a:
        if hold_raises:
            now_a, reason = was_a, None
        elif tokens < 1.0:
            now_a, reason = was_a, Reason(Why.RAISE_BUDGET, left_s=(1.0 - tokens) * TOKEN_EVERY_S)
        else:
            tokens -= 1.0
    if now_a == was_a:
        changed_s, raised_s = before.changed_s, before.raised_s
    else:
        changed_s, raised_s = now_s, now_s if now_a > was_a else before.raised_s
        settled_since_s = None
    return PaceState(now_a, changed_s, raised_s, tokens, now_s, settled_since_s, short_since_s), now_a, reason


def _rests(before: PaceState, wish: Wish, min_a: float, current_a: float) -> bool:
    """Nothing flows and nothing is wanted, with all tokens saved: there is nothing to reckon."""
    return (
        before.tokens == TOKENS
        and before.settled_since_s is not None
        and before.short_since_s is None
        and current_a <= SETTLED_A
        and wish.lower_a == 0.0 < min_a
        and not wish.floor
    )


def _aim(
    before: PaceState,
    config: Auto,
    wish: Wish,
    cap: Cap,
    now_s: float,
    min_a: float,
    settled_since_s: float | None,
) -> tuple[float | None, float, Reason | None]:
    """Where the setpoint should be: since when the sun is short, the current in A, and what holds it."""
    was_a = before.setpoint_a
    raise_a = wish.raise_a if wish.raise_a <= cap.raise_a else cap.raise_a
    lower_a = wish.lower_a if wish.lower_a <= cap.now_a else cap.now_a
    if wish.floor and cap.now_a >= min_a:
        raise_a, lower_a = max(raise_a, min(min_a, cap.raise_a)), max(lower_a, min_a)
    if lower_a < min_a:
        return None, 0.0, cap.reason if wish.lower_a >= min_a or wish.floor else None
    if was_a == 0.0:
        now_a, reason = _begin(raise_a, min_a, cap, wish)
        return None, now_a, reason
    if wish.solar:
        return _follow(before, config, wish, cap, raise_a, lower_a, now_s, settled_since_s)
    return None, (lower_a if lower_a < was_a else max(was_a, raise_a)), None


def _begin(raise_a: float, min_a: float, cap: Cap, wish: Wish) -> tuple[float, Reason | None]:
    """From 0: the sun begins at the minimum, everything else at what it wants."""
    if raise_a < min_a:
        return 0.0, cap.reason
    return (min_a if wish.solar else raise_a), None


def _follow(
    before: PaceState,
    config: Auto,
    wish: Wish,
    cap: Cap,
    raise_a: float,
    lower_a: float,
    now_s: float,
    settled_since_s: float | None,
) -> tuple[float | None, float, Reason | None]:
    """Follow the sun: raise by steps once the car has settled, lower at once only for a deficit or a limit."""
    was_a = before.setpoint_a
    since_change_s = 1e9 if before.changed_s is None else now_s - before.changed_s
    if cap.now_a < was_a:
        return None, min(cap.now_a, max(lower_a, 0.0)), cap.reason
    if lower_a < was_a - 0.05:
        short_since_s = now_s if before.short_since_s is None else before.short_since_s
        urgent = wish.deficit_w > config.deficit_w
        patient = now_s - short_since_s >= config.lower_after_s and since_change_s >= config.lower_after_s
        return (None, lower_a, None) if urgent or patient else (short_since_s, was_a, None)
    if raise_a < was_a + config.raise_step_a:
        return None, was_a, None
    settled = settled_since_s is not None and now_s - settled_since_s >= SETTLED_S
    if not settled and since_change_s < config.settle_s:
        return None, was_a, Reason(Why.SETTLING, was_a, raise_a, config.settle_s - since_change_s)
    wait_s = max(config.raise_interval_s, 10.0) - since_change_s
    if wait_s > 0:
        return None, was_a, Reason(Why.RAISE_PACE, was_a, raise_a, wait_s)
    return None, raise_a, None
