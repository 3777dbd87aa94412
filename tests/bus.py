"""A private dbus-daemon, and a client that shares no code with Phaeton's."""

from __future__ import annotations

import asyncio
import signal
from collections import deque
from typing import Any

from dbus_next import Message, MessageType, Variant
from dbus_next.aio import MessageBus

from phaeton.simulation import private_bus
from tests.waiting import PATIENCE_S

BUS_ITEM = "com.victronenergy.BusItem"


class PrivateBus(private_bus.PrivateBus):
    """A real dbus-daemon on a socket of its own, which can be killed, stopped and started again."""

    async def start(self) -> bool:
        """Start it; returns when it listens, and fails where it cannot."""
        assert await super().start(), "dbus-daemon is needed for these tests"
        return True

    async def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None:
            self._process.kill()
        await self.stop()

    def freeze(self) -> None:
        """Let it hang."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


class Stranger:
    """Another program on the bus: sends plain messages and keeps the signals that it sees."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._bus: MessageBus | None = None
        self.signals: deque[Message] = deque()

    async def __aenter__(self) -> Stranger:
        self._bus = await MessageBus(bus_address=self._address).connect()
        self._bus.add_message_handler(self._seen)
        return self

    async def __aexit__(self, *_: object) -> None:
        bus = self.bus
        bus.disconnect()
        await asyncio.wait({asyncio.ensure_future(bus.wait_for_disconnect())}, timeout=1)
        bus._stream.close()
        bus._sock.close()

    @property
    def bus(self) -> MessageBus:
        """The connection below."""
        assert self._bus is not None
        return self._bus

    def _seen(self, message: Message) -> None:
        if message.message_type is MessageType.SIGNAL:
            self.signals.append(message)

    async def send(self, **fields: Any) -> Message:
        """Call and give the raw answer, an error too."""
        answer = await asyncio.wait_for(self.bus.call(Message(**fields)), PATIENCE_S)
        assert answer is not None
        return answer

    async def call(
        self, service: str, path: str, member: str, *body: Any, signature: str = "", interface: str | None = BUS_ITEM
    ) -> Any:
        """Call a method of an item and give its first result; fails on an error."""
        answer = await self.send(
            destination=service, path=path, interface=interface, member=member, signature=signature, body=list(body)
        )
        assert answer.message_type is MessageType.METHOD_RETURN, answer.body
        return answer.body[0] if answer.body else None

    async def error(self, service: str, path: str, member: str, *body: Any, signature: str = "") -> str:
        """Call a method that must be refused and give the name of the error."""
        answer = await self.send(
            destination=service, path=path, interface=BUS_ITEM, member=member, signature=signature, body=list(body)
        )
        assert answer.message_type is MessageType.ERROR, answer.body
        return str(answer.error_name)

    async def value(self, service: str, path: str) -> Any:
        """GetValue without its variant."""
        return (await self.call(service, path, "GetValue")).value

    async def write(self, service: str, path: str, signature: str, value: Any) -> int:
        """SetValue with a variant of that type; the return code."""
        code: int = await self.call(service, path, "SetValue", Variant(signature, value), signature="v")
        return code

    async def listen(self, service: str) -> None:
        """Keep the signals of a service, and of the bus about its name."""
        for rule in (
            f"type='signal',sender='{service}'",
            f"type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='{service}'",
        ):
            await self.send(
                destination="org.freedesktop.DBus",
                path="/org/freedesktop/DBus",
                interface="org.freedesktop.DBus",
                member="AddMatch",
                signature="s",
                body=[rule],
            )

    async def names(self) -> list[str]:
        """All names on the bus."""
        answer = await self.send(
            destination="org.freedesktop.DBus",
            path="/org/freedesktop/DBus",
            interface="org.freedesktop.DBus",
            member="ListNames",
        )
        return list(answer.body[0])

    def changes(self) -> list[dict[str, Any]]:
        """Each ItemsChanged that was seen, as path to value; forgets them."""
        seen = [
            {path: entry["Value"].value for path, entry in message.body[0].items()}
            for message in self.signals
            if message.member == "ItemsChanged"
        ]
        self.signals.clear()
        return seen
