"""What the tests of recordings share: a closed loop with a tap at its graph, and replays that must be the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import structs

from phaeton.model import ChargerReading, Event, Output, Phases, SiteReading
from phaeton.recording import MAGIC, Part, PartWriter, Recording, header, open_recording, start
from phaeton.replay.run import Judge, replay
from phaeton.streams.graph import GraphState
from phaeton.streams.machine import Machine
from tests.scenarios.site import Run

_DIGITS = {"w": 0, "a": 2, "v": 1, "pct": 1}

Tap = tuple[Callable[[Event], None], Callable[[GraphState, Output | None], None]]
"""Called before an event enters the graph, and with what the graph made of it."""


def tapped(run: Run, tap: Tap) -> Run:
    """The same run; the tap sees what enters its graph and what comes out."""
    graph = run.graph
    before, behind = tap

    def step(state: GraphState, event: Event) -> tuple[GraphState, Output | None]:
        before(event)
        state, output = graph.step(state, event)
        behind(state, output)
        return state, output

    run.graph = Machine(initial=graph.initial, step=step)
    return run


def as_measured(event: Event) -> Event:
    """The event in the steps of the instruments: W to 1, A to 0.01, V and % to 0.1."""
    if not isinstance(event, SiteReading | ChargerReading):
        return event
    changes: dict[str, float | Phases] = {}
    for name, value in structs.asdict(event).items():
        digits = _DIGITS.get(name.rpartition("_")[2], 3)
        if isinstance(value, tuple):
            one, two, three = (None if v is None else round(v, digits) + 0.0 for v in value)
            changes[name] = (one, two, three)
        elif isinstance(value, float):
            changes[name] = round(value, digits) + 0.0
    return structs.replace(event, **changes)


def write_recording(path: Path, run: Run, until_s: float, frame_s: float = 60.0) -> Recording:
    """Run a closed loop on readings as instruments give them, and record it into one part."""
    graph = run.graph
    writer = PartWriter(header(run.state, run.now()[1], "start"))
    frames = [MAGIC]

    def step(state: GraphState, event: Event) -> tuple[GraphState, Output | None]:
        event = as_measured(event)
        writer.event(event)
        state, output = graph.step(state, event)
        if output is not None:
            writer.decision(output.decision)
        return state, output

    run.graph = Machine(initial=graph.initial, step=step)
    while run.time_s < until_s:
        run.run(min(run.time_s + frame_s, until_s))
        frames.append(writer.flush())
    path.write_bytes(b"".join(frames))
    return open_recording(path)


def judged(part: Part) -> Judge:
    """The part decided once more."""
    judge = Judge()
    for step in replay(start(part.header).state, part.steps()):
        assert not step.failure, step.failure
        judge.look(step)
    return judge


def identical(recording: Recording) -> Iterator[int]:
    """The number of events of each part; fails at the first that is decided in another way."""
    for part in recording.parts:
        judge = judged(part)
        assert judge.first is None, judge.first
        yield judge.events
