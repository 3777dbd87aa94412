"""The closed loop in virtual time: the plant answers the graph, and the graph decides on the plant.

Each step is one batch: what is due happens, the plant runs for ``dt_s``, its readings enter the graph, a tick
evaluates it, and the writes that were decided reach the chargers, whose outcomes enter the graph again.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from phaeton.config.points import charging_points
from phaeton.config.tree import Config
from phaeton.model import (
    ChargerIdentity,
    ChargerWrite,
    Command,
    Order,
    Output,
    Tick,
    Unavailable,
    WriteOutcome,
    WriteResult,
    Zone,
)
from phaeton.simulation.charger_plant import ChargerPlant
from phaeton.simulation.plant import Plant
from phaeton.simulation.profiles import Profile, steady
from phaeton.simulation.trace import Row, Trace, Written
from phaeton.streams.machine import Machine
from phaeton.streams.situation import ConfigChanged, GraphEvent

S = TypeVar("S")

Graph = Machine[S, GraphEvent, Output | None]

UTC = Zone()

NOON_UTC_S = 1_750_413_600.0
"""2025-06-20 10:00 UTC: a summer's noon in central Europe."""

_SITE_SILENCE_S = 6.0
"""The site source asks after 4 s of silence and waits 2 s."""
_MAX_REPLIES = 20


