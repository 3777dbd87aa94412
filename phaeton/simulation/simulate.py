"""Run a configuration over a history and account for it: ``simulate(history, config, stays, ...) -> Result``."""

from __future__ import annotations

import time
from collections.abc import Sequence

from phaeton.config.tree import Config
from phaeton.config.writing import to_plain
from phaeton.simulation.history import History
from phaeton.simulation.ledger import Account, by_day, by_month, by_week, of_stay, summed
from phaeton.simulation.offline_run import QUIET_S, MakeControl, OfflineRun, Progress, S, site_control
from phaeton.simulation.result import Result, Setup
from phaeton.simulation.scope import gap_times, period, scope
from phaeton.simulation.series import Series
from phaeton.simulation.stays import Stay
from phaeton.simulation.tariff import Tariff
from phaeton.simulation.texture import Texture

FINE_S = 10.0
"""Coarser steps or data do not show clouds, so that starts and switches cannot be counted."""
COUNTS = ("starts", "phase_switches", "setpoint_writes")


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
    seen = scope(history, config, stays, setup)
    if series is not None:
        series.begin(seen.first_s, seen.last_s)
    run = OfflineRun(
        config,
        seen.points,
        seen.zone,
        make_control(config, seen.points, seen.zone),
        setup=setup.house,
        tariff=tariff,
        step_s=setup.step_s,
        start_s=seen.first_s,
        end_s=seen.last_s,
        series=series,
        progress=progress,
        quiet_s=quiet_s,
    )
    run.over(history, seen.stays, Texture(setup.seed) if setup.texture else None)
    wall_s = time.perf_counter() - begun_s
    total = summed(run.days.values())
    return Result(
        steps=run.steps,
        wall_s=round(wall_s, 3),
        steps_per_s=round(run.steps / wall_s, 1),
        config=to_plain(config),
        run=period(seen, history, setup, run.battery_pct),
        gaps=gap_times(seen, history),
        notes=_notes(history, seen.left_out, run, total, setup),
        not_valid=list(COUNTS) if cloudless(history, setup) else [],
        totals=total.totals(),
        days=by_day(run.days),
        months=by_month(run.days),
        weeks=by_week(run.days),
        sessions=[of_stay(closed.stay, closed.account) for closed in run.closed],
    )


def cloudless(history: History, setup: Setup) -> bool:
    """Whether steps or data are too coarse to show clouds."""
    return setup.step_s > FINE_S or (history.data_s > FINE_S and not setup.texture)


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
