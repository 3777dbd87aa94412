"""The plots of docs/modes.md, simulated with the graph of the daemon: ``python docs/plots.py``.

The same program gives the same files; a test makes them again and compares.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from msgspec import Struct

from phaeton.config.points import charging_points
from phaeton.config.tree import Charger, Config, Initial, Site
from phaeton.config.tree_schedule import Schedule
from phaeton.model import PriceSlot
from phaeton.simulation.car import Car
from phaeton.simulation.charger_plant import ChargerPlant
from phaeton.simulation.closed_loop import UTC, ClosedLoop
from phaeton.simulation.compare.strategies import built_in
from phaeton.simulation.history import in_memory
from phaeton.simulation.house_setup import HouseSetup
from phaeton.simulation.plant import Plant
from phaeton.simulation.profiles import Profile, steps
from phaeton.simulation.result import Setup
from phaeton.simulation.series import Series
from phaeton.simulation.simulate import simulate
from phaeton.simulation.stays import Stay
from phaeton.simulation.tariff import Tariff
from phaeton.simulation.weather import household
from phaeton.streams.graph import site_graph

FOLDER = Path(__file__).parent / "images" / "plots"
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 260, 52, 28, 30, 30
SUN, CAR, PRICE, INK, FAINT = "#f5c542", "#2367c7", "#c9cfd6", "#3a3f45", "#e4e7ea"
MIDNIGHT_S = 1_748_736_000.0
"""2025-06-01, UTC."""
HOUR_S = 3600.0


class Line(Struct, frozen=True):
    """A curve, or an area where ``filled``: times in s since the start of the plot, and values."""

    name: str
    colour: str
    points: Sequence[tuple[float, float]]
    filled: bool = False


class Note(Struct, frozen=True):
    """Words at a time."""

    at_s: float
    text: str


def drawn(
    title: str, unit: str, most: float, begin_h: float, span_s: float, lines: Iterable[Line], notes: Iterable[Note]
) -> str:
    """The plot as SVG; values from 0 to ``most``."""

    def x(time_s: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * time_s / span_s, 1)

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(max(value / most, 0.0), 1.0), 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
        'font-family="sans-serif" font-size="12">',
        f"<title>{title}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#fff"/>',
    ]
    for n in range(5):
        value = most * n / 4
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value)}" y2="{y(value)}" stroke="{FAINT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(value) + 4}" text-anchor="end" fill="{INK}">{value:g}</text>')
    parts.append(f'<text x="{LEFT - 6}" y="{TOP - 12}" text-anchor="end" fill="{INK}">{unit}</text>')
    every_s = 2 * HOUR_S if span_s > 6 * HOUR_S else 600.0 if span_s < 5000.0 else 1200.0
    for n in range(int(span_s / every_s) + 1):
        minutes = round(begin_h * 60 + n * every_s / 60)
        clock = f"{minutes // 60 % 24}:{minutes % 60:02d}"
        parts.append(f'<text x="{x(n * every_s)}" y="{HEIGHT - 10}" text-anchor="middle" fill="{INK}">{clock}</text>')
    legend = LEFT + 8.0
    for line in lines:
        corners = " ".join(f"{x(time_s)},{y(value)}" for time_s, value in line.points)
        if line.filled:
            first, last = x(line.points[0][0]), x(line.points[-1][0])
            parts.append(
                f'<polygon points="{first},{y(0)} {corners} {last},{y(0)}" fill="{line.colour}" fill-opacity=".55"/>'
            )
        else:
            parts.append(f'<polyline points="{corners}" fill="none" stroke="{line.colour}" stroke-width="2"/>')
        parts.append(f'<rect x="{legend}" y="{TOP - 22}" width="12" height="10" fill="{line.colour}"/>')
        parts.append(f'<text x="{legend + 17}" y="{TOP - 13}" fill="{INK}">{line.name}</text>')
        legend += 32.0 + 6.6 * len(line.name)
    for note in notes:
        at = x(note.at_s)
        parts.append(f'<path d="M{at},{TOP}V{y(0)}" stroke="{INK}" stroke-dasharray="3 3"/>')
        parts.append(f'<text x="{at + 4}" y="{TOP + 12}" fill="{INK}">{note.text}</text>')
    return "\n".join([*parts, "</svg>", ""])


def site(mode: str, sun: Profile, minutes: float) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """A car at a house of 300 W: what the sun leaves, and what the car draws (kW)."""
    charger = Charger(host="simulated", id="1", initial=Initial(mode=mode))  # type: ignore[arg-type]
    config = Config(chargers=(charger,), site=Site(timezone="UTC"))
    points = charging_points(config, {})
    plant = Plant(chargers=[ChargerPlant(point=points[0].id, car=Car(max_a=16.0))])
    loop = ClosedLoop(site_graph(config, points, UTC), plant, pv=sun, load=300.0)
    rows = loop.run(minutes * 60.0).rows
    surplus = [(row.time_s, (row.pv_w - row.load_w) / 1000) for row in rows]
    return corners(surplus), corners([(row.time_s, row.ev_w[0] / 1000) for row in rows])


def corners(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points of a curve at which it bends by more than a line is wide."""
    kept = [points[0]]
    for before, now in pairwise(points):
        if abs(now[1] - kept[-1][1]) > 0.03:
            kept += [before, now] if before[0] > kept[-1][0] else [now]
    return [*kept, points[-1]]


