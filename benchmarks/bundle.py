"""Runs bundles on emulated devices and measures them: ``python -m benchmarks.bundle dist/*.tar.gz``, some minutes each.

``phaeton demo`` must come up in a Debian of that processor, poll its charger and be on a real D-Bus there. In a folder
with a busybox and nothing else every module must load, and the daemon is measured there, on the bench of
``benchmarks.daemon``. Prints a table in Markdown; ends with an error where something does not work. For root only.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import tarfile
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import msgspec
from aiohttp import ClientError, ClientSession
from msgspec import Struct

from benchmarks.bench import bench
from benchmarks.daemon import PHAETON, Subject, free_port, machine, running, say
from benchmarks.process import cost_of
from bundling.architectures import ALL
from bundling.device import Device
from phaeton.updates.bundle import architecture, parts_of
from tests.bus import Stranger

ROOT = Path(__file__).parents[1]
GUEST_FROM, GUEST_BYTES = 0x2_0000_0000, 0x1_0000_0000
"""Where qemu lays the memory of the program, so that it can be told from its own."""
PATIENCE_S = 600.0

OPTIONAL = ("distributed", "hyundai_kia_connect_api", "numpy", "pyarrow", "scipy")
"""Libraries that no bundle carries."""
LOADS = f"""\
import importlib, pkgutil, ssl, phaeton
for module in pkgutil.walk_packages(phaeton.__path__, "phaeton."):
    try:
        module.name.endswith("__main__") or importlib.import_module(module.name)
    except ImportError as error:
        if error.name.partition(".")[0] not in {OPTIONAL}:
            raise
from phaeton.backup import sealing
from phaeton.zones import zone
assert ssl.create_default_context().cert_store_stats()["x509_ca"] > 100
assert sealing.available() and zone("Europe/Amsterdam", 0).name == "Europe/Amsterdam"
"""
"""What must go where there is nothing else: all modules, encryption, whom to trust, time zones."""


class Memory(Struct, frozen=True):
    """Of the program itself, without the emulator's."""

    rss_mb: float
    address_space_mb: float
    """What counts for a limit such as ``softlimit -a``."""


class Result(Struct, frozen=True):
    """What was measured of one bundle."""

    packed_mb: float
    unpacked_mb: float
    files: int
    start_s: float
    start_cpu_s: float
    cpu_s: float
    memory: Memory
    visited: Memory
    threads: int
    step_ms: float
    slow_step_ms: float


class _Spread(Struct):
    p50_ms: float
    p95_ms: float


class _Timing(Struct):
    since_start: _Spread


class _Control(Struct):
    step: _Timing


class _Diagnostics(Struct):
    control: _Control


def memory_of(pid: int, *, emulated: bool) -> Memory:
    """Add up ``/proc/PID/smaps``."""
    rss_kb = size_kb = 0
    within = counted = False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        first, _, rest = line.partition(" ")
        if "-" in first and ":" not in first:
            start = int(first.partition("-")[0], 16)
            within = not emulated or GUEST_FROM <= start < GUEST_FROM + GUEST_BYTES
            counted = within and not rest.startswith("---")
        elif first == "Rss:" and within:
            rss_kb += int(rest.split()[0])
        elif first == "Size:" and counted:
            size_kb += int(rest.split()[0])
    return Memory(rss_kb / 1024, size_kb / 1024)


async def demonstrate(device: Device, shared: Path) -> None:
    """``phaeton demo`` in the Debian: its charger is polled, and it is on D-Bus; ends the run where it is not."""
    port = free_port()
    folder = shared / "demo"
    folder.mkdir()
    command = device.command(device.root, "demo", "--port", str(port), cwd=folder)
    environment = {"PATH": "/usr/bin:/bin", "TMPDIR": str(folder)}
    with (folder / "output.txt").open("wb") as output:
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=output, stderr=output)
        try:
            async with asyncio.timeout(PATIENCE_S):
                told = await _on_the_bus(folder)
        except (TimeoutError, OSError):
            raise SystemExit(f"the demo did not come up\n{(folder / 'output.txt').read_text()[-3000:]}") from None
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
    say(f"  demo: {told}")


def _buses(folder: Path) -> list[Path]:
    return list(folder.glob("*/bus"))


def load_everything(device: Device) -> None:
    """Run `LOADS` in the bare folder; ends the run where it fails."""
    done = subprocess.run(device.python("-c", LOADS), env={"PATH": "/bin"}, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"not everything is there\n{done.stderr}")
    say("  every module can be loaded")


async def _on_the_bus(folder: Path) -> str:
    """Wait for the bus of the demo, and until a client of it sees a charging point with power."""
    while True:
        await asyncio.sleep(0.1)
        for address in _buses(folder):
            async with Stranger(f"unix:path={address}") as person:
                for name in await person.names():
                    if ".evcharger." in name and (power_w := await person.value(name, "/Ac/Power")):
                        return f"{name}, {await person.value(name, '/ProductName')}, {power_w:.0f} W"


