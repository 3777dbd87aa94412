"""What is known of the prices and of their source, for the page, the API, the terminal and the log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from phaeton.model import PriceSlot


class SourceReport(Struct, frozen=True, kw_only=True):
    """How one source fares."""

    title: str
    answered_utc_s: float | None = None
    """When prices came last."""
    known_until_utc_s: float | None = None
    next_utc_s: float | None = None
    """When it is asked next."""
    trouble: str = ""
    """What is wrong and what to do; empty when all is well."""
    trouble_kind: str = ""
    failures: int = 0
    """Troubles in a row."""
    dropped: Mapping[str, int] = {}
    """Rows of the last answer that were left out, by why."""
    note: str = ""
    asked: int = 0
    answered: int = 0


class PriceReport(Struct, frozen=True, kw_only=True):
    """The prices and where they come from."""

    kind: str
    """``prices.source``."""
    sources: tuple[SourceReport, ...]
    """The source and, where there is one, its fallback."""
    in_force: str
    """Title of the source of the present price; empty where it is unknown."""
    currency: str = ""
    slots: tuple[PriceSlot, ...] = ()
    notes: tuple[str, ...] = ()
    charging: tuple[tuple[float, float], ...] | None = None
    """The stretches in which a plan or the price lets a car charge; None where neither is at work."""
    version: int = 0
    """Counts the changes of the prices."""
    strategy: str = ""
    """``schedule.strategy``."""
    threshold_per_kwh: float | None = None
    """The price up to which the strategy charges now, where it goes by one."""
    cheap: tuple[PriceSlot, ...] = ()
    """The slots ahead that the price alone would charge in."""


class HourRow(Struct, frozen=True):
    """One hour of a table for people."""

    start_s: float
    mean: float
    least: float
    most: float
    charge: bool | None
    """Whether charging is planned in it; None where nothing is planned at all."""
    complete: bool
    """Prices are known for the whole hour."""


def hour_rows(slots: Iterable[PriceSlot], charge: Iterable[tuple[float, float]] | None = None) -> tuple[HourRow, ...]:
    """The slots by full hours; ``charge`` are the stretches in which charging is planned."""
    hours: dict[float, list[tuple[float, float]]] = {}
    for slot in slots:
        start_s = slot.start_s
        while start_s < slot.end_s:
            hour_s = start_s - start_s % 3600.0
            end_s = min(slot.end_s, hour_s + 3600.0)
            hours.setdefault(hour_s, []).append((end_s - start_s, slot.import_per_kwh))
            start_s = end_s
    planned = None if charge is None else tuple(charge)
    rows = []
    for hour_s in sorted(hours):
        parts = hours[hour_s]
        length_s = sum(part_s for part_s, _ in parts)
        prices = [price for _, price in parts]
        on = None if planned is None else any(a < hour_s + 3600.0 and b > hour_s for a, b in planned)
        mean = sum(part_s * price for part_s, price in parts) / length_s
        rows.append(HourRow(hour_s, mean, min(prices), max(prices), on, length_s >= 3600.0 - 1.0))
    return tuple(rows)


def table(
    rows: Iterable[HourRow], currency: str, now_s: float, date: Callable[[float], str], clock: Callable[[float], str]
) -> str:
    """The hours as text, a heading for each day, a `>` at the present hour; ``date`` and ``clock`` are the site's."""
    lines: list[str] = []
    day = ""
    for row in rows:
        if date(row.start_s) != day:
            day = date(row.start_s)
            lines.append(f"  {day}  {currency + '/kWh:':>9}    mean      min      max   charge")
        mark = ">" if row.start_s <= now_s < row.start_s + 3600.0 else " "
        charge = "" if row.charge is None else "yes" if row.charge else "no"
        prices = f"{row.mean:8.4f} {row.least:8.4f} {row.most:8.4f}"
        part = "" if row.complete else "   (not the whole hour)"
        lines.append(f"{mark} {clock(row.start_s):>5}                {prices}   {charge}{part}".rstrip())
    return "\n".join(lines)
