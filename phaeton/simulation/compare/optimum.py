"""The perfect-foresight optimum: what the same energy would have cost had everything been known beforehand.

One linear program over the whole time (HiGHS, through scipy: the optional part ``bound``). In each part of it the cars
take what is best, up to their full power; the house battery charges from the sun that the house leaves and feeds what
the sun does not, as the ESS of the simulated house does, with its losses and limits. Starts, ramps, least currents and
waiting cost nothing here. What is missing at a departure, and what is left in the battery at the end, counts as in
every other run (``worth.py``).
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from phaeton.calendar_days import day
from phaeton.config.tree import Config
from phaeton.config.writing import to_plain
from phaeton.simulation.compare.program import Prices, Program, Solution, parts_of, prices_of
from phaeton.simulation.history import History
from phaeton.simulation.ledger import Account, by_day, by_month, by_week, of_stay, summed
from phaeton.simulation.result import Result, Setup
from phaeton.simulation.scope import Scope, gap_times, period, scope
from phaeton.simulation.simulate import COUNTS
from phaeton.simulation.stays import Stay
from phaeton.simulation.tariff import Tariff
from phaeton.simulation.worth import Worth

_MET_KWH = 1e-6


def optimum(
    history: History,
    config: Config,
    stays: Sequence[Stay],
    tariff: Tariff | None,
    setup: Setup,
    worth: Worth,
) -> Result:
    """The least cost that was possible; raises `SimulationError`."""
    begun_s = time.perf_counter()
    seen = scope(history, config, stays, setup)
    parts = parts_of(history, seen, tariff, setup.step_s)
    prices = prices_of(parts, tariff, config)
    program = Program(parts, prices, seen, config, setup, worth)
    solution = program.solve()
    days, sessions, battery_pct = _books(program, solution, seen, prices)
    wall_s = time.perf_counter() - begun_s
    count = len(parts.hours)
    return Result(
        steps=count,
        wall_s=round(wall_s, 3),
        steps_per_s=round(count / wall_s, 1),
        config=to_plain(config),
        run=period(seen, history, setup, battery_pct),
        gaps=gap_times(seen, history),
        notes=["With perfect foresight and without the limits of a real charger: nothing can be better in this house"],
        not_valid=list(COUNTS),
        totals=summed(days.values()).totals(),
        days=by_day(days),
        months=by_month(days),
        weeks=by_week(days),
        sessions=[of_stay(stay, account) for stay, account in sessions],
    )


Books = tuple[dict[str, Account], list[tuple[Stay, Account]], float | None]


def _books(program: Program, solution: Solution, seen: Scope, prices: Prices) -> Books:
    """Days and stays of the solution, by the same rules as those of a simulation."""
    parts, battery = program.parts, program.battery
    days: dict[str, Account] = {}
    present: list[list[int]] = [[] for _ in parts.hours]
    for number, one in enumerate(program.charges):
        for part in range(one.part, one.part + one.count):
            present[part].append(number)
    sessions = [(one.stay, Account()) for one in program.charges]
    taken_kwh = [0.0] * len(sessions)
    stored_wh = np.zeros(len(parts.hours))
    if battery is not None:
        stored_wh += solution.charge_kwh * battery.charge_efficiency * 1000.0
        stored_wh += solution.discharge_kwh / battery.discharge_efficiency * 1000.0
    columns = zip(
        parts.start_s.tolist(),
        (solution.import_kwh * 1000.0).tolist(),
        (solution.export_kwh * 1000.0).tolist(),
        (parts.pv_kwh * 1000.0).tolist(),
        (solution.discharge_kwh * 1000.0).tolist(),
        stored_wh.tolist(),
        prices.import_per_kwh.tolist(),
        prices.feed_in_per_kwh.tolist(),
        prices.known.tolist(),
        present,
        strict=True,
    )
    car_kwh = solution.car_kwh.tolist()
    first_car = program.charges[0].first if program.charges else 0
    for part, (utc_s, import_wh, export_wh, pv_wh, discharge_wh, stored, price, feed_in, known, here) in enumerate(
        columns
    ):
        tariff = (price, feed_in) if known else (None, None)
        house = Account(import_wh=import_wh, export_wh=export_wh, pv_wh=pv_wh, stored_wh=stored)
        house.price(*tariff)
        of_day = days.setdefault(day(seen.zone, utc_s), Account())
        of_day.add_house(house)
        takes = [car_kwh[program.charges[n].first - first_car + part - program.charges[n].part] for n in here]
        whole_wh = sum(takes) * 1000.0
        grid_wh = min(whole_wh, import_wh)
        battery_wh = min(whole_wh - grid_wh, discharge_wh)
        for number, kwh in zip(here, takes, strict=True):
            share = kwh * 1000.0 / whole_wh if whole_wh > 0.0 else 0.0
            car = Account(ev_wh=kwh * 1000.0, ev_grid_wh=grid_wh * share, ev_battery_wh=battery_wh * share)
            car.price(*tariff)
            taken_kwh[number] += kwh
            sessions[number][1].add_house(house)
            for span in (of_day, sessions[number][1]):
                span.add_cars(car)
    for one, (stay, account), kwh in zip(program.charges, sessions, taken_kwh, strict=True):
        unmet_kwh = stay.energy_kwh - kwh
        if unmet_kwh > _MET_KWH:
            goal = (unmet_kwh, unmet_kwh * 60.0 / one.full_kw)
            last_s = float(parts.start_s[one.part + one.count - 1])
            for span in (account, days[day(seen.zone, last_s)]):
                span.add_goal(*goal)
    battery_pct = None if battery is None else solution.stored_kwh / battery.capacity_kwh * 100.0
    return days, sessions, battery_pct
