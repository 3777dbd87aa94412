"""YAML text as plain nodes that know their lines; duplicate keys are problems. Only this and `layout` know PyYAML.

Scalars keep the text that was written, and what it means is told by the type of the key: ``start: 12:30`` is a time
and ``name: 007`` a name, whatever YAML 1.1 makes of them.
"""

from __future__ import annotations

import math
import re
from typing import TypeAlias, Union

import yaml
from msgspec import Struct

from phaeton.config.problems import ConfigError, Place, Problem

LONGEST_TEXT = 1_000_000
"""Characters; a configuration has some thousand."""
_MOST_NODES = 20_000
_DEEPEST = 40

LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
"""The fast one where PyYAML was built with it."""
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")

Plain: TypeAlias = Union[bool, int, float, str, "list[Plain]", "dict[str, Plain]", None]
"""What YAML and JSON can say, without places."""


class Scalar(Struct, frozen=True):
    """A value as it was written."""

    text: str
    place: Place
    quoted: bool = False
    """Text in quotes or a block: never a number, a switch or nothing."""

    @property
    def empty(self) -> bool:
        """Nothing was written, or YAML's words for it."""
        return not self.quoted and self.text in ("", "~", "null", "Null", "NULL")


class Sequence(Struct, frozen=True):
    """A list."""

    items: tuple[Node, ...]
    place: Place


class Section(Struct, frozen=True):
    """Keys with values, in the order of the file; a key's place is that of its value."""

    entries: dict[str, Node]
    place: Place


Node: TypeAlias = Scalar | Sequence | Section


def parse(text: str) -> Section:
    """The document as a section (an empty text is an empty one); raises `ConfigError` with the line."""
    root = _node(text)
    if root is None or (isinstance(root, Scalar) and root.empty):
        return Section({}, Place(line=1))
    if not isinstance(root, Section):
        raise ConfigError([Problem("", "the file must hold `key: value` lines", place=root.place)])
    return root


def parse_value(text: str, place: Place) -> Node:
    """A value that is not in a file (`[1, 2]`, `{a: 1}`, `"x"`), all of it at ``place``; raises `ConfigError`."""
    try:
        root = _node(text, place)
    except ConfigError as error:
        raise ConfigError([Problem("", problem.rule, place=place) for problem in error.problems]) from None
    return root if root is not None else Scalar("", place)


def _node(text: str, place: Place | None = None) -> Node | None:
    if len(text) > LONGEST_TEXT:
        raise ConfigError([Problem("", f"the text is longer than {LONGEST_TEXT} characters")])
    try:
        root = yaml.compose(text, Loader=LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(part for part in (error.context, error.problem) if part)
        where = Place(line=mark.line + 1) if mark is not None else Place()
        raise ConfigError([Problem("", f"this is not YAML: {said or 'it cannot be read'}", place=where)]) from None
    except yaml.YAMLError as error:
        reason = str(error).splitlines()[0]
        raise ConfigError([Problem("", f"this is not YAML: {reason}")]) from None
    except UnicodeError:
        raise ConfigError([Problem("", "the text holds characters that are none")]) from None
    except (RecursionError, ValueError):
        raise ConfigError([Problem("", "this is not YAML: it cannot be read")]) from None
    if root is None:
        return None
    reader = _Reader(place)
    node = reader.node(root, 0)
    if reader.problems:
        raise ConfigError(reader.problems)
    return node


class _Reader:
    """Turns PyYAML's nodes into ours, within bounds: aliases can say a lot with little."""

    def __init__(self, place: Place | None) -> None:
        self.problems: list[Problem] = []
        self._place = place
        self._left = _MOST_NODES

    def node(self, node: yaml.Node, depth: int) -> Node:
        place = self._place or Place(line=node.start_mark.line + 1)
        self._left -= 1
        if depth > _DEEPEST or self._left <= 0:
            what = "too deep" if depth > _DEEPEST else "too much"
            raise ConfigError([Problem("", f"this is {what} for a configuration", place=place)])
        if not node.tag.startswith("tag:yaml.org,2002:"):
            self.problems.append(Problem("", f"the tag {node.tag} means nothing here", place=place, remedy="Remove it"))
        if isinstance(node, yaml.MappingNode):
            return self._section(node, place, depth)
        if isinstance(node, yaml.SequenceNode):
            return Sequence(tuple(self.node(item, depth + 1) for item in node.value), place)
        style = node.style if isinstance(node, yaml.ScalarNode) else None
        return Scalar(str(node.value), place, quoted=bool(style))

    def _section(self, node: yaml.MappingNode, place: Place, depth: int) -> Section:
        entries: dict[str, Node] = {}
        for key, value in node.value:
            at = self._place or Place(line=key.start_mark.line + 1)
            if not isinstance(key, yaml.ScalarNode):
                self.problems.append(Problem("", "a key must be a word", place=at))
                continue
            name = str(key.value)
            if name in entries:
                first = entries[name].place
                self.problems.append(
                    Problem(shortened(name), "the key is there twice", place=at, remedy=f"It stands at {first} already")
                )
                continue
            entries[name] = _at(self.node(value, depth + 1), at)
        return Section(entries, place)


def _at(node: Node, place: Place) -> Node:
    """The node with its key's place: that is the line that people look for."""
    if isinstance(node, Scalar):
        return Scalar(node.text, place, node.quoted)
    if isinstance(node, Sequence):
        return Sequence(node.items, place)
    return Section(node.entries, place)


def plain(node: Node) -> Plain:
    """The node without its places, by the core rules of YAML 1.2: for parts that have no type of their own."""
    if isinstance(node, Section):
        return {key: plain(value) for key, value in node.entries.items()}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    if node.quoted:
        return node.text
    if node.empty:
        return None
    if node.text.lower() in ("true", "false"):
        return node.text.lower() == "true"
    whole = integer(node.text)
    if whole is not None:
        return whole
    number = real(node.text)
    return node.text if number is None else number


def integer(text: str) -> int | None:
    """The whole number that is written here, if it is one of at most 18 digits."""
    return int(text) if len(text) <= 19 and _INTEGER.fullmatch(text) else None


def real(text: str) -> float | None:
    """The finite number that is written here, if it is one."""
    number = float(text) if _FLOAT.fullmatch(text) else math.inf
    return number if math.isfinite(number) else None


def shortened(text: str) -> str:
    """The text fit for a message: one line, not too long."""
    shown = text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
    return shown if len(shown) <= 60 else shown[:57] + "..."
