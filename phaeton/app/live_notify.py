"""What happens, told to all who want to know: the page, the MQTT broker, webhooks and ntfy."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import msgspec

from phaeton.config.tree_notify import Notify
from phaeton.model import Output
from phaeton.sinks.store import Store, StoreError
from phaeton.sinks.web import LinkDiagnostics
from phaeton.sinks.web.notices import TargetTried
from phaeton.streams.happenings import Happening, Seen, What, happenings

if TYPE_CHECKING:
    from phaeton.app.daemon import Daemon
    from phaeton.links.http import HttpClient
    from phaeton.sinks.notify import NotifySink

_log = logging.getLogger(__name__)

_UPDATE_LOOK_S = 60.0
_TOLD_VERSION = "notify:version"


class LiveNotify:
    """Beside the control: what goes wrong here is logged, and nothing waits for it."""

    def __init__(self, daemon: Daemon, http: HttpClient, store: Store) -> None:
        self._daemon = daemon
        self._http = http
        self._store = store
        self._machine = happenings()
        self._seen: Seen = self._machine.initial
        self._sink: NotifySink | None = None
        self._config = Notify()
        self._look_s = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    async def begin(self) -> None:
        """Tell as the configuration says now."""
        wanted = self._daemon.config.notify
        if wanted == self._config:
            return
        await self._end_sink()
        self._config = wanted
        if wanted.webhooks or wanted.ntfy:
            from phaeton.sinks.notify import NotifySink  # noqa: PLC0415 - few have such targets

            self._sink = NotifySink(wanted, self._http)
            self._sink.start()

    async def end(self) -> None:
        """End; what waits is not told."""
        for task in self._tasks:
            task.cancel()
        await self._end_sink()

    async def _end_sink(self) -> None:
        sink, self._sink = self._sink, None
        if sink is not None:
            await sink.stop()

    def publish(self, output: Output) -> None:
        """Find out what happened, and tell it; returns at once and never raises."""
        try:
            self._seen, news = self._machine.step(self._seen, output)
            for happening in news:
                self._tell(happening)
            if output.decision.mono_s >= self._look_s:
                self._look_s = output.decision.mono_s + _UPDATE_LOOK_S
                self._look_for_update(output.decision.utc_s)
        except Exception:
            _log.exception("what happened could not be told")

    def _tell(self, happening: Happening) -> None:
        from phaeton.sinks.notify.told import told  # noqa: PLC0415 - with the first event

        daemon = self._daemon
        document = told(happening, {point.id: point.charger.name for point in daemon.points})
        text = document.json()
        if daemon.web is not None:
            daemon.web.happened(document.event, text)
        if document.event in daemon.config.notify.mqtt:
            daemon.mqtt.happened(text)
        if self._sink is not None:
            self._sink.take(document)

    def _look_for_update(self, utc_s: float) -> None:
        """A newer version is told once, also over restarts."""
        updates = self._daemon.updates
        if updates is None:
            return
        status = updates.status()
        version = status.latest_version
        if not status.update_available or not version or self._store.fact(_TOLD_VERSION) == version:
            return
        self._tell(Happening(What.UPDATE, utc_s, version=version))
        task = asyncio.get_running_loop().create_task(self._note(version))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _note(self, version: str) -> None:
        try:
            await self._store.set_fact(_TOLD_VERSION, version)
        except StoreError as error:
            _log.warning("which version was told could not be noted: %s", error)

    async def try_out(self) -> list[TargetTried]:
        """Send a test message to every webhook and topic, and tell it on the page and the broker."""
        from phaeton.sinks.notify.told import trial  # noqa: PLC0415

        document = trial(self._daemon.now()[1])
        text = msgspec.json.encode(document)
        if self._daemon.web is not None:
            self._daemon.web.happened(document.event, text)
        self._daemon.mqtt.happened(text)
        found = [] if self._sink is None else await self._sink.try_out(document)
        return [TargetTried(one.target, one.ok, one.detail) for one in found]

    def links(self) -> tuple[LinkDiagnostics, ...]:
        """How each target fares."""
        if self._sink is None:
            return ()
        return tuple(
            LinkDiagnostics(
                name=report.name,
                up=report.up,
                detail=report.detail or (f"{report.waiting} events wait" if report.waiting else ""),
                requests=report.sent + report.failed,
                failures=report.failed,
            )
            for report in self._sink.reports()
        )