def clouds() -> str:
    """Start, follow, hold through a cloud, stop in a long one, rest, start again."""
    sun = steps(1000.0, (300, 5600.0), (1200, 7400.0), (1800, 3000.0), (1890, 7400.0), (2700, 900.0), (3900, 6800.0))
    surplus, car = site("auto", sun, 80)
    notes = [
        Note(300, "sun: wait 2 min"),
        Note(1800, "a cloud: hold"),
        Note(2700, "a long one: stop, rest"),
        Note(3900, "again"),
    ]
    lines = [Line("what the sun leaves", SUN, surplus, filled=True), Line("car", CAR, car)]
    return drawn("Auto between clouds", "kW", 8.0, 12.0, 4800.0, lines, notes)


def phases() -> str:
    """The sun goes down: three phases, then one, then nothing."""
    surplus, car = site("auto", lambda time_s: max(9000.0 - 1.25 * time_s, 0.0), 120)
    lines = [Line("what the sun leaves", SUN, surplus, filled=True), Line("car", CAR, car)]
    return drawn("From three phases to one", "kW", 10.0, 17.0, 7200.0, lines, [])


def plan() -> str:
    """A night with prices: the least-cost plan for 7:00."""
    cents = [31, 30, 29, 27, 26, 24, 22, 19, 18, 17, 19, 24, 30, 33]
    begin_s = MIDNIGHT_S + 18 * HOUR_S
    slots = [
        PriceSlot(begin_s + n * HOUR_S, begin_s + (n + 1) * HOUR_S, cent / 100, 0.05) for n, cent in enumerate(cents)
    ]
    span_s = len(cents) * HOUR_S
    times = [n * 300.0 for n in range(int(span_s / 300))]
    house = household()
    night = in_memory(begin_s, 300.0, [0.0] * len(times), [house(18 * HOUR_S + time_s) for time_s in times])
    stay = Stay(arrival_s=begin_s + 600.0, departure_s=begin_s + 13 * HOUR_S, energy_kwh=26.0)
    base = Config(chargers=(Charger(host="simulated"),), site=Site(timezone="UTC"), schedule=Schedule())
    (planned,) = [one for one in built_in(base, HouseSetup()) if one.name == "price_plan"]
    series = Series()
    simulate(night, planned.config, (stay,), Tariff(tuple(slots), "EUR"), Setup(step_s=10.0), series=series)
    price = [(at_s, cent * 12.0 / 40.0) for n, cent in enumerate(cents) for at_s in (n * HOUR_S, (n + 1) * HOUR_S)]
    car = [(n * series.bin_s, watts / 1000) for n, watts in enumerate(series.car_w)]
    lines = [Line("price (40 ct = full height)", PRICE, price, filled=True), Line("car", CAR, car)]
    return drawn("A plan for the departure", "kW", 12.0, 18.0, span_s, lines, [Note(13 * HOUR_S, "7:00")])


PLOTS: dict[str, Callable[[], str]] = {"auto-clouds": clouds, "auto-phases": phases, "plan": plan}


def main() -> None:
    """Write them all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, make in PLOTS.items():
        (FOLDER / f"{name}.svg").write_text(make())
        sys.stdout.write(f"{name}.svg\n")


if __name__ == "__main__":
    main()
