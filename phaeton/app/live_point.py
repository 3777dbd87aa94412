"""One charging point alive: its source, its sink, its service on D-Bus."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal

from reactivex.abc import DisposableBase

from phaeton.config.points import Point
from phaeton.links.busitem_client import BusClient
from phaeton.links.modbus import LinkSettings, ModbusLink, ModbusLinks
from phaeton.model import Event, Now, Output, Submit
from phaeton.profiles import load_profile, port_of
from phaeton.sinks.charger import ChargerSink
from phaeton.sinks.evcharger import EvchargerService
from phaeton.sources.charger import ChargerSource

_log = logging.getLogger(__name__)

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
        ident: str,
        instance: int,
    ) -> None:
        self.point = point
        self.ident = ident
        profile = load_profile(point.charger.profile, point.charger.profile_overlay)
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
        self.service = EvchargerService(point, bus, submit, ident=ident, instance=instance)
        self._subscription: DisposableBase | None = None
        self._announced = False

    def listen(self) -> None:
        """Begin to read the charger, or begin anew."""
        if self._subscription is not None:
            self._subscription.dispose()
        self.heard_s = self._now()[0]
        self._subscription = self.source.events.subscribe(self._heard)

    def _heard(self, event: Event) -> None:
        self.heard_s = self._now()[0]
        self._feed(event)

    def publish(self, output: Output) -> None:
        """Carry a decision out and show it."""
        self.sink.publish(output)
        self.service.publish(output)

    async def announce(self) -> None:
        """Come up on the bus, once."""
        if not self._announced:
            self._announced = True
            await self.service.start()

    async def rename(self, ident: str, instance: int, output: Output | None) -> None:
        """Put the service up under another name."""
        await self.service.stop()
        self.ident = ident
        self.service = EvchargerService(self.point, self._bus, self._submit, ident=ident, instance=instance)
        if output is not None:
            self.service.publish(output)
        await self.service.start()

    async def close(self, on_exit: Literal["lapse", "pause", "keep"]) -> None:
        """Leave the charger in its defined state, then stop reading it and leave the bus."""
        await self.sink.close(on_exit)
        if self._subscription is not None:
            self._subscription.dispose()
        await self.service.stop()
