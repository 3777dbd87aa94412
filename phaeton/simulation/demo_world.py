"""The world of the demo: a real Modbus socket, a GX on a private D-Bus, and behind them a day that runs fast.

``speed`` scales the weather and the batteries of house and car; powers, the charger and the control are in real time.
The demo begins in the late morning with a car that is charging already.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

from reactivex import Observable
from reactivex.subject import Subject

from phaeton.config.tree import Charger, Config, Site, Store
from phaeton.config.tree_web import Web
from phaeton.model import SiteReading
from phaeton.profiles import load_profile
from phaeton.simulation.battery import HouseBattery
from phaeton.simulation.car import Car
from phaeton.simulation.charger import SimulatedAlfen
from phaeton.simulation.charger_plant import ChargerPlant
from phaeton.simulation.gx import SimulatedGx
from phaeton.simulation.plant import Plant
from phaeton.simulation.private_bus import PrivateBus
from phaeton.simulation.profile_charger import ProfileCharger
from phaeton.simulation.weather import DAY_S, clear_sky, cloudy, household

HOST = "127.0.0.1"
_HOUR_S = 3600.0
_BEGINS_S = 10.75 * _HOUR_S
_LEAVES_S, _RETURNS_S = 7.75 * _HOUR_S, 9.5 * _HOUR_S
_PEAK_W = 7500.0
_CAR_KWH, _BATTERY_KWH = 58.0, 10.0
_DRIVE_PCT = 35.0
_STEP_S = 0.5
_LONGEST_STEP_S = 5.0
_FIRST_A = 7.0
_VALIDITY_S = 60.0
_ALFEN = "alfen_ng9xx"


class DemoWorld:
    """Everything outside of Phaeton. Use it as ``async with DemoWorld(speed=20) as world``."""

    def __init__(self, speed: float = 20.0, seed: int = 1, profile: str = _ALFEN) -> None:
        self.speed = max(speed, 0.01)
        self.bus_address: str | None = None
        """Of the private D-Bus; None where dbus-daemon is not installed."""
        self.charger_host = HOST
        self.charger_port = 0
        self.plant = Plant(
            chargers=[ChargerPlant(set_a=_FIRST_A, remaining_s=_VALIDITY_S, validity_s=_VALIDITY_S)],
            battery=HouseBattery(capacity_kwh=_BATTERY_KWH / self.speed, soc_pct=86.0, setpoint_w=-30.0),
            load_shares=(0.5, 0.3, 0.2),
        )
        self.profile = profile
        self.charger: SimulatedAlfen | ProfileCharger = (
            SimulatedAlfen(plants=self.plant.chargers, clock=None)
            if profile == _ALFEN
            else ProfileCharger(load_profile(profile), self.plant.chargers[0], clock=None)
        )
        self._sun = cloudy(clear_sky(_PEAK_W), seed=seed + 6)
        self._house = household(seed=seed)
        self._begun_s = time.monotonic()
        self._seen: Subject[SiteReading] = Subject()
        self._directory: TemporaryDirectory[str] | None = None
        self._bus: PrivateBus | None = None
        self._gx: SimulatedGx | None = None
        self._running: asyncio.Task[None] | None = None
        self._away = False
        self._plug(Car(capacity_kwh=_CAR_KWH / self.speed, soc_pct=42.0, limit_soc_pct=90.0, start_s=2.0))
        self._begin_charging()

    @property
    def site_readings(self) -> Observable[SiteReading]:
        """The house once a second, for whoever runs without D-Bus; ``mono_s`` is that of the operating system."""
        return self._seen

    @property
    def day_s(self) -> float:
        """The time in the demo's world: seconds since midnight of its first day."""
        return _BEGINS_S + (time.monotonic() - self._begun_s) * self.speed

    def config(self, page_port: int = 8088) -> Config:
        """The daemon's configuration for this world; its state goes with the world."""
        directory = "" if self._directory is None else str(Path(self._directory.name) / "state")
        return Config(
            chargers=(
                Charger(
                    host=self.charger_host,
                    port=self.charger_port,
                    name="Demo charger",
                    sockets=1,
                    profile=self.profile,
                    profile_confirmed=self.profile != _ALFEN,
                ),
            ),
            site=Site(source="none" if self.bus_address is None else "gx"),
            web=Web(port=page_port),
            store=Store(directory=directory),
        )

    async def __aenter__(self) -> DemoWorld:
        self._directory = TemporaryDirectory(prefix="phaeton-demo-")
        try:
            await self._open(Path(self._directory.name))
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self._close()

    async def _open(self, directory: Path) -> None:
        self.charger_port = await self.charger.start(HOST)
        bus = PrivateBus(directory)
        if await bus.start():
            self._bus = bus
            self.bus_address = bus.address
            self._gx = SimulatedGx(bus.address)
            self._show()  # the first values are there before the names are
            await self._gx.start()
        self._begun_s = time.monotonic()
        self._running = asyncio.get_running_loop().create_task(self._run())

    async def _close(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
            self._running = None
        if self._gx is not None:
            await self._gx.stop()
            self._gx = None
        if self._bus is not None:
            await self._bus.stop()
            self._bus = None
        await self.charger.stop()
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None

    async def _run(self) -> None:
        """Step the plant twice a second and show the house every second, by the clock and not by the sleeps."""
        last_s = time.monotonic()
        shown_s = last_s
        while True:
            await asyncio.sleep(_STEP_S)
            now_s = time.monotonic()
            self.step(min(now_s - last_s, _LONGEST_STEP_S))
            last_s = now_s
            if now_s - shown_s >= 1.0 - _STEP_S / 2:
                shown_s = now_s
                self._show()

    def step(self, dt_s: float) -> None:
        """Run the plant for ``dt_s`` of real time at the present time of the world."""
        day_s = self.day_s
        self._come_and_go(day_s)
        self.plant.step(dt_s, self._sun(day_s), self._house(day_s))

    def _show(self) -> None:
        reading = self.plant.site_reading(time.monotonic(), time.time())
        if reading is None:
            return
        if self._gx is not None:
            self._gx.publish_reading(reading)
        self._seen.on_next(reading)

    def _plug(self, car: Car) -> None:
        self._car = car
        self.plant.chargers[0].plug(car)

    def _begin_charging(self) -> None:
        """Let the car charge before anybody looks: an earlier Phaeton left a live setpoint."""
        socket = self.plant.chargers[0]
        for _ in range(8):
            self.plant.step(1.0, self._sun(_BEGINS_S), self._house(_BEGINS_S))
        socket.remaining_s = _VALIDITY_S

    def _come_and_go(self, day_s: float) -> None:
        """The car drives to work every morning and comes back with less."""
        away = _LEAVES_S <= day_s % DAY_S < _RETURNS_S
        if away == self._away:
            return
        self._away = away
        if away:
            self.plant.chargers[0].unplug()
        else:
            self._car.soc_pct = max(self._car.soc_pct - _DRIVE_PCT, 10.0)
            self._plug(self._car)
