"""History and simulation jobs of the daemon as a process: control goes on, a restart loses nothing."""

from __future__ import annotations

import json
import logging
import os
import time
from pathlib import Path
from typing import Any

import aiohttp

from phaeton.config.tree import Store as StoreConfig
from phaeton.sinks.store import Store
from tests.app import recorded_days
from tests.integration.rig import Rig, eventually, rig
from tests.waiting import PATIENCE_S

STEPS = 3
WITHIN = aiohttp.ClientTimeout(total=PATIENCE_S)
LONG = {"days": 2, "step_s": 1, "compare": ["immediate", "windows", "auto", "price_plan"]}
"""Some minutes of work."""


async def recorded(folder: Path) -> Store:
    """Two days before today in the daemon's store."""
    first_s = int(time.time()) // 86_400 * 86_400 - 2 * 86_400
    return await recorded_days.filled(folder, first_s=first_s)


async def ask(made: Rig, method: str, path: str, body: object = None) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession(timeout=WITHIN) as client,
        client.request(method, made.web + path, json=body) as answer,
    ):
        return answer.status, json.loads(await answer.text())


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text(encoding="ascii").split()]


def alive(pid: int) -> bool:
    """Whether it runs; one that nobody waited for yet counts too."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def ended(pid: int) -> bool:
    """Whether it only waits for somebody to ask how it ended."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").split()[2] == "Z"


async def simulating(made: Rig) -> tuple[str, int]:
    """A job that has made progress, and its process."""
    status, job = await ask(made, "POST", "/api/simulations", LONG)
    assert status == 202, job
    path = f"/api/simulations/{job['id']}"

    async def on_its_way() -> bool:
        found = (await ask(made, "GET", path))[1]
        assert found["state"] in ("queued", "running"), found
        return bool(found["progress"] > 0.0)

    await eventually(on_its_way)
    assert made.process is not None
    (pid,) = children(made.process.pid)
    return path, pid


async def test_control_goes_on_while_a_job_runs_and_nothing_is_left_of_it(tmp_path: Path) -> None:
    store = await recorded(tmp_path / "state")
    await store.close()
    async with rig(tmp_path, bus=False) as made:
        made.write_config("site: {timezone: UTC}")
        await made.start()
        path, pid = await simulating(made)
        seq = (await made.status())["seq"]

        async def stepped() -> bool:
            return bool((await made.status())["seq"] >= seq + STEPS)

        await eventually(stepped, 3.0 * STEPS)
        assert (await ask(made, "GET", path))[1]["state"] == "running"
        assert await made.post("set_current", {"amps": 9.0}) == 200
        await made.register_becomes(9.0)

        assert (await ask(made, "DELETE", path))[1]["state"] == "cancelled"
        assert not alive(pid)
        _, pid = await simulating(made)
        assert await made.stop() == 0
        assert not alive(pid)


async def test_a_job_dies_with_a_daemon_that_is_killed(tmp_path: Path) -> None:
    store = await recorded(tmp_path / "state")
    await store.close()
    async with rig(tmp_path, bus=False) as made:
        made.write_config("site: {timezone: UTC}")
        await made.start()
        _, pid = await simulating(made)
        await made.stop(9)

        async def gone() -> bool:
            return not alive(pid) or ended(pid)

        await eventually(gone)


async def test_the_past_is_there_after_a_restart(tmp_path: Path) -> None:
    async with rig(tmp_path, bus=False) as made:
        made.write_config("site: {timezone: UTC}")
        await made.start()
        began_s = time.time()

        async def seen() -> bool:
            found = (await ask(made, "GET", "/api/series?window=60"))[1]
            return any(value is not None for value in found["power_w"])

        await eventually(seen)
        assert await made.stop() == 0
        await made.start()
        query = f"/api/series?from={began_s - 7200:.0f}&points=1000"
        found = (await ask(made, "GET", query))[1]
        assert found["step_s"] >= 60
        assert any(value is not None for value in found["power_w"])
        assert found["least"]["power_w"] != []
        assert (await ask(made, "GET", "/api/sessions"))[1]["current_session"] is not None
        assert (await ask(made, "GET", "/api/update/status"))[1]["installed_as"] in ("git", "pip", "unknown")
        assert (await ask(made, "GET", "/api/forecast"))[1]["slots"] == []
        await made.stop()
    store = Store.open(tmp_path / "state", StoreConfig(), logging.getLogger("test"))
    blocks: list[int] = []
    await store.blocks(began_s - 7200.0, began_s + 7200.0, lambda block: blocks.append(block.start_s))
    assert blocks
    await store.close()
