"""Topics of an MQTT broker, pushed by it.

A topic of the configuration may name a path in JSON after a ``#``: ``car#battery.soc``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from phaeton.config.tree_vehicles import MqttCar
from phaeton.links.mqtt import Broker, Connection, Message, MqttLink
from phaeton.sources.vehicles.report import Report, Trouble, VehicleError
from phaeton.sources.vehicles.values import flag, found, instant, kilometres, limit_percent, percent

FIELDS = ("soc", "time", "limit", "plugged", "charging", "range_km", "odometer", "at_home")
GATHER_S = 0.3
"""Topics that come together make one report."""
MOST_BYTES = 65_536
"""Of a message."""


class MqttSource:
    """Follows the topics of one car for as long as it runs."""

    def __init__(
        self,
        config: MqttCar,
        username: str,
        password: str,
        report: Callable[[Report], None],
        failed: Callable[[VehicleError], None],
    ) -> None:
        self._config = config
        self._report = report
        self._failed = failed
        self._values: dict[str, object] = {}
        self._due: asyncio.TimerHandle | None = None
        broker = Broker(host=config.host, port=config.port, tls=config.tls, username=username, password=password)
        self._link = MqttLink(lambda: broker, self._follow, self._lost)

    async def run(self) -> None:
        """Connect, listen, and come back after each loss; ends when cancelled, or where the library is missing."""
        try:
            await self._link.run()
        finally:
            if self._due is not None:
                self._due.cancel()

    def _lost(self, why: str, for_owner: bool) -> None:
        self._values = {}
        if self._due is not None:
            self._due.cancel()
            self._due = None
        trouble = Trouble.DENIED if for_owner else Trouble.TRANSIENT
        self._failed(VehicleError(trouble, f"no MQTT: {why}"))

    async def _follow(self, connection: Connection) -> None:
        for topic in sorted({topic for name in FIELDS if (topic := getattr(self._config, name).partition("#")[0])}):
            await connection.subscribe(topic)
        async for message in connection.messages():
            self._heard(message)

    def _heard(self, message: Message) -> None:
        text = message.payload[:MOST_BYTES].decode("utf-8", "replace")
        for name in FIELDS:
            wanted, _, path = getattr(self._config, name).partition("#")
            if wanted == message.topic:
                self._values[name] = inside(text, path)
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(GATHER_S, self._tell)

    def _tell(self) -> None:
        self._due = None
        self._report(parse(self._values, self._config.scale))


def inside(payload: object, path: str) -> object:
    """The payload itself, or what a path in its JSON leads to."""
    if not path:
        return payload
    try:
        return found(msgspec.json.decode(payload if isinstance(payload, str | bytes) else b""), path)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def parse(values: dict[str, object], scale: float = 1.0) -> Report:
    """The newest values of the topics by what they stand for."""
    return Report(
        soc_pct=percent(values.get("soc"), scale),
        measured_utc_s=instant(values.get("time")),
        limit_soc_pct=limit_percent(values.get("limit")),
        range_km=kilometres(values.get("range_km")),
        odometer_km=kilometres(values.get("odometer")),
        plugged=flag(values.get("plugged")),
        charging=flag(values.get("charging")),
        at_home=flag(values.get("at_home")),
    )
