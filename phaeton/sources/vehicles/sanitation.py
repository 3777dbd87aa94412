"""What to believe of a report: a pure machine over the reports of one car.

Services send nulls after waking, zeros for "unknown", and times of clocks that are wrong. Whether a value fits the
energy that flowed is judged in the streams (`phaeton.streams.soc`), where that energy is known.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from phaeton.sources.vehicles.report import Report

SANE_CLOCK_UTC_S = 1_767_225_600.0
"""2026: with a clock before that we do not judge the times of others."""
FUTURE_S = 7200.0
"""A vendor's clock may be off by its time zone; further ahead it is no clock."""
BACKWARDS_S = 60.0
ZERO_BELOW_PCT = 5.0
ZERO_GAP_S = 300.0
DRIVEN_KM = 1.0
NO_CLOCK_SIGMA_PCT = 2.0


class Zero(Struct, frozen=True):
    """A state of charge of 0 that waits for a second one."""

    measured_utc_s: float | None
    mono_s: float


class Believed(Struct, frozen=True):
    """What holds of a car; the newest of everything that was believed."""

    soc_pct: float | None = None
    soc_utc_s: float | None = None
    sigma_pct: float = 1.0
    measured_utc_s: float | None = None
    """Of the last accepted report."""
    limit_soc_pct: float | None = None
    range_km: float | None = None
    odometer_km: float | None = None
    plug_odometer_km: float | None = None
    """When it was plugged in at our charger."""
    capacity_kwh: float | None = None
    plugged: bool | None = None
    charging: bool | None = None
    charge_power_w: float | None = None
    minutes_to_limit: float | None = None
    at_home: bool | None = None
    aux_battery_pct: float | None = None
    zero: Zero | None = None
    refused: str = ""
    """Why the SoC of the last report was not believed; empty when it was."""
    note: str = ""


class Context(Struct, frozen=True):
    """What our own side knows at the moment of the report."""

    mono_s: float
    utc_s: float
    linked: bool = False
    """The car is at one of our chargers."""


def step(before: Believed, report: Report, context: Context) -> Believed:
    """The belief after a report."""
    measured = _time(report.measured_utc_s, context)
    last = before.measured_utc_s
    if measured is not None and last is not None and measured < last - BACKWARDS_S:
        return replace(before, refused="soc_older_than_the_last")
    now = replace(
        _with_the_rest(before, report, context), refused="", measured_utc_s=last if measured is None else measured
    )
    if report.soc_pct is None or (measured is not None and measured == last and report.soc_pct == before.soc_pct):
        return now
    odd = report.soc_pct == 0.0 and (before.soc_pct is None or before.soc_pct > ZERO_BELOW_PCT)
    if odd and not _confirmed(before.zero, measured, context):
        zero = before.zero or Zero(measured, context.mono_s)
        return replace(now, zero=zero, refused="soc_zero_unconfirmed", measured_utc_s=last)
    no_clock = measured is None and report.measured_utc_s is not None
    return replace(
        now,
        soc_pct=report.soc_pct,
        soc_utc_s=context.utc_s if measured is None else measured,
        sigma_pct=NO_CLOCK_SIGMA_PCT if no_clock else 1.0,
        zero=None,
    )


def typed_in(before: Believed, soc_pct: float, sigma_pct: float, context: Context) -> Believed:
    """The owner says how full the car is; that is believed at once."""
    return replace(before, soc_pct=soc_pct, soc_utc_s=context.utc_s, sigma_pct=sigma_pct, zero=None, refused="")


def moved(before: Believed, *, here: bool) -> Believed:
    """The car came to our charger or left it: what waited for a second reading is forgotten.

    That it was unplugged here the charger knows, also of a car that nobody asks while it is away.
    """
    now = replace(before, zero=None, plug_odometer_km=None)
    return now if here else replace(now, plugged=False, charging=False)


def _time(measured: float | None, context: Context) -> float | None:
    """The vendor's time as far as it can be one: not in the future beyond what a wrong zone explains."""
    if measured is None or context.utc_s < SANE_CLOCK_UTC_S or measured > context.utc_s + FUTURE_S:
        return None
    return min(measured, context.utc_s)


def _with_the_rest(before: Believed, report: Report, context: Context) -> Believed:
    """Everything but the SoC; what is not said stays as it was."""
    odometer = report.odometer_km
    if odometer is not None and before.odometer_km is not None and odometer < before.odometer_km - DRIVEN_KM:
        odometer = None
    start_km = odometer if before.plug_odometer_km is None else before.plug_odometer_km
    now = replace(
        before,
        limit_soc_pct=_or(report.limit_soc_pct, before.limit_soc_pct),
        range_km=_or(report.range_km, before.range_km),
        odometer_km=_or(odometer, before.odometer_km),
        plug_odometer_km=start_km if context.linked else None,
        capacity_kwh=_or(report.capacity_kwh, before.capacity_kwh),
        plugged=before.plugged if report.plugged is None else report.plugged,
        charging=before.charging if report.charging is None else report.charging,
        charge_power_w=report.charge_power_w,
        minutes_to_limit=report.minutes_to_limit,
        at_home=before.at_home if report.at_home is None else report.at_home,
        aux_battery_pct=_or(report.aux_battery_pct, before.aux_battery_pct),
        note=report.hint,
    )
    if context.linked and odometer is not None and start_km is not None and odometer > start_km + DRIVEN_KM:
        note = "this car drives while one is plugged in here: choose the right car"
        return replace(now, plugged=False, charging=False, at_home=False, note=note)
    return now


def _or(new: float | None, old: float | None) -> float | None:
    return old if new is None else new


def _confirmed(zero: Zero | None, measured: float | None, context: Context) -> bool:
    """Whether a later measurement, minutes after the first, says 0 again."""
    if zero is None or context.mono_s < zero.mono_s + ZERO_GAP_S:
        return False
    if measured is None or zero.measured_utc_s is None:
        return True
    return measured > zero.measured_utc_s
