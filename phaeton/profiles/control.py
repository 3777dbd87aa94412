"""From a setpoint to the registers that carry it: the write sequences of a profile, with nothing sent yet."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from phaeton.profiles.conditions import holds
from phaeton.profiles.plan import Place
from phaeton.profiles.registers import encode
from phaeton.profiles.schema import Condition, Profile, StepSpec, StepSpecs, Value

NOMINAL_V = 230.0
"""Turns a current into a power for chargers that are limited by power."""

Action = Literal["take", "apply", "pause", "resume", "release", "keepalive"]


class RegisterWrite(Struct, frozen=True):
    """One request that writes a point."""

    point: str
    unit: int
    space: str
    address: int
    registers: tuple[int, ...]
    function: Literal[5, 6, 16]
    value: float
    when_refused: str


class Wait(Struct, frozen=True):
    """Do nothing for a time."""

    seconds: float


class Until(Struct, frozen=True):
    """Wait until a condition on points holds; a timeout of 0 means that it must hold at once."""

    condition: Condition
    timeout_s: float


Step = RegisterWrite | Wait | Until


class Setpoint(Struct, frozen=True):
    """What the variables of a sequence stand for."""

    limit_a: float = 0.0
    phases: int = 3


def steps_for(
    profile: Profile, place: Place, action: Action, setpoint: Setpoint, read: Mapping[str, float] | None = None
) -> tuple[Step, ...]:
    """The steps of an action; ``read`` holds the points that the sequence copies. Raises `ValueError`.

    A profile without a sequence of its own for apply, pause or resume writes its limit point.
    """
    return _steps(profile, place, _sequence(profile, action), setpoint, read or {})


def phase_steps(profile: Profile, place: Place, setpoint: Setpoint) -> tuple[Step, ...]:
    """The steps that choose ``setpoint.phases``; empty where the profile knows no way."""
    if profile.control.phases.switch == "none":
        return ()
    return _steps(profile, place, profile.control.phases.to.get(setpoint.phases, ()), setpoint, {})


def copied_points(profile: Profile, action: Action) -> frozenset[str]:
    """Points that must be read before `steps_for` can be called: ``$name`` of a point in a sequence."""
    values = [value for step in _sequence(profile, action) for value in (step.write or {}).values()]
    names = {value.removeprefix("$") for value in values if isinstance(value, str)}
    return frozenset(names & profile.points.keys())


def limit_of(profile: Profile, limit_a: float) -> float:
    """The current rounded down to the charger's step; 0 below its minimum, in A."""
    limit = profile.control.limit
    if limit is None or profile.control.kind != "current":
        return limit_a
    return _floored(min(limit_a, limit.max), limit.step) if limit_a >= limit.min else 0.0


def keepalive_s(profile: Profile, values: Mapping[str, Value]) -> float | None:
    """How often the charger must hear from us, in s; None where it need not.

    Infinite where the renewals of a setpoint, which follow the lease that the charger tells, are often enough.
    """
    alive = profile.control.keepalive
    if alive is None or alive.kind == "none":
        return None
    if alive.if_ is not None and not holds(profile.capabilities[alive.if_], values):
        return None
    period = alive.period
    if period is None or period.sample == "after_write":
        return math.inf
    told = values.get(period.of) if period.of is not None else None
    wait_s = told / period.divide if isinstance(told, int | float) and told > 0 else period.default_s
    if period.max_s is not None:
        wait_s = min(wait_s, period.max_s)
    return wait_s if period.min_s is None else max(wait_s, period.min_s)


def _floored(value: float, step: float) -> float:
    return round(math.floor(value / step + 1e-6) * step, 6)


def _sequence(profile: Profile, action: Action) -> StepSpecs:
    control = profile.control
    if control.limit is None:
        return ()
    if action == "keepalive":
        alive = control.keepalive
        if alive is None or alive.point is None or alive.value is None:
            return ()
        return (StepSpec(write={alive.point: alive.value}),)
    if action in ("take", "release"):
        return control.take if action == "take" else control.release
    power = "$power" if control.kind == "power" else "$limit"
    plain = (StepSpec(write={control.limit.point: power}),)
    if action == "pause":
        return (StepSpec(write={control.limit.point: 0}),) if control.pause is None else control.pause
    apply = plain if control.apply is None else control.apply
    if action == "resume":
        return apply if control.resume is None else control.resume
    return apply


def _steps(
    profile: Profile, place: Place, sequence: StepSpecs, setpoint: Setpoint, read: Mapping[str, float]
) -> tuple[Step, ...]:
    steps: list[Step] = []
    for spec in sequence:
        if spec.write is not None:
            steps += [
                write_of(profile, place, name, _resolved(profile, value, setpoint, read))
                for name, value in spec.write.items()
            ]
        elif spec.wait is not None:
            steps.append(Wait(spec.wait))
        elif spec.until is not None:
            steps.append(Until(spec.until.if_, spec.until.timeout_s))
        elif spec.expect is not None:
            steps.append(Until(spec.expect, 0.0))
    return tuple(steps)


def _resolved(profile: Profile, value: float | str, setpoint: Setpoint, read: Mapping[str, float]) -> float:
    if not isinstance(value, str):
        return value
    if value == "$limit":
        return limit_of(profile, setpoint.limit_a)
    if value == "$phases":
        return setpoint.phases
    limit = profile.control.limit
    step = limit.step if limit is not None else 1.0
    if value in ("$power", "$phase_limit_w"):
        power_w = setpoint.limit_a * NOMINAL_V * (setpoint.phases if value == "$power" else 1)
        if limit is not None and profile.control.kind == "power" and power_w > 0:
            # 6 A on one phase may lie a little below the least power that the charger takes.
            power_w = min(max(power_w, limit.min), limit.max)
        return _floored(power_w, step)
    copied = read.get(value.removeprefix("$"))
    if copied is None:
        raise ValueError(f"{value} has no value")
    return copied


def write_of(profile: Profile, place: Place, name: str, value: float) -> RegisterWrite:
    """The request that writes a number to a point; raises `ValueError` when it does not fit."""
    spec = profile.points[name]
    registers = encode(name, spec, profile.wire, value)
    space = spec.space or profile.wire.space
    function: Literal[5, 6, 16] = 5 if space == "coil" else spec.write_fc or profile.wire.write_fc
    return RegisterWrite(
        point=name,
        unit=place.unit_of(spec),
        space=space,
        address=place.address_of(spec, profile.wire.address_shift),
        registers=registers,
        function=16 if len(registers) > 1 else function,
        value=value,
        when_refused=spec.when_refused,
    )
