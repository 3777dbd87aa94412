"""New files out of recordings: a day or a span of it, and what was decided differently made the expected."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from msgspec import Struct, structs

from phaeton.recording import MAGIC, Part, PartWriter, Recording, header, start
from phaeton.replay.run import replay

_EVENTS_IN_A_FRAME = 20_000


class Exported(Struct, frozen=True):
    """What went into a file."""

    parts: int
    events: int
    notices: tuple[str, ...]


class _Out:
    """Writes parts into a file, a frame now and then."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._events = 0
        file.write(MAGIC)

    def count(self, writer: PartWriter) -> None:
        self._events += 1
        if self._events % _EVENTS_IN_A_FRAME == 0:
            self._file.write(writer.flush())

    def end(self, writer: PartWriter) -> None:
        if writer.waiting:
            self._file.write(writer.flush())


def accept(recording: Recording) -> int:
    """Rewrite a file with what this version decides, and return the number of its decisions."""
    decisions = 0
    with _written(recording.path) as file:
        out = _Out(file)
        for part in recording.parts:
            state = start(part.header).state
            writer = PartWriter(header(state, part.header.utc_s, part.header.cause))
            for again in replay(state, part.steps()):
                writer.event(again.recorded.event)
                if again.decision is not None:
                    writer.decision(again.decision)
                    decisions += 1
                elif again.failure:
                    writer.failed()
                out.count(writer)
            out.end(writer)
    return decisions


def export(parts: Iterable[Part], path: Path, span: Callable[[Part], tuple[float, float]]) -> Exported:
    """Write the events of ``begin <= utc_s < end`` into a file that replays alone, with what was decided then."""
    count = events = 0
    notices: list[str] = []
    with _written(path) as file:
        out = _Out(file)
        for part in parts:
            wrote = _export(part, out, span(part), notices.append)
            events += wrote
            count += wrote > 0
    return Exported(count, events, tuple(notices))


def _export(part: Part, out: _Out, span: tuple[float, float], notice: Callable[[str], None]) -> int:
    """Walk to the first event of the span for the state there, then copy what was recorded; returns the events."""
    begun = start(part.header)
    if begun.notice:
        notice(begun.notice)
    state, cause = begun.state, part.header.cause
    writer: PartWriter | None = None
    count, strayed = 0, False
    for recorded in part.steps():
        event = recorded.event
        if event.utc_s >= span[1]:
            break
        if writer is None and event.utc_s < span[0]:
            for again in replay(state, (recorded,)):
                strayed = strayed or not again.same
                state, cause = again.state, "export"
            continue
        if writer is None:
            head = structs.replace(header(state, event.utc_s, cause), version=part.header.version)
            writer = PartWriter(head)
        writer.recorded(recorded)
        out.count(writer)
        count += 1
    if writer is not None:
        out.end(writer)
        if strayed:
            notice("this version decides differently before the span: the state at its beginning is not that of then")
    return count


@contextmanager
def _written(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of an older one as a whole, or not at all."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        with fresh.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
