"""What the car, the prices and the plan say to one charging point in this step.

The minimum of the car comes before everything but a person's wish; then the plan of the next departure; then the
price of the moment. What each of them waits for is told.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from phaeton.config.points import Point
from phaeton.config.tree import Config
from phaeton.config.tree_cars import Vehicle
from phaeton.model import CarState, Mode, Plan, PriceSlot, Reason, Situation, SlotWhy, Why, Zone
from phaeton.streams import plan as planning
from phaeton.streams import soc, strategy
from phaeton.streams.cars import OVERDUE_S, CarMemory, Goal, Stay, following
from phaeton.streams.plan import PlanState, Task
from phaeton.streams.soc import Estimate
from phaeton.streams.strategy import PriceState
from phaeton.streams.view import View

UNLEARNT_SHARE = 0.8
LEARNT_SHARE = 0.95
"""Shares of the nominal and of the learnt power that a plan counts on."""
STEADY_S = 60.0
LEARN_TAU_S = 300.0
ENDED_S = 120.0
"""A car that leaves its offer unused for so long, after it had charged, wants no more."""
AGAIN_PCT = 2.0
"""A minimum, a limit or a goal that was reached counts as reached until the charge falls by so much."""
AGAIN_KWH = 0.5
SURE_PCT = 3.0
"""So much uncertainty is usual; what is beyond is planned for."""
TAPER_PCT = 95.0
"""From here on a car takes half of its power."""
STOPPING_KWH = 0.03
"""So much may still flow until a car has stopped."""
OLD_S = 6 * 3600.0


class OutlookState(Struct, frozen=True, kw_only=True, gc=False):
    """What is remembered between steps."""

    plan: PlanState | None = None
    price: PriceState | None = None
    filling: bool = False
    """The minimum is being charged."""
    filled: bool = False
    """It has been reached in this stay."""
    full: bool = False
    """The limit has been reached."""
    met: str = ""
    """The goal that has been met."""
    ended: str = ""
    """The goal that the car itself ended charging for: it takes no more."""
    unused_s: float | None = None
    """Since then the car has left its offer unused, after it had charged."""
    steady_s: float | None = None
    """Everything is offered and current flows since then."""


class Outlook(Struct, frozen=True, kw_only=True, gc=False):
    """What counts for the point now."""

    vehicle: str | None = None
    min_a: float = 0.0
    max_a: float | None = None
    phases: int = 3
    blocked: Reason | None = None
    """Why the car is not charged at all."""
    at_once: Reason | None = None
    """Why it is charged whatever the sun and the price."""
    charge: Reason | None = None
    """Why scheduled mode charges now."""
    waits: tuple[Reason, ...] = ()
    """What scheduled mode waits for."""
    sun: bool = False
    """The plan counts on the sun now."""
    decides: bool = False
    """Prices or a plan decide, so that dear hours are not filled up from the grid."""
    notes: tuple[Reason, ...] = ()
    plan: Plan | None = None
    soc_pct: float | None = None
    """The car's charge as it should be now."""


NOTHING = Outlook()


class Moment(Struct, frozen=True, gc=False):
    """What is the same for all points in a step."""

    config: Config
    zone: Zone
    situation: Situation
    sun_w: float
    """What the sun leaves for a point."""
    now_s: float
    utc_s: float
    dt_s: float


class _Wanted(Struct, frozen=True, gc=False):
    """The goal in work."""

    key: str
    departure_s: float
    need_kwh: float
    """From the socket; what a plan reckons with."""
    met: bool


