"""The log over the API: its first and last records, the live stream, how much is shown, and the whole as a file."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec
from aiohttp import ClientConnectionResetError, hdrs, web
from aiohttp_sse import EventSourceResponse
from msgspec import Meta, Struct

from phaeton import log, log_reading
from phaeton.config.tree import Level
from phaeton.log_reading import Found, files_of, whole
from phaeton.log_ring import Kept, LogLine, LogRing
from phaeton.sinks.web.endpoint import JSON, Ask, Endpoint, Endpoints, Example, Media, Nothing, Scope
from phaeton.sinks.web.events import PING_S, RETRY_MS, SEND_TIMEOUT_S, buffer_little
from phaeton.sinks.web.problem import ProblemError

TEXT = "text/plain"
MOST_LINES = 10_000
MOST_STREAMS = 20
BATCH = 20
"""Records that are made into text at once."""

_RANK = {name: rank for rank, name in enumerate((*get_args(Level), "critical"))}
_OTHER_NAMES: dict[str, Level] = {"trace": "debug", "warn": "warning"}

AnyLevel = Literal["debug", "info", "warning", "error", "trace", "warn", "DEBUG", "INFO", "WARN", "ERROR", "TRACE"]
Lines = Annotated[int, Meta(ge=1, le=MOST_LINES, description="So many records; one may have several lines")]
LeastLevel = Annotated[Level, Meta(description="Only records of this level and above")]
Search = Annotated[
    str, Meta(max_length=200, description="Only records that hold this text, in small or capital letters")
]
Form = Annotated[Literal["text", "json"], Meta(description="Lines, or records for programs")]


class LogQuery(Struct, frozen=True):
    """Which records, from where, and in what form."""

    lines: Lines = 200
    level: LeastLevel = "debug"
    search: Search = ""
    form: Form | None = None
    source: Annotated[
        Literal["auto", "memory", "file"],
        Meta(description="The newest records in memory or the log file; auto = the file where memory has not enough"),
    ] = "auto"


class StreamQuery(Struct, frozen=True):
    """Where the stream begins, and what is in it."""

    lines: Annotated[int, Meta(ge=0, le=2000, description="So many of the newest records first")] = 1
    after: Annotated[
        str, Meta(max_length=40, description="Go on behind the record with this id, as Last-Event-ID does")
    ] = ""
    level: LeastLevel = "debug"
    search: Search = ""
    form: Form = "text"


class DownloadQuery(Struct, frozen=True):
    """What goes into the file."""

    rotated: Annotated[bool, Meta(description="The older log files too")] = False


class LogRecords(Struct, frozen=True):
    """Records for programs, the oldest first."""

    records: Sequence[LogLine]
    last: str
    """Where the stream goes on, as its parameter ``after``."""


class LevelQuery(Struct, frozen=True):
    """The least level."""

    level: Annotated[AnyLevel, Meta(description="Least level shown; trace counts as debug")]


class WebLevel(Struct, frozen=True):
    """What the page and the API are shown."""

    level: Level


class LevelSet(Struct, frozen=True):
    """The answer to a change."""

    ok: bool
    level: Level


class LogsApi:
    """The handlers, over one ring of records and the file that the log writes."""

    def __init__(self, ring: LogRing = log.ring, file: Callable[[], Path | None] = log.file_path) -> None:
        self.clients = 0
        self._ring = ring
        self._file = file
        self._closed = False
        self._waiting: set[asyncio.Event] = set()

    def endpoints(self) -> Endpoints:
        """All of this part."""
        records = Media(JSON, binary=True)
        lines = Example(query={"lines": "20", "level": "info"})
        return [
            Endpoint(
                "GET", "/api/logs/tail", self.tail, Scope.READ, "The last records of the log", Media(TEXT), LogQuery,
                others=(records,), example=lines,
            ),
            Endpoint(
                "GET", "/api/logs/head", self.head, Scope.READ, "The first records of the log that are kept",
                Media(TEXT), LogQuery, others=(records,), example=lines,
            ),
            Endpoint(
                "GET", "/api/logs/stream", self.stream, Scope.READ,
                "The log as server-sent events: `log` with each record, and how many were left out for who is too slow",
                Media("text/event-stream"), StreamQuery, problems={503: "too many follow the log"},
            ),
            Endpoint(
                "GET", "/api/logs/download", self.download, Scope.READ,
                "The log file, or what is in memory where there is none",
                Media("application/octet-stream", binary=True), DownloadQuery,
            ),
            Endpoint("GET", "/api/logs/web_level", self.level, Scope.READ, "The least level shown here", WebLevel),
            Endpoint(
                "POST", "/api/logs/web_level", self.set_level, Scope.ADMIN,
                "Show more or less here, until the next start; console and file stay as configured", LevelSet,
                LevelQuery, example=Example(query={"level": "info"}),
            ),
        ]  # fmt: skip

    def close(self) -> None:
        """End all streams at once."""
        self._closed = True
        for waiting in self._waiting:
            waiting.set()

    # Records.

    async def tail(self, ask: Ask[LogQuery, Nothing]) -> web.Response:
        """The last records; they come from the file when memory does not hold so many."""
        return await self._records(ask, from_the_end=True)

    async def head(self, ask: Ask[LogQuery, Nothing]) -> web.Response:
        """The first records, of the file where there is one."""
        return await self._records(ask, from_the_end=False)

    async def _records(self, ask: Ask[LogQuery, Nothing], *, from_the_end: bool) -> web.Response:
        query, path = ask.query, self._file()
        as_json = query.form == "json" or (query.form is None and _prefers_json(ask.request))
        kept, newest = self._ring.records(), f"{self._ring.run}-{self._ring.newest}"
        wanted = _wanted(query.level, query.search)
        choose = log_reading.tail if from_the_end else log_reading.head

        def in_memory() -> list[Found]:
            order = reversed(kept) if from_the_end else kept
            shown = (Found(record.human(), record.line(self._ring.run)) for record in order)
            found = list(islice((one for one in shown if wanted(one.line, one.text)), query.lines))
            return found[::-1] if from_the_end else found

        def look() -> bytes:
            found = [] if query.source == "file" else in_memory()
            enough = query.source == "memory" or (from_the_end and len(found) == query.lines)
            if path is not None and not enough:
                in_file = choose(path, query.lines, wanted)
                found = found if from_the_end and len(found) > len(in_file) else in_file or found
            if as_json:
                return msgspec.json.encode(LogRecords([record.line for record in found], newest), enc_hook=str)
            return "".join(f"{record.text}\n" for record in found).encode()

        try:
            body = await asyncio.to_thread(look)
        except OSError as error:
            raise ProblemError(503, f"the log file cannot be read: {error.strerror or error}") from None
        return web.Response(body=body, content_type=JSON if as_json else TEXT, charset="utf-8")

    async def download(self, ask: Ask[DownloadQuery, Nothing]) -> web.StreamResponse:
        """The log as a file, piece by piece."""
        path = self._file()
        files = await asyncio.to_thread(files_of, path) if path is not None else []
        pieces = whole(files if ask.query.rotated else files[-1:]) if files else self._pieces()
        day = datetime.now(UTC).date().isoformat()
        answer = web.StreamResponse(
            headers={
                hdrs.CONTENT_TYPE: "application/octet-stream",
                hdrs.CONTENT_DISPOSITION: f'attachment; filename="phaeton-{day}.log"',
            }
        )
        await answer.prepare(ask.request)
        async for piece in _beside_the_loop(pieces):
            await answer.write(piece)
        await answer.write_eof()
        return answer

    def _pieces(self) -> Iterator[bytes]:
        kept = self._ring.records()
        for begin in range(0, len(kept), BATCH):
            yield "".join(f"{record.human()}\n" for record in kept[begin : begin + BATCH]).encode()

    # The level.

    async def level(self, ask: Ask[Nothing, Nothing]) -> WebLevel:
        """What is shown now."""
        return WebLevel(log.web_level())

    async def set_level(self, ask: Ask[LevelQuery, Nothing]) -> LevelSet:
        """Show more or less."""
        name = ask.query.level.lower()
        level: Level = _OTHER_NAMES.get(name) or msgspec.convert(name, Level)
        log.set_web_level(level)
        return LevelSet(True, level)

    # The stream.

    async def stream(self, ask: Ask[StreamQuery, Nothing]) -> web.StreamResponse:
        """Each record once, also over reconnects; what a slow client misses is counted."""
        if self.clients >= MOST_STREAMS:
            raise ProblemError(503, "too many follow the log already")
        self.clients += 1
        changed = asyncio.Event()
        self._waiting.add(changed)
        unwatch = self._ring.watch(changed.set)
        try:
            return await self._stream(ask.request, ask.query, changed)
        finally:
            unwatch()
            self._waiting.discard(changed)
            self.clients -= 1

    async def _stream(self, request: web.Request, query: StreamQuery, changed: asyncio.Event) -> web.StreamResponse:
        ident = request.headers.get("Last-Event-ID") or query.after
        after = await asyncio.to_thread(self._begin, ident, query)
        answer = EventSourceResponse(ping_interval=PING_S, send_timeout=SEND_TIMEOUT_S)
        buffer_little(request)
        writer = await answer.prepare(request)
        assert writer is not None
        try:
            async with answer:
                await answer.write(f"retry: {RETRY_MS}\n\n".encode())
                while not self._closed:
                    changed.clear()
                    left_out, kept = self._ring.after(after)
                    kept = kept[:BATCH]
                    frames = [_left_out(left_out, query.form)] if left_out else []
                    frames += [self._frame(record, query.form) for record in kept if _fits(record, query)]
                    if frames:
                        await answer.write(b"".join(frames))
                        if request.protocol.writing_paused:
                            async with asyncio.timeout(SEND_TIMEOUT_S):
                                await writer.drain()
                    if kept:
                        after = kept[-1].number
                        await asyncio.sleep(0)
                    else:
                        await changed.wait()
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
        except (ConnectionResetError, ClientConnectionResetError):
            pass
        return answer

    def _begin(self, ident: str, query: StreamQuery) -> int:
        """The number behind which the stream begins."""
        if ident:
            return self._ring.number_of(ident) or 0
        newest = self._ring.newest
        fit = [record.number for record in self._ring.records() if _fits(record, query)][-query.lines :]
        return fit[0] - 1 if query.lines and fit else newest

    def _frame(self, record: Kept, form: str) -> bytes:
        """One event; a text of several lines is as many lines of data."""
        ident = f"event: log\nid: {self._ring.run}-{record.number}\n".encode()
        if form == "json":
            return ident + b"data: " + msgspec.json.encode(record.line(self._ring.run), enc_hook=str) + b"\n\n"
        return ident + "".join(f"data: {line}\n" for line in record.human().split("\n")).encode() + b"\n"


def _fits(record: Kept, query: StreamQuery) -> bool:
    if _RANK.get(logging.getLevelName(record.level).lower(), 0) < _RANK[query.level]:
        return False
    return not query.search or query.search.casefold() in record.human().casefold()


def _left_out(count: int, form: str) -> bytes:
    if form == "json":
        return f'event: left_out\ndata: {{"left_out": {count}}}\n\n'.encode()
    return f"event: log\ndata: ... {count} records left out\n\n".encode()


def _wanted(level: Level, search: str) -> log_reading.Wanted:
    least, text = _RANK[level], search.casefold()

    def wanted(line: LogLine, shown: str) -> bool:
        return (least == 0 or _RANK.get(line.level, -1) >= least) and (not text or text in shown.casefold())

    return wanted


def _prefers_json(request: web.Request) -> bool:
    return any(part.split(";")[0].strip() == JSON for part in request.headers.get(hdrs.ACCEPT, "").split(","))


async def _beside_the_loop(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """What a blocking iterator gives, each piece made in a thread."""
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece
