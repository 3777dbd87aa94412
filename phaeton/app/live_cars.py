"""The cars alive: their sources into the graph, what the owner does about them, and what of them is shown on the GX."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from phaeton.config.tree import Config
from phaeton.links.busitem_client import BusClient
from phaeton.links.busitem_service import BusItemService
from phaeton.model import Now, Output, Unavailable, VehicleReading, Zone
from phaeton.sinks.ev import FIRST_INSTANCE, EvService
from phaeton.sinks.web.vehicles import VehicleInfo
from phaeton.sources.vehicles.asking import Http
from phaeton.sources.vehicles.cars import Cars, Facts
from phaeton.sources.vehicles.report import VehicleError

Feed = Callable[[VehicleReading | Unavailable], None]


class LiveCars:
    """The cars of one configuration; made anew when they change."""

    def __init__(
        self,
        config: Config,
        http: Http,
        bus: BusClient,
        now: Now,
        facts: Facts,
        zone: Zone,
        instance_of: Callable[[str], int | None],
        feed: Feed,
    ) -> None:
        self._config = config
        self.zone = zone
        """For the hours in which no car is woken."""
        self._cars = Cars(config.vehicles, config.site.home, http, bus, now, facts, self._hour)
        self._cars.readings.subscribe(feed)
        shown = [vehicle for vehicle in config.vehicles if vehicle.publish]
        self._shown = [EvService(v, bus, instance_of, FIRST_INSTANCE + index) for index, v in enumerate(shown)]

    async def start(self) -> None:
        """Ask and show."""
        self._cars.start()
        await asyncio.gather(*(service.start() for service in self._shown))

    async def stop(self) -> None:
        """Ask and show nothing more."""
        await self._cars.stop()
        await asyncio.gather(*(service.stop() for service in self._shown))

    def publish(self, output: Output) -> None:
        """Show the newest output to sources and GX; returns at once."""
        self._cars.publish(output)
        for service in self._shown:
            service.publish(output)

    @property
    def services(self) -> tuple[BusItemService, ...]:
        """The cars on D-Bus."""
        return tuple(shown.service for shown in self._shown)

    def infos(self) -> tuple[VehicleInfo, ...]:
        """How the cars' sources fare, for the page."""
        vehicles = {vehicle.id: vehicle for vehicle in self._config.vehicles}
        found = []
        for status in self._cars.statuses():
            vehicle, believed = vehicles[status.vehicle], status.believed
            found.append(
                VehicleInfo(
                    id=vehicle.id,
                    name=vehicle.name,
                    battery_kwh=vehicle.battery_kwh,
                    source=vehicle.source,
                    can_login=vehicle.source == "tesla" and bool(vehicle.tesla.client_id),
                    reach=status.reach,
                    plugged=believed.plugged,
                    charging=believed.charging,
                    at_home=believed.at_home,
                    range_km=believed.range_km,
                    odometer_km=believed.odometer_km,
                    trouble=status.trouble,
                    note=status.why if status.trouble else believed.note,
                    refused=believed.refused,
                    next_read_s=None if status.next_s is None else round(status.next_s),
                    requests_today=status.requests_today,
                    requests_left=status.requests_left,
                    wakes_today=status.wakes_today,
                    wake_refusal=status.wake_refusal,
                )
            )
        return tuple(found)

    # What the owner does; errors become words.

    def type_in(self, vehicle_id: str, soc_pct: float) -> None:
        """Say how full the car is."""
        self._cars.type_in(vehicle_id, soc_pct)

    def try_again(self, vehicle_id: str) -> None:
        """Ask its service again now."""
        self._cars.try_again(vehicle_id)

    def begin_login(self, vehicle_id: str) -> str:
        """The address of the page where the owner agrees; raises ValueError in words."""
        try:
            return self._cars.begin_login(vehicle_id)
        except VehicleError as error:
            raise ValueError(error.why) from None

    async def finish_login(self, redirected: str, vehicle_id: str = "", state: str = "") -> None:
        """Take the address where the login ended; raises ValueError in words."""
        try:
            await self._cars.finish_login(redirected, vehicle_id, state)
        except VehicleError as error:
            raise ValueError(error.why) from None

    def _hour(self, utc_s: float) -> float | None:
        """The local hour of day; None while the zone is not known."""
        offset_s = next((offset for begin, offset in reversed(self.zone.transitions) if begin <= utc_s), None)
        return None if offset_s is None else (utc_s + offset_s) % 86_400.0 / 3600.0
