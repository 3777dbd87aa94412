"""A simulated Alfen with link, source and sink before it, with short times so that faults take no time to try."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from msgspec import structs
from reactivex.abc import DisposableBase

from phaeton.config.points import Point
from phaeton.config.tree import Charger
from phaeton.links.modbus import LinkSettings, ModbusLink, ModbusLinks
from phaeton.model import (
    ChargerIdentity,
    ChargerReading,
    ChargerWrite,
    Decision,
    Event,
    Mode,
    Output,
    PointDecision,
    Situation,
    Unavailable,
    WriteOutcome,
)
from phaeton.profiles import Profile, load_profile
from phaeton.simulation.car import Car
from phaeton.simulation.charger import SimulatedAlfen
from phaeton.simulation.charger_plant import ChargerPlant
from phaeton.sinks.charger import ChargerSink
from phaeton.sources.charger import ChargerSource
from tests.waiting import PATIENCE_S, until

HOST = "127.0.0.1"


def now() -> tuple[float, float]:
    return round(time.monotonic(), 3), round(time.time(), 3)


def quick(pause_s: float = 0.05, **more: float) -> LinkSettings:
    """The profile's settings with times of a tenth of a second."""
    settings = LinkSettings(
        connect_timeout_s=0.5, request_timeout_s=0.2, idle_close_s=60.0, pause_s=lambda _attempt, _outage_s: pause_s
    )
    return structs.replace(settings, **more)


def decided(write: ChargerWrite | None, point: str = "1") -> Output:
    """An output of the graph that holds this write."""
    decision = PointDecision(
        point=point,
        mode=Mode.MANUAL,
        start=True,
        auto_start=True,
        requested_a=16.0,
        current_a=(write.current_a if write is not None else None) or 0.0,
        phases=3,
        chosen_phases=0,
        status=None,
        reasons=(),
        write=write,
    )
    return Output(Situation(), Decision(mono_s=0.0, utc_s=0.0, points=(decision,)))


@dataclass
class Watched:
    """One charging point: its source with all that it told, and its sink with all its outcomes."""

    id: str
    source: ChargerSource
    sink: ChargerSink
    events: list[Event] = field(default_factory=list)
    outcomes: list[WriteOutcome] = field(default_factory=list)
    subscription: DisposableBase | None = None

    @property
    def readings(self) -> list[ChargerReading]:
        return [event for event in self.events if isinstance(event, ChargerReading)]

    @property
    def identities(self) -> list[ChargerIdentity]:
        return [event for event in self.events if isinstance(event, ChargerIdentity)]

    @property
    def outages(self) -> list[Unavailable]:
        return [event for event in self.events if isinstance(event, Unavailable)]

    @property
    def last(self) -> Event:
        return self.events[-1]

    async def read_on(self, within_s: float = PATIENCE_S) -> ChargerReading:
        """The next reading."""
        count = len(self.readings)
        await until(lambda: len(self.readings) > count, within_s)
        return self.readings[count]

    async def write(self, current_a: float | None = None, phases: int | None = None) -> WriteOutcome:
        """Publish a write and wait for its outcome."""
        count = len(self.outcomes)
        self.sink.publish(decided(ChargerWrite(current_a, phases), self.id))
        await until(lambda: len(self.outcomes) > count)
        return self.outcomes[count]


@dataclass
class Bench:
    """The simulated charger and what is connected to it."""

    charger: SimulatedAlfen
    links: ModbusLinks
    settings: LinkSettings
    profile: Profile
    points: list[Watched] = field(default_factory=list)

    @property
    def plant(self) -> ChargerPlant:
        return self.charger.socket(1)

    @property
    def link(self) -> ModbusLink:
        return self.links.get(HOST, self.charger.port, self.settings)

    def watch(self, socket: int = 1, known_serial: str = "", poll_s: float = 0.05) -> Watched:
        """Begin to poll a socket."""
        point = Point(str(socket), Charger(host=HOST, poll_interval_s=poll_s), socket)
        source = ChargerSource(point, self.profile, self.link, now, known_serial)
        outcomes: list[WriteOutcome] = []

        def emit(event: Event) -> None:
            assert isinstance(event, WriteOutcome)
            outcomes.append(event)

        watched = Watched(point.id, source, ChargerSink(point.id, source, self.link, now, emit), outcomes=outcomes)
        watched.subscription = source.events.subscribe(watched.events.append)
        self.points.append(watched)
        return watched


@asynccontextmanager
async def bench(
    settings: LinkSettings | None = None,
    *,
    sockets: int = 1,
    car: Callable[[], Car] | None = Car,
    overlay: dict[str, object] | None = None,
) -> AsyncIterator[Bench]:
    """A charger that listens, with a car plugged in unless ``car`` is None."""
    plants = [ChargerPlant(point=str(n + 1), car=None if car is None else car()) for n in range(sockets)]
    charger = SimulatedAlfen(plants=plants)
    await charger.start()
    async with ModbusLinks() as links:
        tried = Bench(charger, links, settings or quick(), load_profile("alfen_ng9xx", overlay))
        try:
            yield tried
        finally:
            for point in tried.points:
                if point.subscription is not None:
                    point.subscription.dispose()
            await charger.stop()
