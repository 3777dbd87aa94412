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
    phases: int
    """Phases to count with."""
    can_switch: bool
    away: bool
    """The charger did not answer the last time, or for long: what it draws cannot be changed now."""
    outlook: Outlook = NOTHING

    @property
    def min_w(self) -> float:
        """Power at the minimum current on the phases to count with (W)."""
        return self.min_a * self.view.volt_v * self.phases

    @property
    def running(self) -> bool:
        """Whether current was asked for in the last step."""
        return self.memory.pace.setpoint_a > 0


def look(known: PointSituation, memory: PointMemory, *, now_s: float, utc_s: float) -> tuple[PointMemory, View]:
    """Make sense of the newest reading and let expire what has run out."""
    setpoint_a = memory.pace.setpoint_a
    view_state, view = viewing.step(memory.view, known.reading, now_s, setpoint_a)
    asked = asking.expire(memory.asked, utc_s=utc_s, session_kwh=session_kwh(memory), unplugged=view.unplugged_now)
    if view_state is memory.view and asked is memory.asked:
        return memory, view
    memory = replace(memory, view=view_state, asked=asked)
    if view.plugged_now:
        memory = replace(memory, plugged_s=now_s, auto_began=False)
    return memory, view


def intend(
    point: Point,
    known: PointSituation,
    memory: PointMemory,
    view: View,
    site: SiteView,
    config: Config,
    zone: Zone,
    *,
    now_s: float,
    utc_s: float,
    outlook: Outlook = NOTHING,
) -> Look:
    """The first half: what the point wants, before the site shares out."""
    setpoint_a = memory.pace.setpoint_a
    offered = setpoint_a > 0 and view.reachable and view.state is not ChargerState.AWAITING_AUTH
    wake_state, woken = wake.step(
        memory.wake, now_s=now_s, present=view.present, charging=view.charging, offered=offered
    )
    if wake_state is not memory.wake:
        memory = replace(memory, wake=wake_state)
    can_switch = (known.identity is None or known.identity.can_switch_phases) and not memory.phases.refused
    told = memory.phases.target if memory.phases.stage is not Stage.IDLE else memory.phases.phases
    counted = view.phases if view.phases is not None and memory.phases.stage is Stage.IDLE else told
    free = not memory.auto_began and setpoint_a == 0.0
    intent = _intent(memory, view, site, config, zone, utc_s, outlook)
    if (
        intent.aim is Aim.SUN
        and free
        and can_switch
        and config.phases.auto_switch
        and not memory.asked.phases
        and view.phases is None
    ):
        counted = 1
    return Look(
        point=point,
        reading=known.reading,
        identity=known.identity,
        memory=memory,
        view=view,
        intent=intent,
        wake=woken,
        min_a=max(point.charger.limits.min_set_current_a, outlook.min_a),
        phases=min(counted, point.charger.limits.max_phases, outlook.phases),
        can_switch=can_switch,
        away=not view.reachable or known.unavailable is not None,
        outlook=outlook,
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
    if view.state is ChargerState.UNAVAILABLE:
        return Reason(Why.UNAVAILABLE)
    if not view.present:
        return Reason(Why.NO_CAR)
    if asked.energy_limit_kwh is not None and session_kwh(memory) >= asked.energy_limit_kwh:
        return Reason(Why.ENERGY_LIMIT, session_kwh(memory), asked.energy_limit_kwh)
    return outlook.blocked or site.pause


def _intent(
    memory: PointMemory, view: View, site: SiteView, config: Config, zone: Zone, utc_s: float, outlook: Outlook
) -> Intent:
    asked = memory.asked
    blocked = _blocked(memory, view, site, outlook)
    if blocked is not None:
        return Intent(Aim.ZERO, blocked)
    if asked.boost:
        left_s = None if asked.boost_until_utc_s is None else asked.boost_until_utc_s - utc_s
        left_kwh = None if asked.boost_until_kwh is None else asked.boost_until_kwh - session_kwh(memory)
        return Intent(Aim.FAST, Reason(Why.BOOST, left_kwh, left_s=left_s), limits.FREE_A, _battery_notes(site, view))
    if asked.mode is Mode.MANUAL:
        return Intent(Aim.FAST, Reason(Why.MANUAL, asked.current_a), asked.current_a, _battery_notes(site, view))
    if outlook.at_once is not None:
        return _fast(outlook.at_once, limits.FREE_A, site, view, outlook.notes)
    if asked.mode is Mode.SCHEDULED:
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
        return Intent(Aim.ZERO, site.low_soc)
    if asked.mode is not Mode.SCHEDULED or outlook is NOTHING:
        return Intent(Aim.SUN, Reason(Why.WAIT_SUN), notes=outlook.notes)
    share_pct = config.schedule.outside_solar_share_pct if outlook.decides else None
    return Intent(Aim.SUN, Reason(Why.WAIT_SUN), notes=outlook.waits + outlook.notes, solar_share_pct=share_pct)


def _fast(reason: Reason, current_a: float, site: SiteView, view: View, notes: tuple[Reason, ...]) -> Intent:
    """Charge at once, unless the grid is away and the house battery is low."""
    if site.low_soc is not None and site.off_grid:
        return Intent(Aim.ZERO, site.low_soc)
    return Intent(Aim.FAST, reason, current_a, _battery_notes(site, view) + notes)


def _waiting(outlook: Outlook) -> Intent:
    """Scheduled, and it is not the time."""
    if not outlook.waits:
        return Intent(Aim.ZERO, Reason(Why.OUTSIDE_WINDOWS), notes=outlook.notes)
    return Intent(Aim.ZERO, outlook.waits[0], notes=outlook.waits[1:] + outlook.notes)


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
