"""``phaeton backup FILE`` and ``phaeton restore FILE``: with and without a running daemon."""

from __future__ import annotations

import argparse
import getpass
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from phaeton.daemon_client import FailedError, say, told

if TYPE_CHECKING:
    from phaeton.backup.collect import House
    from phaeton.backup.content import Content

PASSWORD_VARIABLE = "PHAETON_BACKUP_PASSWORD"
_PARTS = ("config", "sessions", "secrets", "recordings")


def add_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``backup`` and ``restore``."""
    backup = subparsers.add_parser("backup", help="write configuration, sessions and secrets into one file")
    backup.add_argument("file", type=Path, help="the file to write")
    backup.add_argument("--without-secrets", action="store_true", help="ask for no password and leave secrets out")
    backup.add_argument("--recordings", action="store_true", help="the recordings too")
    backup.set_defaults(handler=_backup)
    restore = subparsers.add_parser("restore", help="take a backup over; what was there is set aside")
    restore.add_argument("file", type=Path, help="the backup")
    restore.add_argument("--only", choices=_PARTS, action="append", help="this part only; can be given several times")
    restore.add_argument("--dry-run", action="store_true", help="only say what it holds and would do")
    restore.set_defaults(handler=_restore)
    for one in (backup, restore):
        one.add_argument("-c", "--config", type=Path, metavar="FILE", help="the configuration file")
        one.add_argument(
            "--password-file",
            type=Path,
            metavar="FILE",
            help=f"a file with the password; else {PASSWORD_VARIABLE}, else it is asked for",
        )


def _backup(options: argparse.Namespace) -> int:
    return told(lambda: _make(options))


def _restore(options: argparse.Namespace) -> int:
    return told(lambda: _take(options))


def _make(options: argparse.Namespace) -> None:
    from phaeton.backup import sealing  # noqa: PLC0415 - other commands need none of this
    from phaeton.backup.collect import make  # noqa: PLC0415
    from phaeton.backup.problem import BackupError  # noqa: PLC0415

    include = ["config", "sessions"]
    if not options.without_secrets:
        if not sealing.available():
            raise FailedError(f"{sealing.NO_LIBRARY} (--without-secrets)")
        include.append("secrets")
    if options.recordings:
        include.append("recordings")
    if options.file.exists():
        raise FailedError(f"{options.file} is there already; name another file")
    password = "" if options.without_secrets else _password(options, twice=True)
    try:
        manifest = make(_house(options), options.file, tuple(include), password)
    except (BackupError, OSError) as error:
        raise FailedError(f"no backup was made: {error}") from None
    say(f"{options.file}: {', '.join(manifest.includes)}, {len(manifest.members)} files inside")
    for note in manifest.notes:
        say(f"note: {note}")


def _take(options: argparse.Namespace) -> None:
    from phaeton.backup.container import head_of  # noqa: PLC0415
    from phaeton.backup.problem import BackupError  # noqa: PLC0415
    from phaeton.backup.restoring import finish, look, stage  # noqa: PLC0415
    from phaeton.sinks.store.running import Running, pid_of  # noqa: PLC0415

    house = _house(options, empty=True)
    only = None if options.only is None else tuple(options.only)
    try:
        head, _ = head_of(options.file)
        password = _password(options, twice=False) if head.seal is not None else ""
        house.store.mkdir(parents=True, exist_ok=True)
        _tell((look if options.dry_run else stage)(house, options.file, password, only))
    except (BackupError, OSError) as error:
        raise FailedError(f"nothing was changed: {error}") from None
    if options.dry_run:
        return
    running = Running(house.store)
    if running.held:
        try:
            done = finish(house.store)
        except OSError as error:
            raise FailedError(f"not all is in place yet; the next start of Phaeton goes on with it: {error}") from None
        finally:
            running.release()
        assert done is not None
        say(f"Restored. What was there before is in {done.aside}")
        return
    pid = pid_of(house.store)
    if pid is not None:
        with suppress(OSError):
            os.kill(pid, signal.SIGHUP)
            say("The daemon begins anew with it now.")
            return
    say("The daemon has the store: it takes the backup over at its next start. Restart it.")


def _tell(content: Content) -> None:
    say(f"made {content.made} by Phaeton {content.by}; it holds {', '.join(content.includes)}")
    say(f"to be restored: {', '.join(content.restores)}")
    if content.sessions is not None:
        say(f"sessions: {content.sessions}")
    for line in content.changed:
        say(f"  {line}")
    for note in content.notes:
        say(f"note: {note}")


def _house(options: argparse.Namespace, *, empty: bool = False) -> House:
    """The configuration and its store; ``empty``: there may be none yet, or a broken one."""
    from phaeton.backup.collect import House  # noqa: PLC0415
    from phaeton.config.load import PLACES, Loaded, load  # noqa: PLC0415
    from phaeton.config.problems import ConfigError  # noqa: PLC0415
    from phaeton.config.tree import Config  # noqa: PLC0415

    try:
        return House.of(load(options.config), os.environ)
    except ConfigError as error:
        if not empty:
            raise FailedError(str(error)) from None
        path = options.config or next((place for place in PLACES if place.exists()), None)
        loaded = Loaded(Config(), None if path is None else path.absolute(), (), "")
        return House.of(loaded, os.environ)


def _password(options: argparse.Namespace, *, twice: bool) -> str:
    if options.password_file is not None:
        try:
            return str(options.password_file.read_text(encoding="utf-8")).rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise FailedError(f"{options.password_file} cannot be read: {error}") from None
    if PASSWORD_VARIABLE in os.environ:
        return os.environ[PASSWORD_VARIABLE]
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("Password of the backup: ")
    if twice and getpass.getpass("Once more: ") != first:
        raise FailedError("the two are not the same")
    return first
