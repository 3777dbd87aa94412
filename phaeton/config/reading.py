"""Nodes become a `Config` by the types of the tree; everything that does not fit is collected and named."""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches
from functools import cache

import msgspec
from msgspec import inspect

from phaeton.config import forms
from phaeton.config.document import Node, Plain, Scalar, Section, Sequence, integer, plain, real, shortened
from phaeton.config.node import Secret
from phaeton.config.nodes import Step
from phaeton.config.problems import NOWHERE, Place, Problem
from phaeton.config.tree import Config
from phaeton.redaction import HIDDEN, is_secret, redacted

_ON = {"true", "yes", "on"}
_OFF = {"false", "no", "off"}

Number = inspect.IntType | inspect.FloatType


class Reading(msgspec.Struct):
    """What came out: the configuration where one can be built, and all problems of form."""

    config: Config | None
    problems: list[Problem]


def read(root: Section, home: Callable[[str], str] = lambda key: "") -> Reading:
    """Read the document by the type; a wrong key keeps its default here, so that the rest can be judged as well.

    ``home`` tells where a key of former days is now.
    """
    reader = _Reader(home)
    values = reader.section(root, tree(), "")
    config = None
    try:
        config = None if reader.gaps else msgspec.convert(values, Config)
    except msgspec.ValidationError as error:
        if not reader.problems:  # msgspec knows a rule that the reader does not
            reader.problems.append(Problem("", str(error)))
    return Reading(config, reader.problems)


@cache
def tree() -> inspect.StructType:
    """The type of the whole configuration as data."""
    found = inspect.type_info(Config)
    assert isinstance(found, inspect.StructType)
    return found


def places(node: Node, path: str = "") -> dict[str, Place]:
    """The place of each key path of the document."""
    found = {path: node.place}
    if isinstance(node, Section):
        for key, value in node.entries.items():
            found |= places(value, joined(path, key))
    elif isinstance(node, Sequence):
        for index, item in enumerate(node.items):
            found |= places(item, f"{path}[{index}]")
    return found


def place_of(known: dict[str, Place], path: str) -> Place:
    """The place of a key, or of the section around it when the key itself was not written."""
    while path and path not in known:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return known.get(path, NOWHERE) if path else NOWHERE


def joined(path: str, key: str) -> str:
    """The path of a key below another."""
    return f"{path}.{key}" if path else key


def described(kind: inspect.Type) -> str:
    """The description that the tree gives a key."""
    if isinstance(kind, inspect.Metadata):
        return str((kind.extra_json_schema or {}).get("description", "")) or described(kind.type)
    if isinstance(kind, inspect.UnionType):
        return next((text for text in map(described, kind.types) if text), "")
    return ""


def kind_at(steps: tuple[Step, ...]) -> inspect.Type | None:
    """The type of a key, or None where the tree has no such key."""
    kind: inspect.Type = tree()
    for step in steps:
        inner, _ = bare(kind)
        if isinstance(inner, inspect.StructType):
            found = next((field.type for field in inner.fields if field.name == step), None)
        elif isinstance(inner, inspect.VarTupleType) and isinstance(step, int):
            found = inner.item_type
        else:
            found = None
        if found is None:
            return None
        kind = found
    return kind


def bare(kind: inspect.Type) -> tuple[inspect.Type, bool]:
    """The type without its description and without "or nothing", and whether nothing is allowed."""
    if isinstance(kind, inspect.Metadata):
        return bare(kind.type)
    if isinstance(kind, inspect.UnionType):
        kinds = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
        inner, _ = bare(kinds[0])
        return inner, len(kinds) < len(kind.types)
    return kind, False


def is_secret_kind(kind: inspect.Type) -> bool:
    """Whether this is the type of a secret, which is written as a text or as a section."""
    return isinstance(kind, inspect.StructType) and kind.cls is Secret


class _UnfitError(Exception):
    """A value does not fit its type; the text is the rule."""


