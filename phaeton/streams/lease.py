"""The setpoint at the charger: what to write when, whether it was taken, and who else writes.

The charger keeps a setpoint for its validity time and falls to its safe current then. The lease is renewed at half of
the remaining time, at the latest every 25 s. Modbus does not tell who writes, so a foreign writer is reported by the
value and the rhythm; after three rewrites in a row only stops and reductions are repeated.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from phaeton.model import ChargerReading, ChargerWrite, Lease, WriteOutcome, WriteResult

RENEW_AT_LATEST_S = 25.0
TOLERANCE_A = 0.11
"""A read-back this close counts as taken (setpoints have steps of 0.1 A)."""
VERIFY_S = 5.0
RETRY_S = 2.0
"""A write whose fate is not known after so long is repeated."""
FAILED_RETRY_S = 1.0
FIGHT_AFTER = 3
REPEAT_S = 10.0
PEACE_S = 120.0
"""A lease that stood unchanged for so long ends the report of a foreign writer."""


class LeaseState(Struct, frozen=True, gc=False, kw_only=True):
    """The last write, its fate, and what was read since."""

    sent_a: float | None = None
    sent_s: float | None = None
    pending: bool = False
    """A write is on its way."""
    written_s: float | None = None
    """When the charger last acknowledged the setpoint in force."""
    verified: bool = False
    """The setpoint was read back since it was written."""
    validity_s: float | None = None
    mismatch_since_s: float | None = None
    rewrites: int = 0
    """Rewrites in a row because another value was read back."""
    foreign_a: float | None = None
    foreign_s: float | None = None
    foreign_every_s: float | None = None
    foreign_count: int = 0
    calm_since_s: float | None = None
    ignored: bool = False
    """Written and acknowledged, but never read back: the charger does not take it."""
    refused: str = ""


def outcome(state: LeaseState, event: WriteOutcome, now_s: float) -> LeaseState:
    """Take in what became of a write of the setpoint."""
    if event.current_a is None or state.sent_a is None:
        return state
    if event.current_a != state.sent_a:
        return state
    if event.result is WriteResult.WRITTEN:
        return replace(state, pending=False, written_s=now_s, refused="")
    refused = (event.detail or "refused") if event.result is WriteResult.REFUSED else state.refused
    return replace(state, pending=False, written_s=None, refused=refused)


def read(state: LeaseState, reading: ChargerReading) -> LeaseState:
    """Look at a reading for the first time: validity, verification, foreign values."""
    now_s = reading.mono_s
    remaining_s, there_a = reading.limit_remaining_s, reading.limit_set_a
    if remaining_s is not None and (state.validity_s is None or remaining_s > state.validity_s):
        state = replace(state, validity_s=remaining_s)
    if state.written_s is None or there_a is None or now_s < state.written_s or state.sent_a is None:
        return state
    if remaining_s is not None and remaining_s <= 0:
        return state
    if abs(there_a - state.sent_a) > TOLERANCE_A:
        return _mismatch(state, there_a, now_s)
    calm_since_s = now_s if state.calm_since_s is None else state.calm_since_s
    if state.foreign_count and now_s - calm_since_s >= PEACE_S:
        state = replace(state, rewrites=0, foreign_a=None, foreign_s=None, foreign_every_s=None, foreign_count=0)
    elif state.verified and state.calm_since_s is not None and state.mismatch_since_s is None and not state.ignored:
        return state
    return replace(state, verified=True, mismatch_since_s=None, calm_since_s=calm_since_s, ignored=False)


def _mismatch(state: LeaseState, there_a: float, now_s: float) -> LeaseState:
    since_s = now_s if state.mismatch_since_s is None else state.mismatch_since_s
    if state.verified and state.mismatch_since_s is None:
        every_s = None if state.foreign_s is None else round(now_s - state.foreign_s, 1)
        return replace(
            state,
            mismatch_since_s=since_s,
            foreign_a=there_a,
            foreign_s=now_s,
            foreign_every_s=every_s,
            foreign_count=state.foreign_count + 1,
            calm_since_s=None,
        )
    if not state.verified and now_s - since_s >= VERIFY_S:
        return replace(state, mismatch_since_s=since_s, ignored=True, calm_since_s=None)
    return replace(state, mismatch_since_s=since_s, calm_since_s=None)


def fighting(state: LeaseState) -> bool:
    """Somebody else keeps writing, or the charger ignores us: do not raise, and repeat only what lowers."""
    return state.rewrites >= FIGHT_AFTER


def due(
    before: LeaseState, setpoint_a: float, reading: ChargerReading, now_s: float, reachable: bool
) -> tuple[LeaseState, ChargerWrite | None]:
    """Whether the setpoint must be written in this step."""
    if not reachable:
        return before, None
    changed = before.sent_a is None or setpoint_a != before.sent_a
    there_a = reading.limit_set_a
    live = reading.limit_remaining_s is None or reading.limit_remaining_s > 0
    foreign = before.mismatch_since_s is not None
    rewrite = False
    if changed:
        lowers = there_a is None or not live or setpoint_a < there_a
        if fighting(before) and not lowers and foreign:
            return before, None
    elif before.pending and before.sent_s is not None and now_s - before.sent_s < RETRY_S:
        return before, None
    elif before.written_s is None:
        pause_s = REPEAT_S if before.refused else FAILED_RETRY_S
        if before.sent_s is not None and now_s - before.sent_s < pause_s:
            return before, None
    elif foreign:
        if not _may_rewrite(before, setpoint_a, there_a, now_s):
            return before, None
        rewrite = True
    elif not _renewal(before, reading, now_s):
        return before, None
    state = replace(
        before,
        sent_a=setpoint_a,
        sent_s=now_s,
        pending=True,
        verified=before.verified and not changed and not rewrite,
        mismatch_since_s=None,
        written_s=None if changed else before.written_s,
        rewrites=before.rewrites + 1 if rewrite else before.rewrites,
        calm_since_s=None if changed or rewrite else before.calm_since_s,
    )
    return state, ChargerWrite(current_a=setpoint_a)


def _may_rewrite(state: LeaseState, setpoint_a: float, there_a: float | None, now_s: float) -> bool:
    """A foreign value stands: rewrite after 5 s, three times in a row; then only what lowers, every 10 s."""
    since_s = now_s if state.mismatch_since_s is None else state.mismatch_since_s
    if now_s - since_s < VERIFY_S and not state.verified:
        return False
    if not fighting(state):
        return True
    lowers = there_a is not None and setpoint_a < there_a - TOLERANCE_A
    return lowers and (state.sent_s is None or now_s - state.sent_s >= REPEAT_S)


def _renewal(state: LeaseState, reading: ChargerReading, now_s: float) -> bool:
    since_s = 1e9 if state.sent_s is None else now_s - state.sent_s
    if since_s >= RENEW_AT_LATEST_S:
        return True
    remaining_s, validity_s, read_s = reading.limit_remaining_s, state.validity_s, reading.mono_s
    if remaining_s is None or validity_s is None or read_s < (state.sent_s or 0.0):
        return False
    return remaining_s - (now_s - read_s) < validity_s / 2 and since_s >= 1.0


def shown(state: LeaseState, setpoint_a: float, reading: ChargerReading, now_s: float) -> Lease:
    """The lease for the page: asked, accepted, applied, and what comes without us."""
    remaining_s = reading.limit_remaining_s
    if remaining_s is not None:
        if now_s > reading.mono_s:
            remaining_s -= now_s - reading.mono_s
        remaining_s = max(remaining_s, 0.0)
    return Lease(
        setpoint_a,
        reading.limit_set_a if remaining_s is None or remaining_s > 0 else None,
        reading.limit_actual_a,
        reading.limit_safe_a,
        remaining_s,
        state.validity_s,
        state.foreign_a,
        state.foreign_every_s,
        state.foreign_count,
    )
