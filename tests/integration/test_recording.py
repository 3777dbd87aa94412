"""The running daemon and the replay of what it recorded decide the same, byte for byte."""

from __future__ import annotations

import math
import signal
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import reactivex as rx

from phaeton.cli import main
from phaeton.model import Command, Decision, SiteReading, WriteOutcome
from phaeton.recording import Recording, checksum, open_recording, packed, start
from phaeton.simulation.car import Car
from phaeton.simulation.charger_plant import ChargerPlant
from phaeton.simulation.closed_loop import ClosedLoop
from phaeton.simulation.plant import Plant
from phaeton.sinks.recorder import recordings_in
from phaeton.streams.graph import site_graph
from phaeton.streams.graph import step as step_of_the_graph
from phaeton.streams.machine import Machine
from tests.integration.rig import Rig, eventually, house, rig, zone_at_noon
from tests.recorded import identical

RECORDED = "record: {enabled: true}"
AT_NOON = f"site: {{timezone: {zone_at_noon()}}}"


def recorded(site: Rig) -> Recording:
    folder = site.folder / "state" / "recordings"
    ((name, _),) = recordings_in(folder)
    return open_recording(folder / name)


async def test_live_and_replay_are_the_same_to_the_byte(tmp_path: Path) -> None:
    async with rig(tmp_path) as site:
        site.write_config(RECORDED, AT_NOON)
        gx = await site.put_up_gx(house())
        await site.start()
        await site.register_becomes(16.0)
        for current_a in (9.0, 11.5, 7.0):
            assert await site.write("/SetCurrent", "d", current_a) == 0
            gx.publish_reading(house(grid_w=-3000.0 + 137.3 * current_a))
            await site.register_becomes(current_a)
        assert await site.write("/Mode", "i", 1) == 0
        site.charger.plants[0].car = None
        await site.becomes("/Status", 0)
        gx.publish_reading(house(grid_w=math.nan))
        site.charger.plants[0].car = Car(max_a=32.0)
        await eventually(lambda: _is_not(site, "/Status", 0))
        assert await site.stop() == 0
    recording = recorded(site)
    (events,) = identical(recording)
    kinds = [type(step.event) for step in recording.parts[0].steps()]
    assert events == len(kinds) > 20
    assert kinds.count(Command) == 4
    assert kinds.count(WriteOutcome) > 4
    assert kinds.count(SiteReading) > 2
    assert main(["replay", "-q", str(recording.path)]) == 0


async def test_the_daemon_a_fold_rx_and_a_simulation_agree(tmp_path: Path) -> None:
    """In real time; then its events once more, and a simulation in which the same is asked for."""
    async with rig(tmp_path) as site:
        site.write_config(RECORDED, AT_NOON)
        await site.put_up_gx(house())
        await site.start()
        await site.register_becomes(16.0)
        for current_a in (9.0, 11.5):
            assert await site.write("/SetCurrent", "d", current_a) == 0
            await site.register_becomes(current_a)
        assert await site.write("/StartStop", "i", 0) == 0
        await site.register_becomes(0.0)
        assert await site.write("/StartStop", "i", 1) == 0
        await site.register_becomes(11.5)
        assert await site.stop() == 0
    (part,) = recorded(site).parts
    begun, steps = start(part.header).state, list(part.steps())
    events = [step.event for step in steps]
    graph = Machine(initial=begun, step=step_of_the_graph)
    folded = [None if output is None else packed(output.decision) for _, output in graph.fold(events)]
    flowed: list[bytes | None] = []
    rx.from_iterable(events).pipe(graph.operator()).subscribe(
        lambda pair: flowed.append(None if pair[1] is None else packed(pair[1].decision))
    )
    assert folded == flowed
    assert [None if raw is None else checksum(raw) for raw in folded] == [step.checksum for step in steps]

    live = [output.decision for _, output in graph.fold(events) if output is not None]
    car = [ChargerPlant(point="car", car=Car(max_a=32.0, start_s=0.2), ramp_a_per_s=50.0)]
    fresh = site_graph(begun.config, begun.points, begun.zone)
    simulated = ClosedLoop(fresh, Plant(chargers=car), pv=4000.0, load=1000.0)
    orders = [event.order for event in events if isinstance(event, Command)]
    for number, order in enumerate(orders, start=1):
        simulated.command(10.0 * number, order)
    simulated.run(10.0 * len(orders) + 20.0)
    assert setpoints(row.decision for row in simulated.trace.rows) == setpoints(live) == [16.0, 9.0, 11.5, 0.0, 11.5]


def setpoints(decisions: Iterable[Decision]) -> list[float]:
    """Each setpoint once, from the first that is not 0."""
    found = [decision.points[0].current_a for decision in decisions]
    first = next(n for n, current_a in enumerate(found) if current_a > 0.0)
    return [after for before, after in pairwise([0.0, *found[first:]]) if after != before]


async def test_a_restart_and_a_reload_are_parts_and_events_of_one_file(tmp_path: Path) -> None:
    async with rig(tmp_path) as site:
        site.write_config(RECORDED, AT_NOON)
        await site.put_up_gx(house())
        await site.start()
        await site.register_becomes(16.0)
        await site.stop()
        await site.start()
        await site.register_becomes(16.0)
        site.write_config(RECORDED, AT_NOON.replace("}", ", limits: {import_w: 2000}}"))
        assert site.process is not None
        site.process.send_signal(signal.SIGHUP)
        await eventually(lambda: _said(site, "the configuration changes"))
        assert await site.write("/SetCurrent", "d", 8.0) == 0
        await site.register_becomes(8.0)
        await site.stop()
    recording = recorded(site)
    assert [part.header.cause for part in recording.parts] == ["start", "start"]
    assert len(list(identical(recording))) == 2
    assert "ConfigChanged" in [type(step.event).__name__ for step in recording.parts[1].steps()]


async def test_recording_is_begun_and_ended_by_a_reload(tmp_path: Path) -> None:
    async with rig(tmp_path) as site:
        site.write_config(AT_NOON)
        await site.start()
        await site.register_becomes(16.0)
        folder = site.folder / "state" / "recordings"
        assert site.process is not None
        site.write_config(RECORDED, AT_NOON)
        site.process.send_signal(signal.SIGHUP)
        await eventually(lambda: _said(site, "recording in"))
        assert await site.write("/SetCurrent", "d", 8.0) == 0
        await site.register_becomes(8.0)
        site.write_config("record: {enabled: false}", AT_NOON)
        site.process.send_signal(signal.SIGHUP)
        await eventually(lambda: _holds(folder))
        recording = recorded(site)
        assert await site.write("/SetCurrent", "d", 9.0) == 0
        await site.register_becomes(9.0)
        await site.stop()
    assert recorded(site).good_bytes == recording.good_bytes
    (events,) = identical(recording)
    assert events > 0


async def _said(site: Rig, words: str) -> bool:
    return any(words in line for line in site.log)


async def _is_not(site: Rig, path: str, value: object) -> bool:
    return bool(await site.value(path) != value)


async def _holds(folder: Path) -> bool:
    return any(size > 100 for _, size in recordings_in(folder))
