"""The BusItem contract as a client: the values of other services, pushed by them and never polled.

One connection serves all who watch. A service is read whole once when it appears (``GetItems``, or ``GetValue`` of its
root where it does not know that), then kept by its signals. Only the paths that somebody wants are kept. A service
that is watched for life is asked for one value when it was silent for 4 s, so that a quiet bus is not taken for dead.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import cast

from msgspec import Struct

from phaeton.links.busitem_service import BUS_ITEM
from phaeton.links.dbus import BUS, BUS_PATH, DISCONNECTED, NO_REPLY, Answer, DbusError, DbusLink
from phaeton.links.dbus_library import SIGNAL, Message, Value

_log = logging.getLogger(__name__)

SETTINGS = "com.victronenergy.settings"

ASK_AFTER_S = 4.0
ASK_DEADLINE_S = 2.0
LOAD_DEADLINE_S = 10.0
"""A GX that starts up takes its time for the settings."""
LOAD_AGAIN_S = 2.0

_NUMBERS = (int, float)
_LARGEST = 2.0**31
"""Nothing that counts as whole on the GX is larger."""


class Presence(Enum):
    """What is known of a watched service."""

    AWAY = "away"
    READING = "reading"
    SILENT = "silent"
    PRESENT = "present"


class Setting(Struct, frozen=True):
    """A setting to be made in com.victronenergy.settings where it is missing; its type is that of the default."""

    path: str
    default: int | float | str
    minimum: float = 0
    maximum: float = 0
    """0 and 0 mean no limits."""


class Watch:
    """One user's view on a service."""

    def __init__(self, remote: _Remote, paths: frozenset[str], on_change: Callable[[], None]) -> None:
        self._remote = remote
        self.paths = paths
        self.on_change = on_change

    @property
    def service(self) -> str:
        """The name of the service."""
        return self._remote.name

    @property
    def presence(self) -> Presence:
        """Whether the values are to be believed."""
        return self._remote.presence

    @property
    def why(self) -> str:
        """Why the service is not present, for people."""
        return self._remote.why

    @property
    def heard_s(self) -> float:
        """When the service was heard last, in the time of the event loop."""
        return self._remote.heard_s

    @property
    def complete(self) -> bool:
        """Whether the last message told all that had changed, as ``ItemsChanged`` does; else more may follow it."""
        return self._remote.complete

    def get(self, path: str) -> Value:
        """The value, ``None`` when it is invalid, missing, or the service is not there."""
        return self._remote.values.get(path)

    def number(self, path: str) -> float | None:
        """The value as a float, ``None`` for anything that is no finite number."""
        value = self._remote.values.get(path)
        if value is None or not isinstance(value, _NUMBERS) or not math.isfinite(value):
            return None
        return float(value)

    def whole(self, path: str) -> int | None:
        """The value as a whole number, ``None`` for anything that is no number of at most 32 bits."""
        value = self.number(path)
        return None if value is None or abs(value) > _LARGEST else int(value)

    def text(self, path: str) -> str:
        """The value where it is a text, else an empty one."""
        value = self._remote.values.get(path)
        return value if isinstance(value, str) else ""


class _Remote:
    def __init__(self, name: str) -> None:
        self.name = name
        self.owner = ""
        self.presence = Presence.READING
        self.why = f"{name} was not looked for yet"
        self.values: dict[str, Value] = {}
        self.wanted: set[str] = set()
        self.watches: set[Watch] = set()
        self.lively = False
        self.heard_s = 0.0
        self.complete = True
        self.timer: asyncio.TimerHandle | None = None

    def tell(self) -> None:
        for watch in tuple(self.watches):
            watch.on_change()


