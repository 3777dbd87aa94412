"""Registers to values and back: types, word and byte order, scales, masks and what counts as "no value"."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

from msgspec import Struct

from phaeton.profiles.schema import PointSpec, Value, Wire

_FORMATS = {"u16": "H", "i16": "h", "u32": "I", "i32": "i", "u64": "Q", "i64": "q", "f32": "f", "f64": "d"}
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
    raw = number.unpack(data)[0]
    if spec.type in ("f32", "f64"):
        if not math.isfinite(raw):
            return None
    elif raw in field.invalid:
        return None
    value: float = raw
    if spec.mask is not None:
        value = (int(raw) & spec.mask) >> _shift(spec.mask)
    if spec.scale != 1.0 or spec.offset:
        value = round(value * spec.scale + spec.offset, 9)
    if checked and spec.valid is not None and not spec.valid[0] <= value <= spec.valid[1]:
        return None
    return value


def _shift(mask: int) -> int:
    return (mask & -mask).bit_length() - 1 if mask else 0


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
