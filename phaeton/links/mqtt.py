"""A connection to an MQTT broker that is made, lost and made again, for sources and sinks; the library is aiomqtt.

The library is an optional part and is loaded with the first connection, beside the event loop. Sessions are clean:
what was said while nobody was connected is not delivered later.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import traceback
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING

from msgspec import Struct

from phaeton.config.secret import SecretError
from phaeton.links.outage import LONG_CAP_S, pause_s

if TYPE_CHECKING:
    import aiomqtt

_log = logging.getLogger(__name__)

MISSING = "the library for MQTT is not installed: `pip install 'phaeton[mqtt]'`"
PLAIN_PORT, TLS_PORT = 1883, 8883
ANSWER_S = 10.0
"""A broker that takes longer to answer anything counts as away."""
KEEPALIVE_S = 30
LEAVE_S = 0.5
STOOD_S = 10.0
"""A connection that was lost sooner did not end the outage: the pauses go on growing."""
MOST_WAITING = 100
"""Messages that wait to be handled; more are dropped."""

_FAILED = 0x80
"""From here on the codes of a confirmation are failures."""
_ON_PURPOSE = ("not authori", "bad user name", "bad username", "banned")


class Broker(Struct, frozen=True, kw_only=True):
    """Where to connect to, and as whom."""

    host: str
    port: int
    tls: bool = False
    ca_file: str = ""
    """Certificate of the authority; empty = those that the system knows."""
    username: str = ""
    password: str = ""
    client_id: str = ""
    """Empty = a new one for each connection."""

    def __repr__(self) -> str:
        """Never the password."""
        return f"Broker({self.host}:{self.port})"


class Message(Struct, frozen=True):
    """What the broker delivered."""

    topic: str
    payload: bytes
    retained: bool
    """It was there before the subscription, for how long nobody knows."""


class Will(Struct, frozen=True):
    """What the broker publishes, retained, when the connection is lost."""

    topic: str
    payload: str


class DeniedError(ValueError):
    """The broker does not let us listen on a topic; the text says so."""


class Connection:
    """A connection that stands. When it falls, the session is ended."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client
        self._heard: asyncio.Queue[Message] = asyncio.Queue(MOST_WAITING)

    async def follow(self) -> None:
        """Take what is delivered, whether somebody waits for it or not; raises when the connection falls."""
        async for message in self._client.messages:
            payload = message.payload
            heard = Message(str(message.topic), payload if isinstance(payload, bytes) else b"", bool(message.retain))
            if not self._heard.full():
                self._heard.put_nowait(heard)

    async def subscribe(self, topic: str) -> None:
        """Returns when the broker has confirmed; raises `DeniedError` when it does not allow it."""
        granted = await self._client.subscribe(topic, qos=1)
        _cancelled_after_all()
        if any((code if isinstance(code, int) else code.value) >= _FAILED for code in granted):
            raise DeniedError(f"the broker does not let us listen on {topic}: check its access list")

    async def publish(self, topic: str, payload: str | bytes, *, retain: bool = False, confirmed: bool = True) -> None:
        """Returns when the broker has confirmed; without ``confirmed`` when the system has taken it."""
        await self._client.publish(topic, payload, qos=1 if confirmed else 0, retain=retain)
        _cancelled_after_all()

    async def messages(self) -> AsyncIterator[Message]:
        """Everything that is delivered; it ends with the session."""
        while True:
            yield await self._heard.get()