class _Reader:
    def __init__(self, home: Callable[[str], str]) -> None:
        self._home = home
        self.problems: list[Problem] = []
        self.gaps = False
        """A list lost an entry, so that the numbers of the others are no longer those of the file."""

    def section(self, node: Section, kind: inspect.StructType, path: str) -> dict[str, Plain]:
        fields = {field.name: field for field in kind.fields}
        values: dict[str, Plain] = {}
        for key, value in node.entries.items():
            field = fields.get(key)
            if field is None:
                self._unknown(key, value, list(fields), path)
                continue
            inner, optional = bare(field.type)
            if isinstance(value, Scalar) and value.empty:
                if optional:
                    values[key] = None
                    continue
                if not isinstance(inner, inspect.StrType | inspect.IntType | inspect.FloatType | inspect.BoolType):
                    continue  # `site:` with nothing below it holds nothing
            self._value(values, key, value, field.type, joined(path, key))
        for name, field in fields.items():
            if field.required and name not in node.entries:
                self._say(joined(path, name), node, "is missing", field.type, value="")
        return values

    def _value(self, values: dict[str, Plain], key: str, node: Node, kind: inspect.Type, path: str) -> None:
        try:
            values[key] = self._fit(node, kind, path)
        except _UnfitError as unfit:
            self._say(path, node, str(unfit), kind)

    def _fit(self, node: Node, kind: inspect.Type, path: str) -> Plain:
        inner, _ = bare(kind)
        if is_secret_kind(inner) and isinstance(node, Scalar):
            node = Section({"value": Scalar(node.text, node.place, node.quoted or not node.empty)}, node.place)
        if isinstance(inner, inspect.StructType):
            if not isinstance(node, Section):
                raise _UnfitError("must hold `key: value` lines")
            return self.section(node, inner, path)
        if isinstance(inner, inspect.VarTupleType):
            return self._list(node, inner.item_type, path)
        if isinstance(inner, inspect.TupleType):
            if not isinstance(node, Sequence) or len(node.items) != len(inner.item_types):
                raise _UnfitError(f"must be a list of {len(inner.item_types)}, as [1, 2, 3]")
            return [self._fit(item, one, path) for item, one in zip(node.items, inner.item_types, strict=True)]
        if isinstance(inner, inspect.DictType):
            if not isinstance(node, Section):
                raise _UnfitError("must hold `key: value` lines")
            return plain(node)
        if not isinstance(node, Scalar):
            raise _UnfitError(
                f"must be {_wanted(inner)}, not {'a list' if isinstance(node, Sequence) else 'a section'}"
            )
        return _scalar(node, inner)

    def _list(self, node: Node, kind: inspect.Type, path: str) -> list[Plain]:
        if not isinstance(node, Sequence):
            raise _UnfitError("must be a list: each entry begins with `- `")
        values: dict[str, Plain] = {}
        for index, item in enumerate(node.items):
            self._value(values, str(index), item, kind, f"{path}[{index}]")
        self.gaps = self.gaps or len(values) < len(node.items)
        return list(values.values())

    def _unknown(self, key: str, node: Node, known: list[str], path: str) -> None:
        close = get_close_matches(key.lower(), known, n=1, cutoff=0.6)
        remedy = f"Did you mean {close[0]}?" if close else f"Known here: {', '.join(known)}"
        moved_to = self._home(joined(path, key))
        if moved_to:
            remedy = f"It is {moved_to} now"
        self.problems.append(Problem(joined(path, shortened(key)), "is no key", place=node.place, remedy=remedy))

    def _say(self, path: str, node: Node, rule: str, kind: inspect.Type, value: str | None = None) -> None:
        if value is None:
            value = HIDDEN if is_secret(path) else redacted(_shown(node))
        text = described(kind)
        self.problems.append(Problem(path, rule, value, node.place, f"It is: {text}" if text else ""))


def _shown(node: Node) -> str:
    if not isinstance(node, Scalar):
        return ""
    if node.quoted:
        return f'"{shortened(node.text)}"'
    return shortened(node.text) or "(empty)"


def _scalar(node: Scalar, kind: inspect.Type) -> Plain:
    if isinstance(kind, inspect.LiteralType):
        return _choice(node, kind)
    if isinstance(kind, inspect.StrType):
        return _text(node, kind)
    if node.quoted:
        raise _UnfitError(f"must be {_wanted(kind)}, written without quotes")
    if isinstance(kind, inspect.BoolType):
        if node.text.lower() not in _ON | _OFF:
            raise _UnfitError(f"must be {_wanted(kind)}")
        return node.text.lower() in _ON
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        return _number(node, kind)
    return plain(node)


def _choice(node: Scalar, kind: inspect.LiteralType) -> Plain:
    for value in kind.values:
        if node.text == str(value) and (isinstance(value, str) or not node.quoted):
            return value
    words = [str(value) for value in kind.values]
    hint = f", in small letters: {node.text.lower()}" if node.text.lower() in words else ""
    raise _UnfitError(f"must be one of {', '.join(words)}{hint}")


def _text(node: Scalar, kind: inspect.StrType) -> str:
    text = node.text
    if node.empty and text:
        raise _UnfitError('must be text; "" is the empty one')
    if not text.isprintable():
        raise _UnfitError("must be one line of printable characters")
    if kind.min_length is not None and len(text) < kind.min_length:
        raise _UnfitError(
            "must not be empty" if kind.min_length == 1 else f"must have {kind.min_length} characters or more"
        )
    if kind.max_length is not None and len(text) > kind.max_length:
        raise _UnfitError(f"must be at most {kind.max_length} characters long")
    if kind.pattern is not None and not re.search(kind.pattern, text):
        raise _UnfitError(f"must have the form {forms.told(kind.pattern)}")
    return text


def _number(node: Scalar, kind: Number) -> int | float:
    number = integer(node.text) if isinstance(kind, inspect.IntType) else real(node.text)
    if number is None:
        comma = node.text.replace(",", ".", 1)
        hint = f"; with a point: {comma}" if comma != node.text and real(comma) is not None else ""
        raise _UnfitError(f"must be {_wanted(kind)}{hint}")
    low = (kind.ge is not None and number < kind.ge) or (kind.gt is not None and number <= kind.gt)
    high = (kind.le is not None and number > kind.le) or (kind.lt is not None and number >= kind.lt)
    if low or high:
        raise _UnfitError(f"must be {span(kind)}")
    return number


def span(kind: Number) -> str:
    """The range in words: ``from 6 to 80``."""
    low = f"from {kind.ge:g}" if kind.ge is not None else f"above {kind.gt:g}" if kind.gt is not None else ""
    high = f"{kind.le:g}" if kind.le is not None else f"below {kind.lt:g}" if kind.lt is not None else ""
    if not high:
        return f"{low} up" if kind.ge is not None else low
    if not low:
        return f"up to {high}" if kind.le is not None else high
    return f"{low} to {high}" if kind.ge is not None else f"{low} and up to {high}"


def _wanted(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.BoolType):
        return "true or false"
    if isinstance(kind, inspect.IntType):
        return "a whole number"
    if isinstance(kind, inspect.FloatType):
        return "a number"
    return "text"
