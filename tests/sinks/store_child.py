"""A process of its own that uses the store in bad circumstances: ``python -m tests.sinks.store_child WHAT DIRECTORY``.

It prints what it met, for the test that started it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import sys
from importlib import import_module
from itertools import count
from pathlib import Path

from phaeton.config import tree
from phaeton.model import Session
from phaeton.sinks.store import Store, StoreError
from phaeton.sinks.store import store as store_module
from tests.waiting import until

CONFIG = tree.Store(history_days=36500)
LOG = logging.getLogger("child")


def say(*words: object) -> None:
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")
    sys.stdout.flush()


def session(number: int, end_utc_s: float | None = None) -> Session:
    return Session(id=f"1-{number}", point="1", start_utc_s=float(number), end_utc_s=end_utc_s)


async def attempt(store: Store, blob: bytes) -> None:
    try:
        await store.save_state(blob)
    except StoreError as error:
        say("refused", error)
    else:
        say("stored", len(blob))


async def write_until_killed(directory: Path) -> None:
    """Acknowledge each number after it was stored; detail is noted all the time in between."""
    store = Store.open(directory, tree.Store(flush_s=0.01, history_days=36500), LOG)
    first = int(store.state.blob) + 1 if store.state else 0
    for number in count(first):
        await asyncio.gather(
            store.save_state(b"%d" % number),
            store.set_fact("number", str(number)),
            store.add_session(session(number)),
        )
        say(number)
        later = b"%d" % number
        store.note_state(lambda later=later: later)  # type: ignore[misc]
        await asyncio.sleep(0.001)


async def fill_the_disk(directory: Path) -> None:
    """A file size that may not grow stands for a disk that is full."""
    store_module.RETRY_S = (0.05,)
    store = Store.open(directory, CONFIG, LOG)
    await attempt(store, b"small")
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    await attempt(store, bytes(500_000))
    try:
        await store.add_session(session(1, end_utc_s=2.0))
    except StoreError:
        say("session", [s.id for s in await store.sessions()])
    say("trouble", store.trouble)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await until(lambda: store.trouble is None)
    say("well", store.commits)
    os._exit(0)  # nothing is written at the end: what is on the disk came there by itself


async def meet_a_read_only_disk(directory: Path) -> None:
    import_module("phaeton.sinks.store.sqlite")  # nobody may not be allowed to read this interpreter's library
    if os.geteuid() == 0:
        os.seteuid(65534)
    store = Store.open(directory, CONFIG, LOG)
    say("state", store.state.blob if store.state else None)
    say("fact", store.fact("number"))
    say("trouble", store.trouble)
    await attempt(store, b"new")
    await store.close()


async def do_without_sqlite(directory: Path) -> None:
    store = Store.open(directory, CONFIG, LOG)
    say("sqlite3", sys.modules.get("sqlite3"))
    say("messages", *store.messages)
    say("state", store.state.blob if store.state else None, store.fact("number"), len(await store.sessions(1000)))
    for number in range(150):
        store._pending.sessions[f"1-{number}"] = session(number)
    await store.set_fact("number", "7")
    await attempt(store, b"new")
    say("energy", await store.energy(0, 1e12))
    await store.close()


if __name__ == "__main__":
    what = {
        "write": write_until_killed,
        "full": fill_the_disk,
        "read-only": meet_a_read_only_disk,
        "no-sqlite": do_without_sqlite,
    }[sys.argv[1]]
    if sys.argv[1] == "no-sqlite":
        sys.modules["sqlite3"] = None  # type: ignore[assignment]
    asyncio.run(what(Path(sys.argv[2])))
