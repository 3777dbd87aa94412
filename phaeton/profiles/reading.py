"""From decoded values to the events of the model: state and fault rules, derived values, quantisation, plausibility."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from phaeton.model import ChargerIdentity, ChargerReading, ChargerState, Fault, Phases
from phaeton.profiles.conditions import holds, meets
from phaeton.profiles.schema import Condition, Profile, Scalar, StepSpecs, Test, Value

Values = Mapping[str, Value]

_VOLTAGE = ("voltage_l1", "voltage_l2", "voltage_l3")
_CURRENT = ("current_l1", "current_l2", "current_l3")
_POWER = ("power_phase_l1", "power_phase_l2", "power_phase_l3")
_UNKNOWN: Phases = (None, None, None)
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


class _Status(Struct, frozen=True):
    """What a reading tells besides its measurements."""

    state: ChargerState
    state_text: str
    fault: Fault | None
    fault_text: str
    limit_set_a: float | None
    limit_actual_a: float | None
    limit_safe_a: float | None
    limit_max_a: float | None
    limit_used: bool | None
    phases_set: int | None
    temperature_c: float | None


def _status_of(profile: Profile, values: Values) -> _Status:
    state = state_of(profile, values)
    fault, fault_text = fault_of(profile, values, state)
    used = _number(values, "limit_used")
    return _Status(
        state=state,
        state_text=_text(values, "state"),
        fault=fault,
        fault_text=fault_text,
        limit_set_a=_rounded(_limit_set(profile, values), 10),
        limit_actual_a=_rounded(_number(values, "limit_actual"), 10),
        limit_safe_a=_rounded(_number(values, "limit_safe"), 10),
        limit_max_a=_rounded(_limit_max(profile, values), 10),
        limit_used=None if used is None else used == 1,
        phases_set=_phases_set(profile, values),
        temperature_c=_rounded(_number(values, "temperature"), 10),
    )


def _status_points(profile: Profile) -> tuple[str, ...]:
    """The names of all points that `_status_of` looks at."""
    control = profile.control
    names = {"state", "limit_set", "limit_actual", "limit_safe", "limit_max", "limit_used", "temperature"}
    for condition in (*(r.if_ for r in profile.state.rules), *(f.if_ for f in profile.state.faults)):
        names.update(condition)
    names.update(control.enabled)
    if control.limit is not None:
        names.update(_stops(control.pause, control.limit.point))
        names.add(control.limit.max_point or "limit_max")
    if control.phases.readback is not None:
        names.add(control.phases.readback.point)
    return tuple(sorted(names))


class Interpreter:
    """Makes the reading of each poll of one charging point; the status is worked out anew only when it has changed."""

    def __init__(self, profile: Profile, point: str) -> None:
        self._profile = profile
        self._point = point
        self._names = _status_points(profile)
        self._seen: tuple[Value, ...] = ()
        self._status: _Status | None = None

    def reading(self, values: Values, mono_s: float, utc_s: float) -> ChargerReading:
        """The poll as an event, as `reading_of` tells."""
        seen = tuple(map(values.get, self._names))
        status = self._status
        if status is None or seen != self._seen:
            status = self._status = _status_of(self._profile, values)
            self._seen = seen
        voltage_v, current_a = _phases(values, _VOLTAGE), _phases(values, _CURRENT)
        power_w, power_phase_w = _powers(_number(values, "power"), _phases(values, _POWER), voltage_v, current_a)
        return ChargerReading(
            mono_s,
            utc_s,
            point=self._point,
            state=status.state,
            state_text=status.state_text,
            fault=status.fault,
            fault_text=status.fault_text,
            voltage_v=_rounded_phases(voltage_v, 10),
            current_a=_rounded_phases(current_a, 100),
            power_phase_w=_rounded_phases(power_phase_w, 1),
            power_w=_rounded(power_w, 1),
            energy_kwh=_rounded(_number(values, "energy_total"), 1000),
            limit_set_a=status.limit_set_a,
            limit_actual_a=status.limit_actual_a,
            limit_safe_a=status.limit_safe_a,
            limit_max_a=status.limit_max_a,
            limit_remaining_s=_rounded(_number(values, "limit_remaining"), 1),
            limit_used=status.limit_used,
            phases_set=status.phases_set,
            temperature_c=status.temperature_c,
        )


def reading_of(profile: Profile, values: Values, point: str, mono_s: float, utc_s: float) -> ChargerReading:
    """One poll as an event; powers to 1 W, currents to 0.01 A, voltages to 0.1 V, energy to 1 Wh, limits to 0.1 A."""
    return Interpreter(profile, point).reading(values, mono_s, utc_s)


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


def _phases(values: Values, names: tuple[str, str, str]) -> Phases:
    return _number(values, names[0]), _number(values, names[1]), _number(values, names[2])


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
    if measured != _UNKNOWN:
        if power_w is None:
            power_w = sum(value for value in measured if value is not None)
        return power_w, measured
    l1 = None if voltage_v[0] is None or current_a[0] is None else voltage_v[0] * current_a[0]
    l2 = None if voltage_v[1] is None or current_a[1] is None else voltage_v[1] * current_a[1]
    l3 = None if voltage_v[2] is None or current_a[2] is None else voltage_v[2] * current_a[2]
    if l1 is None and l2 is None and l3 is None:
        return power_w, measured
    total = (l1 or 0.0) + (l2 or 0.0) + (l3 or 0.0)
    if power_w is None:
        power_w = total
    scale = power_w / total if total > 0 else 0.0
    return power_w, (
        None if l1 is None else l1 * scale,
        None if l2 is None else l2 * scale,
        None if l3 is None else l3 * scale,
    )


def _rounded(value: float | None, steps: int) -> float | None:
    """To so many steps in 1; dividing a whole number gives the decimal that is meant, and no negative zero."""
    return None if value is None else round(value * steps) / steps


def _rounded_phases(values: Phases, steps: int) -> Phases:
    return _rounded(values[0], steps), _rounded(values[1], steps), _rounded(values[2], steps)
