"""What the paths of the GX mean for us: from the values of its services to one `SiteReading`.

Sources: Victron's wiki page on the D-Bus API and the public code of dbus-systemcalc-py. Readings are quantised here,
W to 1, A to 0.01 and SoC to 0.1, so that a recording of them is what was decided upon.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from phaeton.links.dbus_library import Value
from phaeton.model import Phases, SiteReading

_PHASES = ("L1", "L2", "L3")
_PV_AC = tuple(f"/Ac/{where}/{phase}/Power" for where in ("PvOnGrid", "PvOnOutput", "PvOnGenset") for phase in _PHASES)
_PV_DC = "/Dc/Pv/Power"
_GRID_W = tuple(f"/Ac/Grid/{phase}/Power" for phase in _PHASES)
_GRID_A = tuple(f"/Ac/Grid/{phase}/Current" for phase in _PHASES)
_LOADS = tuple(f"/Ac/Consumption/{phase}/Power" for phase in _PHASES)
_SOC_LIMIT = "/Control/ActiveSocLimit"

ACTIVE_BMS = "/ActiveBmsService"

SYSTEM_PATHS = (
    *_GRID_W,
    *_GRID_A,
    *_PV_AC,
    *_LOADS,
    _PV_DC,
    _SOC_LIMIT,
    ACTIVE_BMS,
    "/Ac/ActiveIn/Source",
    "/Ac/Grid/DeviceType",
    "/Dc/Battery/Power",
    "/Dc/Battery/Soc",
    "/Dc/Battery/Voltage",
    "/DynamicEss/Active",
    "/DynamicEss/ChargeRate",
    "/SystemState/State",
    "/SystemType",
)

TIME_ZONE = "/Settings/System/TimeZone"
_ESS = "/Settings/CGwacs"
_BATTERY_LIFE = f"{_ESS}/BatteryLife"

SETTINGS_PATHS = (
    TIME_ZONE,
    f"{_ESS}/AcPowerSetPoint",
    f"{_ESS}/BatteryUse",
    f"{_ESS}/Hub4Mode",
    f"{_ESS}/MaxChargePower",
    f"{_ESS}/MaxFeedInPower",
    f"{_ESS}/OvervoltageFeedIn",
    f"{_ESS}/PreventFeedback",
    f"{_BATTERY_LIFE}/MinimumSocLimit",
    f"{_BATTERY_LIFE}/SocLimit",
    f"{_BATTERY_LIFE}/State",
    "/Settings/SystemSetup/MaxChargeCurrent",
)

BMS_PATHS = ("/Info/MaxChargeCurrent", "/Info/MaxChargeVoltage")
MULTI_MIN_SOC = "/Settings/Ess/MinimumSocLimit"

_ESS_TYPES = ("ESS", "Hub-4")
_EXTERNAL_CONTROL = 3
"""``/Settings/CGwacs/Hub4Mode``: the ESS does not regulate."""
_WITH_BATTERY_LIFE = range(1, 9)
_WITHOUT_BATTERY_LIFE = range(10, 13)
"""``/Settings/CGwacs/BatteryLife/State``; 0 is off, 9 keeps the battery charged."""


class Values(Protocol):
    """The values of a service: a `phaeton.links.busitem_client.Watch`, or what was recorded of one."""

    def get(self, path: str) -> Value:
        """The value, ``None`` when it is invalid or missing."""

    def number(self, path: str) -> float | None:
        """The value as a float, ``None`` for anything that is no finite number."""

    def whole(self, path: str) -> int | None:
        """The value as a whole number, ``None`` for anything that is no number of at most 32 bits."""

    def text(self, path: str) -> str:
        """The value where it is a text, else an empty one."""


def site_reading(
    now: tuple[float, float], system: Values, settings: Values, bms: Values | None, multis: Sequence[Values]
) -> SiteReading:
    """The house as it is now; what the GX does not tell is ``None``."""
    mono_s, utc_s = now
    ess = _is_ess(system, settings)
    dess = bool(system.number("/DynamicEss/Active"))
    return SiteReading(
        mono_s=mono_s,
        utc_s=utc_s,
        grid_w=_sum_w(system, _GRID_W),
        grid_phase_w=_phases(system, _GRID_W, 0),
        grid_phase_a=_phases(system, _GRID_A, 2),
        grid_metered=system.get("/Ac/Grid/DeviceType") is not None,
        pv_w=_sum_w(system, (*_PV_AC, _PV_DC)),
        consumption_w=_sum_w(system, _LOADS),
        battery_w=_rounded(system.number("/Dc/Battery/Power"), 0),
        battery_soc_pct=_rounded(system.number("/Dc/Battery/Soc"), 1),
        battery_charge_limit_w=_charge_limit_w(system, settings, bms),
        ac_source=system.whole("/Ac/ActiveIn/Source"),
        system_state=system.whole("/SystemState/State"),
        ess=ess,
        ess_setpoint_w=_rounded(settings.number(f"{_ESS}/AcPowerSetPoint"), 0) if ess else None,
        ess_min_soc_pct=_min_soc_pct(system, settings, multis, ess=ess),
        feed_in_limit_w=_feed_in_limit_w(system, settings) if ess else None,
        dess_active=dess,
        dess_charge_w=_rounded(system.number("/DynamicEss/ChargeRate"), 0) if dess else None,
        battery_use=settings.whole(f"{_ESS}/BatteryUse"),
    )


def _rounded(value: float | None, digits: int) -> float | None:
    # + 0.0 makes a negative zero an ordinary one
    return None if value is None else round(value, digits) + 0.0


def _phases(watch: Values, paths: tuple[str, ...], digits: int) -> Phases:
    one, two, three = (_rounded(watch.number(path), digits) for path in paths)
    return one, two, three


def _sum_w(watch: Values, paths: tuple[str, ...]) -> float | None:
    """The sum of what is known, ``None`` when nothing is."""
    known = [power for path in paths if (power := watch.number(path)) is not None]
    return _rounded(sum(known), 0) if known else None


def _is_ess(system: Values, settings: Values) -> bool:
    """Whether the grid is regulated; the mode tells it only where the GX does not know its own type."""
    mode = settings.whole(f"{_ESS}/Hub4Mode")
    kind = system.text("/SystemType")
    if kind:
        return kind in _ESS_TYPES and mode != _EXTERNAL_CONTROL
    return mode in (1, 2)


def _charge_limit_w(system: Values, settings: Values, bms: Values | None) -> float | None:
    """The least of what the battery, the owner of the system and the ESS allow; negative settings mean no limit."""
    volts = system.number("/Dc/Battery/Voltage")
    limits = [settings.number(f"{_ESS}/MaxChargePower")]
    if bms is not None:
        volts = bms.number("/Info/MaxChargeVoltage") or volts
        limits.append(_times(bms.number("/Info/MaxChargeCurrent"), volts))
    limits.append(_times(settings.number("/Settings/SystemSetup/MaxChargeCurrent"), volts))
    known = [limit for limit in limits if limit is not None and limit >= 0]
    return _rounded(min(known), 0) if known else None


def _times(amps: float | None, volts: float | None) -> float | None:
    return None if amps is None or volts is None else amps * volts


def _min_soc_pct(system: Values, settings: Values, multis: Sequence[Values], *, ess: bool) -> float | None:
    """The minimum SoC in force: what the GX says itself, else the settings of its ESS and of each Multi RS."""
    limits = [multi.number(MULTI_MIN_SOC) for multi in multis]
    active = system.number(_SOC_LIMIT)
    if active is not None:
        limits.append(active)
    elif ess:
        state = settings.whole(f"{_BATTERY_LIFE}/State")
        if state in _WITH_BATTERY_LIFE or state in _WITHOUT_BATTERY_LIFE:
            limits.append(settings.number(f"{_BATTERY_LIFE}/MinimumSocLimit"))
        if state in _WITH_BATTERY_LIFE:
            limits.append(settings.number(f"{_BATTERY_LIFE}/SocLimit"))
    known = [limit for limit in limits if limit is not None]
    return _rounded(max(known), 1) if known else None


def _feed_in_limit_w(system: Values, settings: Values) -> float | None:
    """0 when neither AC nor DC sun may go to the grid, else the limit of both, ``None`` without one."""
    ac = [system.number(path) for path in _PV_AC]
    has_ac, has_dc = any(power is not None for power in ac), system.number(_PV_DC) is not None
    ac_kept = settings.whole(f"{_ESS}/PreventFeedback") == 1
    dc_kept = settings.whole(f"{_ESS}/OvervoltageFeedIn") == 0
    if (ac_kept or not has_ac) and (dc_kept or not has_dc) and (ac_kept or has_ac or has_dc):
        return 0.0
    limit = settings.number(f"{_ESS}/MaxFeedInPower")
    return _rounded(limit, 0) if limit is not None and limit >= 0 else None
