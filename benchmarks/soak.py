"""Whether anything grows: ``python -m benchmarks.soak [--minutes 10]``.

The daemon on the bench, with a page that follows it: memory, open files, threads, tasks of the event loop and what is
written to the disk, minute by minute. The car comes and goes, modes and currents change, the page reconnects: what
grows with each of them would show. The first two minutes fill caches; the growth is reckoned from then on.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import aiohttp
from msgspec import Struct

from benchmarks.bench import Bench, bench
from benchmarks.daemon import PHAETON, Run, Subject, running
from benchmarks.process import cost_of
from phaeton.simulation.car import Car

SETTLED_MIN = 2
SUBJECT = Subject(
    name="Phaeton",
    command=(sys.executable, "-m", "phaeton", "run"),
    configuration=PHAETON + "record: {{enabled: true}}\n",
    file="phaeton_config.yaml",
)


class Sample(Struct, frozen=True):
    """The daemon at one moment."""

    minute: int
    rss_mb: float
    files: int
    threads: int
    tasks: int
    written_kb: float
    """To the disk since the start."""
    commits: int
    flushes: int
    cpu_s: float


async def sample(run: Run, minute: int, client: aiohttp.ClientSession) -> Sample:
    """Look at it."""
    async with client.get(f"http://127.0.0.1:{run.web_port}/api/diagnostics") as answer:
        told = json.loads(await answer.text())
    where = Path(f"/proc/{run.pid}")
    counted = dict(line.split(": ") for line in (where / "io").read_text().splitlines())
    cost = cost_of(run.pid)
    return Sample(
        minute=minute,
        rss_mb=cost.rss_mb,
        files=len(list((where / "fd").iterdir())),
        threads=cost.threads,
        tasks=told["control"]["tasks"],
        written_kb=int(counted["write_bytes"]) / 1024,
        commits=told["store"]["commits"],
        flushes=told["recorder"]["flushes"],
        cpu_s=cost.cpu_s,
    )


async def follow(run: Run, client: aiohttp.ClientSession) -> None:
    """A page that follows, and begins anew every 20 s."""
    timeout = aiohttp.ClientTimeout(total=20.0)
    while True:
        with suppress(TimeoutError, aiohttp.ClientError):
            async with client.get(f"http://127.0.0.1:{run.web_port}/api/events", timeout=timeout) as answer:
                async for _ in answer.content:
                    pass


async def live(run: Run, around: Bench) -> None:
    """What an owner and a car do in a minute."""
    person, name = around.person, run.name
    for mode, current_a, here in ((1, 16.0, True), (0, 8.0, True), (0, 12.0, False), (1, 16.0, True)):
        await person.write(name, "/Mode", "i", mode)
        await person.write(name, "/SetCurrent", "d", current_a)
        plant = around.charger.plants[0]
        plant.car = (plant.car or Car()) if here else None
        await asyncio.sleep(15.0)


async def soak(minutes: int) -> list[Sample]:
    """Minute by minute."""
    found: list[Sample] = []
    with tempfile.TemporaryDirectory() as folder:
        async with (
            bench(Path(folder)) as around,
            running(SUBJECT, around, Path(folder) / "run") as run,
            aiohttp.ClientSession() as client,
        ):
            following = asyncio.create_task(follow(run, client))
            for minute in range(minutes + 1):
                found.append(await sample(run, minute, client))
                one = found[-1]
                sys.stderr.write(
                    f"  {one.minute:3} min: {one.rss_mb:.1f} MB, {one.files} files, {one.threads} threads,"
                    f" {one.tasks} tasks, {one.written_kb:.0f} kB, {one.commits} commits, {one.flushes} flushes\n"
                )
                if minute < minutes:
                    await live(run, around)
            following.cancel()
    return found


def table(found: list[Sample]) -> str:
    """The result in Markdown."""
    first, last = found[min(SETTLED_MIN, len(found) - 2)], found[-1]
    hours = (last.minute - first.minute) / 60.0
    rows = [
        ("Memory, RSS (MB)", first.rss_mb, last.rss_mb),
        ("Open files", first.files, last.files),
        ("Threads", first.threads, last.threads),
        ("Tasks", first.tasks, last.tasks),
    ]
    lines = [f"| | after {first.minute} min | after {last.minute} min |", "|---|---:|---:|"]
    lines += [
        f"| {name} | {one:g} | {other:g} |" for name, one, other in ((n, round(a, 1), round(b, 1)) for n, a, b in rows)
    ]
    lines += [
        "",
        "| an hour | |",
        "|---|---:|",
        f"| Commits of the store | {(last.commits - first.commits) / hours:.0f} |",
        f"| Flushes of the recorder | {(last.flushes - first.flushes) / hours:.0f} |",
        f"| Written to the disk (kB) | {(last.written_kb - first.written_kb) / hours:.0f} |",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=10)
    options = parser.parse_args()
    print(table(asyncio.run(soak(options.minutes))))


if __name__ == "__main__":
    main()
