"""All cars of the configuration: each with its provider, its account and its place on the disk."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Coroutine, Sequence
from typing import Protocol

import msgspec
from reactivex import Observable, Subject

from phaeton.config.node import Secret
from phaeton.config.secret import SecretError, reveal
from phaeton.config.tree_cars import Vehicle
from phaeton.config.tree_vehicles import HomePosition
from phaeton.links.busitem_client import BusClient
from phaeton.model import Now, Output, Unavailable, VehicleReading
from phaeton.sources.vehicles.asking import Http
from phaeton.sources.vehicles.dbus_ev import DbusEvs, Follower
from phaeton.sources.vehicles.evcc import EvccProvider
from phaeton.sources.vehicles.home import Home
from phaeton.sources.vehicles.homeassistant import HomeAssistantProvider
from phaeton.sources.vehicles.http_json import HttpJsonProvider
from phaeton.sources.vehicles.kia import Credentials, KiaAccount, KiaProvider
from phaeton.sources.vehicles.mqtt import MqttSource
from phaeton.sources.vehicles.provider import Polled
from phaeton.sources.vehicles.report import Report, Trouble, VehicleError
from phaeton.sources.vehicles.source import Hour, Status, VehicleSource
from phaeton.sources.vehicles.tesla import TeslaProvider
from phaeton.sources.vehicles.tesla_account import FixedAccount, TeslaAccount
from phaeton.sources.vehicles.viewing import view_of

_log = logging.getLogger(__name__)


class Facts(Protocol):
    """The store, as far as it is needed here."""

    def fact(self, key: str) -> str | None:
        """A small text, from memory."""

    async def set_fact(self, key: str, value: str) -> None:
        """Return when it is on the disk; raises when it is not."""


class _Fact:
    """One text among the facts of the store."""

    def __init__(self, facts: Facts, key: str) -> None:
        self._facts = facts
        self._key = key

    def load(self) -> str | None:
        """What was saved last."""
        return self._facts.fact(self._key)

    async def save(self, text: str) -> None:
        """Return when it is on the disk."""
        await self._facts.set_fact(self._key, text)


class Cars:
    """The sources of all cars; `readings` never ends and never fails."""

    def __init__(
        self,
        vehicles: Sequence[Vehicle],
        home: HomePosition,
        http: Http,
        bus: BusClient,
        now: Now,
        facts: Facts,
        hour: Hour,
    ) -> None:
        self._vehicles = {vehicle.id: vehicle for vehicle in vehicles}
        self._home = (
            Home(home.latitude, home.longitude, home.radius_m)
            if home.latitude is not None and home.longitude is not None
            else None
        )
        self._http = http
        self._bus = bus
        self._now = now
        self._facts = facts
        self._hour = hour
        self._readings: Subject[VehicleReading | Unavailable] = Subject()
        self._accounts: dict[str, TeslaAccount] = {}
        self._kias: dict[str, KiaAccount] = {}
        self._providers: list[Polled] = []
        self._sources: dict[str, VehicleSource] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._dbus: DbusEvs | None = None

    @property
    def readings(self) -> Observable[VehicleReading | Unavailable]:
        """What the cars say, and since when and why one says nothing (its source is ``vehicle:<id>``)."""
        return self._readings

    def start(self) -> None:
        """Make the sources and let them run."""
        followers = []
        for vehicle in self._vehicles.values():
            provider, problem = None, ""
            try:
                provider = self._provider(vehicle)
            except SecretError as error:
                problem = str(error)
            source = self._sources[vehicle.id] = VehicleSource(
                vehicle.id,
                vehicle.source,
                provider,
                self._now,
                self._say,
                kept=_Fact(self._facts, f"vehicle:{vehicle.id}"),
                seed=_seed(vehicle),
                hour=self._hour,
            )
            if problem:
                source.failed(VehicleError(Trouble.DENIED, problem))
            elif provider is not None:
                self._providers.append(provider)
                self._run(source.run())
            elif vehicle.source == "mqtt":
                self._run(self._mqtt(vehicle, source))
            elif vehicle.source == "dbus":
                name = vehicle.name or vehicle.id
                followers.append(Follower(vehicle.dbus.service, name, source.took, source.failed))
        if followers:
            self._dbus = DbusEvs(self._bus, followers)
            self._dbus.start()

    async def look(self, vehicle_id: str) -> Report:
        """Ask the service of a car once, without `start`, to try its settings; the car is never woken.

        Raises `VehicleError`, and ValueError for a car that is not asked (what pushes, or is typed in).
        """
        try:
            provider = self._provider(self._vehicles[vehicle_id])
        except SecretError as error:
            raise VehicleError(Trouble.DENIED, str(error)) from None
        if provider is None:
            raise ValueError("the source of this car is not asked")
        try:
            return await provider.read(data=True)
        finally:
            await provider.close()

    async def stop(self) -> None:
        """Ask nothing more and tell nothing more."""
        if self._dbus is not None:
            self._dbus.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(provider.close() for provider in self._providers))

    def publish(self, output: Output) -> None:
        """Let each source see its car as the control sees it; returns at once."""
        for vehicle_id, source in self._sources.items():
            source.see(view_of(output, vehicle_id, self._vehicles[vehicle_id].battery_kwh))

    def statuses(self) -> list[Status]:
        """How each source fares."""
        return [source.status() for source in self._sources.values()]

    # What the owner does.

    def type_in(self, vehicle_id: str, soc_pct: float) -> None:
        """The owner says how full the car is; raises KeyError for a car that is none."""
        self._sources[vehicle_id].type_in(soc_pct)

    def try_again(self, vehicle_id: str) -> None:
        """Ask again now; raises KeyError for a car that is none."""
        self._sources[vehicle_id].try_again()

    def begin_login(self, vehicle_id: str) -> str:
        """The address of the page where the owner agrees; raises `VehicleError`, KeyError for a car that is none."""
        return self._account_of(vehicle_id).begin_login()

    async def finish_login(self, redirected: str, vehicle_id: str = "", state: str = "") -> None:
        """Take the address where the login ended, for a car or for whichever login has that state."""
        if vehicle_id:
            account = self._account_of(vehicle_id)
        else:
            waiting = [account for account in self._accounts.values() if account.waits_for(state)]
            if not waiting:
                raise VehicleError(Trouble.DENIED, "no login waits for this: begin again")
            account = waiting[0]
        await account.finish_login(redirected)
        for vehicle in self._vehicles.values():
            if self._accounts.get(_account_key(vehicle)) is account:
                self._sources[vehicle.id].try_again()

    def _account_of(self, vehicle_id: str) -> TeslaAccount:
        vehicle = self._vehicles[vehicle_id]
        account = self._accounts.get(_account_key(vehicle)) if vehicle.source == "tesla" else None
        if account is None:
            raise VehicleError(Trouble.DENIED, f"{vehicle_id} has no login: only Tesla's own service has one here")
        return account

    # Making them.

    def _say(self, event: VehicleReading | Unavailable) -> None:
        try:
            self._readings.on_next(event)
        except Exception:
            # an error that left here would end the stream of whoever comes next
            _log.exception("a reader of the cars' values failed")

    def _run(self, work: Coroutine[None, None, None]) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work, name="vehicle"))

    async def _mqtt(self, vehicle: Vehicle, source: VehicleSource) -> None:
        config = vehicle.mqtt
        try:
            user, password = reveal(config.username), reveal(config.password)
        except SecretError as error:
            source.failed(VehicleError(Trouble.DENIED, str(error)))
            return
        await MqttSource(config, user, password, source.took, source.failed).run()

    def _provider(self, vehicle: Vehicle) -> Polled | None:
        """The provider of a car that is asked; raises `SecretError`."""
        match vehicle.source:
            case "tesla":
                return self._tesla(vehicle)
            case "kia":
                return self._kia(vehicle)
            case "homeassistant":
                ha = vehicle.homeassistant
                return HomeAssistantProvider(ha, reveal(ha.token), self._http)
            case "http_json":
                json = vehicle.http_json
                headers = {header.name: reveal(header.value) for header in json.headers}
                return HttpJsonProvider(json, headers, self._http, self._home)
            case "evcc":
                return EvccProvider(vehicle.evcc, self._http)
        return None

    def _kia(self, vehicle: Vehicle) -> Polled:
        kia = vehicle.kia
        who = Credentials(reveal(kia.username), reveal(kia.password), reveal(kia.pin))
        key = f"kia:{kia.brand}:{kia.region}:{hashlib.sha256(who.username.encode()).hexdigest()[:16]}"
        if key not in self._kias:
            self._kias[key] = KiaAccount(kia, who, _Fact(self._facts, key))
        return KiaProvider(kia, reveal(kia.vin), self._kias[key], self._now, self._home)

    def _tesla(self, vehicle: Vehicle) -> Polled:
        tesla = vehicle.tesla
        vin = reveal(tesla.vin)
        if tesla.token.given or tesla.kind != "fleet":
            account = FixedAccount(tesla.base_url, reveal(tesla.token))
            return TeslaProvider(tesla, vin, account, self._http, self._home)
        key = _account_key(vehicle)
        shared = self._accounts.get(key)
        if shared is None:
            first, secret = reveal(tesla.refresh_token), reveal(tesla.client_secret)
            shared = TeslaAccount(tesla, first, secret, self._http, self._now, _Fact(self._facts, key))
            self._accounts[key] = shared
        return TeslaProvider(tesla, vin, shared, self._http, self._home)


def _account_key(vehicle: Vehicle) -> str:
    """Cars of one account share one login: two programs, or two cars, cannot spend the same token."""
    return f"tesla:{vehicle.tesla.client_id}:{vehicle.tesla.account}"


def _seed(vehicle: Vehicle) -> str:
    """A fingerprint of how the source is set up; another one lifts a block."""
    parts: list[object] = [vehicle.source]
    section = getattr(vehicle, vehicle.source, None)
    if section is not None:
        parts += [_plain(getattr(section, name)) for name in section.__struct_fields__]
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:16]


def _plain(value: object) -> object:
    if not isinstance(value, Secret):
        return value
    try:
        return reveal(value)
    except SecretError:
        return ""