def step(
    before: OutlookState,
    car: CarMemory | None,
    vehicle: Vehicle | None,
    point: Point,
    stay: Stay,
    view: View,
    moment: Moment,
    *,
    mode: Mode,
    setpoint_a: float,
    phases: int,
    sun_phases: int,
    max_a: float,
) -> tuple[OutlookState, CarMemory | None, Outlook]:
    """What counts now.

    ``phases`` and ``max_a`` are what the point would charge with at most, without the limits of the house, and
    ``sun_phases`` the fewest that the sun can charge with.
    """
    schedule = moment.config.schedule
    by_price = schedule.strategy in ("level", "threshold", "percentile")
    if car is None and not by_price:
        return before, None, NOTHING
    state = before if stay.plugged else OutlookState()
    if vehicle is not None:
        max_a = min(max_a, vehicle.max_current_a or max_a)
        phases = min(phases, vehicle.phases)
    usual = min(point.charger.limits.max_phases, 3 if vehicle is None else vehicle.phases)
    sun_min_w = max(point.charger.limits.min_set_current_a, 0.0 if vehicle is None else vehicle.min_current_a)
    sun_min_w *= view.volt_v * min(sun_phases, phases)
    full_w = view.volt_v * min(max_a, view.learnt_a or max_a) * phases
    found = Outlook(
        vehicle=None if car is None else car.vehicle,
        min_a=0.0 if vehicle is None else vehicle.min_current_a,
        max_a=None if vehicle is None else vehicle.max_current_a,
        phases=3 if vehicle is None else vehicle.phases,
    )
    if not stay.plugged or not view.known:
        return state, car, found
    power_w = full_w * UNLEARNT_SHARE
    wanted: _Wanted | None = None
    if car is not None:
        state, car = _learn(state, car, stay, view, moment, full=setpoint_a >= max_a - 1.0 and phases == usual)
        power_w = power_w if car.power_w is None else min(car.power_w * LEARNT_SHARE, full_w)
        now = known(car, vehicle, moment.utc_s)
        found = found if now is None else replace(found, soc_pct=now.soc_pct)
        state, found = _of_the_charge(state, found, car, vehicle, stay, now)
        if mode is Mode.SCHEDULED:
            car, wanted = _goal(state, car, vehicle, stay, now, moment)
        elif car.due is not None and vehicle is not None and moment.utc_s > car.due.departure_utc_s:
            car = _gone(car, vehicle, moment)
    if mode is not Mode.SCHEDULED:
        state = state if state.plan is None and state.price is None else replace(state, plan=None, price=None)
        return state, car, found
    flowing = view.charging and setpoint_a > 0
    charge: Reason | None = None
    waits: tuple[Reason, ...] = ()
    if wanted is not None:
        state = _given_up(state, wanted, stay, moment, offered=setpoint_a > 0)
        state, found, charge, waits = _by_plan(state, found, wanted, moment, power_w, sun_min_w, flowing)
    elif state.plan is not None or state.met:
        state = replace(state, plan=None, met="")
    if by_price and moment.situation.prices is not None:
        share = max(moment.sun_w, 0.0) / power_w if power_w > 0 else 0.0
        price, cheap, reason = strategy.step(
            state.price, schedule, moment.situation.prices, utc_s=moment.utc_s, sun_share=min(share, 1.0)
        )
        state = state if price is state.price else replace(state, price=price)
        charge, waits = (charge or reason, waits) if cheap else (charge, (*waits, reason))
    elif by_price:
        waits = (*waits, Reason(Why.PRICE_MISSING))
    elif wanted is None and schedule.strategy == "plan":
        waits = (Reason(Why.NO_GOAL),)
    return (
        state,
        car,
        replace(
            found, charge=charge, waits=waits, decides=by_price or wanted is not None or schedule.strategy == "plan"
        ),
    )


def known(car: CarMemory, vehicle: Vehicle | None, utc_s: float) -> Estimate | None:
    """The charge of a car now."""
    battery_kwh = None if vehicle is None else vehicle.battery_kwh
    return soc.estimate(
        car.soc, energy_kwh=car.energy_kwh, utc_s=utc_s, battery_kwh=battery_kwh, limit_pct=car.own_limit_pct
    )


