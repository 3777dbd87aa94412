"""Plots as SVG: they print, need no script, and take their colours from the page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import ceil, floor, isnan, log10
from typing import NamedTuple

from phaeton.calendar_days import wall_s
from phaeton.model import Zone
from phaeton.simulation.report import words
from phaeton.simulation.result import MonthTotals
from phaeton.simulation.series import Series

_WIDTH, _LEFT, _RIGHT = 1000.0, 52.0, 24.0
_DAY_S = 86400.0


def scale(most: float, lines: int = 4) -> list[float]:
    """Round numbers from 0 to at least ``most``, for the lines behind a plot."""
    if most <= 0.0:
        return [0.0, 1.0]
    rough = most / lines
    power = 10.0 ** floor(log10(rough))
    step = next(power * factor for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if power * factor >= rough * 0.999)
    return [step * n for n in range(ceil(most / step - 1e-9) + 1)]


def spread(least: float, most: float, lines: int = 5) -> list[float]:
    """Round numbers from at most ``least`` to at least ``most``, 0 among them."""
    least, most = min(least, 0.0), max(most, 0.0)
    above = scale(most - least, lines)
    step = above[1]
    return (
        [step * n for n in range(floor(least / step + 1e-9), ceil(most / step - 1e-9) + 1)] if most > least else above
    )


def _lines(levels: Sequence[float], top: float, bottom: float, unit: str) -> list[str]:
    """The lines behind a plot with their numbers."""
    drawn = []
    step = levels[1] - levels[0]
    decimals = 0 if levels[-1] >= 10 or step == int(step) else 1
    for level in levels:
        y = bottom - (bottom - top) * (level - levels[0]) / (levels[-1] - levels[0])
        drawn.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        drawn.append(f'<text class="tick" x="{_LEFT - 8}" y="{y + 4:.1f}">{words.number(level, decimals)}</text>')
    drawn.append(f'<text class="tick unit" x="{_LEFT - 8}" y="{top - 12:.1f}">{unit}</text>')
    return drawn


def by_month(months: Sequence[MonthTotals], currency: str) -> str:
    """The energy of the car by month and source, stacked; what it cost stands below."""
    top, bottom, height = 34.0, 250.0, 310.0
    levels = scale(max((one.ev_kwh for one in months), default=0.0))
    drawn = _lines(levels, top, bottom, "kWh")
    slot = (_WIDTH - _LEFT - _RIGHT) / max(len(months), 1)
    bar = min(slot * 0.62, 72.0)
    labels = len(months) <= 26
    for index, one in enumerate(months):
        middle = _LEFT + slot * (index + 0.5)
        name, year = words.month(one.month)
        parts = (
            ("pv", "sun", one.ev_from_pv_kwh),
            ("battery", "house battery", one.ev_from_battery_kwh),
            ("grid-power", "grid", one.ev_from_grid_kwh),
        )
        told = ", ".join(f"{words.energy(kwh)} from the {source}" for _, source, kwh in parts)
        cost = words.money(one.ev_cost, currency)
        drawn.append(f"<g><title>{escape(f'{name} {year}: {words.energy(one.ev_kwh)}: {told}; {cost}')}</title>")
        y = bottom
        for kind, _, kwh in parts:
            tall = (bottom - top) * kwh / levels[-1]
            y -= tall
            if tall > 0.05:
                left = middle - bar / 2
                drawn.append(f'<rect class="{kind}" x="{left:.1f}" y="{y:.1f}" width="{bar:.1f}" height="{tall:.1f}"/>')
        if labels:
            drawn.append(f'<text class="value" x="{middle:.1f}" y="{y - 7:.1f}">{words.number(one.ev_kwh)}</text>')
            drawn.append(f'<text class="name" x="{middle:.1f}" y="{bottom + 20:.1f}">{name}</text>')
            below = words.number(one.ev_cost, 2 if len(months) <= 14 else 0)
            drawn.append(f'<text class="below" x="{middle:.1f}" y="{bottom + 38:.1f}">{below}</text>')
        if name == "Jan" or index == 0:
            drawn.append(f'<text class="below year" x="{middle:.1f}" y="{bottom + 55:.1f}">{year}</text>')
        drawn.append("</g>")
    if labels:
        drawn.append(f'<text class="tick" x="{_LEFT - 8}" y="{bottom + 38:.1f}">{escape(currency)}</text>')
    return _svg(height, "Energy of the car by month and source", drawn)


Columns = tuple[str, str, Sequence[float]]
"""Class for the look, name, and a number for each month."""


def side_by_side(months: Sequence[str], columns: Sequence[Columns], unit: str, label: str) -> str:
    """Columns beside each other for each month, below the line where they are negative."""
    top, bottom, height = 34.0, 270.0, 322.0
    everything = [value for _, _, values in columns for value in values]
    levels = spread(min(everything, default=0.0), max(everything, default=0.0))
    drawn = _lines(levels, top, bottom, escape(unit))
    slot = (_WIDTH - _LEFT - _RIGHT) / max(len(months), 1)
    wide = min(slot * 0.8 / max(len(columns), 1), 34.0)
    each_w = (bottom - top) / (levels[-1] - levels[0])
    zero = bottom + each_w * levels[0]
    every = ceil(len(months) / 26)
    for index, month in enumerate(months):
        middle = _LEFT + slot * (index + 0.5)
        name, year = words.month(month)
        left = middle - wide * len(columns) / 2
        for place, (kind, title, values) in enumerate(columns):
            value = values[index]
            tall = abs(value) * each_w
            y = zero - tall if value > 0 else zero
            told = f"{name} {year}, {title}: {words.money(value, unit)}"
            drawn.append(
                f'<g><title>{escape(told)}</title><rect class="{kind}" x="{left + wide * place:.1f}" y="{y:.1f}" '
                f'width="{max(wide - 2.0, 1.0):.1f}" height="{max(tall, 0.5):.1f}"/></g>'
            )
        if index % every == 0:
            drawn.append(f'<text class="name" x="{middle:.1f}" y="{bottom + 20:.1f}">{name}</text>')
            if name == "Jan" or index == 0:
                drawn.append(f'<text class="below year" x="{middle:.1f}" y="{bottom + 38:.1f}">{year}</text>')
    drawn.append(f'<line class="zero" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{zero:.1f}" y2="{zero:.1f}"/>')
    return _svg(height, escape(label), drawn)


class Against(NamedTuple):
    """A bar of an amount, seen from the least that was possible."""

    amount: float
    least: float | None
    """None where that is not known."""
    lowest: float
    """The ends of the scale, 0 among them."""
    highest: float


def against(one: Against) -> str:
    """What had to be paid is plain, what the least possible would have spared is hatched, and a mark stands at it."""
    span = one.highest - one.lowest or 1.0

    def piece(kind: str, begin: float, end: float) -> str:
        left, right = 100.0 * (begin - one.lowest) / span, 100.0 * (end - one.lowest) / span
        return f'<span class="{kind}" style="left:{left:.2f}%;width:{right - left:.2f}%"></span>'

    least = one.amount if one.least is None else min(one.least, one.amount)
    pieces = [piece("zero", 0.0, 0.0), piece("due", min(0.0, one.amount), max(0.0, least))]
    if one.amount > least:
        pieces.append(piece("spared", least, one.amount))
    if one.least is not None:
        pieces.append(piece("mark", one.least, one.least))
    return f'<div class="track" aria-hidden="true">{"".join(pieces)}</div>'


def _average_day(series: Series, zone: Zone) -> tuple[list[list[float]], int]:
    """The mean of PV, load and car (kW) at each time of the day."""
    count = int(_DAY_S / series.bin_s)
    sums = [[0.0] * count for _ in range(3)]
    seen = [0] * count
    for index, pv_w in enumerate(series.pv_w):
        if isnan(pv_w):
            continue
        place = int(wall_s(zone, series.start_s + index * series.bin_s) % _DAY_S / series.bin_s)
        seen[place] += 1
        for total, value in zip(sums, (pv_w, series.load_w[index], series.car_w[index]), strict=True):
            total[place] += value
    means = [[total / times / 1000.0 if times else 0.0 for total, times in zip(one, seen, strict=True)] for one in sums]
    return means, count


def average_day(series: Series, zone: Zone) -> str:
    """When the sun shines, the house draws and the car charges, on the mean of all days; empty for less than one."""
    if series.bin_s > 3600.0 or len(series.pv_w) * series.bin_s < _DAY_S:
        return ""
    means, count = _average_day(series, zone)
    top, bottom, height = 34.0, 250.0, 286.0
    levels = scale(max(max(one) for one in means))
    drawn = _lines(levels, top, bottom, "kW")
    wide = (_WIDTH - _LEFT - _RIGHT) / count
    for hour in range(0, 25, 3):
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * hour / 24
        drawn.append(f'<text class="name" x="{x:.1f}" y="{bottom + 20:.1f}">{hour:02d}:00</text>')
    for kind, means_kw in zip(("pv", "load", "car"), means, strict=True):
        points = [
            (_LEFT + wide * (n + 0.5), bottom - (bottom - top) * value / levels[-1]) for n, value in enumerate(means_kw)
        ]
        points = [(_LEFT, points[0][1]), *points, (_WIDTH - _RIGHT, points[-1][1])]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        if kind != "load":
            area = f"{_LEFT},{bottom} {path} {_WIDTH - _RIGHT},{bottom}"
            drawn.append(f'<polygon class="{kind} area" points="{area}"/>')
        drawn.append(f'<polyline class="{kind} line" points="{path}"/>')
    return _svg(height, "The average day: PV, house and car", drawn)


def _svg(height: float, label: str, drawn: Sequence[str]) -> str:
    box = f"0 0 {_WIDTH:.0f} {height:.0f}"
    plot = f'<svg class="plot" viewBox="{box}" role="img" aria-label="{label}">{"".join(drawn)}</svg>'
    return f'<div class="sheet" tabindex="0">{plot}</div>'
