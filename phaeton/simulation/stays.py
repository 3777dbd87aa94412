"""The stays of a car: when it comes, when it leaves, and how much it wants. Each is a goal.

The CSV has ``arrival``, ``departure`` (with zone) and ``energy_kwh`` (from the socket), and perhaps ``max_power_kw``
(what the car takes at most) and ``point`` (which charging point, by its id).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from phaeton.calendar_days import midnight, next_midnight
from phaeton.model import Zone
from phaeton.simulation.csv_rows import CsvFile, InputError, utc_text

_MOST_KWH = 250.0
"""More than any car's battery; above this the energy is in Wh."""
_AWAY_S = 300.0
_SHORTEST_S = 3600.0


class Stay(Struct, frozen=True, kw_only=True):
    """One car from plugging in to leaving."""

    arrival_s: float
    departure_s: float
    energy_kwh: float
    """Wanted from the socket until the departure."""
    max_w: float | None = None
    """What the car takes at most, where that is known."""
    point: str = ""
    """Empty = the first charging point."""


def daily(zone: Zone, start_s: float, end_s: float, energy_kwh: float) -> tuple[Stay, ...]:
    """The plainest car: plugged in from midnight to midnight (less five minutes), with so much to charge each day.

    Of the first and the last day only a part may be there; it wants its part of the energy, from an hour on.
    """
    stays = []
    day_s = midnight(zone, start_s)
    while day_s < end_s:
        next_s = next_midnight(zone, day_s)
        begin_s, leave_s = max(day_s, start_s), min(next_s - _AWAY_S, end_s)
        if leave_s - begin_s >= _SHORTEST_S:
            part = min(1.0, (leave_s + _AWAY_S - begin_s) / (next_s - day_s))
            stays.append(Stay(arrival_s=begin_s, departure_s=leave_s, energy_kwh=round(energy_kwh * part, 3)))
        day_s = next_s
    return tuple(stays)


def read_stays(path: Path, only: Mapping[str, str] | None = None) -> tuple[Stay, ...]:
    """Read the stays, in order of their arrivals; ``only`` keeps rows with these values. Raises `InputError`."""
    file = CsvFile(path)
    known = ("arrival", "departure", "energy_kwh", "max_power_kw", "point")
    arrival_at, departure_at, energy_at = (file.index(name, known) for name in known[:3])
    power_at, point_at = (file.header.index(name) if name in file.header else None for name in known[3:])
    wanted = [(file.index(name), value) for name, value in (only or {}).items()]
    found: list[tuple[Stay, int]] = []
    for row, cells in file.rows():
        if any(cells[place] != value for place, value in wanted):
            continue
        arrival_s = file.time_s(cells[arrival_at], row, "arrival")
        departure_s = file.time_s(cells[departure_at], row, "departure")
        if departure_s <= arrival_s:
            raise InputError(path, f"{cells[departure_at]} is not after the arrival", row=row, column="departure")
        max_kw = None if power_at is None else file.number(cells[power_at], row, "max_power_kw")
        stay = Stay(
            arrival_s=arrival_s,
            departure_s=departure_s,
            energy_kwh=_energy(file, cells[energy_at], row),
            max_w=None if max_kw is None else max_kw * 1000.0,
            point="" if point_at is None else cells[point_at].strip(),
        )
        found.append((stay, row))
    if not found:
        which = " and ".join(f"{name}={value}" for name, value in (only or {}).items())
        raise InputError(path, f"has no stay with {which}" if which else "has no stays")
    found.sort(key=lambda one: one[0].arrival_s)
    _judge_overlaps(path, found)
    return tuple(stay for stay, _ in found)


def _energy(file: CsvFile, text: str, row: int) -> float:
    energy_kwh = file.number(text, row, "energy_kwh")
    if energy_kwh is None:
        raise InputError(file.path, "is empty", row=row, column="energy_kwh", remedy="Write what the car wanted, or 0")
    if energy_kwh < 0.0:
        raise InputError(file.path, f"{text} kWh is negative", row=row, column="energy_kwh")
    if energy_kwh > _MOST_KWH:
        raise InputError(
            file.path, f"{text} kWh is more than a car holds", row=row, column="energy_kwh", remedy="Is it in Wh?"
        )
    return energy_kwh


def _judge_overlaps(path: Path, found: list[tuple[Stay, int]]) -> None:
    last: dict[str, tuple[Stay, int]] = {}
    for stay, row in found:
        before = last.get(stay.point)
        if before is not None and stay.arrival_s < before[0].departure_s:
            raise InputError(
                path,
                f"{utc_text(stay.arrival_s)} is within the stay of row {before[1]}, which ends at "
                f"{utc_text(before[0].departure_s)}",
                row=row,
                column="arrival",
                remedy="A charging point has one car at a time: keep those of one user (--only user_id=...), "
                "or tell the points apart in a column point",
            )
        last[stay.point] = (stay, row)
