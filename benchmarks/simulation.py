"""How fast the graph runs offline: the bare step, through Rx, and in the closed loop, and where the time goes.

    python -m benchmarks.simulation [--days 2] [--year] [--profile]

A made-up summer (sun, clouds, house, 10 kWh battery, a car on two of three days); with ``--year`` also a year in steps
of a minute.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import pstats
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from reactivex.subject import Subject

from phaeton.config.points import Point
from phaeton.config.tree import Charger, Config, Site
from phaeton.model import Output, Zone
from phaeton.simulation.history import History, in_memory
from phaeton.simulation.house_setup import HouseSetup
from phaeton.simulation.offline_run import Control, site_control
from phaeton.simulation.result import Result, Setup
from phaeton.simulation.simulate import simulate
from phaeton.simulation.stays import Stay, daily
from phaeton.simulation.weather import DAY_S, clear_sky, cloudy, household
from phaeton.streams import graph
from phaeton.streams.machine import Machine
from phaeton.streams.situation import GraphEvent
from phaeton.zones import zone

START_S = 1_748_728_800.0
"""2025-05-31 22:00 UTC, a midnight in Amsterdam."""
ZONE = "Europe/Amsterdam"
DAILY_KWH = 12.0

Batch = tuple[GraphEvent, ...]
State = graph.GraphState


def config() -> Config:
    """One charger, everything else at its default."""
    return Config(chargers=(Charger(host="simulated"),), site=Site(timezone=ZONE))


def summer(days: int, cell_s: float) -> History:
    """Made-up days: sun between clouds, and a household."""
    sun, house = cloudy(clear_sky(8000.0)), household()
    times = [n * cell_s for n in range(int(days * DAY_S / cell_s))]
    return in_memory(START_S, cell_s, map(sun, times), map(house, times))


def cars(history: History) -> tuple[Stay, ...]:
    """Plugged in from 17:00 to 8:00 and wanting some energy; on each third day it stays at home."""
    whole = daily(zone(ZONE, START_S), history.start_s, history.end_s, DAILY_KWH)
    return tuple(
        stay
        if number % 3 == 0
        else Stay(
            arrival_s=stay.arrival_s + 17 * 3600.0,
            departure_s=min(stay.arrival_s + 32 * 3600.0, history.end_s),
            energy_kwh=DAILY_KWH,
        )
        for number, stay in enumerate(whole)
        if number % 3 != 2
    )


def run(history: History, step_s: float, make: Callable[..., Control[State]] = site_control) -> Result:
    """The closed loop, once."""
    setup = Setup(house=HouseSetup(battery_kwh=10.0), step_s=step_s)
    return simulate(history, config(), cars(history), setup=setup, make_control=make)


def recorded(history: History, step_s: float) -> tuple[State, list[Batch]]:
    """The batches that enter the graph in a closed loop."""
    batches: list[Batch] = []
    begun: list[State] = []

    def listening(settings: Config, points: tuple[Point, ...], at: Zone) -> Control[State]:
        control = site_control(settings, points, at)
        begun.append(control.initial)

        def batch(state: State, events: Batch) -> tuple[State, Output | None]:
            batches.append(events)
            return control.batch(state, events)

        return Control(control.initial, batch, control.waits)

    run(history, step_s, listening)
    return begun[0], batches


def bare(state: State, batches: list[Batch]) -> None:
    """A fold, one batch a step."""
    step = graph.batch
    for events in batches:
        state, _ = step(state, events)


def singly(state: State, batches: list[Batch]) -> None:
    """A fold, one event at a time, as in a replay."""
    step = graph.step
    for events in batches:
        for event in events:
            state, _ = step(state, event)


def through_rx(state: State, batches: list[Batch]) -> None:
    """The same step as an Rx operator, fed by a subject, as in the daemon."""
    source: Subject[Batch] = Subject()
    machine: Machine[State, Batch, Output | None] = Machine(initial=state, step=graph.batch)
    source.pipe(machine.operator()).subscribe(lambda _: None)
    for events in batches:
        source.on_next(events)


def best(what: Callable[[], object], times: int = 3) -> float:
    """The least CPU time of some runs, in s: other work on the machine disturbs it less than the wall time."""
    spent = []
    for _ in range(times):
        gc.collect()
        began_s = time.process_time()
        what()
        spent.append(time.process_time() - began_s)
    return min(spent)


def nothing(settings: Config, points: tuple[Point, ...], at: Zone) -> Control[None]:
    """A control that does nothing: what is left is plant, readings and books."""
    return Control(None, lambda state, _: (state, None))


def where(history: History, step_s: float) -> Iterator[str]:
    """The share of the time in each file, without the files that it calls."""
    profile = cProfile.Profile()
    profile.enable()
    run(history, step_s)
    profile.disable()
    spent: dict[str, float] = defaultdict(float)
    for (file, _, _), numbers in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        path = Path(file)
        name = "/".join(path.parts[-2:]) if "phaeton" in path.parts else "built-in functions"
        spent[name] += numbers[2]
    total = sum(spent.values())
    for name, seconds in sorted(spent.items(), key=lambda one: -one[1])[:18]:
        yield f"  {100 * seconds / total:5.1f} %  {name}"


def compare(history: History, step_s: float) -> None:
    """Print the rates of each life of the graph."""
    state, batches = recorded(history, step_s)
    asked, steps = len(batches), run(history, step_s).steps
    print(f"steps of {step_s:g} s: {steps}, the control is asked in {asked}; a second of CPU (best of three)")
    for name, count, what in (
        ("bare step", asked, lambda: bare(state, batches)),
        ("one event at a time", asked, lambda: singly(state, batches)),
        ("through Rx", asked, lambda: through_rx(state, batches)),
        ("closed loop, steps that ask", asked, lambda: run(history, step_s)),
        ("closed loop, all steps", steps, lambda: run(history, step_s)),
        ("all steps without a control", steps, lambda: run(history, step_s, nothing)),
    ):
        rate = count / best(what)
        print(f"  {name:<30} {rate:9,.0f}   {1e6 / rate:6.1f} us")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=2, help="days in steps of 1 s (2)")
    parser.add_argument("--year", action="store_true", help="a year in steps of a minute as well")
    parser.add_argument("--profile", action="store_true", help="where the time goes")
    options = parser.parse_args()
    for step_s in (1.0, 60.0):
        compare(summer(options.days if step_s == 1.0 else options.days * 15, step_s), step_s)
        if options.profile:
            print("where the time of the closed loop goes (profiled)")
            print("\n".join(where(summer(1 if step_s == 1.0 else 15, step_s), step_s)))
    if options.year:
        year = summer(365, 60.0)
        began_s = time.process_time()
        result = run(year, 60.0)
        cpu_s = time.process_time() - began_s
        rate = f"{result.steps_per_s:,.0f} a second"
        print(f"a year in steps of 60 s: {result.steps} steps in {result.wall_s:.1f} s ({cpu_s:.1f} s of CPU), {rate}")


if __name__ == "__main__":
    main()
