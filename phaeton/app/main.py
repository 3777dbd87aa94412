"""The process around a daemon: signals, the configuration file, the exit code."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal

from reactivex import Observable

from phaeton import __version__, log
from phaeton.app.backups import LiveBackups
from phaeton.app.daemon import Daemon
from phaeton.app.settings import LiveSettings
from phaeton.backup import waits
from phaeton.config.load import Loaded
from phaeton.model import SiteReading
from phaeton.sinks.store.running import Running
from phaeton.sources.config_file import ConfigFile

_log = logging.getLogger("phaeton")


ANEW = -1
"""Instead of an exit code: load the configuration again and serve again, a restored backup is to be put in place."""


async def serve(loaded: Loaded, *, site: Observable[SiteReading] | None = None) -> int:
    """Run until SIGTERM or SIGINT; SIGHUP and a changed file reload. Returns the exit code, or `ANEW`."""
    log.setup(loaded.config.log)
    if loaded.notices:
        _log.warning(
            "the configuration has %d keys that moved or mean nothing here; `phaeton config check` lists them, "
            "`phaeton config migrate` writes the file anew",
            len(loaded.notices),
        )
    _log.info("Phaeton %s begins, configuration %s", __version__, loaded.path or "from the environment")
    daemon = Daemon(loaded.config, site=site)
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    anew = False

    def begin_anew() -> None:
        nonlocal anew
        anew = True
        ended.set()

    store = daemon.store_directory
    running = Running(store)
    if not running.held:
        _log.warning("another Phaeton runs with the same store (%s), or it cannot be written", store)
    file = ConfigFile(loaded)
    settings = LiveSettings(file, daemon.reload, store, lambda: daemon.now()[1])
    backups = LiveBackups(lambda: file.loaded, store, daemon.flush, begin_anew)
    daemon.settings, daemon.backups = settings, backups
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
    starting = loop.create_task(daemon.start())
    ending = loop.create_task(ended.wait())
    await asyncio.wait((starting, ending), return_when=asyncio.FIRST_COMPLETED)
    if starting.done():
        starting.result()
        gc.collect()
        gc.freeze()  # what was loaded stays: the collector need not look at it again and again
        if daemon.web is not None and daemon.web.address is not None:
            _log.info("the page is at %s", daemon.web.address)
        await ending
    else:  # a signal, while a bus is waited for
        starting.cancel()
        await asyncio.wait((starting,))
    _log.info("Phaeton ends")
    watching.cancel()
    await daemon.stop()
    running.release()
    return ANEW if anew else 0
