"""A known car on D-Bus, as the GX shows it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from phaeton.config.tree_cars import Vehicle
from phaeton.links.busitem_client import SETTINGS, BusClient
from phaeton.links.dbus import DbusLink
from phaeton.model import CarState, Output, VehicleReading
from phaeton.simulation.gx import SimulatedSettings
from phaeton.sinks.ev import EvService, live_values
from tests import outputs
from tests.bus import PrivateBus, Stranger
from tests.waiting import until

CAR = Vehicle(id="ev-6", name="EV6", battery_kwh=77.4, source="kia", publish=True)
NAME = "com.victronenergy.ev.phaeton_ev_6"


def seen(**changes: object) -> Output:
    """The car charges at point 1."""
    output = outputs.output()
    state = CarState(vehicle="ev-6", point="1", soc_pct=63.27, limit_soc_pct=80.0)
    reading = VehicleReading(
        mono_s=1.0, utc_s=2e9, vehicle="ev-6", soc_pct=60.0, soc_utc_s=1.9e9, range_km=281.0, at_home=False
    )
    decision = replace(output.decision, cars=(replace(state, **changes),))
    return Output(replace(output.situation, vehicles=(reading,)), decision)


@pytest.fixture
async def bus(private_bus: PrivateBus) -> AsyncIterator[BusClient]:
    client = BusClient(DbusLink("phaeton", private_bus.address))
    client.open()
    await until(lambda: client.link.connected)
    yield client
    await client.close()


def test_what_the_paths_show() -> None:
    shown = live_values(CAR, seen(), lambda point: 40 if point == "1" else None)
    assert shown == {
        "/Mgmt/Connection": "40",
        "/Soc": 63.3,
        "/TargetSoc": 80.0,
        "/ChargingState": 3,
        "/AtSite": 1,
        "/BatteryCapacity": 77.4,
        "/Ac/Power": 6480,
        "/Ac/NrOfPhases": 3,
        "/RangeToGo": 281.0,
        "/LastUpdated/EvContact": 1_900_000_000,
    }


def test_a_car_that_is_away_shows_no_power() -> None:
    shown = live_values(CAR, seen(point="", goal_soc_pct=90.0), lambda point: 40)
    assert (shown["/AtSite"], shown["/ChargingState"], shown["/Ac/Power"], shown["/TargetSoc"]) == (0, 0, None, 90.0)
    assert shown["/Mgmt/Connection"] == "kia"


async def test_a_stranger_finds_the_car(bus: BusClient, stranger: Stranger) -> None:
    service = EvService(CAR, bus, lambda _: 40)
    service.publish(seen())
    await service.start()
    await until(lambda: service.registered)
    assert await stranger.value(NAME, "/CustomName") == "EV6"
    assert await stranger.value(NAME, "/Soc") == 63.3
    assert await stranger.value(NAME, "/DeviceInstance") == 60
    paths = await stranger.call(NAME, "/", "GetItems")
    assert not {"/VIN", "/Position/Latitude", "/Position/Longitude", "/Odometer"} & set(paths)
    service.publish(seen(soc_pct=70.0))
    assert await stranger.value(NAME, "/Soc") == 70.0
    await service.stop()
    assert NAME not in await stranger.names()


async def test_the_gx_gives_it_an_instance(private_bus: PrivateBus, bus: BusClient, stranger: Stranger) -> None:
    settings = SimulatedSettings(DbusLink(SETTINGS, private_bus.address))
    await settings.start()
    first, second = EvService(CAR, bus, lambda _: None), EvService(replace(CAR, id="zoe"), bus, lambda _: None, 61)
    for service in (first, second):
        await service.start()
        await until(lambda shown=service: shown.registered)
    instances = {await stranger.value(name, "/DeviceInstance") for name in (NAME, "com.victronenergy.ev.phaeton_zoe")}
    assert instances == {60, 61}
    assert settings["/Settings/Devices/phaeton_ev_ev_6/ClassAndVrmInstance"] == "ev:60"
    for service in (first, second):
        await service.stop()
    await settings.stop()
