"""From decoded values to the events of the model: state and fault rules, derived values, quantisation, plausibility."""

from __future__ import annotations

from collections.abc import Mapping

from phaeton.model import ChargerIdentity, ChargerReading, ChargerState, Fault, Phases
from phaeton.profiles.conditions import holds, meets
from phaeton.profiles.schema import Condition, Profile, Scalar, StepSpecs, Test, Value

Values = Mapping[str, Value]

_ABSURDLY_SMALL = 1e-6
_ABSURDLY_LARGE = 1e7


def state_of(profile: Profile, values: Values) -> ChargerState:
    """The state by the first rule that holds, `ChargerState.UNKNOWN` when none does."""
    return next((rule.then for rule in profile.state.rules if holds(rule.if_, values)), ChargerState.UNKNOWN)


def fault_of(profile: Profile, values: Values, state: ChargerState) -> tuple[Fault | None, str]:
    """The cause of a fault and its text by the first rule that holds."""
    for rule in profile.state.faults:
        if holds(rule.if_, values):
            return rule.then, rule.text
    return (Fault.OTHER, "") if state is ChargerState.FAULT else (None, "")


def reading_of(profile: Profile, values: Values, point: str, mono_s: float, utc_s: float) -> ChargerReading:
    """One poll as an event; powers to 1 W, currents to 0.01 A, voltages to 0.1 V, energy to 1 Wh, limits to 0.1 A."""
    state = state_of(profile, values)
    fault, fault_text = fault_of(profile, values, state)
    voltage_v = _phases(values, "voltage")
    current_a = _phases(values, "current")
    power_w, power_phase_w = _powers(_number(values, "power"), _phases(values, "power_phase"), voltage_v, current_a)
    used = _number(values, "limit_used")
    return ChargerReading(
        mono_s,
        utc_s,
        point=point,
        state=state,
        state_text=_text(values, "state"),
        fault=fault,
        fault_text=fault_text,
        voltage_v=_rounded_phases(voltage_v, 1),
        current_a=_rounded_phases(current_a, 2),
        power_phase_w=_rounded_phases(power_phase_w, 0),
        power_w=_rounded(power_w, 0),
        energy_kwh=_rounded(_number(values, "energy_total"), 3),
        limit_set_a=_rounded(_limit_set(profile, values), 1),
        limit_actual_a=_rounded(_number(values, "limit_actual"), 1),
        limit_safe_a=_rounded(_number(values, "limit_safe"), 1),
        limit_max_a=_rounded(_limit_max(profile, values), 1),
        limit_remaining_s=_rounded(_number(values, "limit_remaining"), 0),
        limit_used=None if used is None else used == 1,
        phases_set=_phases_set(profile, values),
        temperature_c=_rounded(_number(values, "temperature"), 1),
    )


def identity_of(
    profile: Profile,
    values: Values,
    point: str,
    mono_s: float,
    utc_s: float,
    warning: str = "",
    stranger: bool = False,
    read_only: bool = False,
) -> ChargerIdentity:
    """Who the charger says it is."""
    limit = profile.control.limit
    count = values.get(profile.connectors.count) if profile.connectors.count else None
    sockets = int(count) if isinstance(count, int | float) and 1 <= count <= profile.connectors.max else 1
    return ChargerIdentity(
        mono_s,
        utc_s,
        point=point,
        manufacturer=_text(values, "manufacturer") or profile.vendor,
        model=_text(values, "model"),
        serial=serial_of(profile, values),
        firmware=_text(values, "firmware"),
        name=_text(values, "name"),
        sockets=sockets,
        can_switch_phases=not read_only and can_switch_phases(profile, values),
        step_a=limit.step if limit is not None and profile.control.kind == "current" else 0.1,
        settle_s=profile.control.phases.settle_s,
        stranger=stranger,
        warning=warning,
        read_only=read_only,
    )


def serial_of(profile: Profile, values: Values) -> str:
    """The serial number, empty where the charger tells none."""
    return _text(values, profile.detect.serial or "serial")


def can_switch_phases(profile: Profile, values: Values) -> bool:
    """Whether the profile knows a way and the charger has the capability for it."""
    phases = profile.control.phases
    if phases.switch == "none":
        return False
    return phases.if_ is None or holds(profile.capabilities.get(phases.if_, {}), values)


def in_range(profile: Profile, values: Values) -> dict[str, Value]:
    """The values without those outside of the profile's valid ranges."""
    believed = dict(values)
    for name, value in values.items():
        valid = profile.points[name].valid
        if valid is not None and isinstance(value, int | float) and not valid[0] <= value <= valid[1]:
            believed[name] = None
    return believed


