"""The daemon and a real broker: orders reach the charger, its death is told, settings change while it charges."""

from __future__ import annotations

import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.rig import Rig, eventually, rig
from tests.mqtt_broker import Broker, Listener, listening
from tests.waiting import PATIENCE_S, until


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    running = Broker(tmp_path)
    await running.start()
    yield running
    await running.stop()


def configure(site: Rig, broker: Broker, more: str = "") -> None:
    site.write_config("site: {source: none}", f"mqtt: {{enabled: true, port: {broker.port}{more}}}")


async def told(listener: Listener, topic: str, value: str, within_s: float = PATIENCE_S) -> None:
    await until(lambda: listener.newest.get(topic) == value, within_s)


async def test_orders_reach_the_charger_and_bad_ones_do_not(tmp_path: Path, broker: Broker) -> None:
    async with rig(tmp_path, bus=False) as site, listening(broker) as listener:
        configure(site, broker)
        await site.start()
        await told(listener, "phaeton/availability", "online")
        await site.register_becomes(16.0)
        await listener.say("phaeton/car/current/set", "10")
        await site.register_becomes(10.0)
        await told(listener, "phaeton/car/current", "10")
        await listener.say("phaeton/car/current/set", "1e9")
        await until(lambda: "phaeton/car/refused" in listener.newest)
        assert json.loads(listener.newest["phaeton/car/refused"])["why"] == "current must be from 0 to 80 A"
        await listener.say("phaeton/car/start/set", "OFF")
        await told(listener, "phaeton/car/start", "OFF")
        await site.register_becomes(0.0)
        links = {link["name"]: link for link in (await site.status())["links"]}
        shown = links[f"MQTT 127.0.0.1:{broker.port}"]
        assert shown["up"]
        assert shown["requests"] > 50
        assert shown["failures"] == 1
        assert await site.stop() == 0
        await told(listener, "phaeton/availability", "offline")
        assert any("from mqtt" in line for line in site.log)
        trail = (tmp_path / "state" / "audit.jsonl").read_text()
        assert '"who":"mqtt"' in trail


async def test_its_death_is_told_by_the_broker(tmp_path: Path, broker: Broker) -> None:
    async with rig(tmp_path, bus=False) as site, listening(broker) as listener:
        configure(site, broker)
        await site.start()
        await told(listener, "phaeton/availability", "online")
        await site.stop(signal.SIGKILL)
        await told(listener, "phaeton/availability", "offline")
        await site.start()
        await told(listener, "phaeton/availability", "online")


async def test_settings_of_the_broker_change_while_the_car_charges(tmp_path: Path, broker: Broker) -> None:
    async with rig(tmp_path, bus=False) as site, listening(broker) as listener:
        site.write_config("site: {source: none}")
        await site.start()
        await site.register_becomes(16.0)
        polls = (await site.status())["total_polls"]
        assert site.process is not None
        configure(site, broker, ", discovery: {enabled: false}")
        site.process.send_signal(signal.SIGHUP)
        await told(listener, "phaeton/availability", "online")
        assert not any(topic.startswith("homeassistant/") for topic in listener.newest)
        configure(site, broker, ", prefix: garage")
        site.process.send_signal(signal.SIGHUP)
        await told(listener, "garage/availability", "online")
        await until(lambda: "homeassistant/device/garage_car/config" in listener.newest)
        await told(listener, "phaeton/car/power", "")
        site.write_config("site: {source: none}")
        site.process.send_signal(signal.SIGHUP)
        await told(listener, "garage/availability", "")
        await told(listener, "homeassistant/device/garage_car/config", "")
        status = await site.status()
        assert not any(link["name"].startswith("MQTT") for link in status["links"])
        assert abs(site.register_a - 16.0) < 0.05

        async def is_read() -> bool:
            return bool((await site.status())["total_polls"] > polls)

        await eventually(is_read)


async def test_a_broker_that_is_not_there_keeps_nothing_from_charging(tmp_path: Path, broker: Broker) -> None:
    await broker.stop()
    async with rig(tmp_path, bus=False) as site:
        configure(site, broker)
        await site.start()
        await site.register_becomes(16.0)

        async def is_told() -> bool:
            links = (await site.status())["links"]
            return any(link["detail"] == "nobody listens at mqtt.host and mqtt.port" for link in links)

        await eventually(is_told)
        await broker.start()
        async with listening(broker) as listener:
            await told(listener, "phaeton/availability", "online")
        assert await site.stop() == 0
