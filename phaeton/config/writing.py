"""A configuration as YAML: keys in the order of the tree, with what they mean where that is wanted."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
from msgspec import inspect

from phaeton.config.document import Plain, integer, real
from phaeton.config.node import Secret
from phaeton.config.reading import bare, described, is_secret_kind, kind_at, tree
from phaeton.config.tree import VERSION, Config
from phaeton.redaction import HIDDEN, is_secret, redacted

HEADING = """\
# Configuration of Phaeton. Keys that are not here have their defaults;
# `phaeton config show` lists all of them, `phaeton config check` judges this file.
"""
"""What a file that Phaeton writes as a whole begins with."""

_WORD = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*|[0-9]+(\.[0-9]+){3}")
_STEP = re.compile(r"\[([0-9]+)\]|([^.\[\]]+)")
_RESERVED = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


def to_yaml(config: Config, *, defaults: bool = False, comments: bool = False) -> str:
    """The configuration as YAML that reads back as the same.

    Without ``defaults`` only what differs from them is written, with ``comments`` each key is preceded by its meaning.
    """
    lines = [f"version: {VERSION}"]
    values = _plain(config)
    kind = tree()
    for field in kind.fields:
        if field.name != "version":
            lines += _lines(field, values[field.name], 0, _Style(defaults, comments))
    return "\n".join(lines) + "\n"


def to_plain(config: Config) -> dict[str, Plain]:
    """The whole configuration with its defaults, secrets hidden, as plain data."""
    plain = hidden(config)
    assert isinstance(plain, dict)
    return plain


def hidden(value: object) -> Plain:
    """A part of the configuration with its defaults, secrets hidden, as plain data."""
    return expanded(value, hide=True)


def hidden_yaml(config: Config) -> str:
    """The whole configuration with its defaults as YAML for people, secrets hidden."""
    return to_yaml(msgspec.convert(to_plain(config), Config), defaults=True)


def keys(config: Config, *, hide: bool = True) -> dict[str, Plain]:
    """Each key of the configuration with its value: ``chargers[0].limits.max_phases``; secrets hidden."""
    found: dict[str, Plain] = {}
    _collect(to_plain(config) if hide else _plain(config), "", found)
    return found


def at_default(path: str, value: Plain) -> bool:
    """Whether the value of a key (as `keys` names them) is its default."""
    steps = tuple(int(number) if number else name for number, name in _STEP.findall(path))
    section = kind_at(steps[:-1])
    inner = bare(section)[0] if section is not None else None
    if not isinstance(inner, inspect.StructType):
        return False
    field = next((field for field in inner.fields if field.name == steps[-1]), None)
    return field is not None and not field.required and default_of(field) == value


def _collect(value: Plain, path: str, found: dict[str, Plain]) -> None:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            _collect(item, f"{path}.{key}" if path else key, found)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for index, item in enumerate(value):
            _collect(item, f"{path}[{index}]", found)
    else:
        found[path] = value


class _Style(msgspec.Struct, frozen=True):
    defaults: bool
    comments: bool


def _plain(config: Config) -> dict[str, Plain]:
    """All keys, those at their defaults too (msgspec's own conversion leaves them out)."""
    values = expanded(config)
    assert isinstance(values, dict)
    return values


def expanded(value: object, hide: bool = False) -> Plain:
    """A part of the configuration as plain data; ``hide`` takes out what is secret.

    In the tree the type `Secret` says what is; where a section is free its key's name does. What is left reads back.
    """
    if isinstance(value, Secret) and hide and value.value:
        value = msgspec.structs.replace(value, value=HIDDEN)
    if isinstance(value, msgspec.Struct):
        return {name: expanded(getattr(value, name), hide) for name in value.__struct_fields__}
    if isinstance(value, dict):
        return {
            str(key): HIDDEN if hide and item and is_secret(str(key)) else expanded(item, hide)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [expanded(item, hide) for item in value]
    if isinstance(value, str) and hide and "://" in value:
        return redacted(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a configuration holds no {type(value).__name__}")


def _lines(field: inspect.Field, value: Plain, depth: int, style: _Style) -> Iterator[str]:
    if not style.defaults and not field.required and value == default_of(field):
        return
    pad = "  " * depth
    inner, _ = bare(field.type)
    if (
        style.comments
        and described(field.type)
        and (is_secret_kind(inner) or not isinstance(inner, inspect.StructType))
    ):
        yield f"{pad}# {described(field.type)}"
    if is_secret_kind(inner) and isinstance(value, dict):
        yield f"{pad}{field.name}: {flow(_short(value))}"
        return
    if isinstance(inner, inspect.StructType) and isinstance(value, dict):
        yield f"{pad}{field.name}:"
        yield from _section(inner, value, depth + 1, style)
    elif isinstance(inner, inspect.VarTupleType) and isinstance(value, list) and value:
        item, _ = bare(inner.item_type)
        if not isinstance(item, inspect.StructType):
            yield f"{pad}{field.name}: {flow(value)}"
            return
        yield f"{pad}{field.name}:"
        for entry in value:
            assert isinstance(entry, dict)
            below = list(_section(item, entry, depth + 2, style))
            first = next((index for index, line in enumerate(below) if not line.lstrip().startswith("#")), 0)
            yield from below[:first]
            yield f"{pad}  - {below[first].lstrip()}"
            yield from below[first + 1 :]
    else:
        yield f"{pad}{field.name}: {flow(value)}"


def section_lines(kind: inspect.StructType, value: dict[str, Plain]) -> list[str]:
    """A section of the tree as lines of YAML, what differs from the defaults only."""
    return list(_section(kind, value, 0, _Style(False, False)))


def entry_lines(field: inspect.Field, value: Plain) -> list[str]:
    """A key of the tree with its value as lines of YAML; none where it is at its default."""
    return list(_lines(field, value, 0, _Style(False, False)))


def sparse(kind: inspect.Type, value: Plain) -> Plain:
    """A value of the tree without what is at its default, secrets in their short form where they can be."""
    inner, _ = bare(kind)
    if is_secret_kind(inner) and isinstance(value, dict):
        return _short(value)
    if isinstance(inner, inspect.StructType) and isinstance(value, dict):
        return {
            field.name: sparse(field.type, value[field.name])
            for field in inner.fields
            if field.required or value[field.name] != default_of(field)
        }
    if isinstance(inner, inspect.VarTupleType) and isinstance(value, list):
        return [sparse(inner.item_type, item) for item in value]
    return value


def _short(secret: dict[str, Plain]) -> Plain:
    given: dict[str, Plain] = {name: text for name, text in secret.items() if text}
    return given.get("value", "") if given.keys() <= {"value"} else given


def _section(kind: inspect.StructType, value: dict[str, Plain], depth: int, style: _Style) -> Iterator[str]:
    for field in kind.fields:
        yield from _lines(field, value[field.name], depth, style)


def default_of(field: inspect.Field) -> Plain:
    """The default of a key that has one."""
    if field.default_factory is not msgspec.NODEFAULT:
        return expanded(field.default_factory())
    return expanded(field.default)


def flow(value: Plain) -> str:
    """A value on one line, as YAML."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    return _text(value) if isinstance(value, str) else number(value)


def number(value: float) -> str:
    """A number so that every reader of YAML sees the same one."""
    text = repr(value)
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


def _text(value: str) -> str:
    if _WORD.fullmatch(value) and value.lower() not in _RESERVED and integer(value) is None and real(value) is None:
        return value
    escaped = (
        char
        if char.isprintable() and char not in '"\\'
        else f"\\U{ord(char):08x}"
        if char not in '"\\'
        else f"\\{char}"
        for char in value
    )
    return '"' + "".join(escaped) + '"'
