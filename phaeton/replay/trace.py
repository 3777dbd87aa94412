"""One step of the graph looked into: what each room was given, and what it gave.

The rooms are pure functions, so that they need not know of it: their calls are watched while the step is folded once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from msgspec import Struct

from phaeton.model import Output
from phaeton.streams import graph
from phaeton.streams.graph import GraphState
from phaeton.streams.situation import GraphEvent

_FOLDER = str(Path(graph.__file__).parent)

ROOMS: dict[str, str] = {
    "situation.fold": "the event becomes part of what is known",
    "view.step": "what do the charger and the car do?",
    "wake.step": "does the car sleep?",
    "pairing.pair": "to which own power does the site's sample belong?",
    "surplus.step": "what does the sun leave?",
    "site.step": "can the house be believed, is the grid there, is the battery too low?",
    "attend.attend": "which car is here, what does it want and when, and what does that say to each point?",
    "cars.step": "which car is here, and what became of its battery?",
    "soc.estimate": "how full is the car?",
    "plan.step": "does the plan still hold?",
    "planner.plan": "when to charge for a departure at the least cost?",
    "cheapest.cheapest": "which hours cost the least?",
    "strategy.step": "is the price low enough?",
    "outlook.step": "what do car, plan and price say to the point now?",
    "intent.intend": "nothing, as much as asked, or what the sun gives?",
    "share.offers": "who gets the surplus?",
    "share.caps": "who gets the room under the fuse?",
    "limits.own": "how much may the charger and its wiring carry?",
    "limits.room": "how much do fuse and house leave on each phase?",
    "limits.site_cap": "how much of that may be used?",
    "auto.step": "charging from the sun: start, hold, rest",
    "run.step": "does a run begin, go on or end?",
    "curtailed.step": "does held back PV have more to give?",
    "phases.step": "one phase or three?",
    "pace.step": "how fast may the setpoint move?",
    "lease.outcome": "what became of the last write?",
    "lease.due": "what must be written now?",
    "session.step": "energy and cost of the stay",
    "explain.explain": "the reasons in their order",
    "status.status": "the status on the GX",
    "point.decide": "the decision for the point",
}
"""Module and function of each room, and its question."""


class Visit(Struct):
    """One room that was asked in the step, in the order of the answers."""

    room: str
    question: str
    depth: int
    """How many rooms it was asked by."""
    given: dict[str, object]
    gave: object = None


class Trace(Struct, frozen=True):
    """One step."""

    state: GraphState
    """Before the step."""
    event: GraphEvent
    after: GraphState
    output: Output | None
    visits: tuple[Visit, ...]


def trace(state: GraphState, event: GraphEvent) -> Trace:
    """Fold one event, watching the rooms; raises what the graph raises."""
    visits: list[Visit] = []
    open_rooms: list[tuple[FrameType, Visit]] = []

    def watch(frame: FrameType, what: str, value: object) -> None:
        if what == "call":
            name = _room(frame)
            if name in ROOMS:
                visit = Visit(name, ROOMS[name], len(open_rooms), dict(_given(frame)))
                visits.append(visit)
                open_rooms.append((frame, visit))
        elif what == "return" and open_rooms and open_rooms[-1][0] is frame:
            open_rooms.pop()[1].gave = value

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        after, output = graph.step(state, event)
    finally:
        sys.setprofile(before)
    return Trace(state, event, after, output, tuple(visits))


def _room(frame: FrameType) -> str:
    path = frame.f_code.co_filename
    if not path.startswith(_FOLDER):
        return ""
    return f"{Path(path).stem}.{frame.f_code.co_name}"


def _given(frame: FrameType) -> Iterator[tuple[str, object]]:
    code = frame.f_code
    for name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
        value = frame.f_locals[name]
        # Lists are filled further on by who gave them.
        yield name, tuple(value) if isinstance(value, list) else value
