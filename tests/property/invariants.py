"""The invariants of the control as one vocabulary: each is a named check that looks at every step of a run.

A run may be anything: generated streams, days in closed loop, recordings, real histories. `Watch` holds all checks and
stands between the graph and whoever drives it; the tests that drive it are ``test_arbitrary_streams.py``,
``test_generated_days.py``, ``test_recorded_streams.py`` and ``test_histories.py``.

| | invariant | checks |
|---|---|---|
| 1 | setpoint = 0, or minimum <= setpoint <= every limit known at that moment | `WithinLimits`, `WrittenAsDecided` |
| 2 | same events in, same decisions out; saving the state and going on from it changes nothing | `SameFromSaved` |
| 3 | no event raises an exception or stops the stream | `AnswersAlways` (and that the run ends) |
| 4 | stop or unplug: setpoint 0 in that step; stale input never raises | `StopsAtOnce`, `StaleNeverRaises` |
| 5 | gaps and budgets of starts, phase switches and raises | `RaiseBudget`, `StartsRest`, `PhasesRest` |
| 6 | energy booked + energy lost to unknown = the meter's advance; never negative; cost = its slots | `BooksAddUp` |
| 7 | the setpoint turns within 10 s only for a limit, a stop or a deficit over 500 W | `TurnsForACause` |

Where an invariant speaks of the world and not of the decision, the closed loop holds it against the plant as well: the
fuse in ``tests/scenarios/test_any_day.py``, the meter in ``test_generated_days.py``, the energy of each step in
``tests/simulation/test_plant.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import ClassVar, NamedTuple, Protocol

import msgspec

from phaeton.config.points import Point
from phaeton.config.tree import Config
from phaeton.model import (
    ChargerReading,
    ChargerState,
    Command,
    EnergySlot,
    Output,
    PointDecision,
    PointSituation,
    Session,
    SetStart,
    Tick,
    Why,
    Zone,
)
from phaeton.simulation.offline_run import Control, site_control
from phaeton.streams.graph import GraphState, batch
from phaeton.streams.machine import Machine
from phaeton.streams.memory import PointMemory
from phaeton.streams.situation import ConfigChanged, GraphEvent

HOUR_S, DAY_S = 3600.0, 86400.0
NOMINAL_V = 230.0
SMALL = 1e-9
ROUNDING_A = 1e-6
"""A limit that is less than a step of the setpoint by so little counts as that step."""

FAST = {
    Why.MANUAL, Why.BOOST, Why.WINDOW, Why.PRICE_LOW, Why.PLAN_SLOT, Why.PLAN_LATE, Why.MIN_SOC, Why.SOC_UNKNOWN,
}  # fmt: skip
"""What charges without asking the sun, where it is the first reason."""
LIMITS = {
    Why.LIMIT_CONFIG, Why.LIMIT_CHARGER, Why.LIMIT_CAR, Why.LIMIT_FUSE, Why.LIMIT_IMPORT, Why.LIMIT_UNBALANCED,
    Why.LIMIT_OPERATOR, Why.LIMIT_BLIND, Why.LIMIT_REST, Why.OFF_GRID, Why.OFF_GRID_REST,
}  # fmt: skip
OWN_STOPS = {Why.REST}
"""With these auto stops because of the sun."""


class Seen(NamedTuple):
    """One step: what entered, the states around it, and what came out."""

    events: tuple[GraphEvent, ...]
    before: GraphState
    after: GraphState
    output: Output | None


class OfPoint(NamedTuple):
    """What one step says of one charging point."""

    point: Point
    known: PointSituation
    decided: PointDecision
    memory: PointMemory
    now_s: float

    @property
    def whys(self) -> set[Why]:
        """Its reasons without their numbers."""
        return {reason.why for reason in self.decided.reasons}

    @property
    def fast(self) -> Why | None:
        """Why it charges without asking the sun; None where the sun, or nothing, decides."""
        first = self.decided.reasons[0].why if self.decided.reasons else None
        return first if first in FAST else None


def of_points(seen: Seen) -> Iterator[OfPoint]:
    """The charging points of a step that decided something."""
    if seen.output is None:
        return
    decision = seen.output.decision
    parts = (seen.after.points, seen.output.situation.points, decision.points, seen.after.memories)
    for point, known, decided, memory in zip(*parts, strict=True):
        yield OfPoint(point, known, decided, memory, decision.mono_s)


def orders_for(seen: Seen, point: str) -> list[Command]:
    """What people asked of a point in this step."""
    return [event for event in seen.events if isinstance(event, Command) and event.point == point]


class Invariant(Protocol):
    """One check; it raises `AssertionError` at the step that breaks it."""

    number: ClassVar[int]
    """In ``control.md``, and in the table above."""

    def see(self, seen: Seen) -> None:
        """Look at the next step."""


class WithinLimits:
    """The setpoint is 0, or between the minimum and everything that is known to limit it."""

    number: ClassVar[int] = 1

    def see(self, seen: Seen) -> None:
        for one in of_points(seen):
            decided, limits = one.decided, one.point.charger.limits
            current_a = decided.current_a
            assert math.isfinite(current_a)
            if current_a == 0.0:
                continue
            assert decided.min_a >= limits.min_set_current_a
            assert current_a >= decided.min_a
            assert current_a <= limits.max_set_current_a
            assert decided.limit_a is not None
            assert current_a <= decided.limit_a + ROUNDING_A
            reading = one.known.reading
            assert reading is not None
            if reading.limit_max_a is not None:
                assert current_a <= max(reading.limit_max_a, 0.0)
            self._site(seen, one)

    def _site(self, seen: Seen, one: OfPoint) -> None:
        """What the house connection says, looked up without the graph's own reckoning."""
        assert seen.output is not None
        limits, decided, site = seen.after.config.site.limits, one.decided, seen.output.situation.site
        if limits.unbalanced_a is not None and decided.phases == 1:
            assert decided.current_a <= limits.unbalanced_a + ROUNDING_A
        if decided.power_cap_w is not None:
            assert decided.current_a <= decided.power_cap_w / _volt_v(one.known.reading) + ROUNDING_A
        age_s = seen.output.decision.site_age_s
        old = site is None or age_s is None or age_s > limits.missing_after_s
        unseen_import = old or site is None or site.grid_w is None or not site.grid_metered
        unseen_fuse = old or site is None or not site.grid_metered
        if (limits.import_w is not None and unseen_import) or (limits.fuse_a is not None and unseen_fuse):
            assert decided.current_a <= limits.safe_current_a + ROUNDING_A


