"""``phaeton config check | show | schema | migrate``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from phaeton.config import schema
from phaeton.config.load import Loaded, load
from phaeton.config.migrate import migrate_file
from phaeton.config.problems import ConfigError
from phaeton.config.writing import hidden_yaml, to_plain

OK = 0
WRONG = 2
"""Exit code of a configuration that cannot be used."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``config`` with its commands; each sets ``handler``: it takes the arguments and gives the exit code."""
    parser = subparsers.add_parser("config", help="check, show, describe or migrate the configuration")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    check_parser = commands.add_parser("check", help="say whether the configuration is right, and what is not")
    check_parser.set_defaults(handler=check)
    show_parser = commands.add_parser("show", help="print the configuration in force with all defaults, secrets hidden")
    show_parser.add_argument("--json", action="store_true", help="as JSON")
    show_parser.set_defaults(handler=show)
    schema_parser = commands.add_parser("schema", help="print the JSON Schema of the configuration")
    schema_parser.add_argument("--markdown", action="store_true", help="print the reference of all keys instead")
    schema_parser.set_defaults(handler=describe)
    migrate_parser = commands.add_parser(
        "migrate", help="rewrite a file in the present layout; the old one is kept as NAME.bak-N"
    )
    migrate_parser.add_argument("file", nargs="?", type=Path, help="the file; the one that is found when left out")
    migrate_parser.add_argument("--output", type=Path, metavar="FILE", help="write here and leave the old file alone")
    migrate_parser.add_argument(
        "--state", type=Path, metavar="FILE",
        help="the state file of a forerunner: mode, start and current that were set last become the beginning",
    )  # fmt: skip
    migrate_parser.set_defaults(handler=migrate)
    for one in (check_parser, show_parser, migrate_parser):
        one.add_argument(
            "--config", "-c", type=Path, metavar="FILE", help="the configuration file", default=argparse.SUPPRESS
        )


def check(args: argparse.Namespace) -> int:
    """Judge the configuration and say everything that is wrong with it."""
    loaded = _loaded(args)
    if loaded is None:
        return WRONG
    count = len(loaded.config.chargers)
    _say(f"{loaded.path or 'environment'}: right, {count} charger{'s' if count > 1 else ''}")
    return OK


def show(args: argparse.Namespace) -> int:
    """Print the configuration in force, file, environment and defaults together."""
    loaded = _loaded(args)
    if loaded is None:
        return WRONG
    if args.json:
        _say(msgspec.json.format(msgspec.json.encode(to_plain(loaded.config))).decode())
    else:
        _say(hidden_yaml(loaded.config).rstrip())
    return OK


def describe(args: argparse.Namespace) -> int:
    """Print the JSON Schema, or the reference in Markdown."""
    if args.markdown:
        _say(schema.reference().rstrip())
    else:
        _say(msgspec.json.format(msgspec.json.encode(schema.json_schema())).decode())
    return OK


def migrate(args: argparse.Namespace) -> int:
    """Rewrite a file in the present layout."""
    try:
        path = args.file or getattr(args, "config", None) or load(None).path
        if path is None:
            _complain("there is no file to migrate: the environment says it all")
            return WRONG
        done = migrate_file(path, args.output, args.state)
    except ConfigError as error:
        _complain(str(error))
        return WRONG
    except (OSError, ValueError) as error:
        _complain(f"cannot be rewritten, nothing was changed: {error}")
        return WRONG
    for notice in done.loaded.notices:
        _complain(str(notice))
    if done.written is None:
        _say(f"{path}: has the present layout already")
    elif done.kept is None:
        _say(f"{done.written}: written; {path} is as it was")
    else:
        _say(f"{done.written}: written; the old file is {done.kept}")
    return OK


def _loaded(args: argparse.Namespace) -> Loaded | None:
    try:
        loaded = load(getattr(args, "config", None))
    except ConfigError as error:
        _complain(str(error))
        return None
    for notice in loaded.notices:
        _complain(str(notice))
    return loaded


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _complain(text: str) -> None:
    sys.stderr.write(text + "\n")
