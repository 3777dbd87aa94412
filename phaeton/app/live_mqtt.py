"""The MQTT broker alive: the sink of the present configuration, begun anew when what it tells of changes."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import secrets
import socket
from typing import TYPE_CHECKING

from phaeton.config.tree import Config
from phaeton.config.tree_mqtt import Mqtt
from phaeton.config.tree_web import Web
from phaeton.model import Output
from phaeton.sinks.store import Store, StoreError
from phaeton.sinks.web import LinkDiagnostics, PointName

if TYPE_CHECKING:
    from phaeton.app.daemon import Daemon
    from phaeton.sinks.mqtt import MqttSink

CLIENT_ID = "mqtt:client_id"


class LiveMqtt:
    """At most one connection; without one it costs nothing, not even the library."""

    def __init__(self, daemon: Daemon, store: Store) -> None:
        self._daemon = daemon
        self._store = store
        self._sink: MqttSink | None = None
        self._shown: object = None
        """What the present sink was made from."""
        self._broker: Mqtt | None = None
        self._changing = asyncio.Lock()

    async def begin(self) -> None:
        """Publish as the configuration says now; what is as it was goes on undisturbed."""
        async with self._changing:
            await self._begin(self._daemon.config)

    async def _begin(self, config: Config) -> None:
        points = [PointName(live.point.id, live.point.charger.name) for live in self._daemon.live.values()]
        cars = {vehicle.id: vehicle.battery_kwh for vehicle in config.vehicles}
        page = page_of(config.web, config.mqtt) if config.mqtt.enabled else None
        shown = config.mqtt, points, cars, page
        if shown == self._shown:
            return
        before, self._broker = self._broker, config.mqtt
        await self.end(clear=before is not None and _elsewhere(before, config.mqtt))
        self._shown = shown
        if not config.mqtt.enabled:
            return
        from phaeton.sinks.mqtt import MqttSink  # noqa: PLC0415 - few have a broker

        self._sink = MqttSink(
            config.mqtt,
            points,
            cars,
            self._daemon.submit,
            self._store,
            await self._client_id(),
            self._instances,
            page=page,
        )
        if self._daemon.output is not None:
            self._sink.publish(self._daemon.output)
        self._sink.start()

    def _instances(self) -> dict[str, int | None]:
        lives = self._daemon.live.items()
        return {point: None if live.service is None else live.service.instance for point, live in lives}

    async def end(self, *, clear: bool = False) -> None:
        """Say that we are offline and leave; with ``clear`` the broker keeps nothing of us."""
        sink, self._sink, self._shown = self._sink, None, None
        if sink is not None:
            await sink.stop(clear=clear)

    def publish(self, output: Output) -> None:
        """Tell the newest output; returns at once."""
        if self._sink is not None:
            self._sink.publish(output)

    def happened(self, event: bytes) -> None:
        """Tell an event; returns at once."""
        if self._sink is not None:
            self._sink.happened(event)

    def links(self) -> tuple[LinkDiagnostics, ...]:
        """How the connection fares, where there is to be one."""
        if self._sink is None:
            return ()
        report = self._sink.report()
        return (
            LinkDiagnostics(
                name=report.name,
                up=report.up,
                detail=report.detail,
                requests=report.published,
                failures=report.refused,
            ),
        )

    async def _client_id(self) -> str:
        """The same after each start: the broker then knows that a connection of before is gone."""
        known = self._store.fact(CLIENT_ID)
        if known is None:
            known = f"phaeton-{secrets.token_hex(6)}"
            with contextlib.suppress(StoreError):  # then it is another one after the next start
                await self._store.set_fact(CLIENT_ID, known)
        return known


def _elsewhere(before: Mqtt, after: Mqtt) -> bool:
    """Whether what was told before would be left behind where nobody looks after it any more."""
    return not after.enabled or (before.host, before.port) != (after.host, after.port)


def page_of(web: Web, mqtt: Mqtt) -> str | None:
    """The address of the page for those who read the broker; None where only this device reaches it."""
    if not web.enabled or web.port == 0:
        return None
    name = web.hosts[0] if web.hosts else web.host
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        pass
    else:
        if address.is_unspecified:
            address = ipaddress.ip_address(_own_address(mqtt.host))
        if address.is_loopback:
            return None
        name = f"[{address}]" if address.version == 6 else str(address)
    return None if name == "localhost" else f"http://{name}:{web.port}{web.path_prefix}/"


def _own_address(towards: str) -> str:
    """The address that others see of this device; nothing is sent to find it."""
    for there in (towards, "192.0.2.1"):  # one of the addresses that belong to nobody: it follows the usual route
        try:
            family = socket.AF_INET6 if ipaddress.ip_address(there).version == 6 else socket.AF_INET
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((there, 9))
                return str(probe.getsockname()[0])
        except (OSError, ValueError):
            continue
    return "127.0.0.1"
