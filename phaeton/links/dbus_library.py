"""Which D-Bus library carries the messages: dbus-next, or dbus-fast where it is installed.

Both have the same classes; this module says in types what the links use of them, so that nothing else in Phaeton
sees a library. ``PHAETON_DBUS=dbus_next`` or ``dbus_fast`` overrides the choice.
"""

from __future__ import annotations

import asyncio
import importlib
import math
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from types import ModuleType
from typing import Protocol, TypeAlias, cast

Value: TypeAlias = "bool | int | float | str | bytes | list[Value] | dict[str, Value] | None"
"""What an item holds in Python; ``None`` is Victron's invalid value, on the wire an empty array."""

_List: TypeAlias = "list[Value]"
_Dict: TypeAlias = "dict[str, Value]"

NAMES = ("dbus_next", "dbus_fast")

METHOD_CALL, METHOD_RETURN, ERROR, SIGNAL = 1, 2, 3, 4
"""``message_type.value`` of a message (D-Bus specification, Message Protocol)."""

NO_REPLY_EXPECTED = 1
"""Bit of ``flags.value``."""

_PLAIN = (float, int, str)
_INT32 = range(-(2**31), 2**31)
_INT64 = range(-(2**63), 2**63)


class Numbered(Protocol):
    """An enumerator of a library."""

    @property
    def value(self) -> int:
        """Its number on the wire."""


class Message(Protocol):
    """What both libraries tell of a message."""

    message_type: Numbered
    flags: Numbered
    serial: int
    reply_serial: int
    sender: str | None
    path: str | None
    interface: str | None
    member: str | None
    error_name: str | None
    signature: str
    body: list[object]


class Writer(Protocol):
    """The private writer of a connection; its socket is exchanged for one that knows EAGAIN."""

    sock: object
    messages: object


class Closable(Protocol):
    """A socket or a stream."""

    def close(self) -> None:
        """Give the descriptor back."""


class Bus(Protocol):
    """What the link uses of a connection of either library."""

    unique_name: str | None
    _writer: Writer
    _sock: Closable | None
    _stream: Closable | None
    _disconnected: bool

    async def connect(self) -> object:
        """Authenticate and say hello."""

    def disconnect(self) -> None:
        """Shut the socket down."""

    def send(self, msg: Message) -> asyncio.Future[None]:
        """Queue a message; the future ends when it was written."""

    def next_serial(self) -> int:
        """A number for the next message."""

    def add_message_handler(self, handler: Callable[[Message], bool]) -> None:
        """Show each message to ``handler`` first."""

    def wait_for_disconnect(self) -> Awaitable[None]:
        """Ends, or raises, when the connection does."""

    def _finalize(self, err: Exception | None) -> None: ...


