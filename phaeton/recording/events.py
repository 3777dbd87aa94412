"""Events as bytes and back, each as what changed since the last event of its stream.

A stream is one kind of event of one charging point. The writer names each stream once; the schema in the header of a
recording names the fields, so that a version with more or fewer fields still reads it.
"""

from __future__ import annotations

import typing
from collections.abc import Iterable

import msgspec
from msgspec import Struct, structs

from phaeton.config.points import Point
from phaeton.config.tree import Config
from phaeton.model import AnyEvent, Event, Phases
from phaeton.recording.configuration import config_of, points_of, shareable
from phaeton.recording.numbers import (
    Bytes,
    Damaged,
    Leaf,
    ToObject,
    same,
    units_of,
    write,
    write_signed,
    write_whole,
)
from phaeton.streams.situation import ConfigChanged

KINDS: tuple[type[Event], ...] = (*typing.get_args(AnyEvent), ConfigChanged)
"""Every kind of event that enters the graph."""

OPEN, CHECKSUM, DECISION, FAILED, FIRST_STREAM = 0, 1, 2, 3, 4
"""Codes of the records; from `FIRST_STREAM` on an event of the stream with that number."""
CODE_BITS = 6
_MOST_STREAMS = 48
"""Streams with a memory of their own; more share one for each kind."""
_SAME_TIME, _STEPPED, _SET = 0, 1, 2
_TIMES = 2
"""The fields ``mono_s`` and ``utc_s`` of each event are kept apart from the others."""
_TIME_DECIMALS = 3

Schema = tuple[tuple[str, tuple[str, ...]], ...]
"""The kinds of events with the names of their leaves; ``voltage_v.1`` is the second of three."""


class _Field(Struct, frozen=True):
    name: str
    width: int
    """3 for one value a phase, else 1."""
    kind: typing.Any


def _fields(kind: type[Event]) -> tuple[_Field, ...]:
    hints = typing.get_type_hints(kind)
    return tuple(
        _Field(name, 3 if hints[name] == Phases else 1, hints[name]) for name in kind.__struct_fields__[_TIMES:]
    )


_FIELDS = {kind: _fields(kind) for kind in KINDS}
_NUMBERS = {kind: number for number, kind in enumerate(KINDS)}


def _leaf_names(kind: type[Event]) -> tuple[str, ...]:
    names: list[str] = []
    for field in _FIELDS[kind]:
        names += [field.name] if field.width == 1 else [f"{field.name}.{n}" for n in range(3)]
    return tuple(names)


SCHEMA: Schema = tuple((kind.__name__, _leaf_names(kind)) for kind in KINDS)
"""The schema of this version."""


class EventWriter:
    """Writes events one after the other into a buffer."""

    def __init__(self) -> None:
        self._streams: dict[tuple[type[Event], str], tuple[int, list[Leaf]]] = {}
        self._mono_s = self._utc_s = 0.0
        self._mono = self._utc = 0

    def write(self, out: bytearray, event: Event) -> None:
        """Append one event."""
        kind = type(event)
        code, leaves = self._stream(out, kind, str(getattr(event, "point", "")))
        self._head(out, code, event)
        values = structs.astuple(event)[_TIMES:]
        if isinstance(event, ConfigChanged):
            values = shareable(event.config), shareable(event.points), event.zone
        flat = _flat(kind, values) if kind in _WITH_PHASES else values
        mask, bit, body = 0, 1, bytearray()
        for leaf, value in zip(leaves, flat, strict=True):
            if not same(leaf.value, value):
                mask |= bit
                write(body, leaf, value)
            bit <<= 1
        out += mask.to_bytes((len(leaves) + 7) >> 3, "little")
        out += body

    def _stream(self, out: bytearray, kind: type[Event], point: str) -> tuple[int, list[Leaf]]:
        found = self._streams.get((kind, point))
        if found is None:
            if len(self._streams) >= _MOST_STREAMS and point:
                return self._stream(out, kind, "")
            code = FIRST_STREAM + len(self._streams)
            found = code, [Leaf() for _ in SCHEMA[_NUMBERS[kind]][1]]
            self._streams[kind, point] = found
            out.append(OPEN)
            write_whole(out, _NUMBERS[kind])
        return found

    def _head(self, out: bytearray, code: int, event: Event) -> None:
        """The stream and the times: most come some ms after the event before, by both clocks alike."""
        mono_s, utc_s = event.mono_s, event.utc_s
        if same(mono_s, self._mono_s) and same(utc_s, self._utc_s):
            out.append(code | _SAME_TIME << CODE_BITS)
            return
        self._mono_s, self._utc_s = mono_s, utc_s
        mono = units_of(mono_s, _TIME_DECIMALS) if type(mono_s) is float else None
        utc = units_of(utc_s, _TIME_DECIMALS) if type(utc_s) is float else None
        if mono is None or utc is None:
            out.append(code | _SET << CODE_BITS)
            write(out, Leaf(), mono_s)
            write(out, Leaf(), utc_s)
            return
        out.append(code | _STEPPED << CODE_BITS)
        step = mono - self._mono
        write_signed(out, step)
        write_signed(out, utc - self._utc - step)
        self._mono, self._utc = mono, utc


