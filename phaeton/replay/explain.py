"""``phaeton explain``: one step of a recording in words, with what each room was given and what it gave."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import NODEFAULT, Struct

from phaeton.config.points import Point
from phaeton.config.tree import Config
from phaeton.model import Zone
from phaeton.recording import Part, RecordingError, open_recording, start
from phaeton.replay import words
from phaeton.replay.problem import UsageError
from phaeton.replay.trace import Trace, Visit, trace
from phaeton.streams.graph import GraphState, step
from phaeton.streams.reasons import describe
from phaeton.streams.situation import GraphEvent
from phaeton.streams.windows import offset_s

SCHEMA = "phaeton-explain/1"
OK = 0
_SAME_EVERYWHERE = (Config, Zone, Point, GraphState)
"""What says nothing of one room."""
_LINE = 150
_DEPTH = 3
_FORMS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M")


def explain(files: Sequence[Path], at: str, room: str, *, as_json: bool) -> int:
    """Print the step that was in force at a time; raises `UsageError` and `RecordingError`."""
    parts = [part for path in files for part in open_recording(path).parts]
    if not parts:
        raise RecordingError(f"{files[-1]}: nothing is left of this recording")
    wanted_s = _time(at, parts[-1])
    state, event = _step_at(parts, wanted_s)
    found = trace(state, event)
    if as_json:
        document = msgspec.json.encode(_document(found, room), enc_hook=str)
        sys.stdout.write(msgspec.json.format(document, indent=1).decode() + "\n")
        return OK
    lines = _room_lines(found, room) if room else _lines(found)
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return OK


def _time(text: str, newest: Part) -> float:
    """Seconds since 1970 of a time as it is typed; of the newest part's day where none is named."""
    zone = newest.header.zone
    text = text.strip().replace("T", " ")
    if "+" in text or text.endswith("Z"):
        try:
            return datetime.fromisoformat(text).timestamp()
        except ValueError:
            pass
    if "-" not in text:
        day = datetime.fromtimestamp(newest.header.utc_s + offset_s(zone, newest.header.utc_s), UTC)
        text = f"{day:%Y-%m-%d} {text}"
    for form in _FORMS:
        try:
            wall_s = datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
        return wall_s - offset_s(zone, wall_s - offset_s(zone, wall_s))
    raise UsageError(f"--at must be a time such as '2026-11-25 12:03:10' or 12:03, not {text}")


def _step_at(parts: Sequence[Part], utc_s: float) -> tuple[GraphState, GraphEvent]:
    """The newest decision that was made by then, as the state before it and the event that led to it."""
    begun = [part for part in parts if part.header.utc_s <= utc_s]
    if not begun:
        first = parts[0].header
        begins = words.day_and_clock(first.zone, first.utc_s)
        raise UsageError(f"the recording begins later, at {begins}")
    newest: tuple[GraphState, GraphEvent] | None = None
    for part in reversed(begun):
        state = start(part.header).state
        last_s = part.header.utc_s
        for recorded in part.steps():
            last_s = recorded.event.utc_s
            if last_s > utc_s:
                break
            before = state
            state, output = step(state, recorded.event)
            if output is not None:
                newest = before, recorded.event
        if newest is not None:
            return newest
    raise UsageError("nothing had been decided by then")


# For people.


def _lines(found: Trace) -> Iterator[str]:
    zone, output = found.state.zone, found.output
    assert output is not None
    decision = output.decision
    yield f"{words.day_and_clock(zone, decision.utc_s)}: decided upon {type(found.event).__name__}"
    yield ""
    for point in decision.points:
        yield f"charging point {point.point}: {words.setpoint(point)}"
        yield from (f"  because {describe(reason)}" for reason in point.reasons)
        if point.write is not None:
            yield f"  written: {_shown(point.write)}"
    yield ""
    yield "what was known"
    for known in output.situation.points:
        yield from _wrapped(f"  charger {known.id}: ", known.reading)
    if output.situation.site is not None:
        yield from _wrapped("  house: ", output.situation.site)
    yield ""
    yield "room by room"
    for visit in found.visits:
        indent = "  " * (visit.depth + 1)
        yield f"{indent}{visit.room} - {visit.question}"
        for name, value in _telling(visit):
            yield _cut(f"{indent}    {name} = {_shown(value)}")
        yield _cut(f"{indent}    gave {_shown(visit.gave)}")


