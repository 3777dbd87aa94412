"""The schedule's windows: whether now is inside one, by the wall clock of the site.

A window over midnight belongs to the day that it starts on. The wall clock settles the clock changes: 02:00-03:00 does
not exist on the spring day and comes twice in autumn.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise

from msgspec import Struct

from phaeton.config.tree_schedule import Window
from phaeton.model import Zone


class Stretch(Struct, frozen=True, gc=False):
    """A time in which a window holds (UTC seconds)."""

    start_s: float
    end_s: float
    window: Window


_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_S = 86400.0


def offset_s(zone: Zone, utc_s: float) -> float:
    """The zone's offset from UTC at an instant."""
    index = bisect_right(zone.transitions, (utc_s, float("inf"))) - 1
    return zone.transitions[max(index, 0)][1]


def local(zone: Zone, utc_s: float) -> tuple[int, float]:
    """Day of the week (0 = Monday) and second of the day on the site's wall clock."""
    wall_s = utc_s + offset_s(zone, utc_s)
    day, second = divmod(wall_s, _DAY_S)
    return int(day + 3) % 7, second


def _second(text: str) -> float:
    return int(text[:2]) * 3600.0 + int(text[3:]) * 60.0


def active(windows: tuple[Window, ...], zone: Zone, utc_s: float) -> Window | None:
    """The first window that holds now."""
    if not windows:
        return None
    today, second = local(zone, utc_s)
    yesterday = (today - 1) % 7
    for window in windows:
        if not window.active:
            continue
        start, end = _second(window.start), _second(window.end)
        if start < end:
            if start <= second < end and _on(window, today):
                return window
        elif start > end and ((second >= start and _on(window, today)) or (second < end and _on(window, yesterday))):
            return window
    return None


def stretches(windows: tuple[Window, ...], zone: Zone, from_s: float, until_s: float) -> list[Stretch]:
    """When windows hold between two times (UTC seconds)."""
    used = [window for window in windows if window.active]
    cuts = {from_s, until_s, *(at_s for at_s, _ in zone.transitions)}
    today_s = from_s + offset_s(zone, from_s)
    wall_s = today_s - today_s % _DAY_S
    while wall_s <= until_s + offset_s(zone, until_s):
        for clock in {_second(text) for window in used for text in (window.start, window.end)}:
            # On both sides of a clock change: an instant that is none cuts where nothing changes.
            cuts |= {wall_s + clock - offset_s(zone, wall_s + side) for side in (-_DAY_S, _DAY_S)}
        wall_s += _DAY_S
    found: list[Stretch] = []
    for start_s, end_s in pairwise(sorted(cut for cut in cuts if from_s <= cut <= until_s)):
        window = active(windows, zone, (start_s + end_s) / 2.0)
        if window is None:
            continue
        goes_on = found and found[-1].end_s == start_s and found[-1].window is window
        found.append(Stretch(found.pop().start_s if goes_on else start_s, end_s, window))
    return found


def _on(window: Window, day: int) -> bool:
    return not window.days or _DAYS[day] in window.days
