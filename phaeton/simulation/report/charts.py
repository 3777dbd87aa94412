"""Plots as SVG: they print, need no script, and take their colours from the page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import ceil, floor, isnan, log10

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


def _lines(levels: Sequence[float], top: float, bottom: float, unit: str) -> list[str]:
    """The lines behind a plot with their numbers."""
    drawn = []
    decimals = 0 if levels[-1] >= 10 or levels[1] == int(levels[1]) else 1
    for level in levels:
        y = bottom - (bottom - top) * level / levels[-1]
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
