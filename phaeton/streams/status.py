"""The status that the GX shows: the first that fits."""

from __future__ import annotations

from phaeton.model import ChargerState, Fault, Mode, Status
from phaeton.streams.view import View

_FAULTS = {
    Fault.GROUND: Status.GROUND_FAULT,
    Fault.WELD: Status.WELDED_CONTACTS,
    Fault.CP: Status.CP_SHORTED,
    Fault.RCD: Status.RESIDUAL_CURRENT,
    Fault.UNDERVOLTAGE: Status.UNDERVOLTAGE,
    Fault.OVERVOLTAGE: Status.OVERVOLTAGE,
    Fault.OVERTEMPERATURE: Status.OVERHEATING,
}

_UNAVAILABLE, _AWAITING_AUTH = ChargerState.UNAVAILABLE, ChargerState.AWAITING_AUTH
_AUTO = Mode.AUTO
_CHARGING, _WAIT_SUN = Status.CHARGING, Status.WAIT_SUN


def status(
    view: View,
    mode: Mode,
    stopped: bool,
    low_soc: bool,
    charged: bool,
    at_limit: bool,
    switching_to: int | None,
    setpoint_a: float,
) -> Status | None:
    """The Victron status, None where the GX has no number for what is so (unreachable, fault F)."""
    if not view.known or not view.reachable or view.state is _UNAVAILABLE:
        return None
    if view.fault is not None:
        return _FAULTS.get(view.fault)
    if not view.plugged:
        return Status.DISCONNECTED
    if switching_to is not None:
        return Status.SWITCH_TO_3 if switching_to == 3 else Status.SWITCH_TO_1
    if view.state is _AWAITING_AUTH:
        return Status.WAIT_RFID
    if stopped:
        return Status.WAIT_START
    if at_limit:
        return Status.CHARGING_LIMIT
    if low_soc:
        return Status.LOW_SOC
    return _with_car(view, mode, charged, setpoint_a)


def _with_car(view: View, mode: Mode, charged: bool, setpoint_a: float) -> Status:
    """A car is there and nothing stands against it."""
    if view.charging and setpoint_a > 0:
        return _CHARGING
    if charged:
        return Status.CHARGED
    if setpoint_a == 0.0 and mode is _AUTO:
        return _WAIT_SUN
    if setpoint_a == 0.0 and mode is Mode.SCHEDULED:
        return Status.WAIT_START
    if view.state is ChargerState.STARTING:
        return Status.START_CHARGING
    return Status.CHARGING if view.charging else Status.CONNECTED
