"""Versions in their order: 0.9.0-rc1 comes before 0.9.0, and what is no version comes nowhere."""

from __future__ import annotations

import re

_FORM = re.compile(
    r"v?(?P<release>\d{1,9}(\.\d{1,9}){0,3})([-._]?(?P<stage>dev|alpha|beta|pre|rc|a|b)[-._]?(?P<count>\d{0,9}))?"
    r"(\+[A-Za-z0-9.-]{1,40})?"
)
_STAGES = {"dev": 0, "a": 1, "alpha": 1, "b": 2, "beta": 2, "pre": 3, "rc": 3}
_FINAL = 4

Order = tuple[tuple[int, ...], int, int]


def order(version: str) -> Order | None:
    """What to compare by; None for what is no version."""
    found = _FORM.fullmatch(version)
    if found is None:
        return None
    release = tuple(int(part) for part in found["release"].split("."))
    while release and release[-1] == 0:
        release = release[:-1]
    if found["stage"] is None:
        return release, _FINAL, 0
    return release, _STAGES[found["stage"]], int(found["count"] or 0)


def newer(version: str, than: str) -> bool:
    """Whether the first is a version and comes after the second; anything comes after what is no version."""
    this, other = order(version), order(than)
    return this is not None and (other is None or this > other)


def unstable(version: str) -> bool:
    """Whether the version itself says that it is not final."""
    found = order(version)
    return found is None or found[1] != _FINAL
