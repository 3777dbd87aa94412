"""Setpoints become register writes."""

from __future__ import annotations

from typing import Any

import pytest

from phaeton.profiles import (
    Profile,
    RegisterWrite,
    Setpoint,
    Until,
    Wait,
    load_profile,
    phase_steps,
    place_of,
    steps_for,
)
from phaeton.profiles.control import Action, copied_points, limit_of

ALFEN = load_profile("alfen_ng9xx")


def with_control(**control: Any) -> Profile:
    points = {"enable": {"at": 1300, "type": "u16", "access": "w"}, "timeout": {"at": 1301, "type": "u16"}}
    points["power_set"] = {"at": 1302, "type": "u16", "scale": 100, "access": "rw"}
    return load_profile("alfen_ng9xx", {"points": points, "control": control})


def writes(profile: Profile, action: Action, limit_a: float = 0.0, socket: int = 1) -> list[tuple[int, int, float]]:
    steps = steps_for(profile, place_of(profile, socket), action, Setpoint(limit_a, 3), {"timeout": 20.0})
    return [(step.unit, step.address, step.value) for step in steps if isinstance(step, RegisterWrite)]


def test_an_alfen_takes_its_limit_as_a_float_in_one_write() -> None:
    (step,) = steps_for(ALFEN, place_of(ALFEN, 1), "apply", Setpoint(8.0))
    assert isinstance(step, RegisterWrite)
    # The bytes that a real charger acknowledged: evcc issue 22934.
    assert (step.unit, step.address, step.registers, step.function) == (1, 1210, (0x4100, 0x0000), 16)
    assert "installer" in step.when_refused


def test_an_alfen_pauses_at_0_and_lives_by_its_limit_alone() -> None:
    assert writes(ALFEN, "pause") == [(1, 1210, 0.0)]
    assert writes(ALFEN, "resume", 6.0, socket=2) == [(2, 1210, 6.0)]
    assert writes(ALFEN, "take") == writes(ALFEN, "release") == writes(ALFEN, "keepalive") == []


def test_phases_are_one_register_of_the_socket() -> None:
    (step,) = phase_steps(ALFEN, place_of(ALFEN, 2), Setpoint(0.0, 1))
    assert isinstance(step, RegisterWrite)
    assert (step.unit, step.address, step.registers, step.function) == (2, 1215, (1,), 16)
    fixed = with_control(phases={"switch": "none", "to": None})
    assert phase_steps(fixed, place_of(fixed, 1), Setpoint(0.0, 1)) == ()


@pytest.mark.parametrize(
    ("asked_a", "given_a"), [(5.9, 0.0), (6.0, 6.0), (9.3, 9.3), (9.39, 9.3), (16.0, 16.0), (40.0, 32.0), (0.0, 0.0)]
)
def test_a_limit_is_rounded_down_to_the_step_and_kept_in_range(asked_a: float, given_a: float) -> None:
    assert limit_of(ALFEN, asked_a) == given_a


def test_a_charger_with_an_enable_register_is_switched_by_it() -> None:
    profile = with_control(
        apply=None,
        pause=[{"write": {"enable": 0}}],
        resume=[{"write": {"limit_set": "$limit"}}, {"wait": 2}, {"write": {"enable": 1}}],
    )
    assert writes(profile, "pause") == [(1, 1300, 0)]
    assert writes(profile, "apply", 10.0) == [(1, 1210, 10.0)]
    assert writes(profile, "resume", 10.0) == [(1, 1210, 10.0), (1, 1300, 1)]
    assert Wait(2.0) in steps_for(profile, place_of(profile, 1), "resume", Setpoint(10.0))


def test_conditions_to_wait_for_are_steps() -> None:
    profile = with_control(apply=[{"until": {"if": {"timeout": 5}, "timeout_s": 3}}, {"expect": {"timeout": [5, 6]}}])
    assert steps_for(profile, place_of(profile, 1), "apply", Setpoint(6.0)) == (
        Until({"timeout": 5}, 3.0),
        Until({"timeout": (5, 6)}, 0.0),
    )


def test_a_heartbeat_may_copy_a_point() -> None:
    profile = with_control(keepalive={"kind": "rewrite", "point": "enable", "value": "$timeout"})
    assert copied_points(profile, "keepalive") == {"timeout"}
    assert writes(profile, "keepalive") == [(1, 1300, 20.0)]
    with pytest.raises(ValueError, match=r"\$timeout has no value"):
        steps_for(profile, place_of(profile, 1), "keepalive", Setpoint())


def test_a_charger_limited_by_power_gets_watts() -> None:
    profile = with_control(
        kind="power", limit={"point": "power_set", "min": 1400, "max": 22000, "step": 100}, apply=None, resume=None
    )
    assert writes(profile, "apply", 10.0) == [(1, 1302, 6900.0)]
    one = with_control(
        kind="power",
        limit={"point": "power_set", "min": 1400, "max": 22000, "step": 100},
        phases={"to": {1: [{"write": {"power_set": "$phase_limit_w"}}]}},
    )
    (step,) = phase_steps(one, place_of(one, 1), Setpoint(10.0, 1))
    assert isinstance(step, RegisterWrite)
    assert step.value == 2300.0
