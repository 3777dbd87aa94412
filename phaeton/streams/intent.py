"""What a point wants in principle: nothing, as much as asked, or what the sun gives.

The order of a decision: stop, fault, limits of energy and charge, off-grid, for once, the car's minimum, window, plan,
price, low SoC, auto.
"""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct
from msgspec.structs import replace

from phaeton.config.points import Point
from phaeton.config.tree import Config
from phaeton.model import ChargerIdentity, ChargerReading, ChargerState, Mode, PointSituation, Reason, Why, Zone
from phaeton.streams import asked as asking
from phaeton.streams import limits, wake, windows
from phaeton.streams import view as viewing
from phaeton.streams.memory import PointMemory, session_kwh
from phaeton.streams.outlook import NOTHING, Outlook
from phaeton.streams.phases import Stage
from phaeton.streams.site import SiteView
from phaeton.streams.view import View
from phaeton.streams.wake import Wake


class Aim(IntEnum):
    """What the mode wants in principle."""

    ZERO = 0
    FAST = 1
    SUN = 2


ZERO, FAST, SUN = Aim
_IDLE = Stage.IDLE
_MANUAL, _SCHEDULED = Mode.MANUAL, Mode.SCHEDULED
_AWAITING_AUTH = ChargerState.AWAITING_AUTH
_UNAVAILABLE = ChargerState.UNAVAILABLE
_WAIT_SUN = Reason(Why.WAIT_SUN)
_NO_CAR = Reason(Why.NO_CAR)
_NOT_CONFIRMED = Reason(Why.READ_ONLY, text="its profile is not confirmed yet")


class Intent(Struct, frozen=True, gc=False):
    """The mode's answer before sun, limits and phases."""

    aim: Aim
    reason: Reason
    current_a: float = 0.0
    notes: tuple[Reason, ...] = ()
    solar_share_pct: float | None = None
    """Share of the minimum that the sun must give, where it is not auto's."""


class Look(Struct, frozen=True, gc=False):
    """The first half of a step: what is there and what is wanted."""

    point: Point
    reading: ChargerReading | None
    identity: ChargerIdentity | None
    memory: PointMemory
    view: View
    intent: Intent
    wake: Wake
    min_a: float
    min_w: float
    """Power at the minimum current on the phases to count with."""
    phases: int
    """Phases to count with."""
    can_switch: bool
    away: bool
    """The charger did not answer the last time, or for long: what it draws cannot be changed now."""
    outlook: Outlook

    @property
    def running(self) -> bool:
        """Whether current was asked for in the last step."""
        return self.memory.pace.setpoint_a > 0


def look(known: PointSituation, memory: PointMemory, now_s: float, utc_s: float) -> tuple[PointMemory, View]:
    """Make sense of the newest reading and let expire what has run out."""
    view_state, view = viewing.step(memory.view, known.reading, now_s, memory.pace.setpoint_a)
    asked = memory.asked
    if asked.boost or view.unplugged_now:
        asked = asking.expire(asked, utc_s=utc_s, session_kwh=session_kwh(memory), unplugged=view.unplugged_now)
    if view.plugged_now:
        return replace(memory, view=view_state, asked=asked, plugged_s=now_s, auto_began=False), view
    if view_state is memory.view and asked is memory.asked:
        return memory, view
    return replace(memory, view=view_state, asked=asked), view


def intend(
    point: Point,
    known: PointSituation,
    memory: PointMemory,
    view: View,
    site: SiteView,
    config: Config,
    zone: Zone,
    now_s: float,
    utc_s: float,
    outlook: Outlook,
) -> Look:
    """The first half: what the point wants, before the site shares out."""
    setpoint_a = memory.pace.setpoint_a
    offered = setpoint_a > 0 and view.reachable and view.state is not _AWAITING_AUTH
    wake_state, woken = wake.step(memory.wake, now_s, view.present, view.charging, offered)
    if wake_state is not memory.wake:
        memory = replace(memory, wake=wake_state)
    identity, phases = known.identity, memory.phases
    can_switch = (identity is None or identity.can_switch_phases) and not phases.refused
    switching = phases.stage is not _IDLE
    counted = phases.target if switching else phases.phases
    if view.phases is not None and not switching:
        counted = view.phases
    if identity is not None and identity.read_only and view.known:
        intent = Intent(ZERO, _NOT_CONFIRMED)
    else:
        intent = _intent(memory, view, site, config, zone, utc_s, outlook)
    if (
        intent.aim is SUN
        and setpoint_a == 0.0
        and not memory.auto_began
        and can_switch
        and config.phases.auto_switch
        and not memory.asked.phases
        and view.phases is None
    ):
        counted = 1
    limits_of = point.charger.limits
    min_a = max(limits_of.min_set_current_a, outlook.min_a)
    counted = min(counted, limits_of.max_phases, outlook.phases)
    return Look(
        point,
        known.reading,
        identity,
        memory,
        view,
        intent,
        woken,
        min_a,
        min_a * view.volt_v * counted,
        counted,
        can_switch,
        not view.reachable or known.unavailable is not None,
        outlook,
    )


