"""From values to the events of the model."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phaeton.model import ChargerState, Fault
from phaeton.profiles import Value, identity_of, implausible, load_profile, reading_of
from phaeton.profiles.conditions import holds
from phaeton.profiles.reading import Interpreter
from phaeton.profiles.schema import Condition, Test

ALFEN = load_profile("alfen_ng9xx")
ALL = sorted(
    Path(entry.name).stem for entry in resources.files("phaeton.profiles").iterdir() if entry.name.endswith(".yaml")
)


def reading(**values: Value):  # type: ignore[no-untyped-def]
    return reading_of(ALFEN, values, "1", 1.0, 2.0)


@pytest.mark.parametrize(
    ("text", "applied_a", "state", "fault"),
    [
        ("A", 6.0, ChargerState.DISCONNECTED, None),
        ("A1", 6.0, ChargerState.DISCONNECTED, None),
        ("B1", 6.0, ChargerState.CONNECTED, None),
        ("B1", 0.0, ChargerState.PAUSED_EVSE, None),
        ("B2", 16.0, ChargerState.CONNECTED, None),
        ("C1", 0.0, ChargerState.PAUSED_EVSE, None),
        ("C2", 16.0, ChargerState.CHARGING, None),
        ("D2", 16.0, ChargerState.CHARGING, None),
        ("E", 0.0, ChargerState.FAULT, Fault.CP),
        ("F", 0.0, ChargerState.FAULT, Fault.OTHER),
        ("Q7", 0.0, ChargerState.UNKNOWN, None),
        (None, 0.0, ChargerState.UNKNOWN, None),
    ],
)
def test_the_states_of_an_alfen(text: str | None, applied_a: float, state: ChargerState, fault: Fault | None) -> None:
    found = reading(availability=1, state=text, limit_actual=applied_a)
    assert (found.state, found.fault) == (state, fault)
    assert found.state_text == (text or "")


@pytest.mark.parametrize("name", ALL)
@settings(max_examples=20)
@given(data=st.data())
def test_what_is_kept_between_polls_is_never_what_was_before(name: str, data: st.DataObject) -> None:
    profile = load_profile(name)
    kept = Interpreter(profile, "1")
    numbers = st.sampled_from([None, 0, 1, 2, 3, 5.9, 6.0, 16.04, 230.0])
    texts = st.sampled_from([None, "A", "B1", "C2", "E"])
    values: dict[str, Value] = {}
    for _ in range(4):
        for point in data.draw(st.lists(st.sampled_from(sorted(profile.points)), max_size=6)):
            values[point] = data.draw(texts if profile.points[point].type == "str" else numbers)
        assert kept.reading(values, 1.0, 2.0) == reading_of(profile, values, "1", 1.0, 2.0)


def test_an_inoperative_socket_is_unavailable_whatever_its_state() -> None:
    assert reading(availability=0, state="C2").state is ChargerState.UNAVAILABLE


def test_values_are_quantised() -> None:
    found = reading(
        voltage_l1=231.2678,
        current_l1=8.8239,
        power=3503.3,
        energy_total=302.8061234,
        limit_set=10.04,
        limit_actual=-0.01,
        limit_remaining=42,
        limit_used=1,
    )
    assert (found.voltage_v[0], found.current_a[0], found.power_w) == (231.3, 8.82, 3503.0)
    assert (found.energy_kwh, found.limit_set_a, found.limit_remaining_s) == (302.806, 10.0, 42.0)
    assert str(found.limit_actual_a) == "0.0"
    assert found.limit_used is True


def test_missing_powers_per_phase_are_volts_times_amperes_scaled_to_the_total() -> None:
    volts = {"voltage_l1": 230.0, "voltage_l2": 230.0, "voltage_l3": 230.0}
    found = reading(**volts, current_l1=10.0, current_l2=10.0, current_l3=0.0, power=4400.0)
    assert found.power_phase_w == (2200.0, 2200.0, 0.0)
    one = reading(voltage_l1=230.0, current_l1=10.0, power=2200.0)
    assert one.power_phase_w == (2200.0, None, None)


def test_a_missing_total_is_the_sum_of_the_phases() -> None:
    assert reading(power_phase_l1=1000.0, power_phase_l2=500.0).power_w == 1500.0
    assert reading(voltage_l1=230.0, current_l1=10.0).power_w == 2300.0
    assert reading(state="A").power_w is None


def test_the_maximum_is_the_least_of_station_and_profile() -> None:
    assert reading(limit_max=20.0).limit_max_a == 20.0
    assert reading(limit_max=80.0).limit_max_a == 32.0
    assert reading().limit_max_a == 32.0


def test_the_identity_tells_sockets_steps_and_phases() -> None:
    found = identity_of(ALFEN, {"serial": "ACE1", "sockets": 2, "manufacturer": "Alfen NV"}, "1", 0.0, 0.0)
    assert (found.serial, found.sockets, found.can_switch_phases, found.step_a, found.settle_s) == (
        "ACE1",
        2,
        True,
        0.1,
        10.0,
    )
    fixed = load_profile("alfen_ng9xx", {"control": {"phases": {"switch": "none"}}})
    assert not identity_of(fixed, {}, "1", 0.0, 0.0).can_switch_phases


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"manufacturer": "Alfen NV", "sockets": 1, "frequency": 50.0, "voltage_l1": 230.0}, ""),
        ({}, ""),
        ({"manufacturer": None, "sockets": 0, "frequency": 0.0}, ""),
        ({"manufacturer": "ABB"}, "manufacturer is 'ABB', expected a text that begins with Alfen"),
        ({"sockets": 7}, "sockets is 7, expected one of 1, 2"),
        ({"frequency": 12.0}, "frequency is 12.0, expected at most 65 and at least 45"),
        ({"voltage_l1": 2.4e-41}, "voltage_l1 reads 2.4e-41"),
        ({"limit_set": 6.6e18}, "limit_set reads 6.6e+18"),
    ],
)
def test_what_cannot_be_the_charger_is_told(values: dict[str, Value], problem: str) -> None:
    assert implausible(ALFEN, values) == problem


@pytest.mark.parametrize(
    ("condition", "value", "met"),
    [
        ({"x": 1}, 1, True),
        ({"x": 1}, "1", False),
        ({"x": (1, 2)}, 2, True),
        ({"x": Test(ge=1, lt=3)}, 3, False),
        ({"x": Test(gt=1, le=3)}, 3, True),
        ({"x": Test(ne=0)}, None, False),
        ({"x": Test(ne=0)}, 4, True),
        ({"x": Test(eq=4)}, 4, True),
        ({"x": Test(in_=(4, 5))}, 6, False),
        ({"x": Test(bits=6)}, 7, True),
        ({"x": Test(bits=6)}, 5, False),
        ({"x": Test(clear=6)}, 9, True),
        ({"x": Test(prefix="A")}, "A1", True),
        ({"x": Test(prefix="A")}, 10, False),
        ({"x": Test(lt=3)}, "A", False),
        ({}, None, True),
    ],
)
def test_conditions(condition: Condition, value: Value, met: bool) -> None:
    assert holds(condition, {"x": value}) is met