class Library:
    """One of the two libraries, with the few of its classes that are used."""

    def __init__(self, name: str) -> None:
        self.name = name
        module: ModuleType = importlib.import_module(name)
        self._new_message = cast("Callable[..., Message]", module.Message)
        self._variant: type[object] = module.Variant
        self._types = module.MessageType
        self._no_reply = module.MessageFlag.NO_REPLY_EXPECTED
        self._buses: type[object] = importlib.import_module(f"{name}.aio").MessageBus

    def bus(self, address: str) -> Bus:
        """A connection to ``address`` that is not yet authenticated; raises OSError, with nothing left open."""
        new: object = self._buses.__new__(self._buses)
        bus = cast("Bus", new)
        # dbus-next connects here, and would block for as long as a hung bus with a full queue exists
        before_s = socket.getdefaulttimeout()
        socket.setdefaulttimeout(1.0)
        try:
            self._buses.__init__(new, bus_address=address)  # type: ignore[call-arg]
        except BaseException:
            for left_open in (getattr(bus, "_stream", None), getattr(bus, "_sock", None)):
                if left_open is not None:
                    left_open.close()
            raise
        finally:
            socket.setdefaulttimeout(before_s)
        if self.name == "dbus_next":
            bus._auth_readline = _HandshakeLines(bus)  # type: ignore[attr-defined]
        return bus

    def call(
        self, destination: str, path: str, interface: str, member: str, signature: str, body: Sequence[object]
    ) -> Message:
        """A method call."""
        return self._new_message(
            destination=destination,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )

    def signal(self, path: str, interface: str, member: str, signature: str, body: Sequence[object]) -> Message:
        """A signal."""
        return self._new_message(
            message_type=self._types.SIGNAL,
            flags=self._no_reply,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )

    def reply(self, to: Message, signature: str, body: Sequence[object]) -> Message:
        """The answer to a call."""
        return self._new_message(
            message_type=self._types.METHOD_RETURN,
            reply_serial=to.serial,
            destination=to.sender,
            signature=signature,
            body=list(body),
        )

    def error(self, to: Message, name: str, text: str) -> Message:
        """The refusal of a call."""
        return self._new_message(
            message_type=self._types.ERROR,
            reply_serial=to.serial,
            destination=to.sender,
            error_name=name,
            signature="s",
            body=[text],
        )

    def variant(self, signature: str, value: object) -> object:
        """A D-Bus variant."""
        return self._variant(signature, value)  # type: ignore[call-arg]

    def wrap(self, value: Value, signature: str = "") -> object:
        """A value as a variant of that signature, or of the one that its Python type suggests.

        Invalid values, numbers that are not finite among them, become the empty ``ai``.
        """
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            return self.variant("ai", [])
        signature = signature or _signature(value)
        if signature == "d":
            return self.variant("d", float(cast("float", value)))
        if signature == "i":
            return self._whole(int(cast("int", value)))
        if signature == "a{sv}":
            return self.variant(signature, {key: self.wrap(entry) for key, entry in cast("_Dict", value).items()})
        if signature == "av":
            return self.variant(signature, [self.wrap(entry) for entry in cast("_List", value)])
        return self.variant(signature, value)

    def _whole(self, value: int) -> object:
        if value in _INT32:
            return self.variant("i", value)
        return self.variant("x", value) if value in _INT64 else self.variant("d", float(value))

    def plain(self, value: object) -> Value:
        """What a body or variant holds, without any class of the library; an empty array is ``None``."""
        while isinstance(value, self._variant):
            value = value.value  # type: ignore[attr-defined]
        if type(value) in _PLAIN:
            return cast("Value", value)
        if isinstance(value, list | tuple):
            return [self.plain(entry) for entry in value] or None
        if isinstance(value, dict):
            return {str(key): self.plain(entry) for key, entry in value.items()}
        return cast("Value", value)


def _signature(value: Value) -> str:
    for kind, signature in ((bool, "b"), (int, "i"), (float, "d"), (str, "s"), (bytes, "ay"), (dict, "a{sv}")):
        if isinstance(value, kind):
            return signature
    return "av"


class _HandshakeLines:
    """Reads a line of the handshake as dbus-next 0.2.3 does, but sees that the peer closed: the original spins then."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def __call__(self) -> str:
        loop = asyncio.get_running_loop()
        line = b""
        while not line.endswith(b"\r\n"):
            got = await loop.sock_recv(self._bus._sock, 1)  # type: ignore[arg-type]
            if not got:
                raise ConnectionResetError("the bus closed the connection during the handshake")
            line += got
        return line[:-2].decode()


def load(name: str | None = None) -> Library:
    """The library of that name, else of ``PHAETON_DBUS``, else dbus-fast from version 5 on, else dbus-next.

    Raises ImportError when the one asked for is not installed, ValueError for another name.
    """
    name = name or os.environ.get("PHAETON_DBUS", "")
    if name:
        if name not in NAMES:
            raise ValueError(f"PHAETON_DBUS must be {' or '.join(NAMES)}, not {name!r}")
        return Library(name)
    if _fast_version() >= 5:
        return Library("dbus_fast")
    try:
        return Library("dbus_next")
    except ImportError:
        # dbus-next needs a part of typing that Python 3.15 no longer has
        return Library("dbus_fast")


def _fast_version() -> int:
    try:
        version: str = importlib.import_module("dbus_fast.__version__").__version__
    except ImportError:
        return 0
    major = version.split(".", maxsplit=1)[0]
    return int(major) if major.isdecimal() else 0


def bus_address() -> str:
    """The session bus where the environment names one (as Victron's own programs choose), else the system bus."""
    return (
        os.environ.get("DBUS_SESSION_BUS_ADDRESS")
        or os.environ.get("DBUS_SYSTEM_BUS_ADDRESS")
        or "unix:path=/var/run/dbus/system_bus_socket"
    )
