"""A made-up day: the sun as a bell with a field of clouds, and a house that somebody lives in. Seeded, never random.

Times are seconds since midnight of the first day, local; later days go on from there.
"""

from __future__ import annotations

import math
from random import Random

from phaeton.simulation.profiles import Profile

DAY_S = 86400.0
_HOUR_S = 3600.0

_MEALS = ((6.8, 8.2, 700.0), (12.2, 13.4, 900.0), (17.8, 19.5, 1600.0), (19.5, 23.0, 350.0))
"""From hour, to hour, W."""


class Noise:
    """Smooth noise over time from 0 to 1: values at even points, joined by curves; any time may be asked."""

    def __init__(self, every_s: float, seed: int) -> None:
        self._every_s = every_s
        self._seed = seed
        self._at: dict[int, float] = {}

    def _value(self, index: int) -> float:
        value = self._at.get(index)
        if value is None:
            if len(self._at) > 1000:
                self._at.clear()
            value = self._at[index] = Random(self._seed * 1_000_003 + index).random()
        return value

    def __call__(self, time_s: float) -> float:
        """The noise at a time."""
        place = time_s / self._every_s
        index = math.floor(place)
        part = place - index
        part = part * part * (3.0 - 2.0 * part)
        return self._value(index) * (1.0 - part) + self._value(index + 1) * part


def clear_sky(peak_w: float, rise_s: float = 5.6 * _HOUR_S, set_s: float = 21.6 * _HOUR_S) -> Profile:
    """A cloudless summer's day, every day the same."""

    def power_w(time_s: float) -> float:
        height = math.sin(math.pi * (time_s % DAY_S - rise_s) / (set_s - rise_s))
        return peak_w * height**1.4 if rise_s < time_s % DAY_S < set_s and height > 0.0 else 0.0

    return power_w


def cloudy(clear: Profile, cover: float = 0.45, seed: int = 0) -> Profile:
    """A clear sky behind passing clouds; ``cover`` is about the share of the time in shade."""
    weather = Noise(2.0 * _HOUR_S, seed)
    clouds = Noise(14.0 * 60.0, seed + 1)
    edges = Noise(2.5 * 60.0, seed + 2)

    def power_w(time_s: float) -> float:
        thick = 0.35 * weather(time_s) + 0.45 * clouds(time_s) + 0.2 * edges(time_s) - (1.0 - cover) * 0.62
        shade = min(1.0, max(0.0, thick * 5.0))
        return clear(time_s) * (1.0 - 0.78 * shade)

    return power_w


def household(base_w: float = 280.0, seed: int = 0) -> Profile:
    """Standby, a fridge, breakfast, a dishwasher at noon and dinner, with kettles in between."""
    habit = Noise(20.0 * 60.0, seed + 10)

    def power_w(time_s: float) -> float:
        hour = time_s % DAY_S / _HOUR_S
        load_w = base_w + 120.0 * habit(time_s)
        if time_s % 2700.0 < 900.0:
            load_w += 90.0
        for start, end, more_w in _MEALS:
            if start <= hour < end:
                load_w += more_w * (0.4 + 0.6 * habit(time_s * 3.0))
        quarter = int(time_s // 900.0)
        if 7.0 <= hour < 22.0 and Random(seed * 7919 + quarter).random() < 0.22 and time_s % 900.0 < 150.0:
            load_w += 1900.0
        return load_w

    return power_w
