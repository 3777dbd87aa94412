"""Two sunny days in a store: minutes of the house, a stay on each day."""

from __future__ import annotations

import logging
import math
from pathlib import Path

from phaeton import zones
from phaeton.app.jobs import Jobs
from phaeton.app.minutes import MinuteKeeper
from phaeton.config.load import parse
from phaeton.config.tree import Config
from phaeton.config.tree import Store as StoreConfig
from phaeton.minutes import BLOCK_S, MINUTES, Block, Lane
from phaeton.model import Session
from phaeton.sinks.store import Store

FIRST_S = 1_780_178_400
"""2026-05-31 00:00 in Berlin."""
DAY_S = 86_400
NOW_S = FIRST_S + 2 * DAY_S + 10 * 3600.0
BERLIN = zones.zone("Europe/Berlin", NOW_S)
RECORDER = "/nonexistent/recordings"
TEXT = f"""
record: {{directory: {RECORDER}}}
chargers: [{{id: car, host: 192.0.2.5, initial: {{mode: auto}}}}]
site: {{timezone: Europe/Berlin}}
prices: {{source: tibber, tibber: {{token: secret-of-tibber}}, currency: EUR}}
"""


def hour(start_s: int, first_s: int = FIRST_S) -> Block:
    """The sun of a clear day, a quiet house, a price that is low at noon."""
    lanes = {name: Lane.empty() for name in ("pv_w", "house_w", "import_per_kwh", "feed_in_per_kwh")}
    for minute in range(MINUTES):
        of_day = ((start_s - first_s) % DAY_S + minute * 60) / DAY_S
        sun = max(0.0, math.cos((of_day - 0.5) * 2.0 * math.pi))
        price = 30_000 - round(10_000 * sun)
        for name, value in (("pv_w", round(9000 * sun)), ("house_w", 400), ("feed_in_per_kwh", 8000)):
            lanes[name].put(minute, 60, value, value, value)
        lanes["import_per_kwh"].put(minute, 60, price, price, price)
    return Block(start_s, lanes)


def stay(day: int, first_s: int = FIRST_S) -> Session:
    """The car is there from eight in the morning until four."""
    start_s = first_s + day * DAY_S + 8.0 * 3600.0
    return Session(
        id=f"car-{day}",
        point="car",
        start_utc_s=start_s,
        end_utc_s=start_s + 8.0 * 3600.0,
        energy_kwh=20.0,
    )


async def filled(folder: Path, *, days: int = 2, stays: int = 2, first_s: int = FIRST_S) -> Store:
    """The store of those days."""
    store = Store.open(folder, StoreConfig(history_days=36500, series_days=3650), logging.getLogger("test"))
    for start_s in range(first_s, first_s + days * DAY_S, BLOCK_S):
        store.add_block(hour(start_s, first_s))
    await store.flush()
    for day in range(stays):
        await store.add_session(stay(day, first_s))
    return store


def config(recorder: str = RECORDER) -> Config:
    """With a secret in it."""
    return parse(TEXT.replace(RECORDER, recorder)).config


def jobs(
    store: Store,
    folder: Path,
    *,
    longest_s: float = 60.0,
    memory_bytes: int = 400_000_000,
    recorder: str = RECORDER,
) -> Jobs:
    """The jobs of that site, at ten in the morning after."""
    return Jobs(
        store,
        MinuteKeeper(store, ["car"]),
        lambda: config(recorder),
        lambda: BERLIN,
        lambda: (1000.0, NOW_S),
        folder / "simulations",
        longest_s=longest_s,
        memory_bytes=memory_bytes,
    )
