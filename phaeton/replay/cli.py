"""``phaeton record list | export``, ``phaeton replay`` and ``phaeton explain``."""

from __future__ import annotations

import argparse
from pathlib import Path

OK = 0
FAILED = 1
WRONG = 2


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``record``, ``replay`` and ``explain``; each sets ``handler``, which gives the exit code."""
    record = subparsers.add_parser("record", help="list the recordings of the daemon, or cut one out for a report")
    commands = record.add_subparsers(title="commands", required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="the recordings with their size and what is in them")
    listing.set_defaults(handler=_list)
    export = commands.add_parser("export", help="a day, or a part of it, as a file that replays alone")
    export.add_argument("--day", required=True, metavar="YYYY-MM-DD", help="the day on the site's clock")
    export.add_argument("--from", dest="from_", metavar="HH:MM", help="begin here")
    export.add_argument("--to", metavar="HH:MM", help="end before here")
    export.add_argument("-o", "--output", required=True, type=Path, metavar="FILE", help="the file to write")
    export.set_defaults(handler=_export)
    for one in (listing, export):
        one.add_argument("-c", "--config", type=Path, metavar="FILE", help="the configuration of the daemon")
        one.add_argument("--directory", type=Path, metavar="DIR", help="the recordings; instead of a configuration")
    replay = subparsers.add_parser(
        "replay",
        help="decide a recording once more and show what was decided, and why",
        epilog="Exit codes: 0 the decisions are those recorded (or another version or configuration was tried), "
        "1 they differ, 2 a file or the command line is wrong.",
    )
    replay.add_argument("files", nargs="+", type=Path, metavar="FILE", help="recordings, or CSV files of dbus-recorder")
    replay.add_argument(
        "-c", "--config", type=Path, metavar="OTHER", help="what would have been decided with this configuration"
    )
    replay.add_argument(
        "--accept", action="store_true", help="make what is decided now the expected, in the file itself"
    )
    replay.add_argument("--json", type=Path, metavar="OUT", help="write the decisions as JSON instead of printing them")
    replay.add_argument("-q", "--quiet", action="store_true", help="print only whether the decisions are the same")
    replay.set_defaults(handler=_replay)
    explain = subparsers.add_parser(
        "explain", help="why it was decided so at a time: one step of a recording, room by room"
    )
    explain.add_argument(
        "--at",
        required=True,
        metavar="TIME",
        help="'2026-11-25 12:03:10' or 12:03 (the newest day) on the site's clock",
    )
    explain.add_argument(
        "--recording", type=Path, metavar="FILE", help="a recording, or the folder of the daemon's (the configured one)"
    )
    explain.add_argument("-c", "--config", type=Path, metavar="FILE", help="the configuration of the daemon")
    explain.add_argument("--json", action="store_true", help="as JSON, with everything")
    explain.add_argument(
        "--room", default="", metavar="ROOM", help="only this room, with everything: limits, auto.step"
    )
    explain.set_defaults(handler=_explain)


def _list(options: argparse.Namespace) -> int:
    from phaeton.replay.commands import guarded, list_recordings  # noqa: PLC0415 - the graph is needed by few commands

    return guarded(lambda: list_recordings(options.config, options.directory))


def _export(options: argparse.Namespace) -> int:
    from phaeton.replay.commands import export_day, guarded  # noqa: PLC0415

    span = (options.from_ or "00:00", options.to or "24:00")
    return guarded(lambda: export_day(options.config, options.directory, options.day, span, options.output))


def _replay(options: argparse.Namespace) -> int:
    from phaeton.replay.commands import guarded, replay_files  # noqa: PLC0415

    return guarded(
        lambda: replay_files(options.files, options.config, options.json, bless=options.accept, quiet=options.quiet)
    )


def _explain(options: argparse.Namespace) -> int:
    from phaeton.replay.commands import guarded, recordings_of  # noqa: PLC0415
    from phaeton.replay.explain import explain  # noqa: PLC0415

    def work() -> int:
        files = recordings_of(options.config, options.recording)
        return explain(files, options.at, options.room, as_json=options.json)

    return guarded(work)
