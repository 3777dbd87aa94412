"""The sink between outputs and a real broker: what is told when, orders and refusals, outages, what stays behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter, thread_time

import pytest
from msgspec import Struct, field
from msgspec.structs import replace

from phaeton.config.node import Secret
from phaeton.config.tree_mqtt import HomeAssistantDiscovery, Mqtt
from phaeton.links import mqtt as link
from phaeton.model import Mode, Order, SetCurrent, SetMode, SetStart
from phaeton.sinks.mqtt import MqttSink
from phaeton.sinks.mqtt.sink import KEPT, ORDERS
from phaeton.sinks.web.status import PointName
from tests.mqtt_broker import Broker, Listener, listening
from tests.outputs import decided, output, reading, unreachable, waiting
from tests.waiting import PATIENCE_S, until

CONFIG = "homeassistant/device/phaeton_1/config"


class Facts:
    """The facts of a store, in memory."""

    def __init__(self) -> None:
        self.all: dict[str, str] = {}

    def fact(self, key: str) -> str | None:
        return self.all.get(key)

    async def set_fact(self, key: str, value: str) -> None:
        self.all[key] = value


class House(Struct):
    """What the sink is given."""

    facts: Facts = field(default_factory=Facts)
    orders: list[tuple[str, Order, str]] = field(default_factory=list)

    async def submit(self, point: str, order: Order, origin: str) -> None:
        """Note the order."""
        self.orders.append((point, order, origin))


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    running = Broker(tmp_path)
    await running.start()
    yield running
    await running.stop()


def settings(broker: Broker, **more: object) -> Mqtt:
    return replace(Mqtt(enabled=True, port=broker.port, interval_s=0.1), **more)


@asynccontextmanager
async def publishing(
    config: Mqtt,
    house: House,
    points: tuple[str, ...] = ("1",),
    cars: Mapping[str, float | None] | None = None,
    *,
    clear: bool = False,
) -> AsyncIterator[MqttSink]:
    names = [PointName(point) for point in points]
    sink = MqttSink(config, names, cars or {}, house.submit, house.facts, "phaeton-tried", page="http://192.168.1.5/")
    sink.publish(output(more=tuple(decided(point) for point in points[1:])))
    sink.start()
    try:
        yield sink
    finally:
        await sink.stop(clear=clear)


async def online(listener: Listener, prefix: str = "phaeton") -> None:
    await until(lambda: listener.newest.get(f"{prefix}/availability") == "online")


async def refused(listener: Listener, topic: str = "phaeton/1/refused") -> dict[str, str]:
    """The next refusal."""
    await until(lambda: topic in listener.newest)
    found: dict[str, str] = json.loads(listener.newest.pop(topic))
    return found


async def test_everything_is_told_once_connected(broker: Broker) -> None:
    async with listening(broker) as listener, publishing(settings(broker), House()) as sink:
        await online(listener)
        newest = listener.newest
        assert newest["phaeton/1/status"] == "Charging"
        assert newest["phaeton/1/power"] == "6480"
        assert newest["phaeton/1/mode"] == "auto"
        assert newest["phaeton/1/start"] == "ON"
        assert newest["phaeton/1/power_cap"] == "None"
        assert newest["phaeton/site/grid"] == "-430"
        assert json.loads(newest["phaeton/1/state"])["session"]["energy_delivered_kwh"] > 0
        assert json.loads(newest["phaeton/site/state"])["battery_soc_pct"] == 87
        assert json.loads(newest[CONFIG])["device"]["serial_number"] == "ACE0123456"
        report = sink.report()
        assert (report.up, report.detail, report.refused) == (True, "", 0)
        assert report.published >= 50
    async with listening(broker) as later:  # who comes later is told what was kept
        await until(lambda: "phaeton/1/power" in later.retained and CONFIG in later.retained)
        assert later.newest["phaeton/availability"] == "offline"


async def test_an_event_is_told_once_and_not_kept(broker: Broker) -> None:
    async with listening(broker) as listener, publishing(settings(broker), House()) as sink:
        sink.happened(b'{"event":"plugged"}')  # it waits for the broker
        await until(lambda: listener.newest.get("phaeton/event") == '{"event":"plugged"}')
        sink.happened(b'{"event":"started"}')
        await until(lambda: listener.newest.get("phaeton/event") == '{"event":"started"}')
        await online(listener)
    async with listening(broker) as later:
        await until(lambda: "phaeton/1/power" in later.retained)
        assert "phaeton/event" not in later.newest


async def test_without_retain_only_what_must_be_is_kept(broker: Broker) -> None:
    async with listening(broker) as listener, publishing(settings(broker, retain=False), House()):
        await online(listener)
        async with listening(broker) as later:
            await until(lambda: CONFIG in later.retained)
            assert later.retained == {CONFIG, "phaeton/availability"}


async def test_a_state_is_told_at_once_and_a_measurement_when_its_time_has_come(broker: Broker) -> None:
    async with (
        listening(broker) as listener,
        publishing(settings(broker, interval_s=3600.0), House()) as sink,
    ):
        await online(listener)
        manual = replace(decided(), mode=Mode.MANUAL)
        sink.publish(output(1001.0, point=manual, read=reading(power_w=3000.0)))
        await until(lambda: listener.newest["phaeton/1/mode"] == "manual")
        await until(lambda: json.loads(listener.newest["phaeton/1/state"])["mode"] == 0)
        assert listener.payloads("phaeton/1/power") == ["6480"]
        assert len(listener.payloads("phaeton/1/state")) == 2


async def test_only_what_has_moved_far_enough_is_told(broker: Broker) -> None:
    async with listening(broker) as listener, publishing(settings(broker), House()) as sink:
        await online(listener)
        watts = [6480.0, 6490.0, 6499.0, 6501.0, 6520.0, 15.0, 0.0]
        loop = asyncio.get_running_loop()
        for step, power_w in enumerate(watts[1:]):
            before = listener.newest["phaeton/1/reason"]
            moved = replace(decided(), reasons=(replace(decided().reasons[0], value=7000.0 + step),))
            end_s = loop.time() + 5.0
            while (
                listener.newest["phaeton/1/reason"] == before
            ):  # the reason changes each time: it tells that it is due
                assert loop.time() < end_s
                sink.publish(output(1001.0 + step, point=moved, read=reading(power_w=power_w)))
                await asyncio.sleep(0.02)
            await until(lambda: listener.newest["phaeton/1/state"])
        await until(lambda: listener.payloads("phaeton/1/power")[-1] == "0")
        assert listener.payloads("phaeton/1/power") == ["6480", "6501", "15", "0"]
        assert listener.payloads("phaeton/1/mode") == ["auto"]


async def test_what_is_not_known_is_none(broker: Broker) -> None:
    async with listening(broker) as listener, publishing(settings(broker), House()) as sink:
        await online(listener)
        sink.publish(unreachable(1001.0))
        await until(lambda: listener.newest["phaeton/1/status"] == "No connection")
        await until(
            lambda: listener.newest["phaeton/1/stale"] == "ON" and listener.newest["phaeton/site/fresh"] == "OFF"
        )

        async def becomes_due() -> None:
            while listener.newest["phaeton/1/power"] != "None":
                sink.publish(unreachable(1002.0))
                await asyncio.sleep(0.02)

        await asyncio.wait_for(becomes_due(), 5.0)


async def test_orders_reach_the_control_with_their_origin(broker: Broker) -> None:
    house = House()
    async with listening(broker) as listener, publishing(settings(broker), house, ("1", "left")):
        await online(listener)
        await listener.say("phaeton/1/mode/set", "manual")
        await listener.say("phaeton/1/current/set", "10.5")
        await listener.say("phaeton/left/start/set", "OFF")
        await until(lambda: len(house.orders) == 3)
        assert house.orders == [
            ("1", SetMode(Mode.MANUAL), "mqtt"),
            ("1", SetCurrent(10.5), "mqtt"),
            ("left", SetStart(False), "mqtt"),
        ]
        assert "phaeton/1/refused" not in listener.newest


@pytest.mark.parametrize(
    ("topic", "payload", "says"),
    [
        ("1/current/set", b"NaN", "must be a number"),
        ("1/current/set", b"abc", "must be a number"),
        ("1/current/set", b"[16]", "must be a number"),
        ("1/current/set", b"\x80\x00\xff", "UTF-8"),
        ("1/current/set", b"1" * (1 << 20), "at most 4096 bytes"),
        ("1/goal/set", b"{", "JSON"),
        ("1/nothing/set", b"1", "there is no order 'nothing'"),
    ],
)
async def test_what_is_no_order_is_answered_and_changes_nothing(
    broker: Broker, topic: str, payload: bytes, says: str
) -> None:
    house = House()
    async with listening(broker) as listener, publishing(settings(broker), house) as sink:
        await online(listener)
        await listener.say(f"phaeton/{topic}", payload)
        answer = await refused(listener)
        assert says in answer["why"]
        assert answer["order"] == topic.removesuffix("/set")
        assert len(answer["value"]) <= 80
        assert answer["time"] == "2026-06-01T10:00:00Z"
        assert house.orders == []
        assert sink.report().refused == 1
        await listener.say("phaeton/1/start/set", "ON")
        await until(lambda: house.orders)


async def test_an_order_for_a_point_that_is_none(broker: Broker) -> None:
    house = House()
    async with listening(broker) as listener, publishing(settings(broker), house):
        await online(listener)
        await listener.say("phaeton/cellar/start/set", "ON")
        assert "there is no charging point 'cellar'; there is 1" in (await refused(listener, "phaeton/refused"))["why"]
        assert house.orders == []


async def test_a_retained_order_starts_nothing(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    house = House()
    await broker.say(phaeton__1__start__set="ON")
    async with listening(broker) as listener, publishing(settings(broker), house):
        await online(listener)
        assert "retained" in (await refused(listener))["why"]
        await listener.say("phaeton/1/start/set", b"", retain=True)  # somebody takes it away: that is no order either
        await listener.say("phaeton/1/start/set", "OFF")
        await until(lambda: house.orders)
        assert house.orders == [("1", SetStart(False), "mqtt")]
        assert "phaeton/1/refused" not in listener.newest
    assert "a retained order is ignored" in caplog.text


async def test_a_flood_of_orders_is_cut_off_and_answered(broker: Broker) -> None:
    house = House()
    async with listening(broker) as listener, publishing(settings(broker), house) as sink:
        await online(listener)
        for _ in range(60):
            await listener.say("phaeton/1/start/set", "OFF")
        await until(lambda: len(house.orders) + sink.report().refused == 60)
        assert ORDERS.burst <= len(house.orders) <= ORDERS.burst + 10
        assert "too many orders" in (await refused(listener))["why"]


async def test_without_control_nothing_is_taken(broker: Broker) -> None:
    house = House()
    async with listening(broker) as listener, publishing(settings(broker, control=False), house) as sink:
        await online(listener)
        await listener.say("phaeton/1/start/set", "OFF")
        sink.publish(output(1001.0, point=waiting()))
        await until(lambda: listener.newest["phaeton/1/status"] == "Waiting for sun")
        assert house.orders == []
        assert sink.report().refused == 0


async def test_home_assistant_is_told_again_when_it_starts(broker: Broker) -> None:
    async with listening(broker) as listener, publishing(settings(broker, interval_s=3600.0), House()) as sink:
        await online(listener)
        for topic in (CONFIG, "phaeton/1/power"):
            assert len(listener.payloads(topic)) == 1
        await listener.say("homeassistant/status", "online")
        await until(lambda: len(listener.payloads(CONFIG)) == 2 and len(listener.payloads("phaeton/1/power")) == 2)
        sink.publish(output(1001.0, point=waiting()))
        await until(lambda: listener.newest["phaeton/1/status"] == "Waiting for sun")
        assert len(listener.payloads(CONFIG)) == 2


async def test_what_is_told_no_more_does_not_stay_behind(broker: Broker) -> None:
    house = House()
    async with listening(broker) as listener, publishing(settings(broker), house, ("1", "left")):
        await online(listener)
        await until(lambda: len(json.loads(house.facts.all.get(KEPT, "[]"))) > 80)
    off = settings(broker, discovery=HomeAssistantDiscovery(enabled=False))
    async with listening(broker) as listener, publishing(off, house):
        await until(lambda: listener.newest.get("homeassistant/device/phaeton_left/config") == "")
        await until(lambda: listener.newest.get(CONFIG) == "")
        await until(lambda: listener.newest.get("phaeton/left/power") == "")
        assert listener.newest["phaeton/1/power"] == "6480"
    moved = settings(broker, prefix="garage/charger")
    async with listening(broker) as listener, publishing(moved, house, clear=True):
        await online(listener, "garage/charger")
        await until(lambda: listener.newest.get("phaeton/1/power") == "")
        await until(lambda: listener.newest.get("phaeton/availability") == "")
    async with listening(broker) as later:  # with clear, nothing at all is left
        await later.say("mark", "1")
        await until(lambda: "mark" in later.newest)
        assert later.retained == set()


async def test_a_broker_that_was_away_is_told_everything_again(broker: Broker) -> None:
    async with publishing(settings(broker), House()) as sink:
        await until(lambda: sink.report().published > 50)
        await broker.stop()
        await until(lambda: not sink.report().up)
        sink.publish(output(1001.0, point=waiting()))
        assert sink.report().detail
        await broker.start()
        async with listening(broker) as listener:
            await online(listener)
            await until(lambda: listener.newest["phaeton/1/status"] == "Waiting for sun")
            assert listener.newest["phaeton/site/grid"] == "-430"


async def test_a_broker_that_hangs_delays_nothing_and_is_left(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "ANSWER_S", 1.0)
    async with publishing(settings(broker), House()) as sink:
        await until(lambda: sink.report().published > 50)
        broker.hold()
        longest_s = 0.0
        step = 0
        loop = asyncio.get_running_loop()
        end_s = loop.time() + PATIENCE_S
        while sink.report().up:
            assert loop.time() < end_s
            step += 1
            began_s = thread_time()
            sink.publish(output(1001.0 + step, point=waiting() if step % 2 else decided()))
            longest_s = max(longest_s, thread_time() - began_s)
            await asyncio.sleep(0.002)
        assert longest_s < 0.2
        assert sink.report().detail == "the broker does not answer"
        broker.go_on()
        async with listening(broker) as listener:
            await online(listener)
            sink.publish(output(5000.0, point=waiting()))
            await until(lambda: listener.newest["phaeton/1/status"] == "Waiting for sun")
        broker.hold()
        began_s = perf_counter()
    assert perf_counter() - began_s < 15.0, "a broker that hangs does not hold up the end"
    broker.go_on()


async def test_who_may_not_is_told_what_to_check(tmp_path: Path) -> None:
    broker = Broker(tmp_path, {"phaeton": "right"})
    await broker.start()
    wrong = settings(broker, username=Secret(value="phaeton"), password=Secret(value="wrong"))
    async with publishing(wrong, House()) as sink:
        await until(lambda: "mqtt.password" in sink.report().detail)
        assert not sink.report().up
    right = replace(wrong, password=Secret(value="right"))
    async with publishing(right, House()) as sink:
        await until(lambda: sink.report().up)
    await broker.stop()


async def test_a_broker_that_lets_us_only_write_is_written_to(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    async def denied(connection: link.Connection, topic: str) -> None:
        raise link.DeniedError(f"the broker does not let us listen on {topic}: check its access list")

    monkeypatch.setattr(link.Connection, "subscribe", denied)
    async with listening(broker) as listener, publishing(settings(broker), House()) as sink:
        await online(listener)
        assert "check its access list" in sink.report().detail
        assert sink.report().up
