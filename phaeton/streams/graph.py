"""The wiring: read this first.

Events fold into one situation. A tick, a command, the outcome of a write, an unplugged car or a fault evaluates the
graph once on it:

    look at each point ─► surplus of the site ─► is the site to be trusted? ─► what does each point want?
        ─► share the surplus ─► share the site's limits ─► decide each point ─► one decision with its reasons

Every room keeps its own part of the memory, and nobody reaches into another's. The whole state is data: saved and
continued, it makes no difference to anything that follows.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from phaeton.config.points import Point
from phaeton.config.tree import Config
from phaeton.model import (
    CarOrder,
    ChargerReading,
    ChargerState,
    Command,
    Decision,
    Output,
    PointDecision,
    PointOrder,
    PointSituation,
    Reason,
    SetPhases,
    SiteReading,
    Situation,
    Tick,
    Why,
    WriteOutcome,
    Zone,
)
from phaeton.streams import asked, cars, lease, limits, pairing, phases, session, share, site, surplus
from phaeton.streams import point as pointing
from phaeton.streams.attend import attend, empty, garage_of, states
from phaeton.streams.cars import Garage
from phaeton.streams.intent import SUN, Aim, Look, intend, look
from phaeton.streams.machine import Machine
from phaeton.streams.memory import PointMemory, session_kwh
from phaeton.streams.outlook import NOTHING, Moment
from phaeton.streams.pace import tenths
from phaeton.streams.session import Tariff
from phaeton.streams.share import Claim, Load, Shared
from phaeton.streams.situation import ConfigChanged, GraphEvent, fold
from phaeton.streams.view import HIGHEST_V, LOWEST_V, NOMINAL_V, View

WISH_BEYOND_LEARNT_A = 2.0
LONGEST_STEP_S = 300.0
"""A longer time between two evaluations counts as this much for everything that is integrated."""
_URGENT = frozenset({ChargerState.DISCONNECTED, ChargerState.FAULT, ChargerState.UNAVAILABLE})
"""A car that left or a fault that came cannot wait for the tick."""
LIMIT_DELAY_S = 4.0
"""Delay of the site that its limits reckon with until it is measured."""


class Memory(Struct, frozen=True, gc=False):
    """What the rooms of the site remember."""

    surplus: surplus.SurplusState = surplus.SurplusState()
    site: site.SiteState = site.SiteState()
    evaluated_s: float | None = None
    garage: Garage | None = None
    """The cars, None where neither cars nor prices count."""


class GraphState(Struct, frozen=True, gc=False):
    """The whole state of the graph; every part of it can be written down and read back."""

    config: Config
    zone: Zone
    points: tuple[Point, ...]
    situation: Situation
    memories: tuple[PointMemory, ...]
    memory: Memory = Memory()


def initial_state(config: Config, points: tuple[Point, ...], zone: Zone) -> GraphState:
    """The state of an installation that knows nothing yet."""
    return GraphState(
        config,
        zone,
        points,
        Situation(points=tuple(PointSituation(id=p.id) for p in points)),
        tuple(PointMemory(asked=asked.initial(p.charger.initial)) for p in points),
        Memory(garage=garage_of(config, points)),
    )


def site_graph(
    config: Config, points: tuple[Point, ...], zone: Zone, saved: GraphState | None = None
) -> Machine[GraphState, GraphEvent, Output | None]:
    """The graph of one site; going on from a saved state it takes over the configuration given here."""
    state = initial_state(config, points, zone)
    if saved is not None:
        state = _configured(saved, config, points, zone)
    return Machine(initial=state, step=step)


def step(state: GraphState, event: GraphEvent) -> tuple[GraphState, Output | None]:
    """One event: it changes what is known, and perhaps it is time to decide."""
    return batch(state, (event,))


def batch(state: GraphState, events: tuple[GraphEvent, ...]) -> tuple[GraphState, Output | None]:
    """Events of one moment: all of them fold into the situation, then it is decided once (a step of a simulation)."""
    situation = fold(state.situation, events)
    memories = state.memories
    decisive = False
    for event in events:
        if isinstance(event, Tick):
            decisive = True
        elif isinstance(event, SiteReading):
            continue
        elif isinstance(event, ChargerReading):
            index = _index(state, event.point)
            if index is not None:
                before, now = state.situation.points[index].reading, situation.points[index].reading
                if event.state in _URGENT and (before is None or before.state is not event.state):
                    decisive = True
                memories = _read(memories, index, event, before, now)
        elif isinstance(event, WriteOutcome):
            index = _index(state, event.point)
            if index is not None:
                decisive = True
                memories = _with(memories, index, _written(memories[index], event, situation.mono_s))
        elif isinstance(event, Command):
            if isinstance(event.order, CarOrder):
                decisive = True
                garage = cars.ordered(state.memory.garage or empty(state.points), event.point, event.order)
                state = replace(state, memory=replace(state.memory, garage=garage))
                continue
            index = _index(state, event.point)
            if index is not None:
                decisive = True
                memories = _with(memories, index, _ordered(memories[index], event.order))
        elif isinstance(event, ConfigChanged):
            after, _ = batch(replace(state, situation=situation, memories=memories), ())
            return _configured(after, event.config, event.points, event.zone), None
    if decisive:
        return _evaluate(state, situation, memories)
    return GraphState(state.config, state.zone, state.points, situation, memories, state.memory), None


def _configured(state: GraphState, config: Config, points: tuple[Point, ...], zone: Zone) -> GraphState:
    """A configuration comes into force: points that stay keep what is known and remembered of them."""
    known = {p.id: (s, m) for p, s, m in zip(state.points, state.situation.points, state.memories, strict=True)}
    situations, memories = [], []
    for point in points:
        fresh = (PointSituation(id=point.id), PointMemory(asked=asked.initial(point.charger.initial)))
        kept = known.get(point.id, fresh)
        situations.append(kept[0])
        memories.append(kept[1])
    return replace(
        state,
        config=config,
        zone=zone,
        points=points,
        situation=replace(state.situation, points=tuple(situations)),
        memories=tuple(memories),
        memory=replace(state.memory, garage=garage_of(config, points, state.memory.garage)),
    )


def _index(state: GraphState, point: str) -> int | None:
    """Where the point of an event is."""
    for index, known in enumerate(state.points):
        if known.id == point:
            return index
    return None


def _with(memories: tuple[PointMemory, ...], index: int, memory: PointMemory) -> tuple[PointMemory, ...]:
    """All memories with another one of one point."""
    return (memory,) if len(memories) == 1 else (*memories[:index], memory, *memories[index + 1 :])


def _ordered(memory: PointMemory, order: PointOrder) -> PointMemory:
    memory = replace(memory, asked=asked.step(memory.asked, order, session_kwh(memory)))
    if isinstance(order, SetPhases) and order.phases:
        memory = replace(memory, phases=phases.ordered(memory.phases))
    return memory


def _read(
    memories: tuple[PointMemory, ...],
    index: int,
    event: ChargerReading,
    before: ChargerReading | None,
    reading: ChargerReading | None,
) -> tuple[PointMemory, ...]:
    """Let the lease see every reading that was taken, once, also those between two evaluations."""
    if reading is None or reading.mono_s != event.mono_s or (before is not None and before.mono_s == event.mono_s):
        return memories
    memory = memories[index]
    leased = lease.read(memory.lease, reading)
    return memories if leased is memory.lease else _with(memories, index, replace(memory, lease=leased))


def _written(memory: PointMemory, event: WriteOutcome, now_s: float) -> PointMemory:
    return replace(
        memory,
        lease=lease.outcome(memory.lease, event, now_s),
        phases=phases.outcome(memory.phases, event, now_s),
    )


def _evaluate(state: GraphState, situation: Situation, before: tuple[PointMemory, ...]) -> tuple[GraphState, Output]:
    """Decide once for the whole site, on everything known now."""
    config = state.config
    now_s, utc_s = situation.mono_s, situation.utc_s
    last_s = state.memory.evaluated_s
    dt_s = 0.0
    if last_s is not None and now_s > last_s:
        dt_s = min(now_s - last_s, LONGEST_STEP_S)
    memories = list(before)
    views: list[View] = []
    ev_w = 0.0
    for i, known in enumerate(situation.points):
        memories[i], view = look(known, memories[i], now_s, utc_s)
        views.append(view)
        if view.reachable:
            ev_w += view.ev_w
    surplus_state, sun = surplus.step(state.memory.surplus, config, situation.site, now_s, ev_w)
    still_s = 0.0 if surplus_state.still_since_s is None else now_s - surplus_state.still_since_s
    site_state, house = site.step(state.memory.site, config, situation.site, sun, now_s, still_s)
    garage = state.memory.garage
    outlooks = None
    if garage is not None:
        sun_w = (sun.lower_w or 0.0) / max(sum([view.plugged for view in views]), 1)
        moment = Moment(config, state.zone, situation, sun_w, now_s, utc_s, dt_s)
        garage, outlooks = attend(garage, state.points, views, memories, moment)
    looks: list[Look] = []
    for i, point in enumerate(state.points):
        outlook = NOTHING if outlooks is None else outlooks[i]
        known = situation.points[i]
        looks.append(intend(point, known, memories[i], views[i], house, config, state.zone, now_s, utc_s, outlook))
    shared = _share(looks, config, sun, surplus_state, house)
    tariff = _tariff(situation, config, utc_s)
    decisions: list[PointDecision] = []
    for i, seen in enumerate(looks):
        memories[i], decided = pointing.decide(seen, shared[i], house, config, tariff, now_s, utc_s, dt_s)
        decisions.append(decided)
    decision = Decision(
        now_s,
        utc_s,
        tuple(decisions),
        None if sun.lower_w is None else tenths(sun.lower_w),
        sun.age_s,
        house.fresh,
        pairing.delay_s(surplus_state.pairing),
        tariff.import_per_kwh,
        tariff.feed_in_per_kwh,
        tariff.currency,
        () if garage is None else states(garage, config, situation),
    )
    after = GraphState(
        config,
        state.zone,
        state.points,
        situation,
        tuple(memories),
        Memory(surplus_state, site_state, now_s, garage),
    )
    return after, Output(situation, decision)


def _tariff(situation: Situation, config: Config, utc_s: float) -> Tariff:
    prices = config.prices
    fixed = Tariff(prices.import_per_kwh, prices.feed_in_per_kwh, prices.currency)
    return fixed if situation.prices is None else session.tariff_at(situation.prices, utc_s)


def _share(
    looks: list[Look], config: Config, sun: surplus.Surplus, state: surplus.SurplusState, house: site.SiteView
) -> list[Shared]:
    """Split what the site gives: the surplus among the points in auto, and what its limits leave among all."""
    notes = _sun_notes(sun) if sun.dess or sun.reserve_w > 0 or sun.battery_feeds else ()
    limited = limits.any_set(config.site, house.off_grid)
    if len(looks) == 1 and not limited:
        return [Shared(_alone(looks[0], sun), limits.NO_CAP, False, state.battery_full, notes)]
    offers: dict[int, share.Offer] = {}
    if sun.raise_w is not None and sun.lower_w is not None:
        others_w = sum((s.view.ev_w for s in looks if s.intent.aim is not Aim.SUN and s.view.reachable), 0.0)
        solar = [(index, s) for index, s in enumerate(looks) if s.intent.aim is Aim.SUN]
        claims = tuple(_claim(index, s) for index, s in solar if s.view.reachable)
        if claims:
            offers = share.offers(claims, sun.raise_w - others_w, sun.lower_w - others_w)
        # What an unreachable point draws is a load of the house; its run goes on at the minimum until it answers.
        offers |= {index: share.Offer(s.min_w, s.min_w) for index, s in solar if not s.view.reachable}
    room, caps = limits.FREE_ROOM, dict.fromkeys(range(len(looks)), limits.NO_CAP)
    if limited:
        lines = frozenset(line for seen in looks for line in _lines(seen))
        volts = _line_volts(looks)
        load = _own_load(looks, state, house, volts)
        room = limits.room(config.site, house.reading, house.age_s, load, house.off_grid, lines, volts)
        caps = share.caps(tuple(_load(index, s) for index, s in enumerate(looks)), room)
    blind = room.blind or room.blind_off_grid
    return [Shared(offers.get(i), caps[i], blind, state.battery_full, notes) for i in range(len(looks))]


def _alone(seen: Look, sun: surplus.Surplus) -> share.Offer | None:
    """A single point has nobody to share with."""
    if seen.intent.aim is not SUN or sun.raise_w is None or sun.lower_w is None:
        return None
    return share.Offer(sun.raise_w, sun.lower_w) if seen.view.reachable else share.Offer(seen.min_w, seen.min_w)


def _sun_notes(sun: surplus.Surplus) -> tuple[Reason, ...]:
    notes: tuple[Reason, ...] = ()
    if sun.dess:
        notes += (Reason(Why.DESS, sun.reserve_w),)
    elif sun.reserve_w > 0:
        notes += (Reason(Why.BATTERY_FIRST, sun.reserve_w),)
    if sun.battery_feeds:
        notes += (Reason(Why.BATTERY_FEEDS),)
    return notes


def _want_a(seen: Look) -> float:
    """The most that a point can use (A): little more than it takes where it leaves some of its offer."""
    most_a = seen.point.charger.limits.max_set_current_a
    if seen.wake.idle:
        return seen.min_a
    if seen.view.learnt_a is not None:
        return min(most_a, max(seen.view.learnt_a + WISH_BEYOND_LEARNT_A, seen.min_a))
    return most_a


def _claim(index: int, seen: Look) -> Claim:
    return Claim(
        index=index,
        priority=seen.point.charger.priority,
        plugged_s=seen.memory.plugged_s,
        running=seen.running and seen.memory.run.running,
        min_w=seen.min_w,
        want_w=0.0 if seen.wake.idle else _want_a(seen) * seen.view.volt_v * seen.phases,
    )


def _lines(seen: Look) -> tuple[int, ...]:
    """The grid's phases that the point loads; on one phase that is the one behind its L1."""
    mapped = seen.point.charger.phase_map
    return tuple(mapped[n] - 1 for n in range(seen.phases))


