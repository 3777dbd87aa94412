"""``phaeton prices``: what energy costs, and where the prices come from."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

WRONG_CONFIG = 2


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``prices``; it sets ``handler``: it takes the arguments and gives the exit code."""
    parser = subparsers.add_parser(
        "prices", help="show what energy costs, hour by hour, and where the prices come from"
    )
    parser.add_argument(
        "--config", "-c", type=Path, metavar="FILE", help="the configuration file", default=argparse.SUPPRESS
    )
    parser.add_argument(
        "--ask", action="store_true", help="ask the source itself, also when a daemon runs here: it tries the settings"
    )
    parser.set_defaults(handler=prices)


def prices(args: argparse.Namespace) -> int:
    """Print the prices; 1 when there is none for now."""
    from phaeton.config.load import load  # noqa: PLC0415 - other commands need none of this
    from phaeton.config.problems import ConfigError  # noqa: PLC0415
    from phaeton.sources.prices.terminal import show  # noqa: PLC0415

    try:
        loaded = load(getattr(args, "config", None))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return WRONG_CONFIG
    return asyncio.run(show(loaded.config, ask=args.ask))
