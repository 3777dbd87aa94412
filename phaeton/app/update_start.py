"""Puts the updates of a daemon together: by what means this installation can be replaced, if by any."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import phaeton
from phaeton.app.installation import installation, installation_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from phaeton.app.daemon import Daemon
    from phaeton.app.update_means import Means
    from phaeton.app.updates import LiveUpdates

ANSWER_WITHIN_S = 5.0


def live_updates(daemon: Daemon, restart: Callable[[], None]) -> LiveUpdates | None:
    """Those of this installation; None where nothing here can replace it, as after pip."""
    folder, here = installation_folder(), installation()
    if folder is None and here.installed_as != "git":
        return None
    from phaeton.app.updates import LiveUpdates  # noqa: PLC0415 - not every installation has them

    return LiveUpdates(
        _means(daemon, folder),
        lambda: daemon.config.updates,
        lambda: (daemon.now()[1], daemon.zone),
        lambda: daemon.output,
        lambda: _answers(daemon),
        restart,
        otherwise=here.how_to_update,
    )


def _means(daemon: Daemon, folder: Path | None) -> Means:
    from phaeton.app.update_means import BundleMeans, CheckoutMeans  # noqa: PLC0415
    from phaeton.updates.checkout import Checkout  # noqa: PLC0415
    from phaeton.updates.place import Place  # noqa: PLC0415

    package = Path(phaeton.__file__).resolve().parent
    if folder is None:
        return CheckoutMeans(Checkout(package.parent), lambda: daemon.config.updates.follow)
    running = package.relative_to(folder.resolve() / "versions").parts[0]
    return BundleMeans(Place(folder), daemon.http, running)


async def _answers(daemon: Daemon) -> bool:
    """Whether the page, where there is to be one, answers on this machine."""
    if not daemon.config.web.enabled:
        return True
    if daemon.web is None or daemon.web.address is None:
        return False
    where = urlsplit(daemon.web.address)
    host = _EVERYWHERE.get(where.hostname or "", where.hostname)
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            reader, writer = await asyncio.open_connection(host, where.port)
            writer.write(b"GET / HTTP/1.0\r\n\r\n")
            return (await reader.readline()).startswith(b"HTTP/1")
    except (OSError, TimeoutError):
        return False
    finally:
        if writer is not None:
            writer.close()


_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