def _load(index: int, seen: Look) -> Load:
    reserved_a = seen_a = 0.0
    if seen.view.known and seen.away and seen.view.plugged and seen.reading is not None:
        applied = (seen.reading.limit_actual_a or 0.0, seen.reading.limit_safe_a or 0.0)
        reserved_a, seen_a = max(applied), seen.view.current_a
    wants = seen.intent.aim is not Aim.ZERO
    return Load(
        index=index,
        priority=seen.point.charger.priority,
        plugged_s=seen.memory.plugged_s,
        running=seen.running and wants,
        waiting=seen.intent.aim is Aim.FAST and not seen.running and seen.memory.limit.stopped_s is None,
        min_a=seen.min_a,
        want_a=_want_a(seen) if wants else 0.0,
        lines=_lines(seen),
        volt_v=seen.view.volt_v,
        reserved_a=reserved_a,
        seen_a=seen_a,
    )


def _line_volts(looks: list[Look]) -> tuple[float, float, float]:
    """The voltage of each grid phase as a charger measures it, the usual one where none does."""
    volts = [NOMINAL_V, NOMINAL_V, NOMINAL_V]
    for seen in looks:
        if seen.reading is not None and seen.view.reachable:
            for volt_v, mapped in zip(seen.reading.voltage_v, seen.point.charger.phase_map, strict=True):
                if volt_v is not None and LOWEST_V <= volt_v <= HIGHEST_V:
                    volts[mapped - 1] = volt_v
    return volts[0], volts[1], volts[2]


