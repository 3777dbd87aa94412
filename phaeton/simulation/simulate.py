"""Run a configuration over a history and account for it: ``simulate(history, config, stays, ...) -> Result``."""

from __future__ import annotations

import time
from collections.abc import Sequence

from msgspec import structs

from phaeton.config.points import charging_points
from phaeton.config.tree import Config
from phaeton.config.writing import to_plain
from phaeton.simulation.csv_rows import utc_text
from phaeton.simulation.history import Gap, History
from phaeton.simulation.ledger import Account
from phaeton.simulation.offline_run import QUIET_S, MakeControl, OfflineRun, Progress, S, site_control
from phaeton.simulation.result import GapTime, MonthTotals, Period, Result, Setup, StayTotals, WeekTotals
from phaeton.simulation.series import Series
from phaeton.simulation.stays import Stay
from phaeton.simulation.tariff import Tariff
from phaeton.simulation.texture import Texture
from phaeton.zones import zone as zone_of

FINE_S = 10.0
"""Coarser steps or data do not show clouds, so that starts and switches cannot be counted."""
COUNTS = ("starts", "phase_switches", "setpoint_writes")


class SimulationError(ValueError):
    """The parts do not fit together; the text says why and what to do."""


def simulate(
    history: History,
    config: Config,
    stays: Sequence[Stay],
    tariff: Tariff | None = None,
    setup: Setup | None = None,
    *,
    make_control: MakeControl[S] = site_control,  # type: ignore[assignment]
    series: Series | None = None,
    progress: Progress | None = None,
    quiet_s: float = QUIET_S,
) -> Result:
    """Run the control over a history; raises `SimulationError`.

    Without a ``tariff`` the fixed prices of the configuration hold. ``series`` is filled for plots; ``quiet_s``
    is how rarely the control is asked while no car is there. The same arguments give the same result, but for the wall
    times.
    """
    begun_s = time.perf_counter()
    setup = Setup() if setup is None else setup
    step_s = setup.step_s
    first_s = history.start_s if setup.start_s is None else max(setup.start_s, history.start_s)
    last_s = history.end_s if setup.end_s is None else min(setup.end_s, history.end_s)
    if 60.0 % step_s != 0.0 or history.cell_s % step_s != 0.0:
        raise SimulationError(f"steps of {step_s:g} s do not fill a minute, or the history's {history.cell_s:g} s")
    if last_s - first_s < history.cell_s:
        raise SimulationError(
            f"nothing of the history lies within the time; it goes from {utc_text(history.start_s)} to "
            f"{utc_text(history.end_s)}"
        )
    cell_s = history.cell_s
    first_s = history.start_s + (first_s - history.start_s) // cell_s * cell_s
    last_s = history.start_s + (last_s - history.start_s) // cell_s * cell_s
    points = charging_points(config, {})
    zone = zone_of(config.site.timezone, first_s)
    within = _within(stays, first_s, last_s, {point.id for point in points})
    if series is not None:
        series.begin(first_s, last_s)
    run = OfflineRun(
        config,
        points,
        zone,
        make_control(config, points, zone),
        setup=setup.house,
        tariff=tariff,
        step_s=step_s,
        start_s=first_s,
        end_s=last_s,
        series=series,
        progress=progress,
        quiet_s=quiet_s,
    )
    run.over(history, within, Texture(setup.seed) if setup.texture else None)
    wall_s = time.perf_counter() - begun_s
    total = Account()
    for account in run.months.values():
        total.add_house(account)
        total.add_cars(account)
        total.add_goal(account.unmet_kwh, account.late_min)
    coarse = step_s > FINE_S or (history.data_s > FINE_S and not setup.texture)
    return Result(
        steps=run.steps,
        wall_s=round(wall_s, 3),
        steps_per_s=round(run.steps / wall_s, 1),
        config=to_plain(config),
        run=Period(
            start=utc_text(first_s),
            end=utc_text(last_s),
            step_s=step_s,
            data_s=history.data_s,
            texture=setup.texture,
            seed=setup.seed,
            timezone=zone.name,
            house=setup.house,
        ),
        gaps=[_gap(gap) for gap in history.gaps if gap.end_s > first_s and gap.start_s < last_s],
        notes=_notes(history, len(stays) - len(within), run, total, setup),
        not_valid=list(COUNTS) if coarse else [],
        totals=total.totals(),
        months=[MonthTotals(month=name, **structs.asdict(account.totals())) for name, account in run.months.items()],
        weeks=[WeekTotals(week=name, **structs.asdict(account.totals())) for name, account in run.weeks.items()],
        sessions=[_session(closed.stay, closed.account) for closed in run.closed],
    )


def _gap(gap: Gap) -> GapTime:
    hours = round((gap.end_s - gap.start_s) / 3600.0, 4)
    return GapTime(start=utc_text(gap.start_s), end=utc_text(gap.end_s), hours=hours, why=gap.why)


def _session(stay: Stay, account: Account) -> StayTotals:
    return StayTotals(
        arrival=utc_text(stay.arrival_s),
        departure=utc_text(stay.departure_s),
        wanted_kwh=stay.energy_kwh,
        point=stay.point,
        **structs.asdict(account.totals()),
    )


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


def _notes(history: History, left_out: int, run: OfflineRun[S], total: Account, setup: Setup) -> list[str]:
    found = list(history.notes)
    if left_out:
        found.append(
            _stays(left_out, "begins before or ends after", "begin before or end after") + " the time; left out"
        )
    if run.unseen:
        found.append(
            _stays(len(run.unseen), "lies", "lie") + " within a gap of the history or between two steps; left out"
        )
    cut = sum(
        any(gap.start_s < closed.stay.departure_s and gap.end_s > closed.stay.arrival_s for gap in history.gaps)
        for closed in run.closed
    )
    if cut:
        found.append(_stays(cut, "has", "have") + " a gap of the history inside, in which nothing was charged")
    if total.unpriced_wh:
        found.append(
            f"No price is known for {total.unpriced_wh / 1000:.1f} kWh of import and export; no cost holds them"
        )
    if setup.step_s > FINE_S:
        found.append(f"Steps of {setup.step_s:g} s are too coarse to count starts, phase switches and setpoint writes")
    elif history.data_s > FINE_S and not setup.texture:
        found.append(
            f"The history has a value each {_length(history.data_s)}: clouds are not in it, so starts, phase switches "
            "and setpoint writes cannot be counted; --texture gives it realistic seconds"
        )
    elif setup.texture:
        found.append("The seconds of PV and load are made up (--texture): their counts are likely, not measured")
    return found


def _stays(count: int, does: str, do: str) -> str:
    return f"1 stay {does}" if count == 1 else f"{count} stays {do}"


def _length(span_s: float) -> str:
    return f"{span_s / 60:g} min" if span_s >= 60 else f"{span_s:g} s"
