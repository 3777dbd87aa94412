"""One connection to the D-Bus daemon, kept up: it connects, notices that the bus is gone, and returns.

The library below is dbus-next or dbus-fast (`phaeton.links.dbus_library`). What it lacks is added here: calls with a
deadline, a writer that waits when the socket is full instead of giving the connection up, a ping that finds a bus
which is there but dead, and a close that gives the descriptors back at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from phaeton.links.dbus_library import (
    ERROR,
    METHOD_CALL,
    NO_REPLY_EXPECTED,
    SIGNAL,
    Bus,
    Library,
    Message,
    bus_address,
    load,
)
from phaeton.links.outage import outage_wait, pause_s

_log = logging.getLogger(__name__)

BUS = "org.freedesktop.DBus"
BUS_PATH = "/org/freedesktop/DBus"
UNKNOWN_METHOD = "org.freedesktop.DBus.Error.UnknownMethod"
UNKNOWN_OBJECT = "org.freedesktop.DBus.Error.UnknownObject"
INVALID_ARGS = "org.freedesktop.DBus.Error.InvalidArgs"
NO_REPLY = "org.freedesktop.DBus.Error.NoReply"
DISCONNECTED = "org.freedesktop.DBus.Error.Disconnected"

CONNECT_DEADLINE_S = 5.0
CALL_DEADLINE_S = 5.0
PING_EVERY_S = 30.0
PING_DEADLINE_S = 5.0
DRAIN_S = 0.5
"""How long a close waits for what was said last to leave."""
STEADY_S = 5.0
"""A connection that lasted longer than this was one; a shorter one counts as a failed attempt."""

_CLOSED_BY_BUS = "the bus closed the connection"


class DbusError(Exception):
    """A call that was refused, or that got no answer."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{text} ({name})" if text else name)
        self.name = name


Answer = list[object] | DbusError
OnAnswer = Callable[[Answer], None]


class Peer(Protocol):
    """Somebody who lives on the connection; all of it is called in the event loop and must return at once."""

    def bus_connected(self) -> None:
        """A new connection is there: match rules, names and values of an earlier one are gone."""

    def bus_disconnected(self, why: str) -> None:
        """The connection is gone, or could not be made for the first time."""

    def bus_message(self, message: Message) -> bool:
        """A call or signal came in; True when it was for this peer."""


class _PatientSocket:
    """Sends as much as fits: a full socket makes the writer wait, where both libraries give up the connection."""

    def __init__(self, sock: object) -> None:
        self._send: Callable[[memoryview], int] = sock.send  # type: ignore[attr-defined]

    def send(self, data: memoryview) -> int:
        try:
            return self._send(data)
        except BlockingIOError:
            return 0


