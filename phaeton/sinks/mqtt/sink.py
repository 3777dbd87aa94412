"""The sink: the newest output goes to the broker, orders come from it; a slow or dead broker delays nothing.

Nothing queues. Between two outputs only the newest is kept; what is told is compared with what the broker was told
last, and after a new connection everything is told again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

import msgspec
from msgspec import Struct

from phaeton.config.secret import reveal
from phaeton.config.tree_mqtt import Mqtt
from phaeton.links.mqtt import PLAIN_PORT, TLS_PORT, Broker, Connection, DeniedError, Message, MqttLink, Will, first_of
from phaeton.model import Output, Submit
from phaeton.orders import OrderError
from phaeton.sinks.mqtt import discovery
from phaeton.sinks.mqtt.commands import SET, Setting, parse
from phaeton.sinks.mqtt.topics import (
    AVAILABILITY,
    EVENT,
    OFFLINE,
    ONLINE,
    POINT_TOPICS,
    REFUSED,
    SITE,
    SITE_TOPICS,
    STATE,
    Plain,
    Topic,
    View,
    moved,
    payload,
    view,
)
from phaeton.sinks.store import StoreError
from phaeton.sinks.web.access.rates import Rate, Rates
from phaeton.sinks.web.moments import moment
from phaeton.sinks.web.status import PointName

_log = logging.getLogger(__name__)

KEPT = "mqtt:retained"
"""The fact that names every topic that a broker keeps of us, so that none outlives its charging point."""
ORDERS = Rate(2.0, 20.0)
COMPLAINTS = Rate(0.1, 10.0)
"""Lines of the log about orders that are refused; each is answered all the same."""
MOST_UNDER_WAY = 50
"""Orders that wait for the disk."""
MOST_REFUSALS = 20
MOST_EVENTS = 50
"""So many wait for the broker; the oldest go first."""
SHOWN_BYTES = 80
"""So much of a refused order is repeated."""
FAREWELL_S = 0.5
CLEAR_S = 3.0
"""At most, when the broker is to forget all topics: at a change of settings, never at the end of the daemon."""

T = TypeVar("T")


class Facts(Protocol):
    """The store, as far as it is needed here."""

    def fact(self, key: str) -> str | None:
        """A small text, from memory."""

    async def set_fact(self, key: str, value: str) -> None:
        """Return when it is on the disk; raises when it is not."""


class MqttReport(Struct, frozen=True):
    """How the connection fares."""

    name: str
    up: bool
    detail: str
    published: int
    refused: int


class Refusal(Struct, frozen=True):
    """An order that was refused, as it is told."""

    order: str
    value: str
    why: str
    time: str


class MqttSink:
    """One connection with its topics; made anew when the configuration of the broker, the points or the cars change."""

    def __init__(
        self,
        config: Mqtt,
        points: Sequence[PointName],
        battery_kwh: Mapping[str, float | None],
        submit: Submit,
        facts: Facts,
        client_id: str,
        instances: Callable[[], Mapping[str, int | None]] = dict,
        page: str | None = None,
    ) -> None:
        """``battery_kwh`` tells the size of each configured car's battery."""
        self._config = config
        self._points = tuple(points)
        self._ids = frozenset(point.id for point in points)
        self._battery_kwh = battery_kwh
        self._submit = submit
        self._facts = facts
        self._client_id = config.client_id or client_id
        self._instances = instances
        self._page = page
        self._output: Output | None = None
        self._state: object = None
        """What must be told at once when it changes, of the newest output."""
        self._state_told: object = None
        self._news = asyncio.Event()
        self._due_s = 0.0
        """Loop time from which measured values may be told again."""
        self._values: dict[str, Plain] = {}
        self._shows: dict[str, object] = {}
        """What each message of discovery was made from."""
        self._told: set[str] = set()
        """The topics that the broker was told since it is connected."""
        self._refusals: deque[tuple[str, Refusal]] = deque(maxlen=MOST_REFUSALS)
        self._happened: deque[bytes] = deque(maxlen=MOST_EVENTS)
        self._orders = Rates(changes=ORDERS)
        self._complaints = Rates(changes=COMPLAINTS)
        self._under_way: set[asyncio.Task[None]] = set()
        self._why = "it is connecting"
        self._published = 0
        self._refused = 0
        self._running: asyncio.Task[None] | None = None
        self._clearing = False
        self._availability = f"{config.prefix}/{AVAILABILITY}"
        self._link = MqttLink(self._broker, self._session, self._lost, Will(self._availability, OFFLINE))

    # For the daemon.

    def start(self) -> None:
        """Begin to connect; the control is not concerned by how that goes."""
        self._running = asyncio.get_running_loop().create_task(self._link.run(), name="mqtt")

    async def stop(self, *, clear: bool = False) -> None:
        """Say that we are offline and leave; with ``clear`` the broker forgets all of our topics. At most about 1 s."""
        self._clearing = clear
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            self._running = None
        if self._under_way:
            await asyncio.wait(set(self._under_way), timeout=FAREWELL_S)

    def publish(self, output: Output) -> None:
        """Take the newest output; never raises, never waits, costs microseconds."""
        try:
            self._output = output
            if not self._link.connected:
                return
            self._state = _state_of(output)
            loop_s = asyncio.get_running_loop().time()
            if self._state != self._state_told or loop_s >= self._due_s:
                self._news.set()
        except Exception:
            _log.exception("MQTT missed an output")

    def happened(self, event: bytes) -> None:
        """Tell an event, once, when the broker is there."""
        self._happened.append(event)
        self._news.set()

    def report(self) -> MqttReport:
        """How the connection fares."""
        up = self._link.connected
        return MqttReport(
            name=f"MQTT {self._config.host}:{self._port}",
            up=up,
            detail=self._why,
            published=self._published,
            refused=self._refused,
        )

    # The connection.

    @property
    def _port(self) -> int:
        return self._config.port or (TLS_PORT if self._config.tls else PLAIN_PORT)

    def _broker(self) -> Broker:
        config = self._config
        return Broker(
            host=config.host,
            port=self._port,
            tls=config.tls,
            ca_file=config.ca_file,
            username=reveal(config.username),
            password=reveal(config.password),
            client_id=self._client_id,
        )

    def _lost(self, why: str, for_owner: bool) -> None:
        if why != self._why:
            _log.log(logging.ERROR if for_owner else logging.WARNING, "no MQTT: %s", why)
        self._why = why

    async def _session(self, connection: Connection) -> None:
        """All that is done with a connection that stands."""
        self._told.clear()
        self._forget()
        loop = asyncio.get_running_loop()
        self._why = ""
        for topic in self._listens():
            try:
                await connection.subscribe(topic)
            except DeniedError as error:
                self._why = str(error)
                _log.warning("MQTT: %s", error)
        _log.info("MQTT: connected to %s:%d", self._config.host, self._port)
        self._news.set()
        try:
            await first_of(self._hear(connection), self._tell(connection))
        finally:
            with contextlib.suppress(Exception):  # of a connection that has fallen
                async with asyncio.timeout(CLEAR_S if self._clearing else FAREWELL_S):
                    await loop.create_task(self._farewell(connection))  # its own: this one may be cancelled

    def _listens(self) -> Iterator[str]:
        if self._config.control:
            yield f"{self._config.prefix}/+/+/{SET}"
        if self._config.discovery.enabled:
            yield self._home_assistant

    async def _farewell(self, connection: Connection) -> None:
        if self._clearing:
            for topic in self._kept():
                await connection.publish(topic, b"", retain=True, confirmed=False)
            await connection.publish(self._availability, b"", retain=True)
            await self._facts.set_fact(KEPT, "[]")
        else:
            await connection.publish(self._availability, OFFLINE, retain=True)

    def _forget(self) -> None:
        """Tell everything again."""
        self._values, self._shows, self._state_told, self._due_s = {}, {}, None, 0.0

    # What is told.

    async def _tell(self, connection: Connection) -> None:
        """Tell what is new, whenever something is."""
        loop = asyncio.get_running_loop()
        swept = online = False
        while True:
            await self._news.wait()
            self._news.clear()
            while self._refusals:
                topic, refusal = self._refusals.popleft()
                await connection.publish(topic, msgspec.json.encode(refusal))
            while self._happened:
                await connection.publish(f"{self._config.prefix}/{EVENT}", self._happened[0])
                self._happened.popleft()
                self._published += 1
            output = self._output
            if output is None:
                continue
            due = loop.time() >= self._due_s
            if due:
                self._due_s = loop.time() + self._config.interval_s
            self._state_told = self._state = _state_of(output)
            shown = view(output, self._points, self._instances())
            news = list(self._news_of(shown, due))
            for topic, told in news:
                await connection.publish(topic, told, retain=self._keeps(topic), confirmed=topic == news[-1][0])
                self._told.add(topic)
                self._published += 1
            if not online:
                online = True
                await connection.publish(self._availability, ONLINE, retain=True)
            if not swept and shown.points.keys() == self._ids:
                swept = True
                await self._sweep(connection)

    def _news_of(self, shown: View, due: bool) -> Iterator[tuple[str, bytes]]:
        """Each topic that is to be told, with its payload; the JSON of a point last, and discovery in the end."""
        prefix = self._config.prefix
        for point, told in shown.points.items():
            where = f"{prefix}/{point}"
            if (yield from self._moved(where, POINT_TOPICS, told, due)):
                yield f"{where}/{STATE}", msgspec.json.encode(told.status)
        if (yield from self._moved(f"{prefix}/{SITE}", SITE_TOPICS, shown.site, due)):
            yield f"{prefix}/{SITE}/{STATE}", msgspec.json.encode(shown.site)
        if not self._config.discovery.enabled or not due:
            return
        around = discovery.Surroundings(
            prefix, self._config.control, shown.currency, tuple(self._battery_kwh), self._page
        )
        for point, told in shown.points.items():
            topic = discovery.topic(self._config.discovery.prefix, prefix, point)
            shows = discovery.shows(told), around
            if self._shows.get(topic) != shows:
                self._shows[topic] = shows
                yield topic, discovery.message(told, around)

    def _moved(
        self, where: str, topics: Sequence[Topic[T]], told: T, due: bool
    ) -> Generator[tuple[str, bytes], None, bool]:
        found = False
        for topic in topics:
            if topic.measured and not due:
                continue
            name, value = f"{where}/{topic.name}", topic.get(told)
            if name in self._values and not moved(topic, self._values[name], value, self._config.min_change_w):
                continue
            self._values[name] = value
            found = True
            yield name, payload(value).encode()
        return found

    def _keeps(self, topic: str) -> bool:
        return self._config.retain or topic.startswith(f"{self._config.discovery.prefix}/")

    def _kept(self) -> set[str]:
        """The topics that the broker may keep of us."""
        try:
            before = msgspec.json.decode(self._facts.fact(KEPT) or "[]", type=set[str])
        except msgspec.MsgspecError:
            before = set()
        return before | {topic for topic in self._told if self._keeps(topic)}

    async def _sweep(self, connection: Connection) -> None:
        """Let the broker forget what is told no more: a point that went, another prefix, discovery switched off."""
        present = {topic for topic in self._told if self._keeps(topic)}
        gone = self._kept() - present - {self._availability}
        for topic in sorted(gone):
            await connection.publish(topic, b"", retain=True)
        kept = msgspec.json.encode(sorted({*present, self._availability})).decode()
        if kept != self._facts.fact(KEPT):
            self._spawn(self._note(kept))

    async def _note(self, kept: str) -> None:
        try:
            await self._facts.set_fact(KEPT, kept)
        except StoreError as error:
            _log.warning("what the broker keeps could not be noted: %s", error)

    # What is heard.

    @property
    def _home_assistant(self) -> str:
        return f"{self._config.discovery.prefix}/status"

    async def _hear(self, connection: Connection) -> None:
        async for message in connection.messages():
            try:
                self._heard(message)
            except Exception:
                _log.exception("MQTT: a message on %s was not understood", message.topic)

    def _heard(self, message: Message) -> None:
        if message.topic == self._home_assistant:
            if message.payload == ONLINE.encode() and not message.retained:
                _log.info("Home Assistant has started: it is told everything again")
                self._forget()
                self._news.set()
            return
        inner = message.topic.removeprefix(f"{self._config.prefix}/").split("/")
        if len(inner) != 3 or not message.payload:  # empty: somebody takes a retained order away
            return
        point, name, _ = inner
        if message.retained:
            self._refuse(point, name, message.payload, "a retained order is ignored: publish it without retain")
            return
        loop_s = asyncio.get_running_loop().time()
        if self._orders.take("", loop_s, change=True) > 0 or len(self._under_way) >= MOST_UNDER_WAY:
            self._refuse(point, name, message.payload, "too many orders in a short time")
            return
        if point not in self._ids:
            known = ", ".join(sorted(self._ids))
            self._refuse(point, name, message.payload, f"there is no charging point {point!r}; there is {known}")
            return
        setting = Setting(point=point, output=self._output, battery_kwh=self._battery_kwh)
        try:
            order = parse(name, message.payload, setting)
        except OrderError as error:
            self._refuse(point, name, message.payload, str(error))
            return
        self._spawn(self._submitted(self._submit(point, order, "mqtt"), message.topic))

    async def _submitted(self, storing: Awaitable[None], topic: str) -> None:
        try:
            await storing
        except Exception:
            _log.exception("MQTT: the order on %s could not be carried out", topic)

    def _refuse(self, point: str, name: str, said: bytes, why: str) -> None:
        """Tell the sender, and for the first ones in a short time the log."""
        self._refused += 1
        if self._complaints.take("", asyncio.get_running_loop().time(), change=True) == 0:
            _log.warning("MQTT: refused %s: %s", name, why, extra={"point": point})
        now_s = 0.0 if self._output is None else self._output.decision.utc_s
        value = said[:SHOWN_BYTES].decode("utf-8", "replace")
        where = f"{self._config.prefix}/{point}/{REFUSED}" if point in self._ids else f"{self._config.prefix}/{REFUSED}"
        self._refusals.append((where, Refusal(f"{point}/{name}", value, why, moment(now_s))))
        self._news.set()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)


def _state_of(output: Output) -> object:
    """What is told at once when it changes, in a form that is cheap to make and to compare."""
    readings = {point.id: point.reading for point in output.situation.points}
    decision = output.decision
    points = [
        (
            point.mode,
            point.start,
            point.auto_start,
            point.requested_a,
            point.chosen_phases,
            point.phases,
            point.status,
            point.reachable,
            point.plugged,
            point.boost,
            point.boost_until_utc_s,
            point.energy_limit_kwh,
            point.power_cap_w,
            point.vehicle,
            None if point.session is None else point.session.id,
            None if point.plan is None else point.plan.made_utc_s,
            None if (reading := readings.get(point.point)) is None else (reading.state, reading.fault),
        )
        for point in decision.points
    ]
    cars = [
        (car.point, car.min_soc_pct, car.limit_soc_pct, car.goal_soc_pct, car.goal_kwh, car.departure_utc_s)
        for car in decision.cars
    ]
    return decision.site_fresh, decision.import_per_kwh, decision.feed_in_per_kwh, points, cars
