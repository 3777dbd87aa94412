"""The configuration in a recording: every key of it, nothing secret, and readable by versions with other keys."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import inspect

from phaeton.config.document import Plain
from phaeton.config.points import Point
from phaeton.config.reading import bare
from phaeton.config.tree import Config
from phaeton.config.writing import hidden

_PLACES = ("latitude", "longitude")

T = TypeVar("T")


def shareable(value: object) -> Plain:
    """A part of the configuration as it may be shown to others: without secrets, and not telling where people live.

    Keys at their defaults are in it too: another version may have other defaults.
    """
    return _placeless(hidden(value))


def config_of(packed: bytes) -> tuple[Config, tuple[str, ...]]:
    """The configuration, and the keys in it that this version does not have; raises `msgspec.MsgspecError`."""
    return _read(packed, Config)


def points_of(packed: bytes) -> tuple[Point, ...]:
    """The charging points; raises `msgspec.MsgspecError`."""
    return _read(packed, tuple[Point, ...])[0]


def _read(packed: bytes, kind: type[T]) -> tuple[T, tuple[str, ...]]:
    try:
        return msgspec.msgpack.decode(packed, type=kind), ()
    except msgspec.ValidationError:
        strange: list[str] = []
        known = _known(msgspec.msgpack.decode(packed), inspect.type_info(kind), "", strange)
        return msgspec.convert(known, kind), tuple(strange)


def _known(value: Plain, kind: inspect.Type, path: str, strange: list[str]) -> Plain:
    inner, _ = bare(kind)
    if isinstance(inner, inspect.StructType) and isinstance(value, dict):
        types = {field.encode_name: field.type for field in inner.fields}
        strange += [f"{path}{key}" for key in value if key not in types]
        return {key: _known(item, types[key], f"{path}{key}.", strange) for key, item in value.items() if key in types}
    if isinstance(inner, inspect.VarTupleType) and isinstance(value, list):
        return [_known(item, inner.item_type, path, strange) for item in value]
    return value


def _placeless(value: Plain) -> Plain:
    if isinstance(value, dict):
        return {
            key: None if key in _PLACES and isinstance(item, float) else _placeless(item) for key, item in value.items()
        }
    return [_placeless(item) for item in value] if isinstance(value, list) else value