def _own_load(
    looks: list[Look], state: surplus.SurplusState, house: site.SiteView, volts: tuple[float, float, float]
) -> limits.Own:
    """The own load behind the site's newest sample, on each of the grid's phases (A) and in total (W)."""
    now_a = [0.0, 0.0, 0.0]
    ev_w = away_w = 0.0
    for seen in looks:
        if seen.reading is None or not seen.view.reachable:
            continue
        ev_w += seen.view.ev_w
        if seen.away:
            away_w += seen.view.ev_w
            continue  # a load of the house, for the caps of the others
        for current, mapped in zip(seen.reading.current_a, seen.point.charger.phase_map, strict=True):
            now_a[mapped - 1] += max(current or 0.0, 0.0)
    sample_s = 0.0 if house.reading is None else house.reading.mono_s
    own = pairing.pair(state.pairing, sample_s, LIMIT_DELAY_S)
    used = {line for seen in looks for line in _lines(seen)} or {0}
    per_w = 1.0 / sum([volts[line] for line in used])
    least = [a + min(own.least_w - ev_w, 0.0) * per_w if line in used else a for line, a in enumerate(now_a)]
    most = [a + max(own.most_w - ev_w, 0.0) * per_w if line in used else a for line, a in enumerate(now_a)]
    return limits.Own(
        least_a=(max(least[0], 0.0), max(least[1], 0.0), max(least[2], 0.0)),
        most_a=(most[0], most[1], most[2]),
        least_w=max(min(own.least_w, ev_w) - away_w, 0.0),
        most_w=max(own.most_w, ev_w) - away_w,
    )
