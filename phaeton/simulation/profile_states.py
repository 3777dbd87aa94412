"""Which values a simulated charger must show, so that the rules of its profile tell the state that it is in."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from phaeton.model import ChargerState
from phaeton.profiles.reading import state_of
from phaeton.profiles.schema import Condition, Profile, Test, Value

_STATES = ChargerState
_INSTEAD: dict[ChargerState, tuple[ChargerState, ...]] = {
    _STATES.PAUSED_EVSE: (_STATES.PAUSED_EVSE, _STATES.CONNECTED, _STATES.PAUSED_EV, _STATES.FINISHED),
    _STATES.CONNECTED: (_STATES.CONNECTED, _STATES.PAUSED_EV, _STATES.PAUSED_EVSE, _STATES.FINISHED),
    _STATES.CHARGING: (_STATES.CHARGING, _STATES.STARTING, _STATES.CONNECTED),
    _STATES.UNAVAILABLE: (_STATES.UNAVAILABLE, _STATES.FAULT),
}
"""Chargers that do not know a state show one of these."""


def shown(profile: Profile, wanted: ChargerState, fixed: Mapping[str, Value]) -> dict[str, Value]:
    """Values of the points that the rules look at and ``fixed`` does not hold; raises `ValueError` where none do."""
    choices = _choices(profile, fixed)
    for state in _INSTEAD.get(wanted, (wanted,)):
        for values in product(*choices.values()):
            tried = dict(zip(choices, values, strict=True))
            if state_of(profile, {**fixed, **tried}) is state:
                return tried
    raise ValueError(f"profile {profile.id}: no values give the state {wanted}")


def _choices(profile: Profile, fixed: Mapping[str, Value]) -> dict[str, list[Value]]:
    found: dict[str, list[Value]] = {}
    for rule in profile.state.rules:
        for name, values in candidates(rule.if_).items():
            if name not in fixed:
                known = found.setdefault(name, [])
                known += [value for value in values if value not in known]
    for name, values in found.items():
        text = profile.points[name].type in ("str", "utf16", "char_lo", "char_hi")
        if not text:
            # Nothing of all that the rules name: what a charger shows that has no more to say.
            values += [value for value in (0, 1) if value not in values]
    return found


def candidates(condition: Condition) -> dict[str, list[Value]]:
    """For each point of a condition, values that may meet it."""
    return {name: _of(test) for name, test in condition.items()}


def _of(test: object) -> list[Value]:
    if isinstance(test, tuple):
        return list(test)
    if not isinstance(test, Test):
        return [test if isinstance(test, str | int | float) else None]
    if test.prefix is not None:
        return [test.prefix]
    found: list[Value] = [
        value for value in (test.eq, *(test.in_ or ()), test.ge, test.le, test.bits) if value is not None
    ]
    found += [limit + step for limit, step in ((test.gt, 1), (test.lt, -1)) if limit is not None]
    if test.clear is not None:
        found.append(0)
    if test.ne is not None:
        found.append(1 if test.ne == 0 else 0)
    return [int(value) if isinstance(value, float) and value.is_integer() else value for value in found]
