"""What a charging point shows on D-Bus: each path with its type and unit, and its value out of a decision.

Types are those of Victron's own driver, so that everything that reads a Victron EV charger reads this one too. Values
are rounded to what a person reads, for every changed one is traffic for the GX. What is not known is invalid.
"""

from __future__ import annotations

from collections.abc import Mapping

from phaeton import __version__
from phaeton.config.points import Point
from phaeton.links.busitem_service import BusItemService, Text, Write, plain_text, unit
from phaeton.links.dbus_library import Value
from phaeton.model import (
    ChargerIdentity,
    ChargerReading,
    ChargerState,
    Fault,
    Output,
    PointDecision,
    PointSituation,
    Session,
)

OUTPUT, INPUT = 0, 1
"""``/Position``: the AC output or the AC input of the inverter, as the GX's own pages count."""

PRODUCT_ID = 0xFFFF
"""No number of Victron's: theirs belong to their chargers."""

ALARM = 2

ALARMS = {
    Fault.GROUND: "/Alarms/GNDNotPresent",
    Fault.WELD: "/Alarms/WeldedContacts",
    Fault.CP: "/Alarms/CPInputShortCircuit",
    Fault.RCD: "/Alarms/ResidualCurrent",
    Fault.OVERTEMPERATURE: "/Alarms/OverTemperature",
    Fault.OVERCURRENT: "/Alarms/OverloadActive",
}
"""The faults that the GX has a notification for."""

CAP_PATH = "/PowerGuard/Consumption/Ac/Power"

_SESSION_STEP_S = 5
_PHASES = ("L1", "L2", "L3")
_PHASE_PATHS = tuple((f"/Ac/{phase}/Power", f"/Ac/{phase}/Current", f"/Ac/{phase}/Voltage") for phase in _PHASES)
_NO_SESSION = object()


def _hexadecimal(value: Value) -> str:
    return f"0x{value:X}" if isinstance(value, int) else str(value)


_WATT, _VOLT, _AMPERE = unit("W", 0), unit("V", 0), unit("A", 1)
_KWH, _SECOND, _MONEY, _SWITCH = unit("kWh", 2), unit("s", 0), "{:.2f}".format, "{:.0f}".format
_SETPOINT = "{:g} A".format

_ITEMS: tuple[tuple[str, str, Text], ...] = (
    ("/Mgmt/ProcessName", "s", plain_text),
    ("/Mgmt/ProcessVersion", "s", plain_text),
    ("/Mgmt/Connection", "s", plain_text),
    ("/DeviceInstance", "i", plain_text),
    ("/ProductId", "i", _hexadecimal),
    ("/ProductName", "s", plain_text),
    ("/FirmwareVersion", "s", plain_text),
    ("/HardwareVersion", "s", plain_text),
    ("/Connected", "i", plain_text),
    ("/Serial", "s", plain_text),
    ("/Model", "s", plain_text),
    ("/CustomName", "s", plain_text),
    ("/Role", "s", plain_text),
    ("/Position", "i", plain_text),
    ("/PositionIsAdjustable", "i", plain_text),
    ("/Mode", "i", plain_text),
    ("/GxAutoMode/Enabled", "i", plain_text),
    ("/GxAutoMode/Source", "s", plain_text),
    ("/StartStop", "i", plain_text),
    ("/AutoStart", "d", _SWITCH),
    ("/SetCurrent", "d", _SETPOINT),
    ("/MinCurrent", "d", _SETPOINT),
    ("/MaxCurrent", "d", _SETPOINT),
    ("/Current", "d", _AMPERE),
    ("/NrOfPhases", "i", plain_text),
    ("/Status", "i", plain_text),
    ("/Ac/Power", "d", _WATT),
    *((f"/Ac/{phase}/Power", "d", _WATT) for phase in _PHASES),
    *((f"/Ac/{phase}/Current", "d", _AMPERE) for phase in _PHASES),
    *((f"/Ac/{phase}/Voltage", "d", _VOLT) for phase in _PHASES),
    ("/Ac/Energy/Forward", "d", _KWH),
    ("/Session/Energy", "d", _KWH),
    ("/Session/Time", "i", _SECOND),
    ("/Session/Cost", "d", _MONEY),
    ("/Session/SavedCost", "d", _MONEY),
    ("/ChargingTime", "i", _SECOND),
    ("/PowerGuard/Consumption/Active", "i", plain_text),
    (CAP_PATH, "d", _WATT),
    *((path, "i", plain_text) for path in ALARMS.values()),
    ("/Error/0/Id", "s", plain_text),
)


def add_items(service: BusItemService, writes: Mapping[str, Write]) -> None:
    """Add every path; ``writes`` are the handlers of the writable ones."""
    for path, signature, text in _ITEMS:
        service.add(path, signature, text=text, write=writes.get(path))


def fixed_values(point: Point, *, instance: int, position: int) -> dict[str, Value]:
    """What is known before the charger said anything."""
    charger = point.charger
    socket = f", socket {point.socket}" if point.socket > 1 else ""
    return {
        "/Mgmt/ProcessName": "phaeton",
        "/Mgmt/ProcessVersion": __version__,
        "/Mgmt/Connection": f"Modbus TCP {charger.host}{socket}",
        "/DeviceInstance": instance,
        "/ProductId": PRODUCT_ID,
        "/ProductName": "Phaeton EV charger",
        "/Connected": 0,
        "/CustomName": configured_name(point),
        "/Role": "evcharger",
        "/Position": position,
        "/PositionIsAdjustable": int(charger.position is None),
        "/GxAutoMode/Enabled": 1,
        "/GxAutoMode/Source": "Phaeton",
        "/MinCurrent": charger.limits.min_set_current_a,
        "/MaxCurrent": charger.limits.max_set_current_a,
        "/Error/0/Id": "",
    }


