"""The log over the API: from memory or the file, as lines or records, live without repeats, and no secrets."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from phaeton import log
from phaeton.config.tree import Log, LogFile, LogSink
from tests.sinks.web.conftest import Site

logger = logging.getLogger("phaeton.sinks.charger")

Event = dict[str, str]


@pytest.fixture(autouse=True)
async def own_log(tmp_path: Path) -> AsyncIterator[Path]:
    """The log goes into the ring and a file; afterwards all is as before."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    path = tmp_path / "phaeton.log"
    log.ring._kept.clear()  # other tests have written into it
    log.ring.bytes = 0
    log.setup(Log(console=LogSink(level="error"), file=LogFile(path=str(path))))
    yield path
    log.setup(Log())
    for handler in [handler for handler in root.handlers if handler not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


async def text(site: Site, path: str) -> str:
    async with site.client.get(path) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.text()


async def events(answer: aiohttp.ClientResponse, count: int) -> list[Event]:
    """The next events with their fields; several lines of data are one text."""
    found: list[Event] = []
    fields: Event = {}
    async with asyncio.timeout(5):
        while len(found) < count:
            line = (await answer.content.readline()).decode().rstrip("\r\n")
            name, _, value = line.partition(": ")
            if line and not line.startswith(":"):
                fields[name] = f"{fields[name]}\n{value}" if name in fields else value
            elif "data" in fields:
                found.append(fields)
                fields = {}
            elif not line:
                fields = {}
    return found


async def test_the_last_lines_are_those_of_the_console_without_secrets(site: Site) -> None:
    for number in range(5):
        logger.info("record %d", number, extra={"point": "1", "password": "hunter2"})
    lines = (await text(site, "/api/logs/tail?lines=2")).splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == [
        f"info    charger[1]: record {number} password=***" for number in (3, 4)
    ]


async def test_programs_get_records_with_where_the_stream_goes_on(site: Site) -> None:
    logger.warning("watch out", extra={"point": "1"})
    async with site.client.get("/api/logs/tail?lines=1", headers={"Accept": "application/json"}) as answer:
        assert answer.content_type == "application/json"
        found = await answer.json()
    [record] = found["records"]
    assert (record["level"], record["message"], record["details"]) == ("warning", "watch out", {"point": "1"})
    assert record["id"] == found["last"]
    assert json.loads(await text(site, "/api/logs/tail?lines=1&form=json")) == found


async def test_more_than_memory_holds_comes_from_the_file(site: Site, own_log: Path) -> None:
    own_log.write_text("2026-01-01T12:00:00Z info    charger: of another run\n")  # noqa: ASYNC240 - a few bytes
    logger.info("newest")
    assert "of another run" in await text(site, "/api/logs/tail?lines=10000")
    assert "of another run" not in await text(site, "/api/logs/tail?lines=10000&source=memory")
    assert "of another run" in await text(site, "/api/logs/head?lines=1")
    assert "newest" not in await text(site, "/api/logs/head?lines=1")


async def test_without_a_file_memory_answers(site: Site, own_log: Path) -> None:
    log.setup(Log(console=LogSink(level="error")))
    logger.info("in memory")
    own_log.unlink()  # noqa: ASYNC240 - a few bytes
    assert (await text(site, "/api/logs/tail?lines=10000")).endswith("in memory\n")
    assert await text(site, "/api/logs/head?lines=1")
    assert await text(site, "/api/logs/tail?source=file") == ""
    assert "in memory" in await text(site, "/api/logs/download")


async def test_only_what_is_looked_for_is_shown(site: Site) -> None:
    logger.info("Kettle on")
    logger.error("Kettle burnt")
    for source in ("memory", "file"):
        found = await text(site, f"/api/logs/tail?search=kettle&level=warning&source={source}")
        assert found.count("\n") == 1
        assert "burnt" in found


async def test_the_download_has_a_name_and_the_older_files_where_wanted(site: Site, own_log: Path) -> None:
    own_log.with_name("phaeton.log.1").write_text("2026-01-01T12:00:00Z info    http: token=abcdef\n")
    logger.info("newest")
    async with site.client.get("/api/logs/download") as answer:
        assert answer.content_type == "application/octet-stream"
        assert answer.content_disposition is not None
        name = answer.content_disposition.filename or ""
        assert name.startswith("phaeton-20")
        assert name.endswith(".log")
        assert "token" not in await answer.text()
    whole = await text(site, "/api/logs/download?rotated=true")
    assert whole.splitlines()[0] == "2026-01-01T12:00:00Z info    http: token=***"
    assert "newest" in whole


async def test_the_stream_shows_each_record_once_over_a_reconnect(site: Site) -> None:
    logger.info("before")
    async with site.client.get("/api/logs/stream?lines=1") as answer:
        logger.info("first")
        found = await events(answer, 2)
        assert [event["event"] for event in found] == ["log", "log"]
        assert found[0]["data"].endswith("before")
        assert found[1]["data"].endswith("first")
    logger.info("while nobody was there")
    async with site.client.get("/api/logs/stream", headers={"Last-Event-ID": found[1]["id"]}) as answer:
        logger.info("last")
        again = await events(answer, 2)
    assert [event["data"].split(": ")[1] for event in again] == ["while nobody was there", "last"]


async def test_the_stream_for_programs_goes_on_where_the_tail_ended(site: Site) -> None:
    last = json.loads(await text(site, "/api/logs/tail?lines=1&form=json"))["last"]
    logger.info("one")
    logger.debug("too little")
    logger.error("two")
    async with site.client.get(f"/api/logs/stream?form=json&after={last}") as answer:
        found: list[dict[str, Any]] = [json.loads(event["data"]) for event in await events(answer, 2)]
    assert [record["message"] for record in found] == ["one", "two"]


async def test_an_exception_is_one_event_of_several_lines(site: Site) -> None:
    try:
        int("x")
    except ValueError:
        logger.exception("it failed")
    async with site.client.get("/api/logs/stream?lines=1") as answer:
        [event] = await events(answer, 1)
    assert event["data"].splitlines()[1].startswith("    Traceback")


async def test_who_is_too_slow_is_told_how_many_records_it_missed(site: Site) -> None:
    host, port = str(site.server.address).removeprefix("http://").split(":")
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(slow, (host, int(port)))
    await loop.sock_sendall(slow, f"GET /api/logs/stream?lines=0 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert b"text/event-stream" in await loop.sock_recv(slow, 4096)
    for number in range(6000):
        logger.info("record %d %s", number, "x" * 200)
        if number % 50 == 0:
            await asyncio.sleep(0)
    logger.info("the newest")
    seen = b""
    async with asyncio.timeout(10):
        while b"the newest" not in seen:
            seen += await loop.sock_recv(slow, 65536)
    slow.close()
    assert b"records left out" in seen
    assert seen.count(b"event: log") < 5000


async def test_the_level_shown_is_changed_and_told(site: Site, own_log: Path) -> None:
    async with site.client.get("/api/logs/web_level") as answer:
        assert await answer.json() == {"level": "info"}
    async with site.client.post("/api/logs/web_level?level=DEBUG") as answer:
        assert await answer.json() == {"ok": True, "level": "debug"}
    logger.debug("now it is shown")
    assert "now it is shown" in await text(site, "/api/logs/tail?lines=5&source=memory")
    assert "now it is shown" not in own_log.read_text()  # noqa: ASYNC240 - a few bytes
    async with site.client.post("/api/logs/web_level?level=loud") as answer:
        assert answer.status == 422
        assert (await answer.json())["field"] == "level"


async def test_streams_end_with_the_server(site: Site) -> None:
    async with site.client.get("/api/logs/stream") as answer:
        await events(answer, 1)
        async with asyncio.timeout(3):
            await site.server.stop()
            assert await answer.content.read() is not None


async def test_what_memory_no_longer_has_is_looked_for_in_the_file(site: Site, own_log: Path) -> None:
    own_log.write_text("2026-01-01T12:00:00Z error   charger: long ago\n")  # noqa: ASYNC240 - a few bytes
    for number in range(20):
        logger.info("record %d", number)
    assert "long ago" in await text(site, "/api/logs/tail?lines=5&level=error")
    assert "long ago" not in await text(site, "/api/logs/tail?lines=5")
