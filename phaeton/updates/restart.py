"""The program starts itself again as what it is now: by the launcher of its installation, or by the same command."""

from __future__ import annotations

import os
import sys

VARIABLE = "PHAETON_LAUNCHER"
"""Set by the launcher: its path, or `watches` while it waits for this process to end."""
AGAIN = 75
"""The exit code by which a launcher that watches knows that it is to start the current version."""


def start_again() -> int:
    """Become the current version; returns an exit code only where a launcher watches and does it."""
    launcher = os.environ.get(VARIABLE, "")
    if launcher == "watches":
        return AGAIN
    sys.stdout.flush()
    sys.stderr.flush()
    path, arguments = (launcher, sys.argv[1:]) if launcher else (sys.executable, sys.orig_argv[1:])
    try:
        os.execv(path, [path, *arguments])
    except OSError as error:
        sys.stderr.write(f"{path} cannot be started: {error}\n")
    return AGAIN