def _volt_v(reading: ChargerReading | None) -> float:
    volts = [v for v in (() if reading is None else reading.voltage_v) if v is not None and 80.0 <= v <= 300.0]
    return sum(volts) / len(volts) if volts else NOMINAL_V


class WrittenAsDecided:
    """What is written to the charger is the setpoint that was decided."""

    number: ClassVar[int] = 1

    def see(self, seen: Seen) -> None:
        for one in of_points(seen):
            write = one.decided.write
            if write is not None and write.current_a is not None:
                assert write.current_a == one.decided.current_a


class SameFromSaved:
    """A second graph, whose state is written down and read back again and again, decides the same to the byte."""

    number: ClassVar[int] = 2

    def __init__(self, every: int = 1) -> None:
        self._every, self._steps = every, 0
        self._state: GraphState | None = None

    def see(self, seen: Seen) -> None:
        state = seen.before if self._state is None else self._state
        if self._steps % self._every == 0:
            saved = msgspec.msgpack.encode(state)
            state = msgspec.msgpack.decode(saved, type=GraphState)
            assert msgspec.msgpack.encode(state) == saved
        self._steps += 1
        self._state, output = batch(state, seen.events)
        assert msgspec.msgpack.encode(output) == msgspec.msgpack.encode(seen.output)


