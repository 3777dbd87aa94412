"""What a sequence writes of a charger: which points, what was in them, and how they come back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from phaeton.profiles import Profile, Value
from phaeton.profiles.schema import StepSpec

_EXACT = 1e-4


def touched(profile: Profile) -> tuple[str, ...]:
    """The points that are written, in the order in which they are put back: the setpoint, then what lets it flow.

    Phases are not among them: they are put back by the profile's own sequence.
    """
    control = profile.control
    limit = control.limit
    assert limit is not None
    sequences = [control.take, control.apply or (), control.pause or (), control.resume or ()]
    others = dict.fromkeys(_written(sequences))
    alive = control.keepalive
    signs = {alive.point} if alive is not None and alive.point != limit.point else set()
    order = [limit.point, *others]
    return tuple(name for name in dict.fromkeys(order) if name not in signs)


def _written(sequences: list[tuple[StepSpec, ...]]) -> Iterator[str]:
    return (name for steps in sequences for step in steps for name in step.write or {})


def readable(profile: Profile, name: str) -> bool:
    """Whether the point tells what is in it."""
    return profile.points[name].access != "w"


def numbers(values: Mapping[str, Value]) -> dict[str, float]:
    """Those that hold a number."""
    return {name: float(value) for name, value in values.items() if isinstance(value, int | float)}


def differing(before: Mapping[str, float], now: Mapping[str, Value]) -> dict[str, float]:
    """What must be written to be as before, in the order of ``before``."""
    return {name: value for name, value in before.items() if not _equal(now.get(name), value, _EXACT)}


def taken(profile: Profile, name: str, found: Value, wanted: float) -> bool:
    """Whether a point shows what was written to it, as exactly as this charger takes it."""
    limit, verify = profile.control.limit, profile.control.verify
    near = _EXACT
    if limit is not None and name == limit.point:
        near = max(near, limit.step / 2)
    if verify is not None and name == verify.point:
        near = max(near, verify.tolerance)
    return _equal(found, wanted, near)


def _equal(found: Value, wanted: float, near: float) -> bool:
    return isinstance(found, int | float) and abs(found - wanted) <= near + 1e-6 * abs(wanted)
