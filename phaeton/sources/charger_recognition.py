"""Finding out who answers at a charger's address, and how its addresses and words lie."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, structs

from phaeton.links.modbus import RefusedError
from phaeton.profiles import Place, Profile, Value, agreement, blocks_of, implausible, in_range
from phaeton.profiles.plan import Block
from phaeton.sources.charger_blocks import BlockReader


class Recognition(Struct, frozen=True):
    """What was read of a charger right after connecting."""

    profile: Profile
    """The profile as it fits: with the address shift and the word order that gave sensible values."""
    values: dict[str, Value]
    note: str = ""
    """In which way the charger differs from its profile."""
    problem: str = ""
    """Why this cannot be the expected kind of charger; empty when it can."""


def variants(profile: Profile) -> Iterator[tuple[Profile, str]]:
    """The profile, then the same with addresses one lower, with the other word order, and with both.

    One maker's guide describes its registers as numbered from one and with the low word first.
    """
    wire = profile.wire
    shifted = wire.address_shift - 1
    other = "little" if wire.word_order == "big" else "big"
    yield profile, ""
    for shift, order in ((shifted, wire.word_order), (wire.address_shift, other), (shifted, other)):
        changes = [f"address_shift: {shift}"] if shift != wire.address_shift else []
        changes += [f"word_order: {order}"] if order != wire.word_order else []
        changed = structs.replace(wire, address_shift=shift, word_order=order)
        yield structs.replace(profile, wire=changed), f"its registers fit with wire: {{{', '.join(changes)}}}"


async def recognise(profile: Profile, place: Place, reader: BlockReader) -> Recognition:
    """Read identity, status and measurements, in this order; raises `LinkError`.

    Where the values are absurd, other address shifts and word orders are tried, and the one that agrees best with the
    profile's checks is taken.
    """
    first: Recognition | None = None
    best: tuple[int, Recognition] | None = None
    for variant, note in variants(profile):
        try:
            loose = await read_optional(reader, blocks_of(variant, place, "once"), checked=False)
            loose |= await read_optional(reader, blocks_of(variant, place, "slow"), checked=False)
            loose |= await reader.read(blocks_of(variant, place, "fast"), checked=False)
        except RefusedError:
            if first is None:
                raise
            continue
        found = Recognition(variant, in_range(variant, loose), note, implausible(variant, loose))
        if first is None:
            if not found.problem:
                return found
            first = found
        agrees = agreement(variant, loose)
        if not found.problem and agrees and (best is None or agrees > best[0]):
            best = (agrees, found)
    assert first is not None
    return first if best is None else best[1]


async def read_optional(reader: BlockReader, blocks: tuple[Block, ...], *, checked: bool = True) -> dict[str, Value]:
    """The values of blocks that a charger may refuse as a whole; raises `LinkError` for all else."""
    values: dict[str, Value] = {}
    for block in blocks:
        try:
            values |= await reader.read((block,), checked=checked)
        except RefusedError:
            values |= dict.fromkeys(block.points)
    return values
