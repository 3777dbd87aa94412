"""The access of the whole daemon: set from the terminal while it runs, kept over a restart, and its log of changes."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import aiohttp

from tests.integration.rig import Rig, eventually, house, rig

PASSWORD = "kangaroo under the moon"


async def terminal(site: Rig, *words: str, typed: str = "") -> str:
    """A command in another process; what it says."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "phaeton", *words, "-c", str(site.config),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await child.communicate(f"{typed}\n".encode())
    assert child.returncode == 0
    return out.decode().strip()


async def test_access_is_set_while_the_daemon_runs_and_kept_over_a_restart(tmp_path: Path) -> None:
    async with rig(tmp_path) as site:
        site.write_config("site: {timezone: Europe/Berlin}")
        await site.put_up_gx(house())
        await site.start()
        assert await site.post("mode", {"mode": 0}) == 200
        await terminal(site, "password", typed=PASSWORD)

        async def closed() -> bool:
            return await site.post("mode", {"mode": 0}) == 401

        await eventually(closed)
        secret = await terminal(site, "token", "add", "test", "--scope", "admin")
        headers = {"Authorization": f"Bearer {secret}"}
        assert await site.write("/SetCurrent", "d", 9.0) == 0  # the GX itself needs no login
        await site.register_becomes(9.0)

        async with aiohttp.ClientSession(headers=headers) as program:

            async def let_in() -> bool:
                async with program.post(f"{site.web}/api/chargers/car/set_current", json={"amps": 8}) as answer:
                    return answer.status == 200

            await eventually(let_in)
            await site.register_becomes(8.0)
            async with program.get(f"{site.web}/api/audit") as answer:
                told = [(entry["who"], entry["what"]) for entry in (await answer.json())["entries"]]
        assert told[0] == ("token test", "POST /api/chargers/car/set_current")
        assert ("dbus", "order to car") in told
        assert {("terminal", "phaeton password"), ("terminal", "phaeton token add")} <= set(told)
        assert told[-1] == ("local", "POST /api/chargers/car/mode")
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser,
            browser.post(f"{site.web}/api/login", json={"password": PASSWORD}) as answer,
        ):
            cookie = answer.headers["Set-Cookie"].partition(";")[0]
        assert await site.stop() == 0
        assert any("from rest:test" in line for line in site.log)
        assert not any(secret in line or PASSWORD in line for line in site.log)

        await site.start()
        async with aiohttp.ClientSession() as browser:
            for sent, expected in ((headers, 200), ({"Cookie": cookie}, 200), ({}, 401)):
                async with browser.get(f"{site.web}/api/status", headers=sent) as answer:
                    assert answer.status == expected
        assert await site.stop() == 0
