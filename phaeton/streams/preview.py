"""The coming week played forward: when each car would charge, what that costs, and whether its departures are met.

Windows and cheap slots charge whatever is planned, and the plan is made anew after each of them, as the control does
it. What is not known stays unknown: a price that is not published yet, or how empty a car will come back. After its
next departure a car is taken to be at the charger again, as full as it is now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import inf

from msgspec import Struct

from phaeton.config.tree import Config
from phaeton.config.tree_cars import Vehicle
from phaeton.model import CarState, Output, PlanSlot, PointDecision, PointSituation, PriceSlot, Zone
from phaeton.streams import planner, windows
from phaeton.streams.departures import next_departure
from phaeton.streams.outlook import LEARNT_SHARE, UNLEARNT_SHARE, needed_kwh
from phaeton.streams.plan import Task, asked
from phaeton.streams.planner import WS_PER_KWH, Request
from phaeton.streams.strategy import slots_ahead

AHEAD_S = 7 * 86_400.0
NOMINAL_V = 230.0
WINDOW = "window"
PRICE_LOW = "price_low"
LEAST_KWH = 0.05
"""Less is not missed."""


class Wanted(Struct, frozen=True, kw_only=True):
    """A departure with its goal."""

    utc_s: float
    soc_pct: float | None
    energy_kwh: float | None
    once: bool


class Slot(Struct, frozen=True):
    """A stretch in which a car charges."""

    start_s: float
    end_s: float
    power_w: float
    why: str
    """Of a `SlotWhy`, `WINDOW` or `PRICE_LOW`."""
    price_per_kwh: float | None

    @property
    def energy_kwh(self) -> float:
        """What it brings."""
        return self.power_w * (self.end_s - self.start_s) / WS_PER_KWH


class Leg(Struct, frozen=True, kw_only=True):
    """The time until a departure, or the rest of the week without one."""

    start_s: float
    end_s: float
    wanted: Wanted | None
    need_kwh: float | None
    """From the socket; None where the car's battery is of unknown size."""
    assumed: bool
    """The car is taken to come back as full as it is now."""
    slots: tuple[Slot, ...]
    energy_kwh: float
    cost: float | None
    """Of what has a price; None where nothing has."""
    unpriced_kwh: float
    at_once_cost: float | None
    """Of the same energy, charged from the beginning; None where a price of one of both is missing."""
    done_s: float | None
    """When the goal is met; None where it is not."""
    late_s: float
    missing_kwh: float
    waits_for_prices: bool


class CarPreview(Struct, frozen=True, kw_only=True):
    """One car; a guest where none is configured."""

    vehicle: str
    point: str
    power_w: float
    """What is reckoned with."""
    soc_pct: float | None
    bounded: bool
    """It is known when the car is full; else windows count as used whole."""
    legs: tuple[Leg, ...]


class _Opening(Struct, frozen=True):
    """A time in which it charges whatever is planned."""

    start_s: float
    end_s: float
    power_w: float
    why: str


class _Play(Struct, frozen=True, kw_only=True):
    """What is the same for all legs of a car."""

    config: Config
    output: Output
    power_w: float
    sun_min_w: float
    room_kwh: float
    openings: tuple[_Opening, ...]

    def request(self, at_s: float, departure_s: float, need_kwh: float) -> Request:
        """What the planner is asked at a time."""
        situation, rates = self.output.situation, self.config.prices
        now_s = self.output.decision.utc_s
        fixed = PriceSlot(now_s, now_s + 2 * AHEAD_S, rates.import_per_kwh, rates.feed_in_per_kwh)
        task = Task(
            key="",
            departure_s=departure_s,
            need_kwh=need_kwh,
            power_w=self.power_w,
            sun_min_w=self.sun_min_w,
            flowing=False,
        )
        return asked(task, self.config.schedule.plan, situation.prices, situation.forecast, fixed, at_s)


def preview(config: Config, zone: Zone, output: Output) -> tuple[CarPreview, ...]:
    """What this configuration would do from the newest output on."""
    vehicles = config.vehicles or (None,)
    states = {car.vehicle: car for car in output.decision.cars}
    here = {car.vehicle for car in output.decision.cars if car.point}
    found = []
    for vehicle in vehicles:
        name = "" if vehicle is None else vehicle.id
        state = states.get(name, CarState(vehicle=name))
        open_to_it = name in here or len(vehicles) == 1
        found.append(_car(config, zone, output, vehicle, state, open_to_it=open_to_it))
    return tuple(found)


