"""Notices what is stuck and begins it anew.

A graph without a decision and a source without a word are begun anew. An event loop that does not turn at all cannot
help itself: the process ends with a trace of where it hung, and its supervisor starts it again. Meanwhile the charger
falls to its safe current, because nobody renews the lease.
"""

from __future__ import annotations

import asyncio
import faulthandler
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phaeton.app.daemon import Daemon

_log = logging.getLogger("phaeton.watchdog")

LOOK_EVERY_S = 10.0
NO_DECISION_S = 10.0
NO_WORD_S = 60.0
LOOP_STUCK_S = 60.0


class Watchdog:
    """Watches one daemon."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._decided_s = 0.0
        self.restarts = 0
        """What had to be begun anew since the start."""

    def decided(self) -> None:
        """The graph has decided."""
        self._decided_s = self._daemon.now()[0]

    def arm(self) -> None:
        """Let the process end if this is not called again for a minute."""
        faulthandler.dump_traceback_later(LOOP_STUCK_S, exit=True)

    def disarm(self) -> None:
        """The end is in order."""
        faulthandler.cancel_dump_traceback_later()

    async def run(self) -> None:
        """Look every 10 s, for ever."""
        self._decided_s = self._daemon.now()[0]
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.arm()
            self.look()

    def look(self) -> None:
        """Begin anew what has said nothing for too long."""
        daemon, now_s = self._daemon, self._daemon.now()[0]
        if now_s - self._decided_s > NO_DECISION_S:
            self._tell("the graph has not decided for %.0f s: begun anew", now_s - self._decided_s)
            self._decided_s = now_s
            daemon.restart_graph()
        for live in daemon.live.values():
            if now_s - live.heard_s > NO_WORD_S:
                self._tell(
                    "charging point %s has said nothing for %.0f s: begun anew", live.point.id, now_s - live.heard_s
                )
                live.listen()
        if daemon.site_silent_s > NO_WORD_S:
            self._tell("the GX has said nothing for %.0f s: begun anew", daemon.site_silent_s)
            daemon.restart_site()

    def _tell(self, text: str, *values: object) -> None:
        self.restarts += 1
        _log.error(text, *values)