class AnswersAlways:
    """Every tick and every order is answered, in a time that never runs back, with numbers that are numbers."""

    number: ClassVar[int] = 3

    def __init__(self) -> None:
        self._mono_s = -math.inf

    def see(self, seen: Seen) -> None:
        if any(isinstance(event, Tick) for event in seen.events):
            assert seen.output is not None
        if seen.output is None:
            return
        decision = seen.output.decision
        assert decision.mono_s >= self._mono_s
        self._mono_s = decision.mono_s
        assert [one.point for one in decision.points] == [point.id for point in seen.after.points]
        for part in (decision, *decision.points, *(one.session for one in decision.points), *decision.cars):
            _assert_finite(part)


def _assert_finite(part: msgspec.Struct | None) -> None:
    if part is None:
        return
    for name in part.__struct_fields__:
        value = getattr(part, name)
        assert not isinstance(value, float) or math.isfinite(value), f"{type(part).__name__}.{name} is {value}"


class StopsAtOnce:
    """A stop, a car that left or a fault means 0 A in that very step, for as long as it lasts."""

    number: ClassVar[int] = 4

    def see(self, seen: Seen) -> None:
        for one in of_points(seen):
            decided, reading = one.decided, one.known.reading
            stopped = [order for order in orders_for(seen, one.point.id) if isinstance(order.order, SetStart)]
            if stopped and stopped[-1].order == SetStart(False):
                assert decided.current_a == 0.0
            if not decided.start or reading is None or (decided.reachable and _no_car(reading)):
                assert decided.current_a == 0.0


def _no_car(reading: ChargerReading) -> bool:
    """No car that may charge; pilot E is a fault only when it lasts."""
    if reading.state is ChargerState.FAULT:
        return not reading.state_text.startswith("E")
    return reading.state in (ChargerState.DISCONNECTED, ChargerState.UNAVAILABLE)


class StaleNeverRaises:
    """A silent charger never gets more current, and the sun of a silent house raises nothing."""

    number: ClassVar[int] = 4

    def __init__(self) -> None:
        self._before: dict[str, float] = {}

    def see(self, seen: Seen) -> None:
        for one in of_points(seen):
            assert seen.output is not None
            decided, before_a = one.decided, self._before.get(one.point.id)
            self._before[one.point.id] = decided.current_a
            if before_a is None or decided.current_a <= before_a:
                continue
            assert decided.reachable
            if one.fast is None:
                age_s = seen.output.decision.site_age_s
                assert age_s is not None
                assert age_s <= seen.after.config.site.stale_hold_s


class RaiseBudget:
    """One raise a minute, and ten saved ones; the first that is seen may be a setpoint that was adopted."""

    number: ClassVar[int] = 5

    def __init__(self) -> None:
        self._before: dict[str, float] = {}
        self._left: dict[str, tuple[float, float]] = {}

    def see(self, seen: Seen) -> None:
        for one in of_points(seen):
            name = one.point.id
            left, at_s = self._left.get(name, (11.0, one.now_s))
            left = min(11.0, left + (one.now_s - at_s) / 60.0)
            if one.decided.current_a > self._before.get(name, 0.0):
                left -= 1.0
                assert left > -1e-6
            self._before[name] = one.decided.current_a
            self._left[name] = (left, one.now_s)


class StartsRest:
    """After a stop of its own auto rests before it starts again; so many starts in an hour, then longer rests."""

    number: ClassVar[int] = 5

    def __init__(self) -> None:
        self._before: dict[str, float] = {}
        self._stopped: dict[str, float] = {}
        self._starts: dict[str, list[float]] = {}

    def see(self, seen: Seen) -> None:
        auto = seen.after.config.auto
        for one in of_points(seen):
            name, now_a = one.point.id, one.decided.current_a
            before_a = self._before.get(name, now_a)
            self._before[name] = now_a
            if before_a > 0.0 == now_a:
                self._stopped.pop(name, None)
                if OWN_STOPS & one.whys:
                    self._stopped[name] = one.now_s
            elif before_a == 0.0 < now_a and one.fast is None and name in self._stopped:
                assert one.now_s - self._stopped.pop(name) >= auto.rest_s
                starts = self._starts.setdefault(name, [])
                starts.append(one.now_s)
                assert sum(at_s > one.now_s - HOUR_S for at_s in starts) <= max(auto.max_starts_per_hour, 1)
            self._of_memory(one, auto.max_starts_per_hour, auto.starts_per_day_before_long_rest)

    @staticmethod
    def _of_memory(one: OfPoint, most: int, per_day: int) -> None:
        """The starts that the graph itself counts, which are all of them."""
        starts = one.memory.run.starts
        for first, last in zip(starts, starts[most:], strict=False):
            assert last - first >= HOUR_S
        for first, last in zip(starts[per_day:], starts[per_day + 1 :], strict=False):
            assert last - first >= 900.0


