"""Registers to values and back."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phaeton.profiles import Block, load_profile, place_of
from phaeton.profiles.plan import blocks_of
from phaeton.profiles.reading import in_range, reading_of
from phaeton.profiles.registers import decode, decoder, encode, field_at, packed
from phaeton.profiles.schema import PointSpec, Value, Wire

ALFEN = load_profile("alfen_ng9xx")
ALL_BLOCKS = [block for group in ("once", "slow", "fast") for block in blocks_of(ALFEN, place_of(ALFEN, 1), group)]


def value_of(spec: PointSpec, registers: list[int], wire: Wire | None = None) -> Value:
    return decode(field_at("x", spec, 0, wire or Wire()), packed(registers), 0)


@pytest.mark.parametrize(
    ("spec", "registers", "value"),
    [
        # Registers of real chargers: evcc issues 22934 and 18877.
        (PointSpec(at=0, type="f32"), [0x455A, 0xF4CD], pytest.approx(3503.3, abs=0.1)),
        (PointSpec(at=0, type="f64", scale=0.001), [0x4112, 0x7B58, 0, 0], 302.806),
        (PointSpec(at=0, type="str", count=5), [0x4231, 0, 0, 0, 0], "B1"),
        (PointSpec(at=0, type="f32"), [0xFFFF, 0xFFFF], None),
        (PointSpec(at=0, type="f64"), [0xFFFF] * 4, None),
        (PointSpec(at=0, type="f32"), [0x7F80, 0], None),
        (PointSpec(at=0, type="f32", valid=(0, 500)), [0x4400, 0], None),
        (PointSpec(at=0, type="u16", invalid=(0xFFFF,)), [0xFFFF], None),
        (PointSpec(at=0, type="u16"), [0xFFFF], 0xFFFF),
        (PointSpec(at=0, type="i16", scale=0.1, offset=-50), [0xFFF6], -51.0),
        (PointSpec(at=0, type="u32", mask=0x7F00), [0, 0x0400], 4),
        (PointSpec(at=0, type="u64", scale=0.001), [0, 0, 0, 1500], 1.5),
        (PointSpec(at=0, type="i64"), [0xFFFF] * 4, -1),
        (PointSpec(at=0, type="str", count=2), [0xFFFF, 0xFFFF], None),
        (PointSpec(at=0, type="str", count=2), [0, 0], None),
        (PointSpec(at=0, type="str", count=3, byte_order="little"), [0x5148, 0x3132, 0], "HQ21"),
        (PointSpec(at=0, type="utf16", count=2), [0x0041, 0x00DF], "A\u00df"),
        (PointSpec(at=0, type="char_hi"), [0x4300], "C"),
        (PointSpec(at=0, type="char_lo"), [0x0043], "C"),
        (PointSpec(at=0, type="raw", count=2), [0x00AB, 0xCD01], "00ABCD01"),
        (PointSpec(at=0, type="bool"), [1], 1),
    ],
)
def test_decoding(spec: PointSpec, registers: list[int], value: object) -> None:
    assert value_of(spec, registers) == value


def test_low_word_first_turns_the_words_of_numbers_and_leaves_texts() -> None:
    little = Wire(word_order="little")
    assert value_of(PointSpec(at=0, type="f32"), [0x0000, 0x40C0], little) == 6.0
    assert value_of(PointSpec(at=0, type="f64"), [0, 0, 0x7B58, 0x4112], little) == 302806.0
    assert value_of(PointSpec(at=0, type="str", count=2), [0x4142, 0x4344], little) == "ABCD"
    assert encode("x", PointSpec(at=0, type="f32"), little, 6.0) == (0x0000, 0x40C0)


@given(
    st.sampled_from(["u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64"]),
    st.sampled_from(["big", "little"]),
    st.sampled_from(["big", "little"]),
    st.integers(-30000, 30000),
)
def test_what_is_encoded_decodes_to_the_same(kind: str, words: str, octets: str, value: int) -> None:
    spec = PointSpec(at=0, type=kind, word_order=words, byte_order=octets)  # type: ignore[arg-type]
    number = abs(value) if kind.startswith("u") else value
    assert value_of(spec, list(encode("x", spec, Wire(), number))) == number


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 70000.0])
def test_a_value_that_does_not_fit_is_not_encoded(value: float) -> None:
    with pytest.raises(ValueError, match="limit"):
        encode("limit", PointSpec(at=0, type="u16"), Wire(), value)


@given(st.data())
def test_any_registers_decode_and_make_a_reading(data: st.DataObject) -> None:
    values: dict[str, Value] = {}
    block: Block
    for block in ALL_BLOCKS:
        octets = data.draw(st.binary(min_size=2 * block.count, max_size=2 * block.count))
        values |= block.decode(struct.unpack(f">{block.count}H", octets))
    reading = reading_of(ALFEN, values, "1", 0.0, 0.0)
    for voltage_v in reading.voltage_v:
        assert voltage_v is None or 0 <= voltage_v <= 500
    assert reading.power_w is None or -1e9 < reading.power_w < 1e9


SPECS = st.builds(
    PointSpec,
    at=st.integers(10, 40),
    type=st.sampled_from(["u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64", "str", "bool"]),
    count=st.just(1),
    word_order=st.sampled_from([None, "big", "little"]),
    byte_order=st.sampled_from([None, "big", "little"]),
    scale=st.sampled_from([1.0, 1.0, 0.1]),
    offset=st.sampled_from([0.0, 0.0, -5.0]),
    valid=st.sampled_from([None, (0.0, 500.0)]),
    invalid=st.sampled_from([(), (0xFFFF, 0)]),
)


@given(st.lists(SPECS, max_size=8), st.booleans(), st.data())
def test_a_block_decodes_at_once_to_what_its_fields_give_one_by_one(
    specs: list[PointSpec], checked: bool, data: st.DataObject
) -> None:
    fields = [field_at(f"{n}", spec, spec.at, Wire()) for n, spec in enumerate(specs)]
    nan, infinite = struct.pack(">f", float("nan")), struct.pack(">f", float("inf"))
    pieces = st.sampled_from([nan, infinite, b"\xff\xff", b"\0\0", b"\x43\x66"]) | st.binary(min_size=2, max_size=2)
    block = b"".join(data.draw(st.lists(pieces, min_size=35, max_size=35)))
    whole = decoder(fields, 10, checked=checked)(block)
    assert whole == {field.name: decode(field, block, 10, checked=checked) for field in fields}


@given(st.floats(width=32))
def test_a_value_out_of_its_range_is_none_decoded_or_sorted_out_later(value: float) -> None:
    registers = list(struct.unpack(">2H", struct.pack(">f", value)))
    block = next(block for block in ALL_BLOCKS if "voltage_l1" in block.points)
    words = registers + [0] * (block.count - 2)
    checked = block.decode(words)["voltage_l1"]
    assert in_range(ALFEN, block.decode(words, checked=False))["voltage_l1"] == checked
    assert checked is None or 0 <= float(checked) <= 500
