"""A charging point on D-Bus: what it shows, what may be written, and how it comes and goes."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from dbus_next import Variant
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from phaeton.config.points import Point, charging_points
from phaeton.config.tree import Charger, Config, PointLimits
from phaeton.links.busitem_client import SETTINGS, BusClient
from phaeton.links.dbus import DbusLink
from phaeton.model import (
    ChargerIdentity,
    ChargerReading,
    ChargerState,
    Decision,
    Fault,
    Mode,
    Order,
    Output,
    PointDecision,
    PointSituation,
    Session,
    SetAutoStart,
    SetCurrent,
    SetMode,
    SetPowerCap,
    SetStart,
    Situation,
    Status,
)
from phaeton.simulation.gx import SimulatedSettings
from phaeton.sinks.evcharger import EvchargerService, instances
from phaeton.sinks.evcharger_values import Display, live_values
from tests.bus import PrivateBus, Stranger
from tests.waiting import until

POINT = charging_points(Config(chargers=(Charger(host="192.0.2.7", id="garage"),)), {})[0]
NAME = "com.victronenergy.evcharger.phaeton_garage"

CHARGING = ChargerReading(
    mono_s=10.0,
    utc_s=1e9,
    point="garage",
    state=ChargerState.CHARGING,
    voltage_v=(230.4, 229.6, 231.0),
    current_a=(10.04, 9.96, 10.0),
    power_phase_w=(2300.4, 2290.2, 2310.0),
    power_w=6900.6,
    energy_kwh=1234.567,
)
SESSION = Session(
    id="garage-1",
    point="garage",
    start_utc_s=1e9,
    energy_kwh=5.678,
    charging_s=1234.5,
    cost=0.512,
    reference_cost=1.42,
)
DECIDED = PointDecision(
    point="garage",
    mode=Mode.AUTO,
    start=True,
    auto_start=True,
    requested_a=16.0,
    current_a=10.0,
    phases=3,
    chosen_phases=0,
    status=Status.CHARGING,
    reasons=(),
    reachable=True,
    plugged=True,
    session=SESSION,
)
IDENTITY = ChargerIdentity(
    10.0, 1e9, "garage", manufacturer="Alfen NV", model="NG910", serial="ACE0001", firmware="6.5.0"
)


def output(
    decided: PointDecision = DECIDED,
    reading: ChargerReading | None = CHARGING,
    identity: ChargerIdentity | None = IDENTITY,
) -> Output:
    known = PointSituation(id="garage", reading=reading, identity=identity)
    return Output(Situation(points=(known,)), Decision(mono_s=10.0, utc_s=1e9, points=(decided,)))


class Graph:
    """Stands for the graph: an order is in force, and shown, before ``submit`` returns."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.decided = DECIDED
        self.service: EvchargerService | None = None
        self.fails = False

    async def submit(self, point: str, order: Order, origin: str) -> None:
        assert (point, origin) == ("garage", "dbus")
        if self.fails:
            raise RuntimeError("the store is on fire")
        self.orders.append(order)
        match order:
            case SetMode(mode):
                self.decided = structs.replace(self.decided, mode=mode)
            case SetStart(start):
                self.decided = structs.replace(self.decided, start=start)
            case SetCurrent(current_a):
                self.decided = structs.replace(self.decided, requested_a=current_a)
            case SetAutoStart(auto_start):
                self.decided = structs.replace(self.decided, auto_start=auto_start)
            case SetPowerCap(power_w):
                self.decided = structs.replace(self.decided, power_cap_w=power_w)
        assert self.service is not None
        self.service.publish(output(self.decided))
        await asyncio.sleep(0)


@pytest.fixture
def graph() -> Graph:
    return Graph()


@pytest.fixture
async def bus(private_bus: PrivateBus, library: str) -> AsyncIterator[BusClient]:
    bus = BusClient(DbusLink("client", private_bus.address, library))
    bus.open()
    yield bus
    await bus.close()


@pytest.fixture
async def settings(private_bus: PrivateBus, library: str) -> AsyncIterator[SimulatedSettings]:
    settings = SimulatedSettings(DbusLink("settings", private_bus.address, library))
    await settings.start()
    yield settings
    await settings.stop()


