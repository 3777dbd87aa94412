"""``phaeton compare`` at work: read the files, run the strategies, write what came of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from phaeton.config.problems import ConfigError
from phaeton.simulation.command import OK, WRONG, Inputs, complain, read_inputs
from phaeton.simulation.compare.comparison import Comparison, Outcome, compare
from phaeton.simulation.compare.strategies import Strategy, built_in
from phaeton.simulation.csv_rows import InputError
from phaeton.simulation.out_files import STANDARD_OUTPUT, can_be_written
from phaeton.simulation.progress import ProgressBar
from phaeton.simulation.question import Question
from phaeton.simulation.scope import SimulationError, scope
from phaeton.simulation.settings import configured
from phaeton.simulation.workers import cores, local
from phaeton.simulation.worth import worth
from phaeton.zones import zone as zone_of

NO_MEMORY = "a process of the run was ended from outside, perhaps for want of memory: try again with --jobs 1"


def run(options: argparse.Namespace) -> int:
    """Compare, write what was asked for, and tell the outcome in a table."""
    bar = ProgressBar("comparing")
    try:
        can_be_written((options.json, options.html))
        bar.say("reading the history")
        inputs = read_inputs(options)
        strategies = [*built_in(inputs.config, inputs.setup.house), *_own(options, inputs)]
        question = Question(inputs.history, inputs.stays, inputs.tariff, inputs.setup)
        seen = scope(inputs.history, inputs.config, inputs.stays, inputs.setup)
        rates = worth(inputs.tariff, inputs.config, seen.first_s, seen.last_s, options.unmet_price)
        jobs = min(options.jobs or cores(), len(strategies))
        with local(question, jobs) as workers:
            found = compare(question, strategies, rates, inputs.config.prices.currency, workers, bar)
    except (ConfigError, InputError, SimulationError) as error:
        bar.done()
        complain(str(error))
        return WRONG
    except BrokenProcessPool:
        bar.done()
        complain(NO_MEMORY)
        return WRONG
    bar.done()
    found.notes[:0] = inputs.notes
    return OK if _write(options, found, inputs, strategies) else WRONG


def _own(options: argparse.Namespace, inputs: Inputs) -> Iterator[Strategy]:
    """What the command line adds: ``--also NAME [FILE] [KEY=VALUE ...]``."""
    taken = {one.name for one in built_in(inputs.config, inputs.setup.house)} | {"bound"}
    for name, *rest in options.also:
        if name in taken or "=" in name:
            raise SimulationError(f"--also {name}: give it a name of its own first, as in --also sooner auto.rest_s=60")
        taken.add(name)
        files = [text for text in rest if "=" not in text]
        if len(files) > 1:
            raise SimulationError(f"--also {name}: one configuration file at most, and settings as KEY=VALUE")
        settings = [text for text in rest if "=" in text]
        base: Sequence[str] = [] if files else options.set
        loaded = configured(Path(files[0]) if files else options.config, [*base, *settings])
        yield Strategy(
            name=name, title=name, about=" ".join(rest) or "The configuration as it is", config=loaded.config
        )


def _write(options: argparse.Namespace, found: Comparison, inputs: Inputs, strategies: Sequence[Strategy]) -> bool:
    try:
        if options.json is not None and str(options.json) != STANDARD_OUTPUT:
            options.json.write_bytes(found.json())
        if options.html is not None:
            from phaeton.simulation.report import comparison_page  # noqa: PLC0415

            zone = zone_of(inputs.config.site.timezone, inputs.history.start_s)
            configs = {one.name: one.config for one in strategies}
            options.html.write_text(comparison_page(found, zone, configs, inputs.config), encoding="utf-8")
    except OSError as error:
        complain(f"{error.filename} cannot be written: {error.strerror}")
        return False
    if options.json is not None and str(options.json) == STANDARD_OUTPUT:
        sys.stdout.buffer.write(found.json())
    else:
        sys.stdout.write("\n".join(table(found)) + "\n")
    return True


def table(found: Comparison) -> Iterator[str]:
    """The outcome for people."""
    first = next(iter(found.runs.values()))
    yield f"{first.run.start} to {first.run.end}, steps of {first.run.step_s:g} s; money in {found.currency}"
    yield ""
    yield (
        f"{'':<20}{'cost':>10}{'missing':>10}{'compared':>10}{'saved':>9}{'share':>8}{'grid':>8}{'sun':>8}"
        f"{'battery':>9}{'own use':>9}{'missed':>8}{'starts':>8}{'switches':>10}{'cycles':>8}"
    )
    yield (
        f"{'':<20}{'':>10}{'valued':>10}{'':>10}{'':>9}{'':>8}{'kWh':>8}{'kWh':>8}"
        f"{'kWh':>9}{'':>9}{'goals':>8}{'':>8}{'':>10}{'':>8}"
    )
    for name, one in found.outcomes.items():
        yield _row(one, counted=name != "bound" and not found.not_valid)
    yield ""
    if found.possible_saving is not None:
        yield f"Possible: {found.possible_saving:.2f} {found.currency} less than with {found.baseline}"
    yield (
        f"note: A kWh that is missing at a departure counts with {found.unmet_per_kwh:.3f} {found.currency} "
        "(--unmet-price; else the dearest price of the time)"
    )
    if any(one.battery_cycles is not None for one in found.outcomes.values()):
        yield (
            "note: What is left in the house battery at the end counts with "
            f"{found.stored_per_kwh:.3f} {found.currency} a kWh"
        )
    for note in found.notes:
        yield f"note: {note}"


def _row(one: Outcome, *, counted: bool) -> str:
    share = "-" if one.share_pct is None else f"{one.share_pct:.0f} %"
    own = "-" if one.self_consumption_pct is None else f"{one.self_consumption_pct:.0f} %"
    cycles = "-" if one.battery_cycles is None else f"{one.battery_cycles:.1f}"
    starts, switches = (str(one.starts), str(one.phase_switches)) if counted else ("-", "-")
    return (
        f"{one.title:<20}{one.cost:>10.2f}{one.unmet_cost:>10.2f}{one.settled_cost:>10.2f}{one.saving:>9.2f}{share:>8}"
        f"{one.grid_kwh:>8.0f}{one.pv_kwh:>8.0f}{one.battery_kwh:>9.0f}{own:>9}{one.goals_missed:>8}{starts:>8}"
        f"{switches:>10}{cycles:>8}"
    )
