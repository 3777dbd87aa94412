"""``python -m venus stick | package``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from venus.archives import ArchiveError, package, stick


def main() -> int:
    """Parse the command line and do it."""
    parser = argparse.ArgumentParser(prog="python -m venus", description="Archives for GX devices: docs/install.md.")
    commands = parser.add_subparsers(required=True)
    sticking = commands.add_parser("stick", help="make venus-data.tar.gz: a device installs from it at its next boot")
    sticking.add_argument("bundles", nargs="+", type=Path, metavar="BUNDLE", help="SHA256SUMS must lie beside it")
    sticking.add_argument("--config", type=Path, metavar="FILE", help="for a device without a configuration")
    sticking.set_defaults(run=lambda options: stick(options.bundles, options.out, options.config))
    packaging = commands.add_parser("package", help="make the package for SetupHelper's PackageManager")
    packaging.add_argument("version", help="of the release that it installs")
    packaging.add_argument("repository", metavar="OWNER/NAME", help="where the releases are")
    packaging.add_argument("--bundle", action="append", type=Path, default=[], help="take a bundle in")
    packaging.add_argument("--changes", type=Path, metavar="FILE", help="what is new (from ./dev notes VERSION)")
    packaging.set_defaults(
        run=lambda options: package(
            options.version, options.repository, options.out, options.bundle,
            options.changes.read_text(encoding="utf-8") if options.changes else "",
        )
    )  # fmt: skip
    for command in (sticking, packaging):
        command.add_argument("--out", type=Path, default=Path("dist"), help="folder for the archive (dist)")
    options = parser.parse_args()
    try:
        sys.stdout.write(f"{options.run(options)}\n")
    except (ArchiveError, OSError) as error:
        sys.stderr.write(f"venus: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
