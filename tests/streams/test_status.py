"""The status on the GX: of everything that is so, the first that fits is shown."""

from __future__ import annotations

from msgspec import structs

from phaeton.model import ChargerState, Fault, Mode, Status
from phaeton.streams.status import status
from phaeton.streams.view import View

CHARGING = View(known=True, reachable=True, plugged=True, present=True, state=ChargerState.CHARGING, charging=True)


def test_each_condition_goes_before_those_after_it() -> None:
    """From the last to the first, each is added to all that hold already."""
    view, setpoint_a = structs.replace(CHARGING, state=ChargerState.CONNECTED, charging=False), 10.0
    mode, charged, low, at_limit, stopped = Mode.AUTO, False, False, False, False
    switching: int | None = None

    def shown() -> Status | None:
        return status(
            view,
            mode=mode,
            stopped=stopped,
            low_soc=low,
            charged=charged,
            at_limit=at_limit,
            switching_to=switching,
            setpoint_a=setpoint_a,
        )

    assert shown() is Status.CONNECTED
    view = structs.replace(view, state=ChargerState.STARTING)
    assert shown() is Status.START_CHARGING
    setpoint_a = 0.0
    assert shown() is Status.WAIT_SUN
    mode = Mode.SCHEDULED
    assert shown() is Status.WAIT_START
    charged = True
    assert shown() is Status.CHARGED
    view, setpoint_a = CHARGING, 10.0
    assert shown() is Status.CHARGING
    low = True
    assert shown() is Status.LOW_SOC
    at_limit = True
    assert shown() is Status.CHARGING_LIMIT
    stopped = True
    assert shown() is Status.WAIT_START
    view = structs.replace(view, state=ChargerState.AWAITING_AUTH)
    assert shown() is Status.WAIT_RFID
    switching = 1
    assert shown() is Status.SWITCH_TO_1
    switching = 3
    assert shown() is Status.SWITCH_TO_3
    view = structs.replace(view, plugged=False)
    assert shown() is Status.DISCONNECTED
    view = structs.replace(view, fault=Fault.RCD)
    assert shown() is Status.RESIDUAL_CURRENT
    view = structs.replace(view, fault=Fault.OTHER)
    assert shown() is None, "the GX has no number for it"
    view = structs.replace(view, fault=Fault.RCD, reachable=False)
    assert shown() is None
