"""Chargers that announce themselves: who answers a question for their services by mDNS (RFC 6762, one-shot).

Who answers is looked at like any other address; nothing that an answer says is believed.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterable

SERVICES = ("_alfen._tcp.local", "_victron-car-charger._tcp.local")
GROUP = ("224.0.0.251", 5353)
WAIT_S = 1.5
_PTR, _IN, _UNICAST, _ANSWER = 12, 1, 0x8000, 0x8000


def question(services: Iterable[str] = SERVICES) -> bytes:
    """One message that asks for all services, to be answered to the asker alone."""
    asked = [_labels(service) + struct.pack("!HH", _PTR, _IN | _UNICAST) for service in services]
    return struct.pack("!6H", 0, 0, len(asked), 0, 0, 0) + b"".join(asked)


def is_answer(message: bytes, services: Iterable[str] = SERVICES) -> bool:
    """Whether somebody says that it has one of the services."""
    if len(message) < 12 or not int.from_bytes(message[2:4]) & _ANSWER:
        return False
    said = message.lower()
    return any(_labels(service.removesuffix(".local"))[:-1] in said for service in services)


def _labels(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


async def announced(group: tuple[str, int] = GROUP, wait_s: float = WAIT_S) -> list[str]:
    """The addresses of those that answered within the time; none where the network takes no such message."""
    found: list[str] = []

    class Listener(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            if is_answer(data) and addr[0] not in found:
                found.append(addr[0])

    loop = asyncio.get_running_loop()
    try:
        transport, _ = await loop.create_datagram_endpoint(Listener, local_addr=("0.0.0.0", 0), family=socket.AF_INET)
    except OSError:
        return []
    try:
        for _ in range(2):  # one may be lost
            transport.sendto(question(), group)
            await asyncio.sleep(wait_s / 2)
    finally:
        transport.close()
    return found
