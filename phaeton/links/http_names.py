"""Names looked up in threads that nobody waits for at the end: offline a lookup takes many seconds.

The event loop's own executor is joined when the program ends, so a lookup there would hold up a stop. Loads the HTTP
library.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable

from aiohttp.abc import AbstractResolver, ResolveResult


class DaemonResolver(AbstractResolver):
    """One daemon thread for each lookup; there are few."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host; raises ``OSError``."""
        return await _in_daemon(lambda: _lookup(host, port, family))

    async def close(self) -> None:
        """Nothing is held."""


def _lookup(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
    return [
        ResolveResult(
            hostname=host,
            host=str(address[0]),
            port=port,
            family=kind,
            proto=proto,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )
        for kind, _, proto, _, address in found
        if not (len(address) > 3 and address[3])  # an address of one link only: the library takes no scope
    ]


async def _in_daemon(work: Callable[[], list[ResolveResult]]) -> list[ResolveResult]:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[ResolveResult]] = loop.create_future()

    def done(found: list[ResolveResult] | None, error: OSError | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(found or [])

    def run() -> None:
        found: list[ResolveResult] | None = None
        failed: OSError | None = None
        try:
            found = work()
        except OSError as error:
            failed = error
        except UnicodeError:
            failed = OSError("this is no host name")
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(done, found, failed)

    threading.Thread(target=run, name="lookup", daemon=True).start()
    return await answer
