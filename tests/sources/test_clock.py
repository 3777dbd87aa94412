"""Ticks by the real loop's clock, alone and in company."""

from __future__ import annotations

import asyncio
import time

from reactivex.subject import Subject

from phaeton.model import Tick
from phaeton.sources.clock import Clock, ticks
from tests.waiting import until


async def test_ticks_keep_an_even_beat_and_survive_who_fails_on_one() -> None:
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    came_s: list[float] = []

    def take(_: Tick) -> None:
        came_s.append(time.monotonic())
        if len(came_s) == 2:
            raise ValueError("tried")

    began_s = time.monotonic()
    ticking = ticks(Clock(), 0.1).subscribe(take)
    await until(lambda: len(came_s) == 8)
    ticking.dispose()
    assert came_s[-1] - began_s > 0.79
    count = len(came_s)
    await asyncio.sleep(0.15)
    assert len(came_s) == count


async def test_a_tick_comes_along_with_a_reading_of_its_pace_and_is_not_much_later_without() -> None:
    readings: Subject[str] = Subject()
    loop = asyncio.get_running_loop()
    told: list[str] = []
    late_s: list[float] = []
    readings.subscribe(told.append)
    ticking = ticks(Clock(), 1.0, late_s.append, readings).subscribe(lambda _: told.append("tick"))
    began_s = loop.time()
    for n in range(3):
        loop.call_at(began_s + 0.6 + n, readings.on_next, "reading")
    await until(lambda: len(told) == 7)
    ticking.dispose()
    readings.on_next("reading")
    # Alone at 1.0, with the readings at 1.6 and 2.6, waited for in vain at 3.6 and alone at 3.85.
    assert told == ["reading", "tick", "reading", "tick", "reading", "tick", "tick", "reading"]
    assert loop.time() - began_s > 3.8
    assert late_s[-1] > 0.2


async def test_a_loop_that_was_busy_for_long_does_not_catch_up() -> None:
    came_s: list[float] = []
    late_s: list[float] = []
    ticking = ticks(Clock(), 0.05, late_s.append).subscribe(lambda _: came_s.append(time.monotonic()))
    time.sleep(0.3)  # noqa: ASYNC251 - the loop is to be busy
    resumed_s = time.monotonic()
    await until(lambda: len(came_s) == 3)
    ticking.dispose()
    assert late_s[0] > 0.2
    assert came_s[2] - resumed_s > 0.08
