"""Paths into JSON: names and numbers with points between, ``data.0.price``."""

from __future__ import annotations

from typing import cast


def find(value: object, path: str) -> object:
    """What is at the path, None where nothing is; an empty path is the value itself.

    A whole path that is a name itself wins, for names may hold points.
    """
    if not path:
        return value
    if isinstance(value, dict) and path in value:
        return cast("dict[str, object]", value)[path]
    step, _, rest = path.partition(".")
    if isinstance(value, dict):
        inner = cast("dict[str, object]", value)
        return find(inner[step], rest) if step in inner else None
    if isinstance(value, list) and step.removeprefix("-").isdecimal() and len(step) < 7:
        index = int(step)
        return find(value[index], rest) if -len(value) <= index < len(value) else None
    return None
