"""How commands talk to the running daemon: one request to its API, and what went wrong in words."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from phaeton.config.tree_web import Web

OK = 0
FAILED = 1
TIMEOUT_S = 30.0
TOKEN_VARIABLE = "PHAETON_TOKEN"

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


class FailedError(Exception):
    """The text is for the person at the terminal."""


class NobodyError(FailedError):
    """No daemon answers, or nobody can tell where it is."""


def add_address(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say where the daemon is."""
    parser.add_argument("--url", default="", help="address of the page (from the configuration)")
    parser.add_argument("-c", "--config", type=Path, metavar="FILE", help="the configuration file")
    parser.add_argument("--token", default="", help=f"a token of `phaeton token add` (from {TOKEN_VARIABLE})")


def told(work: Callable[[], None]) -> int:
    """Do it, and tell what went wrong; the exit code."""
    try:
        work()
    except FailedError as error:
        sys.stderr.write(f"{error}\n")
        return FAILED
    return OK


def say(text: str) -> None:
    """Print at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def call(options: argparse.Namespace, method: str, path: str, body: object = None) -> object:
    """One request to the daemon, and the JSON of its answer; raises `FailedError` with words for people."""
    answer = _asked(options, method, path, body)
    try:
        found: object = json.loads(answer)
    except ValueError:
        raise FailedError("something else than Phaeton answers there; name the address with --url") from None
    return found


def fetch(options: argparse.Namespace, path: str) -> bytes:
    """A file of the daemon; raises `FailedError`, a `NobodyError` where no daemon answers."""
    return _asked(options, "GET", path)


def _asked(options: argparse.Namespace, method: str, path: str, body: object = None) -> bytes:
    base = daemon_address(options)
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | authorization(options.token)
    request = Request(base + path, data=data, method=method, headers=headers)
    try:
        with urlopen(request, timeout=TIMEOUT_S) as answer:
            found: bytes = answer.read()
            return found
    except HTTPError as error:
        try:
            detail = json.load(error).get("detail", "")
        except (ValueError, AttributeError):
            detail = ""
        if error.code == 401:
            detail = f"{detail}\nMake a token on the device (`phaeton token add NAME`); give it as {TOKEN_VARIABLE}"
        raise FailedError(detail or f"the daemon refused ({error.code})") from None
    except (URLError, OSError, ValueError):
        raise NobodyError(
            f"nobody answers at {base}: does the daemon run, is web.enabled on? Else name --url"
        ) from None


def daemon_address(options: argparse.Namespace) -> str:
    """Where the daemon is, by the arguments of `add_address`; raises `NobodyError`."""
    named: str = options.url.rstrip("/")
    return named or _configured(options)


def authorization(token: str = "") -> dict[str, str]:
    """The header with the token, or with that of the environment; none where there is none."""
    token = token or os.environ.get(TOKEN_VARIABLE, "")
    return {"Authorization": f"Bearer {token}"} if token else {}


def address(web: Web) -> str:
    """Where a daemon with these settings answers this machine."""
    host = _EVERYWHERE.get(web.host, web.host)
    return f"http://[{host}]:{web.port}" if ":" in host else f"http://{host}:{web.port}"


def _configured(options: argparse.Namespace) -> str:
    from phaeton.config.load import load  # noqa: PLC0415 - not needed where the address is named
    from phaeton.config.problems import ConfigError  # noqa: PLC0415

    try:
        return address(load(options.config).config.web)
    except ConfigError as error:
        raise NobodyError(str(error)) from None
