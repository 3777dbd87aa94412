"""Where chargers may be: the addresses of the networks around that take a connection at a charger's port."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

ROUTES = Path("/proc/net/route")
LARGEST_PREFIX = 22
"""Of a network with more than 1,024 addresses only those around the own one would be likely; it is not searched."""
CONNECT_S = 1.0
AT_ONCE = 100
_UP, _GATEWAY = 0x1, 0x2


def networks(routes: str) -> list[IPv4Network]:
    """The private networks that this machine is part of, from the text of ``/proc/net/route``."""
    found: list[IPv4Network] = []
    for line in routes.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 8:
            continue
        flags = int(fields[3], 16)
        if not flags & _UP or flags & _GATEWAY:
            continue
        base, mask = (IPv4Address(int.from_bytes(bytes.fromhex(fields[n])[::-1])) for n in (1, 7))
        network = IPv4Network(f"{base}/{mask}", strict=False)
        if network.is_private and network.prefixlen >= LARGEST_PREFIX and network not in found:
            found.append(network)
    return found


def around() -> list[IPv4Network]:
    """The networks around this machine; none where the system does not tell."""
    try:
        return networks(ROUTES.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return []


async def listening(
    hosts: Iterable[str], ports: Iterable[int], *, connect_s: float = CONNECT_S, at_once: int = AT_ONCE
) -> list[tuple[str, int]]:
    """Those that take a connection, in their order. Nothing is sent."""
    room = asyncio.Semaphore(at_once)

    async def takes(host: str, port: int) -> bool:
        async with room:
            try:
                async with asyncio.timeout(connect_s):
                    _, writer = await asyncio.open_connection(host, port)
            except (OSError, TimeoutError):
                return False
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            return True

    ports = tuple(ports)
    asked = [(host, port) for host in hosts for port in ports]
    answers = await asyncio.gather(*(takes(host, port) for host, port in asked))
    return [where for where, open_ in zip(asked, answers, strict=True) if open_]


def addresses(found: Iterable[IPv4Network]) -> Iterator[str]:
    """Every address of the networks."""
    for network in found:
        yield from map(str, network.hosts())
