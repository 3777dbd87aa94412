"""The process around a daemon: signals, the configuration file, the exit code."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from typing import TYPE_CHECKING

from reactivex import Observable

from phaeton import __version__, log
from phaeton.app.backups import LiveBackups
from phaeton.app.daemon import Daemon
from phaeton.app.settings import LiveSettings
from phaeton.app.update_start import live_updates
from phaeton.backup import waits
from phaeton.config.load import Loaded
from phaeton.model import SiteReading
from phaeton.sinks.store.running import Running
from phaeton.sources.config_file import ConfigFile

if TYPE_CHECKING:
    from phaeton.app.updates import LiveUpdates

_log = logging.getLogger("phaeton")


ANEW = -1
"""Instead of an exit code: load the configuration again and serve again, a restored backup is to be put in place."""
RESTART = -2
"""Instead of an exit code: the program is another one now and must be started again (`phaeton.updates.restart`)."""


async def serve(loaded: Loaded, *, site: Observable[SiteReading] | None = None) -> int:
    """Run until SIGTERM or SIGINT; SIGHUP and a changed file reload. Returns the exit code, `ANEW` or `RESTART`."""
    log.setup(loaded.config.log)
    if loaded.notices:
        _log.warning(
            "the configuration has %d keys that moved or mean nothing here; `phaeton config check` lists them, "
            "`phaeton config migrate` writes the file anew",
            len(loaded.notices),
        )
    _log.info("Phaeton %s begins, configuration %s", __version__, loaded.path or "from the environment")
    if not loaded.config.chargers:
        _log.warning("no charger is configured yet: open the page, it leads through the first start")
    daemon = Daemon(loaded.config, site=site)
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    code = 0

    def end_with(wanted: int) -> None:
        nonlocal code
        code = wanted
        ended.set()

    def begin_anew() -> None:
        end_with(ANEW)

    store = daemon.store_directory
    running = Running(store)
    if not running.held:
        _log.warning("another Phaeton runs with the same store (%s), or it cannot be written", store)
    file = ConfigFile(loaded)
    settings = LiveSettings(file, daemon.reload, store, lambda: daemon.now()[1])
    backups = LiveBackups(lambda: file.loaded, store, daemon.flush, begin_anew)
    daemon.settings, daemon.backups = settings, backups
    updates = daemon.updates = live_updates(daemon, lambda: end_with(RESTART))
    file.verdicts.subscribe(settings.noticed)

    def told_to_reload() -> None:
        if waits(store):
            begin_anew()
        else:
            file.reload()

    loop.add_signal_handler(signal.SIGHUP, told_to_reload)
    await settings.begin()
    await asyncio.to_thread(backups.clean)
    watching = loop.create_task(file.watch())
    await _run(daemon, updates, ended)
    _log.info("Phaeton ends")
    watching.cancel()
    if updates is not None:
        await updates.end()
    await daemon.stop()
    running.release()
    return code


async def _run(daemon: Daemon, updates: LiveUpdates | None, ended: asyncio.Event) -> None:
    """Bring it up, and wait for the end."""
    loop = asyncio.get_running_loop()
    starting = loop.create_task(daemon.start())
    ending = loop.create_task(ended.wait())
    await asyncio.wait((starting, ending), return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():  # a signal, while a bus is waited for
        starting.cancel()
        await asyncio.wait((starting,))
        return
    starting.result()
    gc.collect()
    gc.freeze()  # what was loaded stays: the collector need not look at it again and again
    if daemon.web is not None and daemon.web.address is not None:
        _log.info("the page is at %s", daemon.web.address)
    if updates is not None:
        await updates.begin()
    await ending
