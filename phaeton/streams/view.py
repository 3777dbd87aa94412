"""What the charger and the car do: one reading made sense of, with a memory of the last few.

Plugged is debounced (two polls without a car over at least 3 s end a stay), pilot E is a fault only when it lasts,
and the phases are counted from the currents, because read-backs of the register are not to be trusted.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from phaeton.model import ChargerReading, ChargerState, Fault, Phases

UNREACHABLE_AFTER_S = 15.0
"""Facts on Alfen, policy 2.4: values are kept so long without data, then the charger counts as away."""
UNPLUG_AFTER_S = 3.0
PILOT_E_AFTER_S = 10.0
FLOWING_A = 1.0
"""A phase that carries more than this is in use."""
NOMINAL_V = 230.0
LOWEST_V, HIGHEST_V = 80.0, 300.0
"""What a phase of a house can have; anything else is no measurement."""

# Names of their own, as in the other rooms that run in every step: looking up the member of an enum at its class takes
# 70 ns, a name 2.
DISCONNECTED = ChargerState.DISCONNECTED
CHARGING = ChargerState.CHARGING
FAULT = ChargerState.FAULT
UNKNOWN = ChargerState.UNKNOWN

_WITH_CAR = frozenset(
    {
        ChargerState.CONNECTED,
        ChargerState.AWAITING_AUTH,
        ChargerState.PAUSED_EVSE,
        ChargerState.PAUSED_EV,
        ChargerState.STARTING,
        ChargerState.CHARGING,
        ChargerState.FINISHED,
        ChargerState.SWITCHING,
    }
)

_STILL = _WITH_CAR - {CHARGING}
_PAUSED = frozenset({ChargerState.CONNECTED, ChargerState.PAUSED_EVSE, ChargerState.PAUSED_EV})
"""B1 shows for one poll around limits and phases; only a second one ends the charging."""


class ViewState(Struct, frozen=True, gc=False):
    """What is remembered between readings."""

    read_mono_s: float = -1.0
    """Time of the last reading that was looked at."""
    plugged: bool = False
    seen_car: bool = False
    """The last reading that was sure of it saw a car."""
    gone_since_s: float | None = None
    gone_polls: int = 0
    pilot_e_since_s: float | None = None
    leaving: bool = False
    """The last reading was the first that did not see the charging go on."""
    state: ChargerState = ChargerState.UNKNOWN
    phases: int | None = None
    phases_next: int | None = None
    learnt_a: float | None = None
    below_a: float = 0.0
    below_since_s: float | None = None


class View(Struct, frozen=True, gc=False):
    """The charger and the car as the rooms see them in one step."""

    known: bool = False
    """There was a reading at all."""
    reachable: bool = False
    age_s: float = 1e9
    plugged: bool = False
    present: bool = False
    """Plugged, and the newest reading sees the car: current may flow."""
    unplugged_now: bool = False
    plugged_now: bool = False
    state: ChargerState = ChargerState.UNKNOWN
    charging: bool = False
    ev_w: float = 0.0
    current_a: float = 0.0
    """The highest phase current."""
    volt_v: float = NOMINAL_V
    phases: int | None = None
    """Phases that carry current, None while none does."""
    fault: Fault | None = None
    fault_text: str = ""
    learnt_a: float | None = None
    """The most that this car takes, once seen."""


NOTHING = View()


def step(before: ViewState, reading: ChargerReading | None, now_s: float, setpoint_a: float) -> tuple[ViewState, View]:
    """Look at the newest reading (W, A, V); ``setpoint_a`` is what the car was offered."""
    if reading is None:
        return before, NOTHING
    highest_a = _highest_a(reading.current_a)
    state = before if reading.mono_s == before.read_mono_s else _look(before, reading, setpoint_a, highest_a)
    age_s = now_s - reading.mono_s
    volt_v = _volt(reading.voltage_v)
    power_w = reading.power_w
    if power_w is None:
        power_w = sum((max(c, 0.0) for c in reading.current_a if c is not None), 0.0) * volt_v
    elif power_w < 0.0:
        power_w = 0.0
    fault, fault_text = None, ""
    if state.state is FAULT:
        fault, fault_text = reading.fault or Fault.OTHER, reading.fault_text
    plugged, was_plugged, seen_car = state.plugged, before.plugged, state.seen_car
    return state, View(
        True,
        age_s <= UNREACHABLE_AFTER_S,
        age_s,
        plugged,
        plugged and seen_car,
        was_plugged and not plugged,
        plugged and not was_plugged,
        state.state,
        seen_car and state.state is CHARGING,
        power_w,
        highest_a,
        volt_v,
        state.phases,
        fault,
        fault_text,
        state.learnt_a,
    )


def _volt(voltage_v: Phases) -> float:
    """The mean of the phase voltages that are there (V)."""
    first_v, second_v, third_v = voltage_v
    if first_v == second_v == third_v and first_v is not None and LOWEST_V <= first_v <= HIGHEST_V:
        return (first_v + first_v + first_v) / 3
    total, count = 0.0, 0
    for volt in voltage_v:
        if volt is not None and LOWEST_V <= volt <= HIGHEST_V:
            total += volt
            count += 1
    return total / count if count else NOMINAL_V


def _highest_a(current_a: Phases) -> float:
    """The highest phase current (A)."""
    first_a, second_a, third_a = current_a
    highest = 0.0
    if first_a is not None and first_a > highest:
        highest = first_a
    if second_a is not None and second_a > highest:
        highest = second_a
    if third_a is not None and third_a > highest:
        highest = third_a
    return highest


def _look(before: ViewState, reading: ChargerReading, setpoint_a: float, highest_a: float) -> ViewState:
    now_s = reading.mono_s
    state = reading.state
    if state is before.state and state in _STILL and before.learnt_a is None and before.pilot_e_since_s is None:
        return replace(before, read_mono_s=now_s)  # the car only waits, as it did: the rest would come out the same
    pilot_e_since_s: float | None = None
    if state is FAULT and reading.state_text[:1].upper() == "E":
        if not before.plugged:
            state = DISCONNECTED
        else:
            pilot_e_since_s = now_s if before.pilot_e_since_s is None else before.pilot_e_since_s
            if now_s - pilot_e_since_s < PILOT_E_AFTER_S:
                state = before.state
    elif state is UNKNOWN and before.state is not DISCONNECTED:
        state = before.state
    leaving = before.state is CHARGING and state in _PAUSED and setpoint_a > 0 and not before.leaving
    if leaving:
        state = CHARGING
    plugged, seen_car = before.plugged, before.seen_car
    gone_since_s, gone_polls = before.gone_since_s, before.gone_polls
    if state in _WITH_CAR:
        plugged = seen_car = True
        gone_since_s, gone_polls = None, 0
    elif state is DISCONNECTED:
        seen_car = False
        gone_polls += 1
        gone_since_s = now_s if gone_since_s is None else gone_since_s
        if gone_polls >= 2 and now_s - gone_since_s >= UNPLUG_AFTER_S:
            plugged = False
    else:
        gone_since_s, gone_polls = None, 0
    phases = phases_next = None
    if state is CHARGING:
        phases, phases_next = _phases(before, reading.current_a)
    learnt_a, below_a, below_since_s = _learn(before, now_s, state, setpoint_a, plugged, highest_a)
    return ViewState(
        now_s,
        plugged,
        seen_car,
        gone_since_s,
        gone_polls,
        pilot_e_since_s,
        leaving,
        state,
        phases,
        phases_next,
        learnt_a,
        below_a,
        below_since_s,
    )


def _phases(before: ViewState, current_a: Phases) -> tuple[int | None, int | None]:
    """Count the phases that carry current; two readings must agree before a new count is believed."""
    carrying = 0
    for current in current_a:
        if current is not None and current > FLOWING_A:
            carrying += 1
    if carrying == 0:
        return None, None
    if carrying in (before.phases, before.phases_next):
        return carrying, carrying
    return before.phases, carrying


LEARN_AFTER_S = 60.0
LEARN_BELOW_A = 1.0


def _learn(
    before: ViewState, now_s: float, state: ChargerState, setpoint_a: float, plugged: bool, current_a: float
) -> tuple[float | None, float, float | None]:
    """The car's own maximum: the highest current held for 60 s at 1 A or more below the setpoint."""
    if not plugged or (before.phases is not None and before.phases_next not in (None, before.phases)):
        return None, 0.0, None
    if state is not CHARGING or current_a <= FLOWING_A or current_a > setpoint_a - LEARN_BELOW_A:
        learnt_a = before.learnt_a
        if learnt_a is not None and current_a > learnt_a + 0.5:
            learnt_a = None
        return learnt_a, 0.0, None
    since_s = now_s if before.below_since_s is None else before.below_since_s
    highest_a = max(current_a, before.below_a)
    if now_s - since_s >= LEARN_AFTER_S:
        return highest_a, current_a, now_s
    return before.learnt_a, highest_a, since_s
