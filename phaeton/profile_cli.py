"""``phaeton profile list | show | check``: the kinds of chargers that Phaeton knows, and a look at one's own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

OK, FAILED = 0, 1


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``profile`` with its commands; each sets ``handler``: it takes the arguments and gives the exit code."""
    parser = subparsers.add_parser("profile", help="list, show or check the profiles of chargers")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    list_parser = commands.add_parser("list", help="the chargers that Phaeton knows")
    list_parser.add_argument("--markdown", action="store_true", help="as a table for the documents")
    list_parser.set_defaults(handler=list_all)
    show_parser = commands.add_parser("show", help="one profile in words")
    show_parser.add_argument("name", help="name of the profile, as in the list")
    show_parser.set_defaults(handler=show)
    check_parser = commands.add_parser("check", help="say whether a profile of your own is right, and what is not")
    check_parser.add_argument("file", type=Path, help="the YAML file")
    check_parser.set_defaults(handler=check)


def list_all(options: argparse.Namespace) -> int:
    """Print all profiles, one a line."""
    from phaeton.config.rules import shipped_profiles  # noqa: PLC0415
    from phaeton.profiles import load_profile  # noqa: PLC0415

    profiles = [load_profile(name) for name in shipped_profiles()]
    if options.markdown:
        from phaeton.profiles.table import table  # noqa: PLC0415

        _say(table(profiles))
        return OK
    for profile in profiles:
        control = "read only until confirmed" if profile.evidence.confidence != "high" else "controlled"
        _say(f"{profile.id:22} {profile.evidence.confidence:7} {control:26} {profile.name}")
    return OK


def show(options: argparse.Namespace) -> int:
    """Print one profile in words."""
    from phaeton.profiles import ProfileError, load_profile  # noqa: PLC0415
    from phaeton.profiles.check import summary  # noqa: PLC0415

    try:
        _say(summary(load_profile(options.name)))
    except ProfileError as error:
        _complain(error)
        return FAILED
    return OK


def check(options: argparse.Namespace) -> int:
    """Print what is wrong with a file; nothing wrong is success."""
    from phaeton.profiles import ProfileError, load_profile  # noqa: PLC0415
    from phaeton.profiles.check import hints, problems, summary  # noqa: PLC0415

    try:
        profile = load_profile("", file=options.file)
    except ProfileError as error:
        _complain(f"PROBLEM: {error}")
        return FAILED
    found = problems(profile)
    for problem in found:
        _complain(f"PROBLEM: {problem}")
    _say(summary(profile))
    for hint in hints(profile):
        _say(f"  hint: {hint}")
    if not found:
        _say("This profile can be used: set profile_file for the charger.")
    return FAILED if found else OK


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _complain(line: object) -> None:
    sys.stderr.write(f"{line}\n")
