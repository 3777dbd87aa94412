"""All cars together: from a configuration and simulated services to events, and what must never be in them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable

import aiohttp
import msgspec
import pytest

from phaeton.config.load import parse
from phaeton.config.tree_cars import Vehicle
from phaeton.config.tree_vehicles import HomePosition
from phaeton.links.busitem_client import BusClient
from phaeton.links.busitem_service import BusItemService
from phaeton.links.dbus import DbusLink
from phaeton.links.dbus_library import Value
from phaeton.links.http import HttpClient
from phaeton.model import (
    CarState,
    ChargerReading,
    ChargerState,
    Decision,
    Mode,
    Output,
    PointDecision,
    PointSituation,
    Session,
    Situation,
    Unavailable,
    VehicleReading,
)
from phaeton.simulation.vehicle_service import SimulatedVehicleService
from phaeton.sources.vehicles import source
from phaeton.sources.vehicles.cars import Cars
from phaeton.sources.vehicles.polling import View
from phaeton.sources.vehicles.report import VehicleError
from phaeton.sources.vehicles.viewing import view_of
from tests.bus import PrivateBus
from tests.sources.vehicles.answers import SECRETS, sample
from tests.sources.vehicles.memory import HandClock
from tests.waiting import PATIENCE_S, until

HOME = HomePosition(latitude=52.5, longitude=13.4)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses where they are not the subject."""
    monkeypatch.setattr(source, "LEAST_GAP_S", 0.01)
    monkeypatch.setitem(source.VehicleSource.__init__.__kwdefaults__, "chance", lambda: 0.0)


