"""What to believe of a report: a pure machine over the reports of one car.

Services send nulls after waking, zeros for "unknown", old values with new times and new values with old times. A value
that is odd is held until a second reading says the same; then it is believed, so that reality is never locked out.
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
FULL_FROM_PCT = 90.0
FULL_WITHIN_S = 300.0
RISE_SPARE_PCT = 5.0
RISE_FACTOR = 1.05
FASTEST_KW = 250.0
FALL_PCT = 3.0
SAME_PCT = 3.0
DRIVEN_KM = 1.0
USUAL_KWH = 60.0
NO_CLOCK_SIGMA_PCT = 3.0


class Held(Struct, frozen=True):
    """An odd value that waits for a second reading."""

    soc_pct: float
    measured_utc_s: float | None
    mono_s: float
    why: str


class Believed(Struct, frozen=True):
    """What holds of a car; the newest of everything that was believed."""

    soc_pct: float | None = None
    soc_utc_s: float | None = None
    soc_mono_s: float | None = None
    soc_kwh: float = 0.0
    """What the car had taken since plug-in when the SoC was believed."""
    sigma_pct: float = 1.0
    measured_utc_s: float | None = None
    """Of the last accepted report, as the vendor said it."""
    limit_soc_pct: float | None = None
    range_km: float | None = None
    odometer_km: float | None = None
    plug_odometer_km: float | None = None
    """When it was plugged in."""
    capacity_kwh: float | None = None
    plugged: bool | None = None
    charging: bool | None = None
    charge_power_w: float | None = None
    minutes_to_limit: float | None = None
    at_home: bool | None = None
    aux_battery_pct: float | None = None
    held: Held | None = None
    refused: str = ""
    """Why the SoC of the last report was not believed; empty when it was."""
    note: str = ""
    glitches: int = 0


class Context(Struct, frozen=True):
    """What our own side knows at the moment of the report."""

    mono_s: float
    utc_s: float
    linked: bool = False
    """The car is at one of our chargers."""
    charging: bool = False
    """... and takes current there."""
    taken_kwh: float = 0.0
    """Since it was plugged in there."""
    battery_kwh: float | None = None


def step(before: Believed, report: Report, context: Context) -> tuple[Believed, bool]:
    """The belief after a report, and whether the SoC in it is news."""
    measured = _time(report.measured_utc_s, context)
    last = before.measured_utc_s
    if measured is not None and last is not None and measured < last - BACKWARDS_S:
        return replace(before, refused="older than the last one", glitches=before.glitches + 1), False
    now = _with_the_rest(before, report, context)
    if report.soc_pct is None:
        return replace(now, measured_utc_s=measured if measured is not None else last, refused=""), False
    if measured is not None and last is not None and measured == last and report.soc_pct == before.soc_pct:
        return replace(now, refused=""), False
    odd = _oddness(before, report.soc_pct, context)
    if odd and not _confirmed(before.held, report.soc_pct, measured, context):
        held = _hold(before.held, report.soc_pct, measured, context, odd)
        return replace(now, held=held, refused=odd, glitches=before.glitches + 1), False
    no_clock = measured is None and report.measured_utc_s is not None
    now = replace(
        now,
        soc_pct=report.soc_pct,
        soc_utc_s=min(measured, context.utc_s) if measured is not None else context.utc_s,
        soc_mono_s=context.mono_s,
        soc_kwh=context.taken_kwh,
        sigma_pct=NO_CLOCK_SIGMA_PCT if no_clock else 1.0,
        measured_utc_s=measured if measured is not None else last,
        held=None,
        refused="",
    )
    return now, True


def typed_in(before: Believed, soc_pct: float, sigma_pct: float, context: Context) -> Believed:
    """The owner says how full the car is; that is believed at once."""
    return replace(
        before,
        soc_pct=soc_pct,
        soc_utc_s=context.utc_s,
        soc_mono_s=context.mono_s,
        soc_kwh=context.taken_kwh,
        sigma_pct=sigma_pct,
        held=None,
        refused="",
    )


def unplugged(before: Believed) -> Believed:
    """The car left our charger: what was odd before is no yardstick any more."""
    return replace(before, held=None, plug_odometer_km=None, soc_kwh=0.0)


def plugged_in(before: Believed) -> Believed:
    """The car came to our charger; what was taken counts from 0."""
    return replace(before, plug_odometer_km=None, soc_kwh=0.0)


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
    note = report.hint
    start_km = before.plug_odometer_km if before.plug_odometer_km is not None else odometer
    driven = context.linked and odometer is not None and start_km is not None and odometer > start_km + DRIVEN_KM
    if driven:
        note = "this car drives while one is plugged in here: choose the right car"
    away = False if driven else None
    return replace(
        before,
        limit_soc_pct=_or(report.limit_soc_pct, before.limit_soc_pct),
        range_km=_or(report.range_km, before.range_km),
        odometer_km=_or(odometer, before.odometer_km),
        plug_odometer_km=start_km if context.linked else None,
        capacity_kwh=_or(report.capacity_kwh, before.capacity_kwh),
        plugged=away if driven else report.plugged if report.plugged is not None else before.plugged,
        charging=away if driven else report.charging if report.charging is not None else before.charging,
        charge_power_w=report.charge_power_w,
        minutes_to_limit=report.minutes_to_limit,
        at_home=away if driven else report.at_home if report.at_home is not None else before.at_home,
        aux_battery_pct=_or(report.aux_battery_pct, before.aux_battery_pct),
        note=note,
    )


def _or(new: float | None, old: float | None) -> float | None:
    return old if new is None else new


def _oddness(before: Believed, soc_pct: float, context: Context) -> str:
    """Why the value needs a second reading; empty when it does not."""
    last = before.soc_pct
    if soc_pct == 0.0 and (last is None or last > ZERO_BELOW_PCT):
        return "soc_zero_unconfirmed"
    if last is None or before.soc_mono_s is None:
        return ""
    since_s = max(context.mono_s - before.soc_mono_s, 0.0)
    if soc_pct == 100.0 and last <= FULL_FROM_PCT and since_s <= FULL_WITHIN_S:
        return "soc_full_unconfirmed"
    size_kwh = context.battery_kwh or before.capacity_kwh or USUAL_KWH
    if context.linked:
        most_kwh = max(context.taken_kwh - before.soc_kwh, 0.0) * RISE_FACTOR
    else:
        most_kwh = FASTEST_KW * since_s / 3600.0
    if soc_pct - last > most_kwh / size_kwh * 100.0 + RISE_SPARE_PCT:
        return "soc_rise_unconfirmed"
    if context.linked and context.charging and last - soc_pct > FALL_PCT:
        return "soc_fall_unconfirmed"
    return ""


def _hold(held: Held | None, soc_pct: float, measured: float | None, context: Context, why: str) -> Held:
    """The first of the same odd readings is kept, so that the time between them is seen."""
    if held is not None and held.why == why and abs(held.soc_pct - soc_pct) <= SAME_PCT:
        return held
    return Held(soc_pct, measured, context.mono_s, why)


def _confirmed(held: Held | None, soc_pct: float, measured: float | None, context: Context) -> bool:
    """Whether a later measurement says the same again."""
    if held is None or abs(held.soc_pct - soc_pct) > SAME_PCT:
        return False
    if held.why == "soc_zero_unconfirmed" and context.mono_s < held.mono_s + ZERO_GAP_S:
        return False
    if measured is not None and held.measured_utc_s is not None:
        return measured > held.measured_utc_s
    return context.mono_s > held.mono_s
