"""What a day of recording takes: bytes on the disk, time in the worker, and how fast the day replays.

``python -m benchmarks.recording [HOURS]`` runs a closed loop of a noisy day at one reading a second from charger and
house each, with the readings quantised as the sources do, through the recorder's format with one flush a minute.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec import structs

from phaeton.model import ChargerReading, Command, Event, Mode, Output, Phases, SetMode, SiteReading
from phaeton.recording import MAGIC, PartWriter, header, open_recording, start
from phaeton.replay.run import Judge, replay
from phaeton.simulation.battery import HouseBattery
from phaeton.simulation.car import Car
from phaeton.simulation.weather import clear_sky, cloudy, household
from phaeton.streams.graph import GraphState
from phaeton.streams.machine import Machine
from tests.scenarios.site import Run, config, site

DAY_S = 86400.0
MIDNIGHT_UTC_S = 1_750_370_400.0
"""2025-06-20 00:00 in central Europe."""


class Noise:
    """What real instruments add: some watts, some tenths of a volt, a jitter of some milliseconds."""

    def __init__(self, seed: int = 1) -> None:
        self._dice = random.Random(seed)
        self._late_s = 0.0

    def on(self, event: Event) -> Event:
        """The event as it would have come in."""
        if isinstance(event, SiteReading):
            event = self._site(event)
        elif isinstance(event, ChargerReading):
            event = self._charger(event)
        self._late_s = min(self._late_s + self._dice.random() * 0.02, 0.2) if self._late_s < 0.15 else 0.0
        late_s = round(self._late_s, 3)
        return structs.replace(event, mono_s=round(event.mono_s + late_s, 3), utc_s=round(event.utc_s + late_s, 3))

    def _w(self, value: float | None, sigma: float = 8.0) -> float | None:
        return None if value is None else round(value + self._dice.gauss(0.0, sigma), 0) + 0.0

    def _phases(self, values: Phases, digits: int, sigma: float) -> Phases:
        one, two, three = (
            None if v is None else round(v + (self._dice.gauss(0.0, sigma) if v else 0.0), digits) + 0.0 for v in values
        )
        return one, two, three

    def _site(self, event: SiteReading) -> SiteReading:
        soc = event.battery_soc_pct
        limit = event.battery_charge_limit_w
        return structs.replace(
            event,
            grid_w=self._w(event.grid_w),
            grid_phase_w=self._phases(event.grid_phase_w, 0, 5.0),
            grid_phase_a=self._phases(event.grid_phase_a, 2, 0.03),
            pv_w=self._w(event.pv_w) if event.pv_w else 0.0,
            consumption_w=self._w(event.consumption_w),
            battery_w=self._w(event.battery_w),
            battery_soc_pct=None if soc is None else round(soc, 1),
            battery_charge_limit_w=None if limit is None else round(limit, 0),
        )

    def _charger(self, event: ChargerReading) -> ChargerReading:
        power_w, energy = event.power_w, event.energy_kwh
        return structs.replace(
            event,
            voltage_v=self._phases(event.voltage_v, 1, 0.3),
            current_a=self._phases(event.current_a, 2, 0.02),
            power_phase_w=self._phases(event.power_phase_w, 0, 5.0),
            power_w=self._w(power_w) if power_w else 0.0,
            energy_kwh=None if energy is None else round(energy, 3),
            limit_remaining_s=None if event.limit_remaining_s is None else round(event.limit_remaining_s, 0),
            temperature_c=round(25.0 + self._dice.gauss(0.0, 0.1), 1),
        )


def day() -> Run:
    """A cloudy summer's day with a battery, a household, and a car that is there all day and never full."""
    run = site(
        config(),
        pv=cloudy(clear_sky(9000.0), seed=4),
        load=household(seed=4),
        cars=[Car(phases=3, capacity_kwh=10_000.0, max_a=16.0)],
        battery=HouseBattery(soc_pct=30.0),
        start_utc_s=MIDNIGHT_UTC_S,
    )
    run.keep_trace = False
    run.at(20.0 * 3600.0, lambda: run.feed(Command(*run.now(), "1", SetMode(Mode.MANUAL), "rest")))
    return run


class Measured:
    """The numbers of a run."""

    def __init__(self, hours: float) -> None:
        self.hours = hours
        self.events = self.decisions = 0
        self.bytes = 0
        self.encode_s = 0.0
        self.replay_s = 0.0
        self.changed = 0

    def lines(self) -> Iterator[str]:
        """The numbers in words, as a table in Markdown."""
        scale = 24.0 / self.hours
        yield "| recording | value |"
        yield "|---|---|"
        yield f"| simulated | {self.hours:g} h |"
        yield f"| events a day | {self.events * scale:,.0f} |"
        yield f"| decisions a day | {self.decisions * scale:,.0f} |"
        yield f"| bytes a day | {self.bytes * scale / 1e6:.2f} MB |"
        yield f"| bytes an event, its decision included | {self.bytes / self.events:.1f} |"
        yield f"| making bytes, in the worker | {self.encode_s / self.events * 1e6:.0f} us an event |"
        yield f"| replay | {self.events / self.replay_s:,.0f} events a second |"


def measure(hours: float, path: Path) -> Measured:
    """Record so many hours from midnight on and replay them."""
    run, noise, found = day(), Noise(), Measured(hours)
    graph = run.graph
    waiting: list[tuple[Event, Output | None]] = []

    def step(state: GraphState, event: Event) -> tuple[GraphState, Output | None]:
        event = noise.on(event)
        state, output = graph.step(state, event)
        waiting.append((event, output))
        return state, output

    run.graph = Machine(initial=graph.initial, step=step)
    writer = PartWriter(header(run.state, MIDNIGHT_UTC_S, "start"))
    with path.open("wb") as file:
        file.write(MAGIC)
        while run.time_s < hours * 3600.0:
            run.run(run.time_s + 60.0)
            began_s = time.perf_counter()
            for event, output in waiting:
                writer.event(event)
                if output is not None:
                    writer.decision(output.decision)
                    found.decisions += 1
            file.write(writer.flush())
            found.encode_s += time.perf_counter() - began_s
            found.events += len(waiting)
            waiting.clear()
    found.bytes = path.stat().st_size
    (part,) = open_recording(path).parts
    began_s = time.perf_counter()
    judge = Judge()
    for again in replay(start(part.header).state, part.steps()):
        judge.look(again)
    found.replay_s = time.perf_counter() - began_s
    if judge.first is not None:
        raise SystemExit(f"the replay differs: {judge.first}")
    return found


def main() -> None:
    """Measure and print."""
    hours = float(sys.argv[1]) if len(sys.argv) > 1 else 24.0
    with tempfile.TemporaryDirectory() as folder:
        for line in measure(hours, Path(folder) / "day.phaeton").lines():
            print(line)


if __name__ == "__main__":
    main()