Make = Callable[[Point], EvchargerService]


@pytest.fixture
async def make(bus: BusClient, graph: Graph) -> AsyncIterator[Make]:
    made = []

    def one(point: Point = POINT) -> EvchargerService:
        made.append(EvchargerService(point, bus, graph.submit))
        graph.service = made[-1]
        return made[-1]

    yield one
    for service in made:
        await service.stop()


@pytest.fixture
async def shown(make: Make, graph: Graph) -> EvchargerService:
    """The service, showing a car that charges, on a bus without settings."""
    service = make(POINT)
    service.publish(output())
    await service.start()
    await until(lambda: service.registered)
    return service


# What it shows.


EXPECTED: dict[str, tuple[str, object, str]] = {
    "/Mgmt/ProcessName": ("s", "phaeton", "phaeton"),
    "/Mgmt/Connection": ("s", "Modbus TCP 192.0.2.7", "Modbus TCP 192.0.2.7"),
    "/DeviceInstance": ("i", 40, "40"),
    "/ProductId": ("i", 0xFFFF, "0xFFFF"),
    "/ProductName": ("s", "Alfen NV NG910", "Alfen NV NG910"),
    "/FirmwareVersion": ("s", "6.5.0", "6.5.0"),
    "/HardwareVersion": ("ai", [], "---"),
    "/Connected": ("i", 1, "1"),
    "/Serial": ("s", "ACE0001", "ACE0001"),
    "/Model": ("s", "NG910", "NG910"),
    "/CustomName": ("s", "", ""),
    "/Role": ("s", "evcharger", "evcharger"),
    "/Position": ("i", 1, "1"),
    "/PositionIsAdjustable": ("i", 1, "1"),
    "/Mode": ("i", 1, "1"),
    "/GxAutoMode/Enabled": ("i", 1, "1"),
    "/GxAutoMode/Source": ("s", "Phaeton", "Phaeton"),
    "/StartStop": ("i", 1, "1"),
    "/AutoStart": ("d", 1.0, "1"),
    "/SetCurrent": ("d", 16.0, "16 A"),
    "/MinCurrent": ("d", 6.0, "6 A"),
    "/MaxCurrent": ("d", 32.0, "32 A"),
    "/Current": ("d", 10.0, "10.0 A"),
    "/NrOfPhases": ("i", 3, "3"),
    "/Status": ("i", 2, "2"),
    "/Ac/Power": ("d", 6901.0, "6901 W"),
    "/Ac/L1/Power": ("d", 2300.0, "2300 W"),
    "/Ac/L2/Current": ("d", 10.0, "10.0 A"),
    "/Ac/L3/Voltage": ("d", 231.0, "231 V"),
    "/Ac/Energy/Forward": ("d", 1234.57, "1234.57 kWh"),
    "/Session/Energy": ("d", 5.68, "5.68 kWh"),
    "/Session/Time": ("i", 1230, "1230 s"),
    "/Session/Cost": ("d", 0.51, "0.51"),
    "/Session/SavedCost": ("d", 0.91, "0.91"),
    "/ChargingTime": ("i", 1230, "1230 s"),
    "/PowerGuard/Consumption/Active": ("i", 0, "0"),
    "/PowerGuard/Consumption/Ac/Power": ("ai", [], "---"),
    "/Alarms/WeldedContacts": ("i", 0, "0"),
    "/Error/0/Id": ("s", "", ""),
}


async def test_every_path_has_its_type_value_and_text(shown: EvchargerService, stranger: Stranger) -> None:
    items = await stranger.call(NAME, "/", "GetItems")
    seen = {
        path: (items[path]["Value"].signature, items[path]["Value"].value, items[path]["Text"].value)
        for path in EXPECTED
    }
    assert seen == EXPECTED