class Facts:
    """The store in memory."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def fact(self, key: str) -> str | None:
        """What was kept."""
        return self.values.get(key)

    async def set_fact(self, key: str, value: str) -> None:
        """Keep it."""
        self.values[key] = value


@pytest.fixture
async def service() -> AsyncIterator[SimulatedVehicleService]:
    async with SimulatedVehicleService() as running:
        yield running


def vehicles(text: str) -> tuple[Vehicle, ...]:
    """Cars out of a configuration as people write it."""
    return parse(f"charger: 192.0.2.1\nvehicles:\n{text}").config.vehicles


class Street:
    """Cars that run, with everything that they told."""

    def __init__(self, cars: Iterable[Vehicle], bus: BusClient | None = None, facts: Facts | None = None) -> None:
        self.facts = facts or Facts()
        self.clock = HandClock()
        self.http = HttpClient(timeout_s=0.5, clock=lambda: self.clock.mono_s)
        self.events: list[VehicleReading | Unavailable] = []
        bus = bus or BusClient(DbusLink("test", "unix:path=/nowhere"))
        self.cars = Cars(tuple(cars), HOME, self.http, bus, self.clock.now, self.facts, lambda _: 12.0)
        self.cars.readings.subscribe(self.events.append)

    async def __aenter__(self) -> Street:
        self.cars.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cars.stop()
        await self.http.close()

    def told(self, vehicle: str) -> VehicleReading:
        """The newest reading of a car."""
        return next(e for e in reversed(self.events) if isinstance(e, VehicleReading) and e.vehicle == vehicle)

    def heard(self, vehicle: str) -> bool:
        """Whether a car told something."""
        return any(isinstance(e, VehicleReading) and e.vehicle == vehicle for e in self.events)


def plugged(vehicle: str = "car", power_w: float = 0.0, energy_kwh: float = 0.0) -> Output:
    """The control sees the car at the point."""
    state = ChargerState.CHARGING if power_w else ChargerState.CONNECTED
    reading = ChargerReading(mono_s=1.0, utc_s=1e9, point="1", state=state, power_w=power_w)
    session = Session(id="1", point="1", start_utc_s=1e9, energy_kwh=energy_kwh)
    decided = PointDecision(
        point="1", mode=Mode.AUTO, start=True, auto_start=True, requested_a=16.0, current_a=0.0, phases=3,
        chosen_phases=0, status=None, reasons=(), plugged=True, session=session, vehicle=vehicle or None,
    )  # fmt: skip
    cars = (CarState(vehicle="car", point="1" if vehicle == "car" else "", soc_pct=50.4, goal_soc_pct=80.0),)
    situation = Situation(points=(PointSituation(id="1", reading=reading),))
    return Output(situation, Decision(1.0, 1e9, (decided,), cars=cars))


LOCALS = {
    "homeassistant": '{url: "%s", token: fixed-token, soc: sensor.car_battery_level, plugged: binary_sensor.car_plug}',
    "http_json": '{url: "%s/car.json", soc: car.soc, plugged: car.plugged, time: car.ts, latitude: car.lat, '
    "longitude: car.lon}",
    "evcc": '{url: "%s", vehicle: simulated}',
}


def local(kind: str, service: SimulatedVehicleService) -> tuple[Vehicle, ...]:
    return vehicles(f"  - {{id: car, source: {kind}, {kind}: {LOCALS[kind] % service.address}}}")


def tesla(service: SimulatedVehicleService, more: str = "") -> tuple[Vehicle, ...]:
    return vehicles(
        f'  - {{id: car, source: tesla, tesla: {{base_url: "{service.address}", client_id: {service.client_id}, '
        f'token_url: "{service.address}/oauth2/v3/token", authorize_url: "{service.address}/oauth2/v3/authorize", '
        f'redirect_url: "{service.address}/landed"{more}}}}}'
    )


@pytest.mark.parametrize("kind", LOCALS)
async def test_services_in_the_house_are_read_when_the_car_comes(service: SimulatedVehicleService, kind: str) -> None:
    async with Street(local(kind, service)) as street:
        street.cars.publish(plugged())
        await until(lambda: street.heard("car"))
        told = street.told("car")
        assert (told.soc_pct, told.plugged) == (55, True)
        assert told.at_home is (True if kind == "http_json" else None)


@pytest.mark.parametrize("kind", LOCALS)
@pytest.mark.parametrize("trouble", ["server", "html", "close", "rate_limit", "missing"])
async def test_what_they_do_wrong_is_told_and_the_last_value_stays(
    service: SimulatedVehicleService, kind: str, trouble: str
) -> None:
    async with Street(local(kind, service)) as street:
        street.cars.publish(plugged())
        await until(lambda: street.heard("car"))
        service.trouble = trouble
        street.cars.try_again("car")
        await until(lambda: any(isinstance(e, Unavailable) for e in street.events))
        assert street.told("car").soc_pct == 55
        (status,) = street.cars.statuses()
        assert status.why
        assert status.believed.soc_pct == 55


@pytest.mark.parametrize("kind", LOCALS)
@pytest.mark.parametrize("trouble", ["nulls", "zero"])
async def test_glitches_are_not_believed(service: SimulatedVehicleService, kind: str, trouble: str) -> None:
    async with Street(local(kind, service)) as street:
        street.cars.publish(plugged())
        await until(lambda: street.heard("car"))
        service.trouble = trouble
        before = service.asked.total()
        street.cars.try_again("car")
        await until(lambda: service.asked.total() > before)
        await asyncio.sleep(0)
        assert street.told("car").soc_pct == 55


async def test_a_login_leads_to_a_reading(service: SimulatedVehicleService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phaeton.sources.vehicles.source.random.random", lambda: 0.0)
    async with Street(tesla(service)) as street:
        street.cars.publish(plugged())
        street.clock.forward(31.0)
        await until(lambda: street.events)
        assert isinstance(street.events[0], Unavailable)
        assert "phaeton vehicles login" in street.events[0].why
        async with (
            aiohttp.ClientSession() as browser,
            browser.get(street.cars.begin_login("car"), allow_redirects=False) as redirect,
        ):
            landed = redirect.headers["Location"]
        street.clock.forward(31.0)
        await street.cars.finish_login(landed, "car")
        await until(lambda: street.heard("car"))
        assert street.told("car").soc_pct == 55
        assert street.told("car").at_home is True


async def test_a_visit_sent_by_another_site_neither_ends_nor_takes_over_a_login(
    service: SimulatedVehicleService,
) -> None:
    async with Street(tesla(service)) as street:
        async with (
            aiohttp.ClientSession() as browser,
            browser.get(street.cars.begin_login("car"), allow_redirects=False) as redirect,
        ):
            landed = redirect.headers["Location"]
        for state in ("", "guess", "x" * 43):
            with pytest.raises(VehicleError, match="no login waits"):
                await street.cars.finish_login(f"http://192.0.2.5/landed?code=evil&state={state}", "", state)
        assert service.asked["token"] == 0
        state = redirect.url.join(aiohttp.client.URL(landed)).query["state"]
        await street.cars.finish_login(landed, "", state)
        assert service.asked["token"] == 1


async def test_only_tesla_has_a_login(service: SimulatedVehicleService) -> None:
    async with Street(local("evcc", service)) as street:
        with pytest.raises(VehicleError, match="no login"):
            street.cars.begin_login("car")
        with pytest.raises(KeyError):
            street.cars.begin_login("other")


async def test_a_secret_that_is_not_there_is_told(service: SimulatedVehicleService) -> None:
    settings = f'{{url: "{service.address}", token: {{file: /nowhere/x}}, soc: sensor.x}}'
    text = f"  - {{id: car, source: homeassistant, homeassistant: {settings}}}"
    async with Street(vehicles(text)) as street:
        await until(lambda: street.events)
        assert isinstance(street.events[0], Unavailable)
        assert "/nowhere/x" in street.events[0].why


async def test_a_typed_in_charge_is_told_at_once() -> None:
    async with Street(vehicles("  - {id: car, source: manual}")) as street:
        street.cars.type_in("car", 63.0)
        told = street.told("car")
        assert (told.soc_pct, told.soc_sigma_pct) == (63, 3.0)
        with pytest.raises(KeyError):
            street.cars.type_in("other", 63.0)


async def test_a_reader_that_fails_ends_nothing(service: SimulatedVehicleService) -> None:
    async with Street(local("evcc", service)) as street:
        failed = []

        def fail(event: object) -> None:
            failed.append(event)
            raise RuntimeError("a sink")

        street.cars.readings.subscribe(fail)
        street.cars.publish(plugged())
        await until(lambda: failed)
        street.cars.type_in("car", 60.0)
        assert street.told("car").soc_pct == 60


# What the control sees.


def test_the_view_of_a_car() -> None:
    idle = View(plugged=True, soc_pct=50, goal_soc_pct=80.0, battery_kwh=60.0)
    assert view_of(plugged(), "car", 60.0) == idle
    assert view_of(plugged(power_w=7000.0, energy_kwh=3.14), "car", 60.0) == msgspec.structs.replace(
        idle, charging=True, taken_kwh=3.1
    )
    assert view_of(plugged(""), "car", 60.0) == View(candidate=True, battery_kwh=60.0)
    assert view_of(plugged("other"), "car", 60.0) == View(battery_kwh=60.0)


# D-Bus.

FIXED: dict[str, Value] = {"/ProductName": "EV", "/DeviceInstance": 50, "/Connected": 1}


async def appear(bus: PrivateBus, sent: dict[str, Value], service: str) -> BusItemService:
    item = BusItemService(DbusLink(service, bus.address), service)
    for path, value in sent.items():
        item.add(path, "" if value is not None else "d", value)
    item.open()
    await asyncio.wait_for(item.wait_registered(), PATIENCE_S)
    return item


@pytest.fixture
async def bus(private_bus: PrivateBus) -> AsyncIterator[BusClient]:
    client = BusClient(DbusLink("phaeton", private_bus.address))
    client.open()
    yield client
    await client.close()


async def test_a_car_that_the_gx_knows(private_bus: PrivateBus, bus: BusClient) -> None:
    first, second = sample("generic_03")["dbus"]
    text = "  - {id: car, name: EV6, source: dbus}\n  - {id: other, name: Model 3, source: dbus}"
    async with Street(vehicles(text), bus) as street:
        services = [await appear(private_bus, entry["paths"], entry["service"]) for entry in (first, second)]
        await until(lambda: street.heard("car") and street.heard("other"))
        told = street.told("car")
        assert (told.soc_pct, told.limit_soc_pct, told.charging, told.at_home, told.range_km) == (
            63,
            80,
            True,
            True,
            281,
        )
        assert told.soc_utc_s == 1_795_441_200.0
        assert (street.told("other").soc_pct, street.told("other").at_home) == (41, False)
        services[0].update({"/Soc": 64.0})
        await until(lambda: street.told("car").soc_pct == 64)
        for item in services:
            await item.close()
        await until(lambda: sum(isinstance(e, Unavailable) for e in street.events) >= 2)


async def test_the_only_car_on_the_bus_is_ours_and_our_own_service_is_not_read_back(
    private_bus: PrivateBus, bus: BusClient
) -> None:
    async with Street(vehicles("  - {id: car, source: dbus}"), bus) as street:
        own = await appear(private_bus, FIXED | {"/Soc": 12.0}, "com.victronenergy.ev.phaeton_car")
        other = await appear(private_bus, FIXED | {"/Soc": 63.0}, "com.victronenergy.ev.vrm_50")
        await until(lambda: street.heard("car"))
        assert street.told("car").soc_pct == 63
        other.update({"/Soc": 255.0})
        other.update({"/Connected": 0})
        await until(lambda: any(isinstance(e, Unavailable) and "connection" in e.why for e in street.events))
        assert street.told("car").soc_pct == 63
        await own.close()
        await other.close()


# What never leaves.


async def test_no_identity_position_or_token_in_events_states_log_or_counts(
    service: SimulatedVehicleService, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    first = sample("tesla_10")["response"]["json"]["response"]
    car = service.car
    car.vin, car.latitude, car.longitude = first["vin"], 52.500012, 13.400034
    service.cars = {car.vin: car}
    async with Street(tesla(service, f", vin: {car.vin}, refresh_token: first-refresh")) as street:
        street.cars.publish(plugged())
        for trouble in ("", "server", "rate_limit", "missing", "partial", "nulls", "hang", "close"):
            service.trouble = trouble
            before = service.asked.total()
            street.clock.forward(150.0)
            street.cars.try_again("car")
            await until(lambda seen=before: service.asked.total() > seen)
        service.trouble = ""
        shown = [repr(event) for event in street.events]
        shown += [repr(status) for status in street.cars.statuses()]
        shown += [record.getMessage() for record in caplog.records if record.name.startswith("phaeton")]
        shown.append(street.facts.values["vehicle:car"])
        secrets = {*SECRETS, "first-refresh", *service.access_tokens, *service.refresh_tokens, *service.spent}
        text = "\n".join(shown)
        assert len(street.events) >= 5
        assert not [secret for secret in secrets if secret in text]
