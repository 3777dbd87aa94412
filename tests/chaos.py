"""Everything around the daemon fails in random order, and the daemon itself: what must hold all the while.

    python -m tests.chaos [--seed 1] [--blows 300] [--only kill]

The bus, the services of the GX and the charger are killed, hang and come back; the daemon is stopped, killed and
suspended. After each blow the daemon is well again by itself: the charger has the current that was asked for last, the
bus shows it, and the stay goes on. Nobody's wish is lost or invented.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from phaeton.config.load import load
from tests.bus import Stranger
from tests.integration.rig import Rig, eventually, house, rig


class Chaos:
    """One rig and what its owner asked for last."""

    def __init__(self, site: Rig, seed: int, only: str = "") -> None:
        self.site = site
        self._random = random.Random(seed)
        self._blows = tuple(blow for blow in BLOWS if only in ("", blow.__name__.strip("_")))
        self._start, self._current_a = True, 16.0
        self._stay: str | None = None
        self._config = ""
        self.done: list[str] = []

    async def begin(self) -> None:
        """The car charges."""
        site = self.site
        await site.bus.start()
        await self.join()
        site.write_config("record: {enabled: true}")
        self._config = site.config.read_text()
        await site.put_up_gx(house())
        await site.start()
        await self.is_well()
        self._stay = (await site.point())["session"]["id"]

    async def join(self) -> None:
        """Our client comes to the bus."""
        self.site.client = await Stranger(self.site.bus.address).__aenter__()

    async def leave(self) -> None:
        """It leaves."""
        assert self.site.client is not None
        await self.site.client.__aexit__()
        self.site.client = None

    async def strike(self) -> str:
        """One blow, and what must hold after it; its name."""
        blow = self._random.choice(self._blows)
        name = blow.__name__.strip("_")
        self.done.append(name)
        self.site.charger.writes.clear()
        allowed = {self._wanted_a}
        await blow(self)
        await self.is_well()
        allowed.add(self._wanted_a)
        odd = [w.value for w in self.site.charger.writes if w.address == 1210 and round(w.value, 1) not in allowed]
        assert odd == [], f"after {self.done}: {odd} was written, and nobody asked for it"
        assert self.site.config.read_text() == self._config
        assert not load(self.site.config, {}).notices
        point = await self.site.point()
        assert point["session"]["id"] == self._stay, f"after {self.done}: the stay is another one"
        return name

    async def is_well(self) -> None:
        """Wait until everything is as its owner asked."""
        await self.site.register_becomes(self._wanted_a)
        await eventually(self._bus_knows)

    @property
    def _wanted_a(self) -> float:
        return self._current_a if self._start else 0.0

    async def _bus_knows(self) -> bool:
        site = self.site
        if not await site.is_on_bus():
            return False
        shown = [await site.value(path) for path in ("/Connected", "/StartStop", "/SetCurrent", "/Status")]
        return shown == [1, int(self._start), self._current_a, 2 if self._start else 6]

    # Blows.

    async def _a_wish(self) -> None:
        """The owner asks for something else."""
        if self._random.random() < 0.5:
            self._current_a = float(self._random.randint(6, 16))
            assert await self.site.write("/SetCurrent", "d", self._current_a) == 0
        else:
            self._start = not self._start
            assert await self.site.write("/StartStop", "i", int(self._start)) == 0

    async def _kill(self) -> None:
        """The daemon is killed, perhaps while it writes, and started again."""
        if self._random.random() < 0.5:
            await self._a_wish()
        await self.site.stop(signal.SIGKILL)
        await self.site.start()

    async def _kill_while_starting(self) -> None:
        """It is killed once more before it is there."""
        await self.site.stop(signal.SIGKILL)
        starting = asyncio.create_task(self.site.start())
        await asyncio.wait({starting}, timeout=self._random.uniform(0.0, 0.8))
        process = self.site.process
        if process is not None and process.returncode is None and not starting.done():
            process.kill()
        await asyncio.gather(starting, return_exceptions=True)
        await self.site.stop(signal.SIGKILL)
        await self.site.start()

    async def _end(self) -> None:
        """It is ended in order and started again."""
        await self.site.stop()
        await self.site.start()

    async def _suspend(self) -> None:
        """The process stands still for a while."""
        assert self.site.process is not None
        self.site.process.send_signal(signal.SIGSTOP)
        await self._pass(2.0)
        self.site.process.send_signal(signal.SIGCONT)

    async def _bus_dies(self) -> None:
        """The bus is killed; the GX and we come back to the new one."""
        await self.leave()
        await self.site.bus.kill()
        await self._pass(1.0)
        await self.site.bus.start()
        await self.join()

    async def _bus_hangs(self) -> None:
        """The bus stands still for a while."""
        self.site.bus.freeze()
        await self._pass(3.0)
        self.site.bus.thaw()

    async def _system_goes(self) -> None:
        """The system service leaves for a while."""
        assert self.site.gx is not None
        await self.site.gx.stop_system()
        await self._pass(1.0)
        await self.site.gx.start_system()
        self.site.gx.publish_reading(house())

    async def _settings_go(self) -> None:
        """The settings service leaves for a while."""
        assert self.site.gx is not None
        await self.site.gx.settings.stop()
        await self._pass(1.0)
        await self.site.gx.settings.start()

    async def _charger_goes(self) -> None:
        """The charger's server is gone for a while."""
        await self.site.charger.stop()
        await self._pass(2.0)
        await self.site.charger.start()

    async def _charger_is_odd(self) -> None:
        """The charger answers nothing, or nonsense."""
        fault = self._random.choice(["silent", "garbage", "truncated", "wrong_transaction", "hang_up"])
        setattr(self.site.charger.faults, fault, True)
        await self._pass(2.0)
        self.site.charger.faults = type(self.site.charger.faults)()

    async def _pass(self, most_s: float) -> None:
        """Some time passes; the length matters to nothing that is checked."""
        over = asyncio.Event()
        asyncio.get_running_loop().call_later(self._random.uniform(0.0, most_s), over.set)
        await over.wait()


Blow = Callable[[Chaos], Awaitable[None]]

BLOWS: tuple[Blow, ...] = (
    Chaos._a_wish,
    Chaos._a_wish,
    Chaos._kill,
    Chaos._kill_while_starting,
    Chaos._end,
    Chaos._suspend,
    Chaos._bus_dies,
    Chaos._bus_hangs,
    Chaos._system_goes,
    Chaos._settings_go,
    Chaos._charger_goes,
    Chaos._charger_is_odd,
)


async def run(
    folder: Path, seed: int, blows: int, only: str = "", told: Callable[[str], None] = lambda _: None
) -> Chaos:
    """So many blows on one rig."""
    async with rig(folder, bus=False) as site:
        chaos = Chaos(site, seed, only)
        await chaos.begin()
        for _ in range(blows):
            begun_s = time.monotonic()
            name = await chaos.strike()
            told(f"{name}: well again after {time.monotonic() - begun_s:.1f} s")
        await chaos.leave()
        return chaos


def tell(line: str) -> None:
    """Print it."""
    sys.stdout.write(f"{line}\n")


def main() -> None:
    """A long run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--blows", type=int, default=300)
    names = sorted({blow.__name__.strip("_") for blow in BLOWS})
    parser.add_argument("--only", choices=names, default="", help="one sort of blow")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder), options.seed, options.blows, options.only, tell))
    tell(f"{options.blows} blows, seed {options.seed}: all well")


if __name__ == "__main__":
    main()
