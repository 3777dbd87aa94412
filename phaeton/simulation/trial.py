"""``python -m phaeton.simulation.trial``: the process of a simulation job (`phaeton.trial` says what it is given).

It is the least important process of the machine: it gets what time and disk the others leave, is the first to go when
memory runs out, and ends when the one who asked is gone.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from phaeton.config.points import charging_points
from phaeton.config.tree import Config
from phaeton.minutes import Block, DamagedBlock, decode
from phaeton.recording import RecordingError
from phaeton.simulation.compare.forerunner_auto import forerunner_control
from phaeton.simulation.compare.strategies import Strategy, built_in, goalless_control
from phaeton.simulation.history import History
from phaeton.simulation.house_setup import HouseSetup
from phaeton.simulation.offline_run import Progress, site_control
from phaeton.simulation.recorded import MEASURED_SUN, history_of, of_minutes, of_recordings, tariff_of
from phaeton.simulation.report import page
from phaeton.simulation.result import Result, Setup
from phaeton.simulation.scope import SimulationError, scope
from phaeton.simulation.series import Series
from phaeton.simulation.simulate import simulate
from phaeton.simulation.stays import Stay
from phaeton.simulation.tariff import Tariff
from phaeton.simulation.worth import Worth, worth
from phaeton.trial import DayOutcome, Outcome, Told, Trial, TrialResult, TrialRun
from phaeton.zones import zone as zone_of

OK, FAILED, ALONE = 0, 1, 4
MISSED_KWH = 0.05
"""A goal that misses by less counts as met."""
_TOLD_APART = 0.005
_LENGTH_BYTES = 4
_NICEST = 19
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30, "armv7l": 314}
"""Numbers of the system call by machine, from the kernel's own tables."""
_OF_A_PROCESS, _IDLE_CLASS = 1, 3


def main() -> int:
    """Read a trial, try it, tell what came of it."""
    _step_back()
    length = int.from_bytes(sys.stdin.buffer.read(_LENGTH_BYTES), "little")
    trial = msgspec.msgpack.decode(sys.stdin.buffer.read(length), type=Trial)
    threading.Thread(target=_end_with_the_asker, daemon=True).start()
    resource.setrlimit(resource.RLIMIT_AS, (trial.memory_bytes, trial.memory_bytes))
    try:
        _tell(Told(result=_tried(trial)))
    except (SimulationError, RecordingError, DamagedBlock, OSError) as error:
        _tell(Told(error=str(error)))
        return FAILED
    except MemoryError:
        _tell(Told(error="there is not enough memory: try fewer days, or longer steps (step_s)"))
        return FAILED
    return OK


def _step_back() -> None:
    os.nice(_NICEST)
    _idle_at_the_disk()
    with suppress(OSError):  # where there is no such file, the kernel chooses
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _idle_at_the_disk() -> None:
    """The disk only while nobody else wants it (Linux, ``ioprio_set``)."""
    number = _IOPRIO_SET.get(os.uname().machine)
    if number is not None:
        ctypes.CDLL(None).syscall(number, _OF_A_PROCESS, 0, _IDLE_CLASS << 13)


def _end_with_the_asker() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(ALONE)


def _tell(told: Told) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
    sys.stdout.buffer.flush()


class _Teller:
    """Tells how far all runs together are, not more often than anybody wants to know."""

    def __init__(self, runs: int) -> None:
        self._runs = runs
        self._told = 0.0

    def of_run(self, number: int) -> Progress:
        """What a run tells its own part to."""

        def progress(part: float) -> None:
            whole = (number + min(max(part, 0.0), 1.0)) / self._runs
            if whole - self._told >= _TOLD_APART:
                self._told = whole
                _tell(Told(progress=round(whole, 4)))

        return progress


def _tried(trial: Trial) -> TrialResult:
    blocks = _blocks(trial.blocks)
    history = _history(trial, blocks)
    configs = [msgspec.json.decode(run.config, type=Config) for run in trial.runs]
    today = configs[0]
    tariff = tariff_of(blocks, today.prices.currency) if trial.dynamic_prices else None
    notes = list(_notes(trial, tariff))
    house = HouseSetup(
        battery_kwh=trial.house.battery_kwh,
        battery_w=trial.house.battery_w,
        feed_in_limit_w=trial.house.feed_in_limit_w,
        car_phases=trial.house.car_phases,
        car_max_a=trial.house.car_a,
    )
    setup = Setup(house=house, step_s=trial.step_s, start_s=trial.from_s, end_s=trial.to_s)
    teller = _Teller(len(trial.runs))
    results: list[Result] = []
    for number, (run, config) in enumerate(zip(trial.runs, configs, strict=True)):
        result = _run(trial, run, config, history, tariff, setup, teller.of_run(number), number)
        results.append(result)
    seen = scope(history, today, _stays(trial, today), setup)
    rates = worth(tariff, today, seen.first_s, seen.last_s)
    first = results[0]
    return TrialResult(
        start=first.run.start,
        end=first.run.end,
        step_s=trial.step_s,
        data=trial.data,
        currency=today.prices.currency,
        known_h=round(first.steps * trial.step_s / 3600.0, 2),
        notes=tuple(dict.fromkeys((*notes, *first.notes))),
        outcomes=tuple(
            _outcome(run, result, rates, rates.settled(first)) for run, result in zip(trial.runs, results, strict=True)
        ),
    )


