"""Whether visitors delay the control: ``python -m benchmarks.web``, about five minutes.

200 pages that follow the events, a tenth of them stalled, and 50 requests a second, a tenth of them orders. The daemon
is asked once a second how late its last tick fired and how long the step took; the same without any load stands beside.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
from msgspec import Struct, field

from benchmarks.bench import bench
from benchmarks.daemon import PHAETON, ROOT, Subject, machine, running, say
from benchmarks.process import cost_of

WARM_UP_S = 12.0
TARGET_DELAY_MS = 5.0
TARGET_SEEN_MS = 50.0


class Watch(Struct):
    """What was seen of the daemon, once a second."""

    late_ms: list[float] = field(default_factory=list)
    """From when a tick was due until its decision was made."""
    step_ms: list[float] = field(default_factory=list)
    rss_mb: list[float] = field(default_factory=list)
    pages: list[int] = field(default_factory=list)
    """That follow the events, as the daemon counts them."""
    missed: int = 0
    """Ticks that were not seen."""
    cpu_s: float = 0.0


def quantile(values: list[float], share: float) -> float:
    """The value that so much of all are at most."""
    found = sorted(values)
    return found[min(int(len(found) * share), len(found) - 1)] if found else float("nan")


async def watch(port: int, pid: int, seconds: float) -> Watch:
    """Look at each tick."""
    found = Watch()
    loop = asyncio.get_running_loop()
    began = cost_of(pid)
    count = None
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        end_s = loop.time() + seconds
        while loop.time() < end_s:
            async with session.get("/api/diagnostics") as answer:
                told = await answer.json()
            control = told["control"]
            found.pages.append(told["web"]["clients"])
            ticks = control["loop_lag"]["since_start"]["count"]
            if count is None or ticks > count:
                found.missed += 0 if count is None else ticks - count - 1
                count = ticks
                found.late_ms.append(control["loop_lag"]["last_ms"] + control["step"]["last_ms"])
                found.step_ms.append(control["step"]["last_ms"])
            found.rss_mb.append(cost_of(pid).rss_mb)
            await asyncio.sleep(0.5)
    found.cpu_s = cost_of(pid).cpu_s - began.cpu_s
    return found


async def measure(directory: Path, options: argparse.Namespace, pages: int) -> tuple[Watch, dict[str, list[float]]]:
    """One daemon, with or without load."""
    await asyncio.to_thread(directory.mkdir)
    command = (sys.executable, "-m", "phaeton", "run", "--config", "phaeton_config.yaml")
    subject = Subject("Phaeton", command, PHAETON, "phaeton_config.yaml", {"PYTHONPATH": str(ROOT)})
    async with bench(directory) as around, running(subject, around, directory / "run") as run:
        await asyncio.sleep(WARM_UP_S)
        seen: dict[str, list[float]] = {}
        if not pages:
            return await watch(run.web_port, run.pid, options.seconds), seen
        loading = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.web_load", "--port", str(run.web_port), "--pages", str(pages),
            "--stalled", str(pages // 10), "--rate", str(options.rate), "--seconds", str(options.seconds),
            cwd=ROOT, stdout=asyncio.subprocess.PIPE, limit=1 << 26,
        )  # fmt: skip
        assert loading.stdout is not None
        await loading.stdout.readline()  # all pages are open
        found = await watch(run.web_port, run.pid, options.seconds)
        seen = json.loads(await loading.stdout.readline())
        await loading.wait()
        return found, seen


def table(alone: Watch, loaded: Watch, seen: dict[str, list[float]], seconds: float) -> str:
    """The results in Markdown."""

    def spread(values: list[float]) -> str:
        return f"{quantile(values, 0.5):.1f} / {quantile(values, 0.99):.1f} / {max(values, default=0):.1f}"

    def memory(seen: Watch) -> str:
        found, last = seen.rss_mb, len(seen.rss_mb) - 1
        return ", ".join(f"{mb:.1f}" for mb in (*(found[last * third // 3] for third in range(4)), max(found)))

    delay_ms = quantile(loaded.late_ms, 0.99) - quantile(alone.late_ms, 0.99)
    rows = [
        ("From when a tick is due to its decision (ms)", spread(alone.late_ms), spread(loaded.late_ms)),
        ("... the step alone (ms)", spread(alone.step_ms), spread(loaded.step_ms)),
        ("Ticks seen, and missed", *(f"{len(w.late_ms)}, {w.missed}" for w in (alone, loaded))),
        ("Memory at the beginning, after each third of the time, most (MB)", *map(memory, (alone, loaded))),
        ("CPU (% of a core)", *(f"{100 * w.cpu_s / seconds:.0f}" for w in (alone, loaded))),
        ("From sending an order to each page (ms)", "", spread(seen["seen_ms"])),
        ("From sending an order to its answer, stored (ms)", "", spread(seen["orders_ms"])),
        ("From a question to its answer (ms)", "", spread(seen["reads_ms"])),
    ]  # fmt: skip
    lines = ["| median / 99 % / longest | without load | with load |", "|---|---:|---:|"]
    lines += [f"| {title} | {first} | {second} |" for title, first, second in rows]
    lines += [
        "",
        f"The control is delayed by {delay_ms:.1f} ms at the 99th percentile (target {TARGET_DELAY_MS:.0f}); an order "
        f"is on a page after {quantile(seen['seen_ms'], 0.5):.1f} ms, at the 99th percentile "
        f"{quantile(seen['seen_ms'], 0.99):.1f} (target {TARGET_SEEN_MS:.0f}).",
        f"Answers by status: {seen['statuses']}; events read: {seen['events']} ({seen['mb']:.0f} MB), at least "
        f"{seen['least_events']} by each page; pages that read and were cut off all the same: {seen['pages_lost']}. "
        f"The daemon counts {loaded.pages[0]} pages at the beginning and {loaded.pages[-1]} at the end.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Parse the command line, measure, print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.web", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120.0, help="length of each of the two measurements")
    parser.add_argument("--pages", type=int, default=200, help="pages that follow the events; a tenth of them stall")
    parser.add_argument("--rate", type=float, default=50.0, help="requests a second")
    parser.add_argument(
        "--first", action="store_true", help="let all of it go before other processes of a busy machine (root only)"
    )
    options = parser.parse_args()
    if shutil.which("dbus-daemon") is None:
        raise SystemExit("dbus-daemon is missing: install the package dbus")
    if options.first:  # what is started from here inherits it
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))
    with tempfile.TemporaryDirectory(prefix="web") as name:
        say("without load:")
        alone, _ = asyncio.run(measure(Path(name) / "a", options, 0))
        say("with load:")
        loaded, seen = asyncio.run(measure(Path(name) / "b", options, options.pages))
    print(table(alone, loaded, seen, options.seconds))
    print(f"\n{machine()}, load of the machine {os.getloadavg()[0]:.1f}; {time.strftime('%Y-%m-%d', time.gmtime())}")


if __name__ == "__main__":
    main()