def _car(
    config: Config, zone: Zone, output: Output, vehicle: Vehicle | None, state: CarState, *, open_to_it: bool
) -> CarPreview:
    now_s = output.decision.utc_s
    where = state.point or ("" if vehicle is None else vehicle.charger)
    point = next((p for p in output.decision.points if p.point == where), output.decision.points[0])
    situation = next((p for p in output.situation.points if p.id == point.point), PointSituation(point.point))
    phases = 3 if vehicle is None else vehicle.phases
    volt_v = _volt_v(situation)
    power_w = _power_w(point, vehicle, state, volt_v * phases)
    can_switch = situation.identity is None or situation.identity.can_switch_phases
    least_a = max(point.min_a, 0.0 if vehicle is None else vehicle.min_current_a)
    room_kwh = _room_kwh(vehicle, state)
    openings = tuple(_openings(config, zone, output, power_w, volt_v * phases)) if open_to_it else ()
    play = _Play(
        config=config,
        output=output,
        power_w=power_w,
        sun_min_w=least_a * volt_v * (1 if can_switch else phases),
        room_kwh=room_kwh,
        openings=openings,
    )
    legs, start_s = [], now_s
    for wanted in _departures(vehicle, state, zone, now_s):
        need_kwh = _need_kwh(vehicle, state, wanted, point, now_s)
        legs.append(_leg(play, start_s, wanted.utc_s, wanted, need_kwh, assumed=start_s > now_s))
        start_s = wanted.utc_s
    if start_s < now_s + AHEAD_S:
        rest = _leg(play, start_s, now_s + AHEAD_S, None, 0.0, assumed=start_s > now_s)
        legs += [rest] if rest.slots else []
    return CarPreview(
        vehicle=state.vehicle,
        point=state.point,
        power_w=power_w,
        soc_pct=state.soc_pct,
        bounded=room_kwh < inf or not openings,
        legs=tuple(legs),
    )


def _volt_v(situation: PointSituation) -> float:
    known = [] if situation.reading is None else [v for v in situation.reading.voltage_v if v is not None and v > 0]
    return sum(known) / len(known) if known else NOMINAL_V


def _power_w(point: PointDecision, vehicle: Vehicle | None, state: CarState, volt_v: float) -> float:
    """As the plans reckon it: that of the plan in force, else the learnt power, else most of the possible one."""
    if point.plan is not None and point.vehicle == state.vehicle:
        return point.plan.power_w
    most_a = (
        point.max_a if vehicle is None or vehicle.max_current_a is None else min(point.max_a, vehicle.max_current_a)
    )
    full_w = most_a * volt_v
    return full_w * UNLEARNT_SHARE if state.power_w is None else min(state.power_w * LEARNT_SHARE, full_w)


def _room_kwh(vehicle: Vehicle | None, state: CarState) -> float:
    """What the car can take until its limit; endless where its size is not known."""
    per_pct = state.wh_per_pct
    if per_pct is None:
        return inf
    return max(_limit_pct(vehicle, state) - (state.soc_pct or 0.0), 0.0) * per_pct / 1000.0


def _limit_pct(vehicle: Vehicle | None, state: CarState) -> float:
    if state.limit_soc_pct is not None:
        return state.limit_soc_pct
    return 100.0 if vehicle is None else vehicle.limit_soc_pct


def _departures(vehicle: Vehicle | None, state: CarState, zone: Zone, now_s: float) -> list[Wanted]:
    """All of the week in order of time; of two at the same time that of once."""
    found: dict[float, Wanted] = {}
    at_s = now_s
    while vehicle is not None and (coming := next_departure(vehicle.departures, zone, at_s)) is not None:
        at_s = coming.utc_s
        if at_s > now_s + AHEAD_S:
            break
        again = coming.departure
        found[at_s] = Wanted(utc_s=at_s, soc_pct=again.soc_pct, energy_kwh=again.energy_kwh, once=False)
    once_s = None if state.repeating else state.departure_utc_s
    if once_s is not None and now_s < once_s <= now_s + AHEAD_S:
        found[once_s] = Wanted(utc_s=once_s, soc_pct=state.goal_soc_pct, energy_kwh=state.goal_kwh, once=True)
    return [found[at_s] for at_s in sorted(found)]


def _need_kwh(
    vehicle: Vehicle | None, state: CarState, wanted: Wanted, point: PointDecision, now_s: float
) -> float | None:
    if wanted.soc_pct is None:
        plan = point.plan if point.vehicle == state.vehicle else None
        if plan is not None and plan.departure_utc_s == wanted.utc_s:
            return max(plan.need_kwh - planner.planned_kwh(plan, now_s), 0.0)
        return wanted.energy_kwh or 0.0
    if state.wh_per_pct is None:
        return None
    target_pct = min(wanted.soc_pct, _limit_pct(vehicle, state))
    return needed_kwh(target_pct, state.soc_pct or 0.0, state.soc_sigma_pct or 0.0, state.wh_per_pct)


def _openings(config: Config, zone: Zone, output: Output, power_w: float, volt_v: float) -> Iterator[_Opening]:
    """Windows, and the slots that the price alone charges in where no window holds, in order of time."""
    now_s, schedule = output.decision.utc_s, config.schedule
    until_s = now_s + AHEAD_S
    held = windows.stretches(schedule.windows, zone, now_s, until_s)
    prices = output.situation.prices
    cheap = () if prices is None else slots_ahead(schedule, prices, now_s)
    low = list(_merged((max(slot.start_s, now_s), min(slot.end_s, until_s)) for slot in cheap))
    at_s = now_s
    for stretch in held:
        yield from _low(low, at_s, stretch.start_s, power_w)
        current_a = stretch.window.current_a
        limited_w = power_w if current_a is None else min(current_a * volt_v, power_w)
        yield _Opening(stretch.start_s, stretch.end_s, limited_w, WINDOW)
        at_s = stretch.end_s
    yield from _low(low, at_s, until_s, power_w)


