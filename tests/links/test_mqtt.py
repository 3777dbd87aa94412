"""The connection to an MQTT broker, with a real one: it comes back, tells in words, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import importlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt
import pytest
from msgspec import Struct, field, structs

from phaeton.config.node import Secret
from phaeton.config.secret import reveal
from phaeton.links import mqtt
from phaeton.links.mqtt import MISSING, Connection, Message, MqttLink, Will, words
from tests.mqtt_broker import Broker, listening
from tests.waiting import PATIENCE_S, until


class Peer(Struct):
    """One user of a link."""

    heard: list[Message] = field(default_factory=list)
    failures: list[tuple[str, bool]] = field(default_factory=list)
    sessions: int = 0

    async def session(self, connection: Connection) -> None:
        """Subscribe to ``in`` and hear."""
        self.sessions += 1
        await connection.subscribe("in")
        await connection.publish("out", str(self.sessions), retain=True)
        async for message in connection.messages():
            self.heard.append(message)

    def failed(self, why: str, for_owner: bool) -> None:
        """Note it."""
        self.failures.append((why, for_owner))


def at(port: int, **more: object) -> mqtt.Broker:
    return structs.replace(mqtt.Broker(host="127.0.0.1", port=port, client_id="tried"), **more)


@asynccontextmanager
async def linked(broker: mqtt.Broker, peer: Peer, will: Will | None = None) -> AsyncIterator[MqttLink]:
    link = MqttLink(lambda: broker, peer.session, peer.failed, will)
    running = asyncio.get_running_loop().create_task(link.run())
    try:
        yield link
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_broker_that_is_killed_and_comes_back(tmp_path: Path) -> None:
    broker, peer = Broker(tmp_path), Peer()
    await broker.start()
    async with linked(at(broker.port), peer) as link:
        await until(lambda: peer.sessions == 1)
        assert link.connected
        await broker.stop()
        await until(lambda: peer.failures)
        assert not link.connected
        await broker.start()
        await until(lambda: peer.sessions == 2)
        async with listening(broker) as listener:
            await until(lambda: listener.newest.get("out") == "2")
            await listener.say("in", b"\xff\x00")
        await until(lambda: peer.heard)
        assert peer.heard == [Message("in", b"\xff\x00", False)]
    await broker.stop()


async def test_what_was_retained_is_told_from_what_is_new(tmp_path: Path) -> None:
    broker, peer = Broker(tmp_path), Peer()
    await broker.start()
    await broker.say(**{"in": "old"})
    async with linked(at(broker.port), peer):
        await until(lambda: peer.heard)
        await broker.say(**{"in": "new"})
        await until(lambda: len(peer.heard) == 2)
    assert [(message.payload, message.retained) for message in peer.heard] == [(b"old", True), (b"new", False)]
    await broker.stop()


async def test_a_connection_that_is_ended_leaves_in_peace_and_one_that_breaks_leaves_its_will(tmp_path: Path) -> None:
    broker, peer = Broker(tmp_path), Peer()
    await broker.start()
    async with listening(broker) as listener:
        async with linked(at(broker.port), peer, Will("will", "gone")):
            await until(lambda: peer.sessions)
        await broker.say(mark="1")
        await until(lambda: "mark" in listener.newest)
        assert "will" not in listener.newest
        async with linked(at(broker.port), peer, Will("will", "gone")):
            await until(lambda: peer.sessions == 2)
            async with linked(at(broker.port), Peer()):  # the same name: the broker throws the older one out
                await until(lambda: listener.newest.get("will") == "gone")
    await broker.stop()


# The library leaves the socket of a handshake that failed to the garbage collector.
unclosed = pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket")


@unclosed
@pytest.mark.parametrize(
    ("users", "wanted", "says", "for_owner"),
    [
        ({}, {}, "mqtt.username", True),
        ({"car": "right"}, {"username": "car", "password": "wrong"}, "mqtt.password", True),
        (None, {"tls": True}, "usual one for it", False),
    ],
)
async def test_what_the_owner_must_do_is_said(
    tmp_path: Path, users: dict[str, str] | None, wanted: dict[str, object], says: str, for_owner: bool
) -> None:
    broker, peer = Broker(tmp_path, users), Peer()
    await broker.start()
    async with linked(at(broker.port, **wanted), peer):
        await until(lambda: peer.failures)
    assert says in peer.failures[0][0]
    assert peer.failures[0][1] is for_owner
    assert peer.sessions == 0
    await broker.stop()


@unclosed
async def test_the_right_password_and_a_certificate_that_is_known(tmp_path: Path) -> None:
    broker, peer = Broker(tmp_path, {"car": "right"}, tls=True), Peer()
    await broker.start()
    secured = at(broker.port, tls=True, username="car", password="right")
    async with linked(structs.replace(secured, ca_file=str(broker.certificate)), peer):
        await until(lambda: peer.sessions)
    assert peer.failures == []
    stranger = Peer()
    async with linked(secured, stranger):
        await until(lambda: stranger.failures)
    assert "mqtt.ca_file" in stranger.failures[0][0]
    lost = Peer()
    async with linked(structs.replace(secured, ca_file=str(tmp_path / "none")), lost):
        await until(lambda: lost.failures)
    assert lost.failures[0][0] == "mqtt.ca_file is not there"
    await broker.stop()


async def test_a_peer_that_takes_the_connection_and_says_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "ANSWER_S", 0.3)
    gone = asyncio.Event()
    came = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        while await reader.read(1000):
            pass
        gone.set()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    peer = Peer()
    async with linked(at(server.sockets[0].getsockname()[1]), peer):
        await asyncio.wait_for(came.wait(), PATIENCE_S)
        await until(lambda: peer.failures)
        assert peer.failures[0] == ("the broker does not answer", False)
        await asyncio.wait_for(gone.wait(), PATIENCE_S)
    server.close()
    await server.wait_closed()


async def test_ended_in_the_middle_of_connecting_it_leaves_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "ANSWER_S", 0.3)
    came, gone = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        while await reader.read(1000):
            pass
        gone.set()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with linked(at(server.sockets[0].getsockname()[1]), Peer()):
        await asyncio.wait_for(came.wait(), PATIENCE_S)
    await asyncio.wait_for(gone.wait(), PATIENCE_S)
    server.close()
    await server.wait_closed()


async def test_nobody_there_is_no_storm(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    real_sleep = asyncio.sleep

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 40:
            raise asyncio.CancelledError
        await real_sleep(0)

    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        monkeypatch.setattr("phaeton.links.mqtt.asyncio", _Patched(sleep))
        peer = Peer()
        with pytest.raises(asyncio.CancelledError):
            await MqttLink(lambda: at(port), peer.session, peer.failed).run()
    assert pauses[0] <= 0.25
    assert max(pauses[:15]) <= 3.0
    assert min(pauses[-5:]) >= 15.0
    assert peer.failures[0] == ("nobody listens at mqtt.host and mqtt.port", False)


class _Patched:
    """asyncio with another sleep."""

    def __init__(self, sleep: object) -> None:
        self.sleep = sleep

    def __getattr__(self, name: str) -> object:
        return getattr(asyncio, name)


async def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise builtins.ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    peer = Peer()
    await asyncio.wait_for(MqttLink(lambda: at(1), peer.session, peer.failed).run(), PATIENCE_S)
    assert peer.failures == [(MISSING, True)]


async def test_a_secret_that_is_not_there_is_said_and_looked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "LONG_CAP_S", 0.05)
    broker, peer = Broker(tmp_path, {"car": "right"}), Peer()
    await broker.start()
    secret = tmp_path / "secret"

    def now() -> mqtt.Broker:
        return at(broker.port, username="car", password=reveal(Secret(file=str(secret))))

    running = asyncio.get_running_loop().create_task(MqttLink(now, peer.session, peer.failed).run())
    await until(lambda: peer.failures)
    assert "cannot be read" in peer.failures[0][0]
    secret.write_text("right")
    await until(lambda: peer.sessions)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await broker.stop()


async def test_a_topic_that_the_broker_keeps_from_us_is_named() -> None:
    async def grudging(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Takes everybody and lets nobody listen (mosquitto's own lists do not say so in their confirmation)."""
        while head := await reader.read(2):
            body = await reader.readexactly(head[1])
            if head[0] == 0x10:  # CONNECT
                writer.write(b"\x20\x02\x00\x00")
            elif head[0] == 0x82:  # SUBSCRIBE
                writer.write(b"\x90\x03" + body[:2] + b"\x80")
        writer.close()

    server = await asyncio.start_server(grudging, "127.0.0.1", 0)
    peer = Peer()
    async with linked(at(server.sockets[0].getsockname()[1]), peer):
        await until(lambda: peer.failures)
    assert peer.failures[0] == ("the broker does not let us listen on in: check its access list", True)
    server.close()
    await server.wait_closed()


