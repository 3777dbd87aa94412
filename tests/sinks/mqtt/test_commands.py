"""What is published on ``.../set``: orders by the rules of `phaeton.orders`, and refusals; never anything else."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from phaeton import orders
from phaeton.model import (
    Boost,
    ClearGoal,
    Mode,
    Order,
    PointOrder,
    SetAutoStart,
    SetCurrent,
    SetEnergyLimit,
    SetGoal,
    SetLimitSoc,
    SetMinSoc,
    SetMode,
    SetPhases,
    SetPowerCap,
    SetStart,
    SetVehicle,
)
from phaeton.orders import OrderError
from phaeton.sinks.mqtt.commands import COMMANDS, MOST_BYTES, Command, Setting, parse
from tests.outputs import NOON_UTC_S, decided, identity, output

SETTING = Setting(
    point="1",
    output=output(point=replace(decided(), vehicle="ev6")),
    battery_kwh={"ev6": 77.4, "old": None},
)
TOMORROW = "2026-06-02T07:00:00+02:00"
TOMORROW_S = 1_780_376_400.0
NAMES = [command.name for command in COMMANDS]


def refusal(name: str, payload: str | bytes, setting: Setting = SETTING) -> str:
    with pytest.raises(OrderError) as refused:
        parse(name, payload.encode() if isinstance(payload, str) else payload, setting)
    return str(refused.value)


@pytest.mark.parametrize(
    ("name", "payload", "wanted"),
    [
        ("mode", "auto", SetMode(Mode.AUTO)),
        ("mode", " Manual\n", SetMode(Mode.MANUAL)),
        ("mode", "2", SetMode(Mode.SCHEDULED)),
        ("start", "OFF", SetStart(False)),
        ("start", "1", SetStart(True)),
        ("auto_start", "true", SetAutoStart(True)),
        ("current", "16.5", SetCurrent(16.5)),
        ("current", "16,5", SetCurrent(16.5)),
        ("phases", "auto", SetPhases(0)),
        ("phases", "3", SetPhases(3)),
        ("boost", "ON", Boost(on=True)),
        ("boost", "OFF", Boost(on=False)),
        ("boost", '{"energy_kwh": 10}', Boost(on=True, energy_kwh=10)),
        ("boost", f'{{"until": "{TOMORROW}", "soc_pct": 80}}', Boost(on=True, until_utc_s=TOMORROW_S, soc_pct=80)),
        ("energy_limit", "20", SetEnergyLimit(20)),
        ("energy_limit", "none", SetEnergyLimit(None)),
        ("power_cap", "4200", SetPowerCap(4200)),
        ("power_cap", "null", SetPowerCap(None)),
        ("vehicle", "ev6", SetVehicle("ev6")),
        ("vehicle", "guest", SetVehicle("")),
        ("vehicle", "auto", SetVehicle(None)),
        ("goal", f'{{"departure": "{TOMORROW}", "soc_pct": 80}}', SetGoal(departure_utc_s=TOMORROW_S, soc_pct=80)),
        (
            "goal",
            f'{{"departure": {TOMORROW_S}, "energy_kwh": "12,5", "vehicle": "old"}}',
            SetGoal(departure_utc_s=TOMORROW_S, energy_kwh=12.5, vehicle="old"),
        ),
        ("goal", "none", ClearGoal()),
        ("min_soc", "20", SetMinSoc(20)),
        ("limit_soc", "none", SetLimitSoc(None)),
    ],
)
def test_orders(name: str, payload: str, wanted: Order) -> None:
    assert parse(name, payload.encode(), SETTING) == wanted


@pytest.mark.parametrize(
    ("name", "payload", "says"),
    [
        ("current", "NaN", "number"),
        ("current", "inf", "number"),
        ("current", "abc", "number"),
        ("current", "[16]", "number"),
        ("current", "1e999", "finite"),
        ("current", "81", "from 0 to 80 A"),
        ("current", "-1", "from 0 to 80 A"),
        ("current", "1_6", "number"),
        ("current", b"\xff\xfe\x00", "UTF-8"),
        ("current", b"1" * (1 << 20), "at most 4096 bytes"),
        ("mode", "turbo", "mode"),
        ("start", "maybe", "start"),
        ("phases", "2", "phases must be 1, 3"),
        ("boost", "{", "JSON"),
        ("boost", '{"energy_kwh": NaN}', "JSON"),
        ("boost", '{"for_s": 10}', "for_s"),
        ("boost", '{"until": "tomorrow"}', "2026-05-01T07:00:00+02:00"),
        ("boost", '{"until": 1}', "in the future"),
        ("boost", '{"on": false, "soc_pct": 80}', "takes no end"),
        ("energy_limit", "0", "above 0"),
        ("power_cap", "1e6", "power cap"),
        ("vehicle", "tank", "there is ev6, old"),
        ("vehicle", " ", "id of a car"),
        ("goal", "[]", "does not fit"),
        ("goal", '{"departure": 0, "soc_pct": 80}', "in the future"),
        ("goal", f'{{"departure": {TOMORROW_S}}}', "either soc_pct or energy_kwh"),
        ("goal", f'{{"departure": {TOMORROW_S}, "soc_pct": [80]}}', "soc_pct"),
        ("goal", f'{{"departure": {TOMORROW_S}, "soc_pct": 80, "vehicle": "old"}}', "battery_kwh"),
        ("goal", f'{{"departure": {TOMORROW_S}, "soc_pct": 80, "vehicle": "tank"}}', "no car 'tank'"),
        ("goal", "{" * 4000, "JSON"),
        ("min_soc", "101", "min_soc_pct"),
        ("accept", "ACE1", "there is no order 'accept'"),
    ],
)
def test_what_is_no_order_is_refused_in_words(name: str, payload: str | bytes, says: str) -> None:
    assert says in refusal(name, payload)


def test_phases_of_a_charger_that_cannot_switch() -> None:
    fixed = Setting(point="1", output=output(who=identity(can_switch_phases=False)), battery_kwh={})
    assert "no way to choose the phases" in refusal("phases", "1", fixed)
    assert parse("phases", b"auto", fixed) == SetPhases(0)


def test_a_goal_in_percent_for_a_guest_is_refused() -> None:
    guest = Setting(point="1", output=output(point=replace(decided(), vehicle="")), battery_kwh={"ev6": 77.4})
    assert "battery_kwh" in refusal("goal", f'{{"departure": {TOMORROW_S}, "soc_pct": 80}}', guest)


def test_before_the_first_decision_nothing_with_a_time_is_taken() -> None:
    nothing = Setting(point="1", output=None, battery_kwh={})
    assert refusal("goal", f'{{"departure": {TOMORROW_S}, "energy_kwh": 8}}', nothing)
    assert parse("start", b"OFF", nothing) == SetStart(False)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_each_example_is_an_order(command: Command) -> None:
    of_may = Setting(
        point="1",
        output=replace(SETTING.output, decision=replace(SETTING.output.decision, utc_s=NOON_UTC_S - 33 * 86_400.0)),
        battery_kwh=SETTING.battery_kwh,
    )
    assert parse(command.name, command.example.encode(), of_may)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner))
FIELDS = st.sampled_from(["on", "energy_kwh", "until", "soc_pct", "departure", "vehicle", "x"])
PAYLOADS = (
    st.binary(max_size=60)
    | st.text(max_size=40).map(str.encode)
    | SCALARS.map(lambda value: str(value).encode("utf-8", "replace"))
    | st.one_of(JSON, st.dictionaries(FIELDS, SCALARS)).map(lambda value: json.dumps(value).encode())
    | st.integers(MOST_BYTES - 1, MOST_BYTES + 2).map(lambda size: b"1" * size)
)


@given(st.sampled_from([*NAMES, "x", ""]), PAYLOADS)
@example("goal", b'{"departure": 1e400}')
@example("goal", b'{"departure": "9999-12-31T23:59:59.999999-23:59"}')
@example("boost", b'{"until": "0001-01-01T00:00:00+23:59"}')
@example("vehicle", "\u2028".encode())
@example("current", "١٦".encode())
def test_any_payload_is_an_order_that_the_rules_accept_or_is_refused(name: str, payload: bytes) -> None:
    try:
        order = parse(name, payload, SETTING)
    except OrderError:
        return
    match order:  # what came through is what the rules themselves would have made of the value
        case SetCurrent(current_a):
            assert orders.set_current(current_a) == order
        case SetPhases(phases):
            assert orders.set_phases(phases) == order
        case SetEnergyLimit(energy_kwh):
            assert orders.set_energy_limit(energy_kwh) == order
        case SetPowerCap(power_w):
            assert orders.set_power_cap(power_w) == order
        case SetGoal():
            assert NOON_UTC_S < order.departure_utc_s <= NOON_UTC_S + 15 * 86_400
            assert (order.soc_pct is None) != (order.energy_kwh is None)
        case Boost(until_utc_s=float(until_s)):
            assert until_s > NOON_UTC_S
        case _:
            assert isinstance(order, PointOrder | SetVehicle | ClearGoal | SetMinSoc | SetLimitSoc)
