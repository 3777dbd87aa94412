"""What the daemon costs and how fast it answers: ``python -m benchmarks.daemon``, about three minutes for each daemon.

Prints a table in Markdown. With ``--forerunner DIRECTORY`` the Python forerunner
(github.com/rhernaus/victron-alfen-charger) is measured on the same bench; it needs an interpreter with dbus, gi, yaml,
pytz, aiohttp and pymodbus 3.6.4 (``--forerunner-python``) and Victron's velib_python (``--velib``).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import shutil
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from benchmarks.bench import Bench, bench
from benchmarks.process import Cost, cost_of
from phaeton.simulation.charger import Written

SETPOINT_REGISTER = 1210
ROOT = Path(__file__).parents[1]

# With the usual delay of two minutes the car would not charge yet when the cost is measured.
PHAETON = """\
chargers:
  - {{host: 127.0.0.1, port: {modbus_port}}}
auto: {{start_delay_s: 2}}
store: {{directory: {directory}/store}}
web: {{port: {web_port}}}
"""

FORERUNNER = """\
modbus: {{ip: 127.0.0.1, port: {modbus_port}, socket_slave_id: 1, station_slave_id: 200}}
device_instance: 0
registers: {{}}
defaults: {{intended_set_current: 6.0, station_max_current: 32.0}}
logging: {{level: INFO, file: {directory}/alfen.log}}
tibber: {{enabled: false}}
schedule: {{items: [{{enabled: 0, days_mask: 127, start: "12:00", end: "15:00"}}]}}
controls: {{}}
web: {{host: 127.0.0.1, port: {web_port}}}
poll_interval_ms: 1000
timezone: Europe/Amsterdam
"""


class Subject(Struct, frozen=True):
    """A daemon to be measured."""

    name: str
    command: tuple[str, ...]
    configuration: str
    file: str
    """Name of the configuration file in its working directory."""
    environment: dict[str, str] = {}


class Run(Struct, frozen=True):
    """A daemon that is up."""

    pid: int
    name: str
    """Of its charging point on the bus."""
    start_s: float
    """From the start of the process to that name."""
    web_port: int


class Result(Struct, frozen=True):
    """What was measured of one daemon."""

    cpu_s: float
    rss_mb: float
    visited_rss_mb: float
    threads: int
    reads_per_s: float
    writes_per_s: float
    write_ms: float
    slow_write_ms: float
    start_s: float


PUBLISHED = Result(
    cpu_s=0.26,
    rss_mb=49,
    visited_rss_mb=0,
    threads=0,
    reads_per_s=7,
    writes_per_s=0,
    write_ms=4.3,
    slow_write_ms=69,
    start_s=1.2,
)
"""The forerunner's numbers as the issue gives them, from another machine."""
TARGET = Result(
    cpu_s=0.13,
    rss_mb=45,
    visited_rss_mb=45,
    threads=0,
    reads_per_s=2,
    writes_per_s=0,
    write_ms=3,
    slow_write_ms=35,
    start_s=1.0,
)


def say(words: str) -> None:
    """Progress, beside the table."""
    print(words, file=sys.stderr, flush=True)


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def prepare(subject: Subject, around: Bench, directory: Path) -> int:
    """Make the working directory with the configuration in it; the port of the page."""
    directory.mkdir()
    port = free_port()
    config = subject.configuration.format(modbus_port=around.charger.port, web_port=port, directory=directory)
    (directory / subject.file).write_text(config)
    return port


def tail(directory: Path) -> str:
    """The end of what the daemon said."""
    return (directory / "output.txt").read_text()[-3000:]


@asynccontextmanager
async def running(subject: Subject, around: Bench, directory: Path, patience_s: float = 30.0) -> AsyncIterator[Run]:
    """The daemon, from its name on the bus until the end of the block."""
    web_port = prepare(subject, around, directory)
    environment = {
        **os.environ,
        "DBUS_SYSTEM_BUS_ADDRESS": around.bus.address,
        "DBUS_SESSION_BUS_ADDRESS": around.bus.address,
        **subject.environment,
    }
    # As installed: compiled once. The first of several starts does it.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with (directory / "output.txt").open("wb") as output:
        began_s = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            *subject.command, cwd=directory, env=environment, stdout=output, stderr=output
        )
        try:
            try:
                async with asyncio.timeout(patience_s):
                    name = await around.name_of_charger()
            except TimeoutError:
                raise SystemExit(f"{subject.name} did not come up\n{tail(directory)}") from None
            yield Run(process.pid, name, time.perf_counter() - began_s, web_port)
        finally:
            if process.returncode is None:
                process.terminate()
                try:
                    await asyncio.wait_for(process.wait(), 5)
                except TimeoutError:
                    process.kill()
                    await process.wait()


