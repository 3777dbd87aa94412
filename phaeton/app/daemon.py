"""The daemon, alive: sources into the graph, the graph into the sinks; it reads like the diagram.

    charger sources ─┐                                    ┌─► charger sinks, D-Bus services (per point)
    site, prices ────┼─► inbox ─► graph ─► output ────────┼─► keeper (store), journal (log)
    ticks, commands ─┘      ▲                             └─► web
                            └── outcomes of writes ◄──────────┘

Nothing here decides anything. What fails is begun anew; what is stuck is noticed by `Watchdog`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Coroutine, Mapping
from time import perf_counter
from typing import TYPE_CHECKING

from msgspec import structs
from reactivex import Observable
from reactivex.abc import DisposableBase
from reactivex.subject import Subject

from phaeton import log, zones
from phaeton.app import saved
from phaeton.app.diagnosis import diagnose
from phaeton.app.forecast import LiveForecast
from phaeton.app.inspection import LiveInspection
from phaeton.app.journal import Journal
from phaeton.app.keeper import Keeper
from phaeton.app.live_mqtt import LiveMqtt
from phaeton.app.live_notify import LiveNotify
from phaeton.app.live_point import LivePoint, anew, is_named
from phaeton.app.live_web import LiveWeb
from phaeton.app.minutes import MinuteKeeper
from phaeton.app.prices import LivePrices
from phaeton.app.recordings import LiveRecordings
from phaeton.app.trials import LiveTrials
from phaeton.app.vitals import Vitals
from phaeton.app.watchdog import Watchdog
from phaeton.config.change import Change, compare
from phaeton.config.points import Point, charging_points
from phaeton.config.tree import Config
from phaeton.links.busitem_client import BusClient
from phaeton.links.dbus import DbusLink
from phaeton.links.http import HttpClient
from phaeton.links.modbus import ModbusLinks
from phaeton.model import (
    AcceptCharger,
    ChargerIdentity,
    ChargerReading,
    Command,
    Event,
    Order,
    Output,
    SiteReading,
    Tick,
    Unavailable,
    Zone,
)
from phaeton.orders import told
from phaeton.sinks.evcharger import instances
from phaeton.sinks.store import Store, StoreError, directory
from phaeton.sinks.web import Diagnostics, WebServer
from phaeton.sinks.web.access import Access
from phaeton.sinks.web.backups import Backups
from phaeton.sinks.web.settings import Settings
from phaeton.sinks.web.updates import Updates
from phaeton.sources.clock import Clock, ticks
from phaeton.sources.victron import VictronSource
from phaeton.streams.graph import GraphState, site_graph
from phaeton.streams.situation import ConfigChanged

if TYPE_CHECKING:
    from phaeton.app.live_cars import LiveCars
    from phaeton.sinks.recorder import Recorder

_log = logging.getLogger("phaeton")

TICK_S = 1.0
STOP_WITHIN_S = 3.0
FIRST_MEETING_S = 0.5


class Daemon:
    """One site under control. ``site`` replaces the GX as the source of the house's values (the demo without a bus)."""

    updates: Updates | None = None
    """What can replace the program; set by who can start it again."""
    _read: Subject[ChargerReading] | None = None
    """The readings of the first charger, which the ticks go along with."""

    def __init__(self, config: Config, *, site: Observable[SiteReading] | None = None) -> None:
        self.config = config
        self.output: Output | None = None
        """The newest evaluation of the graph."""
        self._replacement = site
        self.settings: Settings | None = None
        """How the API changes the configuration; set by who knows the file."""
        self.backups: Backups | None = None
        """How the API backs up and restores; set by who can begin anew."""
        self.store_directory = directory(config.store.directory)
        self._store = Store.open(self.store_directory, config.store, logging.getLogger("phaeton.store"))
        self._access = Access(self.store_directory, self._store.worker)
        before = self._restored()
        self._clock = self._continued(before is not None)
        self.now = self._clock.now
        self._store.use_clock(self.now)
        self._zone_name = config.site.timezone
        self._points = self._points_of(config)
        self._state = site_graph(config, self._points, self._zone(), before).initial
        self._keeper = Keeper(self._store, self._state_bytes)
        self._minutes = MinuteKeeper(
            self._store, [point.id for point in self._points], keep=config.store.series_days > 0
        )
        self._journal = Journal()
        self.recorder: Recorder | None = None
        self._links = ModbusLinks()
        self._bus = BusClient(DbusLink("phaeton"))
        self._http = HttpClient()
        self._prices = LivePrices(self._http, self._bus, self._store, self.now, self.feed)
        self._forecast = LiveForecast(self._http, self._store, self.now, self.feed)
        self.cars: LiveCars | None = None
        self._live: dict[str, LivePoint] = {}
        self._inbox: Subject[Event] = Subject()
        self._waiting: deque[Event] = deque()
        self._busy = False
        self.vitals = Vitals()
        self._store.took = self.vitals.stored
        self._fed_s = 0.0
        """When the present event was given to the graph."""
        self._ticking: DisposableBase | None = None
        self._flowing: DisposableBase | None = None
        self._site: VictronSource | None = None
        self._site_heard_s = 0.0
        self._begun = False
        """Everything is up or coming up; before, a changed configuration is only what the start goes by."""
        self._reloading = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self.watchdog = Watchdog(self)
        self.inspection = LiveInspection(self, self._links, self._bus, self._store)
        self.trials = LiveTrials(self, self._links, self._bus)
        self.recordings = LiveRecordings(self)
        self.mqtt, self.notify = LiveMqtt(self, self._store), LiveNotify(self, self._http, self._store)
        self._web = LiveWeb(self, self._store, self._minutes, self._access)

    # Before anything runs.

    def _restored(self) -> GraphState | None:
        """What the last run left, when it can be understood."""
        kept = self._store.state
        if kept is None:
            return None
        try:
            return saved.load(kept.blob)
        except ValueError as error:
            self._store.set_aside_state(str(error))
            return None

    def _continued(self, restored: bool) -> Clock:
        kept = self._store.state
        return Clock(kept.mono_s, kept.utc_s) if kept is not None and restored else Clock()

    def _state_bytes(self) -> bytes:
        return saved.dump(self._state)

    def _points_of(self, config: Config) -> tuple[Point, ...]:
        sockets = {host: int(count) for host, count in self._store.facts("sockets:").items()}
        return charging_points(config, sockets)

    def _zone(self) -> Zone:
        trouble = zones.problem(self._zone_name)
        if trouble:
            _log.warning("times are UTC: %s", trouble)
        return zones.zone(self._zone_name, self.now()[1])

    # Life.

    async def start(self) -> None:
        """Bring everything up, the page last."""
        self._set_up_recorder()
        self._flow()
        self._bus.open()
        await self._until_bus()
        self._begun = True
        self.watchdog.arm()
        await self._set_up_points()
        self._set_up_site()
        self._prices.begin(self.config, self._zone())
        self._begin_forecast()
        await self._set_up_cars()
        self._tick()
        self._spawn(self.watchdog.run())
        await self._web.begin()
        await self.mqtt.begin()
        await self.notify.begin()

    async def _until_bus(self) -> None:
        """Wait for D-Bus for as long as the configuration requires it, which a reload may end."""
        if self.config.site.require_dbus and not self._bus.link.connected:
            _log.warning("site.require_dbus is on: waiting for D-Bus before the first decision")
        while self.config.site.require_dbus and not self._bus.link.connected:  # noqa: ASYNC110 - no event, and once
            await asyncio.sleep(0.05)

    def _tick(self) -> None:
        """Decide now and each second from here on."""
        if self._ticking is not None:
            self._ticking.dispose()
        self.feed(Tick(*self.now()))
        self._read = Subject()
        self._ticking = ticks(self._clock, TICK_S, self._late, self._read).subscribe(self.feed)

    def _late(self, late_s: float) -> None:
        self.vitals.late(late_s, TICK_S)

    def _flow(self) -> None:
        """The graph as an Rx operator between inbox and sinks; begun anew it goes on from its last state."""
        graph = site_graph(self.config, self._points, self._zone(), self._state)
        if self._flowing is not None:
            self._flowing.dispose()
        self._inbox = Subject()
        self._flowing = self._inbox.pipe(graph.operator()).subscribe(self._decided, self._failed)
        if self.recorder is not None:
            self.recorder.begin(graph.initial, "start" if self.output is None else "graph")

    def feed(self, event: Event) -> None:
        """Take an event into the graph; what sinks feed back while it runs comes after it."""
        self._waiting.append(event)
        if self._busy:
            return
        self._busy = True
        try:
            while self._waiting:
                event = self._waiting.popleft()
                if self.recorder is not None:
                    self.recorder.event(event)
                self.vitals.events += 1
                self._fed_s = perf_counter()
                self._inbox.on_next(event)
        finally:
            self._busy = False

    def _failed(self, error: Exception) -> None:
        self.vitals.graph_failures += 1
        _log.error("the graph failed and goes on from its last state", exc_info=error)
        asyncio.get_running_loop().call_soon(self._flow)

    def _decided(self, step: tuple[GraphState, Output | None]) -> None:
        decided_s = perf_counter()
        self._state, output = step
        if self.recorder is not None:
            self.recorder.stepped(self._state, output)
        if output is None:
            return
        self.output = output
        self.watchdog.decided()
        for live in self._live.values():
            live.publish(output)
        self._journal.publish(output)
        self._keeper.publish(output)
        self._minutes.publish(output)
        self._forecast.publish(output)
        if self.cars is not None:
            self.cars.publish(output)
        self._web.publish(output)
        self.mqtt.publish(output)
        self.notify.publish(output)
        self.vitals.decided(decided_s - self._fed_s, perf_counter() - decided_s)

    async def flush(self) -> None:
        """Commit everything that waits for the disk; raises `StoreError`."""
        await self._store.flush()

    async def submit(self, point: str, order: Order, origin: str) -> None:
        """Put an order into force now; returns when it is stored, or when the disk does not take it."""
        _log.info("%s, from %s", told(order), origin, extra={"point": point})
        if not origin.startswith(("page", "rest")):  # what came by the API is kept there, with its answer
            self._access.audit.note(origin, "", f"order to {point}", told(order))
        self.feed(Command(*self.now(), point, order, origin))
        if isinstance(order, AcceptCharger) and point in self._live:
            live = self._live[point]
            await self._store.set_fact(f"serial:{live.point.charger.host}", order.serial)
            live.source.accept(order.serial)
        try:
            await self._store.save_state(self._state_bytes())
        except StoreError as error:
            _log.warning("the order is in force but not stored: %s", error)

    # The charging points.

    async def _set_up_points(self) -> None:
        """Make the live points those of the configuration; what has not changed goes on undisturbed."""
        wanted = instances(self._points)
        keep = {p.id: p for p in self._points}
        for point_id in [i for i, live in self._live.items() if anew(live.point, keep.get(i))]:
            live = self._live.pop(point_id)
            await live.close("lapse")
        for point in self._points:
            if point.id in self._live:
                self._live[point.id].use(point)
            else:
                live = LivePoint(
                    point,
                    self._links,
                    self._bus,
                    self.now,
                    self._heard,
                    self.submit,
                    known_serial=self._store.fact(f"serial:{point.charger.host}") or "",
                    instance=wanted[point.id],
                )
                self._live[point.id] = live
                live.listen()
        await self._until_named()
        await asyncio.gather(*(live.announce(self._ident(live.point), self.output) for live in self._live.values()))

    async def _until_named(self) -> None:
        """Give chargers that were never met a moment to tell their serial: a name on D-Bus should not change."""
        nameless = [p for p in self._points if self._ident(p) == p.id and not is_named(p)]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_MEETING_S):
                for point in nameless:
                    await self._live[point.id].met.wait()

    def _ident(self, point: Point) -> str:
        """The name on D-Bus: the id, else the instance, else the serial once read, else the number in the file."""
        charger = point.charger
        serial = self._store.fact(f"serial:{charger.host}") or ""
        plain = "".join(c for c in serial if c.isascii() and c.isalnum())
        if is_named(point) or not plain:
            return point.id
        return plain if point.socket == 1 else f"{plain}_{point.socket}"

    def _heard(self, event: Event) -> None:
        self.feed(event)
        if isinstance(event, ChargerReading):
            if self._read is not None and event.point == self._points[0].id:
                self._read.on_next(event)
        elif isinstance(event, ChargerIdentity):
            self._spawn(self._identified(event))

    async def _identified(self, who: ChargerIdentity) -> None:
        """Remember who answered where; a second socket or a first serial may change what is published."""
        live = self._live.get(who.point)
        if live is None or (who.warning and not who.read_only):
            return
        host = live.point.charger.host
        try:
            if who.serial:
                await self._store.set_fact(f"serial:{host}", who.serial)
            await self._store.set_fact(f"sockets:{host}", str(who.sockets))
        except StoreError as error:
            _log.warning("who the charger is could not be stored: %s", error)
        if who.serial:
            live.source.accept(who.serial)
        live.met.set()
        points = self._points_of(self.config)
        if points != self._points:
            _log.info("the charger has %d sockets", who.sockets, extra={"point": who.point})
            self._use(self.config, points)
            await self._set_up_points()
            self._web.points_changed()
            await self.mqtt.begin()
        ident = self._ident(live.point)
        if live.ident not in ("", ident):
            await live.rename(ident, self.output)

    # The house.

    def _set_up_site(self) -> None:
        if self._replacement is not None:
            self._replacement.subscribe(self._replacement_said)
        elif self.config.site.source == "gx":
            self._site = VictronSource(self._bus, self.now)
            self._site.readings.subscribe(self._site_said)
            self._site.zone.subscribe(self._zone_said)
            self._site.start()

    def _site_said(self, event: SiteReading | Unavailable) -> None:
        self._site_heard_s = event.mono_s
        self.feed(event)
        for live in self._live.values():
            live.source.along()

    def _replacement_said(self, reading: SiteReading) -> None:
        """A world of its own runs by another clock; what it shows is of now."""
        mono_s, utc_s = self.now()
        self._site_said(structs.replace(reading, mono_s=mono_s, utc_s=utc_s))

    def _zone_said(self, name: str) -> None:
        if not self.config.site.timezone and name != self._zone_name:
            self._zone_name = name
            self._use(self.config, self._points)
            self._prices.begin(self.config, self._zone())
            self._begin_forecast()

    def _use(self, config: Config, points: tuple[Point, ...]) -> None:
        """Bring a configuration into force in the graph."""
        self.config, self._points = config, points
        self._minutes.use([point.id for point in points])
        zone = self._zone()
        self.feed(ConfigChanged(*self.now(), config, points, zone))
        if self.cars is not None:
            self.cars.zone = zone

    async def reload(self, config: Config) -> Change:
        """Take over a validated configuration without a restart of charging; returns what it changed."""
        async with self._reloading:
            return await self._reload(config)

    async def _reload(self, config: Config) -> Change:
        change = compare(self.config, config)
        if change.nothing:
            _log.info("the configuration was read again; nothing has changed")
            return change
        _log.info("the configuration changes: %s", "; ".join(change.keys))
        if change.log:
            log.setup(config.log)
        if change.zone:
            self._zone_name = config.site.timezone
        self._use(config, self._points_of(config))
        if change.record:
            await self._end_recorder()
            self._set_up_recorder()
        if not self._begun:
            return change
        await self._set_up_points()
        if change.site:
            if self._site is not None:
                self._site.stop()
                self._site = None
            self._set_up_site()
        if change.prices or change.zone:
            self._prices.begin(config, self._zone())
        if change.forecast or change.zone:
            self._begin_forecast()
        if change.vehicles:
            await self._set_up_cars()
        if change.web or change.vehicles or change.added or change.removed:
            await self._web.begin()
        await self.mqtt.begin()
        await self.notify.begin()
        if change.store:
            _log.warning("store: another directory or retention takes effect at the next start")
        return change

    def _begin_forecast(self) -> None:
        self._forecast.begin(self.config, self._zone(), self._state.situation.forecast)

    # The cars.

    async def _set_up_cars(self) -> None:
        """Ask the cars of the configuration; what they told before stays in force until they speak again."""
        cars, self.cars = self.cars, None
        if cars is not None:
            await cars.stop()
        if not self.config.vehicles:
            return
        from phaeton.app.live_cars import LiveCars  # noqa: PLC0415 - many have no car to ask

        self.cars = LiveCars(
            self.config, self._http, self._bus, self.now, self._store, self._zone(), self._instance_of, self.feed
        )
        if self.output is not None:
            self.cars.publish(self.output)
        await self.cars.start()

    def _instance_of(self, point: str) -> int | None:
        live = self._live.get(point)
        return None if live is None or live.service is None else live.service.instance

    # The recorder.

    def _set_up_recorder(self) -> None:
        """Record from here on, where that is wanted."""
        record = self.config.record
        if not record.enabled:
            return
        from phaeton.sinks.recorder import Recorder, folder_of  # noqa: PLC0415 - few record

        folder = folder_of(self.config)
        self.recorder = Recorder(folder, record, self._store.worker, logging.getLogger("phaeton.record"))
        self.recorder.took = self.vitals.recorded
        self.recorder.begin(self._state)
        _log.info("recording in %s", folder)

    async def _end_recorder(self) -> None:
        recorder, self.recorder = self.recorder, None
        if recorder is not None:
            await recorder.close()

    # The page.

    @property
    def web(self) -> WebServer | None:
        """The page, where it is wanted."""
        return self._web.server

    @property
    def points(self) -> tuple[Point, ...]:
        """The charging points of the configuration."""
        return self._points

    @property
    def http(self) -> HttpClient:
        """For requests to the outside."""
        return self._http

    @property
    def zone(self) -> Zone:
        """The site's wall clock."""
        return self._state.zone

    def diagnostics(self) -> Diagnostics:
        """How the links fare, for the page."""
        prices = self._prices.describe(self.config, self.output, self.now()[1])
        forecast = self._forecast.describe()
        found = diagnose(
            self._links, self._live, self._bus, self._store, self.config, self.now, prices, forecast, self.vitals
        )
        found = structs.replace(found, links=(*found.links, *self.mqtt.links(), *self.notify.links()))
        return found if self.cars is None else structs.replace(found, vehicles=self.cars.infos())

    # Watching and ending.

    @property
    def live(self) -> Mapping[str, LivePoint]:
        """The charging points that run."""
        return self._live

    @property
    def site_silent_s(self) -> float:
        """How long the site's source has said nothing while the bus is there."""
        if self._site is None or not self._bus.link.connected:
            return 0.0
        return self.now()[0] - self._site_heard_s

    def restart_site(self) -> None:
        """Begin to read the house anew."""
        if self._site is not None:
            self._site.stop()
            self._site_heard_s = self.now()[0]
            self._site.start()

    def restart_graph(self) -> None:
        """Begin the graph and its ticks anew, from the last state."""
        self._busy = False
        self._flow()
        self._tick()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """End in order, within 3 s: no more decisions, the chargers as configured, the bus, the page, the store."""
        if self._ticking is not None:
            self._ticking.dispose()
        if self._flowing is not None:
            self._flowing.dispose()
        if self.recorder is not None:
            self.recorder.end()
        for task in self._tasks:
            task.cancel()
        try:
            async with asyncio.timeout(STOP_WITHIN_S - 1.0):
                await asyncio.gather(
                    self.mqtt.end(),
                    *(live.close(live.point.charger.on_exit) for live in self._live.values()),
                    return_exceptions=True,
                )
                if self._site is not None:
                    self._site.stop()
                await self._web.end()
                await self._access.close()
                self._prices.end()
                self._forecast.end()
                await self.notify.end()
                if self.cars is not None:
                    await self.cars.stop()
                await self._http.close()
                await self._links.close()
                await self._bus.close()
                await self._keeper.close()
        except TimeoutError:
            _log.warning("not everything ended in time")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await self._end_recorder()
        self._store.note_state(self._state_bytes)
        self._minutes.hand_over()
        await self._store.close(within_s=1.0)
        self.watchdog.disarm()
