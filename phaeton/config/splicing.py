"""A change spliced into a text: values replaced, entries added and removed at the places that `layout` knows."""

from __future__ import annotations

import json

import msgspec
from msgspec import Struct, inspect

from phaeton.config import reading
from phaeton.config.alignment import aligned
from phaeton.config.document import Plain
from phaeton.config.layout import Items, Layout, Leaf, Pair, Pairs
from phaeton.config.reading import bare, is_secret_kind
from phaeton.config.tree import Config
from phaeton.config.writing import default_of, entry_lines, expanded, flow, section_lines, sparse


class AwkwardError(Exception):
    """The text is written in a way that is not changed in place."""


def _same(one: Plain, other: Plain) -> bool:
    """Whether two values are the same, of the same type too: 1 is neither 1.0 nor true."""
    return one is other or _encoded(one) == _encoded(other)


def _encoded(value: Plain) -> bytes:
    return msgspec.json.encode(value, order="sorted")


def _kinds(kind: inspect.Type | None) -> inspect.Type | None:
    return None if kind is None else bare(kind)[0]


class _Replacement(Struct, frozen=True, order=True):
    start: int
    is_removal: bool
    number: int
    end: int
    text: str


class Splicer:
    """The replacements of one change, from ``now`` to ``wanted``; only keys of ``written`` are in the text behind."""

    def __init__(self, text: str, now: Config, wanted: Config, written: dict[str, Plain]) -> None:
        self._layout = Layout(text if text.endswith("\n") or not text else f"{text}\n")
        self._text = self._layout.text
        self._now = plain_of(now)
        self._wanted = plain_of(wanted)
        self._written = written
        self._found: list[_Replacement] = []
        root = self._layout.root
        self._json = isinstance(root, Pairs) and root.flow

    def run(self) -> str:
        """The new text."""
        root = self._layout.root
        kind = reading.tree()
        if root is None or isinstance(root, Leaf):
            values = _limited(kind, self._wanted, self._written)
            assert isinstance(values, dict)
            lines = section_lines(kind, values)
            self._replace(len(self._text), len(self._text), "".join(f"{line}\n" for line in lines))
        elif isinstance(root, Pairs):
            short = next((pair for pair in root.pairs if pair.key == "charger"), None)
            if short is not None:
                self._short_charger(root, short)
            self._section(root, kind, self._now, self._wanted, self._written, {"charger"})
        else:
            raise AwkwardError
        return self._applied()

    def _applied(self) -> str:
        pieces: list[str] = []
        at = 0
        for one in sorted(self._found):
            if one.start < at:
                raise AwkwardError
            pieces += [self._text[at : one.start], one.text]
            at = one.end
        return "".join([*pieces, self._text[at:]])

    def _replace(self, start: int, end: int, text: str) -> None:
        self._found.append(_Replacement(start, end > start, len(self._found), end, text))

    # The one charger

    def _short_charger(self, root: Pairs, pair: Pair) -> None:
        """`charger: HOST` and `charger: {...}` stay so while there is one charger."""
        now, wanted = self._now["chargers"], self._wanted["chargers"]
        field = next(field for field in reading.tree().fields if field.name == "chargers")
        many = bare(field.type)[0]
        assert isinstance(many, inspect.VarTupleType)
        kind = bare(many.item_type)[0]
        assert isinstance(now, list)
        assert isinstance(wanted, list)
        assert isinstance(kind, inspect.StructType)
        written = self._written.get("chargers")
        if isinstance(pair.value, Items):
            self._change(root, pair, field.type, now, wanted, written)
        elif len(wanted) == 1 and isinstance(pair.value, Pairs):
            first = written[0] if isinstance(written, list) and written else None
            self._change(root, pair, kind, now[0], wanted[0], first)
        elif not _same(now, wanted):
            few = sparse(field.type, wanted)
            assert isinstance(few, list)
            if len(few) == 1 and isinstance(few[0], dict) and few[0].keys() == {"host"}:
                self._inline(pair, few[0]["host"])
            elif root.flow:
                self._uproot(pair, pair.start, pair.end)
                self._replace(pair.start, pair.end, self._entry("chargers", few))
            else:
                behind = self._layout.line_end(pair.end)
                self._uproot(pair, pair.start, behind)
                lines = entry_lines(field, wanted) or ["chargers: []"]
                text = self._indented(lines, self._layout.indent(pair.start))
                self._replace(pair.start, behind, f"{text}\n")

    # Sections

    def _section(
        self, part: Pairs, kind: inspect.Type | None, now: Plain, wanted: Plain, written: Plain, skip: set[str]
    ) -> None:
        """``kind`` is the type of the section; any other than a struct is a free one."""
        assert isinstance(now, dict)
        assert isinstance(wanted, dict)
        assert isinstance(written, dict)
        fields = {field.name: field for field in kind.fields} if isinstance(kind, inspect.StructType) else None
        gone: list[Pair] = []
        present = {pair.key for pair in part.pairs}
        for pair in part.pairs:
            if pair.key in skip:
                present |= {"chargers"}
                continue
            if fields is not None and pair.key not in fields:
                raise AwkwardError
            if pair.key not in wanted or pair.key not in written:
                gone.append(pair)
                continue
            below = written[pair.key]
            inner = fields[pair.key].type if fields is not None else None
            self._change(part, pair, inner, now.get(pair.key), wanted[pair.key], below)
        fresh: dict[str, Plain] = {}
        for key, value in wanted.items():
            if key in written and key not in present:
                few = value if fields is None else _limited(fields[key].type, value, written[key])
                if fields is None or not _at_default(fields[key], few):
                    fresh[key] = few
        if part.flow:
            self._flow_section(part, fields, gone, fresh)
        else:
            for pair in gone:
                self._remove(part, pair)
            self._add(part, fields, fresh)

    def _change(
        self, part: Pairs, pair: Pair, kind: inspect.Type | None, now: Plain, wanted: Plain, written: Plain
    ) -> None:
        inner = _kinds(kind)
        value = pair.value
        secret = inner is not None and is_secret_kind(inner)
        if (
            not secret
            and isinstance(value, Pairs)
            and value.pairs
            and isinstance(now, dict)
            and isinstance(wanted, dict)
        ):
            free = inner if isinstance(inner, inspect.StructType) else None
            self._section(value, free, now, wanted, written if isinstance(written, dict) else {}, set())
            return
        lists = isinstance(now, list) and isinstance(wanted, list)
        if lists and wanted and isinstance(value, Items) and value.items and isinstance(inner, inspect.VarTupleType):
            assert isinstance(now, list)
            assert isinstance(wanted, list)
            self._list(value, inner.item_type, now, wanted, written if isinstance(written, list) else wanted)
        elif not _same(now, wanted):
            self._put(part, pair, kind, wanted)

    def _put(self, part: Pairs, pair: Pair, kind: inspect.Type | None, wanted: Plain) -> None:
        """Another value for a key, whatever stood there."""
        inner = _kinds(kind)
        few = wanted if kind is None else sparse(kind, wanted)
        deep = isinstance(inner, inspect.StructType) and not is_secret_kind(inner)
        deep = deep or (isinstance(few, list) and any(isinstance(item, dict) for item in few))
        if part.flow or not deep or not few or inner is None:
            self._inline(pair, few)
            return
        indent = self._layout.indent(pair.start)
        if isinstance(inner, inspect.StructType):
            assert isinstance(wanted, dict)
            lines = section_lines(inner, wanted)
        else:
            assert isinstance(inner, inspect.VarTupleType)
            assert isinstance(wanted, list)
            lines = [line for item in wanted for line in self._item_lines(inner.item_type, item)]
        text = f"{indent}  " + self._indented(lines, f"{indent}  ")
        if pair.value.start == pair.value.end:  # nothing yet, but perhaps a comment on the line
            behind = self._layout.line_end(pair.colon)
            self._replace(behind, behind, f"{text}\n")
            return
        behind = self._layout.line_end(pair.end)
        self._uproot(pair, pair.colon, behind)
        self._replace(pair.colon, behind, f"\n{text}\n")

    def _inline(self, pair: Pair, value: Plain) -> None:
        """A value that stands on the line of its key."""
        part = pair.value
        if isinstance(part, Leaf) and part.end > part.start:
            self._replace(part.start, part.end, self._flow(value))
        elif not isinstance(part, Leaf) and part.flow:
            self._uproot(pair, part.start, part.end)
            self._replace(part.start, part.end, self._flow(value))
        else:
            self._uproot(pair, pair.colon, pair.end)
            self._replace(pair.colon, pair.end, f" {self._flow(value)}")

    def _remove(self, part: Pairs, pair: Pair) -> None:
        """Take an entry out of a block; what it said in comments stays."""
        layout = self._layout
        line, behind = layout.line_start(pair.start), layout.line_end(pair.end)
        comments = layout.comments(pair.start, behind)
        if layout.is_first(pair.start):
            indent = layout.indent(pair.start)
            self._replace(line, behind, "".join(f"{indent}{comment}\n" for comment in comments))
            return
        following = next((other for other in part.pairs if other.start > pair.start), None)
        if following is None or self._text[line : pair.start].strip(" -"):
            raise AwkwardError
        indent = layout.indent(line + len(self._text[line:].partition("-")[0]))
        comments = layout.comments(pair.start, following.start)
        self._replace(line, line, "".join(f"{indent}{comment}\n" for comment in comments))
        self._replace(pair.start, following.start, "")

    def _add(self, part: Pairs, fields: dict[str, inspect.Field] | None, fresh: dict[str, Plain]) -> None:
        """New entries behind the last one of a block."""
        indent = self._layout.indent(part.pairs[0].start)
        lines: list[str] = []
        for key, value in fresh.items():
            lines += entry_lines(fields[key], value) if fields is not None else [self._entry(key, value)]
        behind = self._layout.line_end(part.end)
        self._replace(behind, behind, "".join(f"{indent}{line}\n" for line in lines))

    def _flow_section(
        self, part: Pairs, fields: dict[str, inspect.Field] | None, gone: list[Pair], fresh: dict[str, Plain]
    ) -> None:
        kept = [pair for pair in part.pairs if pair not in gone]
        last = kept[-1] if kept else None
        for pair, following in zip(part.pairs, [*part.pairs[1:], None], strict=True):
            if pair in gone and following is not None and last is not None and pair.start < last.start:
                self._uproot(pair, pair.start, following.start)
                self._replace(pair.start, following.start, "")
        if gone and (last is None or gone[-1].start > last.start):
            start = part.pairs[0].start if last is None else last.end
            self._uproot(part.pairs[-1], start, part.pairs[-1].end)
            self._replace(start, part.pairs[-1].end, "")
        texts = [
            self._entry(key, value if fields is None else sparse(fields[key].type, value))
            for key, value in fresh.items()
        ]
        if texts:
            place = last.end if last is not None else part.pairs[0].start
            self._replace(place, place, (", " if last is not None else "") + ", ".join(texts))

    # Lists

    def _list(
        self, part: Items, kind: inspect.Type, now: list[Plain], wanted: list[Plain], written: list[Plain]
    ) -> None:
        inner = bare(kind)[0]
        if len(part.items) != len(now):  # the environment adds to it
            raise AwkwardError
        mates = aligned(now, wanted)
        used = [mate for mate in mates if mate is not None]
        same_length = len(used) == len(now) == len(wanted)
        if used != sorted(used) or (part.flow and not same_length):
            self._rebuild(part, kind, now, wanted, mates)
            return
        if not part.flow:
            if not all(self._layout.is_first(item.start) for item in part.items):
                raise AwkwardError
            for index, item in enumerate(part.items):
                if index not in used:
                    line, behind = self._layout.line_start(item.start), self._layout.line_end(item.end)
                    self._replace(line, behind, self._kept_comments(item.start, behind, item.start))
        place = self._layout.line_start(part.items[0].start)
        for index, (value, mate) in enumerate(zip(wanted, mates, strict=True)):
            if mate is None:
                indent = self._layout.indent(part.items[0].start)
                self._replace(place, place, indent + self._indented(self._item_lines(kind, value), indent) + "\n")
                continue
            item = part.items[mate]
            place = self._layout.line_end(item.end)
            below = written[index]
            struct = isinstance(inner, inspect.StructType) and not is_secret_kind(inner)
            if struct and isinstance(item.value, Pairs) and item.value.pairs:
                self._section(item.value, inner, now[mate], value, below, set())
                continue
            if not _same(now[mate], value):
                if not isinstance(item.value, Leaf) and not item.value.flow:
                    raise AwkwardError
                if self._layout.comments(item.value.start, item.value.end):
                    raise AwkwardError
                self._replace(item.value.start, item.value.end, self._flow(sparse(kind, value)))

    def _rebuild(
        self, part: Items, kind: inspect.Type, now: list[Plain], wanted: list[Plain], mates: list[int | None]
    ) -> None:
        """A list in another order: entries that stay as they are keep their text."""
        whole = [mate if mate is not None and _same(now[mate], wanted[i]) else None for i, mate in enumerate(mates)]
        layout = self._layout
        if part.flow:
            texts = [
                self._flow(sparse(kind, value))
                if mate is None
                else self._text[part.items[mate].start : part.items[mate].end]
                for value, mate in zip(wanted, whole, strict=True)
            ]
            if layout.comments(part.start, part.end):
                raise AwkwardError
            self._replace(part.start, part.end, f"[{', '.join(texts)}]")
            return
        begins = [layout.above(part.items[0].start)]
        begins += [layout.line_end(item.end) for item in part.items]
        indent = layout.indent(part.items[0].start)
        pieces = []
        for value, mate in zip(wanted, whole, strict=True):
            if mate is None:
                pieces.append(indent + self._indented(self._item_lines(kind, value), indent) + "\n")
            else:
                pieces.append(self._text[begins[mate] : begins[mate + 1]])
        for index in range(len(part.items)):
            if index not in whole:
                pieces.append(self._kept_comments(begins[index], begins[index + 1], part.items[0].start))
        self._replace(begins[0], begins[-1], "".join(pieces))

    # Texts

    def _item_lines(self, kind: inspect.Type, value: Plain) -> list[str]:
        inner = bare(kind)[0]
        if not isinstance(inner, inspect.StructType) or is_secret_kind(inner) or not isinstance(value, dict):
            return [f"- {self._flow(sparse(kind, value))}"]
        first, *others = section_lines(inner, value) or ["{}"]
        return [f"- {first}", *(f"  {line}" for line in others)]

    def _kept_comments(self, start: int, end: int, column_of: int) -> str:
        indent = self._layout.indent(column_of)
        return "".join(f"{indent}{comment}\n" for comment in self._layout.comments(start, end))

    def _uproot(self, pair: Pair, start: int, end: int) -> None:
        """Comments of a part that goes move above the line of its key."""
        comments = self._layout.comments(start, end)
        if comments:
            line = self._layout.line_start(pair.start)
            head = self._text[line : pair.start]
            indent = " " * (len(head) - len(head.lstrip(" ")))
            self._replace(line, line, "".join(f"{indent}{comment}\n" for comment in comments))

    def _flow(self, value: Plain) -> str:
        return json.dumps(value, ensure_ascii=False) if self._json else flow(value)

    def _entry(self, key: str, value: Plain) -> str:
        entry: dict[str, Plain] = {key: value}
        return self._flow(entry)[1:-1]

    @staticmethod
    def _indented(lines: list[str], indent: str) -> str:
        return f"\n{indent}".join(lines)


def plain_of(config: Config) -> dict[str, Plain]:
    """All keys of a configuration, secrets and defaults too."""
    found = expanded(config)
    assert isinstance(found, dict)
    return found


def _limited(kind: inspect.Type, value: Plain, written: Plain) -> Plain:
    """The value with those of its keys at their defaults that shall not be written."""
    inner = bare(kind)[0]
    if isinstance(inner, inspect.VarTupleType) and isinstance(value, list) and isinstance(written, list):
        return [_limited(inner.item_type, item, one) for item, one in zip(value, written, strict=False)]
    if not isinstance(inner, inspect.StructType) or not isinstance(value, dict) or not isinstance(written, dict):
        return value
    if is_secret_kind(inner):
        return value
    return {
        field.name: _limited(field.type, value[field.name], written[field.name])
        if field.name in written
        else value[field.name]
        if field.required
        else default_of(field)
        for field in inner.fields
    }


def _at_default(field: inspect.Field, value: Plain) -> bool:
    return not field.required and _same(value, default_of(field))
