"""A server with a password, on a real port, whose clock the test moves; and clients of each kind."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import aiohttp
from msgspec import Struct

from phaeton.config.tree_web import Web
from phaeton.sinks.web import WebServer
from phaeton.sinks.web.access import Access, TokenScope, passwords
from phaeton.sinks.web.inspection import Inspection
from tests import outputs
from tests.sinks.web.conftest import Asked, build
from tests.waiting import PATIENCE_S

PASSWORD = "kangaroo under the moon"
PAGE = {"X-Phaeton-Page": "1"}
BEHIND_PROXY = Web(port=0, trusted_proxies=("127.0.0.1",))
"""The tests play the proxy, and so choose the address of the client."""


class Clock(Struct):
    """Time that passes when the test says so, beside that which passes anyway."""

    ahead_s: float = 0.0

    def utc(self) -> float:
        return time.time() + self.ahead_s

    def mono(self) -> float:
        return time.monotonic() + self.ahead_s


class House(Struct):
    """What a test of the access needs."""

    server: WebServer
    access: Access
    asked: Asked
    clock: Clock
    directory: Path

    @property
    def address(self) -> str:
        assert self.server.address is not None
        return self.server.address.replace("0.0.0.0", "127.0.0.1")

    @property
    def port(self) -> int:
        return int(self.address.rsplit(":", 1)[1])

    def client(self, token: str = "", **headers: str) -> aiohttp.ClientSession:
        """A browser or program; cookies are kept also for an address without a name."""
        if token:
            headers["Authorization"] = f"Bearer {token}"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return aiohttp.ClientSession(self.address, headers=named, cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def token(self, scope: TokenScope, days: float | None = None) -> str:
        ends_s = None if days is None else self.clock.utc() + days * 86_400
        return (await self.access.add_token(f"my {scope} {len(self.access.tokens)}", scope, ends_s))[1]

    def files(self) -> str:
        """All that was written to disk, as one text."""
        return "\n".join(path.read_text() for path in sorted(self.directory.rglob("*.json*")))

    def modes(self) -> set[int]:
        """The rights on all files and directories that were made."""
        return {path.stat().st_mode & 0o777 for path in self.directory.rglob("*")}


@asynccontextmanager
async def house(
    directory: Path,
    config: Web | None = None,
    password: str | None = PASSWORD,
    inspection: Inspection | None = None,
) -> AsyncIterator[House]:
    """A server that has published one output."""
    clock, asked = Clock(), Asked()
    access = Access(directory, utc=clock.utc, mono=clock.mono)
    if password is not None:
        with patch.object(passwords, "SCRYPT_N", 2**10):  # the checks go by what was kept, and so are quick
            await access.set_password(password)
    server = build(asked, config=config or Web(port=0), access=access, inspection=inspection)
    await server.start()
    server.publish(outputs.output(more=(outputs.waiting("2"),)))
    yield House(server, access, asked, clock, directory)
    await server.stop()
    await access.close()


async def ended(stream: aiohttp.ClientResponse, within_s: float = PATIENCE_S) -> bool:
    """Whether the other end closes the stream, with a farewell or without."""
    try:
        async with asyncio.timeout(within_s):
            while await stream.content.readany():
                pass
    except aiohttp.ClientError:
        pass
    finally:
        stream.close()
    return True


async def log_in(client: aiohttp.ClientSession, password: str = PASSWORD, expect: int = 200) -> aiohttp.ClientResponse:
    async with client.post("/api/login", json={"password": password}) as answer:
        assert answer.status == expect, await answer.text()
        return answer


async def status(client: aiohttp.ClientSession, path: str = "/api/status", method: str = "GET", **more: Any) -> int:
    async with client.request(method, path, **more) as answer:
        return answer.status


async def gone(writer: asyncio.StreamWriter) -> None:
    """Close a connection and wait until it is."""
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def raw(port: int, *pieces: bytes, within_s: float = PATIENCE_S) -> bytes:
    """Send bytes as they are; everything that comes back until the other end closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        async with asyncio.timeout(within_s):
            return await reader.read()
    finally:
        await gone(writer)
