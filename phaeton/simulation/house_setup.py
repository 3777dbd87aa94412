"""What stands in the simulated house beside the configuration: the battery, the car, the charging points."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from phaeton.config.points import Point
from phaeton.config.tree import Config
from phaeton.simulation.battery import HouseBattery
from phaeton.simulation.car import MIN_OFFER_A, Car
from phaeton.simulation.charger_plant import ChargerPlant
from phaeton.simulation.plant import Plant
from phaeton.simulation.stays import Stay

_VOLT_V = 230.0
_NO_LIMIT_KWH = 1000.0
"""So large a car never tapers: it takes what it wants at the power that it can."""


class HouseSetup(Struct, frozen=True, kw_only=True):
    """The simulated house; the defaults are a car of 11 kW and no house battery."""

    battery_kwh: float = 0.0
    """Capacity of the house battery; 0 = none."""
    battery_w: float = 3000.0
    """What it charges and discharges with at most."""
    battery_soc_pct: float = 50.0
    """At the beginning."""
    battery_min_soc_pct: float = 10.0
    feed_in_limit_w: float | None = None
    """0 = nothing may be fed in; None = no limit."""
    car_phases: int = 3
    car_max_a: float = 16.0


def build(setup: HouseSetup, config: Config, points: Sequence[Point]) -> Plant:
    """The plant for a configuration."""
    chargers = [
        ChargerPlant(
            point=point.id,
            phases_wired=point.charger.limits.max_phases,
            max_a=point.charger.limits.max_set_current_a,
            safe_a=min(MIN_OFFER_A, point.charger.limits.max_set_current_a),
            voltage_v=_VOLT_V,
        )
        for point in points
    ]
    battery = None
    if setup.battery_kwh > 0.0:
        battery = HouseBattery(
            capacity_kwh=setup.battery_kwh,
            soc_pct=setup.battery_soc_pct,
            min_soc_pct=setup.battery_min_soc_pct,
            max_charge_w=setup.battery_w,
            max_discharge_w=setup.battery_w,
        )
    return Plant(
        chargers=chargers,
        battery=battery,
        feed_in_limit_w=setup.feed_in_limit_w,
        voltage_v=_VOLT_V,
        phase_maps=[point.charger.phase_map for point in points],
    )


def car_for(stay: Stay, setup: HouseSetup) -> Car:
    """The car of a stay: it takes what it wants and no more."""
    phases, max_a = setup.car_phases, setup.car_max_a
    if stay.max_w is not None:
        while phases > 1 and stay.max_w < MIN_OFFER_A * _VOLT_V * phases:
            phases -= 2 if phases == 3 else 1
        max_a = max(MIN_OFFER_A, min(max_a, stay.max_w / _VOLT_V / phases))
    return Car(
        max_a=max_a, phases=phases, capacity_kwh=_NO_LIMIT_KWH, soc_pct=10.0, wanted_kwh=max(stay.energy_kwh, 0.0)
    )


def full_power_w(car: Car, charger: ChargerPlant) -> float:
    """The most that this car takes at this charger."""
    return min(car.max_a, charger.max_a) * _VOLT_V * min(car.phases, charger.phases_wired)