async def test_a_charger_out_of_reach_is_not_connected_and_measures_nothing(
    shown: EvchargerService, stranger: Stranger
) -> None:
    shown.publish(output(structs.replace(DECIDED, reachable=False, status=None)))
    items = await stranger.value(NAME, "/")
    assert items["Connected"].value == 0
    for path in ("Status", "Ac/Power", "Ac/L1/Power", "Ac/L3/Current", "Ac/L2/Voltage", "Current", "NrOfPhases"):
        assert items[path] == Variant("ai", []), path
    assert items["Ac/Energy/Forward"].value == 1234.57
    assert items["Session/Energy"].value == 5.68
    assert items["Mode"].value == 1


async def test_a_fault_that_the_gx_knows_is_an_alarm(shown: EvchargerService, stranger: Stranger) -> None:
    faulty = structs.replace(CHARGING, state=ChargerState.FAULT, fault=Fault.RCD)
    shown.publish(output(structs.replace(DECIDED, status=Status.RESIDUAL_CURRENT), faulty))
    assert await stranger.value(NAME, "/Alarms/ResidualCurrent") == 2
    assert await stranger.value(NAME, "/Alarms/WeldedContacts") == 0
    assert await stranger.value(NAME, "/Error/0/Id") == "alfennv:e-rcd"
    assert await stranger.value(NAME, "/Status") == 11
    shown.publish(output())
    assert await stranger.value(NAME, "/Alarms/ResidualCurrent") == 0
    assert await stranger.value(NAME, "/Error/0/Id") == ""


async def test_a_fault_without_a_number_of_the_gx_has_an_error(shown: EvchargerService, stranger: Stranger) -> None:
    faulty = structs.replace(CHARGING, state=ChargerState.FAULT, fault_text="F 207")
    shown.publish(output(structs.replace(DECIDED, status=None), faulty, identity=None))
    assert (await stranger.call(NAME, "/Status", "GetValue")).signature == "ai"
    assert await stranger.value(NAME, "/Error/0/Id") == "phaeton:e-f207"


async def test_a_charger_on_one_phase_shows_no_others(make: Make, stranger: Stranger) -> None:
    charger = Charger(host="h", id="garage", limits=PointLimits(max_phases=1))
    service = make(charging_points(Config(chargers=(charger,)), {})[0])
    service.publish(output())
    await service.start()
    await until(lambda: service.registered)
    assert (await stranger.value(NAME, "/Ac"))["L1/Power"].value == 2300.0
    assert (await stranger.call(NAME, "/Ac/L2/Power", "GetValue")).signature == "ai"


async def test_jitter_makes_no_traffic_and_a_step_makes_one_signal(shown: EvchargerService, stranger: Stranger) -> None:
    await stranger.listen(NAME)
    jitter = structs.replace(
        CHARGING,
        power_w=6900.7,
        power_phase_w=(2300.1, 2290.0, 2310.4),
        voltage_v=(230.2, 229.8, 231.3),
        current_a=(10.01, 10.02, 9.98),
        energy_kwh=1234.569,
    )
    shown.publish(output(reading=jitter))
    shown.publish(output(structs.replace(DECIDED, session=structs.replace(SESSION, charging_s=1234.9))))
    shown.publish(output(reading=structs.replace(CHARGING, power_w=7000.0, energy_kwh=1234.58)))
    await until(lambda: any(s.member == "ItemsChanged" for s in stranger.signals))
    assert stranger.changes() == [{"/Ac/Power": 7000.0, "/Ac/Energy/Forward": 1234.58}]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    DECIDED,
                    structs.replace(DECIDED, reachable=False),
                    structs.replace(DECIDED, session=None, mode=Mode.MANUAL, power_cap_w=2000.0),
                    structs.replace(DECIDED, requested_a=8.0, min_a=7.0, max_a=20.0, phases=1, start=False),
                    structs.replace(DECIDED, status=None, auto_start=False),
                ]
            ),
            st.sampled_from(
                [
                    None,
                    CHARGING,
                    structs.replace(CHARGING, power_w=None, current_a=(None, 2.0, None)),
                    structs.replace(CHARGING, state=ChargerState.FAULT, fault=Fault.GROUND),
                    structs.replace(CHARGING, state=ChargerState.FAULT, fault_text="Hot"),
                ]
            ),
            st.sampled_from([None, IDENTITY, structs.replace(IDENTITY, manufacturer="Other", firmware="")]),
        ),
        max_size=6,
    )
)
def test_what_is_shown_step_by_step_is_what_each_step_shows(
    steps: list[tuple[PointDecision, ChargerReading | None, ChargerIdentity | None]],
) -> None:
    display = Display(POINT)
    shown: dict[str, object] = {}
    for step in steps:
        shown |= display.values(output(*step)) or {}
        assert shown == shown | live_values(POINT, output(*step))


