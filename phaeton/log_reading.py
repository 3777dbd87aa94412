"""The log file read again: its first or last records, in pieces and from either end, however long it is. It blocks."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from phaeton.log_ring import LogLine
from phaeton.redaction import redacted

PIECE_BYTES = 65_536
MOST_LOOKED_AT = 16_000_000
"""A search goes through so much of the file at most."""
_LONGEST_RECORD = 400
"""Lines; an exception has some dozens."""

_HUMAN = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\dT[\d:.]+Z) (?P<level>\w+) +(?P<logger>[^\s:\[]+)(?:\[(?P<point>[^\]]*)\])?: "
)

Wanted = Callable[[LogLine, str], bool]


class Found(Struct, frozen=True):
    """A record of the file: its text with all lines that belong to it, and its parts."""

    text: str
    line: LogLine


def files_of(path: Path) -> list[Path]:
    """The log file and the rotated ones that are there, the oldest first."""
    rotated = [
        (int(number), entry)
        for entry in path.parent.glob(f"{path.name}.*")
        if (number := entry.name.removeprefix(f"{path.name}.")).isdecimal()
    ]
    return [entry for _, entry in sorted(rotated, reverse=True)] + ([path] if path.exists() else [])


def tail(path: Path, most: int, wanted: Wanted) -> list[Found]:
    """The last records that are wanted, in their order; rotated files are gone back to. Raises `OSError`."""
    found: list[Found] = []
    for file in reversed(files_of(path)):
        for record in _records_backward(file):
            if wanted(record.line, record.text):
                found.append(record)
                if len(found) == most:
                    return found[::-1]
    return found[::-1]


def head(path: Path, most: int, wanted: Wanted) -> list[Found]:
    """The first records that are wanted, rotated files included. Raises `OSError`."""
    found: list[Found] = []
    for file in files_of(path):
        for record in _records(file):
            if wanted(record.line, record.text):
                found.append(record)
                if len(found) == most:
                    return found
    return found


def whole(files: list[Path]) -> Iterator[bytes]:
    """The files as they are now, one behind the other, in pieces of whole lines; raises `OSError`."""
    for path in files:
        with path.open("rb") as file:
            left = os.fstat(file.fileno()).st_size
            rest = b""
            while left > 0 and (piece := file.read(min(PIECE_BYTES, left))):
                left -= len(piece)
                *lines, rest = (rest + piece).split(b"\n")
                yield b"".join(_hidden(line) + b"\n" for line in lines)
            if rest:
                yield _hidden(rest) + b"\n"


def _hidden(line: bytes) -> bytes:
    return redacted(line.decode("utf-8", "replace")).encode()


def parsed(text: str) -> LogLine:
    """The parts of a record of either format."""
    first = text.split("\n", 1)[0]
    if first.startswith("{"):
        try:
            entry = msgspec.json.decode(first, type=dict[str, object])
        except msgspec.MsgspecError:
            entry = {}
        if entry:
            parts = {name: str(entry.pop(name, "")) for name in ("time", "level", "logger", "message", "exception")}
            return LogLine(**parts, details=entry)
    match = _HUMAN.match(text)
    if match is None:
        return LogLine(time="", level="", logger="", message=text)
    point = match["point"]
    return LogLine(
        time=match["time"],
        level=match["level"],
        logger=match["logger"],
        message=text[match.end() :],
        details={} if point is None else {"point": point},
    )


def _found(lines: list[str]) -> Found:
    text = redacted("\n".join(lines))
    return Found(text, parsed(text))


def _belongs_above(line: str) -> bool:
    return line.startswith("    ")


def _records(path: Path) -> Iterator[Found]:
    lines: list[str] = []
    looked_at = 0
    with path.open(encoding="utf-8", errors="replace") as file:
        for raw in file:
            looked_at += len(raw)
            line = raw.rstrip("\n")
            if lines and not _belongs_above(line):
                yield _found(lines)
                lines = []
            if len(lines) < _LONGEST_RECORD:
                lines.append(line)
            if looked_at > MOST_LOOKED_AT:
                break
    if lines:
        yield _found(lines)


def _records_backward(path: Path) -> Iterator[Found]:
    below: list[str] = []
    for line in _lines_backward(path):
        if len(below) < _LONGEST_RECORD:
            below.append(line)
        if not _belongs_above(line):
            yield _found(below[::-1])
            below = []
    if below:
        yield _found(below[::-1])


def _lines_backward(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        first = max(end - MOST_LOOKED_AT, 0)
        rest = b""
        begun = False
        while end > first:
            begin = max(end - PIECE_BYTES, first)
            file.seek(begin)
            lines = (file.read(end - begin) + rest).split(b"\n")
            end = begin
            rest = lines[0]
            for line in reversed(lines[1:]):
                if line or begun:  # behind the last line end is nothing
                    yield line.decode("utf-8", "replace")
                begun = True
        if rest:
            yield rest.decode("utf-8", "replace")
