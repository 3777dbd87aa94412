"""The house out of the GX: a simulated GX on a real bus, with each library."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from dbus_next import Message, Variant
from msgspec import structs

from phaeton.links import busitem_client
from phaeton.links.busitem_client import BusClient
from phaeton.links.busitem_service import BusItemService
from phaeton.links.dbus import DbusLink
from phaeton.links.dbus_library import Value
from phaeton.model import SiteReading, Unavailable
from phaeton.simulation.gx import SimulatedGx
from phaeton.sources import victron
from phaeton.sources.victron import VictronSource
from tests.bus import BUS_ITEM, PrivateBus, Stranger
from tests.waiting import until

HOUSE: dict[str, Value] = {
    "/Ac/Grid/DeviceType": 73,
    "/Ac/Grid/L1/Power": 100.4,
    "/Ac/Grid/L2/Power": -250,
    "/Ac/Grid/L3/Power": 50,
    "/Ac/Grid/L1/Current": 0.456,
    "/Ac/PvOnGrid/L1/Power": 1000,
    "/Ac/PvOnOutput/L2/Power": 200.0,
    "/Ac/PvOnGenset/L3/Power": 30,
    "/Dc/Pv/Power": 400.0,
    "/Ac/Consumption/L1/Power": 700,
    "/Ac/Consumption/L2/Power": 300,
    "/Dc/Battery/Power": -120.6,
    "/Dc/Battery/Soc": 56.789,
    "/Dc/Battery/Voltage": 50.0,
    "/Ac/ActiveIn/Source": 1,
    "/SystemState/State": 252,
    "/SystemType": "ESS",
    "/Control/ActiveSocLimit": 15.0,
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readings may follow each other quickly where their pace is not the subject."""
    monkeypatch.setattr(victron, "LEAST_GAP_S", 0.02)
    monkeypatch.setattr(victron, "WHOLE_GAP_S", 0.0)


class Listener:
    """Keeps what the source said."""

    def __init__(self, source: VictronSource) -> None:
        self.events: list[SiteReading | Unavailable] = []
        self.zones: list[str] = []
        source.readings.subscribe(self.events.append)
        source.zone.subscribe(self.zones.append)

    @property
    def reading(self) -> SiteReading | None:
        last = self.events[-1] if self.events else None
        return last if isinstance(last, SiteReading) else None

    @property
    def away(self) -> Unavailable | None:
        last = self.events[-1] if self.events else None
        return last if isinstance(last, Unavailable) else None


@pytest.fixture
async def gx(private_bus: PrivateBus, library: str) -> AsyncIterator[SimulatedGx]:
    gx = SimulatedGx(private_bus.address, library)
    gx.publish(HOUSE)
    await gx.start()
    yield gx
    await gx.stop()


@pytest.fixture
async def bus(private_bus: PrivateBus, library: str) -> AsyncIterator[BusClient]:
    bus = BusClient(DbusLink("client", private_bus.address, library))
    bus.open()
    yield bus
    await bus.close()


@pytest.fixture
async def source(bus: BusClient) -> VictronSource:
    loop = asyncio.get_running_loop()
    return VictronSource(bus, lambda: (loop.time(), 1e9 + loop.time()))


@pytest.fixture
async def house(gx: SimulatedGx, source: VictronSource) -> AsyncIterator[Listener]:
    listener = Listener(source)
    source.start()
    await until(lambda: listener.reading)
    yield listener
    source.stop()


async def test_a_reading_is_a_full_and_quantised_snapshot(house: Listener) -> None:
    reading = house.reading
    assert reading is not None
    assert reading.grid_w == -100.0
    assert reading.grid_phase_w == (100.0, -250.0, 50.0)
    assert reading.grid_phase_a == (0.46, None, None)
    assert reading.grid_metered
    assert reading.pv_w == 1630.0
    assert reading.consumption_w == 1000.0
    assert reading.battery_w == -121.0
    assert reading.battery_soc_pct == 56.8
    assert (reading.ac_source, reading.system_state) == (1, 252)
    assert reading.ess
    assert reading.ess_setpoint_w == 0.0
    assert reading.ess_min_soc_pct == 15.0
    assert reading.feed_in_limit_w is None
    assert reading.battery_charge_limit_w is None
    assert not reading.dess_active
    assert reading.dess_charge_w is None
    assert reading.battery_use == 0


