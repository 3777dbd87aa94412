"""Powers over time for the plant's inputs: small functions of the seconds since the start, in W."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from random import Random

Profile = Callable[[float], float]
"""Power in W at so many seconds after the start."""


def steady(power_w: float) -> Profile:
    """Always the same."""
    return lambda _: power_w


def steps(first_w: float, *changes: tuple[float, float]) -> Profile:
    """``first_w`` until the first change; each change is (seconds, W) and they come in order of time."""
    times_s = [time_s for time_s, _ in changes]
    powers_w = [first_w, *(power_w for _, power_w in changes)]
    return lambda time_s: powers_w[bisect_right(times_s, time_s)]


def square(high_w: float, high_s: float, low_w: float, low_s: float) -> Profile:
    """High and low in turn, high first."""
    period_s = high_s + low_s
    return lambda time_s: high_w if time_s % period_s < high_s else low_w


def sawtooth(low_w: float, high_w: float, period_s: float) -> Profile:
    """Up from low to high and down again in each period."""

    def power_w(time_s: float) -> float:
        part = time_s % period_s / period_s
        rise = 2.0 * part if part < 0.5 else 2.0 - 2.0 * part
        return low_w + (high_w - low_w) * rise

    return power_w


def noisy(profile: Profile, spread_w: float, every_s: float, seed: int = 0) -> Profile:
    """A profile with an even spread of +/- ``spread_w``, drawn anew every ``every_s``; the same for each run."""
    drawn: list[float] = []
    random = Random(seed)

    def power_w(time_s: float) -> float:
        index = int(time_s / every_s)
        while len(drawn) <= index:
            drawn.append(random.uniform(-spread_w, spread_w))
        return max(0.0, profile(time_s) + drawn[index])

    return power_w
