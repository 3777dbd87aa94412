"""What people and programs write, turned into orders: one set of rules for D-Bus, REST and the command line."""

from __future__ import annotations

import math
import re
from datetime import datetime
from enum import Enum

from msgspec import structs

from phaeton.model import (
    AcceptCharger,
    Boost,
    Mode,
    Order,
    SetAutoStart,
    SetCurrent,
    SetEnergyLimit,
    SetMode,
    SetPhases,
    SetPowerCap,
    SetStart,
)

MAX_CURRENT_A = 80.0
"""No charging point of this class carries more."""

_MODES = {"manual": Mode.MANUAL, "auto": Mode.AUTO, "scheduled": Mode.SCHEDULED, "schedule": Mode.SCHEDULED}
_NUMBER = re.compile(r"[+-]?([0-9]+([.,][0-9]*)?|[.,][0-9]+)([eE][+-]?[0-9]+)?")
"""What a person or a program writes for a number; Python itself reads ``1_6`` and digits of other scripts too."""
_ON = {"1", "on", "true", "yes", "start", "enabled"}
_OFF = {"0", "off", "false", "no", "stop", "disabled"}


class OrderError(ValueError):
    """A value that asks for nothing we can do; the message says what would be right.

    ``code`` names it for who says it in another language, with the ``values`` of its words.
    """

    def __init__(self, message: str, *, code: str = "", **values: float) -> None:
        super().__init__(message)
        self.code = code
        self.values = values


def told(order: Order) -> str:
    """The order in one line of a log: ``SetMode: mode scheduled``."""
    values = []
    for name, value in structs.asdict(order).items():
        values.append(f"{name} {value.name.lower() if isinstance(value, Enum) else value}")
    return f"{type(order).__name__}: {', '.join(values)}" if values else type(order).__name__


def number(value: object, what: str) -> float:
    """A finite number from a number or a text with a point or a comma; raises `OrderError`."""
    if isinstance(value, bool):
        raise OrderError(f"{what} must be a number, not {value}")
    if isinstance(value, str):
        if not _NUMBER.fullmatch(value.strip()):
            raise OrderError(f"{what} must be a number, not {value!r}")
        value = float(value.strip().replace(",", "."))
    if not isinstance(value, int | float):
        raise OrderError(f"{what} must be a number, not {type(value).__name__}")
    try:
        result = float(value)
    except OverflowError:
        raise OrderError(f"{what} is out of range") from None
    if not math.isfinite(result):
        raise OrderError(f"{what} must be finite")
    return result


def instant(value: object, what: str) -> float:
    """UTC seconds from a number or from RFC 3339 text with its offset; raises `OrderError`."""
    try:
        return number(value, what)
    except OrderError:
        pass
    try:
        parsed = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        parsed = None
    if parsed is None or parsed.tzinfo is None:
        raise OrderError(f"{what} must be UTC seconds or a time such as 2026-05-01T07:00:00+02:00")
    return parsed.timestamp()


def set_mode(value: object) -> SetMode:
    """0, 1, 2, or manual, auto, scheduled; raises `OrderError`."""
    if isinstance(value, str) and value.strip().lower() in _MODES:
        return SetMode(_MODES[value.strip().lower()])
    mode = number(value, "mode")
    if mode not in (0.0, 1.0, 2.0):
        raise OrderError("mode must be 0 (manual), 1 (auto) or 2 (scheduled)")
    return SetMode(Mode(int(mode)))


def _switch(value: object, what: str) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _ON | _OFF:
        return value.strip().lower() in _ON
    wanted = number(value, what)
    if wanted not in (0.0, 1.0):
        raise OrderError(f"{what} must be 0 (off) or 1 (on)")
    return wanted == 1.0


def set_start(value: object) -> SetStart:
    """0 or 1, a bool, on or off; raises `OrderError`."""
    return SetStart(_switch(value, "start"))