async def test_nothing_that_is_published_can_raise(shown: EvchargerService, stranger: Stranger) -> None:
    shown.publish(output(structs.replace(DECIDED, point="elsewhere")))
    shown.publish(output(reading=structs.replace(CHARGING, power_w=math.nan, energy_kwh=math.inf)))
    shown.publish(None)  # type: ignore[arg-type]
    assert (await stranger.call(NAME, "/Ac/Power", "GetValue")).signature == "ai"
    assert (await stranger.call(NAME, "/Ac/Energy/Forward", "GetValue")).signature == "ai"


# What may be written.


GOOD_WRITES = [
    ("/Mode", "i", 0, SetMode(Mode.MANUAL), 0),
    ("/Mode", "d", 2.0, SetMode(Mode.SCHEDULED), 2),
    ("/Mode", "u", 0, SetMode(Mode.MANUAL), 0),
    ("/Mode", "x", 2, SetMode(Mode.SCHEDULED), 2),
    ("/Mode", "s", "manual", SetMode(Mode.MANUAL), 0),
    ("/Mode", "s", "2", SetMode(Mode.SCHEDULED), 2),
    ("/StartStop", "i", 0, SetStart(False), 0),
    ("/StartStop", "b", False, SetStart(False), 0),
    ("/StartStop", "d", 0.0, SetStart(False), 0),
    ("/StartStop", "s", "off", SetStart(False), 0),
    ("/StartStop", "s", "false", SetStart(False), 0),
    ("/SetCurrent", "i", 10, SetCurrent(10.0), 10.0),
    ("/SetCurrent", "d", 7.5, SetCurrent(7.5), 7.5),
    ("/SetCurrent", "y", 8, SetCurrent(8.0), 8.0),
    ("/SetCurrent", "s", "16,5", SetCurrent(16.5), 16.5),
    ("/SetCurrent", "s", "12", SetCurrent(12.0), 12.0),
    ("/AutoStart", "i", 0, SetAutoStart(False), 0.0),
    ("/PowerGuard/Consumption/Ac/Power", "i", 4200, SetPowerCap(4200.0), 4200.0),
]


@pytest.mark.parametrize(("path", "signature", "value", "order", "shows"), GOOD_WRITES)
async def test_a_write_is_an_order_and_shows_at_once(
    shown: EvchargerService,
    graph: Graph,
    stranger: Stranger,
    path: str,
    signature: str,
    value: object,
    order: Order,
    shows: object,
) -> None:
    assert await stranger.write(NAME, path, signature, value) == 0
    assert graph.orders == [order]
    assert await stranger.value(NAME, path) == shows


ODD_VALUES: list[tuple[str, Any]] = [
    ("d", math.nan),
    ("d", math.inf),
    ("d", -math.inf),
    ("i", -1),
    ("i", 3000),
    ("d", 1.5e300),
    ("x", 2**62),
    ("u", 2**32 - 1),
    ("s", ""),
    ("s", "plenty"),
    ("s", "nan"),
    ("s", "1e999"),
    ("ai", []),
    ("ai", [1]),
    ("as", ["1"]),
    ("ay", b"\x01"),
    ("av", [Variant("i", 1)]),
    ("a{sv}", {"Value": Variant("i", 1)}),
    ("(i)", [1]),
    ("o", "/Mode"),
]


@pytest.mark.parametrize("path", ["/Mode", "/StartStop", "/SetCurrent", "/AutoStart", "/Position"])
async def test_odd_writes_are_refused_and_change_nothing(
    shown: EvchargerService, graph: Graph, stranger: Stranger, path: str
) -> None:
    before = await stranger.value(NAME, "/")
    for signature, value in ODD_VALUES:
        assert await stranger.write(NAME, path, signature, value) != 0, (signature, value)
    assert not graph.orders
    assert await stranger.value(NAME, "/") == before


