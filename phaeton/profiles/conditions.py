"""Conditions of profiles: whether decoded values meet them."""

from __future__ import annotations

from collections.abc import Mapping

from phaeton.profiles.schema import Condition, Scalar, Test, Value


def holds(condition: Condition, values: Mapping[str, Value]) -> bool:
    """Whether every entry holds; an entry on a point without a value does not hold. An empty condition holds."""
    return all(meets(values.get(point), test) for point, test in condition.items())


def meets(value: Value, test: Scalar | tuple[Scalar, ...] | Test) -> bool:
    """Whether one value meets one entry of a condition."""
    if value is None:
        return False
    if isinstance(test, Test):
        return _passes(value, test)
    if isinstance(test, tuple):
        return any(_same(value, wanted) for wanted in test)
    return _same(value, test)


def _same(value: Value, wanted: Scalar) -> bool:
    # A text never equals a number, also where YAML made a number of what looks like one.
    return isinstance(value, str) == isinstance(wanted, str) and value == wanted


def _passes(value: float | int | str, test: Test) -> bool:
    if test.eq is not None and not _same(value, test.eq):
        return False
    if test.ne is not None and _same(value, test.ne):
        return False
    if test.in_ is not None and not any(_same(value, wanted) for wanted in test.in_):
        return False
    if test.prefix is not None and not (isinstance(value, str) and value.startswith(test.prefix)):
        return False
    if isinstance(value, str):
        return all(limit is None for limit in (test.lt, test.le, test.gt, test.ge, test.bits, test.clear))
    return _in_range(value, test) and _has_bits(value, test)


def _in_range(value: float, test: Test) -> bool:
    return (
        (test.lt is None or value < test.lt)
        and (test.le is None or value <= test.le)
        and (test.gt is None or value > test.gt)
        and (test.ge is None or value >= test.ge)
    )


def _has_bits(value: float, test: Test) -> bool:
    word = int(value)
    return (test.bits is None or word & test.bits == test.bits) and (test.clear is None or word & test.clear == 0)