def limit_pct(car: CarMemory, vehicle: Vehicle | None) -> float:
    """Where charging ends: the ordered limit, else the configured one."""
    if car.limit_soc_pct is not None:
        return car.limit_soc_pct
    return 100.0 if vehicle is None else vehicle.limit_soc_pct


def min_pct(car: CarMemory, vehicle: Vehicle | None) -> float:
    """Below this the car is charged at once; 0 = never."""
    if car.min_soc_pct is not None:
        return car.min_soc_pct
    return 0.0 if vehicle is None else vehicle.min_soc_pct


def _learn(
    state: OutlookState, car: CarMemory, stay: Stay, view: View, moment: Moment, *, full: bool
) -> tuple[OutlookState, CarMemory]:
    """Learn what the car takes when everything is offered, once it has settled and before it tapers."""
    if not (stay.charging and full and view.ev_w > 500.0):
        return (state if state.steady_s is None else replace(state, steady_s=None)), car
    if state.steady_s is None:
        return replace(state, steady_s=moment.now_s), car
    if moment.now_s - state.steady_s < STEADY_S or (car.soc.soc_pct or 0.0) > TAPER_PCT - 5.0:
        return state, car
    known_w = car.power_w
    share = moment.dt_s / (moment.dt_s + LEARN_TAU_S)
    power_w = view.ev_w if known_w is None else known_w + share * (view.ev_w - known_w)
    return state, (car if power_w == known_w else replace(car, power_w=power_w))


def _of_the_charge(
    state: OutlookState,
    found: Outlook,
    car: CarMemory,
    vehicle: Vehicle | None,
    stay: Stay,
    now: Estimate | None,
) -> tuple[OutlookState, Outlook]:
    """The car's minimum and its limit."""
    least_pct, most_pct = min_pct(car, vehicle), limit_pct(car, vehicle)
    if least_pct <= 0 and most_pct >= 100:
        return (replace(state, filling=False, full=False) if state.filling or state.full else state), found
    filling = full = False
    filled = state.filled
    notes: tuple[Reason, ...] = ()
    at_once = blocked = None
    if now is not None:
        full = now.soc_pct >= most_pct - (AGAIN_PCT if state.full else 0.0) and most_pct < 100
        filling = now.soc_pct < least_pct - (AGAIN_PCT if filled and not state.filling else 0.0) and not full
        filled = filled or now.soc_pct >= least_pct
        if now.age_s > OLD_S:
            notes = (Reason(Why.SOC_OLD, now.soc_pct, now.age_s),)
        at_once = Reason(Why.MIN_SOC, now.soc_pct, least_pct) if filling else None
        blocked = Reason(Why.LIMIT_SOC, now.soc_pct, most_pct) if full else None
    elif least_pct > 0 and vehicle is not None and vehicle.battery_kwh is not None:
        most_kwh = least_pct * (soc.wh_per_pct(car.soc, vehicle.battery_kwh) or 0.0) / 1000.0
        filling = stay.energy_kwh < most_kwh - STOPPING_KWH
        reason = Reason(Why.SOC_UNKNOWN, stay.energy_kwh, most_kwh)
        at_once, notes = (reason, ()) if filling else (None, (reason,))
    if (filling, filled, full) != (state.filling, state.filled, state.full):
        state = replace(state, filling=filling, filled=filled, full=full)
    return state, replace(found, at_once=at_once, blocked=blocked, notes=notes)


def _goal(
    state: OutlookState,
    car: CarMemory,
    vehicle: Vehicle | None,
    stay: Stay,
    now: Estimate | None,
    moment: Moment,
) -> tuple[CarMemory, _Wanted | None]:
    """The goal to work for: of once and repeating the earlier one that is not met yet."""
    goals = []
    if car.goal is not None:
        goals.append(_need(state, car, vehicle, stay, now, car.goal))
    if car.due is not None and vehicle is not None:
        again = _need(state, car, vehicle, stay, now, car.due)
        over_s = moment.utc_s - car.due.departure_utc_s
        if over_s > OVERDUE_S or (over_s > 0 and again.met):
            car = _gone(car, vehicle, moment)
            again = again if car.due is None else _need(state, car, vehicle, stay, now, car.due)
        goals.append(again)
    goals.sort(key=lambda goal: (goal.met, goal.departure_s))
    return car, goals[0] if goals else None


