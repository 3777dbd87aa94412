"""``phaeton update``: what is installed, a newer version, bundles from files, and the way back."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from phaeton.daemon_client import FailedError, NobodyError, add_address, authorization, call, daemon_address, say, told

WITHIN_S = 2400.0
"""A bundle is fetched over a slow line and unpacked on a slow card."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``update`` with its commands; each sets ``handler``."""
    parser = subparsers.add_parser("update", help="newer versions: status, check, apply, rollback, verify")
    commands = parser.add_subparsers(required=True, metavar="WHAT")
    for name, text, handler in (
        ("status", "what is installed and what is known of newer", _status),
        ("check", "ask for the newest version", _check),
        ("apply", "install the newest version, one by its name, or a bundle from a file", _apply),
        ("rollback", "go back to the version before", _rollback),
    ):
        command = commands.add_parser(name, help=text)
        if name == "apply":
            command.add_argument(
                "what", nargs="?", default="", metavar="VERSION|FILE",
                help="a version, or a bundle with SHA256SUMS and SHA256SUMS.minisig of its release beside it",
            )  # fmt: skip
        add_address(command)
        command.set_defaults(handler=lambda options, work=handler: told(lambda: work(options)))
    verify = commands.add_parser("verify", help="say whether a bundle is one that would be installed here")
    verify.add_argument(
        "what", type=Path, metavar="FILE|FOLDER",
        help="a bundle with SHA256SUMS and SHA256SUMS.minisig beside it, or one that is unpacked already",
    )  # fmt: skip
    verify.add_argument("--place", type=Path, metavar="FOLDER", help="the installation folder, for its trusted.pub")
    verify.set_defaults(handler=lambda options: told(lambda: _verify(options)))


def _status(options: argparse.Namespace) -> None:
    say(described(call(options, "GET", "/api/update/status")))


def _check(options: argparse.Namespace) -> None:
    found = _long(options, "/api/update/check")
    say(described(found))
    if isinstance(found, dict) and found.get("error"):
        raise FailedError("No newer version was found for the reason above.")


def _apply(options: argparse.Namespace) -> None:
    path = Path(options.what) if options.what else None
    if path is not None and (path.exists() or path.suffix in (".gz", ".tar")):
        _send(options, path)
    else:
        body = json.dumps({"version": options.what or None}).encode()
        _long(options, "/api/update/apply", body, "application/json")
    say("It is installed; Phaeton starts again with it, and goes back by itself if the new version does not do well.")


def _rollback(options: argparse.Namespace) -> None:
    try:
        _long(options, "/api/update/rollback")
    except NobodyError as error:
        _rollback_of_files(error)
        return
    say("Phaeton starts again with the version before.")


def _rollback_of_files(error: NobodyError) -> None:
    """Where no daemon answers: it may be the new version that does not start."""
    from phaeton.app.installation import installation_folder  # noqa: PLC0415
    from phaeton.updates.place import BY_ORDER, Place  # noqa: PLC0415
    from phaeton.updates.problem import UpdateRefusedError  # noqa: PLC0415

    folder = installation_folder()
    if folder is None:
        raise error
    place = Place(folder)
    try:
        if place.pending is not None:
            version = place.take_back()
        elif (found := place.previous) is not None:
            place.note_failed(place.current or "", BY_ORDER)
            place.begin_trial(found)
            version = found
        else:
            raise FailedError("there is no version before this one")
    except UpdateRefusedError as problem:
        raise FailedError(str(problem)) from None
    except OSError as problem:
        raise FailedError(f"the link cannot be switched: {problem}") from None
    say(f"No daemon answers, so only the link was switched: the next start runs version {version}.")


def _verify(options: argparse.Namespace) -> None:
    from phaeton.app.installation import installation_folder  # noqa: PLC0415
    from phaeton.updates.bundle import SIGNATURE, SUMS, verify, verify_unpacked  # noqa: PLC0415
    from phaeton.updates.problem import UpdateRefusedError  # noqa: PLC0415
    from phaeton.updates.signature import trusted_keys  # noqa: PLC0415

    path: Path = options.what
    try:
        if path.is_dir():
            manifest = verify_unpacked(path)
            say(f"{path}: all {len(manifest.files)} files of version {manifest.version} are as they were made")
            return
        keys = trusted_keys(options.place or installation_folder())
        signature = path.with_name(SIGNATURE).read_text(encoding="utf-8", errors="replace")
        version, arch = verify(path, path.with_name(SUMS).read_bytes(), signature, keys)
    except UpdateRefusedError as error:
        raise FailedError(str(error)) from None
    except OSError as error:
        raise FailedError(f"{path} cannot be verified: {error}") from None
    say(f"{path}: version {version} for {arch}, signed by somebody who is trusted here")


def _send(options: argparse.Namespace, path: Path) -> None:
    from phaeton.updates.parcel import packed  # noqa: PLC0415
    from phaeton.updates.problem import UpdateRefusedError  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="phaeton-update-") as folder:
        parcel = path
        try:
            if path.suffix != ".tar":
                parcel = Path(folder) / "parcel.tar"
                packed(path, parcel)
            content = parcel.read_bytes()
        except (UpdateRefusedError, OSError) as error:
            raise FailedError(str(error)) from None
    _long(options, "/api/update/upload", content, "application/octet-stream")


def _long(options: argparse.Namespace, path: str, body: bytes = b"", kind: str = "") -> object:
    """A request whose answer may take many minutes."""
    base = daemon_address(options)
    headers = {**authorization(options.token), **({"Content-Type": kind} if kind else {})}
    try:
        with urlopen(Request(base + path, data=body, method="POST", headers=headers), timeout=WITHIN_S) as answer:
            found: object = json.load(answer)
            return found
    except HTTPError as error:
        try:
            detail = json.load(error).get("detail", "")
        except (ValueError, AttributeError):
            detail = ""
        raise FailedError(detail or f"the daemon refused ({error.code})") from None
    except ValueError:
        raise FailedError("something else than Phaeton answers there; name the address with --url") from None
    except (URLError, OSError):
        raise NobodyError(f"nobody answers at {base}: does the daemon run, is web.enabled on?") from None


def described(found: object) -> str:
    """The status as text for people."""
    status = found if isinstance(found, dict) else {}
    lines = [f"installed: {status.get('current_version')} ({status.get('installed_as')})"]
    if status.get("latest_version"):
        newer = "newer" if status.get("update_available") else "nothing newer"
        lines.append(f"newest:    {status['latest_version']} ({newer})")
    if status.get("previous_version"):
        lines.append(f"before:    {status['previous_version']}, for a rollback")
    if status.get("busy"):
        lines.append(f"now:       {status['busy']}")
    if status.get("error"):
        lines.append(f"problem:   {status['error']}")
    if status.get("how_to_update"):
        lines.append(f"update by: {status['how_to_update']}")
    return "\n".join(lines)
