"""One charging point alive: its source, its sink, its service on D-Bus."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from reactivex.abc import DisposableBase

from phaeton.config.change import LINK_KEYS, SERVICE_KEYS
from phaeton.config.points import Point
from phaeton.links.busitem_client import BusClient
from phaeton.links.modbus import LinkSettings, ModbusLink, ModbusLinks
from phaeton.model import Event, Now, Output, Submit
from phaeton.profiles import load_profile, port_of
from phaeton.sinks.charger import ChargerSink
from phaeton.sinks.evcharger import EvchargerService
from phaeton.sources.charger import ChargerSource

Feed = Callable[[Event], None]


class LivePoint:
    """Reads, writes and publishes one point; ``feed`` takes its events into the graph."""

    def __init__(
        self,
        point: Point,
        links: ModbusLinks,
        bus: BusClient,
        now: Now,
        feed: Feed,
        submit: Submit,
        *,
        known_serial: str,
        instance: int,
    ) -> None:
        self.point = point
        self.ident = ""
        """The name on D-Bus behind ``phaeton_``; empty before it is announced."""
        self.met = asyncio.Event()
        """Set once the charger has said who it is."""
        profile = load_profile(point.charger.profile, point.charger.profile_overlay, file=point.charger.profile_file)
        port = port_of(profile, point.socket, point.charger.port)
        self.link: ModbusLink = links.get(point.charger.host, port, LinkSettings.of(profile.transport))
        self.heard_s = now()[0]
        """When the source spoke last; the watchdog looks at it."""
        self._now = now
        self._feed = feed
        self._submit = submit
        self._bus = bus
        self.source = ChargerSource(point, profile, self.link, now, known_serial)
        self.sink = ChargerSink(point.id, self.source, self.link, now, feed)
        self._instance = instance
        self.service: EvchargerService | None = None
        self._subscription: DisposableBase | None = None

    def listen(self) -> None:
        """Begin to read the charger, or begin anew."""
        if self._subscription is not None:
            self._subscription.dispose()
        self.heard_s = self._now()[0]
        self._subscription = self.source.events.subscribe(self._heard)

    def _heard(self, event: Event) -> None:
        self.heard_s = event.mono_s
        self._feed(event)

    def use(self, point: Point) -> None:
        """Go by another configuration that changes neither the connection nor what the GX was told."""
        self.point = point
        if self.service is not None:
            self.service.use(point)

    def publish(self, output: Output) -> None:
        """Carry a decision out and show it."""
        self.sink.publish(output)
        if self.service is not None:
            self.service.publish(output)

    async def announce(self, ident: str, output: Output | None = None) -> None:
        """Come up on the bus under this name, with the newest output if there is one; once up it stays."""
        if self.service is not None:
            return
        self.ident = ident
        self.service = EvchargerService(self.point, self._bus, self._submit, ident=ident, instance=self._instance)
        if output is not None:
            self.service.publish(output)
        await self.service.start()

    async def rename(self, ident: str, output: Output | None) -> None:
        """Leave the bus and come up under another name."""
        if self.service is not None:
            await self.service.stop()
            self.service = None
        await self.announce(ident, output)

    async def close(self, on_exit: Literal["lapse", "pause", "keep"]) -> None:
        """Leave the charger in its defined state, then stop reading it and leave the bus."""
        await self.sink.close(on_exit)
        if self._subscription is not None:
            self._subscription.dispose()
        if self.service is not None:
            await self.service.stop()


def is_named(point: Point) -> bool:
    """Whether the configuration itself names the point on D-Bus."""
    return bool(point.charger.id) or point.charger.device_instance is not None


def anew(running: Point, wanted: Point | None) -> bool:
    """Whether a live point must be made anew: it is gone, or its connection or its service changed."""
    if wanted is None or running.socket != wanted.socket:
        return True
    return any(getattr(running.charger, f) != getattr(wanted.charger, f) for f in (*LINK_KEYS, *SERVICE_KEYS))
