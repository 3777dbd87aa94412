"""What is made of readings: plugged, charging, phases, faults."""

from __future__ import annotations

from phaeton.model import ChargerReading, ChargerState, Fault
from phaeton.streams import view
from phaeton.streams.view import View, ViewState

B, C, A = ChargerState.CONNECTED, ChargerState.CHARGING, ChargerState.DISCONNECTED


def see(*readings: tuple[float, ChargerState, str], setpoint_a: float = 10.0, current_a: float = 10.0) -> list[View]:
    """The views of readings at times, with the charger's own word."""
    state, views = ViewState(), []
    for at_s, what, text in readings:
        flowing = current_a if what is C else 0.0
        reading = ChargerReading(
            at_s,
            at_s,
            point="1",
            state=what,
            state_text=text,
            fault=Fault.CP if what is ChargerState.FAULT else None,
            current_a=(flowing, flowing, flowing),
        )
        state, seen = view.step(state, reading, at_s, setpoint_a)
        views.append(seen)
    return views


def test_one_poll_without_charging_does_not_end_it() -> None:
    views = see((0, C, "C2"), (1, B, "B1"), (2, C, "C2"))
    assert [v.charging for v in views] == [True, True, True]


def test_a_second_poll_without_charging_ends_it() -> None:
    views = see((0, C, "C2"), (1, B, "B2"), (2, B, "B2"))
    assert [v.charging for v in views] == [True, True, False]


def test_after_a_stop_of_ours_charging_ends_at_once() -> None:
    assert not see((0, C, "C2"), (1, B, "B1"), setpoint_a=0.0)[-1].charging


def test_a_stay_ends_only_after_two_polls_without_a_car_over_three_seconds() -> None:
    views = see((0, B, "B2"), (1, A, "A"), (2, A, "A"), (4, A, "A"))
    assert [v.plugged for v in views] == [True, True, True, False]
    assert [v.present for v in views] == [True, False, False, False]


def test_pilot_e_after_a_car_is_a_fault_only_when_it_lasts() -> None:
    fault = ChargerState.FAULT
    views = see((0, B, "B2"), (1, fault, "E"), (5, fault, "E"), (11, fault, "E"))
    assert [v.fault for v in views] == [None, None, None, Fault.CP]


def test_pilot_e_without_a_car_is_no_car() -> None:
    views = see((0, A, "A"), (1, ChargerState.FAULT, "E"), (20, ChargerState.FAULT, "E"))
    assert [v.fault for v in views] == [None, None, None]
    assert not views[-1].plugged


def test_pilot_f_is_a_fault_at_once() -> None:
    assert see((0, B, "B2"), (1, ChargerState.FAULT, "F"))[-1].fault is not None


def test_phases_are_believed_when_two_readings_agree() -> None:
    views = see((0, C, "C2"), (1, C, "C2"))
    assert [v.phases for v in views] == [None, 3]


def test_an_unknown_word_keeps_what_was_known() -> None:
    assert see((0, C, "C2"), (1, ChargerState.UNKNOWN, "??"))[-1].charging
