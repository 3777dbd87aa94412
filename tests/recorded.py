"""What the tests of recordings share: a closed loop with a tap at its graph, and replays that must be the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from phaeton.model import Event, Output
from phaeton.recording import MAGIC, Part, PartWriter, Recording, header, open_recording, start
from phaeton.replay.run import Judge, replay
from phaeton.streams.graph import GraphState
from phaeton.streams.machine import Machine
from tests.scenarios.site import Run

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


def write_recording(path: Path, run: Run, until_s: float, frame_s: float = 60.0) -> Recording:
    """Run a closed loop and record it into one part."""
    writer = PartWriter(header(run.state, run.now()[1], "start"))
    frames = [MAGIC]

    def behind(state: GraphState, output: Output | None) -> None:
        if output is not None:
            writer.decision(output.decision)

    tapped(run, (writer.event, behind))
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
