"""One value after the other of the same thing, as few bytes: a small step from the value before takes one.

Measured values come in decimals (watts to 1, amperes to 0.01), and their differences are small whole numbers. Anything
else is kept too, bit by bit: NaN and the sign of a zero included. One tag byte says how a value is written.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from math import copysign, isfinite

import msgspec

_STEPS = 0xF0
"""Tags below are the step itself, in units of the present decimals."""
_LONG_STEP = 0xF0
_DECIMAL = 0xF1
_NONE = 0xF2
_DOUBLE = 0xF3
_SINGLE = 0xF4
_FALSE = 0xF5
_TRUE = 0xF6
_WHOLE = 0xF7
_OBJECT = 0xF8

_LARGEST = 1e11
"""Above, decimals of doubles are not exact."""
_SCALES = (1, 10, 100, 1000, 10_000)
_MOST_DECIMALS = len(_SCALES) - 1
_double = struct.Struct("<d")
_single = struct.Struct("<f")

ToObject = Callable[[bytes], object]
"""Makes the value of a leaf from MessagePack."""


class Unset:
    """The value before the first one; nothing equals it."""


UNSET = Unset()


class Damaged(ValueError):  # noqa: N818 - the reader of a recording gives it its whole name
    """The bytes are none that the writer wrote."""


class Leaf:
    """What both ends remember of one value: the last one, and the decimals it steps in."""

    __slots__ = ("decimals", "to_object", "units", "value")

    def __init__(self, to_object: ToObject = msgspec.msgpack.decode) -> None:
        self.value: object = UNSET
        self.decimals = 0
        self.units = 0
        self.to_object = to_object


def same(one: object, other: object) -> bool:
    """Whether two values are the same to the last bit; equal compounds that are not one object count as different."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return one == other and (one != 0.0 or copysign(1.0, one) == copysign(1.0, other))
    return isinstance(one, str | int) and one == other


def write_whole(out: bytearray, number: int) -> None:
    """A whole number from 0 up, seven bits a byte."""
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def write_signed(out: bytearray, number: int) -> None:
    """A whole number of any sign, small ones short."""
    write_whole(out, number << 1 if number >= 0 else (-number << 1) - 1)


def units_of(value: float, decimals: int) -> int | None:
    """The value in units of its last decimal, ``None`` where that does not give it back to the bit."""
    if not -_LARGEST < value < _LARGEST:
        return None
    scale = _SCALES[decimals]
    units = round(value * scale)
    if units / scale != value or (units == 0 and copysign(1.0, value) < 0):
        return None
    return units


def write(out: bytearray, leaf: Leaf, value: object) -> None:
    """Append the value, which differs from the one before; the leaf remembers it."""
    leaf.value = value
    kind = type(value)
    if kind is float:
        _write_float(out, leaf, value)  # type: ignore[arg-type]
    elif value is None:
        out.append(_NONE)
    elif kind is bool:
        out.append(_TRUE if value else _FALSE)
    elif kind is int:
        out.append(_WHOLE)
        write_signed(out, value)  # type: ignore[arg-type]
    else:
        out.append(_OBJECT)
        packed = msgspec.msgpack.encode(value)
        write_whole(out, len(packed))
        out += packed


def _write_float(out: bytearray, leaf: Leaf, value: float) -> None:
    units = units_of(value, leaf.decimals)
    if units is not None:
        step = units - leaf.units
        coded = step << 1 if step >= 0 else (-step << 1) - 1
        if coded < _STEPS:
            out.append(coded)
        else:
            out.append(_LONG_STEP)
            write_whole(out, coded)
        leaf.units = units
        return
    for decimals in range(leaf.decimals + 1, _MOST_DECIMALS + 1):
        units = units_of(value, decimals)
        if units is not None:
            leaf.decimals, leaf.units = decimals, units
            out.append(_DECIMAL)
            out.append(decimals)
            write_signed(out, units)
            return
    if isfinite(value) and abs(value) < _LARGEST:
        packed = _single.pack(value)
        if _single.unpack(packed)[0] == value and value != 0.0:
            out.append(_SINGLE)
            out += packed
            return
    out.append(_DOUBLE)
    out += _double.pack(value)


class Bytes:
    """Reads what the writers above wrote; raises `Damaged` at an end that comes too early."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    @property
    def ended(self) -> bool:
        """Everything is read."""
        return self.at >= len(self.data)

    def byte(self) -> int:
        """The next byte."""
        try:
            value = self.data[self.at]
        except IndexError:
            raise Damaged("it ends in the middle of a record") from None
        self.at += 1
        return value

    def take(self, length: int) -> bytes:
        """So many bytes."""
        end = self.at + length
        if end > len(self.data):
            raise Damaged("it ends in the middle of a record")
        taken = self.data[self.at : end]
        self.at = end
        return taken

    def whole(self) -> int:
        """What `write_whole` wrote."""
        number = shift = 0
        while True:
            byte = self.byte()
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7

    def signed(self) -> int:
        """What `write_signed` wrote."""
        coded = self.whole()
        return coded >> 1 if not coded & 1 else -((coded + 1) >> 1)

    def value(self, leaf: Leaf) -> object:
        """What `write` wrote; the leaf remembers it."""
        leaf.value = value = self._value(leaf)
        return value

    def _value(self, leaf: Leaf) -> object:
        tag = self.byte()
        if tag <= _LONG_STEP:
            coded = tag if tag < _STEPS else self.whole()
            leaf.units += coded >> 1 if not coded & 1 else -((coded + 1) >> 1)
            return leaf.units / _SCALES[leaf.decimals]
        if tag == _NONE:
            return None
        if tag in (_FALSE, _TRUE):
            return tag == _TRUE
        if tag == _OBJECT:
            return leaf.to_object(self.take(self.whole()))
        return self._number(leaf, tag)

    def _number(self, leaf: Leaf, tag: int) -> object:
        if tag == _WHOLE:
            return self.signed()
        if tag == _DECIMAL:
            leaf.decimals = self.byte()
            if leaf.decimals > _MOST_DECIMALS:
                raise Damaged("a number has too many decimals")
            leaf.units = self.signed()
            return leaf.units / _SCALES[leaf.decimals]
        if tag == _SINGLE:
            return float(_single.unpack(self.take(4))[0])
        if tag == _DOUBLE:
            return float(_double.unpack(self.take(8))[0])
        raise Damaged(f"tag {tag:#x} is not known")