async def test_an_end_that_comes_together_with_an_answer_is_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = aiomqtt.Client.__aexit__

    async def swallowing(client: aiomqtt.Client, *error: object) -> None:
        """As Python 3.11 does when the answer comes in the moment of the cancellation."""
        await real(client, None, None, None)
        with contextlib.suppress(asyncio.CancelledError):
            leaving.set()
            await asyncio.sleep(0.2)

    monkeypatch.setattr(aiomqtt.Client, "__aexit__", swallowing)
    leaving = asyncio.Event()
    broker, peer = Broker(tmp_path), Peer()
    await broker.start()
    running = asyncio.get_running_loop().create_task(MqttLink(lambda: at(broker.port), peer.session, peer.failed).run())
    await until(lambda: peer.sessions)
    await broker.stop()
    await asyncio.wait_for(leaving.wait(), PATIENCE_S)
    running.cancel()
    await asyncio.wait((running,), timeout=5)
    assert running.cancelled()


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("[Errno -2] Name or service not known", "mqtt.host is not known: check its name"),
        ("[Errno -3] Temporary failure in name resolution", "mqtt.host is not known: check its name"),
        ("[Errno 113] No route to host", "mqtt.host cannot be reached"),
        ("[Errno 101] Network is unreachable", "mqtt.host cannot be reached"),
        ("timed out", "the broker does not answer"),
        ("[code:135] Not authorized", "the broker refuses user or password: check mqtt.username and mqtt.password"),
        (
            "[code:133] Client Identifier not valid",
            "the broker does not take the name of the connection: check mqtt.client_id",
        ),
        (
            "Hostname mismatch, certificate is not valid for 'x'",
            "the broker's certificate is for another name than mqtt.host",
        ),
        ("[code:7] The connection was lost.", "the connection to the broker was lost"),
    ],
)
def test_troubles_in_words(said: str, wanted: str) -> None:
    assert words(OSError(said)) == wanted


def test_a_password_is_in_no_text() -> None:
    assert "hush" not in repr(at(1, username="car", password="hush"))
