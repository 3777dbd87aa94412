"""``phaeton password`` and ``phaeton token``: who may use the page and the API.

They write to the store of the configuration, whether the daemon runs or not; a running one sees it within a second.
"""

from __future__ import annotations

import argparse
import getpass
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from phaeton.daemon_client import FailedError, say, told
from phaeton.sinks.web.access.files import FOLDER, PASSWORD, AccessFiles, UnreadableError
from phaeton.sinks.web.access.tokens import TOKEN_SCOPES, Token

DAY_S = 86_400.0
T = TypeVar("T")


def add_parsers(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``password`` and ``token`` with its commands."""
    password = subparsers.add_parser(
        "password", help="set the password of the page and the API; it is asked for, or read from standard input"
    )
    _add_config(password, None)
    password.add_argument("--remove", action="store_true", help="have none: only this machine itself is let in then")
    password.set_defaults(handler=set_password)

    token = subparsers.add_parser("token", help="tokens with which programs use the API: add, list, revoke")
    _add_config(token, None)
    commands = token.add_subparsers(required=True, metavar="COMMAND")
    adding = commands.add_parser("add", help="make one; it is shown once")
    adding.add_argument("name", help="what it is for")
    adding.add_argument(
        "--scope", choices=TOKEN_SCOPES, default="read", help="read (the default), control (orders) or admin"
    )
    adding.add_argument("--days", type=float, default=None, help="how long it is valid (without end)")
    _add_config(adding, argparse.SUPPRESS)
    adding.set_defaults(handler=add)
    listing = commands.add_parser("list", help="all tokens and their last use")
    _add_config(listing, argparse.SUPPRESS)
    listing.set_defaults(handler=list_tokens)
    revoking = commands.add_parser("revoke", help="end one at once")
    revoking.add_argument("which", help="its id or name")
    _add_config(revoking, argparse.SUPPRESS)
    revoking.set_defaults(handler=revoke)


def _add_config(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument("-c", "--config", type=Path, metavar="FILE", help="the configuration file", default=default)


def set_password(options: argparse.Namespace) -> int:
    """Ask for the password and keep its hash."""
    from phaeton.sinks.web.access.passwords import PasswordError, checked, hashed  # noqa: PLC0415 - loads OpenSSL

    def work() -> None:
        files = _files(options)
        if options.remove:
            _written(lambda: files.remove(PASSWORD))
            _noted(files, "password", "remove the password")
            say("There is no password any more.")
            return
        try:
            made = hashed(checked(_asked()))
        except PasswordError as error:
            raise FailedError(str(error)) from None
        _written(lambda: files.write(PASSWORD, made))
        _noted(files, "password", "set the password")
        say("The password is set; every browser has to log in anew.")

    return told(work)


def add(options: argparse.Namespace) -> int:
    """Make a token."""
    from phaeton.sinks.web.access import tokens  # noqa: PLC0415

    def work() -> None:
        files, now_s = _files(options), time.time()
        if options.days is not None and not 0 < options.days <= 36_500:
            raise FailedError("--days must be above 0 and at most 36500")
        expires_s = None if options.days is None else now_s + options.days * DAY_S
        try:
            token, secret = _written(lambda: tokens.add(files, options.name, options.scope, expires_s, now_s))
        except tokens.TokenError as error:
            raise FailedError(str(error)) from None
        _noted(files, "token add", f"make the token {token.name!r} ({token.scope})")
        sys.stderr.write(f"The token {token.name!r} may {token.scope}; it is shown this once:\n")
        say(secret)

    return told(work)


def list_tokens(options: argparse.Namespace) -> int:
    """Print the table."""
    from phaeton.sinks.web.access import tokens  # noqa: PLC0415

    return told(lambda: say(table(_written(lambda: tokens.load(_files(options))), time.time())))


def revoke(options: argparse.Namespace) -> int:
    """End a token."""
    from phaeton.sinks.web.access import tokens  # noqa: PLC0415

    def work() -> None:
        files = _files(options)
        found = _written(lambda: tokens.revoke(files, options.which))
        if found is None:
            raise FailedError(f"there is no token {options.which!r}; `phaeton token list` shows them")
        _noted(files, "token revoke", f"revoke the token {found.name!r}")
        say(f"The token {found.name!r} is revoked.")

    return told(work)


def table(tokens: tuple[Token, ...], utc_s: float) -> str:
    """The tokens as columns for people."""
    if not tokens:
        return "There are no tokens; `phaeton token add NAME` makes one."
    rows = [("ID", "NAME", "SCOPE", "MADE", "ENDS", "LAST USE")]
    for token in tokens:
        ends = "ended" if token.expired(utc_s) else "never" if token.expires_s is None else _day(token.expires_s)
        used = "never" if token.used_s is None else _day(token.used_s)
        rows.append((token.id, token.name, token.scope, _day(token.created_s), ends, used))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _asked() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("New password: ")
    if getpass.getpass("Once more: ") != first:
        raise FailedError("the two are not the same; nothing is changed")
    return first


def _files(options: argparse.Namespace) -> AccessFiles:
    from phaeton.config.load import load  # noqa: PLC0415
    from phaeton.config.problems import ConfigError  # noqa: PLC0415
    from phaeton.sinks.store.place import directory  # noqa: PLC0415

    try:
        config = load(options.config).config
    except ConfigError as error:
        raise FailedError(str(error)) from None
    return AccessFiles(directory(config.store.directory) / FOLDER)


def _written(job: Callable[[], T]) -> T:
    try:
        return job()
    except UnreadableError as error:
        raise FailedError(str(error)) from None
    except OSError as error:
        raise FailedError(f"{error.filename or 'the store'} cannot be used: {error.strerror}") from None


def _noted(files: AccessFiles, command: str, detail: str) -> None:
    """Into the log of changes."""
    from phaeton.sinks.web.access.audit import Audit  # noqa: PLC0415
    from phaeton.sinks.worker import Worker  # noqa: PLC0415

    Audit(files.directory.parent, Worker()).note_now("terminal", f"phaeton {command}", detail)


def _day(utc_s: float) -> str:
    return datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%d")
