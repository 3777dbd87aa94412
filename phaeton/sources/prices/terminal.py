"""Prices in the terminal, hour by hour: from the running daemon, or from the source itself."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from phaeton import zones
from phaeton.config.tree import Config
from phaeton.daemon_client import address, authorization
from phaeton.links.http import Answer, Ask, HttpClient
from phaeton.model import PriceSlot
from phaeton.price_report import PriceReport, SourceReport, hour_rows, table
from phaeton.sources.prices.kinds import build
from phaeton.sources.prices.source import PriceSource
from phaeton.sources.service.answers import items, number, section
from phaeton.sources.service.days import Wall
from phaeton.sources.service.times import instant_s
from phaeton.sources.service.world import World

if TYPE_CHECKING:
    from phaeton.links.busitem_client import BusClient

OK = 0
FAILED = 1

_BUS_PATIENCE_S = 5.0


async def show(config: Config, *, ask: bool) -> int:
    """Print the prices; the exit code tells whether there is one for now. ``ask`` passes a running daemon by."""
    http = HttpClient()
    try:
        report = None if ask else await _of_daemon(config, http)
        where = "the running daemon says" if report is not None else "asked just now"
        if report is None:
            report = await _of_source(config, http)
    finally:
        await http.close()
    wall = Wall(zones.zone(config.site.timezone, time.time()))
    sys.stdout.write("\n".join([*lines(report, where, wall, time.time()), ""]))
    return OK if report.in_force else FAILED


def lines(report: PriceReport, where: str, wall: Wall, now_s: float) -> Iterator[str]:
    """The report as text."""
    yield f"prices.source: {report.kind} ({where})"
    for source in report.sources:
        yield f"  {source.title}: {_state(source, wall, now_s)}"
        if source.trouble:
            yield f"    trouble: {source.trouble}"
        if source.dropped:
            yield f"    left out: {', '.join(f'{count} {why}' for why, count in sorted(source.dropped.items()))}"
    for note in report.notes:
        yield f"  note: {note}"
    present = next((slot for slot in report.slots if slot.start_s <= now_s < slot.end_s), None)
    if present is None:
        yield "  now: unknown, so nothing is charged by price"
    else:
        price = f"{present.import_per_kwh:.4f} {report.currency}/kWh until {wall.clock(present.end_s)}"
        yield f"  now: {price}, feeding in brings {present.feed_in_per_kwh:.4f}"
    today_s = wall.day_start_s(now_s)
    slots = [slot for slot in report.slots if slot.end_s > today_s]
    if slots:
        yield ""
        yield table(hour_rows(slots, report.charging), report.currency, now_s, wall.date, wall.clock)


def _state(source: SourceReport, wall: Wall, now_s: float) -> str:
    parts = []
    if source.answered_utc_s is not None:
        parts.append(f"told prices {_age(now_s - source.answered_utc_s)} ago")
    if source.known_until_utc_s is not None:
        parts.append(f"known until {wall.date(source.known_until_utc_s)} {wall.clock(source.known_until_utc_s)}")
    if source.next_utc_s is not None:
        parts.append(f"asked again at {wall.clock(source.next_utc_s)}")
    return ", ".join(parts) or ("no answer yet" if source.trouble else "always known")


def _age(seconds: float) -> str:
    minutes = max(seconds, 0.0) / 60.0
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60.0:.0f} h"


async def _of_source(config: Config, http: HttpClient) -> PriceReport:
    zone = zones.zone(config.site.timezone, time.time())

    def now() -> tuple[float, float]:
        return time.monotonic(), time.time()

    if "victron" not in (config.prices.source, config.prices.fallback):
        return await build(config.prices, zone, World(http, None, now)).look()
    from phaeton.links.busitem_client import BusClient  # noqa: PLC0415 - only where a price of the bus is wanted
    from phaeton.links.dbus import DbusLink  # noqa: PLC0415

    bus = BusClient(DbusLink("phaeton-prices"))
    bus.open()
    source = build(config.prices, zone, World(http, bus, now))
    try:
        return await _patiently(source, bus)
    finally:
        source.stop()
        await bus.close()


async def _patiently(source: PriceSource, bus: BusClient) -> PriceReport:
    """A bus needs a moment to be connected and to tell its values."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + _BUS_PATIENCE_S
    while not bus.link.connected and loop.time() < end_s:  # noqa: ASYNC110 - a link has no event for this
        await asyncio.sleep(0.05)
    report = await source.look()
    while not report.in_force and bus.link.connected and loop.time() < end_s:
        await asyncio.sleep(0.1)
        report = await source.look()  # asks only what is due, and that is what has news
    return report


async def _of_daemon(config: Config, http: HttpClient) -> PriceReport | None:
    """What the daemon of this configuration shows; None where none answers."""
    if not config.web.enabled or config.web.port == 0:
        return None
    answer = await http.send(Ask(url=f"{address(config.web)}/api/prices", headers=authorization()))
    if not isinstance(answer, Answer) or answer.status != 200:
        return None
    try:
        return of_api(answer.json())
    except ValueError:
        return None


def of_api(said: object) -> PriceReport:
    """The report from the API's answer."""
    told = section(said)
    now = section(told.get("now"))
    slots = [section(slot) for slot in items(told.get("slots"))]
    known = [slot for slot in slots if slot.get("charge") is not None]
    return PriceReport(
        kind=str(now.get("source", "")),
        sources=tuple(_source(section(source)) for source in items(told.get("sources"))),
        in_force=str(now.get("in_force", "")),
        currency=str(now.get("currency", "")),
        slots=tuple(_slots(slots)),
        notes=tuple(str(note) for note in items(now.get("notes"))),
        charging=tuple((s.start_s, s.end_s) for s in _slots([s for s in known if s["charge"] is True]))
        if known
        else None,
    )


def _slots(slots: list[dict[str, object]]) -> Iterator[PriceSlot]:
    for slot in slots:
        start_s, end_s = instant_s(slot.get("start")), instant_s(slot.get("end"))
        price, feed_in = number(slot.get("import_per_kwh")), number(slot.get("feed_in_per_kwh"))
        if start_s is not None and end_s is not None and price is not None and feed_in is not None:
            yield PriceSlot(start_s, end_s, price, feed_in, str(slot.get("level") or ""))


def _source(told: dict[str, object]) -> SourceReport:
    dropped = section(told.get("dropped"))
    return SourceReport(
        title=str(told.get("title", "")),
        answered_utc_s=instant_s(told.get("answered")),
        known_until_utc_s=instant_s(told.get("known_until")),
        next_utc_s=instant_s(told.get("next")),
        trouble=str(told.get("trouble", "")),
        trouble_kind=str(told.get("trouble_kind", "")),
        dropped={why: int(number(count) or 0) for why, count in dropped.items()},
        note=str(told.get("note", "")),
    )