@pytest.mark.parametrize(
    ("path", "signature", "value"),
    [
        ("/Mode", "i", 3),
        ("/Mode", "d", 1.5),
        ("/Mode", "b", True),
        ("/StartStop", "i", 2),
        ("/StartStop", "s", "perhaps"),
        ("/SetCurrent", "b", True),
        ("/SetCurrent", "d", 80.1),
        ("/SetCurrent", "s", "16,5,5"),
        ("/CustomName", "i", 5),
        ("/CustomName", "s", "n" * 65),
    ],
)
async def test_a_value_that_this_path_cannot_have_is_refused(
    shown: EvchargerService, graph: Graph, stranger: Stranger, path: str, signature: str, value: object
) -> None:
    before = await stranger.value(NAME, path)
    assert await stranger.write(NAME, path, signature, value) == 2
    assert not graph.orders
    assert await stranger.value(NAME, path) == before


@pytest.mark.parametrize("path", ["/MaxCurrent", "/MinCurrent", "/Status", "/Ac/Power", "/DeviceInstance", "/Current"])
async def test_measurements_and_limits_cannot_be_written(
    shown: EvchargerService, stranger: Stranger, path: str
) -> None:
    before = await stranger.value(NAME, path)
    assert await stranger.write(NAME, path, "d", 7.0) == 1
    assert await stranger.value(NAME, path) == before


async def test_an_order_that_is_in_force_already_is_not_stored_again(
    shown: EvchargerService, graph: Graph, stranger: Stranger
) -> None:
    assert await stranger.write(NAME, "/Mode", "i", 1) == 0
    assert await stranger.write(NAME, "/StartStop", "i", 1) == 0
    assert await stranger.write(NAME, "/SetCurrent", "d", 16.0) == 0
    assert not graph.orders


async def test_a_power_cap_is_lifted_by_an_invalid_value(
    shown: EvchargerService, graph: Graph, stranger: Stranger
) -> None:
    cap = "/PowerGuard/Consumption/Ac/Power"
    assert await stranger.write(NAME, cap, "d", 4200.0) == 0
    assert await stranger.value(NAME, "/PowerGuard/Consumption/Active") == 1
    assert await stranger.write(NAME, cap, "ai", []) == 0
    assert graph.orders == [SetPowerCap(4200.0), SetPowerCap(None)]
    assert await stranger.value(NAME, "/PowerGuard/Consumption/Active") == 0


async def test_an_order_that_fails_is_refused(shown: EvchargerService, graph: Graph, stranger: Stranger) -> None:
    graph.fails = True
    assert await stranger.write(NAME, "/Mode", "i", 0) == 2
    assert await stranger.value(NAME, "/Mode") == 1


# How it comes and goes.


async def test_the_name_is_there_at_once_without_charger_and_settings(make: Make, stranger: Stranger) -> None:
    service = make(POINT)
    await service.start()
    await until(lambda: service.registered)
    assert await stranger.value(NAME, "/Connected") == 0
    assert await stranger.value(NAME, "/ProductName") == "Phaeton EV charger"
    assert await stranger.value(NAME, "/DeviceInstance") == 40


async def test_without_settings_the_configuration_holds_and_names_are_refused(make: Make, stranger: Stranger) -> None:
    charger = Charger(host="h", id="garage", name="Carport", position="output")
    service = make(charging_points(Config(chargers=(charger,)), {})[0])
    await service.start()
    await until(lambda: service.registered)
    assert await stranger.value(NAME, "/CustomName") == "Carport"
    assert await stranger.value(NAME, "/Position") == 0
    assert await stranger.value(NAME, "/PositionIsAdjustable") == 0
    assert await stranger.write(NAME, "/CustomName", "s", "Shed") == 2
    assert await stranger.write(NAME, "/Position", "i", 1) == 1
    assert await stranger.value(NAME, "/CustomName") == "Carport"


