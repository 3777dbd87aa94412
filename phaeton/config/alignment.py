"""Which entry of a changed list was which of the old one: by being the same, by its name, then by its place."""

from __future__ import annotations

from difflib import SequenceMatcher

import msgspec

from phaeton.config.document import Plain

NAMES = ("id", "host", "name")
"""Keys that tell one entry from another, the first that is given counts."""


def aligned(old: list[Plain], new: list[Plain]) -> list[int | None]:
    """For each new entry the place of the old one that it goes on from; None for one that is new."""
    before = [msgspec.json.encode(item, order="sorted") for item in old]
    after = [msgspec.json.encode(item, order="sorted") for item in new]
    found: list[int | None] = [None] * len(new)
    for block in SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks():
        for step in range(block.size):
            found[block.b + step] = block.a + step
    free = {index for index in range(len(old)) if index not in found}

    def take(index: int, mate: int) -> None:
        found[index] = mate
        free.discard(mate)

    for index, text in enumerate(after):
        if found[index] is None:
            mate = next((i for i in sorted(free) if before[i] == text), None)
            if mate is not None:
                take(index, mate)
    for key in NAMES:
        for index, item in enumerate(new):
            name = _name(item, key)
            if found[index] is None and name is not None:
                mate = next((i for i in sorted(free) if _name(old[i], key) == name), None)
                if mate is not None:
                    take(index, mate)
    for index, item in enumerate(new):
        if found[index] is None and index in free and not _strangers(old[index], item):
            take(index, index)
    return found


def _name(item: Plain, key: str) -> Plain:
    return (item.get(key) or None) if isinstance(item, dict) else None


def _strangers(one: Plain, other: Plain) -> bool:
    """Whether all names that both have differ: then they are two things, not one that changed."""
    names = [key for key in NAMES if _name(one, key) is not None and _name(other, key) is not None]
    return bool(names) and all(_name(one, key) != _name(other, key) for key in names)
