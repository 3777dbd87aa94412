"""What the daemon knows of its own health, for the page and the API."""

from __future__ import annotations

from collections.abc import Mapping

from phaeton.app.live_point import LivePoint
from phaeton.app.vitals import Vitals
from phaeton.config.tree import Config
from phaeton.links.busitem_client import BusClient
from phaeton.links.modbus import ModbusLinks
from phaeton.links.modbus_stats import LinkStats
from phaeton.model import Now
from phaeton.price_report import PriceReport, SourceReport
from phaeton.sinks.store import Store
from phaeton.sinks.web.status import Diagnostics, LinkDiagnostics, PointDiagnostics, PollSteps

_READS = {
    "read_voltages_ms": "voltage_l1",
    "read_currents_ms": "current_l1",
    "read_powers_ms": "power",
    "read_energy_ms": "energy_total",
    "read_status_ms": "state",
    "read_station_max_ms": "limit_max",
}
"""The forerunner's name of a step, and a point that its block brings."""


def diagnose(
    links: ModbusLinks,
    live: Mapping[str, LivePoint],
    bus: BusClient,
    store: Store,
    config: Config,
    now: Now,
    prices: PriceReport | None,
    forecast: SourceReport | None,
    vitals: Vitals,
) -> Diagnostics:
    """Look at every link once."""
    all_stats = links.stats
    first = next(iter(live.values()), None)
    steps = PollSteps() if first is None else _steps(first, all_stats, vitals)
    shown = [
        LinkDiagnostics(
            name=f"Charger {stats.host}:{stats.port}",
            up=stats.connected,
            detail=stats.why,
            latency_ms=_latency_ms(stats),
            requests=_requests(stats),
            failures=sum(block.failed for block in stats.blocks) + stats.connects_failed,
        )
        for stats in all_stats
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
        modbus_connected=all(stats.connected for stats in all_stats),
        poll_interval_ms=int(min((c.poll_interval_s for c in config.chargers), default=1.0) * 1000),
        poll_duration_ms=_duration_ms(steps),
        poll_steps_ms=steps,
        total_polls=sum(_requests(stats) for stats in all_stats),
        overrun_count=vitals.overruns,
        links=tuple(shown),
        prices=prices,
        forecast=forecast,
        points=tuple(
            PointDiagnostics(point=p.point.id, device_instance=p.service.instance if p.service else None)
            for p in live.values()
        ),
    )


def _steps(live: LivePoint, all_stats: tuple[LinkStats, ...], vitals: Vitals) -> PollSteps:
    """The last poll of a point: each block once, under the first name of what it brings."""
    link = next((s for s in all_stats if (s.host, s.port) == (live.link.host, live.link.port)), None)
    last_ms = {} if link is None else {block.name: block.last_ms for block in link.blocks if block.answered}
    read: dict[str, float | None] = {}
    for _, block, _ in reversed(tuple(live.source.read)):
        step = next((step for step, point in _READS.items() if point in block.points), None)
        if step is not None and step not in read:
            read[step] = last_ms.get(block.name)
    return PollSteps(
        **read,
        write_current_ms=last_ms.get(live.source.limit_write),
        compute_effective_ms=vitals.step.last_ms,
        finalize_cycle_ms=vitals.publish.last_ms,
    )


def _duration_ms(steps: PollSteps) -> float | None:
    """What a poll takes from the first request to the end of the step; None before the first one."""
    read = [getattr(steps, name) for name in _READS]
    known = [ms for ms in (*read, steps.compute_effective_ms, steps.finalize_cycle_ms) if ms is not None]
    return round(sum(known), 2) if any(ms is not None for ms in read) else None


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