def _blocked(memory: PointMemory, view: View, site: SiteView, outlook: Outlook) -> Reason | None:
    """What stands against any current, in the order of a decision."""
    asked = memory.asked
    if not view.known:
        return Reason(Why.NO_READING)
    if not asked.start:
        return Reason(Why.STOPPED)
    if view.fault is not None:
        return Reason(Why.FAULT, text=view.fault_text or view.fault)
    if view.state is _UNAVAILABLE:
        return Reason(Why.UNAVAILABLE)
    if not view.present:
        return _NO_CAR
    if asked.energy_limit_kwh is not None and session_kwh(memory) >= asked.energy_limit_kwh:
        return Reason(Why.ENERGY_LIMIT, session_kwh(memory), asked.energy_limit_kwh)
    return outlook.blocked or site.pause


def _intent(
    memory: PointMemory, view: View, site: SiteView, config: Config, zone: Zone, utc_s: float, outlook: Outlook
) -> Intent:
    asked = memory.asked
    blocked = _blocked(memory, view, site, outlook)
    if blocked is not None:
        return Intent(ZERO, blocked)
    if asked.boost:
        left_s = None if asked.boost_until_utc_s is None else asked.boost_until_utc_s - utc_s
        left_kwh = None if asked.boost_until_kwh is None else asked.boost_until_kwh - session_kwh(memory)
        return Intent(FAST, Reason(Why.BOOST, left_kwh, left_s=left_s), limits.FREE_A, _battery_notes(site, view))
    if asked.mode is _MANUAL:
        return Intent(FAST, Reason(Why.MANUAL, asked.current_a), asked.current_a, _battery_notes(site, view))
    if outlook.at_once is not None:
        return _fast(outlook.at_once, limits.FREE_A, site, view, outlook.notes)
    if asked.mode is _SCHEDULED:
        window = windows.active(config.schedule.windows, zone, utc_s)
        if window is not None:
            reason = Reason(Why.WINDOW, window.current_a, text=f"{window.start}-{window.end}")
            current_a = limits.FREE_A if window.current_a is None else window.current_a
            return _fast(reason, current_a, site, view, outlook.notes)
        if outlook.charge is not None:
            return _fast(outlook.charge, limits.FREE_A, site, view, outlook.notes)
        if not config.schedule.auto_outside and not outlook.sun:
            return _waiting(outlook)
    if site.low_soc is not None:
        return Intent(ZERO, site.low_soc)
    if asked.mode is not _SCHEDULED or outlook is NOTHING:
        return Intent(SUN, _WAIT_SUN, notes=outlook.notes)
    share_pct = config.schedule.outside_solar_share_pct if outlook.decides else None
    return Intent(SUN, _WAIT_SUN, notes=outlook.waits + outlook.notes, solar_share_pct=share_pct)


def _fast(reason: Reason, current_a: float, site: SiteView, view: View, notes: tuple[Reason, ...]) -> Intent:
    """Charge at once, unless the grid is away and the house battery is low."""
    if site.low_soc is not None and site.off_grid:
        return Intent(ZERO, site.low_soc)
    return Intent(FAST, reason, current_a, _battery_notes(site, view) + notes)


def _waiting(outlook: Outlook) -> Intent:
    """Scheduled, and it is not the time."""
    if not outlook.waits:
        return Intent(ZERO, Reason(Why.OUTSIDE_WINDOWS), notes=outlook.notes)
    return Intent(ZERO, outlook.waits[0], notes=outlook.waits[1:] + outlook.notes)


def _battery_notes(site: SiteView, view: View) -> tuple[Reason, ...]:
    """Say so when the ESS empties the house battery into the car, and which setting prevents it."""
    reading = site.reading
    if (
        not view.charging
        or reading is None
        or not reading.ess
        or reading.battery_use == 1
        or (reading.battery_w or 0.0) > -200.0
    ):
        return ()
    return (Reason(Why.BATTERY_NOT_PROTECTED, -(reading.battery_w or 0.0)),)
