"""The reasons of a decision beyond its mode: what shaped the setpoint, what stands in the way, who interferes."""

from __future__ import annotations

from phaeton.model import ChargerState, Reason, Why
from phaeton.streams.intent import FAST, SUN, ZERO, Look
from phaeton.streams.lease import LeaseState
from phaeton.streams.limits import Cap
from phaeton.streams.share import Shared

_AWAITING_AUTH = ChargerState.AWAITING_AUTH


def explain(
    reasons: list[Reason],
    seen: Look,
    shared: Shared,
    setpoint_a: float,
    paced: Reason | None,
    switching: Reason | None,
    cap: Cap,
    lease_state: LeaseState,
    fighting: bool,
) -> None:
    """Add what shaped the setpoint after the mode had spoken."""
    view, aim = seen.view, seen.intent.aim
    if view.known and not view.reachable:
        reasons.insert(0, Reason(Why.UNREACHABLE, view.age_s))
    if switching is not None:
        reasons.append(switching)
    if paced is not None and aim is not ZERO:
        reasons.append(paced)
    if setpoint_a == 0.0 and aim is not ZERO:
        least_a = min(cap.now_a, seen.intent.current_a) if aim is FAST else cap.now_a
        if 0.0 < least_a < seen.min_a:
            reasons.append(Reason(Why.BELOW_MINIMUM, least_a, seen.min_a))
    if aim is SUN:
        reasons += shared.notes
        if shared.offer is not None and shared.offer.shared:
            reasons.append(Reason(Why.SHARED, shared.offer.lower_w))
    if view.phases is not None and seen.running and view.phases != seen.memory.phases.phases:
        reasons.append(Reason(Why.PHASES_MEASURED, float(view.phases), float(seen.memory.phases.phases)))
    _of_the_car(reasons, seen, setpoint_a)
    _of_the_charger(reasons, seen, lease_state, fighting)


def _of_the_charger(reasons: list[Reason], seen: Look, lease_state: LeaseState, fighting: bool) -> None:
    identity, reading = seen.identity, seen.reading
    if identity is not None and identity.read_only:
        return  # said already; and nothing was written that could have been refused
    if identity is not None and identity.stranger:
        reasons.append(Reason(Why.READ_ONLY, text=identity.warning))
    elif lease_state.refused:
        reasons.append(Reason(Why.NOT_TAKEN, text=lease_state.refused))
    elif reading is not None and reading.limit_used is False:
        reasons.append(Reason(Why.WRITES_IGNORED))
    elif lease_state.ignored:
        reasons.append(Reason(Why.WRITES_IGNORED, lease_state.sent_a, reading.limit_set_a if reading else None))
    if lease_state.foreign_count and lease_state.foreign_a is not None:
        every_s = lease_state.foreign_every_s
        text = "fighting" if fighting else ""
        reasons.append(
            Reason(Why.FOREIGN_WRITER, lease_state.foreign_a, float(lease_state.foreign_count), every_s, text)
        )


def _of_the_car(reasons: list[Reason], seen: Look, setpoint_a: float) -> None:
    wake = seen.wake
    if wake.pulse:
        reasons.append(Reason(Why.WAKING, float(seen.memory.wake.attempts)))
    elif wake.asleep:
        reasons.append(Reason(Why.ASLEEP, float(seen.memory.wake.attempts)))
    elif wake.charged and setpoint_a > 0:
        reasons.append(Reason(Why.CHARGED))
    if seen.view.state is _AWAITING_AUTH:
        reasons.append(Reason(Why.AWAITING_AUTH))