def _cancelled_after_all() -> None:
    """Python 3.11's ``wait_for``, which the library uses, swallows a cancellation that comes with the answer."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


Session = Callable[[Connection], Coroutine[None, None, None]]
"""What is done with a connection that stands; it runs until the connection falls or it is cancelled."""


class MqttLink:
    """Keeps one connection up for as long as it runs.

    ``broker`` is asked before each attempt, so that a changed secret counts; ``failed`` is told in words why there is
    no connection, and whether only the owner can mend it.
    """

    def __init__(
        self,
        broker: Callable[[], Broker],
        session: Session,
        failed: Callable[[str, bool], None],
        will: Will | None = None,
    ) -> None:
        self._broker = broker
        self._session = session
        self._failed = failed
        self._will = will
        self._leaving: set[asyncio.Task[None]] = set()
        self.connected = False
        self._since_s: float | None = None
        """When the last connection began to stand."""

    async def run(self) -> None:
        """Connect, and come back after each loss; ends when cancelled, or where the library is missing."""
        try:
            library = await asyncio.to_thread(importlib.import_module, "aiomqtt")
        except ImportError:
            self._failed(MISSING, True)
            return
        loop = asyncio.get_running_loop()
        tries, waited_s = 0, 0.0
        while True:
            why, for_owner = await self._once(library)
            _cancelled_after_all()
            if self._stood_s(loop.time()) >= STOOD_S:
                tries, waited_s = 0, 0.0
            tries += 1
            self._failed(why, for_owner)
            pause = LONG_CAP_S if for_owner else pause_s(tries, waited_s)
            waited_s += pause
            _log.debug("MQTT: %s; again in %.1f s", why, pause)
            await asyncio.sleep(pause)

    def _stood_s(self, now_s: float) -> float:
        since_s, self._since_s = self._since_s, None
        return 0.0 if since_s is None else now_s - since_s

    async def _once(self, library: ModuleType) -> tuple[str, bool]:
        """One connection from its beginning to its end: why it ended, and whether only the owner can mend it."""
        try:
            broker = self._broker()
            client = self._client(library, broker)
        except (SecretError, ValueError) as error:
            return str(error), True
        try:
            await self._enter(client)
        except (library.MqttError, OSError, ValueError) as error:
            _let_go(error)
            await _leave(client)
            return words(error, handshake=broker.tls), _refuses(error)
        self.connected, self._since_s = True, asyncio.get_running_loop().time()
        connection = Connection(client)
        try:
            await first_of(self._session(connection), connection.follow())
        except library.MqttError as error:
            return words(error), False
        except ValueError as error:  # a topic that is none
            return str(error), True
        finally:
            self.connected = False
            await _leave(client)
        return "the broker closed the connection", False

    def _client(self, library: ModuleType, broker: Broker) -> aiomqtt.Client:
        will = self._will
        found: aiomqtt.Client = library.Client(
            broker.host,
            broker.port,
            username=broker.username or None,
            password=broker.password or None,
            identifier=broker.client_id or None,
            tls_params=library.TLSParameters(ca_certs=broker.ca_file or None) if broker.tls else None,
            will=None if will is None else library.Will(will.topic, will.payload, qos=1, retain=True),
            timeout=ANSWER_S,
            keepalive=KEEPALIVE_S,
            max_queued_incoming_messages=MOST_WAITING,
        )
        return found

    async def _enter(self, client: aiomqtt.Client) -> None:
        """Connect. The library does it in a thread that cannot be stopped: when cancelled, it is left once it is up."""
        entering = asyncio.get_running_loop().create_task(_entered(client))
        try:
            await asyncio.shield(entering)
        except asyncio.CancelledError:
            entering.add_done_callback(partial(self._abandon, client))
            raise

    def _abandon(self, client: aiomqtt.Client, entering: asyncio.Task[None]) -> None:
        if entering.cancelled():
            return
        entering.exception()  # it is of no interest any more
        task = asyncio.get_running_loop().create_task(_leave(client))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


async def first_of(*works: Coroutine[None, None, None]) -> None:
    """Do them side by side until one of them ends, and end the others; raises what it raised."""
    tasks = [asyncio.get_running_loop().create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _entered(client: aiomqtt.Client) -> None:
    await client.__aenter__()


async def _leave(client: aiomqtt.Client) -> None:
    """Say good-bye and close, whatever became of the connection; a broker that says nothing is not waited for."""
    with contextlib.suppress(Exception):  # it is left one way or the other
        async with asyncio.timeout(LEAVE_S):
            await client.__aexit__(None, None, None)


def _let_go(error: BaseException | None) -> None:
    """Let the frames of a failed attempt go: the library leaves the socket of a failed handshake in one of them."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__context__


def _refuses(error: Exception) -> bool:
    return any(word in str(error).lower() for word in (*_ON_PURPOSE, "certificate", "no such file"))


def words(error: Exception, *, handshake: bool = False) -> str:
    """Why there is no connection, and what to do, for people."""
    text = str(error).lower()
    said = {
        "the broker refuses user or password: check mqtt.username and mqtt.password": _ON_PURPOSE,
        "the broker does not take the name of the connection: check mqtt.client_id": ("identifier",),
        "nobody listens at mqtt.host and mqtt.port": ("connection refused",),
        "mqtt.host is not known: check its name": ("name or service", "nodename", "resolution", "no address"),
        "mqtt.host cannot be reached": ("unreachable", "no route"),
        "mqtt.ca_file is not there": ("no such file",),
        "the broker's certificate is for another name than mqtt.host": ("hostname mismatch", "ip address mismatch"),
        "the broker's certificate is not trusted: name the one of its authority in mqtt.ca_file": ("certificate",),
        f"the broker does not speak TLS at mqtt.port; {TLS_PORT} is the usual one for it": ("ssl", "record layer"),
        "the broker does not answer": ("timed out", "timeout"),
    }
    for told, signs in said.items():
        if any(sign in text for sign in signs):
            return told
    if handshake:
        return f"the broker does not take the handshake of TLS at mqtt.port; {TLS_PORT} is the usual one for it"
    return "the connection to the broker was lost"
