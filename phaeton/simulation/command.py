"""``phaeton simulate`` at work: read the files, simulate, write the result (the options are in ``cli.py``)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import Struct

from phaeton.calendar_days import instant
from phaeton.config.problems import ConfigError
from phaeton.config.tree import Config
from phaeton.model import Zone
from phaeton.recording import SUFFIX
from phaeton.simulation.csv_rows import InputError
from phaeton.simulation.history import History, read_history
from phaeton.simulation.house_setup import HouseSetup
from phaeton.simulation.out_files import STANDARD_OUTPUT, can_be_written
from phaeton.simulation.progress import ProgressBar
from phaeton.simulation.result import Result, Setup
from phaeton.simulation.scope import SimulationError
from phaeton.simulation.series import Series
from phaeton.simulation.settings import configured
from phaeton.simulation.simulate import simulate
from phaeton.simulation.stays import Stay, daily, read_stays
from phaeton.simulation.tariff import Tariff, read_tariff
from phaeton.zones import zone as zone_of

OK, WRONG = 0, 2


class Inputs(Struct, frozen=True):
    """Everything that the files and the command line say."""

    history: History
    config: Config
    stays: tuple[Stay, ...]
    tariff: Tariff | None
    setup: Setup
    notes: tuple[str, ...]


def run(options: argparse.Namespace) -> int:
    """Simulate, write what was asked for, and tell the outcome in a few lines."""
    bar = ProgressBar("simulating")
    series = Series() if options.html is not None else None
    try:
        can_be_written((options.json, options.html))
        bar.say("reading the history")
        inputs = read_inputs(options)
        result = simulate(
            inputs.history, inputs.config, inputs.stays, inputs.tariff, inputs.setup, series=series, progress=bar
        )
    except (ConfigError, InputError, SimulationError) as error:
        bar.done()
        complain(str(error))
        return WRONG
    bar.done()
    result.notes[:0] = inputs.notes
    if not _write(options, result, series, inputs.config):
        return WRONG
    return OK


def _write(options: argparse.Namespace, result: Result, series: Series | None, config: Config) -> bool:
    try:
        if options.json is not None and str(options.json) != STANDARD_OUTPUT:
            options.json.write_bytes(result.json())
        if series is not None:
            from phaeton.simulation.report import page  # noqa: PLC0415

            options.html.write_text(
                page(result, series, zone_of(config.site.timezone, series.start_s), config.prices.currency, config),
                encoding="utf-8",
            )
    except OSError as error:
        complain(f"{error.filename} cannot be written: {error.strerror}")
        return False
    if options.json is not None and str(options.json) == STANDARD_OUTPUT:
        sys.stdout.buffer.write(result.json())
    else:
        sys.stdout.write("\n".join(summary(result, config.prices.currency)) + "\n")
    return True


def read_inputs(options: argparse.Namespace) -> Inputs:
    """Read and judge everything that the options name; raises `ConfigError`, `InputError` and `SimulationError`."""
    loaded = configured(options.config, options.set)
    for notice in loaded.notices:
        complain(str(notice))
    config = loaded.config
    history = _history(options)
    zone = zone_of(config.site.timezone, history.start_s)
    start_s, end_s = _time(options.start, zone, "--start"), _time(options.end, zone, "--end")
    setup = Setup(
        house=HouseSetup(
            battery_kwh=options.battery_kwh,
            battery_w=options.battery_w,
            feed_in_limit_w=options.feed_in_limit_w,
            car_phases=options.car_phases,
            car_max_a=options.car_a,
        ),
        step_s=options.step,
        start_s=start_s,
        end_s=end_s,
        texture=options.texture,
        seed=options.seed,
    )
    prices = config.prices
    tariff = None
    notes: list[str] = []
    if options.prices is not None:
        tariff = read_tariff(options.prices, prices.feed_in_per_kwh, prices.currency, trust_units=options.trust_units)
    else:
        notes.append(
            f"Without --prices a kWh costs {prices.import_per_kwh:g} {prices.currency} and brings "
            f"{prices.feed_in_per_kwh:g} (prices.import_per_kwh, prices.feed_in_per_kwh)"
        )
    if options.sessions is not None:
        stays = read_stays(options.sessions, dict(_pair(text) for text in options.only))
    else:
        first_s = history.start_s if start_s is None else max(start_s, history.start_s)
        last_s = history.end_s if end_s is None else min(end_s, history.end_s)
        stays = daily(zone, first_s, last_s, options.daily_kwh)
        notes.append(
            f"Without --sessions a car is plugged in from midnight to midnight and wants {options.daily_kwh:g} kWh "
            "each day (--daily-kwh)"
        )
    return Inputs(history, config, stays, tariff, setup, tuple(notes))


def _history(options: argparse.Namespace) -> History:
    """From CSV files, or from what the daemon recorded."""
    recordings = [path for path in options.history if path.suffix == SUFFIX]
    if not recordings:
        return read_history(options.history, options.step, trust_units=options.trust_units)
    if len(recordings) < len(options.history):
        raise SimulationError("--history: give recordings of Phaeton or CSV files, not both at once")
    from phaeton.simulation.recorded import read_recordings  # noqa: PLC0415

    return read_recordings(recordings, options.step)


def _pair(text: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not mark:
        raise SimulationError(f"--only {text}: write COLUMN=VALUE, as in --only user_id=7")
    return name, value


def _time(text: str | None, zone: Zone, option: str) -> float | None:
    """A date or time of the command line; without an offset it is local."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise SimulationError(f"{option} {text}: write 2024-06-01, or 2024-06-01T12:00") from None
    if found.tzinfo is not None:
        return found.timestamp()
    return instant(zone, found.replace(tzinfo=UTC).timestamp())


def summary(result: Result, currency: str) -> Sequence[str]:
    """The outcome for people, in a few lines."""
    totals = result.totals
    share = (
        f", {totals.self_consumption_pct:.0f} % of the PV used here" if totals.self_consumption_pct is not None else ""
    )
    counts = f"{totals.starts} starts, {totals.phase_switches} phase switches, {totals.setpoint_writes} setpoint writes"
    run_of = result.run
    lines = [
        f"{run_of.start} to {run_of.end}, {result.steps} steps of {run_of.step_s:g} s in {result.wall_s:.1f} s",
        f"car      {totals.ev_kwh:10.1f} kWh: {totals.ev_from_pv_kwh:.1f} from the sun, "
        f"{totals.ev_from_battery_kwh:.1f} from the battery, {totals.ev_from_grid_kwh:.1f} from the grid",
        f"house    {totals.import_kwh:10.1f} kWh imported, {totals.export_kwh:.1f} exported{share}",
        f"cost     {totals.cost:10.2f} {currency}, of which {totals.ev_cost:.2f} for the car",
        f"goals    {sum(one.unmet_kwh > 0.05 for one in result.sessions):10d} of {len(result.sessions)} stays missed, "
        f"by {totals.unmet_kwh:.1f} kWh",
        f"counts   {counts}{' (not valid, see the notes)' if result.not_valid else ''}",
    ]
    if result.gaps:
        lines.append(f"gaps     {len(result.gaps):10d}, {sum(gap.hours for gap in result.gaps):.1f} h in all")
    return [*lines, *(f"note: {note}" for note in result.notes)]


def complain(text: str) -> None:
    """Say what is wrong, beside the result."""
    sys.stderr.write(text + "\n")
