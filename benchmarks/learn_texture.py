"""Learn the seconds of sun and load from recordings; prints the table of ``phaeton/simulation/texture.py``.

PV: one cloudy day in seconds (EPRI, in OpenDSS' examples, BSD-3). Load: a house in the UK with readings each 11 s (a
sample of Home-Assistant-Import-Energy-Data, MIT). Both lie in ``../shared/data/history``, not in the project.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path

DATA = Path(__file__).parents[2] / "shared" / "data" / "history"
PV = DATA / "telemetry_us_pv_1s_12h_cloudy_a.csv.gz"
LOAD = DATA / "telemetry_uk_home_battery_11s_2025-06-01_06.csv.gz"

BROKEN = slice(3 * 3600, 8 * 3600)
"""Five hours of sun between clouds."""
CLEAR_WINDOW_S = 900
SUNNY, SHADED = 0.8, 0.6
SWITCHED_W = 150.0
NEXT_S = 16.0
"""Readings further apart do not tell when something was switched."""
SLOW_S = 60.0
"""A slower edge is the weather, not a cloud."""


def quantiles(values: Sequence[float], count: int = 9) -> tuple[float, ...]:
    """Evenly spaced quantiles from the least to the most."""
    ordered = sorted(values)
    return tuple(round(ordered[round(i * (len(ordered) - 1) / (count - 1))], 3) for i in range(count))


def rows(path: Path, column: str) -> list[tuple[float, float]]:
    """Time and value of each row."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
        found = csv.DictReader(text)
        return [(datetime.fromisoformat(row["time"]).timestamp(), float(row[column])) for row in found]


def learn_sun() -> None:
    """How long sun and shade last, how dark the shade is, and how fast it comes."""
    power_w = [value for _, value in rows(PV, "pv_w")][BROKEN]
    highest = [max(power_w[max(0, i - CLEAR_WINDOW_S) : i + CLEAR_WINDOW_S]) for i in range(len(power_w))]
    clear = [power / most for power, most in zip(power_w, highest, strict=True)]
    sunny, since = True, 0
    lengths: dict[bool, list[float]] = {True: [], False: []}
    depths: list[float] = []
    for second, share in enumerate(clear):
        if (sunny and share < SHADED) or (not sunny and share > SUNNY):
            lengths[sunny].append(second - since)
            if not sunny:
                depths.append(min(clear[since:second]))
            sunny, since = not sunny, second
    edges = []
    second = 0
    while second < len(clear) - 1:
        if clear[second] >= SUNNY > clear[second + 1] or clear[second] <= SHADED < clear[second + 1]:
            falling = clear[second] >= SUNNY
            end = second + 1
            while end < len(clear) - 1 and (clear[end] > SHADED if falling else clear[end] < SUNNY):
                end += 1
            edges.append((end - second) / (SUNNY - SHADED) * 0.6)
            second = end
        second += 1
    print("SUN_S =", quantiles(lengths[True]))
    print("SHADE_S =", quantiles(lengths[False]))
    print("SHADE =", quantiles(depths))
    print("EDGE_S =", quantiles([edge for edge in edges if edge <= SLOW_S]))


def learn_load() -> None:
    """What is switched on, and for how long."""
    on: list[tuple[float, float]] = []
    powers, lengths = [], []
    for (before_s, before_w), (time_s, now_w) in pairwise(rows(LOAD, "load_w")):
        step_w = now_w - before_w
        if time_s - before_s > NEXT_S:
            on.clear()
        elif step_w > SWITCHED_W:
            on.append((time_s, step_w))
        elif step_w < -SWITCHED_W:
            alike = [one for one in on if abs(one[1] + step_w) < 0.25 * one[1]]
            if alike:
                began_s, power_w = alike[-1]
                on.remove(alike[-1])
                powers.append(power_w)
                lengths.append(time_s - began_s)
    print("SWITCHED_W =", quantiles(powers))
    print("SWITCHED_S =", quantiles(lengths))
    print("#", len(powers), "switchings")


if __name__ == "__main__":
    learn_sun()
    learn_load()
