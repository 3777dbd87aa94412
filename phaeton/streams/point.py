"""One charging point in one step: from its intent to the setpoint, its write, its status and its reasons."""

from __future__ import annotations

from msgspec.structs import replace

from phaeton.config.tree import Config
from phaeton.model import ChargerWrite, Mode, PointDecision, Reason, Why
from phaeton.streams import auto, lease, limits, pace, phases, run, session
from phaeton.streams.explain import explain
from phaeton.streams.intent import FAST, SUN, ZERO, Look
from phaeton.streams.limits import Cap
from phaeton.streams.memory import PointMemory
from phaeton.streams.pace import Wish
from phaeton.streams.phases import Wanted
from phaeton.streams.session import Tariff
from phaeton.streams.share import Shared
from phaeton.streams.site import SiteView
from phaeton.streams.status import status

_CAR_LIMITS = (Why.ENERGY_LIMIT, Why.LIMIT_SOC)


def decide(
    seen: Look,
    shared: Shared,
    site: SiteView,
    config: Config,
    tariff: Tariff,
    now_s: float,
    utc_s: float,
    dt_s: float,
) -> tuple[PointMemory, PointDecision]:
    """The second half: limits, phases, pace, write, status, session."""
    memory, view, intent = seen.memory, seen.view, seen.intent
    reading, point, identity, outlook = seen.reading, seen.point, seen.identity, seen.outlook
    asked, aim, min_a = memory.asked, intent.aim, seen.min_a
    own = limits.own(point, reading, asked.power_cap_w, view.volt_v, seen.phases)
    if outlook.max_a is not None and outlook.max_a < own.now_a:
        own = Cap(outlook.max_a, outlook.max_a, Reason(Why.LIMIT_CAR, outlook.max_a))
    if not memory.adopted:
        memory = _adopt(memory, seen, own, now_s)
    ready = False
    if aim is SUN:
        memory, wish, wanted, ready = auto.step(memory, seen, shared, site, config, own, now_s, dt_s)
    else:
        low = site.low_soc is not None and intent.reason is site.low_soc
        memory = auto.leave(memory, now_s, low=low and asked.mode is Mode.AUTO)
        wish = Wish(intent.current_a, intent.current_a, reason=intent.reason)
        wanted = Wanted(asked.phases or (3 if aim is FAST else memory.phases.phases))
    reasons = [wish.reason, *intent.notes]
    was_a = memory.pace.setpoint_a
    if was_a > 0 and memory.adopted and not seen.memory.adopted:
        reasons.append(Reason(Why.ADOPTED, was_a))
    phase_state, switch = phases.step(
        memory.phases,
        config.phases,
        view,
        wanted,
        now_s,
        was_a,
        seen.can_switch,
        point.charger.limits.max_phases,
        None if reading is None else reading.phases_set,
        10.0 if identity is None else identity.settle_s,
    )
    if ready and not switch.zero:
        memory = replace(memory, run=run.begin(memory.run, now_s), auto_began=True)
    elif ready:
        wish = pace.NOTHING
    if switch.zero or seen.wake.pulse:
        wish = pace.NOTHING
    counted = view.phases if view.phases is not None and not switch.zero else switch.phases
    cap, limit_state = own, limits.UNLIMITED
    if counted == 1 and config.site.limits.unbalanced_a is not None:
        cap = limits.tighter(cap, limits.unbalanced(config.site.limits.unbalanced_a))
    if shared.blind or shared.cap is not limits.NO_CAP:
        limit_state, site_cap = limits.site_cap(
            memory.limit, config.site, shared.cap, shared.blind, was_a, min_a, now_s
        )
        cap = limits.tighter(cap, site_cap)
    fighting = lease.fighting(memory.lease)
    if not view.reachable and aim is not ZERO:
        wish = Wish(was_a, was_a, reason=wish.reason)
    pace_state, setpoint_a, paced = pace.step(
        memory.pace,
        config.auto,
        wish,
        cap,
        now_s,
        min_a,
        0.1 if identity is None else identity.step_a,
        view.current_a,
        fighting or not view.reachable,
    )
    lease_state, write, lease_shown = memory.lease, None, None
    read_only = identity is not None and identity.read_only
    if reading is not None:
        lease_state, write = lease.due(memory.lease, setpoint_a, reading, now_s, view.reachable and not read_only)
        lease_shown = lease.shown(lease_state, setpoint_a, reading, now_s)
    if switch.write is not None:
        write = ChargerWrite(None if write is None else write.current_a, switch.write)
    session_state, booked = session.step(
        memory.session,
        point.id,
        view,
        None if reading is None else reading.energy_kwh,
        site.reading if site.age_s <= config.site.stale_stop_s else None,
        tariff,
        now_s,
        utc_s,
        dt_s,
        "" if identity is None else identity.serial,
        outlook.vehicle,
    )
    explain(reasons, seen, shared, setpoint_a, paced, switch.reason, cap, lease_state, fighting)
    memory = replace(
        memory,
        phases=phase_state,
        limit=limit_state,
        pace=pace_state,
        lease=lease_state,
        session=session_state,
    )
    shown = status(
        view,
        Mode.MANUAL if read_only else asked.mode,  # a charger that nobody controls waits for no sun
        not (asked.start or read_only),
        aim is ZERO and intent.reason is site.low_soc,
        seen.wake.charged,
        intent.reason.why in _CAR_LIMITS,
        switch.to,
        setpoint_a,
    )
    # By position, in the order of its fields: names would cost 4 us in every step.
    return memory, PointDecision(
        point.id,
        asked.mode,
        asked.start,
        asked.auto_start,
        asked.current_a,
        setpoint_a,
        counted,
        asked.phases,
        shown,
        tuple(reasons),
        write,
        min_a,
        own.now_a,
        cap.now_a if view.known else None,
        view.reachable,
        view.plugged,
        None if shared.offer is None else pace.tenths(shared.offer.lower_w),
        asked.boost,
        asked.boost_until_utc_s,
        asked.energy_limit_kwh,
        asked.power_cap_w,
        lease_shown,
        booked.session,
        booked.closed,
        booked.slots,
        outlook.vehicle,
        outlook.plan,
    )


def _adopt(memory: PointMemory, seen: Look, own: Cap, now_s: float) -> PointMemory:
    """At the first reading, go on from a setpoint that is live at the charger where the mode allows it."""
    reading = seen.reading
    if memory.adopted or reading is None or not seen.view.reachable:
        return memory
    live_a = reading.limit_set_a
    if (
        seen.intent.aim is not ZERO
        and live_a is not None
        and (reading.limit_remaining_s is None or reading.limit_remaining_s > 0)
        and live_a >= seen.min_a
        and memory.pace.setpoint_a == 0.0
        and memory.lease.sent_a is None
    ):
        adopted = pace.adopt(memory.pace, pace.rounded(min(live_a, own.now_a), 0.1), now_s)
        return replace(memory, adopted=True, pace=adopted)
    return replace(memory, adopted=True)
