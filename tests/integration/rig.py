"""The rig: a daemon as a process of its own, between a simulated charger and a simulated GX on a private bus."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from phaeton.model import SiteReading
from phaeton.simulation.car import Car
from phaeton.simulation.charger import SimulatedAlfen
from phaeton.simulation.charger_plant import ChargerPlant
from phaeton.simulation.gx import ESS_SETTINGS, SimulatedGx
from tests.bus import PrivateBus, Stranger
from tests.waiting import PATIENCE_S

SERVICE = "com.victronenergy.evcharger.phaeton_car"


def zone_at_noon() -> str:
    """A zone where it is about noon now, so that no day ends within a test."""
    ahead_h = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead_h:+d}" if ahead_h else "Etc/GMT"


def house(grid_w: float = -3000.0, pv_w: float = 4000.0) -> SiteReading:
    """A house that exports."""
    return SiteReading(
        0.0,
        0.0,
        grid_w=grid_w,
        grid_phase_w=(grid_w / 3, grid_w / 3, grid_w / 3),
        grid_metered=True,
        pv_w=pv_w,
        consumption_w=pv_w + grid_w,
        ac_source=1,
    )


async def eventually(condition: Callable[[], Awaitable[bool]], within_s: float = PATIENCE_S) -> None:
    """Return when the condition holds; fails when it does not within the deadline."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + within_s
    while not await condition():
        if loop.time() > end_s:
            raise AssertionError(f"did not happen within {within_s:g} s")
        await asyncio.sleep(0.02)


class Rig:
    """Everything around one daemon, and the daemon."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bus = PrivateBus(folder)
        self.charger = SimulatedAlfen(plants=[ChargerPlant(car=Car(max_a=32.0, start_s=0.2), ramp_a_per_s=50.0)])
        self.config = folder / "phaeton_config.yaml"
        self.gx: SimulatedGx | None = None
        self.client: Stranger | None = None
        self.process: asyncio.subprocess.Process | None = None
        self.web = ""
        self.log: list[str] = []
        self._reading: asyncio.Task[None] | None = None

    def write_config(self, *lines: str, mode: str = "manual") -> None:
        """The daemon's configuration, with more lines at its end."""
        self.config.write_text(
            "\n".join(
                [
                    f"chargers: [{{id: car, host: 127.0.0.1, port: {self.charger.port}, initial: {{mode: {mode}}}}}]",
                    f"store: {{directory: {self.folder / 'state'}}}",
                    "web: {port: 0}",
                    *lines,
                ]
            )
        )

    async def start(self, *more: str) -> None:
        """Start the daemon and wait until its page listens."""
        environment = {**os.environ, "DBUS_SESSION_BUS_ADDRESS": self.bus.address, "PYTHONUNBUFFERED": "1"}
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "phaeton",
            "run",
            "-c",
            str(self.config),
            *more,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        listening = asyncio.get_running_loop().create_future()
        self._reading = asyncio.create_task(self._read(self.process, listening))
        self.web = await asyncio.wait_for(listening, PATIENCE_S)
        if self.client is not None:
            await eventually(self.is_on_bus)

    async def is_on_bus(self, service: str = SERVICE) -> bool:
        """Whether a service has its name."""
        assert self.client is not None
        names = await self.client.call(
            "org.freedesktop.DBus", "/org/freedesktop/DBus", "ListNames", interface="org.freedesktop.DBus"
        )
        return service in names

    async def _read(self, process: asyncio.subprocess.Process, listening: asyncio.Future[str]) -> None:
        assert process.stdout is not None
        async for raw in process.stdout:
            line = raw.decode().rstrip()
            self.log.append(line)
            if "page is at http" in line and not listening.done():
                listening.set_result(line.rsplit(" ", 1)[1])
        if not listening.done():
            listening.set_exception(AssertionError("the daemon ended:\n" + "\n".join(self.log)))

    async def stop(self, number: int = signal.SIGTERM, within_s: float = PATIENCE_S) -> int:
        """End the daemon by a signal; its exit code."""
        process = self.process
        assert process is not None
        if process.returncode is None:
            process.send_signal(number)
        code = await asyncio.wait_for(process.wait(), within_s)
        if self._reading is not None:
            await self._reading
        self.process = None
        return code

    async def is_ready(self) -> bool:
        """Whether charger, bus and control are well."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.web}/api/ready") as answer:
            return answer.status == 200

    async def status(self) -> dict[str, Any]:
        """The first charging point as the API shows it."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.web}/api/status") as answer:
            whole: dict[str, Any] = json.loads(await answer.text())
            return whole

    async def point(self) -> dict[str, Any]:
        """The first charging point as the API shows it."""
        return dict((await self.status())["chargers"][0])

    async def post(self, what: str, body: dict[str, object]) -> int:
        """An order over the API; the status of the answer."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.web}/api/chargers/car/{what}", json=body) as answer,
        ):
            return answer.status

    async def value(self, path: str) -> Any:
        """A value of the service, by the independent client."""
        assert self.client is not None
        return await self.client.value(SERVICE, path)

    async def write(self, path: str, signature: str, value: Any) -> int:
        """A write to the service, by the independent client; its return code."""
        assert self.client is not None
        return await self.client.write(SERVICE, path, signature, value)

    async def becomes(self, path: str, wanted: object, within_s: float = PATIENCE_S) -> None:
        """Wait until a path has a value."""

        async def is_so() -> bool:
            return bool(await self.value(path) == wanted)

        await eventually(is_so, within_s)

    @property
    def register_a(self) -> float:
        """The setpoint in the charger's register."""
        return self.charger.socket(1).set_a

    async def register_becomes(self, current_a: float, within_s: float = PATIENCE_S) -> None:
        """Wait until the charger has this setpoint."""

        async def is_so() -> bool:
            return abs(self.register_a - current_a) < 0.05

        await eventually(is_so, within_s)

    async def put_up_gx(self, reading: SiteReading) -> SimulatedGx:
        """A GX that shows a house."""
        self.gx = SimulatedGx(self.bus.address)
        self.gx.settings.set(ESS_SETTINGS)
        await self.gx.start()
        self.gx.publish_reading(reading)
        return self.gx


@asynccontextmanager
async def rig(folder: Path, *, bus: bool = True) -> AsyncIterator[Rig]:
    """A rig with its bus and its charger running; the daemon is started by the test."""
    made = Rig(folder)
    await made.charger.start()
    try:
        if bus:
            await made.bus.start()
            async with Stranger(made.bus.address) as client:
                made.client = client
                yield made
        else:
            yield made
    finally:
        if made.process is not None:
            await made.stop(signal.SIGKILL)
        if made.gx is not None:
            await made.gx.stop()
        await made.charger.stop()
        await made.bus.kill()
