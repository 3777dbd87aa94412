"""What people asked of a point: mode, start, current, phases, for once; it survives restarts."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from phaeton.config.tree import Initial
from phaeton.model import (
    AcceptCharger,
    Boost,
    Mode,
    PointOrder,
    SetAutoStart,
    SetCurrent,
    SetEnergyLimit,
    SetMode,
    SetPhases,
    SetPowerCap,
    SetStart,
)

_MODES = {"manual": Mode.MANUAL, "auto": Mode.AUTO, "scheduled": Mode.SCHEDULED}


class Asked(Struct, frozen=True, gc=False, kw_only=True):
    """The wishes in force."""

    mode: Mode = Mode.AUTO
    start: bool = True
    auto_start: bool = True
    current_a: float = 16.0
    phases: int = 0
    boost: bool = False
    boost_until_utc_s: float | None = None
    boost_until_kwh: float | None = None
    """The stay's energy at which the boost ends."""
    boost_until_soc_pct: float | None = None
    energy_limit_kwh: float | None = None
    power_cap_w: float | None = None


def initial(config: Initial) -> Asked:
    """What holds before anybody asked."""
    return Asked(
        mode=_MODES[config.mode], start=config.start, auto_start=config.auto_start, current_a=config.set_current_a
    )


def step(asked: Asked, order: PointOrder, session_kwh: float) -> Asked:
    """The wishes after one order; ``session_kwh`` is what the stay has taken so far."""
    match order:
        case SetMode(mode):
            return replace(asked, mode=mode)
        case SetStart(start):
            return replace(asked, start=start, boost=asked.boost and start)
        case SetCurrent(current_a):
            return replace(asked, current_a=current_a)
        case SetPhases(phases):
            return replace(asked, phases=phases)
        case SetAutoStart(auto_start):
            return replace(asked, auto_start=auto_start)
        case Boost():
            return replace(
                asked,
                boost=order.on,
                start=asked.start or order.on,
                boost_until_utc_s=order.until_utc_s,
                boost_until_kwh=None if order.energy_kwh is None else session_kwh + order.energy_kwh,
                boost_until_soc_pct=order.soc_pct,
            )
        case SetEnergyLimit(energy_kwh):
            return replace(asked, energy_limit_kwh=energy_kwh)
        case SetPowerCap(power_w):
            return replace(asked, power_cap_w=power_w)
        case AcceptCharger():
            return asked


def expire(asked: Asked, *, utc_s: float, session_kwh: float, unplugged: bool) -> Asked:
    """End what has run out: the boost at its end, and with the stay whatever was asked for the stay only."""
    if unplugged:
        start = asked.start or asked.auto_start
        if asked.boost or asked.energy_limit_kwh is not None or start != asked.start:
            return replace(asked, start=start, boost=False, energy_limit_kwh=None)
        return asked
    if asked.boost and (
        (asked.boost_until_utc_s is not None and utc_s >= asked.boost_until_utc_s)
        or (asked.boost_until_kwh is not None and session_kwh >= asked.boost_until_kwh)
    ):
        return replace(asked, boost=False)
    return asked
