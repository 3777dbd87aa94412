"""The BusItem contract as others see it: a real bus, and a client that shares no code with ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from dbus_next import Message, MessageFlag, Variant

from phaeton.links import busitem_service
from phaeton.links.busitem_service import ACCEPTED, BusItemService, unit
from phaeton.links.dbus import DbusLink
from phaeton.links.dbus_library import Value
from tests.bus import BUS_ITEM, PrivateBus, Stranger
from tests.waiting import PATIENCE_S, until

NAME = "com.victronenergy.test.phaeton"


@pytest.fixture
async def service(private_bus: PrivateBus, library: str) -> AsyncIterator[BusItemService]:
    service = BusItemService(DbusLink(NAME, private_bus.address, library), NAME)
    service.add("/Ac/Power", "d", 1234.4, text=unit("W", 0))
    service.add("/Ac/L1/Power", "d", text=unit("W", 0))
    service.add("/Mode", "i", 1)
    service.add("/ProductName", "s", "A charger")
    service.open()
    await asyncio.wait_for(service.wait_registered(), PATIENCE_S)
    yield service
    await service.close()


async def test_leaves_answer_with_value_and_text(service: BusItemService, stranger: Stranger) -> None:
    power = await stranger.call(NAME, "/Ac/Power", "GetValue")
    assert (power.signature, power.value) == ("d", 1234.4)
    assert await stranger.call(NAME, "/Ac/Power", "GetText") == "1234 W"
    mode = await stranger.call(NAME, "/Mode", "GetValue")
    assert (mode.signature, mode.value) == ("i", 1)
    assert await stranger.value(NAME, "/ProductName") == "A charger"


async def test_an_invalid_value_is_an_empty_array_of_integers(service: BusItemService, stranger: Stranger) -> None:
    power = await stranger.call(NAME, "/Ac/L1/Power", "GetValue")
    assert (power.signature, power.value) == ("ai", [])
    assert await stranger.call(NAME, "/Ac/L1/Power", "GetText") == "---"
    service.update({"/Ac/Power": float("nan")})
    assert (await stranger.call(NAME, "/Ac/Power", "GetValue")).signature == "ai"


async def test_get_items_gives_everything_at_once(service: BusItemService, stranger: Stranger) -> None:
    items = await stranger.call(NAME, "/", "GetItems")
    assert items.keys() == {"/Ac/Power", "/Ac/L1/Power", "/Mode", "/ProductName"}
    assert items["/Mode"] == {"Value": Variant("i", 1), "Text": Variant("s", "1")}


@pytest.mark.parametrize(
    ("node", "paths"),
    [
        ("/", {"Ac/Power", "Ac/L1/Power", "Mode", "ProductName"}),
        ("/Ac", {"Power", "L1/Power"}),
        ("/Ac/L1", {"Power"}),
    ],
)
async def test_tree_nodes_answer_with_what_is_below(
    service: BusItemService, stranger: Stranger, node: str, paths: set[str]
) -> None:
    values = await stranger.value(NAME, node)
    texts = (await stranger.call(NAME, node, "GetText")).value
    assert values.keys() == texts.keys() == paths


async def test_calls_without_an_interface_are_answered(service: BusItemService, stranger: Stranger) -> None:
    assert (await stranger.call(NAME, "/Mode", "GetValue", interface=None)).value == 1
    assert "/Mode" in await stranger.call(NAME, "/", "GetItems", interface=None)


async def test_a_call_that_wants_no_answer_gets_none(service: BusItemService, stranger: Stranger) -> None:
    replies = []
    stranger.bus.add_message_handler(lambda message: replies.append(message.reply_serial))
    quiet = Message(
        destination=NAME,
        path="/Mode",
        interface=BUS_ITEM,
        member="GetValue",
        flags=MessageFlag.NO_REPLY_EXPECTED,
        serial=stranger.bus.next_serial(),
    )
    await stranger.bus.send(quiet)
    await stranger.value(NAME, "/Mode")
    assert quiet.serial not in replies


async def test_what_is_not_there_is_an_error(service: BusItemService, stranger: Stranger) -> None:
    unknown_object = "org.freedesktop.DBus.Error.UnknownObject"
    unknown_method = "org.freedesktop.DBus.Error.UnknownMethod"
    assert await stranger.error(NAME, "/Nothing", "GetValue") == unknown_object
    assert await stranger.error(NAME, "/Nothing", "SetValue", Variant("i", 1), signature="v") == unknown_object
    for member in ("GetMin", "GetMax", "GetDefault", "GetItems", "Dance"):
        assert await stranger.error(NAME, "/Mode", member) == unknown_method
    assert await stranger.error(NAME, "/Ac", "SetValue", Variant("i", 1), signature="v") == unknown_method


async def test_introspection_leads_to_every_item(service: BusItemService, stranger: Stranger) -> None:
    found = []

    async def walk(path: str) -> None:
        node = await stranger.bus.introspect(NAME, path)
        if any(method.name == "SetValue" for interface in node.interfaces for method in interface.methods):
            found.append(path)
        for child in node.nodes:
            await walk(f"{path.rstrip('/')}/{child.name}")

    await walk("/")
    assert set(found) == {"/Ac/Power", "/Ac/L1/Power", "/Mode", "/ProductName"}


async def test_one_signal_carries_only_what_changed(service: BusItemService, stranger: Stranger) -> None:
    await stranger.listen(NAME)
    service.update({"/Ac/Power": 2000.0, "/Ac/L1/Power": 2000.0, "/Mode": 1})
    service.update({"/Ac/Power": 2000.0})
    with service.batch() as items:
        items["/Mode"] = 0
        items["/Ac/L1/Power"] = None
    await until(lambda: len(stranger.signals) >= 2)
    assert stranger.changes() == [
        {"/Ac/Power": 2000.0, "/Ac/L1/Power": 2000.0},
        {"/Mode": 0, "/Ac/L1/Power": []},
    ]


async def test_an_item_keeps_its_type(service: BusItemService, stranger: Stranger) -> None:
    service.update({"/Ac/Power": 5, "/Mode": 2.0})
    assert (await stranger.call(NAME, "/Ac/Power", "GetValue")).signature == "d"
    assert (await stranger.call(NAME, "/Mode", "GetValue")).signature == "i"
    service.update({"/Mode": 2**40})
    assert (await stranger.call(NAME, "/Mode", "GetValue")).signature == "x"


async def test_an_item_added_later_is_announced(service: BusItemService, stranger: Stranger) -> None:
    await stranger.listen(NAME)
    service.add("/Serial", "s")
    service.update({"/Serial": "ACE01"})
    await until(lambda: any(s.member == "ItemsChanged" for s in stranger.signals))
    assert stranger.changes() == [{"/Serial": "ACE01"}]
    assert "Serial" in await stranger.value(NAME, "/")


async def test_a_write_reaches_the_handler_and_its_code_the_caller(service: BusItemService, stranger: Stranger) -> None:
    written: list[Value] = []

    async def write(value: Value) -> int:
        written.append(value)
        if value == 3:
            raise RuntimeError("out of order")
        service.update({"/Wish": value})
        return ACCEPTED if value != 7 else 9

    service.add("/Wish", "d", write=write)
    assert await stranger.write(NAME, "/Wish", "i", 5) == 0
    assert await stranger.value(NAME, "/Wish") == 5.0
    assert await stranger.write(NAME, "/Wish", "u", 7) == 9
    assert await stranger.write(NAME, "/Wish", "d", 3.0) == 2
    assert await stranger.write(NAME, "/Wish", "ai", []) == 0
    assert written == [5, 7, 3.0, None]
    assert await stranger.write(NAME, "/Mode", "i", 0) == 1
    assert await stranger.value(NAME, "/Mode") == 1


async def test_a_write_without_a_value_is_an_error(service: BusItemService, stranger: Stranger) -> None:
    assert await stranger.error(NAME, "/Mode", "SetValue") == "org.freedesktop.DBus.Error.InvalidArgs"


async def test_a_slow_write_holds_nobody_up(service: BusItemService, stranger: Stranger) -> None:
    may_end = asyncio.Event()

    async def write(value: Value) -> int:
        await may_end.wait()
        return ACCEPTED

    service.add("/Slow", "i", 0, write=write)
    slow = asyncio.ensure_future(stranger.write(NAME, "/Slow", "i", 1))
    assert await asyncio.wait_for(stranger.value(NAME, "/Mode"), 0.5) == 1
    assert not slow.done()
    may_end.set()
    assert await slow == 0


async def test_a_taken_name_is_told_and_taken_over_when_it_is_free(
    private_bus: PrivateBus, library: str, service: BusItemService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(busitem_service, "NAME_RETRY_S", 0.05)
    second = BusItemService(DbusLink("second", private_bus.address, library), NAME)
    second.open()
    await until(lambda: second.problem)
    assert "com.victronenergy.test.phaeton is taken" in second.problem
    assert not second.registered
    await service.close()
    await asyncio.wait_for(second.wait_registered(), PATIENCE_S)
    assert not second.problem
    await second.close()


async def test_everything_is_exported_before_the_name_is_there(
    private_bus: PrivateBus, library: str, stranger: Stranger
) -> None:
    answers: list[Any] = []

    def look(message: Message) -> bool:
        if message.member == "NameOwnerChanged" and message.body[0] == NAME and message.body[2]:
            answers.append(asyncio.ensure_future(stranger.call(NAME, "/", "GetItems")))
        return False

    await stranger.listen(NAME)
    stranger.bus.add_message_handler(look)
    service = BusItemService(DbusLink(NAME, private_bus.address, library), NAME)
    service.add("/DeviceInstance", "i", 40)
    service.open()
    await until(lambda: answers)
    assert (await answers[0])["/DeviceInstance"]["Value"].value == 40
    await service.close()


async def test_a_service_leaves_and_returns(service: BusItemService, stranger: Stranger) -> None:
    await service.close()
    assert NAME not in await stranger.names()
    service.update({"/Mode": 2})
    service.open()
    await asyncio.wait_for(service.wait_registered(), PATIENCE_S)
    assert await stranger.value(NAME, "/Mode") == 2


async def test_registering_again_makes_clients_look_again(service: BusItemService, stranger: Stranger) -> None:
    await stranger.listen(NAME)
    await service.register_again({"/Mode": 2})
    await asyncio.wait_for(service.wait_registered(), PATIENCE_S)
    assert await stranger.value(NAME, "/Mode") == 2
    assert not any(message.member == "ItemsChanged" for message in stranger.signals)
    owners = [message.body[2] for message in stranger.signals if message.member == "NameOwnerChanged"]
    assert len(owners) == 2
    assert owners[0] == ""
    assert owners[1] != ""


async def test_a_service_returns_with_the_bus(private_bus: PrivateBus, service: BusItemService) -> None:
    await private_bus.kill()
    await until(lambda: not service.registered)
    service.update({"/Mode": 2})
    await private_bus.start()
    await until(lambda: service.registered)
    async with Stranger(private_bus.address) as stranger:
        assert await stranger.value(NAME, "/Mode") == 2


async def test_dbus_send_understands_the_service(private_bus: PrivateBus, service: BusItemService) -> None:
    process = await asyncio.create_subprocess_exec(
        "dbus-send",
        f"--bus={private_bus.address}",
        "--print-reply=literal",
        f"--dest={NAME}",
        "/Ac/Power",
        "com.victronenergy.BusItem.GetText",
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert out.strip() == b"1234 W"
