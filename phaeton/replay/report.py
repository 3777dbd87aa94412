"""What a replay shows: each changed decision with its reasons, as lines for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from phaeton.model import Decision, PointDecision, Status, Zone
from phaeton.replay import words
from phaeton.replay.run import Difference
from phaeton.streams.reasons import describe

SCHEMA = "phaeton-replay/1"


class Shown(Struct, frozen=True):
    """One changed decision of a point in the JSON."""

    time: str
    utc_s: float
    point: str
    current_a: float
    phases: int
    mode: str
    start: bool
    status: str | None
    reasons: tuple[str, ...]
    recorded: dict[str, float | str | None] | None = None
    """Setpoint and status then, where they were others."""


class PartSummary(Struct, frozen=True, kw_only=True):
    """How one part ended."""

    began: str
    cause: str
    recorded_by: str
    events: int
    decisions: int
    different: int
    first_difference: dict[str, object] | None = None


class Changes:
    """Picks the decisions that differ from the one before, or from what was recorded in the same step."""

    def __init__(self) -> None:
        self._told: dict[str, object] = {}

    def of(
        self, decision: Decision, then: Decision | None = None
    ) -> Iterator[tuple[PointDecision, PointDecision | None]]:
        """The points that changed, each with what was recorded for it where that says something else."""
        recorded = {} if then is None else {point.point: point for point in then.points}
        for point in decision.points:
            other = recorded.get(point.point)
            if other is not None and _main(other) == _main(point):
                other = None
            now = (_main(point), None if other is None else _main(other))
            if self._told.get(point.point) != now:
                self._told[point.point] = now
                yield point, other


def _main(point: PointDecision) -> tuple[object, ...]:
    """What makes a line of its own; lesser reasons come and go."""
    first = point.reasons[0].why if point.reasons else None
    return point.current_a, point.phases, point.status, point.mode, point.start, first


def line(zone: Zone, utc_s: float, point: PointDecision, then: PointDecision | None) -> str:
    """A changed decision for people."""
    recorded = "" if then is None else f" (recorded: {words.setpoint(then)})"
    return f"{words.clock(zone, utc_s)}  {point.point}: {words.setpoint(point)}{recorded}: {words.reasons(point)}"


def shown(zone: Zone, utc_s: float, point: PointDecision, then: PointDecision | None) -> Shown:
    """A changed decision for programs."""
    return Shown(
        words.day_and_clock(zone, utc_s),
        utc_s,
        point.point,
        point.current_a,
        point.phases,
        point.mode.name.lower(),
        point.start,
        _name(point.status),
        tuple(describe(reason) for reason in point.reasons),
        None if then is None else {"current_a": then.current_a, "status": _name(then.status)},
    )


def _name(status: Status | None) -> str | None:
    return None if status is None else status.name.lower()


def difference_lines(zone: Zone, first: Difference) -> Iterator[str]:
    """The first differing step: when, upon what, field by field, and what happened since all was the same."""
    yield f"first difference at {words.day_and_clock(zone, first.event.utc_s)} (mono_s {first.event.mono_s:.3f})"
    yield f"  decided upon:  {words.event_line(zone, first.event)}"
    for event in first.since:
        yield f"  after:         {words.event_line(zone, event)}"
    for field in first.fields:
        yield f"  recorded -> now  {field}"
    if not first.fields:
        yield "  setpoint, status and first reasons are the same; other numbers differ"
        if first.later_utc_s is not None:
            yield f"  the next decision that was recorded in full, at {words.clock(zone, first.later_utc_s)}:"
    for field in first.later:
        yield f"    recorded -> now  {field}"


def difference_json(zone: Zone, first: Difference) -> dict[str, object]:
    """The same for programs."""
    return {
        "time": words.day_and_clock(zone, first.event.utc_s),
        "utc_s": first.event.utc_s,
        "mono_s": first.event.mono_s,
        "event": words.event_line(zone, first.event),
        "since": [words.event_line(zone, event) for event in first.since],
        "fields": [msgspec.to_builtins(field) for field in (*first.fields, *first.later)],
    }


class JsonReport:
    """One JSON document, written as it comes: a day of decisions is never held in memory."""

    def __init__(self, file: IO[bytes], files: list[Path], version: str, config: Path | None) -> None:
        self._file = file
        self._first = True
        head = {
            "schema": SCHEMA,
            "files": [str(path) for path in files],
            "version": version,
            "config": None if config is None else str(config),
        }
        file.write(msgspec.json.encode(head)[:-1] + b',"decisions":[')

    def decision(self, item: Shown) -> None:
        """The next changed decision."""
        self._file.write(b"\n" if self._first else b",\n")
        self._first = False
        self._file.write(msgspec.json.encode(item))

    def end(self, parts: list[PartSummary], *, identical: bool) -> None:
        """The summary of all parts."""
        tail = {"parts": parts, "identical": identical}
        self._file.write(b"\n]," + msgspec.json.encode(tail)[1:] + b"\n")
