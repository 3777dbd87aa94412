"""A GX device on a D-Bus: com.victronenergy.system and .settings, as far as an EV charger's driver meets them.

It shows what it is told and computes nothing. The settings follow localsettings: ``AddSettings`` keeps existing values,
instances are unique per class, numbers are checked against their limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from msgspec import Struct

from phaeton.links.busitem_service import ACCEPTED, BusItemService
from phaeton.links.dbus import DbusLink
from phaeton.links.dbus_library import Value
from phaeton.model import Phases, SiteReading

SYSTEM = "com.victronenergy.system"
SETTINGS = "com.victronenergy.settings"

_NOT_TAKEN = -1
"""What localsettings returns for a value that it refuses."""
_WRONG_TYPE, _NO_PATH, _TYPE_DIFFERS, _OUT_OF_RANGE, _NOT_IN_SETTINGS = -3, -4, -5, -7, -9
"""Errors of ``AddSettings`` in localsettings."""

_PHASES = ("L1", "L2", "L3")

ESS_SETTINGS: dict[str, Value] = {
    "/Settings/System/TimeZone": "Europe/Amsterdam",
    "/Settings/CGwacs/AcPowerSetPoint": 0.0,
    "/Settings/CGwacs/BatteryUse": 0,
    "/Settings/CGwacs/Hub4Mode": 1,
    "/Settings/CGwacs/MaxChargePower": -1.0,
    "/Settings/CGwacs/MaxFeedInPower": -1.0,
    "/Settings/CGwacs/OvervoltageFeedIn": 1,
    "/Settings/CGwacs/PreventFeedback": 0,
    "/Settings/CGwacs/BatteryLife/MinimumSocLimit": 10.0,
    "/Settings/CGwacs/BatteryLife/SocLimit": 10.0,
    "/Settings/CGwacs/BatteryLife/State": 10,
    "/Settings/SystemSetup/MaxChargeCurrent": -1.0,
}
"""The settings of a GX with an ESS without any limit."""


class SimulatedGx:
    """Both services, each on a connection of its own."""

    def __init__(self, address: str | None = None, library: str | None = None) -> None:
        self.settings = SimulatedSettings(DbusLink(SETTINGS, address, library))
        self._system = BusItemService(DbusLink(SYSTEM, address, library), SYSTEM)
        for path, value in {
            "/Mgmt/ProcessName": "simulated GX",
            "/Mgmt/ProcessVersion": "1",
            "/Mgmt/Connection": "simulation",
            "/DeviceInstance": 0,
            "/ProductId": 0xFFFF,
            "/ProductName": "Simulated GX",
            "/Connected": 1,
            "/SystemType": "ESS",
        }.items():
            self._system.add(path, "", cast("Value", value))

    async def start(self) -> None:
        """Come up; returns when both names are there."""
        await self.settings.start()
        await self.start_system()

    async def stop(self) -> None:
        """Leave the bus."""
        await self.stop_system()
        await self.settings.stop()

    async def start_system(self) -> None:
        """Let com.victronenergy.system alone come up."""
        self._system.open()
        await self._system.wait_registered()

    async def stop_system(self) -> None:
        """Let com.victronenergy.system alone leave."""
        await self._system.close()

    def publish(self, values: Mapping[str, Value]) -> None:
        """Show values of the system in one signal; a path is there from its first value on."""
        for path in values:
            if path not in self._system:
                self._system.add(path, "")
        self._system.update(values)

    def publish_reading(self, reading: SiteReading) -> None:
        """Show a house; what it does not know becomes invalid."""
        self.publish(system_values(reading))
        if reading.ess_setpoint_w is not None:
            self.settings.set({"/Settings/CGwacs/AcPowerSetPoint": reading.ess_setpoint_w})


def system_values(reading: SiteReading) -> dict[str, Value]:
    """The paths of com.victronenergy.system that show this house; sums without phases are put on L1."""
    phases = reading.grid_phase_w
    grid_w: Phases = (reading.grid_w, None, None) if phases == (None, None, None) else phases
    values: dict[str, Value] = {
        "/Ac/Grid/DeviceType": 73 if reading.grid_metered else None,
        "/Ac/PvOnGrid/L1/Power": reading.pv_w,
        "/Ac/Consumption/L1/Power": reading.consumption_w,
        "/Ac/ActiveIn/Source": reading.ac_source,
        "/Control/ActiveSocLimit": reading.ess_min_soc_pct,
        "/Dc/Battery/Power": reading.battery_w,
        "/Dc/Battery/Soc": reading.battery_soc_pct,
        "/DynamicEss/Active": int(reading.dess_active),
        "/DynamicEss/ChargeRate": reading.dess_charge_w,
        "/SystemState/State": reading.system_state,
        "/SystemType": "ESS" if reading.ess else "Hub-1",
    }
    for phase, watts, amps in zip(_PHASES, grid_w, reading.grid_phase_a, strict=True):
        values[f"/Ac/Grid/{phase}/Power"] = watts
        values[f"/Ac/Grid/{phase}/Current"] = amps
    return values


class _Setting(Struct, frozen=True):
    signature: str
    minimum: float
    maximum: float

    def taken(self, value: Value) -> Value:
        """The value in the type of the setting, ``None`` when it does not fit."""
        if self.signature == "s":
            return value if isinstance(value, str) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if (self.minimum or self.maximum) and not self.minimum <= value <= self.maximum:
            return None
        return int(value) if self.signature == "i" else float(value)


class SimulatedSettings:
    """com.victronenergy.settings without a file."""

    def __init__(self, link: DbusLink) -> None:
        self._library = link.library
        self._service = BusItemService(link, SETTINGS)
        self._service.serve("com.victronenergy.Settings", "AddSettings", self._add_settings)
        self._known: dict[str, _Setting] = {}
        for path, value in ESS_SETTINGS.items():
            self._add(path, value, _Setting(_kind(value), 0.0, 0.0))

    async def start(self) -> None:
        """Come up; returns when the name is there."""
        self._service.open()
        await self._service.wait_registered()

    async def stop(self) -> None:
        """Leave the bus."""
        await self._service.close()

    def set(self, values: Mapping[str, Value]) -> None:
        """Change settings, as a person at the GX does."""
        self._service.update(values)

    def has(self, path: str) -> bool:
        """Whether there is such a setting."""
        return path in self._service

    def __getitem__(self, path: str) -> Value:
        return self._service[path]

    def _add(self, path: str, value: Value, setting: _Setting) -> None:
        async def write(asked: Value) -> int:
            taken = setting.taken(asked)
            if taken is not None and path.endswith("/ClassAndVrmInstance"):
                taken = self._free_instance(path, str(taken))
            if taken is None:
                return _NOT_TAKEN
            self._service.update({path: taken})
            return ACCEPTED

        self._known[path] = setting
        self._service.add(path, setting.signature, write=write)
        self._service.update({path: value})

    def _free_instance(self, path: str, asked: str) -> str | None:
        kind, _, number = asked.partition(":")
        if not kind or not number.isdecimal():
            return None
        instance = int(number)
        others = {
            value
            for other, value in self._service.values().items()
            if other.endswith("/ClassAndVrmInstance") and other != path
        }
        while f"{kind}:{instance}" in others:
            instance += 1
        return f"{kind}:{instance}"

    def _add_settings(self, _path: str, body: list[object]) -> tuple[str, list[object]]:
        asked = self._library.plain(body[0]) if body else None
        entries = asked if isinstance(asked, list) else []
        answers = [self._add_setting(entry) for entry in entries if isinstance(entry, dict)]
        wrap = self._library.wrap
        return "aa{sv}", [[{key: wrap(value) for key, value in answer.items()} for answer in answers]]

    def _add_setting(self, entry: dict[str, Value]) -> dict[str, Value]:
        path, default = entry.get("path"), entry.get("default")
        if not isinstance(path, str):
            return {"error": _NO_PATH}
        error = self._refusal(path, default, entry)
        if error:
            return {"path": path, "error": error}
        if path not in self._known:
            setting = _Setting(_kind(default), *_limits(entry))
            first = self._free_instance(path, str(default)) if path.endswith("/ClassAndVrmInstance") else default
            self._add(path, first, setting)
        return {"path": path, "error": 0, "value": self._service[path]}

    def _refusal(self, path: str, default: Value, entry: dict[str, Value]) -> int:
        if isinstance(default, bool) or not isinstance(default, int | float | str):
            return _WRONG_TYPE
        if not path.startswith("/Settings/"):
            return _NOT_IN_SETTINGS
        if path in self._known:
            return 0 if self._known[path].signature == _kind(default) else _TYPE_DIFFERS
        fits = _Setting(_kind(default), *_limits(entry)).taken(default) is not None
        return 0 if fits else _OUT_OF_RANGE


def _kind(value: Value) -> str:
    return "s" if isinstance(value, str) else "d" if isinstance(value, float) else "i"


def _limits(entry: dict[str, Value]) -> tuple[float, float]:
    least, most = entry.get("min"), entry.get("max")
    return (
        float(least) if isinstance(least, int | float) else 0.0,
        float(most) if isinstance(most, int | float) else 0.0,
    )
