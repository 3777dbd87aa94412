"""Kia's and Hyundai's own answers, read here because the library mistakes some of their clocks.

Three shapes: CCS2 (``Green``), the older European one (``vehicleStatus``), and that of the USA (``lastVehicleInfo``).
"""

from __future__ import annotations

from datetime import UTC, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from phaeton.sources.vehicles.home import Home, at_home
from phaeton.sources.vehicles.report import Report
from phaeton.sources.vehicles.values import (
    at,
    capacity,
    flag,
    kilometres,
    limit_percent,
    number,
    percent,
    wall_clock,
    within,
)

_MILES = (2, 3)
"""Codes of the unit of a distance; 1 is km."""
_AC = 1
"""``plugType`` of a charge limit; 0 is DC."""


def parse_state(state: object, home: Home | None, now_utc_s: float, *, offset_counts: bool = False) -> Report | None:
    """The car's state in whichever shape it has; None for one that is not known.

    ``offset_counts``: the date is meant in the zone of the field beside it, as on the new European service; else UTC.
    """
    if isinstance(at(state, "Green"), dict):
        return _ccs2(state, home, now_utc_s, offset_counts)
    if isinstance(at(state, "lastVehicleInfo"), dict):
        return _usa(state, home, now_utc_s)
    status = at(state, "vehicleStatus")
    if isinstance(at(status, "evStatus"), dict):
        return _older(status, at(state, "vehicleLocation", "coord"), at(state, "odometer"), home, now_utc_s)
    if isinstance(at(state, "evStatus"), dict):  # what a forced reading gives
        return _older(state, None, None, home, now_utc_s)
    return None


def _ccs2(state: object, home: Home | None, now_utc_s: float, offset_counts: bool) -> Report:
    green = at(state, "Green")
    charging = at(green, "ChargingInformation")
    minutes = within(at(charging, "Charging", "RemainTime"), 0.0, 10_000.0)
    power_kw = within(at(green, "Electric", "SmartGrid", "RealTimePower"), 0.0, 400.0)
    dte = at(state, "Drivetrain", "FuelSystem", "DTE")
    range_km = at(dte, "EV") if number(at(dte, "EV")) is not None else at(dte, "Total")
    aux = at(state, "Electronics", "Battery")
    hours = within(at(state, "Offset"), -14.0, 14.0) if offset_counts else 0.0
    zone = timezone(timedelta(hours=hours)) if hours else UTC
    return Report(
        soc_pct=percent(at(green, "BatteryManagement", "BatteryRemain", "Ratio")),
        measured_utc_s=wall_clock(at(state, "Date"), zone, now_utc_s),
        limit_soc_pct=limit_percent(at(charging, "TargetSoC", "Standard")),
        range_km=kilometres(range_km, miles=at(dte, "Unit") in _MILES),
        odometer_km=kilometres(at(state, "Drivetrain", "Odometer"), miles=at(dte, "Unit") in _MILES),
        capacity_kwh=capacity(at(green, "BatteryManagement", "BatteryCapacity", "Value")),
        plugged=flag(at(charging, "ConnectorFastening", "State")),
        charging=None if minutes is None else minutes > 0,
        charge_power_w=None if power_kw is None else round(power_kw * 1000.0),
        minutes_to_limit=minutes,
        at_home=_where(state, "Location", "GeoCoord", home=home),
        aux_battery_pct=None if at(aux, "SensorReliability") == 1 else percent(at(aux, "Level")),
    )


def _where(state: object, *keys: str, home: Home | None) -> bool | None:
    place = at(state, *keys)
    return at_home(home, at(place, "Latitude"), at(place, "Longitude"))


def _older(status: object, place: object, odometer: object, home: Home | None, now_utc_s: float) -> Report:
    ev = at(status, "evStatus")
    distance = at(ev, "drvDistance", 0, "rangeByFuel", "evModeRange")
    power_kw = within(at(ev, "batteryPower", "batteryStndChrgPower"), 0.0, 400.0)
    return Report(
        soc_pct=percent(at(ev, "batteryStatus")),
        measured_utc_s=wall_clock(at(status, "time"), berlin(), now_utc_s),
        limit_soc_pct=_ac_limit(at(ev, "reservChargeInfos", "targetSOClist")),
        range_km=kilometres(at(distance, "value"), miles=at(distance, "unit") in _MILES),
        odometer_km=kilometres(at(odometer, "value"), miles=at(odometer, "unit") in _MILES),
        plugged=flag(at(ev, "batteryPlugin")),
        charging=flag(at(ev, "batteryCharge")),
        charge_power_w=None if power_kw is None else round(power_kw * 1000.0),
        minutes_to_limit=within(at(ev, "remainTime2", "atc", "value"), 0.0, 10_000.0),
        at_home=at_home(home, at(place, "lat"), at(place, "lon")),
        aux_battery_pct=percent(at(status, "battery", "batSoc")),
    )


def _usa(state: object, home: Home | None, now_utc_s: float) -> Report | None:
    last = at(state, "lastVehicleInfo")
    status = at(last, "vehicleStatusRpt", "vehicleStatus")
    ev = at(status, "evStatus")
    if not isinstance(ev, dict):
        return None
    distance = at(ev, "drvDistance", 0, "rangeByFuel", "evModeRange")
    power_kw = within(at(ev, "realTimePower"), 0.0, 400.0)
    place = at(last, "location", "coord")
    return Report(
        soc_pct=percent(at(ev, "batteryStatus")),
        measured_utc_s=wall_clock(at(status, "syncDate", "utc"), UTC, now_utc_s),
        limit_soc_pct=_ac_limit(at(ev, "targetSOC")),
        range_km=kilometres(at(distance, "value"), miles=at(distance, "unit") in _MILES),
        odometer_km=kilometres(at(state, "vehicleConfig", "vehicleDetail", "vehicle", "mileage"), miles=True),
        plugged=flag(at(ev, "batteryPlugin")),
        charging=flag(at(ev, "batteryCharge")),
        charge_power_w=None if power_kw is None else round(power_kw * 1000.0),
        minutes_to_limit=within(at(ev, "remainChargeTime", 0, "timeInterval", "value"), 0.0, 10_000.0),
        at_home=at_home(home, at(place, "lat"), at(place, "lon")),
        aux_battery_pct=percent(at(status, "batteryStatus", "stateOfCharge")),
    )


def _ac_limit(entries: object) -> float | None:
    if not isinstance(entries, list):
        return None
    return next((limit_percent(at(e, "targetSOClevel")) for e in entries if at(e, "plugType") == _AC), None)


def berlin() -> tzinfo:
    """The zone of the older European service's times; an hour early in summer where no zone files are installed."""
    try:
        return ZoneInfo("Europe/Berlin")
    except ZoneInfoNotFoundError:
        return timezone(timedelta(hours=1))
