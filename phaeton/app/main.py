"""The process around a daemon: signals, the configuration file, the exit code."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal

from reactivex import Observable

from phaeton import __version__, log
from phaeton.app.daemon import Daemon
from phaeton.app.settings import LiveSettings
from phaeton.config.load import Loaded
from phaeton.model import SiteReading
from phaeton.sources.config_file import ConfigFile

_log = logging.getLogger("phaeton")


async def serve(loaded: Loaded, *, site: Observable[SiteReading] | None = None) -> int:
    """Run until SIGTERM or SIGINT; SIGHUP and a changed file reload. Returns the exit code."""
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
    file = ConfigFile(loaded)
    settings = LiveSettings(file, daemon.reload, daemon.store_directory, lambda: daemon.now()[1])
    daemon.settings = settings
    file.verdicts.subscribe(settings.noticed)
    loop.add_signal_handler(signal.SIGHUP, file.reload)
    await settings.begin()
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
    return 0
