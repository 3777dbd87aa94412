"""The bench: a private D-Bus with a simulated GX, a simulated charger on Modbus TCP, and a sunny house around them.

All of it runs in the process of the benchmark; the daemon under test is a process of its own.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from phaeton.simulation.car import Car
from phaeton.simulation.charger import SimulatedAlfen
from phaeton.simulation.charger_plant import ChargerPlant
from phaeton.simulation.gx import SimulatedGx
from tests.bus import PrivateBus, Stranger

_PHASES = ("L1", "L2", "L3")


class House:
    """A cloudless noon: about 10 kW of sun, 600 W of load, and the noise that a real house has on each value."""

    def __init__(self, seed: int = 1) -> None:
        self._dice = random.Random(seed)

    def values(self, car_w: float) -> dict[str, float | int | str | None]:
        """What com.victronenergy.system shows: some 35 values that differ each time, as on a three-phase GX."""
        dice = self._dice
        values: dict[str, float | int | str | None] = {
            "/Ac/Grid/DeviceType": 73,
            "/Ac/ActiveIn/Source": 1,
            "/SystemState/State": 252,
            "/SystemType": "ESS",
            "/Dc/Battery/Soc": 90.0,
        }
        battery_w = dice.gauss(0.0, 10.0)
        dc_pv_w = 1000.0 + dice.gauss(0.0, 5.0)
        for phase in _PHASES:
            pv_w = 3000.0 + dice.gauss(0.0, 10.0)
            load_w = 200.0 + dice.gauss(0.0, 15.0) + car_w / 3
            grid_w = load_w - pv_w - dc_pv_w / 3 + battery_w / 3
            volts = 230.0 + dice.gauss(0.0, 0.3)
            for group, watts in (("PvOnOutput", pv_w), ("Consumption", load_w), ("ConsumptionOnOutput", load_w)):
                values[f"/Ac/{group}/{phase}/Power"] = round(watts, 1)
                values[f"/Ac/{group}/{phase}/Current"] = round(watts / volts, 2)
            values[f"/Ac/Grid/{phase}/Power"] = round(grid_w, 1)
            values[f"/Ac/Grid/{phase}/Current"] = round(grid_w / volts, 2)
        volts = 52.0 + dice.gauss(0.0, 0.02)
        values |= {
            "/Dc/Pv/Power": round(dc_pv_w, 1),
            "/Dc/Pv/Current": round(dc_pv_w / volts, 2),
            "/Dc/Battery/Power": round(battery_w),
            "/Dc/Battery/Current": round(battery_w / volts, 2),
            "/Dc/Battery/Voltage": round(volts, 3),
            "/Dc/Vebus/Power": round(battery_w - dc_pv_w),
            "/Dc/Vebus/Current": round((battery_w - dc_pv_w) / volts, 2),
        }
        return values


class Bench:
    """Everything that stands around the daemon under test."""

    def __init__(self, bus: PrivateBus, gx: SimulatedGx, charger: SimulatedAlfen, person: Stranger) -> None:
        self.bus = bus
        self.charger = charger
        self.person = person
        """A client on the bus that writes as the GX's user interface does."""
        self._gx = gx
        self._house = House()

    async def run(self) -> None:
        """Publish the house once a second, for ever."""
        loop = asyncio.get_running_loop()
        next_s = loop.time()
        while True:
            self._gx.publish(self._house.values(self.charger.plants[0].power_w))
            next_s += 1.0
            await asyncio.sleep(next_s - loop.time())

    async def name_of_charger(self) -> str:
        """The name of the charging point on the bus, as soon as somebody owns it."""
        while True:
            found = [name for name in await self.person.names() if name.startswith("com.victronenergy.evcharger.")]
            if found:
                return found[0]
            await asyncio.sleep(0.005)


@asynccontextmanager
async def bench(directory: Path) -> AsyncIterator[Bench]:
    """Set everything up, with a car of three phases and 16 A at the charger."""
    bus = PrivateBus(directory)
    charger = SimulatedAlfen(plants=[ChargerPlant(car=Car(capacity_kwh=100.0, soc_pct=20.0))])
    gx = SimulatedGx(bus.address)
    await bus.start()
    await charger.start()
    await gx.start()
    try:
        async with Stranger(bus.address) as person:
            made = Bench(bus, gx, charger, person)
            running = asyncio.create_task(made.run())
            try:
                yield made
            finally:
                running.cancel()
                with suppress(asyncio.CancelledError):
                    await running
    finally:
        await gx.stop()
        await charger.stop()
        await bus.kill()
