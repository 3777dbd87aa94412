"""``python -m bundling``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from bundling import lock
from bundling.architectures import ALL
from bundling.problem import BundlingError
from bundling.source import ROOT
from phaeton.updates.bundle import SIGNATURE, SUMS

KEY, PASSWORD = "PHAETON_RELEASE_KEY", "PHAETON_RELEASE_PASSWORD"


def say(words: str) -> None:
    """Progress."""
    print(f"bundling: {words}", file=sys.stderr, flush=True)


def _lock(options: argparse.Namespace) -> None:
    from bundling.locking import renewed  # noqa: PLC0415 - the other commands need no network

    lock.save(renewed(say))
    say(f"{lock.LOCK} is renewed")


def _build(options: argparse.Namespace) -> None:
    from bundling.build import build  # noqa: PLC0415 - the others need nothing of it
    from bundling.store import Store  # noqa: PLC0415

    wanted = [ALL[name] for name in options.arch or ("armv7", "aarch64")]
    for path in build(lock.load(), Store(options.parts), wanted, options.commit, options.out, say):
        print(path)


def _sign(options: argparse.Namespace) -> None:
    from bundling.signing import secret_key  # noqa: PLC0415 - needs the library cryptography

    text = options.key.read_text() if options.key is not None else os.environ.get(KEY, "")
    if not text:
        raise BundlingError(f"no secret key: give --key FILE, or its content in the environment as {KEY}")
    key = secret_key(text, os.environ.get(PASSWORD, ""))
    sums = options.out / SUMS
    listed = sums.read_bytes()
    names = [line.split()[-1] for line in listed.decode().splitlines()]
    sums.with_name(SIGNATURE).write_text(key.sign(listed, " ".join(names)))
    say(f"{sums.with_name(SIGNATURE)} is made; it is checked with `minisign -Vm {SUMS} -P {key.public_line}`")


def main() -> int:
    """Parse the command line and do it."""
    parser = argparse.ArgumentParser(prog="python -m bundling", description="Bundles for Venus OS: docs/bundle.md.")
    commands = parser.add_subparsers(required=True)
    locking = commands.add_parser("lock", help="renew the lock: the newest of Debian, and what the tests run with")
    locking.set_defaults(run=_lock)
    building = commands.add_parser("build", help="make the bundles and their checksums")
    building.add_argument(
        "--arch", action="append", choices=list(ALL), help="processor; several are allowed (armv7 and aarch64)"
    )
    building.add_argument("--commit", default="HEAD", help="what of Phaeton goes into it (HEAD)")
    building.add_argument("--out", type=Path, default=ROOT / "dist", help="folder for the files of the release (dist)")
    building.add_argument("--parts", type=Path, default=ROOT / "build/parts", help="folder that keeps the parts")
    building.set_defaults(run=_build)
    signing = commands.add_parser("sign", help="sign the checksums")
    signing.add_argument("--key", type=Path, help=f"file of a secret key of minisign (else in the environment: {KEY})")
    signing.add_argument("--out", type=Path, default=ROOT / "dist", help="folder with the files of the release (dist)")
    signing.set_defaults(run=_sign)
    options = parser.parse_args()
    try:
        options.run(options)
    except (BundlingError, OSError) as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
