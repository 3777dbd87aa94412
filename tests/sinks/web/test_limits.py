"""Attacks by quantity and patience: too many, too large, too slow; and names of files that are none of the page's."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from pathlib import Path

import aiohttp
import pytest

from phaeton.sinks.web import connection, endpoint, gate
from phaeton.sinks.web.access import rates
from phaeton.sinks.web.access.client import networks
from tests import outputs
from tests.sinks.web.guarded import BEHIND_PROXY, PAGE, ended, gone, house, log_in, raw, status
from tests.waiting import until

BAD = (b"HTTP/1.1 400 ", b"HTTP/1.0 400 ")
ELSEWHERE = {"X-Forwarded-For": "203.0.113.5"}


async def test_a_client_that_reads_too_often_is_told_when_to_come_again(tmp_path: Path) -> None:
    async with house(tmp_path, BEHIND_PROXY) as home, home.client(**ELSEWHERE) as greedy:
        for _ in range(int(rates.READS.burst) + 40):
            async with greedy.get("/api/health") as answer:
                if answer.status == 429:
                    assert answer.headers["Retry-After"] == "1"
                    break
        else:
            pytest.fail("nothing stopped it")
        assert await status(greedy, "/api/health", headers={"X-Forwarded-For": "203.0.113.6"}) == 200
        home.clock.ahead_s += 1
        assert await status(greedy, "/api/health") == 200


async def test_changes_have_a_smaller_measure_and_reading_goes_on(tmp_path: Path) -> None:
    async with house(tmp_path, BEHIND_PROXY) as home, home.client(await home.token("control"), **ELSEWHERE) as greedy:
        answers = [await status(greedy, "/api/mode", "POST", json={"mode": 1}) for _ in range(60)]
        assert 429 in answers
        assert answers.count(200) >= rates.CHANGES.burst
        assert await status(greedy) == 200


async def test_programs_on_the_machine_itself_are_not_counted(tmp_path: Path) -> None:
    async with house(tmp_path, password=None) as home, home.client() as busy:
        answers = {await status(busy, "/api/mode", "POST", json={"mode": 1}) for _ in range(100)}
        assert answers == {200}


async def test_one_address_holds_so_many_streams_and_others_still_come_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "MOST_AT_ONCE", 3)
    async with house(tmp_path, BEHIND_PROXY) as home, home.client(await home.token("read"), **ELSEWHERE) as reader:
        streams = [await reader.get("/api/events") for _ in range(4)]
        assert [stream.status for stream in streams] == [200, 200, 200, 429]
        assert await status(reader, headers={"X-Forwarded-For": "203.0.113.6"}) == 200
        streams[0].close()

        async with asyncio.timeout(5):
            while await status(reader) != 200:
                home.server.publish(outputs.output())  # it finds out when it writes
        for stream in streams:
            stream.close()


async def test_a_large_body_is_refused_before_it_is_taken(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.client() as client:
        assert await status(client, "/api/login", "POST", json={"password": "x" * 20_000}) == 413

        async def endless() -> object:  # without a length, so that only counting helps
            for _ in range(1000):
                yield b" " * 1024

        headers = {"Content-Type": "application/json"}
        with contextlib.suppress(aiohttp.ClientError):  # it may close while we are still sending
            assert await status(client, "/api/login", "POST", data=endless(), headers=headers) == 413


async def test_packed_bodies_are_not_unpacked(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.client() as client:
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        assert await status(client, "/api/login", "POST", data=b"\x1f\x8b", headers=headers) == 415


async def test_a_head_that_does_not_end_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEADERS_WITHIN_S", 0.2)
    async with house(tmp_path) as home:
        assert await raw(home.port, b"") == b""
        assert await raw(home.port, b"GET /api/status HTTP/1.1\r\nHost: 127.0.0.1\r\n") == b""
        reader, writer = await asyncio.open_connection("127.0.0.1", home.port)

        async def trickle() -> None:
            while True:
                writer.write(b"X-More: 1\r\n")
                await writer.drain()
                await asyncio.sleep(0.02)

        writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        trickling = asyncio.create_task(trickle())
        try:
            async with asyncio.timeout(5):
                assert await reader.read() == b""
        except ConnectionResetError:
            pass  # closed while we were still sending
        finally:
            trickling.cancel()
            await asyncio.gather(trickling, return_exceptions=True)
            await gone(writer)


async def test_a_body_that_does_not_come_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "BODY_WITHIN_S", 0.2)
    monkeypatch.setattr(connection, "LINGER_S", 0.1)
    head = (
        b"POST /api/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 30\r\n\r\n"
    )
    async with house(tmp_path) as home:
        answer = await raw(home.port, head, b'{"pass')
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["detail"] == "the body came too slowly"


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 10_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(2000)) + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\r\n b: c\x00\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"NONSENSE\r\n\r\n",
    ],
)
async def test_heads_that_are_bombs_or_nonsense_are_refused_without_a_word_in_the_log(
    tmp_path: Path, head: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with house(tmp_path) as home, home.client() as client:
        answer = await raw(home.port, head)
        assert answer.startswith(BAD)
        assert b"Content-Security-Policy: default-src 'none'" in answer
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == 400
        assert await status(client, "/api/health") == 200
    assert caplog.text == ""


async def test_a_body_that_breaks_off_is_no_failure_of_ours(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    head = b"POST /api/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    async with house(tmp_path) as home:
        answer = await raw(home.port, head + b"Transfer-Encoding: chunked\r\n\r\n", b"zz\r\n")
        assert answer.startswith(BAD)
        _, writer = await asyncio.open_connection("127.0.0.1", home.port)
        writer.write(head + b"Content-Length: 30\r\n\r\n{")
        await writer.drain()
        writer.transport.abort()
        async with home.client() as client:
            assert await status(client, "/api/health") == 200
    assert "failed" not in caplog.text


async def test_connections_are_counted_in_all_and_of_one_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MOST", 3)
    async with house(tmp_path) as home:
        open_ones = [await asyncio.open_connection("127.0.0.1", home.port) for _ in range(3)]
        assert await raw(home.port, b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") == b""
        for _, writer in open_ones:
            await gone(writer)

        async with home.client() as client:
            async with asyncio.timeout(5):
                while True:
                    try:
                        assert await status(client, "/api/health") == 200
                        break
                    except aiohttp.ClientError:
                        continue


def test_one_address_has_a_part_of_the_connections_and_proxies_have_all() -> None:
    crowd = connection.Crowd(networks(("192.0.2.1",)))
    assert [crowd.enter("203.0.113.5") for _ in range(connection.MOST_OF_ONE + 1)][-2:] == ["203.0.113.5", None]
    assert crowd.enter("203.0.113.6") == "203.0.113.6"
    for peer in ("192.0.2.1", "127.0.0.1"):
        assert [crowd.enter(peer) for _ in range(connection.MOST_OF_ONE + 1)][-1] == peer
    crowd.leave("203.0.113.5")
    assert crowd.enter("203.0.113.5") == "203.0.113.5"


@pytest.mark.parametrize(
    "path",
    [
        "/assets/x/../site.py",
        "/assets/x/%2e%2e/site.py",
        "/assets/x/..%2fsite.py",
        "/assets/x/%2e%2e%2f%2e%2e%2fconfig%2ftree.py",
        "/assets/x//etc/passwd",
        "/assets/x/....//site.py",
        "/assets/x/..\\site.py",
        "/assets/x/main.js%00.css",
        "/docs/../site.py",
        "/docs/%2e%2e%2fsite.py",
        "/docs/..%5csite.py",
        "/ui/assets/x/%2e%2e/%2e%2e/site.py",
    ],
)
async def test_no_path_leads_out_of_the_page(tmp_path: Path, path: str) -> None:
    async with house(tmp_path) as home:
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        answer = await raw(home.port, request.encode())
        assert answer.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 400 "))
        assert b"import " not in answer


async def test_a_stalled_stream_and_a_new_password_do_not_stop_the_end_of_the_server(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.client(**PAGE) as owner:
        await log_in(owner)
        stream = await owner.get("/api/events")
        await home.access.set_password("another password")
        assert await ended(stream)
        await until(lambda: home.server.clients == 0)


async def test_an_answer_that_nobody_takes_ends_its_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "UNREAD_MS", 500)
    async with house(tmp_path) as home:
        lazy = socket.socket()
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        lazy.setblocking(False)
        await asyncio.get_running_loop().sock_connect(lazy, ("127.0.0.1", home.port))
        request = b"GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        await asyncio.get_running_loop().sock_sendall(lazy, request * 50)
        async with home.client() as client:
            await status(client, "/api/health")
        site = home.server.site
        assert site is not None
        await until(lambda: site.crowd.count == 1)
        await until(lambda: site.crowd.count == 0)
        lazy.close()