def _gone(car: CarMemory, vehicle: Vehicle, moment: Moment) -> CarMemory:
    """A departure has passed while the car is here; the next one counts from now."""
    return following(replace(car, counted_from_kwh=car.energy_kwh), vehicle, moment.zone, moment.utc_s)


def _need(
    state: OutlookState,
    car: CarMemory,
    vehicle: Vehicle | None,
    stay: Stay,
    now: Estimate | None,
    goal: Goal,
) -> _Wanted:
    """What a goal still needs, from the socket."""
    soc_pct, energy_kwh, departure_s = goal.soc_pct, goal.energy_kwh, goal.departure_utc_s
    key = f"{car.vehicle}|{stay.session}|{departure_s:.0f}|{soc_pct}|{energy_kwh}|{goal.from_kwh}"
    again = state.met == key
    if soc_pct is None:
        left_kwh = (energy_kwh or 0.0) - (car.energy_kwh - goal.from_kwh)
        met = left_kwh <= (AGAIN_KWH if again else 0.005)
        return _Wanted(key, departure_s, max(left_kwh, 0.0), met)
    target_pct = min(soc_pct, limit_pct(car, vehicle), car.own_limit_pct or 100.0)
    per_pct = soc.wh_per_pct(car.soc, None if vehicle is None else vehicle.battery_kwh)
    if now is None or per_pct is None:
        # Without a charge the goal is an energy: at most what fills an empty battery so far.
        left_kwh = 0.0 if per_pct is None else target_pct * per_pct / 1000.0 - stay.energy_kwh
        return _Wanted(key, departure_s, max(left_kwh, 0.0), left_kwh <= 0.005)
    left_pct = target_pct - now.soc_pct
    met = left_pct <= (AGAIN_PCT if again else 0.05)
    return _Wanted(key, departure_s, needed_kwh(target_pct, now.soc_pct, now.sigma_pct, per_pct), met)


def needed_kwh(target_pct: float, soc_pct: float, sigma_pct: float, wh_per_pct: float) -> float:
    """What a charge needs from the socket: the end of it goes slowly, and what is not sure is planned for."""
    slow_pct = max(target_pct - max(TAPER_PCT, soc_pct), 0.0)
    unsure_pct = max(sigma_pct - SURE_PCT, 0.0)
    return (max(target_pct - soc_pct, 0.0) + slow_pct + unsure_pct) * wh_per_pct / 1000.0


def _given_up(state: OutlookState, wanted: _Wanted, stay: Stay, moment: Moment, *, offered: bool) -> OutlookState:
    """See whether the car itself has ended charging, so that no plan needs to go on for it."""
    if not (stay.ended_by_car and offered and not wanted.met):
        return state if state.unused_s is None else replace(state, unused_s=None)
    if state.unused_s is None:
        return replace(state, unused_s=moment.now_s)
    if moment.now_s - state.unused_s >= ENDED_S and state.ended != wanted.key:
        return replace(state, ended=wanted.key)
    return state


