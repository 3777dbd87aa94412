"""The sleeping car: current is offered and the car takes none.

A short pause and a new offer wake many cars. It is tried after 30 s, 2 min and 10 min, then the car is left alone with
its offer. A car that has taken energy and ended that itself is full, not asleep.
"""

from __future__ import annotations

from msgspec import Struct

AFTER_S = (30.0, 120.0, 600.0)
PULSE_S = 10.0
"""Long enough for the pilot to be seen going away; changes of direction closer than this are forbidden."""


class WakeState(Struct, frozen=True, gc=False):
    """How long the offer was not taken, and how often waking was tried."""

    offered_since_s: float | None = None
    attempts: int = 0
    pulse_until_s: float | None = None
    took: bool = False
    """Current flowed since the offer began."""
    charged: bool = False
    """The car itself ended a charge of this stay."""


class Wake(Struct, frozen=True, gc=False):
    """What waking asks for now."""

    pulse: bool = False
    asleep: bool = False
    charged: bool = False
    idle: bool = False
    """The offer has not been used for 30 s: others may have it."""


_NEW = WakeState()
_TAKING = WakeState(took=True)
_NOTHING = Wake()


def step(before: WakeState, now_s: float, present: bool, charging: bool, offered: bool) -> tuple[WakeState, Wake]:
    """``offered``: the car could take current now; nobody has to release the charger first."""
    if not present:
        return _NEW, _NOTHING
    if before.pulse_until_s is not None:
        if now_s < before.pulse_until_s:
            return before, Wake(pulse=True)
        return WakeState(offered_since_s=None, attempts=before.attempts), _NOTHING
    if charging:
        return _TAKING, _NOTHING
    if not offered:
        if before.offered_since_s is None and not before.took:
            asleep = before.attempts >= len(AFTER_S)
            return before, Wake(charged=before.charged, asleep=asleep) if asleep or before.charged else _NOTHING
        return WakeState(attempts=before.attempts, charged=before.charged), Wake(charged=before.charged)
    if before.took or before.charged:
        since_s = now_s if before.offered_since_s is None else before.offered_since_s
        return WakeState(offered_since_s=since_s, charged=True), Wake(charged=True, idle=now_s - since_s >= AFTER_S[0])
    since_s = now_s if before.offered_since_s is None else before.offered_since_s
    if before.attempts >= len(AFTER_S):
        return WakeState(since_s, before.attempts), Wake(asleep=True, idle=True)
    if now_s - since_s >= AFTER_S[before.attempts]:
        return WakeState(None, before.attempts + 1, now_s + PULSE_S), Wake(pulse=True)
    return WakeState(since_s, before.attempts), Wake(idle=now_s - since_s >= AFTER_S[0] or before.attempts > 0)
