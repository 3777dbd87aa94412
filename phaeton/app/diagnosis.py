"""What the daemon knows of its own health, for the page and the API."""

from __future__ import annotations

from collections.abc import Mapping

from phaeton.app.live_point import LivePoint
from phaeton.config.tree import Config
from phaeton.links.busitem_client import BusClient
from phaeton.links.modbus import ModbusLinks
from phaeton.links.modbus_stats import LinkStats
from phaeton.model import Now
from phaeton.price_report import PriceReport, SourceReport
from phaeton.sinks.store import Store
from phaeton.sinks.web.status import Diagnostics, LinkDiagnostics, PointDiagnostics


def diagnose(
    links: ModbusLinks,
    live: Mapping[str, LivePoint],
    bus: BusClient,
    store: Store,
    config: Config,
    now: Now,
    prices: PriceReport | None,
    forecast: SourceReport | None,
) -> Diagnostics:
    """Look at every link once."""
    shown = [
        LinkDiagnostics(
            name=f"Charger {stats.host}:{stats.port}",
            up=stats.connected,
            detail=stats.why,
            latency_ms=_latency_ms(stats),
            requests=_requests(stats),
            failures=sum(block.failed for block in stats.blocks) + stats.connects_failed,
        )
        for stats in links.stats
    ]
    shown.append(
        LinkDiagnostics(name="D-Bus", up=bus.link.connected, detail="" if bus.link.connected else bus.link.why_away)
    )
    utc_s = now()[1]
    asked = [source for source in (prices.sources if prices else ()) if source.asked or source.answered_utc_s]
    shown += [_source_link("Prices", source, utc_s) for source in asked]
    if forecast is not None:
        shown.append(_source_link("Forecast", forecast, utc_s))
    shown.append(
        LinkDiagnostics(name="Store", up=store.trouble is None, detail=store.trouble or " ".join(store.messages))
    )
    return Diagnostics(
        modbus_connected=all(stats.connected for stats in links.stats),
        poll_interval_ms=int(min((c.poll_interval_s for c in config.chargers), default=1.0) * 1000),
        total_polls=sum(_requests(stats) for stats in links.stats),
        links=tuple(shown),
        prices=prices,
        forecast=forecast,
        points=tuple(
            PointDiagnostics(point=p.point.id, device_instance=p.service.instance if p.service else None)
            for p in live.values()
        ),
    )


def _source_link(what: str, source: SourceReport, utc_s: float) -> LinkDiagnostics:
    """A source that is asked over a network."""
    return LinkDiagnostics(
        name=f"{what}: {source.title}",
        up=not source.trouble,
        detail=source.trouble or source.note,
        age_s=None if source.answered_utc_s is None else max(utc_s - source.answered_utc_s, 0.0),
        requests=source.asked,
        failures=source.asked - source.answered,
    )


def _requests(stats: LinkStats) -> int:
    return sum(block.answered + block.failed for block in stats.blocks)


def _latency_ms(stats: LinkStats) -> float | None:
    """The mean over the kinds of requests, in ms; None before the first answer."""
    means = [block.mean_ms for block in stats.blocks if block.answered]
    return round(sum(means) / len(means), 1) if means else None
