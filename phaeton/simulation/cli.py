"""The options of ``phaeton simulate``, ``compare`` and ``sweep``; what the command needs is imported when it runs.

The options that name history, prices, stays, house and configuration are the same for all of them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

_STEPS = tuple(length for length in range(1, 61) if 60 % length == 0)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    _add_simulate(commands)
    _add_compare(commands)
    _add_sweep(commands)


def _add_simulate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "simulate",
        help="run the control over a history of the house",
        description="Run the real control over a history of the house and tell what would have happened.",
    )
    add_inputs(parser)
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the result here (- = standard output)")
    parser.add_argument("--html", type=Path, metavar="OUT", help="write a page with plots here")
    parser.set_defaults(handler=_simulate)


def _add_compare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "compare",
        help="strategies over the same history, and the best that was possible",
        description=(
            "Charge at once, in fixed windows, by the forerunner's rule, with Phaeton's auto and price plan, over the "
            "same history from the same start, and tell what share of the possible saving each reaches."
        ),
    )
    add_inputs(parser)
    parser.add_argument(
        "--also",
        action="append",
        nargs="+",
        default=[],
        metavar=("NAME", "FILE|KEY=VALUE"),
        help="one more run: another configuration file, or this one with other settings",
    )
    _add_costs(parser)
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the comparison here (- = standard output)")
    parser.add_argument("--html", type=Path, metavar="OUT", help="write a page with plots here")
    parser.set_defaults(handler=_compare)


def _add_sweep(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "sweep",
        help="vary settings over the same history, and tell which would have been best",
        description="Try many settings over the same history, on all cores, and tell which would have been best.",
    )
    add_inputs(parser)
    space = parser.add_argument_group("settings to try")
    space.add_argument(
        "--set-range",
        action="append",
        default=[],
        metavar="KEY=LOW..HIGH:STEP",
        help="numbers of a key, as auto.start_delay_s=0..600:60; without :STEP any between, with --samples",
    )
    space.add_argument(
        "--set-choice",
        action="append",
        default=[],
        metavar="KEY=VALUE,...",
        help="values of a key, as battery.priority=car,battery",
    )
    space.add_argument("--samples", type=_count, metavar="N", help="so many combinations by chance (all); see --seed")
    _add_costs(parser).add_argument("--cluster", metavar="ADDRESS", help="a Dask scheduler, as tcp://192.0.2.5:8786")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="a row for each combination: .csv, or .parquet"
    )
    parser.add_argument("--resume", action="store_true", help="go on with what is in FILE")
    parser.set_defaults(handler=_sweep)


def _add_costs(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    run = parser.add_argument_group("run")
    run.add_argument(
        "--unmet-price",
        type=_positive,
        metavar="PRICE",
        help="what a kWh costs that is missing at a departure (the dearest price of the time)",
    )
    run.add_argument("--jobs", type=_count, metavar="N", help="processes (one for each core)")
    return run


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """Add the options that name what is simulated."""
    files = parser.add_argument_group("history")
    files.add_argument(
        "--history",
        type=Path,
        nargs="+",
        required=True,
        metavar="FILE",
        help="CSV (or .gz) with time and pv_w, load_w or grid_w; several follow each other or hold different columns. "
        "Or recordings of Phaeton (.phaeton)",
    )
    files.add_argument("--prices", type=Path, metavar="FILE", help="CSV with start, price_per_kwh, feed_in_per_kwh")
    files.add_argument("--sessions", type=Path, metavar="FILE", help="CSV with arrival, departure, energy_kwh")
    files.add_argument(
        "--only", action="append", default=[], metavar="COLUMN=VALUE", help="keep the sessions with this value"
    )
    files.add_argument(
        "--daily-kwh",
        type=_positive,
        default=10.0,
        metavar="KWH",
        help="without --sessions: a car is plugged in all day and wants so much each day (10)",
    )
    files.add_argument("--start", metavar="DATE", help="begin here: 2024-06-01, or a time; local")
    files.add_argument("--end", metavar="DATE", help="end before this")
    files.add_argument("--trust-units", action="store_true", help="do not ask whether the numbers are in kW or cents")
    control = parser.add_argument_group("control")
    control.add_argument("-c", "--config", type=Path, metavar="FILE", help="the daemon's configuration (the defaults)")
    control.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a key, as auto.start_delay_s=60"
    )
    house = parser.add_argument_group("house")
    house.add_argument("--battery-kwh", type=_positive, default=0.0, metavar="KWH", help="house battery (none)")
    house.add_argument("--battery-w", type=_positive, default=3000.0, metavar="W", help="its power (3000)")
    house.add_argument("--feed-in-limit-w", type=_positive, metavar="W", help="most that may be fed in (no limit)")
    house.add_argument("--car-phases", type=int, choices=(1, 2, 3), default=3, help="phases of the car (3)")
    house.add_argument("--car-a", type=_car_current, default=16.0, metavar="A", help="most current of the car (16)")
    time = parser.add_argument_group("time")
    time.add_argument("--step", type=_step, default=60.0, metavar="TIME", help="1s to 60s (60s); 1s is the daemon's")
    time.add_argument("--texture", action="store_true", help="give coarse PV and load realistic seconds")
    time.add_argument("--seed", type=int, default=0, metavar="N", help="draws the texture and the samples (0)")


def _simulate(options: argparse.Namespace) -> int:
    from phaeton.simulation.command import run  # noqa: PLC0415

    return run(options)


def _compare(options: argparse.Namespace) -> int:
    from phaeton.simulation.compare.command import run  # noqa: PLC0415

    return run(options)


def _sweep(options: argparse.Namespace) -> int:
    from phaeton.simulation.sweep.command import run  # noqa: PLC0415

    return run(options)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 1 up")
    return int(text)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
    if not 0.0 <= value < 1e9:
        raise argparse.ArgumentTypeError(f"{text} must be 0 or more")
    return value


def _car_current(text: str) -> float:
    current_a = _positive(text)
    if current_a < 6.0:
        raise argparse.ArgumentTypeError(f"{text} must be 6 or more: no car charges with less")
    return current_a


def _step(text: str) -> float:
    number = text.strip().lower()
    length = (
        60 if number in ("1min", "1m") else int(number.removesuffix("s")) if number.removesuffix("s").isdecimal() else 0
    )
    if length not in _STEPS:
        raise argparse.ArgumentTypeError(f"{text!r} must be one of {', '.join(f'{step}s' for step in _STEPS)}")
    return float(length)