def implausible(profile: Profile, values: Values) -> str:
    """Why these values, decoded without range checks, cannot be those of the charger; empty when they can.

    What the charger leaves out (no value, 0, an empty text) contradicts nothing.
    """
    for condition in (profile.detect.all, profile.detect.plausible):
        wrong = _contradicted(condition, values)
        if wrong:
            return wrong
    for name, spec in profile.points.items():
        value = values.get(name)
        if spec.type not in ("f32", "f64") or not isinstance(value, float) or value == 0.0:
            continue
        if not _ABSURDLY_SMALL <= abs(value) <= _ABSURDLY_LARGE:
            return f"{name} reads {value:.3g}"
    return ""


def agreement(profile: Profile, values: Values) -> int:
    """How many of the profile's checks the values really pass; one without a value is not passed."""
    checks = [*profile.detect.all.items(), *profile.detect.plausible.items()]
    return sum(meets(values.get(name), test) for name, test in checks)


def _contradicted(condition: Condition, values: Values) -> str:
    for name, test in condition.items():
        value = values.get(name)
        if value and not meets(value, test):
            return f"{name} is {value!r}, expected {_described(test)}"
    return ""


def _described(test: Scalar | tuple[Scalar, ...] | Test) -> str:
    if isinstance(test, tuple):
        return "one of " + ", ".join(str(value) for value in test)
    if not isinstance(test, Test):
        return str(test)
    words = {"eq": "", "ne": "not ", "lt": "below ", "le": "at most ", "gt": "above ", "ge": "at least "}
    words |= {"in_": "one of ", "bits": "bits ", "clear": "without bits ", "prefix": "a text that begins with "}
    found = ((word, getattr(test, name)) for name, word in words.items())
    return " and ".join(
        f"{word}{value:g}" if isinstance(value, float) else f"{word}{value}"
        for word, value in found
        if value is not None
    )


def _number(values: Values, name: str) -> float | None:
    value = values.get(name)
    return None if value is None or isinstance(value, str) else float(value)


def _text(values: Values, name: str) -> str:
    value = values.get(name)
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else str(value)


def _phases(values: Values, name: str) -> Phases:
    return _number(values, f"{name}_l1"), _number(values, f"{name}_l2"), _number(values, f"{name}_l3")


def _limit_set(profile: Profile, values: Values) -> float | None:
    """The setpoint that holds, in A: 0 where another point stops the charging, None where that cannot be read."""
    control = profile.control
    if control.kind == "power":
        return None
    value = _number(values, "limit_set")
    if control.enabled:
        return value if holds(control.enabled, values) else 0.0
    stops = {} if control.limit is None else _stops(control.pause, control.limit.point)
    if not stops:
        return value
    if any(profile.points[name].access == "w" or profile.points[name].read == "never" for name in stops):
        return None
    return 0.0 if all(_number(values, name) == stop for name, stop in stops.items()) else value


def _stops(pause: StepSpecs | None, limit: str) -> dict[str, float]:
    """What stops the charging besides the setpoint itself; empty where the setpoint does it."""
    written = {name: value for step in pause or () for name, value in (step.write or {}).items()}
    if limit in written:
        return {}
    return {name: float(value) for name, value in written.items() if isinstance(value, int | float)}


def _limit_max(profile: Profile, values: Values) -> float | None:
    limit = profile.control.limit
    if limit is None or profile.control.kind != "current":
        return _number(values, "limit_max")
    found = _number(values, limit.max_point or "limit_max")
    return limit.max if found is None else min(found, limit.max)


def _phases_set(profile: Profile, values: Values) -> int | None:
    readback = profile.control.phases.readback
    if readback is None:
        return None
    value = _number(values, readback.point)
    return None if value is None else readback.values.get(int(value))


def _powers(
    power_w: float | None, measured: Phases, voltage_v: Phases, current_a: Phases
) -> tuple[float | None, Phases]:
    """The total and the phases; what the meter leaves out is estimated from volts times amperes.

    Estimated phases are scaled so that they add up to the measured total.
    """
    if any(value is not None for value in measured):
        if power_w is None:
            power_w = sum(value for value in measured if value is not None)
        return power_w, measured
    apparent = [None if v is None or a is None else v * a for v, a in zip(voltage_v, current_a, strict=True)]
    known = [value for value in apparent if value is not None]
    if not known:
        return power_w, measured
    total = sum(known)
    if power_w is None:
        power_w = total
    scale = power_w / total if total > 0 else 0.0
    l1, l2, l3 = (None if value is None else value * scale for value in apparent)
    return power_w, (l1, l2, l3)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits) + 0.0


def _rounded_phases(values: Phases, digits: int) -> Phases:
    return _rounded(values[0], digits), _rounded(values[1], digits), _rounded(values[2], digits)
