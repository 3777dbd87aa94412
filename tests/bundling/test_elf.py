"""What a library is linked with, read without running it."""

from __future__ import annotations

import struct
from pathlib import Path

import msgspec
import pytest

from bundling.elf import is_elf, needed

NAMES = ("libc.so.6", "libm.so.6")
ADDRESS = 0x1000


def library(*, wide: bool) -> bytes:
    """As little of ELF as there can be: two segments, the names, and the table that points to them."""
    head, each = (64, 56) if wide else (52, 32)
    strings = b"\0" + b"".join(name.encode() + b"\0" for name in NAMES)
    table_at = head + 2 * each
    entries = [(1, 1), (1, 1 + len(NAMES[0]) + 1), (5, 0), (0, 0)]
    size = len(entries) * (16 if wide else 8)
    entries[2] = (5, ADDRESS + table_at + size)
    table = b"".join(struct.pack("<qQ" if wide else "<iI", *entry) for entry in entries)
    total = table_at + size + len(strings)
    segments = b""
    for kind, offset, length in ((1, 0, total), (2, table_at, size)):
        address = ADDRESS + offset
        if wide:
            segments += struct.pack("<IIQQQQQQ", kind, 4, offset, address, address, length, length, 8)
        else:
            segments += struct.pack("<IIIIIIII", kind, offset, address, address, length, length, 4, 4)
    header = b"\x7fELF" + bytes([2 if wide else 1, 1, 1]) + bytes(9)
    header += struct.pack("<HHI", 3, 62 if wide else 40, 1)
    header += struct.pack("<QQQ" if wide else "<III", 0, head, 0)
    header += struct.pack("<IHHHHHH", 0, head, each, 2, 0, 0, 0)
    return header + segments + table + strings


@pytest.mark.parametrize("wide", [True, False])
def test_the_names_are_found(tmp_path: Path, wide: bool) -> None:
    path = tmp_path / "lib.so"
    path.write_bytes(library(wide=wide))

    assert is_elf(path)
    assert needed(path) == NAMES


def test_a_real_one_can_be_read() -> None:
    assert any(name.startswith("libc.") for name in needed(Path(msgspec._core.__file__)))


def test_another_file_is_none(tmp_path: Path) -> None:
    path = tmp_path / "lib.so"
    path.write_bytes(b"#!/bin/sh\n")

    assert not is_elf(path)
    with pytest.raises(ValueError, match="no little-endian ELF"):
        needed(path)
