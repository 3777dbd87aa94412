"""What a source that asks a service needs of the outside."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from msgspec import Struct

from phaeton.links.busitem_client import BusClient
from phaeton.links.http import HttpClient
from phaeton.model import Now
from phaeton.sources.service.cache import NO_CACHE, Cache

CLOCK_IS_SANE_S = 1_735_689_600.0
"""2025: a GX without a battery for its clock starts in 1970, and asks nobody before it knows the time."""
CLOCK_AGAIN_S = 30.0
LONGEST_SLEEP_S = 900.0
"""The clock may be set meanwhile, and a secret be changed."""
SHORTEST_SLEEP_S = 1.0


class World(Struct, frozen=True):
    """What the sources need of the outside; time is replaced by virtual time in tests."""

    http: HttpClient
    bus: BusClient | None
    now: Now
    cache: Cache = NO_CACHE
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random
