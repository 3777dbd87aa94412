"""A process that renews a Tesla login with the real store, and may be killed at any moment of it."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

from phaeton.config.tree import Store as StoreConfig
from phaeton.config.tree_vehicles import Tesla
from phaeton.links.http import Answer, Ask, HttpClient, Trouble
from phaeton.sinks.store import Store
from phaeton.sources.vehicles.tesla_account import TeslaAccount
from tests.sources.vehicles.memory import HandClock


class Kept:
    """The tokens in the store; stands still where the test wants to kill."""

    def __init__(self, store: Store, moment: str) -> None:
        self._store = store
        self._moment = moment
        self._saved = 0

    def load(self) -> str | None:
        """What is on the disk."""
        return self._store.fact("tesla:x")

    async def save(self, text: str) -> None:
        """Put it on the disk, then perhaps stand still."""
        await self._store.set_fact("tesla:x", text)
        self._saved += 1
        if (self._moment, self._saved) in (("before", 1), ("after", 2)):
            sys.stdout.write("there\n")
            sys.stdout.flush()
            await asyncio.Event().wait()


class Patient:
    """The real client with a long patience."""

    def __init__(self) -> None:
        self.client = HttpClient(timeout_s=30.0)

    async def send(self, ask: Ask) -> Answer | Trouble:
        """Ask."""
        return await self.client.send(ask)


async def main(address: str, directory: str, moment: str) -> None:
    """Get a token and print it."""
    store = Store.open(Path(directory), StoreConfig(), logging.getLogger("store"))
    http = Patient()
    config = Tesla(client_id="simulated-client", token_url=f"{address}/oauth2/v3/token", base_url=address)
    account = TeslaAccount(config, "first-refresh", "", http, HandClock().now, Kept(store, moment))
    token = await account.token()
    sys.stdout.write(token + "\n")
    await http.client.close()
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
