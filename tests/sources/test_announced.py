"""Chargers that announce themselves, with a real socket that answers on loopback."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hypothesis import given
from hypothesis import strategies as st

from phaeton.app.charger_finder import ChargerFinder
from phaeton.simulation.charger import SimulatedAlfen
from phaeton.sources.announced import announced, is_answer, question

ALFEN = b"\x06_alfen\x04_tcp\x05local\x00"


def answer(name: bytes) -> bytes:
    """A message with one PTR record of that name."""
    instance = b"\x07NG910-1\xc0\x0c"
    return struct.pack("!6H", 0, 0x8400, 0, 1, 0, 0) + name + struct.pack("!HHIH", 12, 1, 120, len(instance)) + instance


@asynccontextmanager
async def responder(*messages: bytes) -> AsyncIterator[tuple[tuple[str, int], list[bytes]]]:
    """Answers each question with the messages; its address, and what it was asked."""
    asked: list[bytes] = []

    class Responder(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            asked.append(data)
            for message in messages:
                self.transport.sendto(message, addr)  # type: ignore[attr-defined]

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Responder, local_addr=("127.0.0.1", 0))
    try:
        yield transport.get_extra_info("sockname"), asked
    finally:
        transport.close()


async def test_who_has_the_service_is_found_once() -> None:
    async with responder(b"garbage", answer(b"\x05_http\x04_tcp\x05local\x00"), answer(ALFEN)) as (group, asked):
        assert await announced(group) == ["127.0.0.1"]
    assert asked == [question(), question()]
    assert ALFEN in question()


async def test_other_services_questions_and_silence_are_nobody() -> None:
    async with responder(answer(b"\x05_http\x04_tcp\x05local\x00"), question()) as (group, _):
        assert await announced(group, 0.4) == []
    assert await announced(("127.0.0.1", 9), 0.2) == []


@given(st.binary(max_size=80))
def test_any_message_is_an_answer_or_none(message: bytes) -> None:
    assert is_answer(message) in (True, False)


async def test_a_charger_that_announces_itself_is_found_outside_of_the_networks_around() -> None:
    charger = SimulatedAlfen()
    await charger.start()
    try:
        async with responder(answer(ALFEN)) as (group, _):
            (found,) = (await ChargerFinder([], [charger.port], group).find()).chargers
        assert found.kind is not None
        assert (found.host, found.port, found.kind.profile) == ("127.0.0.1", charger.port, "alfen_ng9xx")
    finally:
        await charger.stop()