def _room_lines(found: Trace, room: str) -> Iterator[str]:
    visits = [visit for visit in found.visits if room in (visit.room, visit.room.partition(".")[0])]
    if not visits:
        there = ", ".join(dict.fromkeys(visit.room for visit in found.visits))
        raise UsageError(f"the room {room} had no part in this step; these had: {there}")
    for visit in visits:
        yield f"{visit.room} - {visit.question}"
        for name, value in _telling(visit):
            yield from _wrapped(f"  {name} = ", value)
        yield from _wrapped("  gave ", visit.gave)


def _telling(visit: Visit) -> Iterator[tuple[str, object]]:
    return ((name, value) for name, value in visit.given.items() if not isinstance(value, _SAME_EVERYWHERE))


def _wrapped(head: str, value: object) -> Iterator[str]:
    """A struct with one field a line where it is long, else in one."""
    whole = f"{head}{_shown(value, _DEPTH + 2)}"
    if len(whole) <= _LINE or not isinstance(value, Struct):
        yield whole
        return
    yield f"{head}{type(value).__name__}"
    for name, item in _fields(value):
        yield f"{' ' * (len(head) - len(head.lstrip()) + 4)}{name} = {_shown(item, _DEPTH + 1)}"


def _cut(line: str) -> str:
    return line if len(line) <= _LINE else f"{line[: _LINE - 3]}..."


def _shown(value: object, depth: int = _DEPTH) -> str:
    """A value in short: of a struct only what is not as always."""
    if isinstance(value, _SAME_EVERYWHERE):
        return f"({type(value).__name__.lower()})"
    if isinstance(value, Struct):
        if depth == 0:
            return f"{type(value).__name__}(...)"
        inner = ", ".join(f"{name}={_shown(item, depth - 1)}" for name, item in _fields(value))
        return f"{type(value).__name__}({inner})"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, str):
        return value if value else "''"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_shown(item, depth - 1)}" for key, item in value.items()) + "}"
    if isinstance(value, Iterable):
        items = [_shown(item, depth - 1) for item in value] if depth > 0 else ["..."]
        return f"({', '.join(items)})"
    return str(value)


def _fields(value: Struct) -> Iterator[tuple[str, object]]:
    """The fields that differ from their defaults."""
    for field in msgspec.structs.fields(value):
        item = getattr(value, field.name)
        usual = field.default_factory() if field.default_factory is not NODEFAULT else field.default
        if item != usual:
            yield field.name, item


# For programs.


def _document(found: Trace, room: str) -> dict[str, object]:
    output = found.output
    assert output is not None
    return {
        "schema": SCHEMA,
        "time": words.day_and_clock(found.state.zone, output.decision.utc_s),
        "utc_s": output.decision.utc_s,
        "event": {"kind": type(found.event).__name__} | _plain_fields(found.event),
        "situation": output.situation,
        "decision": output.decision,
        "reasons": {point.point: [describe(reason) for reason in point.reasons] for point in output.decision.points},
        "rooms": [
            {
                "room": visit.room,
                "question": visit.question,
                "depth": visit.depth,
                "given": {name: _plain(value) for name, value in _telling(visit)},
                "gave": _plain(visit.gave),
            }
            for visit in found.visits
            if not room or room in (visit.room, visit.room.partition(".")[0])
        ],
    }


def _plain(value: object) -> object:
    if isinstance(value, _SAME_EVERYWHERE):
        return f"({type(value).__name__.lower()})"
    if isinstance(value, Struct):
        return _plain_fields(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value


def _plain_fields(value: Struct) -> dict[str, object]:
    return {field: _plain(getattr(value, field)) for field in value.__struct_fields__}