def _by_plan(
    state: OutlookState,
    found: Outlook,
    wanted: _Wanted,
    moment: Moment,
    power_w: float,
    sun_min_w: float,
    flowing: bool,
) -> tuple[OutlookState, Outlook, Reason | None, tuple[Reason, ...]]:
    """Keep or make the plan, and see what it says now."""
    utc_s = moment.utc_s
    if state.ended == wanted.key and not wanted.met:
        state = state if state.plan is None else replace(state, plan=None)
        return state, found, None, (Reason(Why.CHARGED),)
    if wanted.met:
        if state.met != wanted.key or state.plan is not None:
            state = replace(state, met=wanted.key, plan=None)
        left_s = wanted.departure_s - utc_s
        return state, found, None, (Reason(Why.PLAN_DONE, left_s=left_s if left_s > 0 else None),)
    rates = moment.config.prices
    task = Task(
        key=wanted.key,
        departure_s=wanted.departure_s,
        need_kwh=wanted.need_kwh,
        power_w=power_w,
        sun_min_w=sun_min_w,
        flowing=flowing,
    )
    fixed = PriceSlot(
        utc_s,
        max(wanted.departure_s, utc_s) + OVERDUE_S,
        rates.import_per_kwh,
        rates.feed_in_per_kwh,
    )
    kept = planning.step(
        state.plan,
        task,
        moment.config.schedule.plan,
        moment.situation.prices,
        moment.situation.forecast,
        fixed,
        utc_s,
    )
    if kept is not state.plan or state.met:
        state = replace(state, plan=kept, met="")
    plan = kept.plan
    slot = planning.active(plan, utc_s)
    charge: Reason | None = None
    waits: tuple[Reason, ...] = ()
    sun = plan.sun_kwh > 0
    if slot is not None and slot.why is not SlotWhy.SUN:
        left_s = slot.end_s - utc_s
        if slot.why is SlotWhy.LATE:
            charge = Reason(Why.PLAN_LATE, plan.missing_kwh, plan.missing_pct, plan.late_s or None)
        else:
            charge = Reason(Why.PLAN_SLOT, slot.price_per_kwh, None, left_s)
    else:
        waits = _waiting(plan, moment)
    return state, replace(found, plan=plan, sun=sun), charge, waits


def _waiting(plan: Plan, moment: Moment) -> tuple[Reason, ...]:
    coming = planning.following(plan, moment.utc_s)
    waits: tuple[Reason, ...] = ()
    if plan.sun_kwh > 0:
        waits = (Reason(Why.PLAN_SUN, plan.sun_kwh, plan.need_kwh),)
    if coming is None:
        return waits
    left_s = coming.start_s - moment.utc_s
    if plan.waits_for_prices:
        return (*waits, Reason(Why.PLAN_PRICES, left_s=left_s))
    price: float | None = moment.config.prices.import_per_kwh
    if moment.situation.prices is not None:
        slot = strategy.slot_at(moment.situation.prices, moment.utc_s)
        price = None if slot is None else slot.import_per_kwh
    return (*waits, Reason(Why.PLAN_WAIT, price, coming.price_per_kwh, left_s))


def state_of(car: CarMemory, vehicle: Vehicle | None, utc_s: float) -> CarState:
    """The car for the page and the API."""
    now = known(car, vehicle, utc_s)
    goal = car.goal or car.due
    return CarState(
        vehicle=car.vehicle,
        point=car.point,
        soc_pct=None if now is None else round(now.soc_pct, 1),
        soc_sigma_pct=None if now is None else round(now.sigma_pct, 1),
        soc_age_s=None if car.soc.soc_pct is None else max(utc_s - car.soc.utc_s, 0.0),
        read_soc_pct=car.soc.soc_pct,
        wh_per_pct=soc.wh_per_pct(car.soc, None if vehicle is None else vehicle.battery_kwh),
        limit_soc_pct=min(limit_pct(car, vehicle), car.own_limit_pct or 100.0),
        min_soc_pct=min_pct(car, vehicle) or None,
        goal_soc_pct=None if goal is None else goal.soc_pct,
        goal_kwh=None if goal is None else goal.energy_kwh,
        departure_utc_s=None if goal is None else goal.departure_utc_s,
        repeating=car.goal is None and car.due is not None,
        power_w=car.power_w,
    )
