"""What makes runs comparable: energy that the cars did not get, and what is left in the house battery, as money.

A strategy that leaves cars empty is not cheaper for it: they charge elsewhere. Each kWh that was wanted and not
delivered costs ``unmet_per_kwh``, by default the dearest price of the time. All runs begin with the same house battery;
what is in it at the end counts with the mean price of the time, less the losses until it is used.
"""

from __future__ import annotations

from msgspec import Struct

from phaeton.config.tree import Config
from phaeton.simulation.battery import HouseBattery
from phaeton.simulation.csv_rows import utc_text
from phaeton.simulation.result import Result, Totals
from phaeton.simulation.scope import SimulationError
from phaeton.simulation.tariff import Tariff

_DAY_S = 86400.0
DISCHARGE_EFFICIENCY = HouseBattery().discharge_efficiency


class Worth(Struct, frozen=True, kw_only=True):
    """Prices for what no bill holds."""

    unmet_per_kwh: float
    stored_per_kwh: float
    """Of energy in the house battery."""

    def of_unmet(self, totals: Totals) -> float:
        """What it costs to charge elsewhere what is missing."""
        return totals.unmet_kwh * self.unmet_per_kwh

    def of_battery(self, result: Result) -> float:
        """What more (or less) in the house battery than at the beginning is worth."""
        end_pct, house = result.run.battery_end_pct, result.run.house
        if end_pct is None:
            return 0.0
        return (end_pct - house.battery_soc_pct) / 100.0 * house.battery_kwh * self.stored_per_kwh

    def settled(self, result: Result) -> float:
        """The cost of the house with all of it."""
        return result.totals.cost + self.of_unmet(result.totals) - self.of_battery(result)


def worth(
    tariff: Tariff | None, config: Config, first_s: float, last_s: float, unmet_per_kwh: float | None = None
) -> Worth:
    """The prices for a time; raises `SimulationError` where the tariff does not reach over it."""
    if tariff is None:
        mean = most = config.prices.import_per_kwh
    else:
        _judge(tariff, first_s, last_s)
        slots = [slot for slot in tariff.slots if slot.end_s > first_s and slot.start_s < last_s]
        parts = [(min(slot.end_s, last_s) - max(slot.start_s, first_s), slot.import_per_kwh) for slot in slots]
        mean = sum(span_s * price for span_s, price in parts) / sum(span_s for span_s, _ in parts)
        most = max(price for _, price in parts)
    return Worth(
        unmet_per_kwh=most if unmet_per_kwh is None else unmet_per_kwh,
        stored_per_kwh=mean * DISCHARGE_EFFICIENCY,
    )


def _judge(tariff: Tariff, first_s: float, last_s: float) -> None:
    """Single prices may be missing, whole days at the ends may not: no cost would hold them."""
    start_s, end_s = tariff.slots[0].start_s, tariff.slots[-1].end_s
    if start_s - first_s > _DAY_S or last_s - end_s > _DAY_S:
        raise SimulationError(
            f"the prices go from {utc_text(start_s)} to {utc_text(end_s)} and the run from {utc_text(first_s)} to "
            f"{utc_text(last_s)}: costs cannot be compared without prices. Give --start and --end within both"
        )