async def measure_start(subject: Subject, directory: Path, times: int) -> float:
    """The median time from the start of the process to its name on the bus."""
    found = []
    async with bench(directory) as around:
        for number in range(times):
            async with running(subject, around, directory / f"{number}") as run:
                found.append(run.start_s)
    say(f"  start: {', '.join(f'{s:.2f}' for s in found)} s")
    return statistics.median(found)


async def ask_page(port: int) -> None:
    """Ask for the status as a page does; ends the benchmark when there is no answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /api/status HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    if not answer.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"the page gave no status: {answer[:200]!r}")


async def measure_load(subject: Subject, directory: Path, seconds: float) -> tuple[Cost, float, float, float]:
    """Cost, reads and writes a second, from 10 s after the start on, in mode auto with the sun in the car.

    The last number is the memory in MB after the page's first visitor: who loads the web server only then pays there.
    """
    async with bench(directory) as around, running(subject, around, directory / "run") as run:
        pid, name = run.pid, run.name
        await asyncio.sleep(2)
        await around.person.write(name, "/Mode", "i", 1)
        await around.person.write(name, "/StartStop", "i", 1)
        await asyncio.sleep(max(8 - run.start_s, 0))
        before, requests, writes = cost_of(pid), around.charger.requests.total(), len(around.charger.writes)
        began_s = time.perf_counter()
        await asyncio.sleep(seconds)
        took_s = time.perf_counter() - began_s
        after = cost_of(pid)
        writes = len(around.charger.writes) - writes
        reads = around.charger.requests.total() - requests - writes
        car_w = around.charger.plants[0].power_w
        await ask_page(run.web_port)
        await asyncio.sleep(2)
        visited_rss_mb = cost_of(pid).rss_mb
    cost = Cost(
        cpu_s=after.cpu_s - before.cpu_s,
        rss_mb=after.rss_mb,
        threads=after.threads,
        switches=after.switches - before.switches,
    )
    say(
        f"  {took_s:.0f} s: {cost.cpu_s:.2f} s CPU, {cost.rss_mb:.1f} MB, {cost.threads} threads,"
        f" {cost.switches} wakes, {reads} reads, {writes} writes, car at {car_w:.0f} W;"
        f" {visited_rss_mb:.1f} MB after the page's first visitor"
    )
    return cost, reads / took_s, writes / took_s, visited_rss_mb


async def measure_writes(subject: Subject, directory: Path, request_s: float, times: int) -> float:
    """The median time in ms from a write of ``/SetCurrent`` on the bus to the register of the setpoint."""
    arrived: asyncio.Queue[Written] = asyncio.Queue()

    def written(write: Written) -> None:
        if write.address == SETPOINT_REGISTER:
            arrived.put_nowait(write)

    found_ms = []
    async with bench(directory) as around, running(subject, around, directory / "run") as run:
        name, loop = run.name, asyncio.get_running_loop()
        await asyncio.sleep(2)
        await around.person.write(name, "/Mode", "i", 0)
        await around.person.write(name, "/StartStop", "i", 1)
        await around.person.write(name, "/SetCurrent", "d", 16.0)
        await asyncio.sleep(6)
        around.charger.faults.delay_s = request_s
        around.charger.on_write = written
        for number in range(times):
            # Away from any rhythm of the daemon's own.
            await asyncio.sleep(0.6 + 0.037 * (number % 27))
            # Only ever lower: Phaeton's raises are rationed, ten at once and one a minute.
            wanted_a = 16.0 - 0.2 * (number + 1)
            while not arrived.empty():
                arrived.get_nowait()
            began_s = loop.time()
            reply = asyncio.create_task(around.person.write(name, "/SetCurrent", "d", wanted_a))
            try:
                async with asyncio.timeout(10):
                    while abs((write := await arrived.get()).value - wanted_a) > 0.051:
                        pass
                    code = await reply
            except TimeoutError:
                why = f"{wanted_a:.1f} A never reached the register"
                raise SystemExit(f"{subject.name}: {why}\n{tail(directory / 'run')}") from None
            if code != 0:
                raise SystemExit(f"{subject.name} refused /SetCurrent {wanted_a} ({code})")
            found_ms.append((write.at_s - began_s) * 1000)
    found_ms.sort()
    say(
        f"  write to register at {request_s * 1000:.0f} ms per request: median {statistics.median(found_ms):.1f} ms,"
        f" from {found_ms[0]:.1f} to {found_ms[-1]:.1f} ms ({times} writes)"
    )
    return statistics.median(found_ms)


async def measure(subject: Subject, directory: Path, options: argparse.Namespace) -> Result:
    """Everything about one daemon, each part on a fresh bench."""
    say(f"{subject.name}:")

    def part(name: str) -> Path:
        # The path of a socket has room for 107 characters only: the names are short.
        where = directory / name
        where.mkdir(parents=True)
        return where

    start_s = await measure_start(subject, part("s"), options.starts)
    cost, reads_per_s, writes_per_s, visited_rss_mb = await measure_load(subject, part("l"), options.seconds)
    write_ms = await measure_writes(subject, part("w"), 0.0, options.writes)
    slow_write_ms = await measure_writes(subject, part("v"), 0.03, options.writes)
    return Result(
        cpu_s=cost.cpu_s * 60 / options.seconds,
        rss_mb=cost.rss_mb,
        visited_rss_mb=visited_rss_mb,
        threads=cost.threads,
        reads_per_s=reads_per_s,
        writes_per_s=writes_per_s,
        write_ms=write_ms,
        slow_write_ms=slow_write_ms,
        start_s=start_s,
    )


def table(columns: dict[str, Result]) -> str:
    """The results in Markdown; what a column does not tell is left empty."""
    rows: list[tuple[str, str, str]] = [
        ("CPU in 60 s, from 10 s to 70 s after the start (s)", "cpu_s", ".2f"),
        ("Memory at the end of that, RSS (MB)", "rss_mb", ".1f"),
        ("... after the page's first visitor (MB)", "visited_rss_mb", ".1f"),
        ("Threads", "threads", "d"),
        ("Modbus reads a second", "reads_per_s", ".1f"),
        ("Modbus writes a second", "writes_per_s", ".2f"),
        ("D-Bus write to register, charger answers at once, median (ms)", "write_ms", ".1f"),
        ("D-Bus write to register, 30 ms per request, median (ms)", "slow_write_ms", ".1f"),
        ("Start of the process to its name on the bus, median (s)", "start_s", ".2f"),
    ]
    lines = ["| | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    for title, field, form in rows:
        values = [getattr(result, field) for result in columns.values()]
        lines.append(f"| {title} | " + " | ".join(f"{v:{form}}" if v else "" for v in values) + " |")
    return "\n".join(lines)


def machine() -> str:
    """What it was measured on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    return f"{os.cpu_count()} x {model}, Linux {platform.release()}, Python {platform.python_version()}"


