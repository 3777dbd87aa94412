"""The visitors of `benchmarks.web`, a process of their own: pages that follow the events, and requests all the while.

Prints one line of JSON with what they saw.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import socket
import sys
from collections import Counter

import aiohttp

MARK = b'"set_current":'
END = b"\n\n"
READS = ("/api/status", "/api/sessions?limit=20", "/api/series?window=600", "/api/chargers", "/api/prices", "/api/plan")
ORDER_SHARE = 0.1
CONNECTIONS = 16


class Orders:
    """When each order was sent, by the value that shows it."""

    def __init__(self) -> None:
        self.sent_s: dict[bytes, float] = {}
        self.seen_ms: list[float] = []
        """For each page that saw an order: how long after it was sent."""

    def seen(self, value: bytes, now_s: float) -> None:
        """A page shows this value for the first time."""
        sent_s = self.sent_s.get(value)
        if sent_s is not None:
            self.seen_ms.append((now_s - sent_s) * 1000.0)


class Page(asyncio.Protocol):
    """One page that follows the events and reads all of them."""

    def __init__(self, orders: Orders, request: bytes) -> None:
        self._orders = orders
        self._request = request
        self._rest = b""
        self._last = b""
        self.events = 0
        self.bytes = 0
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the events."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Look for the value that tells which order is in force."""
        self.bytes += len(data)
        frames = (self._rest + data).split(END)
        self._rest = frames.pop()
        for frame in frames:
            at = frame.find(MARK)
            if at < 0:
                continue
            self.events += 1
            begin = at + len(MARK)
            value = frame[begin : frame.find(b",", begin)]
            if value != self._last:
                self._last = value
                self._orders.seen(value, asyncio.get_running_loop().time())

    def connection_lost(self, exc: Exception | None) -> None:
        """The daemon has cut it off."""
        self.lost = True


class Stalled(asyncio.Protocol):
    """One page that asks for the events and never reads."""

    def __init__(self, request: bytes) -> None:
        self._request = request

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask, and read nothing."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._request)
        transport.pause_reading()


async def open_pages(port: int, pages: int, stalled: int, orders: Orders) -> tuple[list[Page], list[Stalled]]:
    """Open them all."""
    loop = asyncio.get_running_loop()
    request = f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/event-stream\r\n\r\n".encode()
    found: list[Page] = []
    still: list[Stalled] = []
    for number in range(pages):
        # A page that stalls does so with the buffers that its system gives; they are kept small to see it soon.
        if number < stalled:
            connection = socket.socket()
            connection.setblocking(False)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            await loop.sock_connect(connection, ("127.0.0.1", port))
            _, waiting = await loop.create_connection(lambda: Stalled(request), sock=connection)
            still.append(waiting)
        else:
            _, page = await loop.create_connection(lambda: Page(orders, request), "127.0.0.1", port)
            found.append(page)
        await asyncio.sleep(0.005)
    return found, still


async def ask(port: int, rate: float, seconds: float, orders: Orders) -> tuple[list[float], list[float], Counter[int]]:
    """Requests at a steady rate, each at its time whether the one before was answered or not; times in ms."""
    loop = asyncio.get_running_loop()
    dice = random.Random(1)
    reads_ms: list[float] = []
    orders_ms: list[float] = []
    statuses: Counter[int] = Counter()
    values = itertools.cycle(range(600, 3200))

    async def one(session: aiohttp.ClientSession, order: bool) -> None:
        began_s = loop.time()
        if order:
            value = next(values) / 100
            orders.sent_s[str(value).encode()] = began_s
            asked = session.post("/api/set_current", json={"amps": value})
        else:
            asked = session.get(dice.choice(READS))
        try:
            async with asked as answer:
                await answer.read()
                statuses[answer.status] += 1
        except (TimeoutError, aiohttp.ClientError):
            statuses[0] += 1
        (orders_ms if order else reads_ms).append((loop.time() - began_s) * 1000.0)

    limit = aiohttp.TCPConnector(limit=CONNECTIONS)
    patience = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", connector=limit, timeout=patience) as session:
        under_way: set[asyncio.Task[None]] = set()
        next_s = loop.time()
        end_s = next_s + seconds
        while next_s < end_s:
            task = asyncio.create_task(one(session, dice.random() < ORDER_SHARE))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            next_s += dice.expovariate(rate)  # as visitors come: at random, so many in the mean
            await asyncio.sleep(max(next_s - loop.time(), 0.0))
        if under_way:
            await asyncio.wait(under_way)
    return reads_ms, orders_ms, statuses


async def run(options: argparse.Namespace) -> dict[str, object]:
    """Everything; what was seen."""
    orders = Orders()
    pages, stalled = await open_pages(options.port, options.pages, options.stalled, orders)
    print("open", flush=True)
    reads_ms, orders_ms, statuses = await ask(options.port, options.rate, options.seconds, orders)
    await asyncio.sleep(1.0)
    result = {
        "pages_lost": sum(page.lost for page in pages),
        "events": sum(page.events for page in pages),
        "least_events": min((page.events for page in pages), default=0),
        "mb": sum(page.bytes for page in pages) / 1e6,
        "seen_ms": sorted(orders.seen_ms),
        "reads_ms": sorted(reads_ms),
        "orders_ms": sorted(orders_ms),
        "statuses": dict(statuses),
    }
    for page in pages:
        page.transport.abort()
    for one in stalled:
        one.transport.abort()
    return result


def main() -> None:
    """Parse the command line, run, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.web_load", description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pages", type=int, required=True)
    parser.add_argument("--stalled", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    json.dump(asyncio.run(run(parser.parse_args())), sys.stdout)
    print(flush=True)


if __name__ == "__main__":
    main()
