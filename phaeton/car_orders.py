"""Checks on orders about cars: texts and numbers from outside become orders, or an `OrderError` in words."""

from __future__ import annotations

from collections.abc import Collection

from phaeton.model import SetGoal, SetLimitSoc, SetMinSoc, SetVehicle
from phaeton.orders import OrderError, number

FURTHEST_S = 14 * 86_400.0
"""A departure is at most two weeks away."""


def percent(value: object, what: str, least: float = 0.0) -> float:
    """From ``least`` to 100 %; raises `OrderError`."""
    found = number(value, what)
    if not least <= found <= 100:
        raise OrderError(f"{what} must be from {least:g} to 100 %", code="soc_range", least_pct=least)
    return found


def departure(value: object, now_utc_s: float) -> float:
    """In the future and within two weeks (UTC seconds); raises `OrderError`."""
    found = number(value, "departure")
    if not now_utc_s < found <= now_utc_s + FURTHEST_S:
        raise OrderError("departure must be in the future and within two weeks", code="departure_range")
    return found


def set_goal(vehicle: str, departure_utc_s: float, soc_pct: object, energy_kwh: object) -> SetGoal:
    """A goal by state of charge or by energy, exactly one of them; raises `OrderError`."""
    if (soc_pct is None) == (energy_kwh is None):
        raise OrderError("a goal needs either soc_pct or energy_kwh")
    if soc_pct is not None:
        return SetGoal(departure_utc_s=departure_utc_s, soc_pct=percent(soc_pct, "soc_pct", 1.0), vehicle=vehicle)
    energy = number(energy_kwh, "energy_kwh")
    if not 0 < energy <= 1000:
        raise OrderError("energy_kwh must be above 0 and at most 1000", code="energy_range")
    return SetGoal(departure_utc_s=departure_utc_s, energy_kwh=energy, vehicle=vehicle)


def set_vehicle(value: object, known: Collection[str]) -> SetVehicle:
    """The id of a known car, "" for a guest, None to find out; raises `OrderError`."""
    if value is not None and not isinstance(value, str):
        raise OrderError(f"vehicle must be the id of a car, not {type(value).__name__}")
    if value and value not in known:
        raise OrderError(f"there is no car {value!r}; there is {', '.join(sorted(known)) or 'none'}")
    return SetVehicle(value)


def set_min_soc(vehicle: str, value: object) -> SetMinSoc:
    """0 to 100 %, None = as configured; raises `OrderError`."""
    return SetMinSoc(soc_pct=None if value is None else percent(value, "min_soc_pct"), vehicle=vehicle)


def set_limit_soc(vehicle: str, value: object) -> SetLimitSoc:
    """1 to 100 %, None = as configured; raises `OrderError`."""
    return SetLimitSoc(soc_pct=None if value is None else percent(value, "limit_soc_pct", 1.0), vehicle=vehicle)
