"""What is wrong with a profile that loads: registers that overlap, scales that cannot be, and what is missing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from phaeton.model import ChargerState
from phaeton.profiles.control import NOMINAL_V, Setpoint, phase_steps, steps_for
from phaeton.profiles.plan import place_of
from phaeton.profiles.registers import encode
from phaeton.profiles.schema import REGISTERS, Profile, StepSpecs

_INTEGERS = {"u16", "i16", "u32", "i32", "u64", "i64"}
_WHOLE_BITS = {"u16": 16, "u32": 32, "u64": 64, "i16": 16, "i32": 32, "i64": 64}
_READY = 16.0
_NEEDED = (ChargerState.DISCONNECTED, ChargerState.CHARGING)
_PLUGGED = (ChargerState.CONNECTED, ChargerState.PAUSED_EVSE, ChargerState.PAUSED_EV, ChargerState.FINISHED)


def problems(profile: Profile) -> tuple[str, ...]:
    """Everything that keeps the profile from working, each with the path of its key."""
    return (*_points(profile), *_overlaps(profile), *_states(profile), *_control(profile))


def hints(profile: Profile) -> tuple[str, ...]:
    """What would make the profile better."""
    points = profile.points
    found = []
    if "power" not in points and "power_phase_l1" not in points:
        found.append("points.power: without it the power is estimated from current times voltage")
    if "energy_total" not in points:
        found.append("points.energy_total: without it sessions have no meter and their energy is summed up from power")
    if "serial" not in points:
        found.append("points.serial: without it another charger at this address is not noticed")
    if not profile.detect.all and not profile.detect.plausible:
        found.append("detect: without checks a wrong charger, address shift or word order is not noticed")
    if profile.control.kind != "none" and profile.control.verify is None:
        found.append("control.verify: nothing tells where a setpoint shows")
    if profile.control.kind != "none" and profile.control.keepalive is None:
        found.append("control.keepalive: say kind: none where a setpoint holds for ever")
    return tuple(found)


def _points(profile: Profile) -> Iterator[str]:
    for name, spec in profile.points.items():
        where = f"points.{name}"
        if spec.scale == 0 or not math.isfinite(spec.scale):
            yield f"{where}.scale: {spec.scale:g} makes every value the same"
        if spec.at + spec.registers > 0x10000:
            yield f"{where}.at: the value reaches beyond register 65535"
        if spec.count is not None and spec.type in REGISTERS and spec.count != REGISTERS[spec.type]:
            yield f"{where}.count: the type {spec.type} has {REGISTERS[spec.type]}, not {spec.count}"
        if spec.registers > profile.wire.max_read:
            yield f"{where}: {spec.registers} registers, but wire.max_read is {profile.wire.max_read}"
        if spec.mask is not None and (
            spec.type not in _INTEGERS or spec.mask <= 0 or spec.mask >> _WHOLE_BITS[spec.type]
        ):
            yield f"{where}.mask: {spec.mask:#x} does not fit the type {spec.type}"
        if spec.valid is not None and spec.valid[0] > spec.valid[1]:
            yield f"{where}.valid: the first must not be above the second"
        if spec.type == "bool" and (spec.space or profile.wire.space) not in ("coil", "discrete"):
            yield f"{where}.space: a bool lies in coil or discrete; for a register use u16"
        if (spec.space or profile.wire.space) == "discrete" and spec.access != "r":
            yield f"{where}.access: a discrete input cannot be written"


def _overlaps(profile: Profile) -> Iterator[str]:
    place = place_of(profile, 1)
    found: dict[tuple[int, str], list[tuple[int, int, str]]] = {}
    for name, spec in profile.points.items():
        at = place.address_of(spec, 0)
        # Where most registers are for reading, a write goes to a holding register of the same number: another one.
        for way in ("r", "w"):
            if way in spec.access:
                space = f"{spec.space or profile.wire.space} {way}"
                found.setdefault((place.unit_of(spec), space), []).append((at, at + spec.registers, name))
    told = set()
    for fields in found.values():
        fields.sort()
        for (at, end, name), (other_at, other_end, other) in pairwise(fields):
            # The same registers twice are meant: two parts of one word.
            if other_at < end and (at, end) != (other_at, other_end) and (name, other) not in told:
                told.add((name, other))
                yield f"points.{other}.at: register {other_at} belongs to points.{name} ({at} to {end - 1}) already"


def _states(profile: Profile) -> Iterator[str]:
    known = {rule.then for rule in profile.state.rules}
    for state in _NEEDED:
        if state not in known:
            yield f"state.rules: no rule gives {state.value}"
    if not known.intersection(_PLUGGED):
        yield "state.rules: no rule gives connected (or paused_evse), a car that is plugged in and does not charge"
    for number, rule in enumerate(profile.state.rules):
        if not rule.if_ and number < len(profile.state.rules) - 1:
            yield f"state.rules[{number}]: it always holds, so the rules behind it are never looked at"
        for name in rule.if_:
            spec = profile.points[name]
            if spec.access == "w" or spec.read == "never":
                yield f"state.rules[{number}].if.{name}: the point is never read"


def _control(profile: Profile) -> Iterator[str]:
    control, limit = profile.control, profile.control.limit
    if control.kind == "none" or limit is None:
        return
    if not 0 < limit.min < limit.max:
        yield f"control.limit: min {limit.min:g} must be above 0 and below max {limit.max:g}"
        return
    if limit.step <= 0:
        yield f"control.limit.step: {limit.step:g} must be above 0"
        return
    if control.kind == "current" and limit.max > 125:
        yield f"control.limit.max: {limit.max:g} A is no charger's; is it a power (control.kind: power)?"
    if control.kind == "power" and limit.max < 1000:
        yield f"control.limit.max: {limit.max:g} W is no charger's; is it a current (control.kind: current)?"
    spec = profile.points[limit.point]
    if spec.type in _INTEGERS and spec.scale > 0 and limit.step < spec.scale - 1e-9:
        yield f"control.limit.step: {limit.step:g} is finer than the register's scale {spec.scale:g}"
    for value in (limit.min, limit.max):
        try:
            if spec.scale:
                encode(limit.point, spec, profile.wire, value)
        except ValueError as error:
            yield f"points.{limit.point}: {error}; check type and scale"
    if control.keepalive is not None and control.keepalive.kind == "write" and control.keepalive.value is None:
        yield "control.keepalive.value: what is written to stay alive?"
    if control.phases.switch == "command" and set(control.phases.to) != {1, 3}:
        yield "control.phases.to: needs the steps for 1 and for 3 phases"
    yield from _sequences(profile)
    if limit.below_min != "pauses" and control.pause is None:
        yield "control.pause: say how charging stops, or limit.below_min: pauses where a setpoint of 0 does it"


def _sequences(profile: Profile) -> Iterator[str]:
    place, sent = place_of(profile, 1), Setpoint(_READY, 3)
    copied = dict.fromkeys(profile.points, _READY)
    for action in ("take", "apply", "pause", "resume", "release", "keepalive"):
        try:
            steps_for(profile, place, action, sent, copied)
        except (ValueError, ZeroDivisionError) as error:
            yield f"control.{action}: {error}"
    for phases in profile.control.phases.to:
        try:
            phase_steps(profile, place, Setpoint(_READY, phases))
        except (ValueError, ZeroDivisionError) as error:
            yield f"control.phases.to.{phases}: {error}"
    limit = profile.control.limit
    for action, steps in (("apply", profile.control.apply), ("resume", profile.control.resume)):
        if steps is not None and limit is not None and limit.point not in _written(steps):
            yield f"control.{action}: never writes {limit.point}, which is the limit"


def _written(steps: StepSpecs) -> set[str]:
    return {name for step in steps for name in step.write or ()}


def summary(profile: Profile) -> str:
    """The profile in a few lines, for people."""
    control, limit, phases = profile.control, profile.control.limit, profile.control.phases
    unit = "W" if control.kind == "power" else "A"
    alive = "none" if control.keepalive is None else control.keepalive.kind
    lines = [
        f"{profile.id}: {profile.name}",
        f"  models: {', '.join(profile.models) or '-'}",
        f"  confidence {profile.evidence.confidence}; facts from: {'; '.join(profile.evidence.sources)}",
        f"  {_wire(profile)}",
    ]
    if limit is None:
        lines.append("  can only be read")
    else:
        least = f" (about {limit.min / NOMINAL_V:.0f} A on one phase)" if control.kind == "power" else ""
        lines.append(
            f"  limit: {limit.point}, {limit.min:g} to {limit.max:g} {unit} in steps of {limit.step:g}{least}; "
            f"sign of life: {alive}; phases: {'not chosen' if phases.switch == 'none' else 'can be chosen'}"
        )
    lines += [f"  the installer: {text}" for text in profile.install]
    lines += [f"  note: {text}" for text in profile.quirks]
    lines += [f"  not verified: {text}" for text in profile.evidence.unverified]
    return "\n".join(lines)


def _wire(profile: Profile) -> str:
    transport = profile.transport
    kind = "Modbus TCP" if transport.kind == "tcp" else "RTU frames over TCP, through a gateway"
    others = "".join(f" or {unit}" for unit in transport.unit_alternatives)
    return f"{kind}, port {transport.port}, unit {transport.unit}{others}; {len(profile.points)} points"
