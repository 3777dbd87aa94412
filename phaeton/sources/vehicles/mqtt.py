"""Topics of an MQTT broker, pushed by it; the library aiomqtt is loaded only here.

A topic of the configuration may name a path in JSON after a ``#``: ``car#battery.soc``.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from phaeton.config.tree_vehicles import MqttCar
from phaeton.sources.vehicles.report import Report, Trouble, VehicleError
from phaeton.sources.vehicles.values import flag, found, instant, kilometres, limit_percent, percent

if TYPE_CHECKING:
    import aiomqtt

_log = logging.getLogger(__name__)

FIELDS = ("soc", "time", "limit", "plugged", "charging", "range_km", "odometer", "at_home")
GATHER_S = 0.3
"""Topics that come together make one report."""
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 300.0
CONNECT_S = 20.0


class MqttSource:
    """Follows the topics of one car for as long as it runs."""

    def __init__(
        self,
        config: MqttCar,
        username: str,
        password: str,
        report: Callable[[Report], None],
        failed: Callable[[VehicleError], None],
        *,
        first_pause_s: float = FIRST_PAUSE_S,
    ) -> None:
        self._config = config
        self._username = username
        self._password = password
        self._report = report
        self._failed = failed
        self._first_pause_s = first_pause_s
        self._values: dict[str, object] = {}
        self._due: asyncio.TimerHandle | None = None
        self.connections = 0

    async def run(self) -> None:
        """Connect, listen, and come back after each loss; ends only when cancelled."""
        try:
            import aiomqtt  # noqa: PLC0415 - an optional part
        except ImportError:
            self._failed(
                VehicleError(Trouble.DENIED, "the library for MQTT is not installed: `pip install 'phaeton[mqtt]'`")
            )
            return
        pause_s = self._first_pause_s
        try:
            while True:
                try:
                    await self._follow()
                    why = "the broker closed the connection"
                except aiomqtt.MqttError as error:
                    why = _words(error)
                except (OSError, TimeoutError, ValueError):
                    why = "the broker cannot be reached"
                if self._values:
                    pause_s = self._first_pause_s  # it had worked
                self._values = {}
                self._failed(VehicleError(Trouble.TRANSIENT, f"no MQTT: {why}"))
                await asyncio.sleep(pause_s * random.uniform(0.8, 1.2))
                pause_s = min(pause_s * 2.0, LONGEST_PAUSE_S)
        finally:
            if self._due is not None:
                self._due.cancel()

    async def _follow(self) -> None:
        import aiomqtt  # noqa: PLC0415 - it is loaded already

        config = self._config
        self.connections += 1
        topics = {topic for name in FIELDS if (topic := getattr(config, name).partition("#")[0])}
        async with aiomqtt.Client(
            config.host,
            config.port,
            username=self._username or None,
            password=self._password or None,
            tls_params=aiomqtt.TLSParameters() if config.tls else None,
            timeout=CONNECT_S,
            max_queued_incoming_messages=1000,
        ) as client:
            for topic in sorted(topics):
                await client.subscribe(topic)
            async for message in client.messages:
                self._heard(message)

    def _heard(self, message: aiomqtt.Message) -> None:
        topic = str(message.topic)
        payload = message.payload
        text = payload[:65536].decode("utf-8", "replace") if isinstance(payload, bytes | bytearray) else payload
        for name in FIELDS:
            wanted, _, path = getattr(self._config, name).partition("#")
            if wanted == topic:
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


def _words(error: Exception) -> str:
    text = str(error).lower()
    if "not authori" in text or "bad user name" in text:
        return "the broker refuses user or password: check mqtt.username and mqtt.password"
    if "refused" in text:
        return "nobody listens at mqtt.host and mqtt.port"
    return "the connection to the broker was lost"
