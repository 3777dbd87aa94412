"""What of a history is simulated: the time in whole cells, the charging points, and the stays that lie within."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from phaeton.config.points import Point, charging_points
from phaeton.config.tree import Config
from phaeton.model import Zone
from phaeton.simulation.csv_rows import utc_text
from phaeton.simulation.history import Gap, History
from phaeton.simulation.result import GapTime, Period, Setup
from phaeton.simulation.stays import Stay
from phaeton.zones import zone as zone_of


class SimulationError(ValueError):
    """The parts do not fit together; the text says why and what to do."""


class Scope(Struct, frozen=True):
    """The time from ``first_s`` to ``last_s`` (UTC), and who is there."""

    first_s: float
    last_s: float
    points: tuple[Point, ...]
    zone: Zone
    stays: tuple[Stay, ...]
    left_out: int
    """Stays that begin before or end after."""


def scope(history: History, config: Config, stays: Sequence[Stay], setup: Setup) -> Scope:
    """Judge whether the parts fit together; raises `SimulationError`."""
    step_s, cell_s = setup.step_s, history.cell_s
    if 60.0 % step_s != 0.0 or cell_s % step_s != 0.0:
        raise SimulationError(f"steps of {step_s:g} s do not fill a minute, or the history's {cell_s:g} s")
    first_s = history.start_s if setup.start_s is None else max(setup.start_s, history.start_s)
    last_s = history.end_s if setup.end_s is None else min(setup.end_s, history.end_s)
    if last_s - first_s < cell_s:
        raise SimulationError(
            f"nothing of the history lies within the time; it goes from {utc_text(history.start_s)} to "
            f"{utc_text(history.end_s)}"
        )
    first_s = history.start_s + (first_s - history.start_s) // cell_s * cell_s
    last_s = history.start_s + (last_s - history.start_s) // cell_s * cell_s
    points = charging_points(config, {})
    within = _within(stays, first_s, last_s, {point.id for point in points})
    zone = zone_of(config.site.timezone, first_s)
    return Scope(first_s, last_s, points, zone, tuple(within), len(stays) - len(within))


def _within(stays: Sequence[Stay], first_s: float, last_s: float, points: set[str]) -> list[Stay]:
    """The stays that begin and end within the time; a goal that is cut is no goal."""
    for stay in stays:
        if stay.point and stay.point not in points:
            raise SimulationError(
                f"a stay is at point {stay.point!r}; the configuration has {', '.join(sorted(points))}. "
                "Give the chargers these ids, or take the column out"
            )
    within = [stay for stay in stays if stay.arrival_s >= first_s and stay.departure_s <= last_s]
    if stays and not within:
        raise SimulationError(
            f"no stay lies within the time {utc_text(first_s)} to {utc_text(last_s)}; they go from "
            f"{utc_text(min(stay.arrival_s for stay in stays))} to {utc_text(max(stay.departure_s for stay in stays))}"
        )
    return within


def period(seen: Scope, history: History, setup: Setup, battery_end_pct: float | None) -> Period:
    """How it was simulated, for the result."""
    return Period(
        start=utc_text(seen.first_s),
        end=utc_text(seen.last_s),
        step_s=setup.step_s,
        data_s=history.data_s,
        texture=setup.texture,
        seed=setup.seed,
        timezone=seen.zone.name,
        house=setup.house,
        battery_end_pct=None if battery_end_pct is None else round(battery_end_pct, 6),
    )


def gap_times(seen: Scope, history: History) -> list[GapTime]:
    """What the history does not know of the time, for the result."""
    return [_gap(gap) for gap in history.gaps if gap.end_s > seen.first_s and gap.start_s < seen.last_s]


def _gap(gap: Gap) -> GapTime:
    hours = round((gap.end_s - gap.start_s) / 3600.0, 4)
    return GapTime(start=utc_text(gap.start_s), end=utc_text(gap.end_s), hours=hours, why=gap.why)