class ClosedLoop(Generic[S]):
    """A plant and a graph, stepped together. Times are seconds since the start of the run."""

    def __init__(
        self,
        graph: Graph[S],
        plant: Plant,
        *,
        pv: Profile | float = 0.0,
        load: Profile | float = 0.0,
        dt_s: float = 1.0,
        start_utc_s: float = NOON_UTC_S,
        write_delay_s: float = 0.0,
    ) -> None:
        self.graph = graph
        self.state: S = graph.initial
        self.plant = plant
        self.pv = pv if callable(pv) else steady(pv)
        self.load = load if callable(load) else steady(load)
        self.dt_s = dt_s
        self.write_delay_s = write_delay_s
        self.time_s = 0.0
        self.output: Output | None = None
        """The last evaluation of the graph."""
        self.trace = Trace(dt_s, tuple(charger.point for charger in plant.chargers))
        self.keep_trace = True
        self.control_runs = True
        """False: Phaeton is down, the plant goes on."""
        self._start_mono_s = 1000.0
        self._start_utc_s = start_utc_s
        self._utc_step_s = 0.0
        self._chargers = {charger.point: charger for charger in plant.chargers}
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = 0
        self._in_flight: dict[str, ChargerWrite | None] = {}
        self._silent_since_s: dict[str, float] = {}
        self._site_told = False
        self._site_seen_s = 0.0

    # What a test or a simulator plans.

    def at(self, time_s: float, action: Callable[[], object]) -> None:
        """Do something at the beginning of the step at ``time_s``."""
        self._order += 1
        heapq.heappush(self._due, (time_s, self._order, lambda: (action(), None)[1]))

    def every(self, period_s: float, action: Callable[[], object], first_s: float = 0.0) -> None:
        """Do something again and again."""

        def again() -> None:
            action()
            self.every(period_s, action, self.time_s + period_s)

        self.at(first_s, again)

    def command(self, time_s: float, order: Order, point: str | None = None) -> None:
        """A person asks for something at a time."""
        wanted = self.trace.points[0] if point is None else point
        self.at(time_s, lambda: self.feed(Command(*self.now(), wanted, order, "rest")))

    def reconfigure(self, time_s: float, config: Config, zone: Zone = UTC) -> None:
        """Another configuration comes into force at a time; the chargers stay the same."""
        points = charging_points(config, {})
        self.at(time_s, lambda: self.feed(ConfigChanged(*self.now(), config, points, zone)))

    def step_wall_clock(self, by_s: float) -> None:
        """The wall clock is set; the even clock goes on."""
        self._utc_step_s += by_s

    def restart(self, state: S | None = None) -> None:
        """Phaeton begins again, from a state or from the present one after a round trip through the store's form."""
        kept: S = msgspec.msgpack.decode(msgspec.msgpack.encode(self.state), type=type(self.state))
        self.state = kept if state is None else state
        self.control_runs = True
        self._in_flight.clear()
        self._silent_since_s.clear()
        self._identify()

    # The run.

    def now(self) -> tuple[float, float]:
        """The present ``(mono_s, utc_s)``."""
        return self._start_mono_s + self.time_s, self._start_utc_s + self.time_s + self._utc_step_s

    def run(self, until_s: float) -> Trace:
        """Run until ``until_s``; may be called again to go on."""
        if self.time_s == 0.0:
            self._identify()
        while self.time_s < until_s - 1e-9:
            self.step()
        return self.trace

    def step(self) -> None:
        """One step of ``dt_s``."""
        due = self._due
        while due and due[0][0] <= self.time_s + 1e-9:
            heapq.heappop(due)[2]()
        plant = self.plant
        plant.step(self.dt_s, self.pv(self.time_s), self.load(self.time_s))
        time_s = self.time_s
        self.time_s = time_s + self.dt_s
        if self.control_runs:
            self._sense()
            self.feed(Tick(*self.now()))
        if self.keep_trace and self.output is not None:
            self.trace.rows.append(
                Row(
                    self.time_s,
                    self.output.decision,
                    tuple([charger.power_w for charger in plant.chargers]),
                    plant.pv_w,
                    plant.load_w,
                    plant.grid_w,
                    plant.battery_w,
                )
            )

    def feed(self, event: GraphEvent) -> None:
        """Let an event enter the graph now, and do what it decides."""
        if not self.control_runs:
            return
        self.state, output = self.graph.step(self.state, event)
        for _ in range(_MAX_REPLIES):
            if output is None:
                return
            self.output = output
            outcomes = self._act(output)
            output = None
            for outcome in outcomes:
                self.state, replied = self.graph.step(self.state, outcome)
                output = replied or output
        raise RuntimeError(f"the graph answers each outcome of a write with another write, at {self.time_s} s")

    def _identify(self) -> None:
        mono_s, utc_s = self.now()
        for charger in self.plant.chargers:
            if not charger.silent:
                self.feed(ChargerIdentity(mono_s, utc_s, charger.point, "Alfen NV", "NG910", "ACE0000001", "6.4.0"))

    def _sense(self) -> None:
        mono_s, utc_s = self.now()
        for charger in self.plant.chargers:
            if not charger.silent:
                if charger.point in self._silent_since_s:
                    del self._silent_since_s[charger.point]
                self.feed(charger.reading(mono_s, utc_s))
            elif charger.point not in self._silent_since_s:
                self._silent_since_s[charger.point] = mono_s
                self.feed(Unavailable(mono_s, utc_s, charger.point, mono_s, "no answer"))
        site = self.plant.site_reading(mono_s, utc_s)
        if site is not None:
            self._site_seen_s = mono_s
            self._site_told = False
            self.feed(site)
        elif not self._site_told and mono_s - self._site_seen_s > _SITE_SILENCE_S:
            self._site_told = True
            self.feed(Unavailable(mono_s, utc_s, "site", self._site_seen_s, "no values"))

    def _act(self, output: Output) -> list[WriteOutcome]:
        outcomes: list[WriteOutcome] = []
        for decision in output.decision.points:
            if decision.closed is not None:
                self.trace.sessions.append(decision.closed)
            if decision.slots:
                self.trace.slots.extend(decision.slots)
            write = decision.write
            if write is None:
                continue
            if self.write_delay_s <= 0.0:
                outcomes += self._write(self._chargers[decision.point], write)
            elif decision.point in self._in_flight:
                self._in_flight[decision.point] = write  # the newest wins, nothing queues
            else:
                self._send(decision.point, write)
        return outcomes

    def _send(self, point: str, write: ChargerWrite) -> None:
        self._in_flight[point] = None

        def arrive() -> None:
            outcomes = self._write(self._chargers[point], write)
            waiting = self._in_flight.pop(point, None)
            if waiting is not None:
                self._send(point, waiting)
            for outcome in outcomes:
                self.feed(outcome)

        self.at(self.time_s + self.write_delay_s, arrive)

    def _write(self, charger: ChargerPlant, write: ChargerWrite) -> list[WriteOutcome]:
        mono_s, utc_s = self.now()
        outcomes = []
        if write.current_a is not None:
            result = charger.write_current(write.current_a)
            outcomes.append(WriteOutcome(mono_s, utc_s, point=charger.point, result=result, current_a=write.current_a))
            self._note(charger.point, write.current_a, None, result)
        if write.phases is not None:
            result = charger.write_phases(write.phases)
            detail = "exception 3" if result is WriteResult.REFUSED else ""
            outcomes.append(
                WriteOutcome(mono_s, utc_s, point=charger.point, result=result, phases=write.phases, detail=detail)
            )
            self._note(charger.point, None, write.phases, result)
        return outcomes

    def _note(self, point: str, current_a: float | None, phases: int | None, result: WriteResult) -> None:
        if self.keep_trace:
            self.trace.writes.append(Written(self.time_s, point, current_a, phases, result))
