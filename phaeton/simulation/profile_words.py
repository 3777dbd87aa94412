"""Values as the registers of a simulated charger hold them, and written registers as values.

Deliberately not the code that Phaeton reads and writes with, so that each is tried against the other.
"""

from __future__ import annotations

import struct

from phaeton.profiles.schema import PointSpec, Value, Wire

_FORMS = {"u16": "H", "i16": "h", "u32": "I", "i32": "i", "u64": "Q", "i64": "q", "f32": "f", "f64": "d"}


def words_of(spec: PointSpec, wire: Wire, value: Value) -> list[int]:
    """The registers of a point with this value; a number that does not fit is cut off at the end of its range."""
    size = 2 * spec.registers
    form = _FORMS.get(spec.type)
    if spec.type == "bool":
        return [int(bool(value))]
    if form is None:
        data = _text(spec, value, size)
    elif form in "fd":
        data = struct.pack(">" + form, (_number(value) - spec.offset) / spec.scale)
    else:
        raw = round((_number(value) - spec.offset) / spec.scale)
        if spec.mask is not None:
            raw = raw * (spec.mask & -spec.mask) & spec.mask
        low, high = _range(form)
        data = struct.pack(">" + form, min(max(raw, low), high))
    words = [int.from_bytes(data[n : n + 2], "big") for n in range(0, size, 2)]
    if (spec.byte_order or wire.byte_order) == "little":
        words = [word >> 8 | (word & 0xFF) << 8 for word in words]
    if form is not None and (spec.word_order or wire.word_order) == "little":
        words.reverse()
    return words


def value_of(spec: PointSpec, wire: Wire, words: list[int]) -> float:
    """The number in registers that were written."""
    form = _FORMS.get(spec.type)
    if form is None:
        return float(words[0])
    if (spec.word_order or wire.word_order) == "little":
        words = words[::-1]
    if (spec.byte_order or wire.byte_order) == "little":
        words = [word >> 8 | (word & 0xFF) << 8 for word in words]
    raw = struct.unpack(">" + form, b"".join(word.to_bytes(2, "big") for word in words))[0]
    return float(raw * spec.scale + spec.offset)


def _text(spec: PointSpec, value: Value, size: int) -> bytes:
    if spec.type == "raw":
        return int(_number(value)).to_bytes(size, "big")
    text = f"{value:g}" if isinstance(value, float) else str(value or "")
    if spec.type == "utf16":
        return text.encode("utf-16-be")[:size].ljust(size, b"\0")
    data = text.encode("ascii", "ignore")[:size]
    if spec.type == "char_lo":
        return b"\0" + (data[:1] or b"\0")
    return data.ljust(size, b"\0")


def _number(value: Value) -> float:
    if isinstance(value, str):
        return float(int.from_bytes(value.encode("ascii", "ignore")[:4], "big"))
    return 0.0 if value is None else float(value)


def _range(form: str) -> tuple[int, int]:
    bits = 8 * struct.calcsize(form)
    return (0, (1 << bits) - 1) if form.isupper() else (-(1 << bits - 1), (1 << bits - 1) - 1)