class PhasesRest:
    """Phases are switched a minute apart at the least, by auto itself rarely, and never without a car."""

    number: ClassVar[int] = 5

    def __init__(self) -> None:
        self._written: dict[str, tuple[float, int]] = {}

    def see(self, seen: Seen) -> None:
        config = seen.after.config.phases
        for one in of_points(seen):
            write = one.decided.write
            if write is not None and write.phases is not None:
                assert one.decided.current_a == 0.0
                assert one.decided.plugged
                at_s, phases = self._written.get(one.point.id, (-math.inf, write.phases))
                assert phases == write.phases or one.now_s - at_s >= 60.0
                self._written[one.point.id] = (one.now_s, write.phases)
            switches = one.memory.phases.switches
            for before, after in pairwise(switches):
                assert after - before >= config.min_gap_s
            for most, span_s in ((config.max_per_hour, HOUR_S), (config.max_per_day, DAY_S)):
                for first, last in zip(switches, switches[most:], strict=False):
                    assert last - first >= span_s


class BooksAddUp:
    """All that the meter counts is booked in a stay or lost to unknown, never below 0; cost is that of its slots."""

    number: ClassVar[int] = 6

    def __init__(self) -> None:
        self._booked: dict[str, float] = {}
        self._slots: dict[str, list[EnergySlot]] = {}
        self._old: set[str] = set()
        """Stays that had begun before the run."""
        self._total: dict[str, float] = {}
        """Booked in this run, by point."""
        self._before: dict[str, tuple[float, float]] = {}
        self._begun = False

    def see(self, seen: Seen) -> None:
        if not self._begun:
            self._begun = True
            known = [memory.session.session for memory in seen.before.memories]
            self._booked = {one.id: one.energy_kwh for one in known if one is not None}
            self._old = set(self._booked)
        for one in of_points(seen):
            self._meter(one)
            for slot in one.decided.slots:
                assert min(slot.energy_kwh, slot.pv_kwh, slot.battery_kwh, slot.grid_kwh, slot.unpriced_kwh) >= 0.0
                self._slots.setdefault(slot.session, []).append(slot)
            closed = one.decided.closed
            if closed is not None and closed.id not in self._old:
                self._close(closed)

    def _meter(self, one: OfPoint) -> None:
        """Booked + unknown - booked ahead of a silent meter goes as far as the meter does."""
        state, name = one.memory.session, one.point.id
        session = state.session
        if session is not None:
            grown_kwh = session.energy_kwh - self._booked.get(session.id, 0.0)
            assert grown_kwh >= 0.0
            self._booked[session.id] = session.energy_kwh
            self._total[name] = self._total.get(name, 0.0) + grown_kwh
        reading = one.known.reading
        if state.meter_kwh is None:
            return
        if one.decided.reachable and reading is not None and reading.energy_kwh is not None:
            assert state.meter_kwh == reading.energy_kwh
        total_kwh = self._total.get(name, 0.0) + state.unknown_kwh - state.ahead_kwh
        before = self._before.get(name)
        if before is not None and state.meter_kwh >= before[0]:
            size = max(1.0, abs(state.meter_kwh), abs(total_kwh))
            assert abs((total_kwh - before[1]) - (state.meter_kwh - before[0])) < SMALL * size
        self._before[name] = (state.meter_kwh, total_kwh)

    def _close(self, closed: Session) -> None:
        slots = self._slots.pop(closed.id, [])
        size = SMALL * max(1.0, abs(closed.energy_kwh), abs(closed.cost))
        assert math.isclose(closed.energy_kwh, sum(slot.energy_kwh for slot in slots), abs_tol=size)
        assert math.isclose(closed.cost, sum(slot.cost for slot in slots), abs_tol=size)
        assert math.isclose(closed.energy_kwh, closed.pv_kwh + closed.battery_kwh + closed.grid_kwh, abs_tol=size)