_WITH_PHASES = {kind for kind, fields in _FIELDS.items() if any(field.width == 3 for field in fields)}


def _flat(kind: type[Event], values: tuple[typing.Any, ...]) -> list[object]:
    flat: list[object] = []
    for field, value in zip(_FIELDS[kind], values, strict=True):
        if field.width == 1:
            flat.append(value)
        else:
            flat.extend(value)
    return flat


_CONFIGURATION: dict[object, ToObject] = {
    Config: lambda packed: config_of(packed)[0],
    tuple[Point, ...]: points_of,
}
"""How leaves are read that may have keys of another version."""


class _Layout:
    """How the recorded leaves of one kind become an event of this version."""

    def __init__(self, name: str, leaves: tuple[str, ...]) -> None:
        self.kind = next((kind for kind in KINDS if kind.__name__ == name), None)
        self.leaves = leaves
        known = {} if self.kind is None else {field.name: field for field in _FIELDS[self.kind]}
        self.fields = [
            (field, leaves.index(field.name if field.width == 1 else f"{field.name}.0"))
            for field in known.values()
            if (field.name if field.width == 1 else f"{field.name}.0") in leaves
        ]
        self._objects: dict[str, ToObject] = {
            leaf: _CONFIGURATION.get(known[leaf].kind) or msgspec.msgpack.Decoder(known[leaf].kind).decode
            for leaf in leaves
            if leaf in known and known[leaf].width == 1
        }

    def fresh(self) -> list[Leaf]:
        """Leaves that remember nothing."""
        return [Leaf(self._objects[leaf]) if leaf in self._objects else Leaf() for leaf in self.leaves]

    def event(self, mono_s: object, utc_s: object, leaves: list[Leaf]) -> Event | None:
        """The event, ``None`` for a kind that this version does not have."""
        if self.kind is None:
            return None
        values: dict[str, typing.Any] = {
            field.name: leaves[at].value
            if field.width == 1
            else (leaves[at].value, leaves[at + 1].value, leaves[at + 2].value)
            for field, at in self.fields
        }
        try:
            return self.kind(mono_s=mono_s, utc_s=utc_s, **values)  # type: ignore[arg-type]
        except TypeError as error:
            raise Damaged(f"{self.kind.__name__}: {error}") from None


class EventReader:
    """Reads what an `EventWriter` of any version wrote, by the schema of the recording."""

    def __init__(self, schema: Iterable[tuple[str, tuple[str, ...]]]) -> None:
        self._layouts = [_Layout(name, leaves) for name, leaves in schema]
        self._streams: list[tuple[_Layout, list[Leaf]]] = []
        self._mono_s: object = 0.0
        self._utc_s: object = 0.0
        self._mono = self._utc = 0

    def open(self, data: Bytes) -> None:
        """Read the opening of a stream, behind its code."""
        number = data.whole()
        if number >= len(self._layouts):
            raise Damaged(f"kind {number} of event is not in the header")
        layout = self._layouts[number]
        self._streams.append((layout, layout.fresh()))

    def event(self, data: Bytes, head: int) -> Event | None:
        """Read an event behind its head byte."""
        number = (head & (1 << CODE_BITS) - 1) - FIRST_STREAM
        if number >= len(self._streams):
            raise Damaged(f"stream {number} was not opened")
        layout, leaves = self._streams[number]
        self._times(data, head >> CODE_BITS)
        mask = int.from_bytes(data.take((len(leaves) + 7) >> 3), "little")
        for leaf in leaves:
            if mask & 1:
                try:
                    data.value(leaf)
                except msgspec.MsgspecError as error:
                    raise Damaged(f"{layout.kind.__name__ if layout.kind else 'an event'}: {error}") from None
            mask >>= 1
        return layout.event(self._mono_s, self._utc_s, leaves)

    def _times(self, data: Bytes, form: int) -> None:
        if form == _STEPPED:
            step = data.signed()
            self._mono += step
            self._utc += step + data.signed()
            self._mono_s, self._utc_s = self._mono / 1000, self._utc / 1000
        elif form == _SET:
            self._mono_s = data.value(Leaf())
            self._utc_s = data.value(Leaf())
        elif form != _SAME_TIME:
            raise Damaged(f"form {form} of the times is not known")
