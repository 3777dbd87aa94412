"""A house with a configuration, sessions, logins, revisions and a recording."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from phaeton.backup.collect import House
from phaeton.config.load import load
from phaeton.config.revisions import Revisions
from phaeton.model import Session
from phaeton.sinks.store import Store

TEXT = """\
charger: 10.0.0.5   # garage
store: {{directory: {store}}}
prices:
  source: homeassistant
  homeassistant: {{url: "http://ha.local", token: tell-nobody-this, entity: sensor.price}}  # tell-nobody-this
"""
PASSWORD = "correct horse battery"


def build(folder: Path, token: str = "tell-nobody-this", sessions: int = 3) -> House:
    """Everything on the disk; no event loop may run."""
    store = folder / "state"
    file = folder / "phaeton_config.yaml"
    folder.mkdir(exist_ok=True)
    file.write_text(TEXT.format(store=store).replace("tell-nobody-this", token))
    house = House.of(load(file, {}), {})
    asyncio.run(_fill(house, token, sessions))
    Revisions(store).add(1.0, "before", file.read_text())
    access = store / "access"
    access.mkdir()
    (access / "password.json").write_text(f'{{"hash": "hash-of-{token}"}}')
    (access / "logins.json").write_text("{}")
    (store / "recordings").mkdir()
    (store / "recordings" / "2026-05-01.phaeton").write_bytes(b"recorded" * 1000)
    return house


async def _fill(house: House, token: str, count: int) -> None:
    store = Store.open(house.store, house.loaded.config.store, logging.getLogger("test"))
    await store.set_fact("vehicle:ev6", f"login-{token}")
    await store.set_fact("serial:10.0.0.5", "ACE123")
    for number in range(count):
        await store.add_session(
            Session(id=f"{token}-{number}", point="1", start_utc_s=1e9 + number, end_utc_s=1e9 + number + 1)
        )
    await store.save_state(b"learned")
    await store.close()


def contents(house: House) -> tuple[set[str], str | None, str]:
    """Sessions, the login of the car, the configuration."""

    async def read() -> tuple[set[str], str | None]:
        store = Store.open(house.store, house.loaded.config.store, logging.getLogger("test"))
        found = {session.id for session in await store.sessions()}
        login = store.fact("vehicle:ev6")
        await store.close()
        return found, login

    assert house.loaded.path is not None
    return *asyncio.run(read()), house.loaded.path.read_text()