class DbusLink:
    """A connection that comes back for as long as it is open.

    ``name`` is for the log, ``address`` as in `bus_address` when empty, ``library`` as in `load`.
    """

    def __init__(self, name: str, address: str | None = None, library: str | None = None) -> None:
        self.name = name
        self.why_away = "not connected yet"
        self.library: Library = load(library)
        self._address = address
        self._peers: list[Peer] = []
        self._bus: Bus | None = None
        self._pending: dict[int, tuple[OnAnswer, asyncio.TimerHandle]] = {}
        self._last_sent: asyncio.Future[None] | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self.failing = False
        """The last attempt to connect failed."""

    @property
    def connected(self) -> bool:
        """Whether messages can be sent now."""
        return self._bus is not None

    @property
    def unique_name(self) -> str:
        """Our address on the bus, empty without a connection."""
        return (self._bus.unique_name or "") if self._bus is not None else ""

    @property
    def backlog(self) -> int:
        """Messages that wait because the bus does not take them."""
        if self._bus is None:
            return 0
        queue = self._bus._writer.messages
        return queue.qsize() if isinstance(queue, asyncio.Queue) else len(queue)  # type: ignore[arg-type]

    def sibling(self, name: str) -> DbusLink:
        """Another connection to the same bus with the same library, not yet open."""
        return DbusLink(name, self._address, self.library.name)

    def attach(self, peer: Peer) -> None:
        """Let ``peer`` know of the connection and its messages."""
        self._peers.append(peer)
        if self._bus is not None:
            peer.bus_connected()

    def open(self) -> None:
        """Connect, now and whenever the connection is lost; returns at once."""
        if self._supervisor is None:
            self._supervisor = asyncio.get_running_loop().create_task(self._supervise(), name=f"dbus {self.name}")

    async def close(self) -> None:
        """Send what waits and disconnect; may be opened again."""
        if self._last_sent is not None and self._bus is not None:
            with suppress(Exception):
                await asyncio.wait_for(asyncio.shield(self._last_sent), DRAIN_S)
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is not None:
            supervisor.cancel()
            await asyncio.gather(supervisor, return_exceptions=True)
        if self._bus is not None:
            self._lost(self._bus, "closed")

    def send(self, message: Message) -> int:
        """Send and return the serial, 0 without a connection; raises for a body that does not fit its signature."""
        bus = self._bus
        if bus is None:
            return 0
        message.serial = bus.next_serial()
        sent = self._last_sent = bus.send(message)
        if sent.done():
            _forget(sent)
        else:
            sent.add_done_callback(_forget)
        return message.serial

    def request(
        self,
        destination: str,
        path: str,
        interface: str,
        member: str,
        on_answer: OnAnswer,
        *,
        signature: str = "",
        body: Sequence[object] = (),
        deadline_s: float = CALL_DEADLINE_S,
    ) -> None:
        """Call, and hand the answer over in the moment that it arrives, before any later message is looked at.

        ``on_answer`` gets the body, or the error; no answer in time and a lost connection are errors too.
        """
        serial = self.send(self.library.call(destination, path, interface, member, signature, body))
        if not serial:
            on_answer(DbusError(DISCONNECTED, f"no connection to D-Bus: {self.why_away}"))
            return

        def late() -> None:
            self._pending.pop(serial, None)
            on_answer(DbusError(NO_REPLY, f"{destination} did not answer {member} {path} within {deadline_s:g} s"))

        self._pending[serial] = (on_answer, asyncio.get_running_loop().call_later(deadline_s, late))

    async def call(
        self,
        destination: str,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        body: Sequence[object] = (),
        deadline_s: float = CALL_DEADLINE_S,
    ) -> list[object]:
        """Call and wait for the body of the answer; raises `DbusError`."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def answered(answer: Answer) -> None:
            if not future.done():
                future.set_result(answer)

        self.request(
            destination, path, interface, member, answered, signature=signature, body=body, deadline_s=deadline_s
        )
        answer = await future
        if isinstance(answer, DbusError):
            raise answer
        return answer

    # The life of the connection.

    async def _supervise(self) -> None:
        attempt = 0
        while True:
            bus = await self._connect()
            started = asyncio.get_running_loop().time()
            why = await self._stay(bus)
            self._lost(bus, why)
            attempt = 1 if asyncio.get_running_loop().time() - started > STEADY_S else attempt + 1
            await asyncio.sleep(pause_s(attempt, 0.0))

    async def _connect(self) -> Bus:
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(Exception),
            wait=outage_wait,
            sleep=asyncio.sleep,
            before_sleep=self._note_failure,
        )
        bus: Bus = await retrying(self._connect_once)
        return bus

    async def _connect_once(self) -> Bus:
        bus = self.library.bus(self._address or bus_address())
        try:
            async with asyncio.timeout(CONNECT_DEADLINE_S):
                await bus.connect()
        except BaseException:
            _dispose(bus)
            raise
        bus._writer.sock = _PatientSocket(bus._writer.sock)
        bus.add_message_handler(self._received)
        self._bus = bus
        self.failing = False
        self.why_away = ""
        _log.info("%s: connected to D-Bus as %s with %s", self.name, bus.unique_name, self.library.name)
        for peer in self._peers:
            with _contained(self.name):
                peer.bus_connected()
        return bus

    def _note_failure(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome is not None else None
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        self.why_away = f"no connection to D-Bus at {self._address or bus_address()}: {text}"
        if not self.failing:
            self.failing = True
            _log.warning("%s: %s; trying again until it is there", self.name, self.why_away)
            for peer in self._peers:
                with _contained(self.name):
                    peer.bus_disconnected(self.why_away)

    async def _stay(self, bus: Bus) -> str:
        """Wait for the end of the connection and tell why it ended."""
        gone = asyncio.ensure_future(bus.wait_for_disconnect())

        def end(gone: asyncio.Future[None]) -> None:
            # at once, so that nobody waits for an answer that cannot come
            if not gone.cancelled():
                self._lost(bus, _CLOSED_BY_BUS)

        gone.add_done_callback(end)
        try:
            while True:
                await asyncio.wait({gone}, timeout=PING_EVERY_S)
                if gone.done():
                    return _CLOSED_BY_BUS
                try:
                    await self.call(BUS, BUS_PATH, "org.freedesktop.DBus.Peer", "Ping", deadline_s=PING_DEADLINE_S)
                except DbusError as error:
                    return str(error)
        finally:
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)

    def _lost(self, bus: Bus, why: str) -> None:
        if self._bus is not bus:
            return
        self._bus = None
        self.why_away = why
        self._last_sent = None
        _dispose(bus)
        if why != "closed":
            _log.warning("%s: lost D-Bus: %s", self.name, why)
        pending, self._pending = self._pending, {}
        for on_answer, timer in pending.values():
            timer.cancel()
            with _contained(self.name):
                on_answer(DbusError(DISCONNECTED, f"lost the connection to D-Bus: {why}"))
        for peer in self._peers:
            with _contained(self.name):
                peer.bus_disconnected(why)

    def _received(self, message: Message) -> bool:
        """Handler for every message; True stops the library from answering it itself."""
        kind = message.message_type.value
        if kind in (METHOD_CALL, SIGNAL):
            for peer in self._peers:
                try:
                    if peer.bus_message(message):
                        return True
                except Exception:
                    self._complain()
            return False
        waiting = self._pending.pop(message.reply_serial, None)
        if waiting is None:
            return False
        on_answer, timer = waiting
        timer.cancel()
        with _contained(self.name):
            if kind == ERROR:
                text = str(message.body[0]) if message.body else ""
                on_answer(DbusError(message.error_name or "", text))
            else:
                on_answer(message.body)
        return True

    def _complain(self) -> None:
        _log.exception("%s: a handler of D-Bus messages failed", self.name)

    # Answers to calls.

    def reply(self, to: Message, signature: str = "", body: Sequence[object] = ()) -> None:
        """Answer a call, unless it asked for no answer."""
        if not to.flags.value & NO_REPLY_EXPECTED:
            self.send(self.library.reply(to, signature, body))

    def refuse(self, to: Message, error: str, text: str) -> None:
        """Answer a call with an error, unless it asked for no answer."""
        if not to.flags.value & NO_REPLY_EXPECTED:
            self.send(self.library.error(to, error, text))


@contextmanager
def _contained(name: str) -> Iterator[None]:
    """Keep a peer's mistake from the connection and from the other peers."""
    try:
        yield
    except Exception:
        _log.exception("%s: a handler of D-Bus messages failed", name)


def _forget(sent: asyncio.Future[None]) -> None:
    if not sent.cancelled():
        sent.exception()


def _dispose(bus: Bus) -> None:
    """Close for good; both libraries leave sockets to the garbage collector in some case."""
    if bus._sock is None:
        return
    if not bus._disconnected:
        bus.disconnect()
        bus._finalize(None)
    for descriptor in (bus._stream, bus._sock):
        if descriptor is not None:
            with suppress(OSError):
                descriptor.close()
