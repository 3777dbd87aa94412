"""Waiting for something to happen, with a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

PATIENCE_S = 60.0
"""Whoever waits longer waits in vain, also on a busy machine; what is in time never waits so long."""


async def until(condition: Callable[[], object], within_s: float = PATIENCE_S) -> None:
    """Return when ``condition`` holds; fails when it does not within the deadline."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + within_s
    while not condition():
        if loop.time() > end_s:
            raise AssertionError(f"did not happen within {within_s:g} s")
        await asyncio.sleep(0.005)
