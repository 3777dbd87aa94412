"""The BusItem contract as a service: values that others on the bus can see, watch and write.

It follows Victron's wiki page on the D-Bus API and behaves as velib_python does where that page is silent: tree nodes
answer, an invalid value is an empty ``ai`` with the text ``---``, ``SetValue`` returns 0 or a code. One service owns
one private connection, because clients tell services apart by their connection.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

from msgspec import Struct

from phaeton.links.dbus import (
    BUS,
    BUS_PATH,
    INVALID_ARGS,
    UNKNOWN_METHOD,
    UNKNOWN_OBJECT,
    Answer,
    DbusError,
    DbusLink,
)
from phaeton.links.dbus_library import METHOD_CALL, Message, Value

_log = logging.getLogger(__name__)

BUS_ITEM = "com.victronenergy.BusItem"
INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"

ACCEPTED = 0
NOT_WRITABLE = 1
REFUSED = 2
"""What ``SetValue`` returns, as velib_python does."""

INVALID_TEXT = "---"
MOST_BACKLOG = 50
"""With more messages waiting than this, changes are collected instead of queued."""
NAME_RETRY_S = 10.0
FINISH_WRITES_S = 1.0

Text = Callable[[Value], str]
Write = Callable[[Value], Awaitable[int]]
Method = Callable[[str, list[object]], tuple[str, list[object]]]
"""An additional method: gets the object path and the body, gives signature and body of the answer."""

_DO_NOT_QUEUE = 4
_OWNER = (1, 4)
"""Replies to RequestName: primary owner, already owner."""

_ITEM_XML = (
    f'<interface name="{BUS_ITEM}">'
    '<method name="GetValue"><arg type="v" direction="out"/></method>'
    '<method name="GetText"><arg type="s" direction="out"/></method>'
    '<method name="SetValue"><arg name="value" type="v" direction="in"/><arg type="i" direction="out"/></method>'
    '<signal name="PropertiesChanged"><arg name="changes" type="a{sv}"/></signal></interface>'
)
_NODE_XML = (
    '<method name="GetValue"><arg type="v" direction="out"/></method>'
    '<method name="GetText"><arg type="v" direction="out"/></method>'
)
_ROOT_XML = (
    '<method name="GetItems"><arg type="a{sa{sv}}" direction="out"/></method>'
    '<signal name="ItemsChanged"><arg name="changes" type="a{sa{sv}}"/></signal>'
)


class _Item(Struct):
    signature: str
    value: Value
    text: Text
    write: Write | None


def plain_text(value: Value) -> str:
    """The value itself."""
    return str(value)


def unit(name: str, digits: int) -> Text:
    """A number with so many digits and its unit: ``unit("kWh", 2)`` gives ``1.50 kWh``."""
    return f"{{:.{digits}f}} {name}".format


class BusItemService:
    """A service with a name of its own; ``link`` must be nobody else's.

    Add every item, then `open`. The values can be set at any time; what changes is sent as one ``ItemsChanged``.
    """

    def __init__(self, link: DbusLink, name: str) -> None:
        self.name = name
        self.problem = ""
        """Why the name is not ours, for people; empty while it is."""
        self._link = link
        self._items: dict[str, _Item] = {}
        self._nodes: set[str] = {"/"}
        self._methods: dict[tuple[str, str], Method] = {}
        self._changed: dict[str, None] = {}
        self._writing: set[asyncio.Task[None]] = set()
        self._wanted = False
        self._owned = asyncio.Event()
        self._retry: asyncio.TimerHandle | None = None
        link.attach(self)

    # The items.

    def add(
        self, path: str, signature: str, value: Value = None, *, text: Text = plain_text, write: Write | None = None
    ) -> None:
        """Add an item of a D-Bus type (``i``, ``d``, ``s``, ``as``; empty = that of each value).

        ``write`` makes it writable: it gets what somebody wrote, returns 0 or the code of its refusal, and sets the
        value itself.
        """
        self._items[path] = _Item(signature, value, text, write)
        parts = path.split("/")
        self._nodes.update("/".join(parts[:n]) for n in range(2, len(parts)))
        if self.registered:
            self._changed[path] = None

    def serve(self, interface: str, member: str, method: Method) -> None:
        """Answer a method of another interface, on every path; `DbusError` refuses the call."""
        self._methods[interface, member] = method

    def __contains__(self, path: str) -> bool:
        return path in self._items

    def __getitem__(self, path: str) -> Value:
        return self._items[path].value

    def shown(self) -> Iterator[tuple[str, Value, str, bool]]:
        """Every item as others see it: path, value, text, and whether it can be written."""
        for path, item in self._items.items():
            yield path, item.value, _text_of(item), item.write is not None

    @property
    def backlog(self) -> int:
        """Messages that wait because the bus does not take them."""
        return self._link.backlog

    def values(self) -> dict[str, Value]:
        """Every item with its value."""
        return {path: item.value for path, item in self._items.items()}

    def update(self, values: Mapping[str, Value]) -> None:
        """Set items and send those that changed in one signal; raises KeyError for an item that was not added."""
        for path, value in values.items():
            item = self._items[path]
            new = None if isinstance(value, float) and not math.isfinite(value) else value
            if item.value != new:
                item.value = new
                self._changed[path] = None
        self._flush()

    @contextmanager
    def batch(self) -> Iterator[dict[str, Value]]:
        """Collect values in a dictionary and set them together at the end."""
        values: dict[str, Value] = {}
        yield values
        self.update(values)

    def _flush(self) -> None:
        if not self.registered:
            # who finds us later asks for everything
            self._changed.clear()
        elif self._changed and self._link.backlog <= MOST_BACKLOG:
            changes = {path: self._described(self._items[path]) for path in self._changed}
            self._changed.clear()
            self._link.send(self._link.library.signal("/", BUS_ITEM, "ItemsChanged", "a{sa{sv}}", [changes]))

    def _described(self, item: _Item) -> dict[str, object]:
        library = self._link.library
        return {
            "Value": library.wrap(item.value, item.signature),
            "Text": library.variant("s", _text_of(item)),
        }

    # The name.

    @property
    def registered(self) -> bool:
        """Whether the name is ours now."""
        return self._owned.is_set()

    def open(self) -> None:
        """Connect and take the name, now and after each loss of the bus; returns at once."""
        self._wanted = True
        self._link.open()
        if self._link.connected:
            self._request_name()

    async def wait_registered(self) -> None:
        """Return when the name is ours."""
        await self._owned.wait()

    async def close(self) -> None:
        """Finish what is being written, give the name back, and disconnect; may be opened again."""
        if self._writing:
            await asyncio.wait(self._writing, timeout=FINISH_WRITES_S)
        for task in tuple(self._writing):
            task.cancel()
        await self._release()
        await self._link.close()

    async def register_again(self, values: Mapping[str, Value]) -> None:
        """Leave the bus and return with new values, for those that clients read only when a service appears."""
        await self._release()
        self.update(values)
        self._wanted = True
        self._request_name()

    async def _release(self) -> None:
        self._wanted = False
        self._stop_retry()
        if self.registered:
            self._flush()
            self._owned.clear()
            try:
                await self._link.call(BUS, BUS_PATH, BUS, "ReleaseName", "s", [self.name], deadline_s=1.0)
            except DbusError as error:
                _log.debug("%s: %s", self.name, error)

    def _request_name(self) -> None:
        self._stop_retry()
        self._link.request(
            BUS, BUS_PATH, BUS, "RequestName", self._name_answered, signature="su", body=[self.name, _DO_NOT_QUEUE]
        )

    def _name_answered(self, answer: Answer) -> None:
        if not self._wanted:
            return
        if not isinstance(answer, DbusError) and answer[0] in _OWNER:
            self.problem = ""
            self._changed.clear()
            self._owned.set()
            _log.info("%s is on D-Bus", self.name)
            return
        problem = (
            f"D-Bus does not let us be {self.name}: {answer}"
            if isinstance(answer, DbusError)
            else f"{self.name} is taken: another program, perhaps a second Phaeton, has it; stop that one"
        )
        if self._link.connected:
            if problem != self.problem:
                _log.error("%s", problem)
            self._retry = asyncio.get_running_loop().call_later(NAME_RETRY_S, self._request_name)
        self.problem = problem

    def _stop_retry(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    def bus_connected(self) -> None:
        """Take the name on the new connection; the items are there already."""
        if self._wanted:
            self._request_name()

    def bus_disconnected(self, why: str) -> None:
        """The name went with the connection."""
        self._stop_retry()
        self._owned.clear()
        self.problem = why

    # What others call.

    def bus_message(self, message: Message) -> bool:
        """Answer a call; with or without an interface in its header, as some clients leave it out."""
        if message.message_type.value != METHOD_CALL:
            return False
        path, interface, member = message.path or "/", message.interface, message.member or ""
        extra = self._methods.get((interface or "", member))
        if extra is not None:
            self._call_extra(extra, message, path)
        elif interface in (None, BUS_ITEM):
            self._call_item(message, path, member)
        elif interface == INTROSPECTABLE and member == "Introspect":
            self._link.reply(message, "s", [self._introspected(path)])
        else:
            return False
        return True

    def _call_extra(self, method: Method, message: Message, path: str) -> None:
        try:
            signature, body = method(path, message.body)
        except DbusError as error:
            self._link.refuse(message, error.name, str(error))
            return
        self._link.reply(message, signature, body)

    def _call_item(self, message: Message, path: str, member: str) -> None:
        item = self._items.get(path)
        if item is None and path not in self._nodes:
            self._link.refuse(message, UNKNOWN_OBJECT, f"{self.name} has no {path}")
        elif member == "GetItems" and path == "/":
            items = {path: self._described(item) for path, item in self._items.items()}
            self._link.reply(message, "a{sa{sv}}", [items])
        elif member == "GetValue":
            value = self._link.library.wrap(item.value, item.signature) if item is not None else self._tree_values(path)
            self._link.reply(message, "v", [value])
        elif member == "GetText" and item is not None:
            self._link.reply(message, "s", [_text_of(item)])
        elif member == "GetText":
            self._link.reply(message, "v", [self._tree_texts(path)])
        elif member == "SetValue" and item is not None:
            self._set_value(message, path, item)
        elif member == "GetDescription" and item is not None:
            self._link.reply(message, "s", [""])
        else:
            self._link.refuse(message, UNKNOWN_METHOD, f"{path} of {self.name} has no method {member}")

    def _below(self, node: str) -> Iterator[tuple[str, _Item]]:
        prefix = "/" if node == "/" else node + "/"
        return ((path[len(prefix) :], item) for path, item in self._items.items() if path.startswith(prefix))

    def _tree_values(self, node: str) -> object:
        library = self._link.library
        values = {path: library.wrap(item.value, item.signature) for path, item in self._below(node)}
        return library.variant("a{sv}", values)

    def _tree_texts(self, node: str) -> object:
        return self._link.library.variant("a{ss}", {path: _text_of(item) for path, item in self._below(node)})

    def _introspected(self, path: str) -> str:
        inner = ""
        if path in self._items:
            inner = _ITEM_XML
        elif path in self._nodes:
            inner = f'<interface name="{BUS_ITEM}">{_NODE_XML}{_ROOT_XML if path == "/" else ""}</interface>'
        children = dict.fromkeys(below.split("/", 1)[0] for below, _ in self._below(path))
        nodes = "".join(f'<node name="{child}"/>' for child in children)  # path elements hold nothing to escape
        return f"<node>{inner}{nodes}</node>"

    def _set_value(self, message: Message, path: str, item: _Item) -> None:
        if len(message.body) != 1:
            self._link.refuse(message, INVALID_ARGS, f"SetValue takes one value, not {len(message.body)}")
        elif item.write is None:
            self._link.reply(message, "i", [NOT_WRITABLE])
        else:
            value = self._link.library.plain(message.body[0])
            task = asyncio.get_running_loop().create_task(self._write(message, path, item.write, value))
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)

    async def _write(self, message: Message, path: str, write: Write, value: Value) -> None:
        try:
            code = await write(value)
        except Exception:
            _log.exception("%s: writing %r to %s failed", self.name, value, path)
            code = REFUSED
        self._link.reply(message, "i", [code])


def _text_of(item: _Item) -> str:
    return INVALID_TEXT if item.value is None else item.text(item.value)
