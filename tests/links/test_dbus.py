"""The connection to the bus: it returns after every loss, and nobody waits for what cannot come."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from phaeton.links import dbus
from phaeton.links.busitem_service import MOST_BACKLOG, BusItemService
from phaeton.links.dbus import DbusError, DbusLink
from phaeton.links.dbus_library import Message, bus_address, load
from phaeton.links.outage import pause_s
from tests.bus import PrivateBus, Stranger
from tests.waiting import PATIENCE_S, until

NAME = "com.victronenergy.test.link"


@pytest.fixture
async def link(private_bus: PrivateBus, library: str) -> AsyncIterator[DbusLink]:
    link = DbusLink("test", private_bus.address, library)
    link.open()
    await until(lambda: link.connected)
    yield link
    await link.close()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_the_link_returns_with_the_bus(private_bus: PrivateBus, link: DbusLink) -> None:
    await private_bus.kill()
    await until(lambda: not link.connected)
    await private_bus.start()
    await until(lambda: link.connected)
    names = await link.call(dbus.BUS, dbus.BUS_PATH, dbus.BUS, "ListNames")
    assert link.unique_name in names[0]  # type: ignore[operator]


async def test_a_link_opened_before_the_bus_joins_it(tmp_path: Path, library: str) -> None:
    bus = PrivateBus(tmp_path)
    link = DbusLink("early", bus.address, library)
    link.open()
    await until(lambda: link.failing)
    assert bus.address.removeprefix("unix:path=") in link.why_away
    await bus.start()
    await until(lambda: link.connected)
    await link.close()
    await bus.kill()


async def test_a_call_that_nobody_answers_ends_at_its_deadline(link: DbusLink, stranger: Stranger) -> None:
    stranger.bus.add_message_handler(lambda message: message.member == "GetValue")
    with pytest.raises(DbusError, match=r"did not answer GetValue /Ac/Power within 0\.05 s"):
        await link.call(stranger.bus.unique_name, "/Ac/Power", "a.b", "GetValue", deadline_s=0.05)
    assert not link._pending


async def test_a_call_in_flight_fails_at_once_when_the_bus_goes(
    private_bus: PrivateBus, link: DbusLink, stranger: Stranger
) -> None:
    asked = asyncio.Event()
    stranger.bus.add_message_handler(lambda message: message.member == "GetValue" and (asked.set() or True))
    call = asyncio.ensure_future(link.call(stranger.bus.unique_name, "/", "a.b", "GetValue", deadline_s=60))
    await asyncio.wait_for(asked.wait(), PATIENCE_S)
    await private_bus.kill()
    with pytest.raises(DbusError, match="lost the connection"):
        await asyncio.wait_for(call, PATIENCE_S)


async def test_a_call_without_a_connection_fails_at_once(library: str) -> None:
    with pytest.raises(DbusError, match="no connection to D-Bus"):
        await DbusLink("away", "unix:path=/nowhere", library).call("a.b", "/", "a.b", "Ping")


async def test_an_error_answer_carries_name_and_text(link: DbusLink) -> None:
    with pytest.raises(DbusError, match="no such name") as caught:
        await link.call(dbus.BUS, dbus.BUS_PATH, dbus.BUS, "GetNameOwner", "s", ["no.such.name"])
    assert caught.value.name == "org.freedesktop.DBus.Error.NameHasNoOwner"


async def test_closing_gives_every_descriptor_back(private_bus: PrivateBus, library: str) -> None:
    async def once(address: str) -> None:
        link = DbusLink("short", address, library)
        link.open()
        await until(lambda: link.connected or link.failing)
        await link.close()

    await once(private_bus.address)
    before = descriptors()
    for _ in range(10):
        await once(private_bus.address)
        await once("unix:path=/nowhere/at/all")
    assert descriptors() == before


async def test_a_bus_that_hangs_up_during_the_handshake_is_tried_again(tmp_path: Path, library: str) -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    path = tmp_path / "rude"
    server = await asyncio.start_unix_server(hang_up, path)
    link = DbusLink("rude", f"unix:path={path}", library)
    link.open()
    await until(lambda: link.failing)
    assert not link.connected
    await link.close()
    server.close()


async def test_a_bus_that_never_answers_the_handshake_is_given_up(
    tmp_path: Path, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dbus, "CONNECT_DEADLINE_S", 0.05)
    ended = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        ended.set()

    path = tmp_path / "mute"
    server = await asyncio.start_unix_server(say_nothing, path)
    link = DbusLink("mute", f"unix:path={path}", library)
    link.open()
    await until(lambda: link.failing)
    await asyncio.wait_for(ended.wait(), PATIENCE_S)
    await link.close()
    server.close()


async def test_a_hung_bus_that_takes_no_more_connections_does_not_block_us(
    tmp_path: Path, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dbus, "CONNECT_DEADLINE_S", 0.1)
    path = str(tmp_path / "full")
    with socket.socket(socket.AF_UNIX) as server, ExitStack() as waiting:
        server.bind(path)
        server.listen(0)
        full = False
        while not full:
            one = waiting.enter_context(socket.socket(socket.AF_UNIX))
            one.setblocking(False)
            full = one.connect_ex(path) == errno.EAGAIN
        link = DbusLink("blocked", f"unix:path={path}", library)
        link.open()
        await until(lambda: link.failing)
        await link.close()


async def test_a_bus_that_hangs_is_noticed_by_the_ping(
    private_bus: PrivateBus, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dbus, "PING_EVERY_S", 0.05)
    monkeypatch.setattr(dbus, "PING_DEADLINE_S", 0.2)
    link = DbusLink("pinging", private_bus.address, library)
    link.open()
    await until(lambda: link.connected)
    private_bus.freeze()
    await until(lambda: not link.connected)
    assert "did not answer Ping" in link.why_away
    private_bus.thaw()
    await until(lambda: link.connected)
    await link.close()


async def test_a_full_socket_delays_and_does_not_disconnect(
    private_bus: PrivateBus, link: DbusLink, stranger: Stranger
) -> None:
    service = BusItemService(link, NAME)
    service.add("/Ac/Power", "d", 0.0)
    service.open()
    await asyncio.wait_for(service.wait_registered(), PATIENCE_S)
    address = link.unique_name
    private_bus.freeze()
    for watts in range(1, 20_001):
        service.update({"/Ac/Power": float(watts)})
        if watts % 500 == 0:
            await asyncio.sleep(0)
    assert link.backlog <= MOST_BACKLOG + 1
    private_bus.thaw()
    assert await stranger.value(NAME, "/Ac/Power") == 20_000
    assert link.unique_name == address


async def test_a_peer_that_fails_harms_nobody_else(link: DbusLink, stranger: Stranger) -> None:
    class Broken:
        def bus_connected(self) -> None:
            raise RuntimeError("connected")

        def bus_disconnected(self, why: str) -> None:
            raise RuntimeError(why)

        def bus_message(self, message: Message) -> bool:
            raise RuntimeError(message.member)

    with pytest.raises(RuntimeError):
        link.attach(Broken())
    service = BusItemService(link, NAME)
    service.add("/Ac/Power", "d", 1.0)
    service.open()
    await asyncio.wait_for(service.wait_registered(), PATIENCE_S)
    assert await stranger.value(NAME, "/Ac/Power") == 1.0


def test_pauses_stay_below_3_s_in_the_first_minute_and_below_30_s_later() -> None:
    attempts = range(1, 40)
    assert max(pause_s(n, 59.0) for n in attempts) <= 3.0
    assert 3.0 < max(pause_s(n, 61.0) for n in attempts) <= 30.0
    assert all(pause_s(n, 59.0) > 0.1 for n in attempts)
    assert len({pause_s(8, 0.0) for _ in range(10)}) > 1


def test_the_session_bus_is_preferred_where_the_environment_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.delenv("DBUS_SYSTEM_BUS_ADDRESS", raising=False)
    assert bus_address() == "unix:path=/var/run/dbus/system_bus_socket"
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/system")
    assert bus_address() == "unix:path=/system"
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/session")
    assert bus_address() == "unix:path=/session"


def test_the_environment_chooses_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("dbus_next", "dbus_fast"):
        monkeypatch.setenv("PHAETON_DBUS", name)
        assert load().name == name
    monkeypatch.setenv("PHAETON_DBUS", "pydbus")
    with pytest.raises(ValueError, match="must be dbus_next or dbus_fast, not 'pydbus'"):
        load()