class BusClient:
    """The shared client connection with all watches; also carries writes to other services."""

    def __init__(self, link: DbusLink) -> None:
        self.link = link
        self._remotes: dict[str, _Remote] = {}
        self._by_owner: dict[str, list[_Remote]] = {}
        self._classes: dict[str, tuple[set[str], Callable[[set[str]], None]]] = {}
        link.attach(self)

    def open(self) -> None:
        """Connect, now and after each loss of the bus; returns at once."""
        self.link.open()

    async def close(self) -> None:
        """Disconnect."""
        for remote in self._remotes.values():
            _stop(remote)
        await self.link.close()

    def watch(
        self, service: str, paths: Iterable[str], on_change: Callable[[], None], *, proof_of_life: bool = False
    ) -> Watch:
        """Keep the values of ``paths``.

        ``on_change`` is called when the service comes, goes, falls silent, or says anything, once for each of its
        messages; it must return at once. It is not called from here: look at the watch once yourself.
        """
        remote = self._remotes.get(service)
        fresh = remote is None
        if remote is None:
            remote = self._remotes[service] = _Remote(service)
            if self.link.failing:
                remote.presence, remote.why = Presence.AWAY, self.link.why_away
        watch = Watch(remote, frozenset(paths), on_change)
        more = not watch.paths <= remote.wanted
        remote.wanted |= watch.paths
        remote.watches.add(watch)
        remote.lively |= proof_of_life
        if self.link.connected:
            if fresh:
                self._begin(remote)
            elif more and remote.owner:
                self._load(remote)
            elif remote.lively and remote.timer is None and remote.presence is Presence.PRESENT:
                self._listen(remote)
        return watch

    def unwatch(self, watch: Watch) -> None:
        """End a watch; the service of the last one is no longer listened to."""
        remote = watch._remote
        remote.watches.discard(watch)
        if not remote.watches and self._remotes.get(remote.name) is remote:
            del self._remotes[remote.name]
            self._forget_owner(remote)
            _stop(remote)
            for rule in _rules(remote.name):
                self.link.request(BUS, BUS_PATH, BUS, "RemoveMatch", _matched, signature="s", body=[rule])

    def watch_class(self, prefix: str, on_change: Callable[[set[str]], None]) -> None:
        """Tell which services exist whose name is ``prefix`` followed by a dot and more."""
        self._classes[prefix] = (set(), on_change)
        if self.link.connected:
            self._begin_class(prefix)

    async def set_value(self, service: str, path: str, value: Value, signature: str = "") -> int:
        """Write an item of another service; its return code, raises `DbusError`."""
        body = [self.link.library.wrap(value, signature)]
        answer = await self.link.call(service, path, BUS_ITEM, "SetValue", "v", body)
        code = self.link.library.plain(answer[0]) if answer else None
        return code if isinstance(code, int) else -1

    async def add_settings(self, settings: Sequence[Setting], deadline_s: float = LOAD_DEADLINE_S) -> dict[str, Value]:
        """Make sure that settings exist and return their values; raises `DbusError`, also for one that is refused."""
        library = self.link.library
        wanted = [
            {
                "path": library.variant("s", setting.path),
                "default": library.wrap(setting.default),
                "min": library.wrap(setting.minimum),
                "max": library.wrap(setting.maximum),
            }
            for setting in settings
        ]
        answer = await self.link.call(
            SETTINGS, "/", "com.victronenergy.Settings", "AddSettings", "aa{sv}", [wanted], deadline_s
        )
        values: dict[str, Value] = {}
        for entry in cast("list[object]", answer[0]):
            fields = library.plain(entry)
            path = fields.get("path") if isinstance(fields, dict) else None
            if not isinstance(fields, dict) or not isinstance(path, str) or fields.get("error") != 0:
                raise DbusError("com.victronenergy.Settings", f"the settings refused {fields!r}")
            values[path] = fields.get("value")
        return values

    # Who is there.

    def bus_connected(self) -> None:
        """Everything has to be asked anew on a new connection."""
        for remote in self._remotes.values():
            self._begin(remote)
        for prefix in self._classes:
            self._begin_class(prefix)

    def bus_disconnected(self, why: str) -> None:
        """All services are away with the bus."""
        self._by_owner.clear()
        for remote in self._remotes.values():
            _gone(remote, why)
        for prefix, (_, on_change) in self._classes.items():
            self._classes[prefix] = (set(), on_change)
            on_change(set())

    def _add_match(self, rule: str) -> None:
        self.link.request(BUS, BUS_PATH, BUS, "AddMatch", _matched, signature="s", body=[rule])

    def _begin(self, remote: _Remote) -> None:
        for rule in _rules(remote.name):
            self._add_match(rule)

        def owner_known(answer: Answer) -> None:
            if not isinstance(answer, DbusError):
                self._owned(remote, str(answer[0]))
            elif answer.name != DISCONNECTED:
                _gone(remote, f"{remote.name} is not on D-Bus")

        self.link.request(BUS, BUS_PATH, BUS, "GetNameOwner", owner_known, signature="s", body=[remote.name])

    def _begin_class(self, prefix: str) -> None:
        self._add_match(f"type='signal',sender='{BUS}',member='NameOwnerChanged',arg0namespace='{prefix}'")

        def listed(answer: Answer) -> None:
            if not isinstance(answer, DbusError):
                names = {name for name in cast("list[str]", answer[0]) if name.startswith(prefix + ".")}
                on_change = self._classes[prefix][1]
                self._classes[prefix] = (names, on_change)
                on_change(set(names))

        self.link.request(BUS, BUS_PATH, BUS, "ListNames", listed)

    def _owned(self, remote: _Remote, owner: str) -> None:
        if owner != remote.owner:
            if remote.owner:
                self._forget_owner(remote)
                _gone(remote, f"another program became {remote.name}")
            remote.owner = owner
            self._by_owner.setdefault(owner, []).append(remote)
            remote.presence, remote.why = Presence.READING, f"{remote.name} has not told its values yet"
            self._load(remote)

    def _forget_owner(self, remote: _Remote) -> None:
        remotes = self._by_owner.get(remote.owner)
        if remotes is not None:
            remotes.remove(remote)
            if not remotes:
                del self._by_owner[remote.owner]

    def _owner_changed(self, name: str, owner: str) -> None:
        remote = self._remotes.get(name)
        if remote is not None:
            if owner:
                self._owned(remote, owner)
            elif remote.owner:
                self._forget_owner(remote)
                _gone(remote, f"{name} left D-Bus")
        for prefix, (names, on_change) in self._classes.items():
            if name.startswith(prefix + "."):
                (names.add if owner else names.discard)(name)
                on_change(set(names))

    # What they say.

    def _load(self, remote: _Remote) -> None:
        """Read everything that is wanted."""
        owner = remote.owner

        def root_read(answer: Answer) -> None:
            if remote.owner != owner:
                return
            tree = None if isinstance(answer, DbusError) else self.link.library.plain(answer[0])
            if isinstance(tree, dict):
                self._loaded(remote, {"/" + path: value for path, value in tree.items()})
            else:
                self._load_later(remote, f"{remote.name} does not tell its values: {answer}")

        def items_read(answer: Answer) -> None:
            if remote.owner != owner:
                return
            if not isinstance(answer, DbusError):
                items = cast("dict[str, dict[str, object]]", answer[0])
                plain = self.link.library.plain
                self._loaded(remote, {path: plain(items[path].get("Value")) for path in remote.wanted & items.keys()})
            elif answer.name == NO_REPLY:
                self._load_later(remote, str(answer))
            else:
                self.link.request(owner, "/", BUS_ITEM, "GetValue", root_read, deadline_s=LOAD_DEADLINE_S)

        self.link.request(owner, "/", BUS_ITEM, "GetItems", items_read, deadline_s=LOAD_DEADLINE_S)

    def _loaded(self, remote: _Remote, values: dict[str, Value]) -> None:
        remote.complete = True
        remote.values = {path: value for path, value in values.items() if path in remote.wanted}
        self._heard(remote)
        if remote.lively and remote.timer is None:
            self._listen(remote)

    def _load_later(self, remote: _Remote, why: str) -> None:
        if remote.why != why:
            _log.warning("%s; asking again", why)
        remote.why = why
        _stop(remote)
        remote.timer = asyncio.get_running_loop().call_later(LOAD_AGAIN_S, self._load_again, remote)
        remote.tell()

    def _load_again(self, remote: _Remote) -> None:
        remote.timer = None
        if remote.owner:
            self._load(remote)

    def bus_message(self, message: Message) -> bool:
        """Take a signal that somebody here waits for."""
        if message.message_type.value != SIGNAL:
            return False
        if message.interface == BUS_ITEM:
            for remote in self._by_owner.get(message.sender or "", ()):
                self._said(remote, message)
            return True
        if message.member == "NameOwnerChanged" and message.sender == BUS:
            name, _, owner = cast("list[str]", message.body)
            self._owner_changed(name, owner)
            return True
        return False

    def _said(self, remote: _Remote, message: Message) -> None:
        plain = self.link.library.plain
        body = message.body[0] if message.body else None
        if not isinstance(body, dict):
            return
        remote.complete = message.member == "ItemsChanged"
        if remote.complete:
            wanted, values = remote.wanted, remote.values
            for path, changes in body.items():
                if path in wanted and "Value" in changes:
                    values[path] = plain(changes["Value"])
        elif message.member == "PropertiesChanged" and message.path in remote.wanted and "Value" in body:
            remote.values[message.path] = plain(body["Value"])
        if remote.presence is not Presence.READING:
            self._heard(remote)

    def _heard(self, remote: _Remote) -> None:
        remote.heard_s = asyncio.get_running_loop().time()
        remote.presence, remote.why = Presence.PRESENT, ""
        remote.tell()

    # Proof of life.

    def _listen(self, remote: _Remote) -> None:
        silent_s = asyncio.get_running_loop().time() - remote.heard_s
        # a timer may fire a little early
        if silent_s > ASK_AFTER_S - 0.01:
            self._ask(remote)
        else:
            later = asyncio.get_running_loop().call_later
            remote.timer = later(ASK_AFTER_S - silent_s, self._listen, remote)

    def _ask(self, remote: _Remote) -> None:
        owner = remote.owner
        path = next(iter(sorted(remote.values) or sorted(remote.wanted)))

        def answered(answer: Answer) -> None:
            if remote.owner != owner:
                return
            if isinstance(answer, DbusError) and answer.name == NO_REPLY:
                if remote.presence is not Presence.SILENT:
                    _log.warning("%s is silent: %s", remote.name, answer)
                remote.presence, remote.why = Presence.SILENT, str(answer)
                remote.tell()
                remote.timer = asyncio.get_running_loop().call_later(ASK_DEADLINE_S, self._ask, remote)
                return
            if not isinstance(answer, DbusError):
                remote.values[path] = self.link.library.plain(answer[0])
            self._heard(remote)
            self._listen(remote)

        _stop(remote)
        self.link.request(owner, path, BUS_ITEM, "GetValue", answered, deadline_s=ASK_DEADLINE_S)


def _rules(service: str) -> tuple[str, str]:
    """What the bus shall send us of a service: nothing of others may wake us."""
    return (
        f"type='signal',sender='{service}',interface='{BUS_ITEM}'",
        f"type='signal',sender='{BUS}',member='NameOwnerChanged',arg0='{service}'",
    )


def _matched(answer: Answer) -> None:
    if isinstance(answer, DbusError) and answer.name != DISCONNECTED:
        _log.error("D-Bus refused a match rule: %s", answer)


def _stop(remote: _Remote) -> None:
    if remote.timer is not None:
        remote.timer.cancel()
        remote.timer = None


def _gone(remote: _Remote, why: str) -> None:
    _stop(remote)
    remote.owner = ""
    remote.presence, remote.why = Presence.AWAY, why
    remote.values = {}
    remote.tell()