async def test_the_time_zone_is_told_and_followed(house: Listener, gx: SimulatedGx) -> None:
    await until(lambda: house.zones == ["Europe/Amsterdam"])
    gx.settings.set({"/Settings/System/TimeZone": "Europe/Lisbon"})
    await until(lambda: house.zones == ["Europe/Amsterdam", "Europe/Lisbon"])


async def test_a_cycle_of_the_gx_makes_one_reading_at_once(
    house: Listener, gx: SimulatedGx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(victron, "LEAST_GAP_S", 60.0)
    count = len(house.events)
    gx.publish({"/Ac/Grid/L1/Power": 500, "/Ac/Grid/L2/Power": 0, "/Ac/Grid/L3/Power": 0})
    await until(lambda: house.reading is not None and house.reading.grid_w == 500.0)
    assert len(house.events) == count + 1


async def test_items_that_change_one_by_one_make_one_reading(
    private_bus: PrivateBus, bus: BusClient, source: VictronSource, stranger: Stranger
) -> None:
    """As systems before ItemsChanged do; a snapshot of half of a cycle would be none."""
    items = {f"/Ac/Grid/L{n}/Power": {"Value": Variant("i", 100), "Text": Variant("s", "")} for n in (1, 2, 3)}

    def handle(message: Message) -> Message | bool:
        if message.member == "GetItems":
            return Message.new_method_return(message, "a{sa{sv}}", [items])
        return False

    stranger.bus.add_message_handler(handle)
    await stranger.bus.request_name(victron.SYSTEM)
    listener = Listener(source)
    source.start()
    await until(lambda: listener.reading is not None and listener.reading.grid_w == 300.0)
    for path in items:
        change = {"Value": Variant("d", 7.0), "Text": Variant("s", "7 W")}
        await stranger.bus.send(Message.new_signal(path, BUS_ITEM, "PropertiesChanged", "a{sv}", [change]))
    await until(lambda: listener.reading is not None and listener.reading.grid_w == 21.0)
    assert len(listener.events) == 2
    source.stop()


async def test_readings_come_at_most_about_once_a_second(
    house: Listener, gx: SimulatedGx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(victron, "WHOLE_GAP_S", 0.5)
    house.events.clear()
    for watts in range(12):
        gx.publish({"/Dc/Battery/Power": watts})
        await asyncio.sleep(0.1)
    await until(lambda: house.reading is not None and house.reading.battery_w == 11.0)
    times = [event.mono_s for event in house.events]
    assert min(after - before for before, after in pairwise(times)) > 0.45


async def test_what_becomes_invalid_is_unknown_and_not_zero(house: Listener, gx: SimulatedGx) -> None:
    gx.publish(dict.fromkeys(HOUSE))
    await until(lambda: house.reading is not None and house.reading.grid_w is None)
    reading = house.reading
    assert reading is not None
    assert not reading.grid_metered
    for value in (reading.pv_w, reading.consumption_w, reading.battery_w, reading.battery_soc_pct, reading.ac_source):
        assert value is None


async def test_a_house_that_the_simulated_gx_shows_is_read_as_it_is(house: Listener, gx: SimulatedGx) -> None:
    shown = SiteReading(
        mono_s=0.0,
        utc_s=0.0,
        grid_w=-1500.0,
        grid_phase_w=(-500.0, -600.0, -400.0),
        grid_phase_a=(2.17, 2.6, 1.74),
        grid_metered=True,
        pv_w=4200.0,
        consumption_w=1200.0,
        battery_w=1500.0,
        battery_soc_pct=64.5,
        ac_source=1,
        system_state=252,
        ess=True,
        ess_setpoint_w=-40.0,
        ess_min_soc_pct=20.0,
        dess_active=True,
        dess_charge_w=700.0,
        battery_use=0,
    )
    gx.publish(dict.fromkeys(HOUSE))
    gx.publish_reading(shown)

    def as_shown() -> bool:
        reading = house.reading
        return reading is not None and structs.replace(reading, mono_s=0.0, utc_s=0.0) == shown

    await until(as_shown)


@pytest.mark.parametrize(
    ("system", "settings", "expected"),
    [
        ({"/Control/ActiveSocLimit": None}, {"BatteryLife/State": 10, "BatteryLife/MinimumSocLimit": 20.0}, 20.0),
        ({"/Control/ActiveSocLimit": None}, {"BatteryLife/State": 3, "BatteryLife/SocLimit": 45.0}, 45.0),
        ({"/Control/ActiveSocLimit": None}, {"BatteryLife/State": 9}, None),
        ({"/Control/ActiveSocLimit": None}, {"BatteryLife/State": 0}, None),
        ({"/Control/ActiveSocLimit": 60}, {"BatteryLife/State": 3, "BatteryLife/SocLimit": 45.0}, 60.0),
    ],
)
async def test_the_minimum_soc_in_force(
    house: Listener, gx: SimulatedGx, system: dict[str, Value], settings: dict[str, Value], expected: float | None
) -> None:
    gx.settings.set({f"/Settings/CGwacs/{key}": value for key, value in settings.items()})
    gx.publish(system | {"/Dc/Battery/Soc": 42})
    await until(lambda: house.reading is not None and house.reading.battery_soc_pct == 42.0)
    await until(lambda: house.reading is not None and house.reading.ess_min_soc_pct == expected)


@pytest.mark.parametrize(
    ("pv", "settings", "expected"),
    [
        ({}, {"MaxFeedInPower": 3000.0}, 3000.0),
        ({}, {"PreventFeedback": 1}, None),
        ({}, {"PreventFeedback": 1, "OvervoltageFeedIn": 0}, 0.0),
        ({}, {"OvervoltageFeedIn": 0}, None),
        ({"/Dc/Pv/Power": None}, {"PreventFeedback": 1}, 0.0),
        (
            {"/Ac/PvOnGrid/L1/Power": None, "/Ac/PvOnOutput/L2/Power": None, "/Ac/PvOnGenset/L3/Power": None},
            {"OvervoltageFeedIn": 0},
            0.0,
        ),
    ],
)
async def test_what_may_be_fed_in(
    house: Listener, gx: SimulatedGx, pv: dict[str, Value], settings: dict[str, Value], expected: float | None
) -> None:
    gx.settings.set({f"/Settings/CGwacs/{key}": value for key, value in settings.items()})
    gx.publish(pv | {"/Dc/Battery/Soc": 42})
    await until(lambda: house.reading is not None and house.reading.battery_soc_pct == 42.0)
    await until(lambda: house.reading is not None and house.reading.feed_in_limit_w == expected)


async def test_without_an_ess_its_settings_mean_nothing(house: Listener, gx: SimulatedGx) -> None:
    gx.publish({"/SystemType": "Hub-1"})
    await until(lambda: house.reading is not None and not house.reading.ess)
    assert house.reading is not None
    assert house.reading.ess_setpoint_w is None
    gx.publish({"/SystemType": "ESS"})
    gx.settings.set({"/Settings/CGwacs/AcPowerSetPoint": -30.0})
    await until(lambda: house.reading is not None and house.reading.ess_setpoint_w == -30.0)
    gx.settings.set({"/Settings/CGwacs/Hub4Mode": 3})
    await until(lambda: house.reading is not None and not house.reading.ess)


async def test_dynamic_ess_and_battery_use(house: Listener, gx: SimulatedGx) -> None:
    gx.settings.set({"/Settings/CGwacs/BatteryUse": 1})
    gx.publish({"/DynamicEss/Active": 1, "/DynamicEss/ChargeRate": 509.4})
    await until(lambda: house.reading is not None and house.reading.dess_active)
    assert house.reading is not None
    assert house.reading.dess_charge_w == 509.0
    await until(lambda: house.reading is not None and house.reading.battery_use == 1)


async def test_the_battery_and_the_ess_limit_the_charge(
    private_bus: PrivateBus, library: str, house: Listener, gx: SimulatedGx
) -> None:
    name = "com.victronenergy.battery.can0"
    battery = BusItemService(DbusLink(name, private_bus.address, library), name)
    battery.add("/Info/MaxChargeCurrent", "d", 100.0)
    battery.add("/Info/MaxChargeVoltage", "d", 55.2)
    battery.open()
    gx.publish({"/ActiveBmsService": name})
    await until(lambda: house.reading is not None and house.reading.battery_charge_limit_w == 5520.0)
    battery.update({"/Info/MaxChargeCurrent": 20.0})
    await until(lambda: house.reading is not None and house.reading.battery_charge_limit_w == 1104.0)
    gx.settings.set({"/Settings/CGwacs/MaxChargePower": 1000.0})
    await until(lambda: house.reading is not None and house.reading.battery_charge_limit_w == 1000.0)
    gx.settings.set({"/Settings/SystemSetup/MaxChargeCurrent": 10.0})
    await until(lambda: house.reading is not None and house.reading.battery_charge_limit_w == 552.0)
    await battery.close()
    await until(lambda: house.reading is not None and house.reading.battery_charge_limit_w == 500.0)


async def test_a_multi_rs_has_its_own_minimum_soc(
    private_bus: PrivateBus, library: str, house: Listener, gx: SimulatedGx
) -> None:
    name = "com.victronenergy.multi.rs1"
    multi = BusItemService(DbusLink(name, private_bus.address, library), name)
    multi.add("/Settings/Ess/MinimumSocLimit", "d", 35.0)
    multi.open()
    await until(lambda: house.reading is not None and house.reading.ess_min_soc_pct == 35.0)
    multi.update({"/Settings/Ess/MinimumSocLimit": 5.0})
    await until(lambda: house.reading is not None and house.reading.ess_min_soc_pct == 15.0)
    await multi.close()


async def test_the_service_may_go_and_return(house: Listener, gx: SimulatedGx) -> None:
    await gx.stop_system()
    await until(lambda: house.away)
    away = house.away
    assert away is not None
    assert (away.source, away.why) == ("site", "com.victronenergy.system left D-Bus")
    await gx.start_system()
    await until(lambda: house.reading)


async def test_the_settings_may_go_and_return(house: Listener, gx: SimulatedGx) -> None:
    await until(lambda: house.reading is not None and house.reading.ess_setpoint_w == 0.0)
    await gx.settings.stop()
    await until(lambda: house.reading is not None and house.reading.ess_setpoint_w is None)
    gx.settings.set({"/Settings/CGwacs/AcPowerSetPoint": 40.0})
    await gx.settings.start()
    await until(lambda: house.reading is not None and house.reading.ess_setpoint_w == 40.0)


async def test_the_bus_may_go_and_return(house: Listener, private_bus: PrivateBus) -> None:
    await private_bus.kill()
    await until(lambda: house.away)
    await private_bus.start()
    await until(lambda: house.reading)
    assert sum(isinstance(event, Unavailable) for event in house.events) <= 2


async def test_a_gx_that_is_not_there_is_told_once(
    private_bus: PrivateBus, bus: BusClient, source: VictronSource
) -> None:
    listener = Listener(source)
    source.start()
    await until(lambda: listener.away)
    assert listener.away is not None
    assert listener.away.why == "com.victronenergy.system is not on D-Bus"
    assert len(listener.events) == 1
    source.stop()


async def test_a_bus_that_is_not_there_is_told(library: str) -> None:
    bus = BusClient(DbusLink("client", "unix:path=/nowhere", library))
    bus.open()
    await until(lambda: bus.link.failing)
    source = VictronSource(bus, lambda: (5.0, 6.0))
    listener = Listener(source)
    source.start()
    assert listener.away is not None
    assert "/nowhere" in listener.away.why
    assert listener.away.since_mono_s == 5.0
    source.stop()
    await bus.close()


async def test_a_quiet_gx_gives_readings_by_being_asked(
    gx: SimulatedGx, source: VictronSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(busitem_client, "ASK_AFTER_S", 0.1)
    listener = Listener(source)
    source.start()
    await until(lambda: len(listener.events) >= 4)
    assert listener.away is None
    source.stop()


async def test_a_reader_that_fails_does_not_end_the_stream(
    gx: SimulatedGx, source: VictronSource, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("reader")

    source.readings.subscribe(fail)
    source.start()
    await until(lambda: "a reader of the site's values failed" in caplog.text)
    gx.publish({"/Dc/Battery/Power": 1})
    await until(lambda: caplog.text.count("a reader of the site's values failed") == 2)
    source.stop()
