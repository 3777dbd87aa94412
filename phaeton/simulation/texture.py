"""Realistic seconds for coarse histories: clouds over the PV and switching in the house, seeded.

Every cell keeps its mean. Where the history itself is uneven from cell to cell the sky is broken, and sun and shade
alternate as they did in a recording; an even history, clear or overcast, stays even. What the house draws above its
standby is switched on and off. The tables are quantiles that ``benchmarks/learn_texture.py`` took from two
recordings: PV in seconds on a cloudy day (EPRI, in the examples of OpenDSS, BSD-3-Clause) and a house in steps of
11 s (Home-Assistant-Import-Energy-Data, MIT).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

SUN_S = (6, 16, 31, 43, 86, 180, 225, 322, 2250)
"""Length of a stretch of sun."""
SHADE_S = (5, 12, 22, 30, 45, 57, 81, 149, 459)
"""Length of a stretch of shade."""
SHADE = (0.198, 0.266, 0.314, 0.349, 0.381, 0.439, 0.482, 0.509, 0.592)
"""What is left of the sun in the shade."""
EDGE_S = (9.0, 12.0, 12.0, 15.0, 15.0, 18.0, 21.0, 36.0, 60.0)
"""From sun to shade and back."""
SWITCHED_W = (156.0, 221.0, 406.0, 1370.0, 1393.0, 1407.0, 1417.0, 1440.0, 1797.0)
SWITCHED_S = (9.0, 11.0, 11.0, 11.0, 11.0, 11.0, 15.0, 28.0, 276.0)

_BLOCK_S = 3600
"""The sky is drawn for an hour at a time, whatever the cells are."""
_AROUND = 3
"""Cells on each side that tell of the weather and of the standby."""
_BROKEN = 0.12
"""From this unevenness on (mean second difference over the power) the sky is as broken as in the recording."""
_LENS = 1.2
"""The sun between clouds gives so much more than the best cell around."""
_MOST_SWITCHED = 60

Powers = Sequence[float]


class Texture:
    """Draws the seconds; the same seed gives the same ones, wherever a run begins."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._sky: dict[int, list[float]] = {}

    def steps(
        self, start_s: float, pv_w: Powers, load_w: Powers, cell_s: float, step_s: float
    ) -> Iterator[tuple[float, float]]:
        """PV and load in steps of ``step_s``; the cells begin at ``start_s``."""
        each = int(cell_s / step_s)
        if each == 1:
            yield from zip(pv_w, load_w, strict=True)
            return
        for index in range(len(pv_w)):
            at_s = start_s + index * cell_s
            around = slice(max(0, index - _AROUND), index + _AROUND + 1)
            sun = self._sun(at_s, pv_w[index], pv_w[around], each, step_s)
            house = self._house(at_s, load_w[index], min(load_w[around]), each, step_s)
            yield from zip(sun, house, strict=True)

    def _sun(self, at_s: float, mean_w: float, around: Powers, each: int, step_s: float) -> list[float]:
        """One cell of PV: its mean, more or less shaded."""
        broken = unevenness(around) / _BROKEN if mean_w > 0.0 else 0.0
        if broken <= 0.0:
            return [mean_w] * each
        clear = self._clear(at_s, each, step_s)
        mean = sum(clear) / each
        room = _LENS * max(around) / mean_w - 1.0
        beyond = max(clear) / mean - 1.0
        strength = min(1.0, broken, room / beyond if beyond > 0.0 else 1.0)
        return [mean_w * (1.0 + strength * (share / mean - 1.0)) for share in clear]

    def _clear(self, at_s: float, each: int, step_s: float) -> list[float]:
        """What clouds leave of the sun in each step."""
        found: list[float] = []
        width = int(step_s)
        second = int(at_s)
        while len(found) < each:
            block, offset = divmod(second, _BLOCK_S)
            seconds = self._block(block)
            count = min(each - len(found), (_BLOCK_S - offset) // width)
            found += [sum(seconds[offset + n * width : offset + (n + 1) * width]) / width for n in range(count)]
            second += count * width
        return found

    def _block(self, block: int) -> list[float]:
        """An hour of broken clouds: sun and shade in turn, with slopes between them."""
        sky = self._sky.get(block)
        if sky is None:
            if len(self._sky) > 4:
                self._sky.clear()
            draw = Random(self._seed * 1_000_003 + block)
            sky = []
            level, sunny = 1.0, draw.random() < 0.6
            while len(sky) < _BLOCK_S:
                target = 1.0 if sunny else _drawn(SHADE, draw)
                edge = int(_drawn(EDGE_S, draw)) or 1
                sky += [level + (target - level) * (n + 1) / edge for n in range(edge)]
                level = target
                sky += [level] * int(_drawn(SUN_S if sunny else SHADE_S, draw))
                sunny = not sunny
            del sky[_BLOCK_S:]
            self._sky[block] = sky
        return sky

    def _house(self, at_s: float, mean_w: float, standby_w: float, each: int, step_s: float) -> list[float]:
        """One cell of load: the standby, and what is switched on and off above it."""
        draw = Random(self._seed * 1_000_003 - int(at_s))
        powers_w = [standby_w] * each
        cell_s = each * step_s
        left_ws = (mean_w - standby_w) * cell_s
        for _ in range(_MOST_SWITCHED):
            power_w, length_s = _drawn(SWITCHED_W, draw), min(_drawn(SWITCHED_S, draw), cell_s)
            if power_w * length_s > left_ws:
                break
            begin_s = draw.random() * (cell_s - length_s)
            _switch(powers_w, begin_s, begin_s + length_s, power_w, step_s)
            left_ws -= power_w * length_s
        rest_w = left_ws / cell_s
        return [power_w + rest_w for power_w in powers_w]


def unevenness(powers_w: Powers) -> float:
    """How broken a course is: the mean second difference, over the mean power; slopes do not count."""
    mean_w = sum(powers_w) / len(powers_w)
    if len(powers_w) < 3 or mean_w <= 0.0:
        return 0.0
    bends = [abs(powers_w[n] - (powers_w[n - 1] + powers_w[n + 1]) / 2.0) for n in range(1, len(powers_w) - 1)]
    return sum(bends) / len(bends) / mean_w


def _drawn(quantiles: Sequence[float], draw: Random) -> float:
    """A value from a table of evenly spaced quantiles."""
    place = draw.random() * (len(quantiles) - 1)
    index = int(place)
    return quantiles[index] + (quantiles[index + 1] - quantiles[index]) * (place - index)


def _switch(powers_w: list[float], begin_s: float, end_s: float, power_w: float, step_s: float) -> None:
    """Add a power from one time to another, in the steps that it touches by their part."""
    for index in range(int(begin_s / step_s), min(len(powers_w), int(end_s / step_s) + 1)):
        part_s = min(end_s, (index + 1) * step_s) - max(begin_s, index * step_s)
        powers_w[index] += power_w * max(0.0, part_s) / step_s
