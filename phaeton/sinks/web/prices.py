"""The prices as the API tells them: a summary in each snapshot, the slots on request."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from phaeton.model import PriceSlot
from phaeton.price_report import PriceReport, SourceReport
from phaeton.sinks.web.moments import moment


class PriceSlotStatus(Struct, frozen=True):
    """What a kWh costs and brings in one slot."""

    start: str
    end: str
    import_per_kwh: float
    feed_in_per_kwh: float
    level: str | None
    charge: bool | None
    """Whether charging is planned in it; null where neither a plan nor a price strategy is at work."""


class PriceSourceStatus(Struct, frozen=True, kw_only=True):
    """How one source of prices fares."""

    title: str
    answered: str | None
    """When prices came last."""
    age_s: float | None
    known_until: str | None
    next: str | None
    """When it is asked next."""
    trouble: str
    """What is wrong and what to do."""
    trouble_kind: str
    failures: int
    dropped: dict[str, int]
    note: str
    requests: int
    answers: int


class PriceSummary(Struct, frozen=True, kw_only=True):
    """The present price and whether all is well: part of each snapshot."""

    source: str
    """``prices.source``."""
    in_force: str
    """Who told the present price; empty where it is unknown."""
    currency: str
    import_per_kwh: float | None
    feed_in_per_kwh: float | None
    until: str | None
    """When the price changes."""
    known_until: str | None
    age_s: float | None
    """Since the source told prices last; null for fixed rates."""
    trouble: str
    notes: tuple[str, ...]
    version: int
    """Counts the changes: ask ``/api/prices`` again when it is another one."""


class PriceList(Struct, frozen=True, kw_only=True):
    """The answer to ``GET /api/prices``."""

    now: PriceSummary
    sources: list[PriceSourceStatus]
    slots: list[PriceSlotStatus]


def summary(report: PriceReport, utc_s: float) -> PriceSummary:
    """The summary of a report."""
    present = next((slot for slot in report.slots if slot.start_s <= utc_s < slot.end_s), None)
    answered_s = report.sources[0].answered_utc_s if report.sources else None
    return PriceSummary(
        source=report.kind,
        in_force=report.in_force,
        currency=report.currency,
        import_per_kwh=None if present is None else present.import_per_kwh,
        feed_in_per_kwh=None if present is None else present.feed_in_per_kwh,
        until=None if present is None else moment(present.end_s),
        known_until=moment(max((slot.end_s for slot in report.slots), default=None)),
        age_s=None if answered_s is None else round(max(utc_s - answered_s, 0.0)),
        trouble=next((source.trouble for source in report.sources if source.trouble), ""),
        notes=report.notes,
        version=report.version,
    )


def price_list(report: PriceReport, utc_s: float) -> PriceList:
    """All that is known."""
    return PriceList(
        now=summary(report, utc_s),
        sources=[source_status(source, utc_s) for source in report.sources],
        slots=[_slot(slot, report.charging) for slot in report.slots],
    )


def source_status(source: SourceReport, utc_s: float) -> PriceSourceStatus:
    """How a source fares."""
    answered_s = source.answered_utc_s
    return PriceSourceStatus(
        title=source.title,
        answered=moment(answered_s),
        age_s=None if answered_s is None else round(max(utc_s - answered_s, 0.0)),
        known_until=moment(source.known_until_utc_s),
        next=moment(source.next_utc_s),
        trouble=source.trouble,
        trouble_kind=source.trouble_kind,
        failures=source.failures,
        dropped=dict(source.dropped),
        note=source.note,
        requests=source.asked,
        answers=source.answered,
    )


def _slot(slot: PriceSlot, charging: Sequence[tuple[float, float]] | None) -> PriceSlotStatus:
    charge = None if charging is None else any(start < slot.end_s and end > slot.start_s for start, end in charging)
    return PriceSlotStatus(
        moment(slot.start_s),
        moment(slot.end_s),
        slot.import_per_kwh,
        slot.feed_in_per_kwh,
        slot.level or None,
        charge,
    )