def configured_name(point: Point) -> str:
    """The name that the configuration gives; the second socket's tells them apart."""
    name = point.charger.name
    return f"{name} {point.socket}" if name and point.socket > 1 else name


class Display:
    """What a point shows, output after output: only what may have changed is worked out."""

    def __init__(self, point: Point) -> None:
        self._point = point
        self._seen: list[object] = [None] * 5

    def values(self, output: Output) -> dict[str, Value] | None:
        """What may differ from the time before, at first everything; None when the output does not know the point."""
        point = self._point
        decision = next((entry for entry in output.decision.points if entry.point == point.id), None)
        if decision is None:
            return None
        known = next((entry for entry in output.situation.points if entry.id == point.id), PointSituation(id=point.id))
        reading, reachable = known.reading, decision.reachable
        d = decision
        asked = (d.mode, d.start, d.auto_start, d.requested_a, d.min_a, d.max_a, d.phases, d.status, d.power_cap_w)
        fault = None if reading is None else (reading.fault, reading.state is ChargerState.FAULT, reading.fault_text)
        values: dict[str, Value] = {}
        if self._differs(0, (asked, reachable)):
            values.update(_control(decision))
        if self._differs(1, decision.session or _NO_SESSION):
            values.update(_session(decision.session))
        if self._differs(2, (reading, reachable)):
            values.update(_measured(point, decision, reading))
        if self._differs(3, (fault, reachable, known.identity)):
            values.update(_faults(decision, known))
        if self._differs(4, known.identity) and known.identity is not None:
            values.update(_identity(known.identity))
        return values

    def _differs(self, part: int, now: object) -> bool:
        if now == self._seen[part]:
            return False
        self._seen[part] = now
        return True


def live_values(point: Point, output: Output) -> dict[str, Value]:
    """Everything that a decision changes; empty when it does not know the point."""
    return Display(point).values(output) or {}


def _control(decision: PointDecision) -> dict[str, Value]:
    return {
        "/Connected": int(decision.reachable),
        "/Mode": int(decision.mode),
        "/StartStop": int(decision.start),
        "/AutoStart": float(decision.auto_start),
        "/SetCurrent": decision.requested_a,
        "/MinCurrent": _rounded(decision.min_a, 1),
        "/MaxCurrent": _rounded(decision.max_a, 1),
        "/NrOfPhases": decision.phases if decision.reachable else None,
        "/Status": int(decision.status) if decision.status is not None and decision.reachable else None,
        "/PowerGuard/Consumption/Active": int(decision.power_cap_w is not None),
        CAP_PATH: decision.power_cap_w,
    }


def _session(session: Session | None) -> dict[str, Value]:
    if session is None:
        return dict.fromkeys(
            ("/Session/Energy", "/Session/Time", "/Session/Cost", "/Session/SavedCost", "/ChargingTime")
        )
    step_s = _SESSION_STEP_S if session.end_utc_s is None else 1
    charging_s = int(session.charging_s) // step_s * step_s
    return {
        "/Session/Energy": _rounded(session.energy_kwh, 2),
        "/Session/Time": charging_s,
        "/Session/Cost": _rounded(session.cost, 2),
        "/Session/SavedCost": _rounded(session.reference_cost - session.cost, 2),
        "/ChargingTime": charging_s,
    }


def _measured(point: Point, decision: PointDecision, reading: ChargerReading | None) -> dict[str, Value]:
    """The meter; its counter stays true while the charger is away, power and current do not."""
    values: dict[str, Value] = {"/Ac/Energy/Forward": None if reading is None else _rounded(reading.energy_kwh, 2)}
    if reading is None or not decision.reachable:
        for paths in _PHASE_PATHS:
            values.update(dict.fromkeys(paths))
        values.update({"/Ac/Power": None, "/Current": None})
        return values
    currents = [amps for amps in reading.current_a if amps is not None]
    values["/Ac/Power"] = _rounded(reading.power_w, 0)
    values["/Current"] = _rounded(max(currents), 1) if currents else None
    wired = point.charger.limits.max_phases
    for number, (power, current, voltage) in enumerate(_PHASE_PATHS):
        there = number < wired
        values[power] = _rounded(reading.power_phase_w[number], 0) if there else None
        values[current] = _rounded(reading.current_a[number], 1) if there else None
        values[voltage] = _rounded(reading.voltage_v[number], 0) if there else None
    return values


def _faults(decision: PointDecision, known: PointSituation) -> dict[str, Value]:
    reading = known.reading
    if reading is None or not decision.reachable:
        return {**dict.fromkeys(ALARMS.values()), "/Error/0/Id": ""}
    values: dict[str, Value] = {path: ALARM if reading.fault is fault else 0 for fault, path in ALARMS.items()}
    values["/Error/0/Id"] = ""
    if reading.fault is not None or reading.state is ChargerState.FAULT:
        maker = known.identity.manufacturer if known.identity is not None else ""
        values["/Error/0/Id"] = f"{_word(maker) or 'phaeton'}:e-{reading.fault or _word(reading.fault_text) or 'fault'}"
    return values


def _word(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isascii() and letter.isalnum())


def _identity(identity: ChargerIdentity) -> dict[str, Value]:
    return {
        "/ProductName": f"{identity.manufacturer} {identity.model}".strip() or "Phaeton EV charger",
        "/FirmwareVersion": identity.firmware or None,
        "/Serial": identity.serial or None,
        "/Model": identity.model or None,
    }


def _rounded(value: float | None, digits: int) -> float | None:
    # + 0.0 makes a negative zero an ordinary one
    return None if value is None else round(value, digits) + 0.0
