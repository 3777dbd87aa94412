"""What one charging point remembers: one entry for each room."""

from __future__ import annotations

from msgspec import Struct

from phaeton.streams.asked import Asked
from phaeton.streams.curtailed import RESET, CurtailedState
from phaeton.streams.lease import LeaseState
from phaeton.streams.limits import LimitState
from phaeton.streams.outlook import OutlookState
from phaeton.streams.pace import PaceState
from phaeton.streams.phases import PhaseState
from phaeton.streams.run import RunState
from phaeton.streams.session import SessionState
from phaeton.streams.view import ViewState
from phaeton.streams.wake import WakeState


class PointMemory(Struct, frozen=True, gc=False, kw_only=True):
    """All that a point remembers, one entry for each room."""

    asked: Asked
    view: ViewState = ViewState()
    run: RunState = RunState()
    curtailed: CurtailedState = RESET
    phases: PhaseState = PhaseState()
    wake: WakeState = WakeState()
    limit: LimitState = LimitState()
    pace: PaceState = PaceState()
    lease: LeaseState = LeaseState()
    session: SessionState = SessionState()
    plugged_s: float = 0.0
    adopted: bool = False
    """A setpoint that was live at the charger when Phaeton began has been looked at."""
    auto_began: bool = False
    """Auto has started in this stay: choosing the phases is no longer free."""
    outlook: OutlookState | None = None
    """Of the car, the prices and the plan; None where none of them counts."""


def session_kwh(memory: PointMemory) -> float:
    """What the running stay has taken (kWh)."""
    stay = memory.session.session
    return stay.energy_kwh if memory.session.open and stay is not None else 0.0
