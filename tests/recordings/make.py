"""Makes the recordings of this folder: ``python -m tests.recordings.make``.

The closed loops run in virtual time; ``daemon.phaeton`` is of the real process, on a real bus and socket.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from phaeton.config.tree import Auto, PhaseSwitching, Schedule, SiteLimits
from phaeton.config.tree import Site as SiteConfig
from phaeton.config.tree_schedule import Window
from phaeton.model import Boost, Mode, SetMode, SetPhases, SetStart, Zone
from phaeton.simulation.battery import HouseBattery
from phaeton.simulation.profiles import noisy, steady, steps
from phaeton.sinks.recorder import recordings_in
from tests.integration.rig import eventually, house, rig
from tests.recorded import write_recording
from tests.scenarios.site import Run, charger, config, on_one_phase, site

HERE = Path(__file__).parent
AMSTERDAM = Zone("Europe/Amsterdam", ((-1e18, 7200.0),))


def cloud() -> tuple[Run, float]:
    """The sun starts the car, a cloud of two minutes passes, a longer one ends the run."""
    sun = steps(8000.0, (600, 1500.0), (720, 8000.0), (1200, 500.0))
    return site(config(), pv=noisy(sun, 60.0, 2.0, seed=1), load=noisy(steady(400.0), 40.0, 1.0, seed=2)), 2400.0


def phases() -> tuple[Run, float]:
    """Little sun on one phase, then much: a switch to three phases, and back."""
    sun = steps(2500.0, (500, 7500.0), (1800, 2400.0))
    setup = config(phases=PhaseSwitching(min_gap_s=300.0))
    run = site(setup, pv=noisy(sun, 60.0, 2.0, seed=3), load=300.0)
    on_one_phase(run)
    return run, 3000.0


def fuse() -> tuple[Run, float]:
    """Two cars on a fuse of 25 A while the house draws more and less; the first one is fast for once."""
    limits = SiteLimits(fuse_a=25.0, raise_after_s=20.0)
    setup = config(charger(1, mode="manual"), charger(2, mode="manual", priority=1), site=SiteConfig(limits=limits))
    run = site(setup, load=noisy(steps(2000.0, (300, 9000.0), (600, 1000.0)), 80.0, 1.0, seed=4))
    run.command(200.0, Boost(energy_kwh=2.0), "1")
    run.command(700.0, SetStart(False), "2")
    return run, 1000.0


def outages() -> tuple[Run, float]:
    """The charger is silent for a minute, then the house for two; the battery has to be filled first."""
    run = site(config(), pv=9000.0, load=500.0, battery=HouseBattery(soc_pct=79.0))
    for time_s, who, silent in ((400.0, "charger", True), (460.0, "charger", False), (700.0, "meter", True)):
        target = run.plant.chargers[0] if who == "charger" else run.plant.meter
        run.at(time_s, lambda target=target, silent=silent: setattr(target, "silent", silent))  # type: ignore[misc]
    run.at(820.0, lambda: setattr(run.plant.meter, "silent", False))
    return run, 1100.0


def window() -> tuple[Run, float]:
    """A window over midnight opens and closes on the site's clock; a person changes mode and phases in between."""
    setup = config(
        charger(mode="scheduled"),
        schedule=Schedule(windows=(Window(start="23:50", end="00:15", current_a=10.0),)),
        auto=Auto(start_delay_s=30.0),
    )
    run = site(setup, load=400.0, zone=AMSTERDAM, start_utc_s=1_781_991_900.0)  # 2026-06-20 23:45 in Amsterdam
    run.command(900.0, SetPhases(1))
    run.command(1500.0, SetMode(Mode.MANUAL))
    run.command(1600.0, SetMode(Mode.SCHEDULED))
    return run, 2100.0


LOOPS = {"cloud": cloud, "phases": phases, "fuse": fuse, "outages": outages, "window": window}


async def daemon(target: Path) -> None:
    """Record the real process for some seconds, with orders over D-Bus, and once started again."""
    with tempfile.TemporaryDirectory() as folder:
        async with rig(Path(folder)) as bench:
            bench.write_config("record: {enabled: true}")
            await bench.put_up_gx(house())
            await bench.start()
            await bench.register_becomes(16.0)
            await bench.write("/SetCurrent", "d", 9.0)
            await bench.register_becomes(9.0)
            await bench.write("/Mode", "i", 1)
            await bench.stop()
            await bench.start()
            await bench.becomes("/Mode", 1)
            await bench.write("/StartStop", "i", 0)
            await eventually(lambda: _stopped(bench.register_a))
            await bench.stop()
            kept = Path(folder) / "state" / "recordings"
            ((name, _),) = recordings_in(kept)
            shutil.copy(kept / name, target)


async def _stopped(current_a: float) -> bool:
    return current_a == 0.0


def main() -> None:
    """Write all of them."""
    for name, loop in LOOPS.items():
        run, until_s = loop()
        recording = write_recording(HERE / f"{name}.phaeton", run, until_s, frame_s=600.0)
        sys.stdout.write(f"{recording.path.name}: {recording.good_bytes:,} bytes\n")
    asyncio.run(daemon(HERE / "daemon.phaeton"))


if __name__ == "__main__":
    main()
