"""The invariants of the control over generated weather, houses, meters and people, in closed loop."""

from __future__ import annotations

from random import Random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from phaeton.model import Mode, Order, SetCurrent, SetMode, SetStart
from phaeton.simulation.battery import HouseBattery
from phaeton.simulation.meter import Meter
from phaeton.simulation.plant import Plant
from phaeton.simulation.profiles import Profile, noisy, steps
from tests.property.invariants import LONG, Watch
from tests.scenarios import site as world

HOUR_S = 3600.0
quick = settings(max_examples=12, deadline=None)


class Day(Struct, frozen=True):
    """A recipe for a site with sun, load, meter, battery and wiring; the same recipe gives the same run."""

    seed: int
    phases: int
    car_phases: int
    battery_soc_pct: float | None
    meter_delay_s: float
    noise_w: float

    def run(self) -> world.Run:
        """A loop at the beginning of that day, in auto."""
        chance = Random(self.seed)
        battery = None if self.battery_soc_pct is None else HouseBattery(soc_pct=self.battery_soc_pct)
        kettle_s = chance.uniform(60, 3000)
        return world.site(
            world.config(world.charger(phases=self.phases)),
            pv=self._sun(chance),
            load=steps(chance.uniform(100, 800), (kettle_s, 2500.0), (kettle_s + 180, 300.0)),
            plant=Plant(battery=battery, meter=Meter(delay_s=self.meter_delay_s, noise_w=self.noise_w, seed=self.seed)),
            cars=[world.car(self.car_phases)],
        )

    def _sun(self, chance: Random) -> Profile:
        """Sun that comes and goes by steps of seconds to half an hour, with noise on it."""
        at_s, changes = 0.0, []
        while at_s < 2 * HOUR_S:
            at_s += chance.choice([7.0, 30.0, 90.0, 240.0, 700.0, 1800.0])
            changes.append((at_s, chance.uniform(0, 9000)))
        return noisy(steps(chance.uniform(0, 9000), *changes), chance.choice([0.0, 100.0, 400.0]), 5.0, self.seed)


days = st.builds(
    Day,
    seed=st.integers(0, 10_000),
    phases=st.sampled_from([1, 3]),
    car_phases=st.sampled_from([1, 3]),
    battery_soc_pct=st.sampled_from([None, 30.0, 60.0, 79.0, 85.0, 100.0]),
    meter_delay_s=st.integers(0, 8).map(float),
    noise_w=st.sampled_from([0.0, 50.0]),
)


@settings(quick, max_examples=8)
@given(days)
def test_the_invariants_hold_over_any_day(day: Day) -> None:
    run, watch = day.run(), Watch(LONG)
    run.graph = watch.graph(run.state)
    run.at(0.8 * HOUR_S, run.plant.chargers[0].unplug)
    run.at(0.9 * HOUR_S, lambda: run.plant.chargers[0].plug(world.car(day.car_phases)))
    run.run(1.3 * HOUR_S)
    assert watch.decisions > 4000


@quick
@given(days)
def test_every_stay_books_what_its_meter_counted(day: Day) -> None:
    run = day.run()
    first_kwh = run.plant.chargers[0].meter_kwh
    run.at(1.5 * HOUR_S, run.plant.chargers[0].unplug)
    trace = run.run(1.6 * HOUR_S)
    counted_kwh = run.plant.chargers[0].meter_kwh - first_kwh
    booked_kwh = sum(s.energy_kwh for s in trace.sessions) + run.state.memories[0].session.unknown_kwh
    assert len(trace.sessions) == 1
    assert abs(booked_kwh - counted_kwh) < 0.02
    assert abs(sum(s.cost for s in trace.slots) - trace.sessions[0].cost) < 1e-6


wishes = st.lists(
    st.tuples(
        st.integers(5, 3500).map(float),
        st.one_of(
            st.builds(SetMode, st.sampled_from(Mode)),
            st.builds(SetStart, st.booleans()),
            st.builds(SetCurrent, st.integers(0, 32).map(float)),
        ),
    ),
    max_size=12,
)


@quick
@given(days, wishes)
def test_a_stop_holds_until_somebody_starts(day: Day, orders: list[tuple[float, Order]]) -> None:
    run = day.run()
    for at_s, order in orders:
        run.command(at_s, order)
    for row in run.run(HOUR_S).rows:
        point = row.decision.points[0]
        assert point.start or point.current_a == 0.0


@quick
@given(days, wishes, st.integers(10, 3500))
def test_a_restart_from_the_saved_state_changes_no_decision(
    day: Day, orders: list[tuple[float, Order]], cut_s: int
) -> None:
    whole, parted = day.run(), day.run()
    parted.at(float(cut_s), parted.restart)
    for run in (whole, parted):
        for at_s, order in orders:
            run.command(at_s, order)
    unbroken = [msgspec.msgpack.encode(row.decision) for row in whole.run(HOUR_S).rows]
    assert [msgspec.msgpack.encode(row.decision) for row in parted.run(HOUR_S).rows] == unbroken
