"""The invariants in closed loop over the pasts of houses: generated ones, and real ones where they are at hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from phaeton.config.tree import Auto, Config, Site, SiteLimits
from phaeton.model import PriceSlot
from phaeton.simulation.csv_rows import CsvFile
from phaeton.simulation.history import History, in_memory, read_history
from phaeton.simulation.house_setup import HouseSetup
from phaeton.simulation.profiles import noisy, steady
from phaeton.simulation.result import Setup
from phaeton.simulation.simulate import simulate
from phaeton.simulation.stays import Stay
from phaeton.simulation.tariff import Tariff
from phaeton.simulation.weather import clear_sky, cloudy, household
from tests.property.invariants import LONG, Watch
from tests.scenarios.site import charger, config
from tests.simulation.tables import table

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "history"
HOUR, DAY = 3600.0, 86400.0
JUNE_S = 1_717_200_000.0


class Past(Struct, frozen=True):
    """A part of a file: from when on (h), how long (h), in which steps (s)."""

    name: str
    begin_h: float
    hours: float
    step_s: float
    battery_kwh: float = 0.0
    load_w: float | None = None
    """Of the house, where the file has no load."""

    def read(self, folder: Path) -> History:
        (path,) = SHARED.glob(f"{self.name}*.csv.gz")
        paths = [path]
        if self.load_w is not None:
            from_s = read_start(path) - JUNE_S
            rows = [(from_s + 60.0 * n, self.load_w + 7 * (n % 11)) for n in range(24 * 60)]
            paths.append(table(folder / "load.csv", "time,load_w", rows))
        return read_history(paths, self.step_s, trust_units=True)


def read_start(path: Path) -> float:
    """When a file begins."""
    file = CsvFile(path)
    row, cells = next(iter(file.rows()))
    return file.time_s(cells[0], row, "time")


PASTS = (
    Past("telemetry_us_pv_1s", 5.0, 1.0, 1.0, load_w=300.0),
    Past("telemetry_uk_home_battery_11s", 34.0, 8.0, 10.0, battery_kwh=9.5),
    Past("telemetry_de_home_grid_5s", 8.0, 4.0, 5.0),
    Past("telemetry_nl_home_p1_grid_1min", 0.0, 36.0, 60.0),
    Past("telemetry_nl_home_toon_5min", 24.0, 36.0, 60.0, battery_kwh=5.0),
    Past("telemetry_composite_3phase_10min", 24.0, 36.0, 60.0),
    Past("telemetry_at_home_grid_15min", 4000.0, 36.0, 60.0),
    Past("telemetry_fr_home_30min", 2500.0, 36.0, 60.0, battery_kwh=10.0),
)
HERE = tuple(past for past in PASTS if list(SHARED.glob(f"{past.name}*.csv.gz")))


def two_cars() -> Config:
    """One by the sun, one by a plan, behind a fuse that both together would blow."""
    limits = SiteLimits(fuse_a=25.0, import_w=14_000.0, raise_after_s=20.0)
    second = charger(2, mode="scheduled", priority=1)
    return config(charger(1), second, auto=Auto(start_delay_s=60.0), site=Site(limits=limits))


def stays(start_s: float, end_s: float) -> Iterator[Stay]:
    """A car at the first point all the time but for a quarter of an hour, one at the second now and then."""
    middle_s = (start_s + end_s) / 2
    yield Stay(arrival_s=start_s + 60, departure_s=middle_s, energy_kwh=30.0, point="1")
    yield Stay(arrival_s=middle_s + 900, departure_s=end_s, energy_kwh=30.0, point="1")
    while start_s + 2 * HOUR <= end_s:
        yield Stay(arrival_s=start_s + 600, departure_s=start_s + 2 * HOUR - 300, energy_kwh=6.0, point="2")
        start_s += 2 * HOUR


def prices(start_s: float, end_s: float) -> Tariff:
    """Quarters that go up and down."""
    start_s = start_s // DAY * DAY
    quarters = range(int((end_s - start_s) / 900) + 96)
    slots = [PriceSlot(start_s + 900 * n, start_s + 900 * (n + 1), 0.1 + n * 7 % 30 / 100, 0.05) for n in quarters]
    return Tariff(tuple(slots), "EUR")


def run_over(history: History, setup: Setup) -> Watch:
    start_s = history.start_s if setup.start_s is None else setup.start_s
    end_s = history.end_s if setup.end_s is None else setup.end_s
    watch = Watch(LONG)
    result = simulate(
        history, two_cars(), list(stays(start_s, end_s)), prices(start_s, end_s), setup, make_control=watch.control
    )
    assert result.totals.ev_kwh > 1.0
    assert watch.decisions == watch.steps > 500
    return watch


@pytest.mark.parametrize("past", HERE, ids=lambda past: past.name)
def test_the_invariants_hold_over_the_past_of_a_real_house(tmp_path: Path, past: Past) -> None:
    history = past.read(tmp_path)
    start_s = history.start_s + past.begin_h * HOUR
    house = HouseSetup(battery_kwh=past.battery_kwh)
    run_over(history, Setup(house=house, step_s=past.step_s, start_s=start_s, end_s=start_s + past.hours * HOUR))


def seconds(values: Iterable[float]) -> list[float]:
    return [max(0.0, value) for value in values]


@pytest.mark.parametrize(("cell_s", "hours", "battery_kwh"), [(1.0, 1.0, 0.0), (10.0, 6.0, 8.0), (900.0, 36.0, 0.0)])
def test_the_invariants_hold_over_the_past_of_a_generated_house(
    cell_s: float, hours: float, battery_kwh: float
) -> None:
    times = [11 * HOUR + n * cell_s for n in range(int(hours * HOUR / cell_s))]
    sun, house = cloudy(clear_sky(9000.0), seed=11), household()
    flicker = noisy(steady(0.0), 150.0, 3.0, 4)
    history = in_memory(
        JUNE_S + 11 * HOUR, cell_s, seconds(sun(t) + flicker(t) for t in times), seconds(house(t) for t in times)
    )
    setup = Setup(house=HouseSetup(battery_kwh=battery_kwh), step_s=min(cell_s, 60.0))
    run_over(history, setup)
