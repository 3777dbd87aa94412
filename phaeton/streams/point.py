"""One charging point in one step: from its intent to the setpoint, its write, its status and its reasons."""

from __future__ import annotations

from msgspec.structs import replace

from phaeton.config.tree import Config
from phaeton.model import ChargerWrite, Mode, PointDecision, Reason, Why
from phaeton.streams import auto, lease, limits, pace, phases, run, session
from phaeton.streams.explain import explain
from phaeton.streams.intent import Aim, Look
from phaeton.streams.limits import Cap
from phaeton.streams.memory import PointMemory
from phaeton.streams.pace import Wish
from phaeton.streams.phases import Wanted
from phaeton.streams.session import Tariff
from phaeton.streams.share import Shared
from phaeton.streams.site import SiteView
from phaeton.streams.status import status


def decide(
    seen: Look,
    shared: Shared,
    site: SiteView,
    config: Config,
    tariff: Tariff,
    *,
    now_s: float,
    utc_s: float,
    dt_s: float,
) -> tuple[PointMemory, PointDecision]:
    """The second half: limits, phases, pace, write, status, session."""
    memory, view, intent = seen.memory, seen.view, seen.intent
    reading, point = seen.reading, seen.point
    own = limits.own(point, reading, memory.asked.power_cap_w, view.volt_v, seen.phases)
    if seen.outlook.max_a is not None and seen.outlook.max_a < own.now_a:
        own = Cap(seen.outlook.max_a, seen.outlook.max_a, Reason(Why.LIMIT_CAR, seen.outlook.max_a))
    memory = _adopt(memory, seen, own, now_s)
    reasons: list[Reason] = []
    fixed = memory.asked.phases or None
    ready = False
    if intent.aim is Aim.SUN:
        sun = auto.step(memory, seen, shared, site, config, own, now_s, dt_s)
        memory, wish, wanted, ready = sun.memory, sun.wish, sun.wanted, sun.ready
        reasons.append(wish.reason)
    else:
        low = site.low_soc is not None and intent.reason is site.low_soc
        memory = auto.leave(memory, now_s, low=low and memory.asked.mode is Mode.AUTO)
        wish = Wish(intent.current_a, intent.current_a, reason=intent.reason)
        wanted = Wanted(fixed=fixed or (3 if intent.aim is Aim.FAST else memory.phases.phases))
        reasons.append(intent.reason)
    reasons += intent.notes
    if memory.adopted and not seen.memory.adopted and memory.pace.setpoint_a > 0:
        reasons.append(Reason(Why.ADOPTED, memory.pace.setpoint_a))
    phase_state, switch = phases.step(
        memory.phases,
        config.phases,
        view,
        wanted,
        now_s=now_s,
        setpoint_a=memory.pace.setpoint_a,
        can_switch=seen.can_switch,
        max_phases=point.charger.limits.max_phases,
        set_phases=None if reading is None else reading.phases_set,
        settle_s=10.0 if seen.identity is None else seen.identity.settle_s,
    )
    if ready and not switch.zero:
        memory = replace(memory, run=run.begin(memory.run, now_s), auto_began=True)
    elif ready:
        wish = pace.NOTHING
    if switch.zero or seen.wake.pulse:
        wish = pace.NOTHING
    limit_state, site_cap = limits.site_cap(
        memory.limit,
        config.site,
        shared.cap,
        shared.blind,
        setpoint_a=memory.pace.setpoint_a,
        min_a=seen.min_a,
        now_s=now_s,
    )
    counted = view.phases if view.phases is not None and not switch.zero else switch.phases
    cap = limits.tighter(limits.tighter(own, limits.unbalanced(config.site.limits, counted)), site_cap)
    fighting = lease.fighting(memory.lease)
    if not view.reachable and intent.aim is not Aim.ZERO:
        wish = Wish(memory.pace.setpoint_a, memory.pace.setpoint_a, reason=wish.reason)
    pace_state, setpoint_a, paced = pace.step(
        memory.pace,
        config.auto,
        wish,
        cap,
        now_s=now_s,
        min_a=seen.min_a,
        step_a=0.1 if seen.identity is None else seen.identity.step_a,
        current_a=view.current_a,
        hold_raises=fighting or not view.reachable,
    )
    lease_state, write = memory.lease, None
    if reading is not None:
        lease_state, write = lease.due(memory.lease, setpoint_a, reading, now_s, view.reachable)
    if switch.write is not None:
        write = ChargerWrite(None if write is None else write.current_a, switch.write)
    session_state, booked = session.step(
        memory.session,
        point.id,
        view,
        None if reading is None else reading.energy_kwh,
        site.reading if site.age_s <= config.site.stale_stop_s else None,
        tariff,
        now_s=now_s,
        utc_s=utc_s,
        dt_s=dt_s,
        serial="" if seen.identity is None else seen.identity.serial,
        vehicle=seen.outlook.vehicle,
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
    asked = memory.asked
    shown = status(
        view,
        mode=asked.mode,
        stopped=not asked.start,
        low_soc=intent.aim is Aim.ZERO and intent.reason is site.low_soc,
        charged=seen.wake.charged,
        at_limit=intent.reason.why in (Why.ENERGY_LIMIT, Why.LIMIT_SOC),
        switching_to=switch.to,
        setpoint_a=setpoint_a,
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
        seen.min_a,
        own.now_a,
        cap.now_a if view.known else None,
        view.reachable,
        view.plugged,
        None if shared.offer is None else pace.tenths(shared.offer.lower_w),
        asked.boost,
        asked.boost_until_utc_s,
        asked.energy_limit_kwh,
        asked.power_cap_w,
        None if reading is None else lease.shown(lease_state, setpoint_a, reading, now_s),
        booked.session,
        booked.closed,
        booked.slots,
        seen.outlook.vehicle,
        seen.outlook.plan,
    )


def _adopt(memory: PointMemory, seen: Look, own: Cap, now_s: float) -> PointMemory:
    """At the first reading, go on from a setpoint that is live at the charger where the mode allows it."""
    reading = seen.reading
    if memory.adopted or reading is None or not seen.view.reachable:
        return memory
    live_a = reading.limit_set_a
    if (
        seen.intent.aim is not Aim.ZERO
        and live_a is not None
        and (reading.limit_remaining_s is None or reading.limit_remaining_s > 0)
        and live_a >= seen.min_a
        and memory.pace.setpoint_a == 0.0
        and memory.lease.sent_a is None
    ):
        adopted = pace.adopt(memory.pace, pace.rounded(min(live_a, own.now_a), 0.1), now_s)
        return replace(memory, adopted=True, pace=adopted)
    return replace(memory, adopted=True)
