"""A web server on a real port, with what was ordered written down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from msgspec import Struct, field

from phaeton.config.tree_web import Web
from phaeton.model import Order
from phaeton.sinks.web import Diagnostics, LinkDiagnostics, Parts, PointDiagnostics, PointName, WebServer
from phaeton.sinks.web.access import Access
from phaeton.sinks.web.inspection import Inspection
from tests import outputs
from tests.kept import KeptInMemory


class Asked(Struct):
    """What the server passed on, and how the other side behaves."""

    orders: list[tuple[str, Order, str]] = field(default_factory=list)
    kept: KeptInMemory = field(default_factory=KeptInMemory)
    failure: Exception | None = None
    held: asyncio.Event | None = None


class Site(Struct):
    """The server, what it asked, and a client whose addresses are relative to it."""

    server: WebServer
    asked: Asked
    client: aiohttp.ClientSession


def build(
    asked: Asked,
    points: tuple[str, ...] = ("1", "2"),
    config: Web | None = None,
    retry_s: float = 10.0,
    access: Access | None = None,
    inspection: Inspection | None = None,
) -> WebServer:
    """A server that is not started yet."""

    async def submit(point: str, order: Order, origin: str) -> None:
        asked.orders.append((point, order, origin))
        if asked.held is not None:
            await asked.held.wait()
        if asked.failure is not None:
            raise asked.failure

    def diagnostics() -> Diagnostics:
        return Diagnostics(
            modbus_connected=True,
            poll_interval_ms=1000,
            total_polls=17,
            links=(LinkDiagnostics(name="Charger 192.0.2.5", up=True, latency_ms=31.0),),
            points=(PointDiagnostics(point="1", device_instance=40),),
        )

    names = [PointName(point) for point in points]
    return WebServer(
        config or Web(port=0),
        names,
        Parts(submit=submit, sessions=asked.kept, diagnostics=diagnostics, access=access, inspection=inspection),
        retry_s,
    )


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A server with two points that has published one output."""
    asked = Asked()
    server = build(asked)
    await server.start()
    server.publish(outputs.output(more=(outputs.waiting("2"),)))
    async with aiohttp.ClientSession(server.address) as client:
        yield Site(server, asked, client)
    await server.stop()
