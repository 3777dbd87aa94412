"""``phaeton support-bundle FILE``: from the running daemon, or from configuration and disk where none runs."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from phaeton.daemon_client import FailedError, NobodyError, add_address, fetch, say, told


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``support-bundle``; it sets ``handler``: it takes the arguments and gives the exit code."""
    bundle = subparsers.add_parser(
        "support-bundle", help="one file with all that a report of an error needs, and nothing secret"
    )
    bundle.add_argument("file", type=Path, metavar="FILE", help="the zip to write")
    bundle.add_argument("--without-recording", action="store_true", help="leave the recording of the last day out")
    bundle.add_argument("--offline", action="store_true", help="do not ask the daemon, look at its files")
    add_address(bundle)
    bundle.set_defaults(handler=_bundle)


def _bundle(options: argparse.Namespace) -> int:
    return told(lambda: _make(options))


def _make(options: argparse.Namespace) -> None:
    if not options.offline:
        recording = "none" if options.without_recording else "day"
        try:
            content = fetch(options, f"/api/support-bundle?recording={recording}")
        except NobodyError as error:
            say(f"{error}\nThe bundle is made from the files alone: what a running daemon would tell is not in it.")
        else:
            _save(options.file, content)
            return
    _offline(options)


def _offline(options: argparse.Namespace) -> None:
    import io  # noqa: PLC0415

    from phaeton.support.bundle import write  # noqa: PLC0415 - other commands need none of this
    from phaeton.support.offline import gathered  # noqa: PLC0415

    file = io.BytesIO()
    write(file, gathered(options.config, recording=not options.without_recording))
    _save(options.file, file.getvalue())


def _save(path: Path, content: bytes) -> None:
    """For its owner alone; what was there is replaced."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError as error:
        raise FailedError(f"{path} cannot be written: {(error.strerror or str(error)).lower()}") from None
    say(f"{path}: {len(content):,} bytes; look into it before you give it to others")
