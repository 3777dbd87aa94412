"""Orders: what people and programs ask of a charging point."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct


class Mode(IntEnum):
    """How a point decides: Victron's ``/Mode``."""

    MANUAL = 0
    AUTO = 1
    SCHEDULED = 2


class SetMode(Struct, frozen=True, gc=False, tag=True):
    """Choose how the point decides."""

    mode: Mode


class SetStart(Struct, frozen=True, gc=False, tag=True):
    """Set ``/StartStop``: False stops in the same step, True lets the mode decide."""

    start: bool


class SetCurrent(Struct, frozen=True, gc=False, tag=True):
    """The current asked for in manual mode, in A."""

    current_a: float


class SetPhases(Struct, frozen=True, gc=False, tag=True):
    """Fix the phases to 1 or 3; 0 leaves the choice to the mode."""

    phases: int


class SetAutoStart(Struct, frozen=True, gc=False, tag=True):
    """Set ``/AutoStart``: with True a stop lasts for this stay of the car only."""

    auto_start: bool


class Boost(Struct, frozen=True, gc=False, tag=True, kw_only=True):
    """Charge fast for once, until the first end that is met; without any, until unplugged."""

    on: bool = True
    until_utc_s: float | None = None
    energy_kwh: float | None = None
    """So much more, counted from now."""
    soc_pct: float | None = None
    """Until the car is so full, where its SoC is known."""


class SetEnergyLimit(Struct, frozen=True, gc=False, tag=True):
    """Stop after so many kWh in this stay; None takes the limit away."""

    energy_kwh: float | None


class AcceptCharger(Struct, frozen=True, tag=True):
    """Take the charger with this serial number, another one than last time, as the right one."""

    serial: str


class SetPowerCap(Struct, frozen=True, gc=False, tag=True):
    """The grid operator's cap on the point's power in W; None takes it away."""

    power_w: float | None


class SetVehicle(Struct, frozen=True, tag=True):
    """Say which car is at the point for this stay: its id, ``""`` for a guest, None to find out."""

    vehicle: str | None


class SetGoal(Struct, frozen=True, tag=True, kw_only=True):
    """Have so much in the car at the departure, once; the newest goal of a car counts."""

    departure_utc_s: float
    soc_pct: float | None = None
    energy_kwh: float | None = None
    """So much more, counted from now; exactly one of the two is given."""
    vehicle: str = ""
    """The car's id; empty = the car at the point of the command."""


class ClearGoal(Struct, frozen=True, tag=True):
    """Take back the goal of once; repeating departures stay."""

    vehicle: str = ""


class SetMinSoc(Struct, frozen=True, tag=True):
    """Below this the car charges at once; None = as configured, 0 = never."""

    soc_pct: float | None
    vehicle: str = ""


class SetLimitSoc(Struct, frozen=True, tag=True):
    """Charging ends here; None = as configured."""

    soc_pct: float | None
    vehicle: str = ""


PointOrder = (
    SetMode | SetStart | SetCurrent | SetPhases | SetAutoStart | Boost | SetEnergyLimit | SetPowerCap | AcceptCharger
)
CarOrder = SetVehicle | SetGoal | ClearGoal | SetMinSoc | SetLimitSoc
"""Orders about the car at a point, or about the car that they name."""
Order = PointOrder | CarOrder