def _merged(stretches: Iterable[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    last: tuple[float, float] | None = None
    for start_s, end_s in stretches:
        if last is not None and last[1] == start_s:
            last = (last[0], end_s)
            continue
        if last is not None:
            yield last
        last = (start_s, end_s)
    if last is not None:
        yield last


def _low(low: list[tuple[float, float]], from_s: float, until_s: float, power_w: float) -> Iterator[_Opening]:
    for start_s, end_s in low:
        if start_s < until_s and end_s > from_s:
            yield _Opening(max(start_s, from_s), min(end_s, until_s), power_w, PRICE_LOW)


def _leg(
    play: _Play, start_s: float, end_s: float, wanted: Wanted | None, need_kwh: float | None, *, assumed: bool
) -> Leg:
    slots, waits = _played(play, start_s, end_s, need_kwh or 0.0)
    energy_kwh = sum(slot.energy_kwh for slot in slots)
    priced = [slot for slot in slots if slot.price_per_kwh is not None]
    unpriced_kwh = energy_kwh - sum(slot.energy_kwh for slot in priced)
    cost = _cost(priced) if priced or not slots else None
    done_s = None if wanted is None or need_kwh is None else _done_s(slots, start_s, need_kwh)
    missing_kwh = late_s = 0.0
    if need_kwh is not None and wanted is not None and done_s is None:
        missing_kwh = need_kwh - energy_kwh
        late_s = missing_kwh * WS_PER_KWH / play.power_w
    return Leg(
        start_s=start_s,
        end_s=end_s,
        wanted=wanted,
        need_kwh=need_kwh,
        assumed=assumed,
        slots=tuple(slots),
        energy_kwh=energy_kwh,
        cost=cost,
        unpriced_kwh=unpriced_kwh,
        at_once_cost=_at_once(play, start_s, energy_kwh) if unpriced_kwh < LEAST_KWH else None,
        done_s=done_s,
        late_s=late_s,
        missing_kwh=missing_kwh,
        waits_for_prices=waits,
    )


def _played(play: _Play, start_s: float, end_s: float, need_kwh: float) -> tuple[list[Slot], bool]:
    """The slots of a leg, and whether its plan waits for prices."""
    slots: list[Slot] = []
    room_kwh = max(play.room_kwh, need_kwh)
    got_kwh, at_s, waits = 0.0, start_s, False
    inside = [opening for opening in play.openings if opening.start_s < end_s and opening.end_s > start_s]
    for opening in (*inside, _Opening(end_s, end_s, 0.0, "")):
        if need_kwh - got_kwh > 1e-6 and opening.start_s > at_s:
            made = planner.plan(play.request(at_s, end_s, need_kwh - got_kwh))
            waits = made.waits_for_prices
            taken = _until(made.slots, opening.start_s)
            got_kwh += sum(slot.energy_kwh for slot in taken)
            slots += taken
        at_s = max(at_s, opening.start_s)
        until_s = min(opening.end_s, end_s, at_s + (room_kwh - got_kwh) * WS_PER_KWH / max(opening.power_w, 1.0))
        if until_s > at_s:
            taken = _flat(play, at_s, until_s, opening.power_w, opening.why)
            got_kwh += sum(slot.energy_kwh for slot in taken)
            slots += taken
        at_s = max(at_s, min(opening.end_s, end_s))
    return slots, waits


def _until(planned: tuple[PlanSlot, ...], end_s: float) -> list[Slot]:
    return [
        Slot(slot.start_s, min(slot.end_s, end_s), slot.power_w, slot.why.value, slot.price_per_kwh)
        for slot in planned
        if slot.start_s < end_s
    ]


def _flat(play: _Play, start_s: float, end_s: float, power_w: float, why: str) -> list[Slot]:
    """Charging at one power, cut where the price changes; the sun's share counts with its value."""
    request = play.request(start_s, end_s, 0.0)
    return [Slot(span.start_s, span.end_s, power_w, why, span.price) for span in planner.spans(request, end_s, power_w)]


def _cost(slots: list[Slot]) -> float:
    return sum(slot.energy_kwh * (slot.price_per_kwh or 0.0) for slot in slots)


def _at_once(play: _Play, start_s: float, energy_kwh: float) -> float | None:
    end_s = start_s + energy_kwh * WS_PER_KWH / play.power_w
    slots = _flat(play, start_s, end_s, play.power_w, "") if energy_kwh > 0 else []
    return None if any(slot.price_per_kwh is None for slot in slots) else _cost(slots)


def _done_s(slots: list[Slot], start_s: float, need_kwh: float) -> float | None:
    """When so much is in it."""
    left_kwh, done_s = need_kwh, start_s
    for slot in slots:
        if left_kwh <= LEAST_KWH:
            break
        done_s = min(slot.end_s, slot.start_s + left_kwh * WS_PER_KWH / slot.power_w)
        left_kwh -= slot.energy_kwh
    return done_s if left_kwh <= LEAST_KWH else None
