"""Cars over MQTT, with a real broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import Struct, field

from phaeton.config.tree_vehicles import MqttCar
from phaeton.sources.vehicles.mqtt import MqttSource
from phaeton.sources.vehicles.report import Report, VehicleError
from tests.mqtt_broker import Broker
from tests.waiting import until


class Heard(Struct):
    """What the source told."""

    reports: list[Report] = field(default_factory=list)
    failures: list[VehicleError] = field(default_factory=list)

    @property
    def last(self) -> Report | None:
        """The newest report."""
        return self.reports[-1] if self.reports else None


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    running = Broker(tmp_path)
    await running.start()
    yield running
    await running.stop()


def listen(config: MqttCar, heard: Heard) -> asyncio.Task[None]:
    source = MqttSource(config, "", "", heard.reports.append, heard.failures.append)
    return asyncio.get_running_loop().create_task(source.run())


async def end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_retained_topics_make_one_report_and_changes_make_more(broker: Broker) -> None:
    heard = Heard()
    await broker.say(car__soc="63,0 %", car__plugged="true", car__limit="80", car__home="home")
    config = MqttCar(
        host="127.0.0.1", port=broker.port, soc="car/soc", plugged="car/plugged", limit="car/limit", at_home="car/home"
    )
    task = listen(config, heard)
    await until(lambda: heard.last)
    assert heard.reports == [Report(soc_pct=63, plugged=True, limit_soc_pct=80, at_home=True)]
    await broker.say(car__soc="64")
    await until(lambda: heard.last and heard.last.soc_pct == 64)
    await broker.say(car__soc="unavailable")
    await until(lambda: heard.last and heard.last.soc_pct is None)
    assert heard.last is not None
    assert heard.last.plugged is True
    await end(task)


async def test_values_inside_of_json(broker: Broker) -> None:
    heard = Heard()
    await broker.say(car='{"battery":{"soc":0.63,"ts":"2026-11-23T13:40:00Z"},"plug":1}')
    config = MqttCar(
        host="127.0.0.1", port=broker.port, soc="car#battery.soc", scale=100, time="car#battery.ts", plugged="car#plug"
    )
    task = listen(config, heard)
    await until(lambda: heard.last)
    assert heard.last == Report(soc_pct=63, measured_utc_s=1_795_441_200.0, plugged=True)
    await end(task)


async def test_a_broker_that_goes_and_comes_back(broker: Broker) -> None:
    heard = Heard()
    task = listen(MqttCar(host="127.0.0.1", port=broker.port, soc="car/soc"), heard)
    await broker.say(car__soc="50")
    await until(lambda: heard.last)
    await broker.stop()
    await until(lambda: heard.failures)
    assert "MQTT" in heard.failures[0].why
    await broker.start()
    await broker.say(car__soc="51")
    await until(lambda: heard.last and heard.last.soc_pct == 51)
    await end(task)


async def test_a_broker_that_refuses_us_says_what_to_check(tmp_path: Path) -> None:
    broker = Broker(tmp_path, users={})
    await broker.start()
    heard = Heard()
    task = listen(MqttCar(host="127.0.0.1", port=broker.port, soc="car/soc"), heard)
    await until(lambda: heard.failures)
    assert "mqtt.username" in heard.failures[0].why
    await end(task)
    await broker.stop()