class _Turn(NamedTuple):
    at_s: float
    rises: bool


class TurnsForACause:
    """Up and down again within 10 s, or down and up, only for a limit, a stop, a deficit, or because someone asked."""

    number: ClassVar[int] = 7

    def __init__(self) -> None:
        self._last: dict[str, _Turn] = {}
        self._before: dict[str, OfPoint] = {}
        self._asked: set[str] = set()

    def see(self, seen: Seen) -> None:
        self._asked |= {event.point for event in seen.events if isinstance(event, Command)}
        for one in of_points(seen):
            name = one.point.id
            before = self._before.get(name)
            self._before[name] = one
            if before is None or before.decided.current_a == one.decided.current_a:
                continue
            rises = one.decided.current_a > before.decided.current_a
            last = self._last.get(name)
            if last is not None and last.rises is not rises and one.now_s - last.at_s < 10.0:
                assert self._cause(before, one, rises), (before.decided, one.decided)
            self._last[name] = _Turn(one.now_s, rises)
            self._asked.discard(name)

    def _cause(self, before: OfPoint, one: OfPoint, rises: bool) -> bool:
        decided, was = one.decided, before.decided
        asked = one.point.id in self._asked or one.fast is not before.fast or decided.mode is not was.mode
        limited = bool(LIMITS & (one.whys | before.whys)) or decided.limit_a != was.limit_a
        if asked or limited or (not rises and decided.current_a == 0.0):
            return True
        reading = one.known.reading
        if rises or reading is None or decided.surplus_w is None:
            return False
        return (reading.power_w or 0.0) - decided.surplus_w > 499.9  # told in tenths of a watt


ALL: tuple[type[Invariant], ...] = (
    WithinLimits, WrittenAsDecided, SameFromSaved, AnswersAlways, StopsAtOnce, StaleNeverRaises, RaiseBudget,
    StartsRest, PhasesRest, BooksAddUp, TurnsForACause,
)  # fmt: skip


class Watch:
    """All checks, or some, around a graph."""

    def __init__(self, checks: Sequence[Callable[[], Invariant]] = ALL) -> None:
        self._make = checks
        self._checks = [make() for make in checks]
        self.steps = 0
        self.decisions = 0

    def batch(self, state: GraphState, events: tuple[GraphEvent, ...]) -> tuple[GraphState, Output | None]:
        """A step of the graph, looked at."""
        after, output = batch(state, events)
        self.steps += 1
        self.decisions += output is not None
        seen = Seen(events, state, after, output)
        for check in self._checks:
            check.see(seen)
        if any(isinstance(event, ConfigChanged) for event in events):
            self._checks = [make() for make in self._make]
        return after, output

    def step(self, state: GraphState, event: GraphEvent) -> tuple[GraphState, Output | None]:
        """A step over one event."""
        return self.batch(state, (event,))

    def graph(self, initial: GraphState) -> Machine[GraphState, GraphEvent, Output | None]:
        """The watched graph for a closed loop."""
        return Machine(initial=initial, step=self.step)

    def control(self, config: Config, points: tuple[Point, ...], zone: Zone) -> Control[GraphState]:
        """The watched graph for a simulation."""
        return Control(site_control(config, points, zone).initial, self.batch)


def sparse() -> Invariant:
    """The same from a saved state, saved now and then: for long runs."""
    return SameFromSaved(every=97)


LONG: tuple[Callable[[], Invariant], ...] = tuple(sparse if make is SameFromSaved else make for make in ALL)
