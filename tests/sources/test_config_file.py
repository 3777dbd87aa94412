"""A changed file is taken over or refused while the program runs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from phaeton.config.load import Loaded, load
from phaeton.config.problems import ConfigError
from phaeton.sources.config_file import ConfigFile, Verdict
from tests.waiting import until


class Watched:
    """A watched file with a short period, and what came of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.source = ConfigFile(load(path, {}), {}, period_s=0.01, settle_s=0.01)
        self.verdicts: list[Verdict] = []
        self.source.verdicts.subscribe(self.verdicts.append)

    def write(self, text: str) -> None:
        fresh = self.path.with_suffix(".new")
        fresh.write_text(text)
        fresh.replace(self.path)


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    path = tmp_path / "c.yaml"
    path.write_text("charger: a\n")
    found = Watched(path)
    task = asyncio.create_task(found.source.watch())
    yield found
    task.cancel()


async def test_a_changed_file_is_taken_over(watched: Watched) -> None:
    watched.write("charger: a\nauto: {smoothing_s: 3}\n")
    await until(lambda: watched.verdicts)
    assert isinstance(watched.verdicts[0], Loaded)
    assert watched.source.loaded.config.auto.smoothing_s == 3


async def test_a_wrong_file_is_refused_and_the_old_one_stays(watched: Watched) -> None:
    watched.write("charger: a\nauto: {smoothing_s: x}\n")
    await until(lambda: watched.verdicts)
    assert isinstance(watched.verdicts[0], ConfigError)
    assert watched.source.loaded.config.auto.smoothing_s == 1.5
    watched.write("charger: a\n")
    await until(lambda: len(watched.verdicts) == 2)
    assert isinstance(watched.verdicts[1], Loaded)


async def test_what_this_process_writes_is_not_found_half_way(watched: Watched) -> None:
    async with watched.source.changing:
        watched.write("charger: a\nauto: {smoothing_s: 3}\n")
        await until(lambda: watched.source.changing._waiters)  # the watcher has seen it, and waits
        watched.write("charger: a\nauto: {smoothing_s: 4}\n")
        watched.source.took(load(watched.path, {}))
    watched.write("charger: a\nauto: {smoothing_s: 5}\n")
    await until(lambda: watched.verdicts)
    assert isinstance(watched.verdicts[0], Loaded)
    assert watched.verdicts[0].config.auto.smoothing_s == 5


async def test_a_touched_file_is_no_news(watched: Watched) -> None:
    os.utime(watched.path, (1, 1))
    watched.write("charger: a\n")
    os.utime(watched.path, (2, 2))
    watched.write("charger: b\n")
    await until(lambda: watched.verdicts)
    assert len(watched.verdicts) == 1
    assert watched.source.loaded.config.chargers[0].host == "b"


async def test_a_file_that_is_gone_is_reported_once_and_comes_back(watched: Watched) -> None:
    watched.path.unlink()
    await until(lambda: watched.verdicts)
    assert "the file is gone" in str(watched.verdicts[0])
    assert watched.source.loaded.config.chargers[0].host == "a"
    watched.write("charger: a\n")
    await until(lambda: len(watched.verdicts) == 2)
    assert isinstance(watched.verdicts[1], Loaded)


async def test_a_file_that_is_still_written_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("charger: a\n")
    source = ConfigFile(load(path, {}), {}, period_s=0.01, settle_s=0.05)
    verdicts: list[Verdict] = []
    source.verdicts.subscribe(verdicts.append)
    task = asyncio.create_task(source.watch())
    loop = asyncio.get_running_loop()
    end_s = loop.time() + 0.4
    length = 0
    while loop.time() < end_s:
        length += 1
        path.write_text("charger: a\nauto: {smoothing_s: 3}\n" + "#" * length)
        await asyncio.sleep(0)
    assert verdicts == []
    await until(lambda: verdicts)
    task.cancel()
    assert isinstance(verdicts[0], Loaded)
    assert len(verdicts) == 1


def test_reload_tells_also_when_nothing_changed(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("charger: a\n")
    source = ConfigFile(load(path, {}), {})
    verdicts: list[Verdict] = []
    source.verdicts.subscribe(verdicts.append)
    assert isinstance(source.reload(), Loaded)
    assert len(verdicts) == 1
