"""``phaeton sweep`` at work: try the settings on all cores, keep what came of each, and tell which were best."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec

from phaeton.config.problems import ConfigError
from phaeton.config.writing import to_plain
from phaeton.simulation.command import OK, WRONG, complain, read_inputs
from phaeton.simulation.compare.command import NO_MEMORY
from phaeton.simulation.csv_rows import InputError
from phaeton.simulation.out_files import can_be_written
from phaeton.simulation.progress import ProgressBar
from phaeton.simulation.question import Question, Task, carried
from phaeton.simulation.result import Result
from phaeton.simulation.scope import SimulationError, scope
from phaeton.simulation.simulate import cloudless
from phaeton.simulation.sweep.rows import RowFile, need_parquet, row_of, to_parquet
from phaeton.simulation.sweep.space import Trial, choice_axis, combinations, range_axis, trials
from phaeton.simulation.sweep.verdict import told, verdict
from phaeton.simulation.workers import ClusterError, Workers, cluster, cores, local
from phaeton.simulation.worth import Worth, worth

FAILED = 1
_AHEAD = 2
"""Tasks that wait for each worker, so that none stands idle."""
_OF_CLOUDS = ("auto.", "phases.")


def run(options: argparse.Namespace) -> int:
    """Sweep, and tell the verdict."""
    bar = ProgressBar("sweeping")
    try:
        lines = _sweep(options, bar)
    except (ConfigError, InputError, SimulationError, ClusterError) as error:
        bar.done()
        complain(str(error))
        return WRONG
    except OSError as error:
        bar.done()
        complain(f"{error.filename} cannot be written: {error.strerror}")
        return WRONG
    except BrokenProcessPool:
        bar.done()
        complain(f"{NO_MEMORY}; --resume goes on from what is done")
        return FAILED
    except KeyboardInterrupt:
        bar.done()
        complain(f"stopped; --resume goes on from what is in {_rows_path(options.out)}")
        return FAILED
    bar.done()
    sys.stdout.write("\n".join(lines) + "\n")
    return OK


def _rows_path(out: Path) -> Path:
    return out.with_suffix(".rows.csv") if out.suffix == ".parquet" else out


def _sweep(options: argparse.Namespace, bar: ProgressBar) -> list[str]:
    if options.out.suffix not in (".csv", ".parquet"):
        raise SimulationError(f"--out {options.out}: let it end in .csv or .parquet")
    if options.out.suffix == ".parquet":
        need_parquet()
    can_be_written((options.out, _rows_path(options.out)))
    axes = [*map(range_axis, options.set_range), *map(choice_axis, options.set_choice)]
    chosen = combinations(axes, options.samples, options.seed)
    tried = list(trials(options.config, options.set, axes, chosen))
    bar.say("reading the history")
    inputs = read_inputs(options)
    question = Question(inputs.history, inputs.stays, inputs.tariff, inputs.setup)
    seen = scope(inputs.history, inputs.config, inputs.stays, inputs.setup)
    rates = worth(inputs.tariff, inputs.config, seen.first_s, seen.last_s, options.unmet_price)
    keys = [axis.key for axis in axes]
    with RowFile(_rows_path(options.out), _mark(question, tried[0], rates), keys, resume=options.resume) as file:
        missing = [trial for trial in tried if trial.values not in file.rows]
        if missing:
            bar(1.0 - len(missing) / len(tried))
            with _workers(options, question, len(missing)) as workers:
                for done, (trial, result) in enumerate(answers(workers, missing), start=1):
                    file.add(row_of(trial.values, result, rates))
                    bar((len(tried) - len(missing) + done) / len(tried))
        rows = [file.rows[trial.values] for trial in tried]
    present, *varied = rows
    if len(varied) < len(chosen):  # the present settings are one of the combinations
        varied = rows
    if options.out.suffix == ".parquet":
        to_parquet(_rows_path(options.out), options.out)
    found = verdict(keys, varied, present, options.seed)
    currency = inputs.config.prices.currency
    notes = [*inputs.notes]
    if cloudless(inputs.history, inputs.setup) and any(key.startswith(_OF_CLOUDS) for key in keys):
        notes.append(
            "Data or steps above 10 s show no clouds, and delays and rests are there for clouds: judge such settings "
            "with --step 10s --texture"
        )
    return [*told(found, keys, currency), *_notes(rates, currency, notes)]


def _notes(rates: Worth, currency: str, notes: Sequence[str]) -> Iterator[str]:
    yield (
        "note: The costs are those of the house; a kWh that is missing at a departure counts with "
        f"{rates.unmet_per_kwh:.3f} {currency} (--unmet-price)"
    )
    yield "note: The weather, the prices and the departures of the coming year are others"
    for note in notes:
        yield f"note: {note}"


def _mark(question: Question, present: Trial, rates: Worth) -> str:
    """The same for the same question, so that results of another one are not mixed in."""
    plain = msgspec.json.encode([to_plain(present.config), rates], order="sorted")
    return hashlib.sha256(carried(question).digest.encode() + plain).hexdigest()[:16]


def _workers(options: argparse.Namespace, question: Question, tasks: int) -> AbstractContextManager[Workers]:
    if options.cluster is not None:
        return cluster(question, options.cluster)
    return local(question, min(options.jobs or cores(), tasks))


def answers(workers: Workers, wanted: Sequence[Trial]) -> Iterator[tuple[Trial, Result]]:
    """Ask for all, some ahead of the workers, and give the results as they come; raises what a task raised."""
    left = iter(wanted)
    waiting: dict[Future[Result], Trial] = {}
    while True:
        while len(waiting) < workers.at_once * _AHEAD and (trial := next(left, None)) is not None:
            waiting[workers.ask(Task(trial.config))] = trial
        if not waiting:
            return
        for future in wait(waiting, return_when=FIRST_COMPLETED).done:
            yield waiting.pop(future), future.result()
