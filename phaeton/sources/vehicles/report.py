"""What one answer says of a car, and what an answer can be instead."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Reach(StrEnum):
    """How the car itself can be reached."""

    ONLINE = "online"
    ASLEEP = "asleep"
    UNKNOWN = "unknown"


class Report(Struct, frozen=True, kw_only=True):
    """A decoded answer, not judged yet; what it does not say is None."""

    soc_pct: float | None = None
    measured_utc_s: float | None = None
    """When the car measured, by the vendor's clock."""
    limit_soc_pct: float | None = None
    """The car's own charge limit (AC)."""
    range_km: float | None = None
    odometer_km: float | None = None
    capacity_kwh: float | None = None
    plugged: bool | None = None
    charging: bool | None = None
    charge_power_w: float | None = None
    minutes_to_limit: float | None = None
    at_home: bool | None = None
    aux_battery_pct: float | None = None
    """The 12 V battery."""
    reach: Reach = Reach.UNKNOWN
    hint: str = ""
    """What the owner should know, for instance that the car has a schedule of its own."""

    @property
    def says_something(self) -> bool:
        """Whether anything but the reachability is in it."""
        return any(
            v is not None for v in (self.soc_pct, self.plugged, self.charging, self.range_km, self.limit_soc_pct)
        )


class Trouble(StrEnum):
    """Why there is no report, and with that what to do about it."""

    ASLEEP = "asleep"
    """The car sleeps: no error, nothing is counted."""
    TRANSIENT = "transient"
    """Again later."""
    LIMITED = "limited"
    """Asked too often: not before the time that is named."""
    DENIED = "denied"
    """Nothing more until the owner did something."""
    UNPAID = "unpaid"
    """The account's credit is spent: until the next month or until the owner did something."""
    BAD_DATA = "bad_data"
    """An answer came and cannot be understood."""


class VehicleError(Exception):
    """No report; ``why`` is for the owner, without identities and secrets."""

    def __init__(self, trouble: Trouble, why: str, retry_s: float | None = None) -> None:
        super().__init__(why)
        self.trouble = trouble
        self.why = why
        self.retry_s = retry_s
        """Not before this many seconds, where the other side says so."""
