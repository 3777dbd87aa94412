"""The books of a simulation: energy, money and counts of the run, of its days and of its stays.

Where the energy of the cars comes from, the cars last: grid = min(cars, import), battery = min(rest, discharge), and
the rest is PV.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from msgspec import structs

from phaeton.simulation.csv_rows import utc_text
from phaeton.simulation.result import DayTotals, MonthTotals, StayTotals, Totals, WeekTotals
from phaeton.simulation.stays import Stay

_WH = 1000.0
_DECIMALS = 6
"""Decimals of kWh and money: far below what a meter or a bill shows."""


@dataclass(slots=True)
class Account:
    """Sums of a span; energies in Wh."""

    ev_wh: float = 0.0
    ev_battery_wh: float = 0.0
    ev_grid_wh: float = 0.0
    import_wh: float = 0.0
    export_wh: float = 0.0
    pv_wh: float = 0.0
    stored_wh: float = 0.0
    """Into and out of the storage of the house battery, both positive."""
    cost: float = 0.0
    ev_cost: float = 0.0
    unpriced_wh: float = 0.0
    """Import and export while no price was known; in no cost."""
    unmet_kwh: float = 0.0
    late_min: float = 0.0
    starts: int = 0
    switches: int = 0
    writes: int = 0

    def add_house(self, part: Account) -> None:
        """Add what the house did."""
        self.import_wh += part.import_wh
        self.export_wh += part.export_wh
        self.pv_wh += part.pv_wh
        self.stored_wh += part.stored_wh
        self.cost += part.cost
        self.unpriced_wh += part.unpriced_wh

    def add_cars(self, part: Account) -> None:
        """Add what one or all of the cars did."""
        self.ev_wh += part.ev_wh
        self.ev_battery_wh += part.ev_battery_wh
        self.ev_grid_wh += part.ev_grid_wh
        self.ev_cost += part.ev_cost
        self.starts += part.starts
        self.switches += part.switches
        self.writes += part.writes

    def add_goal(self, unmet_kwh: float, late_min: float) -> None:
        """Add a goal that was not met."""
        self.unmet_kwh += unmet_kwh
        self.late_min += late_min

    def add(self, part: Account) -> None:
        """Add all of it."""
        self.add_house(part)
        self.add_cars(part)
        self.add_goal(part.unmet_kwh, part.late_min)

    def price(self, import_per_kwh: float | None, feed_in_per_kwh: float | None) -> None:
        """Put a price on what is in here, all of one slot."""
        if import_per_kwh is None or feed_in_per_kwh is None:
            self.unpriced_wh = self.import_wh + self.export_wh
            return
        self.cost = (self.import_wh * import_per_kwh - self.export_wh * feed_in_per_kwh) / _WH
        own_wh = self.ev_wh - self.ev_grid_wh
        self.ev_cost = (self.ev_grid_wh * import_per_kwh + own_wh * feed_in_per_kwh) / _WH

    def totals(self) -> Totals:
        """The account as it is reported."""
        ev, battery, grid = (_kwh(wh) for wh in (self.ev_wh, self.ev_battery_wh, self.ev_grid_wh))
        used = max(0.0, 1.0 - self.export_wh / self.pv_wh) if self.pv_wh > 0.0 else None
        return Totals(
            ev_kwh=ev,
            ev_from_pv_kwh=round(max(0.0, ev - battery - grid), _DECIMALS),
            ev_from_battery_kwh=battery,
            ev_from_grid_kwh=grid,
            import_kwh=_kwh(self.import_wh),
            export_kwh=_kwh(self.export_wh),
            cost=round(self.cost, _DECIMALS),
            ev_cost=round(self.ev_cost, _DECIMALS),
            self_consumption_pct=None if used is None else round(100.0 * used, 2),
            unmet_kwh=round(self.unmet_kwh, _DECIMALS),
            late_min=round(self.late_min, 4),
            starts=self.starts,
            phase_switches=self.switches,
            setpoint_writes=self.writes,
            battery_throughput_kwh=_kwh(self.stored_wh / 2.0),
        )


def _kwh(energy_wh: float) -> float:
    return round(energy_wh / _WH, _DECIMALS)


def summed(accounts: Iterable[Account]) -> Account:
    """All of them in one."""
    total = Account()
    for account in accounts:
        total.add(account)
    return total


def by_day(days: Mapping[str, Account]) -> list[DayTotals]:
    """The days as they are reported."""
    return [DayTotals(day=name, **structs.asdict(account.totals())) for name, account in days.items()]


def by_month(days: Mapping[str, Account]) -> list[MonthTotals]:
    """Their months."""
    found = _grouped(days, lambda day: day[:7])
    return [MonthTotals(month=name, **structs.asdict(account.totals())) for name, account in found.items()]


def by_week(days: Mapping[str, Account]) -> list[WeekTotals]:
    """Their weeks."""
    found = _grouped(days, lambda day: f"{date.fromisoformat(day):%G-W%V}")
    return [WeekTotals(week=name, **structs.asdict(account.totals())) for name, account in found.items()]


def _grouped(days: Mapping[str, Account], name: Callable[[str], str]) -> dict[str, Account]:
    found: dict[str, Account] = {}
    for day, account in days.items():
        found.setdefault(name(day), Account()).add(account)
    return found


def of_stay(stay: Stay, account: Account) -> StayTotals:
    """A stay as it is reported."""
    return StayTotals(
        arrival=utc_text(stay.arrival_s),
        departure=utc_text(stay.departure_s),
        wanted_kwh=stay.energy_kwh,
        point=stay.point,
        **structs.asdict(account.totals()),
    )
