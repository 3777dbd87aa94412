"""A process of its own that records in bad circumstances: ``python -m tests.sinks.recorder_child WHAT DIRECTORY``."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import sys
from pathlib import Path

from phaeton.config import tree
from phaeton.sinks.recorder import Recorder, recordings_in
from phaeton.sinks.worker import Worker
from tests.recorded import tapped
from tests.scenarios.site import config, site


def say(*words: object) -> None:
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")
    sys.stdout.flush()


def recorder(directory: Path) -> Recorder:
    return Recorder(directory, tree.Record(enabled=True, flush_s=0.005), Worker(), logging.getLogger("child"))


async def write_until_killed(directory: Path) -> None:
    """Say how many events are on the disk, again and again."""
    made = recorder(directory)
    run = site(config(), pv=6000.0)
    made.begin(run.state)
    count = 0

    def before(event: object) -> None:
        nonlocal count
        count += 1

    tapped(tapped(run, (made.event, made.stepped)), (before, lambda *_: None))
    while True:
        run.run(run.time_s + 5.0)
        known = count
        await made.flush()
        say(known)


async def fill_the_disk(directory: Path) -> None:
    """A file size that may not grow stands for a disk that is full."""
    made = recorder(directory)
    run = tapped(site(config(), pv=6000.0), (made.event, made.stepped))
    made.begin(run.state)
    run.run(60.0)
    await made.flush()
    ((_, size),) = recordings_in(directory)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
    run.run(120.0)
    await made.flush()
    say("trouble", made.trouble)
    run.run(180.0)
    await made.flush()
    say("trouble", made.trouble)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    run.run(240.0)
    await made.flush()
    say("well", repr(made.trouble))
    run.run(300.0)
    await made.close()
    os._exit(0)


if __name__ == "__main__":
    what = {"write": write_until_killed, "full": fill_the_disk}[sys.argv[1]]
    asyncio.run(what(Path(sys.argv[2])))
