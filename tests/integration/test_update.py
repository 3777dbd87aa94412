"""The real daemon in an installation folder replaces itself, and is there again when the new version is no good."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import aiohttp

import phaeton
from phaeton.simulation.release_service import SimulatedReleases
from phaeton.updates.place import Place
from tests.integration.rig import eventually
from tests.updates.folder import CRASHES, installed

PROGRAM = """#!/bin/sh
here=$(cd "$(dirname "$0")/.." && pwd -P)
PYTHONPATH=$here/lib exec {python} -P -m phaeton "$@"
"""


def real_version(place: Place, version: str) -> None:
    """Let a version be the program that is tested here."""
    folder = place.versions / version
    shutil.rmtree(folder / "lib/phaeton")
    shutil.copytree(Path(phaeton.__file__).parent, folder / "lib/phaeton")
    (folder / "bin/phaeton").write_text(PROGRAM.format(python=sys.executable))


async def status(client: aiohttp.ClientSession) -> dict[str, Any]:
    """What the daemon tells; empty while it is away."""
    try:
        async with client.get("/api/update/status") as answer:
            found: dict[str, Any] = await answer.json()
            return found
    except aiohttp.ClientError:
        return {}


async def becomes(client: aiohttp.ClientSession, key: str, wanted: object) -> dict[str, Any]:
    found: dict[str, Any] = {}

    async def it_is_so() -> bool:
        nonlocal found
        found = await status(client)
        return key in found and found[key] == wanted

    await eventually(it_is_so)
    return found


async def test_a_daemon_that_was_replaced_by_a_bad_version_comes_back_and_says_why(tmp_path: Path) -> None:
    place = installed(tmp_path / "phaeton", "1.0")
    real_version(place, "1.0")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with SimulatedReleases() as service, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        service.publish("2.0", CRASHES)
        config = tmp_path / "phaeton_config.yaml"
        config.write_text(
            f"charger: {{host: 127.0.0.1, port: 1}}\nsite: {{source: none}}\nweb: {{port: {port}}}\n"
            f"store: {{directory: {tmp_path}/store}}\n"
            f"updates: {{repository: {service.updates().repository}, url: '{service.updates().url}'}}\n"
        )
        environ = {key: value for key, value in os.environ.items() if not key.startswith(("PHAETON_", "PYTHON"))}
        process = await asyncio.create_subprocess_exec(
            place.root / "run", "run", "-c", config, env=environ, start_new_session=True, cwd=tmp_path,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            found = await becomes(client, "current_version", "1.0")
            assert (found["installed_as"], found["how_to_update"]) == ("bundle", "")
            async with client.post("/api/update/apply", json={"version": None}) as answer:
                assert await answer.json() == {"ok": True, "restarting": True}
            said = "version 2.0 was tried and taken back: it ended 3 times before it was well"
            found = await becomes(client, "error", said)
            assert found["current_version"] == "1.0"
            assert process.returncode is None  # one process all the time, for whoever supervises it
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(20.0):
                assert await process.wait() == 0
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
