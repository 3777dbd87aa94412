"""Files that a command will write: whether it can is known before the long run begins, not after it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from phaeton.simulation.scope import SimulationError

STANDARD_OUTPUT = "-"


def can_be_written(paths: Iterable[Path | None]) -> None:
    """Try each path that was given, leaving what is there as it is; raises `SimulationError`."""
    for path in paths:
        if path is None or str(path) == STANDARD_OUTPUT:
            continue
        new = not path.exists()
        try:
            path.open("ab").close()
            if new:
                path.unlink()
        except OSError as error:
            raise SimulationError(f"{path} cannot be written: {_why(path, error)}") from None


def _why(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no folder {path.parent}. Make it, or give another path"
    if isinstance(error, IsADirectoryError):
        return "it is a folder. Give the name of a file in it"
    return f"{error.strerror}. Give another path"
