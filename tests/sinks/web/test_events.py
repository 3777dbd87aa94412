"""The live stream: the whole state first, the newest state always, and an end at once."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import aiohttp
import pytest

from phaeton.sinks.web import events
from phaeton.sinks.web.events import EventHub
from phaeton.sinks.web.state import WebState
from tests import outputs
from tests.sinks.web.conftest import Site
from tests.waiting import until


async def next_event(answer: aiohttp.ClientResponse) -> tuple[str, Any]:
    """The next event's name and data, comments and the retry time left out."""
    name, data = "", ""
    async with asyncio.timeout(5):
        while True:
            line = (await answer.content.readline()).decode().rstrip("\r\n")
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data = line[6:]
            elif not line and data:
                return name, json.loads(data)


async def test_the_whole_snapshot_comes_first_and_then_each_change(site: Site) -> None:
    async with site.client.get("/api/events") as answer:
        assert answer.content_type == "text/event-stream"
        name, first = await next_event(answer)
        assert (name, first["seq"], first["ac_power"]) == ("status", 1, 6480)
        site.server.publish(outputs.output(1001.0, read=outputs.reading(power_w=7000.0)))
        assert (await next_event(answer))[1]["ac_power"] == 7000


async def test_all_clients_get_the_same_encoded_frame(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    built = []
    real = WebState.snapshot
    monkeypatch.setattr(WebState, "snapshot", lambda self: built.append(1) or real(self))
    answers = [await site.client.get("/api/events") for _ in range(5)]
    for answer in answers:
        await next_event(answer)
    site.server.publish(outputs.output(1001.0))
    for answer in answers:
        assert (await next_event(answer))[1]["seq"] == 2
        answer.close()
    assert len(built) == 2


async def test_what_happens_is_told_once_to_who_listens(site: Site) -> None:
    site.server.happened("plugged", b'{"event":"plugged"}')  # nobody listens yet
    async with site.client.get("/api/events") as answer, site.client.get("/api/events") as other:
        for one in (answer, other):
            assert (await next_event(one))[0] == "status"
        site.server.happened("started", b'{"event":"started"}')
        site.server.happened("stopped", b'{"event":"stopped"}')
        for one in (answer, other):
            assert await next_event(one) == ("started", {"event": "started"})
            assert await next_event(one) == ("stopped", {"event": "stopped"})
        site.server.publish(outputs.output(1001.0))
        assert (await next_event(answer))[0] == "status"


async def test_nothing_is_built_while_nobody_listens(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WebState, "snapshot", lambda self: pytest.fail("nobody asked"))
    for second in range(100):
        site.server.publish(outputs.output(1001.0 + second))


async def test_a_client_that_leaves_is_forgotten(site: Site) -> None:
    answer = await site.client.get("/api/events")
    await next_event(answer)
    assert site.server.clients == 1
    answer.close()
    number = 0

    def forgotten_while_news_come() -> bool:
        nonlocal number
        number += 1
        site.server.publish(outputs.output(1001.0 + number))
        return site.server.clients == 0

    await until(forgotten_while_news_come)


async def test_a_stalled_client_gets_the_newest_state_and_not_the_past(site: Site) -> None:
    loop = asyncio.get_running_loop()
    assert site.server.address is not None
    port = int(site.server.address.rsplit(":", 1)[1])
    stalled = socket.socket()
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stalled.setblocking(False)
    await loop.sock_connect(stalled, ("127.0.0.1", port))
    await loop.sock_sendall(stalled, b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await until(lambda: site.server.clients == 1)
    for number in range(2000):
        site.server.publish(outputs.output(1001.0 + number))
        await asyncio.sleep(0)
    seen = b""
    async with asyncio.timeout(5):
        while b'"seq":2001,' not in seen:
            seen += await loop.sock_recv(stalled, 65536)
    stalled.close()
    assert seen.count(b"event: status") < 40
    assert seen.startswith(b"HTTP/1.1 200")


async def test_a_client_that_takes_nothing_for_long_is_cut_off(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "SEND_TIMEOUT_S", 0.05)
    loop = asyncio.get_running_loop()
    assert site.server.address is not None
    port = int(site.server.address.rsplit(":", 1)[1])
    stalled = socket.socket()
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stalled.setblocking(False)
    await loop.sock_connect(stalled, ("127.0.0.1", port))
    await loop.sock_sendall(stalled, b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await until(lambda: site.server.clients == 1)
    number = 0

    def pushed_out() -> bool:
        nonlocal number
        number += 1
        site.server.publish(outputs.output(1001.0 + number))
        return site.server.clients == 0

    await until(pushed_out)
    stalled.close()


async def test_silence_is_filled_with_pings(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "PING_S", 0.02)
    async with site.client.get("/api/events") as answer:
        await next_event(answer)
        async with asyncio.timeout(5):
            assert (await answer.content.readuntil(b": ping")).endswith(b": ping")


async def test_too_many_pages_are_told_so(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_CLIENTS", 1)
    async with site.client.get("/api/events") as answer:
        await next_event(answer)
        async with site.client.get("/api/events") as second:
            assert second.status == 503


async def test_open_streams_do_not_delay_the_end(site: Site) -> None:
    answers = [await site.client.get("/api/events") for _ in range(20)]
    for answer in answers:
        await next_event(answer)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await site.server.stop()
    assert loop.time() - began < 0.5
    for answer in answers:
        assert await answer.content.read() is not None
        answer.close()


async def test_a_stream_that_opens_before_the_first_state_waits_for_it() -> None:
    frames: list[bytes | None] = [None]
    hub = EventHub(lambda: frames[0])
    assert hub._newest() is None
    frames[0] = b"{}"
    hub.changed()
    assert hub._newest() == b"event: status\ndata: {}\n\n"


async def test_many_pages_are_told_in_turns_between_which_others_have_theirs() -> None:
    hub = EventHub(lambda: b"{}")
    told: list[int] = []

    async def page(number: int) -> None:
        await hub._next()
        told.append(number)

    pages = [asyncio.create_task(page(number)) for number in range(200)]
    await asyncio.sleep(0)
    hub.changed()
    turns = []
    while len(told) < 200:
        await asyncio.sleep(0)
        turns.append(len(told))
        assert len(turns) < 200
    steps = [after - before for before, after in zip([0, *turns], turns, strict=False)]
    assert max(steps) <= events.AT_ONCE
    await asyncio.gather(*pages)


async def test_a_change_in_the_middle_of_telling_reaches_every_page_once() -> None:
    hub = EventHub(lambda: b"{}")
    woken: list[int] = []

    async def page(number: int) -> None:
        while True:
            await hub._next()
            woken.append(number)

    pages = [asyncio.create_task(page(number)) for number in range(40)]
    await asyncio.sleep(0)
    hub.changed()
    for _ in range(4):
        await asyncio.sleep(0)
    before = len(woken)
    assert 0 < before < 40
    hub.changed()
    await until(lambda: len(woken) >= 40 + before)
    assert set(woken) == set(range(40)), "nobody is left out"
    for task in pages:
        task.cancel()
    await asyncio.gather(*pages, return_exceptions=True)
