"""One phase or three: when auto switches, and the sequence that keeps contactors and cars whole.

The sequence: 0 A, wait until less than 1 A flows and the pause is over, write, let it settle, go on. What the charger
says of its phases is not trusted; the measured currents are. A refused write ends switching, with words, until a
person chooses the phases.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from phaeton.config.tree import PhaseSwitching
from phaeton.model import Reason, Why, WriteOutcome, WriteResult
from phaeton.streams.run import DAY_S, HOUR_S
from phaeton.streams.view import FLOWING_A, View

COMMAND_GAP_S = 60.0
"""Between two switches that people or an entry into a mode ask for."""
DRAIN_S = 15.0
"""The current must be gone so long after the pause, or the sequence is given up."""
WRITE_S = 30.0
VERIFY_S = 60.0
REWRITE_S = 3.0


class Stage(StrEnum):
    """Where the sequence is."""

    IDLE = "idle"
    PAUSING = "pausing"
    WRITING = "writing"
    SETTLING = "settling"


_IDLE = Stage.IDLE


class PhaseState(Struct, frozen=True, gc=False, kw_only=True):
    """The phases in force and the switch that may be under way."""

    phases: int = 3
    """What the charger was told last, or is believed to use."""
    known: bool = False
    stage: Stage = Stage.IDLE
    target: int = 3
    automatic: bool = False
    since_s: float = 0.0
    written_s: float | None = None
    zero_since_s: float | None = None
    up_since_s: float | None = None
    down_since_s: float | None = None
    last_s: float | None = None
    switches: tuple[float, ...] = ()
    """Automatic switches of the last day."""
    refused: str = ""
    verify_since_s: float | None = None
    failed: int = 0
    """Switches to one phase that the currents contradicted."""


class Switch(Struct, frozen=True, gc=False):
    """What the phases ask for in this step."""

    phases: int
    """The phases to count with while no current is measured."""
    zero: bool = False
    """The setpoint must be 0 for the sequence."""
    write: int | None = None
    to: int | None = None
    """The sequence under way leads to this."""
    reason: Reason | None = None


class Wanted(Struct, frozen=True, gc=False):
    """What the mode wants: a fixed count, or auto's choice by surplus."""

    fixed: int | None = None
    surplus_w: float = 0.0
    min_w: float = 1380.0
    """Power of one phase at the minimum current."""
    running: bool = False
    free: bool = False
    """Before the first start of this stay: choosing costs nothing."""
    ready: bool = False
    """Auto waits only for the phases: choose now."""


def ordered(state: PhaseState) -> PhaseState:
    """A person chooses the phases: what was refused before is tried once more, the installer may have enabled it."""
    return replace(state, refused="", failed=0) if state.refused else state


def outcome(state: PhaseState, event: WriteOutcome, now_s: float) -> PhaseState:
    """Take in what became of a write."""
    if event.phases is None or state.stage is not Stage.WRITING or event.phases != state.target:
        return state
    if event.result is WriteResult.WRITTEN:
        switches = (*state.switches, now_s) if state.automatic else state.switches
        return replace(
            state,
            stage=Stage.SETTLING,
            since_s=now_s,
            phases=state.target,
            last_s=now_s,
            switches=switches,
            verify_since_s=None,
            up_since_s=None,
            down_since_s=None,
        )
    if event.result is WriteResult.REFUSED:
        why = event.detail or "the charger refuses to switch phases"
        return replace(state, stage=Stage.IDLE, refused=why, last_s=now_s)
    return state


def step(
    before: PhaseState,
    config: PhaseSwitching,
    view: View,
    wanted: Wanted,
    now_s: float,
    setpoint_a: float,
    can_switch: bool,
    max_phases: int,
    set_phases: int | None,
    settle_s: float,
) -> tuple[PhaseState, Switch]:
    """One step of the phases; ``setpoint_a`` is the last setpoint, ``set_phases`` what the register says."""
    state = before
    if not state.known and view.known:
        start = set_phases if set_phases in (1, 3) and can_switch else max_phases
        state = replace(state, known=True, phases=min(start, max_phases), target=min(start, max_phases))
        return state, Switch(state.phases)  # what is wanted was still reckoned without knowing this
    if (setpoint_a == 0.0) is (state.zero_since_s is None):
        state = replace(state, zero_since_s=now_s if setpoint_a == 0.0 else None)
    if not can_switch or max_phases == 1 or state.refused:
        reason = Reason(Why.PHASES_REFUSED, text=state.refused) if state.refused else None
        return state, Switch(min(state.phases, max_phases), reason=reason)
    if not view.plugged:
        if state.stage is not _IDLE or state.up_since_s is not None or state.down_since_s is not None:
            state = replace(state, stage=Stage.IDLE, up_since_s=None, down_since_s=None, verify_since_s=None, failed=0)
        return state, Switch(state.phases)
    if state.stage is not _IDLE:
        return _sequence(state, config, view, now_s, settle_s)
    state, target, automatic, reason = _choose(state, config, wanted, now_s)
    if view.phases is not None and state.last_s is not None:
        state, retry = _verify(state, view.phases, state.last_s, now_s)
        if retry:
            target, automatic = 1, False
    if target is None:
        return state, Switch(state.phases, reason=reason)
    state = replace(state, stage=Stage.PAUSING, target=target, automatic=automatic, since_s=now_s, written_s=None)
    return _sequence(state, config, view, now_s, settle_s)


