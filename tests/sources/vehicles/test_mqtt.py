"""Cars over MQTT, with a real broker."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiomqtt
import pytest
from msgspec import Struct, field

from phaeton.config.tree_vehicles import MqttCar
from phaeton.sources.vehicles.mqtt import MqttSource
from phaeton.sources.vehicles.report import Report, VehicleError
from tests.waiting import until


class Broker:
    """A mosquitto of our own on a port of this machine."""

    def __init__(self, directory: Path, password: bool = False) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._file = directory / "mosquitto.conf"
        self._file.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous {str(not password).lower()}\n")
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Run it and wait until it listens."""
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin:/opt/homebrew/sbin")
        assert program is not None, "mosquitto is not installed: run ./dev test, or apt-get install mosquitto"
        self._process = await asyncio.create_subprocess_exec(
            program, "-c", str(self._file), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.02)
                    continue
                writer.close()
                return

    async def stop(self) -> None:
        """End it."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        self._process = None

    async def say(self, **topics: str) -> None:
        """Publish retained values; ``__`` stands for a slash."""
        async with aiomqtt.Client("127.0.0.1", self.port) as client:
            for topic, payload in topics.items():
                await client.publish(topic.replace("__", "/"), payload, retain=True, qos=1)


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
    source = MqttSource(config, "", "", heard.reports.append, heard.failures.append, first_pause_s=0.05)
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
    broker = Broker(tmp_path, password=True)
    await broker.start()
    heard = Heard()
    task = listen(MqttCar(host="127.0.0.1", port=broker.port, soc="car/soc"), heard)
    await until(lambda: heard.failures)
    assert "mqtt.username" in heard.failures[0].why
    await end(task)
    await broker.stop()


async def test_nobody_there_is_no_storm(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    real_sleep = asyncio.sleep

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 12:
            raise asyncio.CancelledError
        await real_sleep(0)

    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        monkeypatch.setattr("phaeton.sources.vehicles.mqtt.asyncio", _Patched(sleep))
        heard = Heard()
        source = MqttSource(MqttCar(port=port, soc="x"), "", "", heard.reports.append, heard.failures.append)
        with pytest.raises(asyncio.CancelledError):
            await source.run()
    assert pauses[-1] >= 240.0
    assert sum(pauses) > 1000.0


class _Patched:
    """asyncio with another sleep."""

    def __init__(self, sleep: object) -> None:
        self.sleep = sleep

    def __getattr__(self, name: str) -> object:
        return getattr(asyncio, name)
