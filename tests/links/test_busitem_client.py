"""Watching other services: read once, then pushed, whatever comes and goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from dbus_next import Message, Variant

from phaeton.links import busitem_client
from phaeton.links.busitem_client import BusClient, Presence, Setting, Watch
from phaeton.links.busitem_service import BusItemService
from phaeton.links.dbus import DbusError, DbusLink
from phaeton.simulation.gx import SimulatedSettings
from tests.bus import BUS_ITEM, PrivateBus, Stranger
from tests.waiting import until

GRID = "com.victronenergy.grid.meter"
POWER, SERIAL, COUNTER = "/Ac/Power", "/Serial", "/Counter"


class Meter:
    """A service that a test can drive, on a library of its own choice."""

    def __init__(self, bus: PrivateBus) -> None:
        self.service = BusItemService(DbusLink("meter", bus.address, "dbus_next"), GRID)
        self.service.add(POWER, "", 100)
        self.service.add(SERIAL, "s", "A1")
        self.service.add(COUNTER, "d", 1.0)

    async def start(self) -> None:
        self.service.open()
        await self.service.wait_registered()


@pytest.fixture
async def meter(private_bus: PrivateBus) -> AsyncIterator[Meter]:
    meter = Meter(private_bus)
    await meter.start()
    yield meter
    await meter.service.close()


@pytest.fixture
async def client(private_bus: PrivateBus, library: str) -> AsyncIterator[BusClient]:
    client = BusClient(DbusLink("client", private_bus.address, library))
    client.open()
    await until(lambda: client.link.connected)
    yield client
    await client.close()


def watched(client: BusClient, *, proof_of_life: bool = False) -> tuple[Watch, list[Presence]]:
    heard: list[Presence] = []
    watch = client.watch(GRID, (POWER, SERIAL), lambda: heard.append(watch.presence), proof_of_life=proof_of_life)
    return watch, heard


async def test_values_are_read_once_and_then_pushed(meter: Meter, client: BusClient) -> None:
    watch, heard = watched(client)
    await until(lambda: watch.presence is Presence.PRESENT)
    assert (watch.number(POWER), watch.text(SERIAL)) == (100.0, "A1")
    meter.service.update({POWER: 250.5, SERIAL: "A2"})
    await until(lambda: len(heard) == 2)
    assert (watch.number(POWER), watch.text(SERIAL)) == (250.5, "A2")
    assert watch.get(COUNTER) is None


async def test_an_empty_array_is_no_value(meter: Meter, client: BusClient) -> None:
    watch, heard = watched(client)
    await until(lambda: heard)
    meter.service.update({POWER: None})
    await until(lambda: len(heard) == 2)
    assert watch.get(POWER) is None
    assert watch.number(POWER) is None


async def test_int_and_double_read_alike_and_text_is_no_number(meter: Meter, client: BusClient) -> None:
    watch, heard = watched(client)
    await until(lambda: heard)
    for value, number, whole in ((7, 7.0, 7), (7.9, 7.9, 7), (True, 1.0, 1), ("7", None, None)):
        heard.clear()
        meter.service.update({POWER: value})
        await until(lambda: heard)
        assert (watch.number(POWER), watch.whole(POWER)) == (number, whole)


async def test_properties_changed_of_one_item_is_understood(
    private_bus: PrivateBus, client: BusClient, stranger: Stranger
) -> None:
    async def old_service(message: Message) -> None:
        answer = {"Ac/Power": Variant("i", 5), "Serial": Variant("s", "old"), "Dc/V": Variant("d", 12.0)}
        if message.member == "GetItems":
            await stranger.bus.send(Message.new_error(message, "org.freedesktop.DBus.Error.UnknownMethod", "old"))
        else:
            await stranger.bus.send(Message.new_method_return(message, "v", [Variant("a{sv}", answer)]))

    tasks = []

    def handle(message: Message) -> bool:
        if message.interface == BUS_ITEM:
            tasks.append(asyncio.ensure_future(old_service(message)))
        return message.interface == BUS_ITEM

    stranger.bus.add_message_handler(handle)
    await stranger.bus.request_name(GRID)
    watch, heard = watched(client)
    await until(lambda: watch.presence is Presence.PRESENT)
    assert (watch.number(POWER), watch.text(SERIAL)) == (5.0, "old")
    change = {"Value": Variant("d", 6.5), "Text": Variant("s", "6.5 W")}
    await stranger.bus.send(Message.new_signal(POWER, BUS_ITEM, "PropertiesChanged", "a{sv}", [change]))
    await until(lambda: len(heard) == 2)
    assert watch.number(POWER) == 6.5


async def test_a_service_may_go_and_return_with_other_values(meter: Meter, client: BusClient) -> None:
    watch, _ = watched(client)
    await until(lambda: watch.presence is Presence.PRESENT)
    await meter.service.close()
    await until(lambda: watch.presence is Presence.AWAY)
    assert watch.get(POWER) is None
    assert "left D-Bus" in watch.why
    meter.service.update({POWER: 7})
    await meter.start()
    await until(lambda: watch.presence is Presence.PRESENT)
    assert watch.number(POWER) == 7.0


async def test_a_service_that_is_not_there_is_told_and_found_when_it_comes(
    private_bus: PrivateBus, client: BusClient
) -> None:
    watch, heard = watched(client)
    await until(lambda: heard == [Presence.AWAY])
    assert watch.why == f"{GRID} is not on D-Bus"
    meter = Meter(private_bus)
    await meter.start()
    await until(lambda: watch.presence is Presence.PRESENT)
    await meter.service.close()


async def test_everything_returns_with_the_bus(private_bus: PrivateBus, meter: Meter, client: BusClient) -> None:
    watch, _ = watched(client)
    await until(lambda: watch.presence is Presence.PRESENT)
    await private_bus.kill()
    await until(lambda: watch.presence is Presence.AWAY)
    meter.service.update({POWER: 8})
    await private_bus.start()
    await until(lambda: watch.presence is Presence.PRESENT)
    assert watch.number(POWER) == 8.0
    meter.service.update({POWER: 9})
    await until(lambda: watch.number(POWER) == 9.0)


async def test_a_watch_made_while_the_bus_is_away_knows_it(library: str) -> None:
    client = BusClient(DbusLink("client", "unix:path=/nowhere", library))
    client.open()
    await until(lambda: client.link.failing)
    watch, _ = watched(client)
    assert watch.presence is Presence.AWAY
    assert "/nowhere" in watch.why
    await client.close()


async def test_a_quiet_service_is_asked_and_answers(
    meter: Meter, client: BusClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(busitem_client, "ASK_AFTER_S", 0.1)
    watch, heard = watched(client, proof_of_life=True)
    await until(lambda: heard)
    first_s = watch.heard_s
    await until(lambda: len(heard) >= 3)
    assert set(heard) == {Presence.PRESENT}
    assert watch.heard_s > first_s


async def test_a_service_that_speaks_is_not_asked(
    meter: Meter, client: BusClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(busitem_client, "ASK_AFTER_S", 0.7)
    asked = []
    monkeypatch.setattr(client, "_ask", asked.append)
    _, heard = watched(client, proof_of_life=True)
    await until(lambda: heard)
    for counter in range(22):
        count = len(heard)
        meter.service.update({COUNTER: float(counter + 2)})
        await until(lambda count=count: len(heard) > count)
        await asyncio.sleep(0.04)
    assert not asked


async def test_a_hung_service_falls_silent_and_recovers(
    client: BusClient, stranger: Stranger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(busitem_client, "ASK_AFTER_S", 0.05)
    monkeypatch.setattr(busitem_client, "ASK_DEADLINE_S", 0.1)
    hung = False

    def handle(message: Message) -> Message | bool:
        if message.interface != BUS_ITEM:
            return False
        if message.member == "GetItems":
            items = {POWER: {"Value": Variant("i", 5), "Text": Variant("s", "5")}}
            return Message.new_method_return(message, "a{sa{sv}}", [items])
        return True if hung else Message.new_method_return(message, "v", [Variant("i", 6)])

    stranger.bus.add_message_handler(handle)
    await stranger.bus.request_name(GRID)
    watch, _ = watched(client, proof_of_life=True)
    await until(lambda: watch.number(POWER) == 6.0)
    hung = True
    await until(lambda: watch.presence is Presence.SILENT)
    assert "did not answer" in watch.why
    hung = False
    await until(lambda: watch.presence is Presence.PRESENT)


async def test_two_watches_share_one_reading(meter: Meter, client: BusClient, stranger: Stranger) -> None:
    watch, _ = watched(client)
    await until(lambda: watch.presence is Presence.PRESENT)
    other = client.watch(GRID, (COUNTER,), lambda: None)
    await until(lambda: other.number(COUNTER) == 1.0)
    assert watch.number(POWER) == 100.0
    client.unwatch(other)
    meter.service.update({POWER: 3})
    await until(lambda: watch.number(POWER) == 3.0)


async def test_nothing_is_heard_of_a_service_that_is_no_longer_watched(
    meter: Meter, client: BusClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, heard = watched(client)
    await until(lambda: heard)
    received = []
    client.unwatch(watch)
    again = client.watch("com.victronenergy.none", (), lambda: received.append(1))
    await until(lambda: received)
    messages: list[Message] = []
    monkeypatch.setattr(client, "bus_message", messages.append)
    meter.service.update({POWER: 1})
    await client.link.call(GRID, POWER, BUS_ITEM, "GetValue")
    assert not messages
    assert len(heard) == 1
    client.unwatch(again)


async def test_services_of_a_class_are_told(private_bus: PrivateBus, client: BusClient, meter: Meter) -> None:
    seen: list[set[str]] = []
    client.watch_class("com.victronenergy.grid", seen.append)
    await until(lambda: seen == [{GRID}])
    await meter.service.close()
    await until(lambda: seen[-1] == set())
    await meter.start()
    await until(lambda: seen[-1] == {GRID})
    await private_bus.kill()
    await until(lambda: seen[-1] == set())


async def test_writing_gives_the_code_of_the_other_side(
    private_bus: PrivateBus, library: str, client: BusClient
) -> None:
    settings = SimulatedSettings(DbusLink("settings", private_bus.address, library))
    await settings.start()
    name = "/Settings/Devices/phaeton_1/CustomName"
    instance = "/Settings/Devices/phaeton_1/ClassAndVrmInstance"
    limited = "/Settings/Devices/phaeton_1/Position"
    wanted = [Setting(name, ""), Setting(instance, "evcharger:40"), Setting(limited, 1, 0, 1)]
    assert await client.add_settings(wanted) == {name: "", instance: "evcharger:40", limited: 1}
    assert await client.set_value(busitem_client.SETTINGS, name, "Car") == 0
    assert await client.set_value(busitem_client.SETTINGS, limited, 2) == -1
    assert (settings[name], settings[limited]) == ("Car", 1)
    assert (await client.add_settings([Setting(name, "")]))[name] == "Car"
    second = "/Settings/Devices/phaeton_2/ClassAndVrmInstance"
    assert await client.add_settings([Setting(second, "evcharger:40")]) == {second: "evcharger:41"}
    assert await client.set_value(busitem_client.SETTINGS, second, "evcharger:40") == 0
    assert settings[second] == "evcharger:41"
    with pytest.raises(DbusError, match="-9"):
        await client.add_settings([Setting("/Elsewhere/Name", "")])
    await settings.stop()


async def test_writing_to_a_service_that_is_not_there_is_an_error(client: BusClient) -> None:
    with pytest.raises(DbusError):
        await client.set_value("com.victronenergy.none", "/Mode", 1)
