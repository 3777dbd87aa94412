"""Where each part of a configuration's text stands, so that a change can touch that part alone.

`document` reads what a text says, this module where it says it: from the marks and tokens of PyYAML. Positions are
indices of characters.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise
from typing import TypeAlias

import yaml
from msgspec import Struct

from phaeton.config.document import LOADER

_COMMENT = re.compile(r"#[^\r\n]*")


class Leaf(Struct, frozen=True):
    """A value of one piece; ``start`` = ``end`` where nothing was written."""

    start: int
    end: int


class Pair(Struct, frozen=True):
    """A key with its value."""

    key: str
    start: int
    colon: int
    """Behind the colon."""
    value: Part

    @property
    def end(self) -> int:
        """Where the value ends."""
        return self.value.end


class Item(Struct, frozen=True):
    """An entry of a list; it begins with its dash where it has one."""

    start: int
    value: Part

    @property
    def end(self) -> int:
        """Where the value ends."""
        return self.value.end


class Pairs(Struct, frozen=True):
    """A section; ``flow`` = in braces. A block ends where its last value does."""

    start: int
    end: int
    flow: bool
    pairs: tuple[Pair, ...]


class Items(Struct, frozen=True):
    """A list; ``flow`` = in brackets."""

    start: int
    end: int
    flow: bool
    items: tuple[Item, ...]


Part: TypeAlias = Leaf | Pairs | Items


class Layout:
    """A text that is valid YAML, and where its parts and its comments are."""

    def __init__(self, text: str) -> None:
        """Raises `yaml.YAMLError` where the text is none."""
        self.text = text
        tokens = list(yaml.scan(text, Loader=LOADER))
        self._dashes = [_start(token) for token in tokens if isinstance(token, yaml.BlockEntryToken)]
        self._colons = [_end(token) for token in tokens if isinstance(token, yaml.ValueToken)]
        self.comment_spans = list(_comments(text, tokens))
        """Where each comment begins and ends."""
        root = yaml.compose(text, Loader=LOADER)
        self.root: Part | None = None if root is None else self._part(root)

    def comments(self, start: int = 0, end: int | None = None) -> list[str]:
        """The comments that begin in a part of the text, each with its ``#``."""
        last = len(self.text) if end is None else end
        return [self.text[a:b].rstrip() for a, b in self.comment_spans if start <= a < last]

    def line_start(self, place: int) -> int:
        """Where the line begins."""
        return self.text.rfind("\n", 0, place) + 1

    def line_end(self, place: int) -> int:
        """Behind the line, its break included."""
        found = self.text.find("\n", place)
        return len(self.text) if found < 0 else found + 1

    def above(self, place: int) -> int:
        """Where the lines of comments above the place's line begin."""
        found = self.line_start(place)
        while found > 0 and self.text[self.line_start(found - 1) : found].lstrip().startswith("#"):
            found = self.line_start(found - 1)
        return found

    def indent(self, place: int) -> str:
        """As many blanks as stand before the place in its line."""
        return " " * (place - self.line_start(place))

    def is_first(self, place: int) -> bool:
        """Whether only blanks stand before the place in its line."""
        return not self.text[self.line_start(place) : place].strip()

    def _part(self, node: yaml.Node) -> Part:
        start = node.start_mark.index
        if isinstance(node, yaml.MappingNode):
            pairs = tuple(self._pair(key, value) for key, value in node.value)
            flow = bool(node.flow_style)
            return Pairs(start, node.end_mark.index if flow or not pairs else pairs[-1].end, flow, pairs)
        if isinstance(node, yaml.SequenceNode):
            flow = bool(node.flow_style)
            items = tuple(self._item(value, flow) for value in node.value)
            return Items(start, node.end_mark.index if flow or not items else items[-1].end, flow, items)
        end = node.end_mark.index
        while end > start and self.text[end - 1] in " \r\n":  # a block of text ends with its line
            end -= 1
        return Leaf(start, end)

    def _pair(self, key: yaml.Node, value: yaml.Node) -> Pair:
        behind = bisect_right(self._colons, key.end_mark.index)
        colon = self._colons[behind] if behind < len(self._colons) else key.end_mark.index
        return Pair(str(key.value), key.start_mark.index, colon, self._part(value))

    def _item(self, value: yaml.Node, flow: bool) -> Item:
        part = self._part(value)
        before = bisect_right(self._dashes, part.start)
        return Item(part.start if flow or not before else self._dashes[before - 1], part)


def _comments(text: str, tokens: list[yaml.Token]) -> Iterator[tuple[int, int]]:
    """Between two tokens there are blanks and comments only."""
    for before, after in pairwise(tokens):
        for found in _COMMENT.finditer(text, _end(before), _start(after)):
            yield found.span()


def _start(token: yaml.Token) -> int:
    return int(token.start_mark.index)


def _end(token: yaml.Token) -> int:
    return int(token.end_mark.index)
