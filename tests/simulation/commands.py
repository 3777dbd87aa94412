"""Commands as a person runs them, and the files that they are given."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from phaeton.simulation.csv_rows import utc_text
from tests.simulation.tables import JUNE_S, table

HOUR = 3600


def phaeton(*arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run ``phaeton``; what it said is in the result."""
    command = [sys.executable, "-m", "phaeton", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, env={**os.environ, **environ}, check=False
    )


def house_file(folder: Path, days: int) -> Path:
    """Sun from 8 to 18 o'clock, less on each second day."""
    rows = [
        (900 * n, (6000 if n // 96 % 2 else 2500) if 8 <= (n / 4) % 24 < 18 else 0, 400 + (n % 4))
        for n in range(days * 96)
    ]
    return table(folder / "house.csv", "time,pv_w,load_w", rows)


def price_file(folder: Path, days: int) -> Path:
    """Dear evenings, cheap nights."""
    return table(
        folder / "prices.csv",
        "start,price_per_kwh",
        [(HOUR * n, (0.10, 0.25, 0.22, 0.45)[n % 24 // 6]) for n in range(days * 24)],
    )


def stay_file(folder: Path, days: int) -> Path:
    """Home from 17:00 to 7:00."""
    rows = [(HOUR * (24 * day + 17), utc_text(JUNE_S + HOUR * (24 * day + 31)), 9) for day in range(days - 1)]
    return table(folder / "stays.csv", "arrival,departure,energy_kwh", rows)


def all_files(folder: Path, days: int) -> list[object]:
    """The options that name all three."""
    return [
        "--history", house_file(folder, days), "--prices", price_file(folder, days),
        "--sessions", stay_file(folder, days),
    ]  # fmt: skip
