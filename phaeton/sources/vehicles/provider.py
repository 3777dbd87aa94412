"""What every provider that is asked (and does not push) offers, and how often it may be asked."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from phaeton.sources.vehicles.report import Report


class Pace(Struct, frozen=True, kw_only=True):
    """How often a provider is asked; times in s, None = not at all."""

    away_s: float | None
    """While the car is not at our charger."""
    plug_in_s: tuple[float, ...]
    """After the car was plugged in, until one reading came."""
    idle_s: float | None
    """While it is plugged in and does not charge."""
    idle_data: bool = True
    """False: while idle only ask whether the car sleeps, once there was a reading."""
    charging_s: float
    """Least time between two readings while it charges."""
    charging_step_pct: float = 0.0
    """... and not before so much of the battery was taken since."""
    near_s: float
    """While the estimate is within 3 % of the goal."""
    done_s: float
    """One reading so long after charging ended."""
    quiet_s: float = 0.0
    """No other for so long after charging ended, so that the car falls asleep."""
    first_pause_s: float
    """After a failure, doubling up to `longest_pause_s`."""
    longest_pause_s: float
    start_jitter_s: float = 0.0
    data_per_day: int | None = None
    """Requests in any 24 hours; None = the other side is ours and does not count."""
    wakes_per_day: int = 0
    wakes_per_week: int = 0

    @property
    def metered(self) -> bool:
        """Somebody counts the requests, so they are remembered over restarts."""
        return self.data_per_day is not None


LOCAL = Pace(
    away_s=900.0,
    plug_in_s=(0.0,),
    idle_s=300.0,
    charging_s=60.0,
    near_s=30.0,
    done_s=5.0,
    first_pause_s=30.0,
    longest_pause_s=600.0,
)
"""A service in the house."""


class Polled(Protocol):
    """A provider that is asked."""

    pace: Pace
    requests: int
    """Sent since the start, logins not counted; the poller books what each call cost."""

    async def read(self, *, data: bool) -> Report:
        """Ask once and never wake the car; with ``data`` False only whether it sleeps. Raises `VehicleError` only."""

    async def wake(self) -> None:
        """Ask for the car to be woken; returns before it is. Raises `VehicleError` only."""

    async def close(self) -> None:
        """Give back what is held; nothing is asked afterwards."""