async def measure(device: Device, bundle: Path, shared: Path, options: argparse.Namespace) -> Result:
    """Everything about one bundle."""
    emulated = device.arch.name != architecture()
    environment = {"PATH": "/bin"}
    if emulated:
        environment["QEMU_GUEST_BASE"] = hex(GUEST_FROM)
    if emulated and device.arch.name != "armv7":  # whose memory is not larger anyway
        environment["QEMU_RESERVED_VA"] = hex(GUEST_BYTES)

    def subject(folder: Path) -> Subject:
        command = device.command(device.bare, "run", "--config", "phaeton_config.yaml", cwd=folder)
        return Subject(device.arch.name, command, PHAETON, "phaeton_config.yaml", environment)

    starts, starts_cpu = [], []
    for number in range(options.starts):
        where = shared / f"s{number}"
        where.mkdir()
        async with bench(where) as around, running(subject(where / "r"), around, where / "r", PATIENCE_S) as run:
            starts.append(run.start_s)
            starts_cpu.append(cost_of(run.pid).cpu_s)
    say(f"  start: {', '.join(f'{s:.1f}' for s in starts)} s")
    where = shared / "l"
    where.mkdir()
    async with bench(where) as around, running(subject(where / "r"), around, where / "r", PATIENCE_S) as run:
        await around.person.write(run.name, "/Mode", "i", 1)
        await around.person.write(run.name, "/StartStop", "i", 1)
        await asyncio.sleep(10)
        before = cost_of(run.pid)
        await asyncio.sleep(options.seconds)
        after, memory = cost_of(run.pid), memory_of(run.pid, emulated=emulated)
        diagnostics = await _diagnostics(run.web_port)
        visited = memory_of(run.pid, emulated=emulated)
        car_w = around.charger.plants[0].power_w
    say(f"  {memory.rss_mb:.1f} MB, car at {car_w:.0f} W")
    packed_mb, sizes = _content(bundle)
    step = diagnostics.control.step.since_start
    return Result(
        packed_mb=packed_mb,
        unpacked_mb=sum(sizes) / 1e6,
        files=len(sizes),
        start_s=statistics.median(starts),
        start_cpu_s=statistics.median(starts_cpu),
        cpu_s=(after.cpu_s - before.cpu_s) * 60 / options.seconds,
        memory=memory,
        visited=visited,
        threads=after.threads - (1 if emulated else 0),
        step_ms=step.p50_ms,
        slow_step_ms=step.p95_ms,
    )


def _content(bundle: Path) -> tuple[float, list[int]]:
    """Its size in MB, and those of all files in it."""
    with tarfile.open(bundle) as archive:
        return bundle.stat().st_size / 1e6, [member.size for member in archive.getmembers()]


async def _diagnostics(port: int) -> _Diagnostics:
    async with asyncio.timeout(PATIENCE_S), ClientSession() as session:
        while True:
            with suppress(ClientError):
                async with session.get(f"http://127.0.0.1:{port}/api/diagnostics") as answer:
                    return msgspec.json.decode(await answer.read(), type=_Diagnostics)
            await asyncio.sleep(0.5)


def table(columns: dict[str, Result]) -> str:
    """The results in Markdown."""
    rows = [
        ("Bundle, packed (MB)", [f"{one.packed_mb:.1f}" for one in columns.values()]),
        ("... unpacked (MB), files", [f"{one.unpacked_mb:.1f}, {one.files:,}" for one in columns.values()]),
        ("Start of the process to its name on the bus, median (s)", [f"{one.start_s:.1f}" for one in columns.values()]),
        ("... CPU until then (s)", [f"{one.start_cpu_s:.1f}" for one in columns.values()]),
        ("CPU in 60 s (s)", [f"{one.cpu_s:.2f}" for one in columns.values()]),
        ("Memory, RSS (MB)", [f"{one.memory.rss_mb:.1f}" for one in columns.values()]),
        ("... after the page's first visitor (MB)", [f"{one.visited.rss_mb:.1f}" for one in columns.values()]),
        ("Address space then (MB)", [f"{one.visited.address_space_mb:.0f}" for one in columns.values()]),
        ("Threads", [f"{one.threads}" for one in columns.values()]),
        ("A step, median / 95 % (ms)", [f"{one.step_ms:.1f} / {one.slow_step_ms:.1f}" for one in columns.values()]),
    ]
    lines = ["| | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    lines += [f"| {title} | " + " | ".join(values) + " |" for title, values in rows]
    return "\n".join(lines)


def main() -> None:
    """Parse the command line, run, measure, print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bundle", description=__doc__.splitlines()[0])
    parser.add_argument("bundles", nargs="+", type=Path, metavar="BUNDLE", help="phaeton-...-venus-....tar.gz")
    parser.add_argument("--devices", type=Path, default=ROOT / "build/devices", help="folder that keeps the devices")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the measurement of the cost")
    parser.add_argument("--starts", type=int, default=3, help="number of starts")
    options = parser.parse_args()
    columns = {}
    for bundle in options.bundles:
        parts = parts_of(bundle.name)
        if parts is None:
            raise SystemExit(f"{bundle} is no bundle")
        arch = ALL[parts[1]]
        say(f"{arch.name}:")
        device = Device(arch, (options.devices / arch.name).resolve())
        device.make()
        device.install(bundle)
        # The path of a socket has room for 107 characters only.
        with tempfile.TemporaryDirectory(prefix="b") as name, device.up(Path(name)):
            load_everything(device)
            asyncio.run(demonstrate(device, Path(name)))
            how = "as it is" if arch.name == architecture() else "emulated"
            columns[f"{arch.name}, {how}"] = asyncio.run(measure(device, bundle, Path(name), options))
    print(table(columns))
    print(f"\n{machine()}; {time.strftime('%Y-%m-%d', time.gmtime())}")


if __name__ == "__main__":
    main()