async def test_the_gx_gives_the_instance_and_keeps_name_and_position(
    settings: SimulatedSettings, make: Make, stranger: Stranger
) -> None:
    await stranger.call(
        SETTINGS,
        "/",
        "AddSettings",
        [
            {
                "path": Variant("s", "/Settings/Devices/evc_1/ClassAndVrmInstance"),
                "default": Variant("s", "evcharger:40"),
            }
        ],
        signature="aa{sv}",
        interface="com.victronenergy.Settings",
    )
    service = make(POINT)
    service.publish(output())
    await stranger.listen(NAME)
    await service.start()
    await until(lambda: service.registered)
    assert await stranger.value(NAME, "/DeviceInstance") == 41
    # known before the name was taken: it appeared once
    owners = [message.body[2] for message in stranger.signals if message.member == "NameOwnerChanged"]
    assert len(owners) == 1
    assert await stranger.write(NAME, "/CustomName", "s", "Garage") == 0
    assert await stranger.write(NAME, "/Position", "d", 0.0) == 0
    assert settings["/Settings/Devices/phaeton_garage/CustomName"] == "Garage"
    assert settings["/Settings/Devices/phaeton_garage/Position"] == 0
    await service.stop()
    again = make(POINT)
    await again.start()
    await until(lambda: again.registered)
    assert await stranger.value(NAME, "/CustomName") == "Garage"
    assert await stranger.value(NAME, "/Position") == 0
    assert await stranger.value(NAME, "/DeviceInstance") == 41


async def test_a_changed_instance_makes_the_service_appear_anew(
    settings: SimulatedSettings, make: Make, stranger: Stranger
) -> None:
    service = make(POINT)
    service.publish(output())
    await service.start()
    await until(lambda: service.registered)
    await stranger.listen(NAME)
    path = "/Settings/Devices/phaeton_garage/ClassAndVrmInstance"
    assert await stranger.write(SETTINGS, path, "s", "evcharger:55") == 0
    await until(lambda: sum(message.member == "NameOwnerChanged" for message in stranger.signals) == 2)
    await until(lambda: service.registered)
    assert await stranger.value(NAME, "/DeviceInstance") == 55


async def test_settings_that_come_late_are_adopted(
    private_bus: PrivateBus, library: str, make: Make, stranger: Stranger
) -> None:
    service = make(POINT)
    await service.start()
    await until(lambda: service.registered)
    settings = SimulatedSettings(DbusLink("settings", private_bus.address, library))
    await settings.start()
    name = "/Settings/Devices/phaeton_garage/CustomName"
    await until(lambda: settings.has(name))
    settings.set({name: "Late"})
    await until(lambda: service._service["/CustomName"] == "Late")
    await settings.stop()
    assert await stranger.value(NAME, "/CustomName") == "Late"
    await settings.start()
    await until(lambda: service._kept)
    assert await stranger.write(NAME, "/CustomName", "s", "Again") == 0


async def test_the_service_returns_with_the_bus(private_bus: PrivateBus, shown: EvchargerService) -> None:
    await private_bus.kill()
    await until(lambda: not shown.registered)
    assert shown.problem
    shown.publish(output(structs.replace(DECIDED, requested_a=9.0)))
    await private_bus.start()
    await until(lambda: shown.registered)
    assert not shown.problem
    async with Stranger(private_bus.address) as stranger:
        assert await stranger.value(NAME, "/SetCurrent") == 9.0


async def test_two_sockets_are_two_services(make: Make, stranger: Stranger) -> None:
    points = charging_points(Config(chargers=(Charger(host="h", id="garage", name="Double", sockets=2),)), {})
    assert instances(points) == {"garage": 40, "garage_2": 41}
    for point in points:
        service = make(point)
        await service.start()
        await until(lambda service=service: service.registered)
    assert await stranger.value(NAME, "/CustomName") == "Double"
    assert await stranger.value(f"{NAME}_2", "/CustomName") == "Double 2"


def test_configured_instances_are_kept_and_the_others_go_around_them() -> None:
    chargers = (Charger(host="a"), Charger(host="b", device_instance=40), Charger(host="c"))
    points = charging_points(Config(chargers=chargers), {})
    assert list(instances(points).values()) == [40, 41, 42]
    assert instances(points)[points[1].id] == 40
