"""The cars as status, events and the API tell them: what the control knows, and how their sources fare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from phaeton.model import CarState, Output
from phaeton.sinks.web.moments import moment


class VehicleInfo(Struct, frozen=True, kw_only=True):
    """What the daemon knows of a car beside the decision; identities and positions are not in it."""

    id: str
    name: str = ""
    battery_kwh: float | None = None
    source: str = "none"
    can_login: bool = False
    reach: str = "unknown"
    """online, asleep or unknown."""
    plugged: bool | None = None
    """As the car says."""
    charging: bool | None = None
    at_home: bool | None = None
    range_km: float | None = None
    odometer_km: float | None = None
    trouble: str = ""
    note: str = ""
    """What the owner should know or do."""
    refused: str = ""
    """Why the last state of charge was not believed."""
    next_read_s: float | None = None
    requests_today: int = 0
    requests_left: int | None = None
    wakes_today: int = 0
    wake_refusal: str = ""


class GoalStatus(Struct, frozen=True, kw_only=True):
    """What is to be in the car, and when."""

    departure: str | None = None
    soc_pct: float | None = None
    energy_kwh: float | None = None
    repeating: bool = False
    """It is one of the configured departures."""


class VehicleStatus(Struct, frozen=True, kw_only=True):
    """One car."""

    id: str
    name: str
    point: str
    """The charging point where it is; empty when it is away."""
    soc_pct: float | None
    """Estimated for now."""
    soc_sigma_pct: float | None
    soc_age_s: float | None
    read_soc_pct: float | None
    limit_soc_pct: float | None
    min_soc_pct: float | None
    wh_per_pct: float | None
    goal: GoalStatus
    info: VehicleInfo


class CarActions(Protocol):
    """What the owner can do about the source of a car; each raises KeyError for a car that is none."""

    def type_in(self, vehicle_id: str, soc_pct: float) -> None:
        """Say how full the car is."""

    def try_again(self, vehicle_id: str) -> None:
        """Ask its service again now."""

    def begin_login(self, vehicle_id: str) -> str:
        """The address of the page where the owner agrees; raises ValueError in words."""

    async def finish_login(self, redirected: str, vehicle_id: str = "", state: str = "") -> None:
        """Take the address where the login ended; raises ValueError in words."""


def vehicle_statuses(output: Output | None, infos: Sequence[VehicleInfo]) -> list[VehicleStatus]:
    """All configured cars."""
    known = {car.vehicle: car for car in output.decision.cars} if output is not None else {}
    return [_vehicle(known.get(info.id, CarState(vehicle=info.id)), info) for info in infos]


def _vehicle(car: CarState, info: VehicleInfo) -> VehicleStatus:
    return VehicleStatus(
        id=info.id,
        name=info.name or info.id,
        point=car.point,
        soc_pct=_round(car.soc_pct),
        soc_sigma_pct=_round(car.soc_sigma_pct),
        soc_age_s=None if car.soc_age_s is None else round(car.soc_age_s),
        read_soc_pct=_round(car.read_soc_pct),
        limit_soc_pct=_round(car.limit_soc_pct),
        min_soc_pct=_round(car.min_soc_pct),
        wh_per_pct=_round(car.wh_per_pct),
        goal=goal_status(car),
        info=info,
    )


def goal_status(car: CarState) -> GoalStatus:
    """The goal in force, all empty when there is none."""
    return GoalStatus(
        departure=moment(car.departure_utc_s),
        soc_pct=_round(car.goal_soc_pct),
        energy_kwh=_round(car.goal_kwh),
        repeating=car.repeating,
    )


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