def set_auto_start(value: object) -> SetAutoStart:
    """0 or 1, a bool, on or off; raises `OrderError`."""
    return SetAutoStart(_switch(value, "auto start"))


def set_current(value: object) -> SetCurrent:
    """0 to 80 A, '16' and '16,5' too; raises `OrderError`."""
    current = number(value, "current")
    if not 0 <= current <= MAX_CURRENT_A:
        raise OrderError(f"current must be from 0 to {MAX_CURRENT_A:.0f} A", code="current_range", most_a=MAX_CURRENT_A)
    return SetCurrent(current)


def set_phases(value: object) -> SetPhases:
    """0 (the mode chooses), 1 or 3; raises `OrderError`."""
    if isinstance(value, str) and value.strip().lower() == "auto":
        return SetPhases(0)
    phases = number(value, "phases")
    if phases not in (0.0, 1.0, 3.0):
        raise OrderError("phases must be 1, 3, or 0 to leave the choice to the mode")
    return SetPhases(int(phases))


def accept_charger(value: object, stranger: str) -> AcceptCharger:
    """The serial number of the charger that waits to be accepted; raises `OrderError` for any other."""
    if not isinstance(value, str) or not value or value != stranger:
        raise OrderError(f"serial must be that of the charger that waits to be accepted, {stranger!r}")
    return AcceptCharger(value)


def set_energy_limit(value: object) -> SetEnergyLimit:
    """Above 0 up to 1000 kWh, None takes the limit away; raises `OrderError`."""
    if value is None:
        return SetEnergyLimit(None)
    energy = number(value, "energy limit")
    if not 0 < energy <= 1000:
        raise OrderError("energy limit must be above 0 and at most 1000 kWh", code="energy_range")
    return SetEnergyLimit(energy)


def set_power_cap(value: object) -> SetPowerCap:
    """0 W to 100 kW, None takes the cap away; raises `OrderError`."""
    if value is None:
        return SetPowerCap(None)
    power = number(value, "power cap")
    if not 0 <= power <= 100_000:
        raise OrderError("power cap must be from 0 to 100000 W", code="power_range")
    return SetPowerCap(power)


LONGEST_BOOST_S = 7 * 86400.0


def boost_energy(value: object) -> float | None:
    """How much more to charge fast: above 0 up to 1000 kWh, None = no end by energy; raises `OrderError`."""
    if value is None:
        return None
    energy = number(value, "energy")
    if not 0 < energy <= 1000:
        raise OrderError("energy must be above 0 and at most 1000 kWh", code="energy_range")
    return energy


def boost_until(value: object, now_utc_s: float) -> float | None:
    """When fast charging ends (UTC seconds, within a week), None = no end by time; raises `OrderError`."""
    if value is None:
        return None
    until = number(value, "until")
    if not now_utc_s < until <= now_utc_s + LONGEST_BOOST_S:
        raise OrderError("until must be in the future and within a week", code="until_range")
    return until


def boost_soc(value: object) -> float | None:
    """SoC at which fast charging ends: 1 to 100 %, None = no end by SoC; raises `OrderError`."""
    if value is None:
        return None
    soc = number(value, "soc_pct")
    if not 1 <= soc <= 100:
        raise OrderError("soc_pct must be from 1 to 100", code="soc_range", least_pct=1.0)
    return soc


def set_boost(
    on: object, energy_kwh: float | None = None, until_utc_s: float | None = None, soc_pct: float | None = None
) -> Boost:
    """On or off, with the ends from `boost_energy`, `boost_until` and `boost_soc`; raises `OrderError`."""
    if _switch(on, "boost"):
        return Boost(on=True, energy_kwh=energy_kwh, until_utc_s=until_utc_s, soc_pct=soc_pct)
    if energy_kwh is not None or until_utc_s is not None or soc_pct is not None:
        raise OrderError("switching boost off takes no end")
    return Boost(on=False)
