"""The HTTP client over real sockets: each failure a value with words, nothing secret in them, nobody pressed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from phaeton.links.http import (
    LONGEST_PATIENCE_S,
    Answer,
    Ask,
    HttpClient,
    Trouble,
    TroubleKind,
    refusal,
    retry_after_s,
    shown,
    user_agent,
)
from tests.waiting import PATIENCE_S

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """A real server whose one handler can be changed."""

    def __init__(self) -> None:
        self.handler: Handler | None = None
        self.requests: list[web.Request] = []
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self, context: ssl.SSLContext | None = None) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=context).start()
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        return web.json_response({"ok": True}) if self.handler is None else await self.handler(request)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    made = HttpClient(timeout_s=2.0, limit_bytes=10_000)
    yield made
    await made.close()


def saying(status: int = 200, body: bytes = b"{}", **headers: str) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return handler


async def test_an_answer_of_any_status_is_an_answer(server: Server, client: HttpClient) -> None:
    for status in (200, 204, 404, 500):
        server.handler = saying(status, b'{"a": 1}' if status != 204 else b"", X_Own="1")
        found = await client.send(Ask(url=server.url))
        assert isinstance(found, Answer)
        assert found.status == status
        assert found.headers["x-own"] == "1"
    assert user_agent() in server.requests[0].headers["User-Agent"]
    assert "phaeton/" in user_agent()


async def test_parameters_headers_and_bodies_arrive(server: Server, client: HttpClient) -> None:
    bodies: list[object] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        bodies.append(await request.text())
        return web.json_response({})

    server.handler = handler
    await client.send(Ask(url=server.url, params={"a": "1 2"}, headers={"X-Key": "k"}))
    await client.send(Ask(url=server.url, method="POST", json={"q": 1}))
    await client.send(Ask(url=server.url, method="POST", form={"f": "x y"}))
    assert server.requests[0].query["a"] == "1 2"
    assert server.requests[0].headers["X-Key"] == "k"
    assert bodies == ["", '{"q": 1}', "f=x+y"]


async def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()  # until the client gives up


async def cutting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf")


async def babbling(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"\x00\xffthis is no HTTP\r\n\r\n")


async def hanging_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("behaviour", "kind", "says"),
    [
        (silent, TroubleKind.NETWORK, "did not answer within 0.2 s"),
        (cutting, TroubleKind.GARBAGE, "is broken"),
        (babbling, TroubleKind.GARBAGE, "is broken"),
        (hanging_up, TroubleKind.NETWORK, "closed the connection"),
    ],
)
async def test_whatever_a_server_does_is_told_in_words(behaviour: Behaviour, kind: TroubleKind, says: str) -> None:
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await behaviour(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        ended.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = HttpClient(timeout_s=0.2)
    found = await client.send(Ask(url=f"http://127.0.0.1:{port}/x?token=hunter2", headers={"Authorization": "hunter2"}))
    await client.close()
    await asyncio.wait_for(ended.wait(), PATIENCE_S)
    server.close()
    assert isinstance(found, Trouble)
    assert (found.kind, says in found.message) == (kind, True), found
    assert "hunter2" not in found.message
    assert client.stats[0].failed == 1


@pytest.mark.parametrize(
    ("url", "kind", "says"),
    [
        ("http://127.0.0.1:{port}", TroubleKind.NETWORK, "cannot be reached: connect"),
        ("http://name.invalid/a", TroubleKind.NETWORK, "name.invalid is not found"),
        ("ftp://host/a", TroubleKind.REFUSED, "must begin with http"),
        ("http://", TroubleKind.REFUSED, "is no address"),
        ("nonsense", TroubleKind.REFUSED, "is no address"),
        ("http://[::1", TroubleKind.REFUSED, "is no address"),
        ("http://host:99999/", TroubleKind.REFUSED, "is no address"),
    ],
)
async def test_an_address_without_anybody_is_told_in_words(
    client: HttpClient, url: str, kind: TroubleKind, says: str
) -> None:
    found = await client.send(Ask(url=url.replace("{port}", str(await free_port()))))
    assert isinstance(found, Trouble)
    assert (found.kind, says in found.message) == (kind, True), found


async def test_a_header_that_cannot_be_sent_is_no_exception(server: Server, client: HttpClient) -> None:
    found = await client.send(Ask(url=server.url, headers={"X-Key": "a\r\nInjected: 1"}))
    assert isinstance(found, Trouble)
    assert found.kind is TroubleKind.REFUSED
    assert server.requests == []


async def test_an_answer_larger_than_the_limit_is_not_read(server: Server, client: HttpClient) -> None:
    server.handler = saying(body=b"x" * 20_000)
    found = await client.send(Ask(url=server.url))
    assert isinstance(found, Trouble)
    assert found.kind is TroubleKind.GARBAGE
    assert "larger than 0.01 MB" in found.message


@pytest.fixture
def own_certificate(tmp_path: Path) -> ssl.SSLContext:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1",
         "-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "cert")],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    return context


async def test_a_certificate_that_nobody_signed_is_not_trusted(
    own_certificate: ssl.SSLContext, client: HttpClient
) -> None:
    server = Server()
    await server.start(own_certificate)
    found = await client.send(Ask(url=server.url))
    await server.stop()
    assert isinstance(found, Trouble)
    assert "certificate" in found.message
    assert server.requests == []


async def test_what_has_not_changed_is_not_sent_again(server: Server, client: HttpClient) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        if request.headers.get("If-None-Match") == '"1"':
            return web.Response(status=304)
        return web.Response(body=b'{"a": 1}', headers={"ETag": '"1"'})

    server.handler = handler
    first = await client.send(Ask(url=server.url, conditional=True))
    second = await client.send(Ask(url=server.url, conditional=True))
    plain = await client.send(Ask(url=server.url))
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert isinstance(plain, Answer)
    assert (second.body, second.status) == (first.body, 200)
    assert (first.unchanged, second.unchanged, plain.unchanged) == (False, True, False)
    assert client.stats[0].bytes_read == 16


async def test_a_host_that_asks_for_patience_is_not_called_before() -> None:
    now = [0.0]
    server, client = Server(), HttpClient(clock=lambda: now[0])
    await server.start()
    server.handler = saying(429, b"slow down", Retry_After="60")
    try:
        first = await client.send(Ask(url=server.url))
        assert isinstance(first, Answer)
        now[0] = 59.0
        second = await client.send(Ask(url=f"{server.url}/other"))
        assert isinstance(second, Trouble)
        assert (second.kind, second.retry_after_s) == (TroubleKind.RATE_LIMIT, 1.0)
        assert len(server.requests) == 1
        now[0] = 61.0
        assert isinstance(await client.send(Ask(url=server.url)), Answer)
        assert (client.stats[0].requests, client.stats[0].held_back) == (2, 1)
    finally:
        await client.close()
        await server.stop()


async def test_a_redirect_is_followed_within_a_host_and_a_secret_goes_nowhere_else(client: HttpClient) -> None:
    one, other = Server(), Server()
    await one.start()
    await other.start()
    try:

        async def moved(request: web.Request) -> web.StreamResponse:
            if request.path == "/new":
                return web.json_response({"here": 1})
            return web.Response(status=302, headers={"Location": "/new"})

        one.handler = moved
        found = await client.send(Ask(url=f"{one.url}/old", headers={"Authorization": "Bearer hunter2"}))
        assert isinstance(found, Answer)
        assert found.json() == {"here": 1}

        one.handler = saying(302, b"", Location=f"{other.url}/x?y=hunter2")
        assert isinstance(await client.send(Ask(url=one.url)), Answer)
        count = len(other.requests)
        for ask in (
            Ask(url=one.url, headers={"Authorization": "Bearer hunter2"}),
            Ask(url=one.url, params={"token": "hunter2"}),
            Ask(url=one.url, method="POST", json={}),
        ):
            refused = await client.send(ask)
            assert isinstance(refused, Trouble)
            assert "put it into the configuration" in refused.message
            assert "hunter2" not in refused.message
        assert len(other.requests) == count

        one.handler = saying(302, b"", Location="/again")
        circle = await client.send(Ask(url=one.url))
        assert isinstance(circle, Trouble)
        assert "circles" in circle.message
        one.handler = saying(302, b"", Location="http://[broken")
        assert isinstance(await client.send(Ask(url=one.url)), Trouble)
    finally:
        await one.stop()
        await other.stop()


async def test_nothing_secret_is_logged(server: Server, client: HttpClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ask = Ask(url=f"{server.url}/p?token=hunter2", headers={"Authorization": "Bearer hunter2"}, params={"k": "hunter2"})
    await client.send(ask)
    await client.send(Ask(url="http://name.invalid/p?token=hunter2"))
    assert "hunter2" not in caplog.text
    assert "hunter2" not in repr(ask)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, None), (204, None), (400, TroubleKind.REFUSED), (401, TroubleKind.AUTH), (403, TroubleKind.AUTH),
        (404, TroubleKind.REFUSED), (418, TroubleKind.REFUSED), (429, TroubleKind.RATE_LIMIT),
        (500, TroubleKind.SERVER), (502, TroubleKind.SERVER), (503, TroubleKind.SERVER), (304, TroubleKind.REFUSED),
    ],
)  # fmt: skip
def test_a_status_means_a_kind_of_trouble(status: int, kind: TroubleKind | None) -> None:
    found = refusal(Answer(status), "The service", "prices.x.token")
    assert (None if found is None else found.kind) == kind
    if kind is TroubleKind.AUTH and found is not None:
        assert "check prices.x.token" in found.message


def test_patience_is_a_number_or_a_date_within_a_day() -> None:
    now_s = 1_795_474_800.0
    later = format_datetime(datetime.fromtimestamp(now_s, UTC) + timedelta(minutes=5), usegmt=True)
    assert retry_after_s({"retry-after": "90"}, now_s) == 90.0
    assert retry_after_s({"retry-after": later}, now_s) == 300.0
    assert retry_after_s({"retry-after": "Mon, 01 Jan 2001 00:00:00 GMT"}, now_s) == 0.0
    assert retry_after_s({"retry-after": "99999999999"}, now_s) == LONGEST_PATIENCE_S
    for nothing in ("", "soon", "-5", "1.5", "²"):
        assert retry_after_s({"retry-after": nothing}, now_s) is None


@given(st.text(max_size=40))
def test_any_text_is_shown_or_patience_or_none(text: str) -> None:
    shown(text)
    shown(f"http://me:hunter2@{text}")
    retry_after_s({"retry-after": text}, 0.0)


def test_an_address_is_shown_without_what_may_be_secret() -> None:
    assert shown("https://me:pw@host:8443/a/b?token=x#y") == "https://host:8443/a/b"
    assert shown("http://[fe80::1]:80/") == "http://[fe80::1]:80/"


def test_json_that_is_none_is_a_value_error() -> None:
    for body in (b"", b"{", b"\xff", b"[" * 100_000, b"1" * 10_000):
        with pytest.raises(ValueError, match=r".+"):
            Answer(200, body).json()


async def test_a_name_is_looked_up(server: Server, client: HttpClient) -> None:
    found = await client.send(Ask(url=server.url.replace("127.0.0.1", "localhost")))
    assert isinstance(found, Answer)


def test_a_lookup_that_hangs_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def hanging(*_: object, **__: object) -> list[object]:
        release.wait(30)
        return []

    async def ask() -> Answer | Trouble:
        client = HttpClient(timeout_s=0.2)
        found = await client.send(Ask(url="http://somewhere.example/"))
        await client.close()
        return found

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    started = time.monotonic()
    found = asyncio.run(ask())
    took = time.monotonic() - started
    release.set()
    assert isinstance(found, Trouble)
    assert "did not answer" in found.message
    assert took < 5.0
