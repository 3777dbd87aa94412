"""Registers to values and back: types, word and byte order, scales, masks and what counts as "no value"."""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache

from msgspec import Struct

from phaeton.profiles.schema import PointSpec, Value, Wire

_FORMATS = {"u16": "H", "i16": "h", "u32": "I", "i32": "i", "u64": "Q", "i64": "q", "f32": "f", "f64": "d"}
_FLOATS = ("f32", "f64")
_NUMBERS = {kind: struct.Struct(">" + letter) for kind, letter in _FORMATS.items()}
_NO_TEXT = {"", "0xFFFF"}


class Field(Struct, frozen=True):
    """A point at its place in a block."""

    name: str
    spec: PointSpec
    at: int
    """First register, with socket offset and address shift."""
    little_words: bool
    little_bytes: bool
    invalid: tuple[float, ...]

    @property
    def end(self) -> int:
        """First register behind the value."""
        return self.at + self.spec.registers


def field_at(name: str, spec: PointSpec, at: int, wire: Wire) -> Field:
    """The field of a point that lies at register ``at``."""
    return Field(
        name=name,
        spec=spec,
        at=at,
        little_words=(spec.word_order or wire.word_order) == "little",
        little_bytes=(spec.byte_order or wire.byte_order) == "little",
        invalid=spec.invalid or tuple(float(raw) for raw in wire.invalid.get(spec.type, ())),
    )


def packed(registers: Sequence[int]) -> bytes:
    """The registers as the wire had them: high byte first."""
    return struct.pack(f">{len(registers)}H", *registers)


def decode(field: Field, block: bytes, start: int, *, checked: bool = True) -> Value:
    """The value of a field in a block that begins at register ``start``; None where the charger has none.

    NaN, infinities, the profile's invalid raw values and, with ``checked``, values outside of the valid range are
    None. It never raises for a block of the right length.
    """
    spec = field.spec
    data = block[2 * (field.at - start) : 2 * (field.end - start)]
    if field.little_bytes:
        data = b"".join(data[i + 1 : i + 2] + data[i : i + 1] for i in range(0, len(data), 2))
    number = _NUMBERS.get(spec.type)
    if number is None:
        return _text(spec.type, data)
    if field.little_words and len(data) > 2:
        data = b"".join(data[i : i + 2] for i in range(len(data) - 2, -1, -2))
    return _value(field, number.unpack(data)[0], checked=checked)


def _value(field: Field, raw: float, *, checked: bool) -> Value:
    spec = field.spec
    if spec.type in _FLOATS:
        if not math.isfinite(raw):
            return None
    elif raw in field.invalid:
        return None
    value = raw
    if spec.mask is not None:
        value = (int(raw) & spec.mask) >> _shift(spec.mask)
    if spec.scale != 1.0 or spec.offset:
        value = round(value * spec.scale + spec.offset, 9)
    if checked and spec.valid is not None and not spec.valid[0] <= value <= spec.valid[1]:
        return None
    return value


def decoder(fields: Sequence[Field], start: int, *, checked: bool = True) -> Callable[[bytes], dict[str, Value]]:
    """What decodes all of these fields of a block at once, each to what `decode` makes of it.

    For blocks that are read each second: numbers that lie one behind the other are unpacked in one go, and plain
    floats, the most, are only compared with their bounds.
    """
    numbers: list[tuple[str, float, float, Field | None]] = []
    others: list[Field] = []
    form, end = ">", start
    for field in sorted(fields, key=lambda field: field.at):
        letter = _FORMATS.get(field.spec.type)
        turned = field.little_bytes or (field.little_words and field.end - field.at > 1)
        if letter is None or turned or field.at < end:
            others.append(field)
            continue
        form += f"{2 * (field.at - end)}x{letter}"
        end = field.end
        numbers.append(_bounded(field, checked))
    unpack = struct.Struct(form).unpack_from

    def decoded(data: bytes) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for (name, low, high, field), raw in zip(numbers, unpack(data), strict=True):
            if field is not None:
                values[name] = _value(field, raw, checked=checked)
            else:
                values[name] = raw if low <= raw <= high else None
        for field in others:
            values[field.name] = decode(field, data, start, checked=checked)
        return values

    return decoded


def _bounded(field: Field, checked: bool) -> tuple[str, float, float, Field | None]:
    """The bounds of a plain float, which no NaN and no infinity is within; the field where there is more to do."""
    spec = field.spec
    if spec.type not in _FLOATS or spec.mask is not None or spec.scale != 1.0 or spec.offset:
        return field.name, 0.0, 0.0, field
    low, high = spec.valid if checked and spec.valid is not None else (-math.inf, math.inf)
    return field.name, max(low, -sys.float_info.max), min(high, sys.float_info.max), None


def _shift(mask: int) -> int:
    return (mask & -mask).bit_length() - 1 if mask else 0


@lru_cache(maxsize=64)
def _text(kind: str, data: bytes) -> Value:
    if kind == "bool":
        return int(any(data))
    if kind == "raw":
        return data.hex().upper() if any(data) else None
    if kind in ("char_hi", "char_lo"):
        data = data[:1] if kind == "char_hi" else data[1:2]
    if kind == "utf16":
        text = data.decode("utf-16-be", "ignore").split("\0", 1)[0]
    else:
        text = data.split(b"\0", 1)[0].decode("ascii", "ignore")
    text = "".join(letter for letter in text if letter.isprintable()).strip()
    return None if text in _NO_TEXT else text


def encode(name: str, spec: PointSpec, wire: Wire, value: float) -> tuple[int, ...]:
    """The registers that write a number to a point; raises `ValueError` when it does not fit."""
    if not math.isfinite(value):
        raise ValueError(f"{name} cannot be set to {value}")
    raw = (value - spec.offset) / spec.scale
    number = _NUMBERS.get(spec.type)
    if spec.type == "bool":
        return (int(bool(value)),)
    if number is None:
        raise ValueError(f"{name} is of type {spec.type}, which is not written")
    try:
        data = number.pack(raw if spec.type in ("f32", "f64") else round(raw))
    except (struct.error, OverflowError):
        raise ValueError(f"{name} cannot hold {value:g}") from None
    if (spec.byte_order or wire.byte_order) == "little":
        data = b"".join(data[i + 1 : i + 2] + data[i : i + 1] for i in range(0, len(data), 2))
    words = struct.unpack(f">{len(data) // 2}H", data)
    return words[::-1] if (spec.word_order or wire.word_order) == "little" else words
