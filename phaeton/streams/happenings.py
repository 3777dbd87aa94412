"""What happened, for people: a car came or left, charging began or ended, a fault, a late plan, the end of a stay.

A pure step over the outputs of the graph, beside the control: it decides nothing, and nothing is decided by it. What
held already at the first look is no news; an unreachable charger tells nothing until it answers again.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from phaeton.model import ChargerState, Output, PointDecision, PointSituation, Session, Status
from phaeton.streams.machine import Machine
from phaeton.streams.reasons import describe

_LATE_S = 60.0
"""A plan that is late by less is in time for people."""
_BETWEEN = frozenset({None, Status.SWITCH_TO_3, Status.SWITCH_TO_1, Status.START_CHARGING, Status.STOP_CHARGING})
"""Neither the beginning nor the end of charging."""


class What(StrEnum):
    """The kinds of happenings; the names are those of the events on every way out."""

    PLUGGED = "plugged"
    UNPLUGGED = "unplugged"
    STARTED = "started"
    STOPPED = "stopped"
    FAULT = "fault"
    FAULT_OVER = "fault_over"
    PLAN_LATE = "plan_late"
    SESSION_ENDED = "session_ended"
    UPDATE = "update"
    """A newer version is there; this one does not come from the graph."""


class Happening(Struct, frozen=True, gc=False):
    """One thing that happened, once."""

    what: What
    utc_s: float
    point: str = ""
    why: str = ""
    """The first reason of the decision, or the charger's word for the fault."""
    late_s: float | None = None
    missing_kwh: float | None = None
    session: Session | None = None
    version: str = ""


class PointSeen(Struct, frozen=True, gc=False):
    """What a point was like when it was last known."""

    point: str
    plugged: bool
    charging: bool
    fault: bool
    late: bool


Seen = tuple[PointSeen, ...]


def step(before: Seen, output: Output | None) -> tuple[Seen, tuple[Happening, ...]]:
    """The news of one output; without an output there is none."""
    if output is None:
        return before, ()
    utc_s = output.decision.utc_s
    known = {seen.point: seen for seen in before}
    places = {place.id: place for place in output.situation.points}
    after: list[PointSeen] = []
    news: list[Happening] = []
    for point in output.decision.points:
        place, last = places.get(point.point), known.get(point.point)
        if place is None or place.reading is None or not point.reachable:
            after += [last] if last is not None else []
        else:
            now = _look(point, place, last)
            after.append(now)
            if last is not None:
                news += _compared(last, now, point, place, utc_s)
        if point.closed is not None:
            news.append(Happening(What.SESSION_ENDED, utc_s, point.point, session=point.closed))
    return tuple(after), tuple(news)


def happenings(seen: Seen = ()) -> Machine[Seen, Output | None, tuple[Happening, ...]]:
    """The operator; it goes on from what was seen before."""
    return Machine(initial=seen, step=step)


def _look(point: PointDecision, place: PointSituation, last: PointSeen | None) -> PointSeen:
    reading = place.reading
    fault = reading is not None and (reading.fault is not None or reading.state is ChargerState.FAULT)
    charging = point.status is Status.CHARGING
    if point.status in _BETWEEN and last is not None and point.plugged and not fault:
        charging = last.charging
    plan = point.plan
    late = plan is not None and point.plugged and plan.late_s >= _LATE_S
    return PointSeen(point.point, point.plugged, charging and point.plugged and not fault, fault, late)


def _compared(
    last: PointSeen, now: PointSeen, point: PointDecision, place: PointSituation, utc_s: float
) -> list[Happening]:
    """In the order in which it makes sense to a reader."""
    why = describe(point.reasons[0]) if point.reasons else ""
    news: list[Happening] = []
    if now.plugged and not last.plugged:
        news.append(Happening(What.PLUGGED, utc_s, point.point))
    if now.fault and not last.fault:
        reading = place.reading
        word = "" if reading is None else reading.fault_text or reading.fault or reading.state_text
        news.append(Happening(What.FAULT, utc_s, point.point, str(word)))
    if last.fault and not now.fault:
        news.append(Happening(What.FAULT_OVER, utc_s, point.point))
    if now.charging != last.charging:
        news.append(Happening(What.STARTED if now.charging else What.STOPPED, utc_s, point.point, why))
    if now.late and not last.late and point.plan is not None:
        plan = point.plan
        news.append(Happening(What.PLAN_LATE, utc_s, point.point, why, plan.late_s, plan.missing_kwh))
    if last.plugged and not now.plugged:
        news.append(Happening(What.UNPLUGGED, utc_s, point.point))
    return news
