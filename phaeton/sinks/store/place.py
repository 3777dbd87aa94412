"""Where the store is kept when the configuration does not say."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

GX_DATA = Path("/data")
"""The partition of a GX device that outlives updates of its firmware."""


def default_directory(gx_data: Path = GX_DATA, environment: Mapping[str, str] = os.environ) -> Path:
    """``/data/phaeton`` on a GX, else ``phaeton`` in the user's state directory (XDG)."""
    if gx_data.is_dir() and os.access(gx_data, os.W_OK | os.X_OK):
        return gx_data / "phaeton"
    state = environment.get("XDG_STATE_HOME", "")
    # The XDG rules say that a relative path there is to be ignored.
    home = Path(state) if state.startswith("/") else Path(environment.get("HOME") or "~").expanduser() / ".local/state"
    return home / "phaeton"


def directory(configured: str) -> Path:
    """The directory of the configuration, the default when that is empty."""
    return Path(configured).expanduser() if configured else default_directory()
