"""The linear program behind the optimum: the time in parts, what may happen in each, and what is best.

Time is cut into quarters of an hour, and at every change of price, arrival and departure. Whatever a strategy does in
the simulated house, its means over these parts are allowed here too: the solution is a bound.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from scipy.optimize import linprog
from scipy.sparse import coo_array

from phaeton.config.tree import Config
from phaeton.simulation.battery import HouseBattery
from phaeton.simulation.history import History
from phaeton.simulation.house_setup import build, car_for, full_power_w
from phaeton.simulation.result import Setup
from phaeton.simulation.scope import Scope, SimulationError
from phaeton.simulation.stays import Stay
from phaeton.simulation.tariff import Tariff
from phaeton.simulation.worth import Worth

PART_S = 900.0
_W_PER_KW = 1000.0
_OPTIMAL = 0
_RATHER = 1e-6
"""Per kWh: of two that cost the same, the one that charges is taken."""

Numbers = npt.NDArray[np.float64]


class Parts(Struct, frozen=True):
    """The time in parts, in each of which price and cars stay the same; energies in kWh."""

    start_s: Numbers
    hours: Numbers
    pv_kwh: Numbers
    spare_kwh: Numbers
    """Sun that the house leaves."""
    short_kwh: Numbers
    """What the house draws beyond the sun."""
    least_spare_kw: Numbers
    """The least that the sun leaves at any time of the part."""


class Prices(Struct, frozen=True):
    """Prices of each part; where one is not known the means count for the plan, and nothing for the bill."""

    import_per_kwh: Numbers
    feed_in_per_kwh: Numbers
    known: npt.NDArray[np.bool_]


class Charge(Struct, frozen=True):
    """Where a stay may take energy: variables from ``first`` on, one for each part from ``part`` on."""

    stay: Stay
    first: int
    part: int
    count: int
    full_kw: float


def _present(stay: Stay, step_s: float) -> tuple[float, float]:
    """From when until when the simulation sees the car: it comes and goes between two steps."""
    return -(-stay.arrival_s // step_s) * step_s, -(-stay.departure_s // step_s) * step_s


def parts_of(history: History, seen: Scope, tariff: Tariff | None, step_s: float) -> Parts:
    """Cut the known time into parts and measure each; cars come and go between two steps of ``step_s``."""
    cuts = [edge_s for stay in seen.stays for edge_s in _present(stay, step_s)]
    if tariff is not None:
        cuts += [edge_s for slot in tariff.slots for edge_s in (slot.start_s, slot.end_s)]
    columns: list[list[Numbers]] = [[], [], [], [], [], []]
    for span in history.spans:
        first_s = max(span.start_s, seen.first_s)
        last_s = min(span.start_s + span.count * history.cell_s, seen.last_s)
        if last_s <= first_s:
            continue
        quarters = np.arange(first_s // PART_S + 1, -(-last_s // PART_S)) * PART_S
        within = [cut_s for cut_s in cuts if first_s < cut_s < last_s]
        edges = np.unique(np.concatenate([[first_s, last_s], quarters, np.asarray(within)]))
        chunks = list(history.chunks(span, first_s, last_s))
        pv_kw = np.concatenate([np.asarray(chunk.pv_w) for chunk in chunks]) / _W_PER_KW
        load_kw = np.concatenate([np.asarray(chunk.load_w) for chunk in chunks]) / _W_PER_KW
        net_kw = pv_kw - load_kw
        for column, values in zip(
            columns[2:5], (pv_kw, np.maximum(net_kw, 0.0), np.maximum(-net_kw, 0.0)), strict=True
        ):
            column.append(_energies(values, first_s, history.cell_s, edges))
        columns[0].append(edges[:-1])
        columns[1].append(np.diff(edges) / 3600.0)
        cells = ((edges[:-1] - first_s) // history.cell_s).astype(np.intp)
        columns[5].append(np.minimum.reduceat(np.maximum(net_kw, 0.0), cells))
    return Parts(*[np.concatenate(column) for column in columns])


def _energies(powers_kw: Numbers, first_s: float, cell_s: float, edges: Numbers) -> Numbers:
    """The energy between each two edges, in kWh, of powers that are constant within cells."""
    summed_kwh = np.concatenate([[0.0], np.cumsum(powers_kw) * cell_s / 3600.0])
    at_s = first_s + np.arange(len(summed_kwh)) * cell_s
    found: Numbers = np.diff(np.interp(edges, at_s, summed_kwh))
    return found


def prices_of(parts: Parts, tariff: Tariff | None, config: Config) -> Prices:
    """The prices of each part; raises `SimulationError` when none is known."""
    count = len(parts.hours)
    if tariff is None:
        fixed = config.prices
        return Prices(
            np.full(count, fixed.import_per_kwh), np.full(count, fixed.feed_in_per_kwh), np.ones(count, np.bool_)
        )
    starts = np.array([slot.start_s for slot in tariff.slots])
    table = np.array([(slot.end_s, slot.import_per_kwh, slot.feed_in_per_kwh) for slot in tariff.slots])
    places = np.searchsorted(starts, parts.start_s, side="right") - 1
    found = table[np.maximum(places, 0)]
    known = (places >= 0) & (parts.start_s < found[:, 0])
    if not known.any():
        raise SimulationError("no price of this time is known")
    return Prices(
        np.where(known, found[:, 1], found[known, 1].mean()),
        np.where(known, found[:, 2], found[known, 2].mean()),
        known,
    )


class _Rows:
    """Collects the rows of a sparse matrix and their right sides."""

    def __init__(self) -> None:
        self._entries: list[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Numbers]] = []
        self._right: list[Numbers] = []
        self.count = 0

    def add(self, right: Numbers, *terms: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Numbers | float]) -> None:
        """Add as many rows as ``right`` has; a term is (row within these, column, factor)."""
        for rows, variables, factors in terms:
            self._entries.append(
                (rows + self.count, variables, np.broadcast_to(np.asarray(factors, float), rows.shape))
            )
        self._right.append(right)
        self.count += len(right)

    def matrix(self, columns: int) -> tuple[coo_array, Numbers]:
        """Everything, for ``columns`` variables."""
        rows, variables, factors = (np.concatenate(list(column)) for column in zip(*self._entries, strict=True))
        return coo_array((factors, (rows, variables)), shape=(self.count, columns)), np.concatenate(self._right)


class Solution(Struct, frozen=True):
    """What is best in each part, in kWh."""

    import_kwh: Numbers
    export_kwh: Numbers
    charge_kwh: Numbers
    """Into the house battery, AC."""
    discharge_kwh: Numbers
    """Out of it, AC."""
    car_kwh: Numbers
    """Of all stays, in the order of their variables."""
    stored_kwh: float
    """In the house battery at the end."""


class Program:
    """The linear program: import, charge, discharge, storage and curtailment of each part, and the cars."""

    def __init__(self, parts: Parts, prices: Prices, seen: Scope, config: Config, setup: Setup, worth: Worth) -> None:
        self.parts, self._prices, self._worth = parts, prices, worth
        plant = build(setup.house, config, seen.points)
        self.battery: HouseBattery | None = plant.battery
        self._limit_kw = None if plant.feed_in_limit_w is None else plant.feed_in_limit_w / _W_PER_KW
        count = len(parts.hours)
        self._n = count
        self._first_car = 5 * count
        self.charges: list[Charge] = []
        chargers = {charger.point: charger for charger in plant.chargers}
        variables = self._first_car
        for stay in seen.stays:
            charger = chargers[stay.point] if stay.point else plant.chargers[0]
            from_s, until_s = _present(stay, setup.step_s)
            first, last = np.searchsorted(parts.start_s, [from_s, until_s])
            if first == last:  # within a gap, or between two steps: no run sees it
                continue
            full_kw = full_power_w(car_for(stay, setup.house), charger) / _W_PER_KW
            self.charges.append(Charge(stay, variables, int(first), int(last - first), full_kw))
            variables += int(last - first)
        self._variables = variables

    def solve(self) -> Solution:
        """Find the best; raises `SimulationError` when the solver gives up."""
        count, parts, battery = self._n, self.parts, self.battery
        own = np.arange(count)
        imports, charges, discharges, stored, curtailed = (own + block * count for block in range(5))
        cars = np.arange(self._first_car, self._variables)
        car_parts = np.concatenate([np.arange(c.part, c.part + c.count) for c in self.charges] or [cars])
        price, feed_in = self._prices.import_per_kwh, self._prices.feed_in_per_kwh
        below, equal = _Rows(), _Rows()
        net_kwh = parts.spare_kwh - parts.short_kwh
        # Nothing negative is fed in: export = import + sun - house - cars - charge + discharge - curtailed.
        balance = (
            (own, imports, -1.0), (car_parts, cars, 1.0), (own, charges, 1.0), (own, discharges, -1.0),
            (own, curtailed, 1.0),
        )  # fmt: skip
        below.add(net_kwh, *balance)
        # What the sun does not give the house is bought, or comes out of the battery.
        below.add(-parts.short_kwh, (own, imports, -1.0), (own, discharges, -1.0))
        # The battery feeds the house and the cars, never the grid.
        below.add(parts.short_kwh, (own, discharges, 1.0), (car_parts, cars, -1.0))
        # Only the house and the cars buy; a car buys what the sun does not leave for it.
        below.add(parts.short_kwh, (own, imports, 1.0), (car_parts, cars, -self._bought_share()[car_parts]))
        if self._limit_kw is not None:
            below.add(self._limit_kw * parts.hours - net_kwh, *[(rows, at, -factor) for rows, at, factor in balance])
        for one in self.charges:
            mine = np.arange(one.first, one.first + one.count)
            below.add(np.array([one.stay.energy_kwh]), (np.zeros(one.count, np.intp), mine, 1.0))
        begin_kwh = 0.0
        if battery is not None:
            begin_kwh = battery.soc_pct / 100.0 * battery.capacity_kwh
            right = np.zeros(count)
            right[0] = begin_kwh
            equal.add(
                right,
                (own, stored, 1.0),
                (own[1:], stored[:-1], -1.0),
                (own, charges, -battery.charge_efficiency),
                (own, discharges, 1.0 / battery.discharge_efficiency),
            )
        cost = np.zeros(self._variables)
        cost[imports] = price - feed_in
        cost[charges] = cost[curtailed] = feed_in
        cost[discharges] = -feed_in
        cost[cars] = feed_in[car_parts] - self._worth.unmet_per_kwh - _RATHER
        cost[stored[-1]] -= self._worth.stored_per_kwh
        matrix, right = below.matrix(self._variables)
        same, same_right = equal.matrix(self._variables) if battery is not None else (None, None)
        found = linprog(cost, matrix, right, same, same_right, self._bounds(), method="highs-ds")
        if found.status != _OPTIMAL:
            raise SimulationError(f"the optimum was not found: {found.message}")
        values: Numbers = found.x
        export_kwh = net_kwh + values[imports] - values[charges] + values[discharges] - values[curtailed]
        np.subtract.at(export_kwh, car_parts, values[cars])
        return Solution(
            values[imports],
            np.maximum(export_kwh, 0.0),
            values[charges],
            values[discharges],
            values[cars],
            float(values[stored[-1]]),
        )

    def _bought_share(self) -> Numbers:
        """Of what the cars take in a part, the share that can come from the grid.

        It matters only where selling pays more than buying costs: no car can buy while the sun that it could take is
        sold. The share is exact at no and at full power, and between them not less than the truth.
        """
        full_kw = np.zeros(self._n)
        for one in self.charges:
            full_kw[one.part : one.part + one.count] += one.full_kw
        least = np.maximum(1.0 - self.parts.least_spare_kw / np.maximum(full_kw, 1e-9), 0.0)
        absurd = self._prices.feed_in_per_kwh > self._prices.import_per_kwh
        return np.where(absurd, least, 1.0)

    def _bounds(self) -> Numbers:
        """The least and the most of each variable."""
        count, parts, battery = self._n, self.parts, self.battery
        lower, upper = np.zeros(self._variables), np.zeros(self._variables)
        upper[:count] = np.inf
        if battery is not None:
            most_kw = battery.max_charge_w / battery.charge_efficiency / _W_PER_KW
            upper[count : 2 * count] = np.minimum(parts.spare_kwh, most_kw * parts.hours)
            most_kw = battery.max_discharge_w * battery.discharge_efficiency / _W_PER_KW
            upper[2 * count : 3 * count] = most_kw * parts.hours
            lower[3 * count : 4 * count] = min(battery.soc_pct, battery.min_soc_pct) / 100.0 * battery.capacity_kwh
            upper[3 * count : 4 * count] = battery.capacity_kwh
        if self._limit_kw is not None:
            upper[4 * count : 5 * count] = parts.pv_kwh
        for one in self.charges:
            hours = parts.hours[one.part : one.part + one.count]
            upper[one.first : one.first + one.count] = one.full_kw * hours
        return np.stack([lower, upper], axis=1)
