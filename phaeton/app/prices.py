"""The source of prices in the daemon: made from the configuration, kept in the store, described for the page."""

from __future__ import annotations

import logging
from collections.abc import Callable

from msgspec.structs import replace

from phaeton.config.tree import Config
from phaeton.links.busitem_client import BusClient
from phaeton.links.http import HttpClient
from phaeton.model import Event, Now, Output, PriceCurve, PriceSlot, Zone
from phaeton.price_report import PriceReport
from phaeton.sinks.store import Store, StoreError
from phaeton.sources.prices.kinds import build
from phaeton.sources.prices.source import PriceSource
from phaeton.sources.service.cache import Cache
from phaeton.sources.service.world import World
from phaeton.streams.strategy import slots_ahead, threshold

_log = logging.getLogger(__name__)

_FACTS = "prices:"


class LivePrices:
    """The running source; `begin` replaces it, and what it told before stays in force until the new one speaks."""

    def __init__(self, http: HttpClient, bus: BusClient, store: Store, now: Now, feed: Callable[[Event], None]) -> None:
        self._store = store
        self._feed = feed
        self._world = World(http, bus, now, Cache(lambda key: store.fact(_FACTS + key), self._save))
        self._source: PriceSource | None = None

    def begin(self, config: Config, zone: Zone) -> None:
        """Ask by this configuration from now on."""
        self.end()
        source = build(config.prices, zone, self._world)
        source.curves.subscribe(self._feed)
        source.start()
        self._source = source

    def end(self) -> None:
        """Ask nobody any more."""
        if self._source is not None:
            self._source.stop()
            self._source = None

    def describe(self, config: Config, output: Output | None, utc_s: float) -> PriceReport | None:
        """The prices, how their source fares, and when a car would charge; None before the start."""
        if self._source is None:
            return None
        report = self._source.describe()
        curve = PriceCurve(0.0, utc_s, report.slots, report.currency)
        cheap = slots_ahead(config.schedule, curve, utc_s)
        return replace(
            report,
            charging=_charging(config, output, cheap),
            strategy=config.schedule.strategy,
            threshold_per_kwh=threshold(config.schedule, curve, utc_s),
            cheap=cheap,
        )

    async def _save(self, key: str, text: str) -> None:
        try:
            await self._store.set_fact(_FACTS + key, text)
        except StoreError as error:
            _log.warning("the prices are not on the disk yet: %s", error)


def _charging(
    config: Config, output: Output | None, cheap: tuple[PriceSlot, ...]
) -> tuple[tuple[float, float], ...] | None:
    """The stretches of the plans in force and of the price strategy; None where there is neither."""
    plans = [] if output is None else [point.plan for point in output.decision.points if point.plan is not None]
    found = {(slot.start_s, slot.end_s) for plan in plans for slot in plan.slots}
    found |= {(slot.start_s, slot.end_s) for slot in cheap}
    by_price = config.schedule.strategy not in ("windows", "plan")
    return tuple(sorted(found)) if plans or by_price else None