def subjects(options: argparse.Namespace) -> list[Subject]:
    """The daemons to be measured."""
    found = []
    if "phaeton" not in options.without:
        command = (sys.executable, "-m", "phaeton", "run", "--config", "phaeton_config.yaml")
        found.append(Subject("Phaeton", command, PHAETON, "phaeton_config.yaml", {"PYTHONPATH": str(ROOT)}))
    if options.forerunner:
        path = [str(options.velib)] if options.velib else []
        found.append(
            Subject(
                "Forerunner",
                (options.forerunner_python, str(options.forerunner / "main.py")),
                FORERUNNER,
                "alfen_driver_config.yaml",
                {"PYTHONPATH": os.pathsep.join(path)},
            )
        )
    return found


def main() -> None:
    """Parse the command line, measure, print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.daemon", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--forerunner", type=lambda p: Path(p).resolve(), metavar="DIRECTORY", help="the Python forerunner's sources"
    )
    parser.add_argument("--forerunner-python", default="/usr/bin/python3", metavar="PROGRAM", help="its interpreter")
    parser.add_argument(
        "--velib", type=lambda p: Path(p).resolve(), metavar="DIRECTORY", help="velib_python, which it imports"
    )
    parser.add_argument("--without", action="append", default=[], choices=["phaeton"], help="do not measure it")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the measurement of the cost")
    parser.add_argument("--starts", type=int, default=5, help="number of starts")
    parser.add_argument(
        "--writes", type=int, default=40, choices=range(1, 41), metavar="N", help="writes for each latency, at most 40"
    )
    options = parser.parse_args()
    if shutil.which("dbus-daemon") is None:
        raise SystemExit("dbus-daemon is missing: install the package dbus")
    columns = {"Target": TARGET}
    with tempfile.TemporaryDirectory(prefix="bench") as name:
        for subject in subjects(options):
            columns[subject.name] = asyncio.run(measure(subject, Path(name) / subject.name[0], options))
    columns["Forerunner, published"] = PUBLISHED
    print(table(columns))
    print(f"\n{machine()}; {time.strftime('%Y-%m-%d', time.gmtime())}")


if __name__ == "__main__":
    main()
