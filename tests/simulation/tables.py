"""Small CSV files for tests."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

JUNE_S = 1_717_200_000.0
"""2024-06-01 00:00 UTC."""


def at(seconds: float) -> str:
    """A time after ``JUNE_S`` as it stands in a file."""
    return datetime.fromtimestamp(JUNE_S + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def table(path: Path, header: str, rows: Iterable[Sequence[object]]) -> Path:
    """Write a table; the first cell of a row may be seconds after ``JUNE_S``."""
    lines = [header]
    for first, *rest in rows:
        start = at(first) if isinstance(first, int | float) else str(first)
        lines.append(",".join([start, *(str(cell) for cell in rest)]))
    text = "\n".join(lines) + "\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path
