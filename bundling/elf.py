"""What a program or library of ELF needs, read without running it: it may be for another processor."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

_LOAD, _DYNAMIC = 1, 2
_NEEDED, _STRINGS = 1, 5


def is_elf(path: Path) -> bool:
    """Whether the file is one."""
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def needed(path: Path) -> tuple[str, ...]:
    """The names of the libraries that it is linked with (DT_NEEDED); little-endian, 32 or 64 bits."""
    raw = path.read_bytes()
    if raw[:4] != b"\x7fELF" or raw[5] != 1:
        raise ValueError(f"{path} is no little-endian ELF file")
    wide = raw[4] == 2
    segments = tuple(_segments(raw, wide))
    names, strings = [], 0
    for kind, offset, _, size in segments:
        if kind != _DYNAMIC:
            continue
        form = "<qQ" if wide else "<iI"
        for tag, value in struct.iter_unpack(form, raw[offset : offset + size]):
            if tag == 0:
                break
            if tag == _NEEDED:
                names.append(value)
            elif tag == _STRINGS:
                strings = value
    # The table of strings is known by its address in memory.
    for kind, offset, address, size in segments:
        if kind == _LOAD and address <= strings < address + size:
            start = strings - address + offset
            return tuple(raw[start + name : raw.index(b"\0", start + name)].decode() for name in names)
    return ()


def _segments(raw: bytes, wide: bool) -> Iterator[tuple[int, int, int, int]]:
    """Kind, offset, address and size in the file of each."""
    start = struct.unpack_from("<Q" if wide else "<I", raw, 32 if wide else 28)[0]
    each, count = struct.unpack_from("<HH", raw, 54 if wide else 42)
    for number in range(count):
        at = start + number * each
        if wide:
            kind, _, offset, address, _, size = struct.unpack_from("<IIQQQQ", raw, at)
        else:
            kind, offset, address, _, size = struct.unpack_from("<IIIII", raw, at)
        yield kind, offset, address, size