def _blocks(packed: Sequence[bytes]) -> list[Block]:
    """The hours, each once, with all that is known of it."""
    found: dict[int, Block] = {}
    for raw in packed:
        block = decode(raw)
        before = found.get(block.start_s)
        found[block.start_s] = block if before is None else block.over(before)
    return list(found.values())


def _history(trial: Trial, blocks: Sequence[Block]) -> History:
    if trial.data == "recordings":
        paths = [Path(path) for path in trial.recordings]
        cells = of_recordings(paths, trial.step_s, trial.from_s, trial.to_s)
        return history_of(cells, trial.step_s, 1.0)
    return history_of(of_minutes(blocks, trial.from_s, trial.to_s), 60.0, 60.0)


def _run(
    trial: Trial,
    run: TrialRun,
    config: Config,
    history: History,
    tariff: Tariff | None,
    setup: Setup,
    progress: Progress,
    number: int,
) -> Result:
    decider = "graph"
    if run.strategy:
        strategy = _strategy(run.strategy, config, setup.house)
        config, decider = strategy.config, strategy.decider
    series = Series()
    parts = (history, config, _stays(trial, config), tariff, setup)
    match decider:
        case "goalless":
            result = simulate(*parts, make_control=goalless_control, series=series, progress=progress)
        case "forerunner":
            result = simulate(*parts, make_control=forerunner_control, series=series, progress=progress)
        case _:
            result = simulate(*parts, make_control=site_control, series=series, progress=progress)
    zone = zone_of(config.site.timezone, series.start_s)
    html = page(result, series, zone, config.prices.currency, config)
    (Path(trial.folder) / f"{number}.html").write_text(html, encoding="utf-8")
    return result


def _strategy(name: str, config: Config, house: HouseSetup) -> Strategy:
    return next(one for one in built_in(config, house) if one.name == name)


def _stays(trial: Trial, config: Config) -> tuple[Stay, ...]:
    """The stays at the points that the configuration has."""
    points = {point.id for point in charging_points(config, {})}
    return tuple(
        Stay(arrival_s=stay.arrival_s, departure_s=stay.departure_s, energy_kwh=stay.energy_kwh, point=stay.point)
        for stay in trial.stays
        if stay.point in points
    )


def _notes(trial: Trial, tariff: Tariff | None) -> Iterator[str]:
    yield "What a car took in a stay is what it wants in it, until it leaves"
    yield MEASURED_SUN
    if trial.dynamic_prices and tariff is None:
        yield "No prices were recorded in this time; those of the configuration hold"
    if not trial.house.battery_kwh:
        yield "The house is simulated without a battery; battery_kwh says how large one is"


def _outcome(run: TrialRun, result: Result, rates: Worth, base: float) -> Outcome:
    totals = result.totals
    settled = rates.settled(result)
    counted = not result.not_valid
    return Outcome(
        name=run.name,
        title=run.title,
        cost=round(totals.cost, 4),
        ev_cost=round(totals.ev_cost, 4),
        settled_cost=round(settled, 4),
        saving=round(base - settled, 4),
        ev_kwh=totals.ev_kwh,
        pv_kwh=totals.ev_from_pv_kwh,
        battery_kwh=totals.ev_from_battery_kwh,
        grid_kwh=totals.ev_from_grid_kwh,
        import_kwh=totals.import_kwh,
        export_kwh=totals.export_kwh,
        self_consumption_pct=totals.self_consumption_pct,
        stays=len(result.sessions),
        unmet_stays=sum(one.unmet_kwh > MISSED_KWH for one in result.sessions),
        unmet_kwh=totals.unmet_kwh,
        starts=totals.starts if counted else None,
        phase_switches=totals.phase_switches if counted else None,
        setpoint_writes=totals.setpoint_writes if counted else None,
        days=tuple(
            DayOutcome(
                day=one.day,
                pv_kwh=round(one.ev_from_pv_kwh, 3),
                battery_kwh=round(one.ev_from_battery_kwh, 3),
                grid_kwh=round(one.ev_from_grid_kwh, 3),
                ev_cost=round(one.ev_cost, 4),
                cost=round(one.cost, 4),
            )
            for one in result.days
        ),
    )


if __name__ == "__main__":
    sys.exit(main())
