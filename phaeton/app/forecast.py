"""The forecast in the daemon: made from the configuration, learning from each output, kept in the store."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from phaeton.config.tree import Config
from phaeton.links.http import HttpClient
from phaeton.model import Event, ForecastCurve, Now, Output, Zone
from phaeton.price_report import SourceReport
from phaeton.sinks.store import Store, StoreError
from phaeton.sinks.web.status import house_w

if TYPE_CHECKING:
    from phaeton.sources.forecast.own_history import OwnHistory
    from phaeton.sources.forecast.own_source import OwnSource
    from phaeton.sources.forecast.source import ForecastSource

_log = logging.getLogger(__name__)

_FACTS = "forecast:"
_LEARNT = "learnt"


class LiveForecast:
    """The running source; `begin` replaces it."""

    def __init__(self, http: HttpClient, store: Store, now: Now, feed: Callable[[Event], None]) -> None:
        self._http = http
        self._store = store
        self._now = now
        self._feed = feed
        self._history: OwnHistory | None = None
        self._source: OwnSource | ForecastSource | None = None
        self._saving: set[asyncio.Task[None]] = set()

    def begin(self, config: Config, zone: Zone, known: ForecastCurve | None) -> None:
        """Forecast by this configuration from now on; ``known`` is what the graph goes by so far."""
        self.end()
        if config.forecast.source == "none":
            if known is not None and known.slots:
                self._feed(ForecastCurve(*self._now(), ()))
            return
        from phaeton.sources.forecast import own_history  # noqa: PLC0415 - many have none of it
        from phaeton.sources.forecast.kinds import build  # noqa: PLC0415
        from phaeton.sources.service.cache import Cache  # noqa: PLC0415
        from phaeton.sources.service.days import Wall  # noqa: PLC0415
        from phaeton.sources.service.world import World  # noqa: PLC0415

        if self._history is None:
            learnt = own_history.decode(self._store.fact(_FACTS + _LEARNT))
        else:
            learnt = self._history.learnt
        days = config.forecast.own_history.days
        self._history = own_history.OwnHistory(Wall(zone), days, learnt, self._learnt_more)
        cache = Cache(lambda key: self._store.fact(_FACTS + key), self._save)
        source = build(config.forecast, config.site.home, World(self._http, None, self._now, cache), self._history)
        self._source = source
        if source is not None:
            source.curves.subscribe(self._feed)
            source.start()

    def end(self) -> None:
        """Ask nobody and tell nothing any more."""
        if self._source is not None:
            self._source.stop()
            self._source = None

    def publish(self, output: Output) -> None:
        """Learn from the newest output; returns at once."""
        if self._source is None or self._history is None:
            return
        site, decision = output.situation.site, output.decision
        if site is not None and decision.site_fresh:
            self._history.see(decision.mono_s, decision.utc_s, site.pv_w, house_w(output))

    def describe(self) -> SourceReport | None:
        """How the source fares; None where there is none."""
        return None if self._source is None else self._source.describe()

    def _learnt_more(self) -> None:
        history, source = self._history, self._source
        if history is None or source is None:
            return
        saving = asyncio.get_running_loop().create_task(self._save(_LEARNT, history.encode()))
        self._saving.add(saving)
        saving.add_done_callback(self._saving.discard)
        source.learnt_more()

    async def _save(self, key: str, text: str) -> None:
        try:
            await self._store.set_fact(_FACTS + key, text)
        except StoreError as error:
            _log.warning("the forecast is not on the disk yet: %s", error)