def _sequence(
    state: PhaseState, config: PhaseSwitching, view: View, now_s: float, settle_s: float
) -> tuple[PhaseState, Switch]:
    left_s: float | None = None
    if state.stage is Stage.PAUSING:
        zero_s = now_s - state.zero_since_s if state.zero_since_s is not None else 0.0
        flowing = view.current_a >= FLOWING_A
        if zero_s >= config.pause_s and not flowing and view.reachable:
            state = replace(state, stage=Stage.WRITING, since_s=now_s)
        elif zero_s >= config.pause_s + DRAIN_S or now_s - state.since_s > config.pause_s + 4 * DRAIN_S:
            state = replace(state, stage=Stage.IDLE, last_s=now_s)
            return state, Switch(state.phases, reason=Reason(Why.PHASE_WAIT, text="the current did not stop"))
        else:
            left_s = config.pause_s - zero_s
    write = None
    if state.stage is Stage.WRITING:
        if now_s - state.since_s > WRITE_S:
            state = replace(state, stage=Stage.IDLE, last_s=now_s)
            return state, Switch(state.phases, reason=Reason(Why.PHASE_WAIT, text="the charger did not answer"))
        if state.written_s is None or now_s - state.written_s >= REWRITE_S:
            write = state.target
            state = replace(state, written_s=now_s)
    if state.stage is Stage.SETTLING:
        left_s = state.since_s + settle_s - now_s
        if left_s <= 0:
            state = replace(state, stage=Stage.IDLE)
            return state, Switch(state.phases)
    reason = Reason(Why.PHASE_SEQUENCE, float(state.target), left_s=left_s)
    return state, Switch(state.phases, zero=True, write=write, to=state.target, reason=reason)


def _choose(
    state: PhaseState, config: PhaseSwitching, wanted: Wanted, now_s: float
) -> tuple[PhaseState, int | None, bool, Reason | None]:
    """The phases to switch to now, if any, and whether auto chose that by itself."""
    since_last_s = 1e18 if state.last_s is None else now_s - state.last_s
    if wanted.fixed is not None:
        if state.up_since_s is not None or state.down_since_s is not None:
            state = replace(state, up_since_s=None, down_since_s=None)
        if wanted.fixed == state.phases:
            return state, None, False, None
        if since_last_s < COMMAND_GAP_S:
            return state, None, False, Reason(Why.PHASE_WAIT, wanted.fixed, left_s=COMMAND_GAP_S - since_last_s)
        return state, wanted.fixed, False, None
    three_w = 3 * wanted.min_w
    enough = wanted.surplus_w >= three_w + config.up_margin_w
    if wanted.free:
        best = 3 if enough else 1
        if wanted.ready and best != state.phases and since_last_s >= COMMAND_GAP_S:
            return state, best, False, None
        return state, None, False, None
    return _automatic(state, config, wanted, now_s, since_last_s, enough, three_w)


def _automatic(
    state: PhaseState,
    config: PhaseSwitching,
    wanted: Wanted,
    now_s: float,
    since_last_s: float,
    enough: bool,
    three_w: float,
) -> tuple[PhaseState, int | None, bool, Reason | None]:
    up = state.phases == 1 and enough
    down = state.phases == 3 and wanted.min_w <= wanted.surplus_w < three_w
    up_since_s = (now_s if state.up_since_s is None else state.up_since_s) if up else None
    down_since_s = (now_s if state.down_since_s is None else state.down_since_s) if down else None
    if up_since_s != state.up_since_s or down_since_s != state.down_since_s:
        state = replace(state, up_since_s=up_since_s, down_since_s=down_since_s)
    if up_since_s is None and down_since_s is None:
        return state, None, False, None
    target = 3 if up else 1
    if up_since_s is not None:
        left_s = up_since_s + config.up_delay_s - now_s
    elif down_since_s is not None:
        left_s = down_since_s + config.down_delay_s - now_s
    left_s = max(left_s, config.min_gap_s - since_last_s)
    hour = [at_s for at_s in state.switches if at_s > now_s - HOUR_S]
    day = [at_s for at_s in state.switches if at_s > now_s - DAY_S]
    if len(day) != len(state.switches):
        state = replace(state, switches=tuple(day))
    if len(hour) >= config.max_per_hour:
        left_s = max(left_s, hour[-config.max_per_hour] + HOUR_S - now_s) if config.max_per_hour else 1e9
    if len(day) >= config.max_per_day:
        left_s = max(left_s, day[-config.max_per_day] + DAY_S - now_s) if config.max_per_day else 1e9
    if left_s > 0:
        return state, None, False, Reason(Why.PHASE_WAIT, float(target), left_s=left_s)
    return state, target, True, None


def _verify(state: PhaseState, carrying: int, last_s: float, now_s: float) -> tuple[PhaseState, bool]:
    """After a switch to one phase: more than one that carries current is a failure; try once more, then believe it."""
    if state.phases == 1 and carrying > 1:
        since_s = now_s if state.verify_since_s is None else state.verify_since_s
        if now_s - since_s < 10.0:
            return replace(state, verify_since_s=since_s), False
        if state.failed == 0 and now_s - last_s >= COMMAND_GAP_S:
            return replace(state, failed=1, verify_since_s=None), True
        if state.failed > 0 and now_s - last_s >= VERIFY_S:
            why = f"one phase was asked for, {carrying} carry current"
            return replace(state, phases=3, refused=why, verify_since_s=None), False
        return state, False
    if state.verify_since_s is not None or (state.failed and carrying == 1):
        return replace(state, verify_since_s=None, failed=0), False
    return state, False
