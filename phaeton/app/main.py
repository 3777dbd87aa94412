"""The process around a daemon: signals, the configuration file, the exit code."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal

from reactivex import Observable

from phaeton import __version__, log
from phaeton.app.daemon import Daemon
from phaeton.config.load import Loaded
from phaeton.config.problems import ConfigError
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
    reloading: set[asyncio.Task[object]] = set()

    def changed(found: Loaded | ConfigError) -> None:
        if isinstance(found, ConfigError):
            _log.error("the changed configuration is refused, the old one stays in force:\n%s", found)
            return
        task = loop.create_task(daemon.reload(found.config))
        reloading.add(task)
        task.add_done_callback(reloading.discard)

    file = ConfigFile(loaded)
    file.verdicts.subscribe(changed)
    loop.add_signal_handler(signal.SIGHUP, file.reload)
    watching = loop.create_task(file.watch()) if loaded.path is not None else None
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
    if watching is not None:
        watching.cancel()
    await daemon.stop()
    return 0
