"""Which registers are read in which request: points become as few block reads as the charger bears."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

from msgspec import Struct

from phaeton.profiles.registers import Field, decoder, field_at, packed
from phaeton.profiles.schema import Group, PointSpec, Profile, Space, Value

CONTROL_POINTS = frozenset(
    {"state", "availability", "limit_set", "limit_actual", "limit_remaining", "limit_used", "limit_safe", "phases_set"}
)
"""What shows the effect of a write; the blocks that hold one of these are read first."""


_MEASURED = {"power", "current_l1", "current_l2", "current_l3"}
"""A rule that looks at these as well does not make a status of all measurements."""


class Place(Struct, frozen=True):
    """Where one socket of a charger is found."""

    unit: int
    station_unit: int
    offset: int = 0
    """Added to the addresses of the socket's own points."""

    def unit_of(self, spec: PointSpec) -> int:
        """The Modbus unit of a point."""
        if spec.unit is not None:
            return spec.unit
        return self.station_unit if spec.scope == "station" else self.unit

    def address_of(self, spec: PointSpec, shift: int) -> int:
        """The register of a point."""
        return spec.at + shift + (0 if spec.scope == "station" else self.offset)


def place_of(profile: Profile, socket: int, unit: int | None = None, station_unit: int | None = None) -> Place:
    """The place of socket 1, 2, ...; ``unit`` is that of the first socket where the owner changed it."""
    values = profile.connectors.values
    first = profile.transport.unit if unit is None else unit
    offset = 0
    if len(values) >= socket:
        if profile.connectors.by == "unit":
            first += values[socket - 1] - values[0]
        elif profile.connectors.by == "offset":
            offset = values[socket - 1]
    if station_unit is None:
        station_unit = profile.transport.station_unit
    return Place(unit=first, station_unit=first if station_unit is None else station_unit, offset=offset)


def port_of(profile: Profile, socket: int, port: int | None = None) -> int:
    """The TCP port of socket 1, 2, ...; ``port`` is the owner's choice."""
    values = profile.connectors.values
    first = profile.transport.port if port is None else port
    if profile.connectors.by == "port" and len(values) >= socket:
        return first + values[socket - 1] - values[0]
    return first


class Block(Struct, frozen=True, dict=True):
    """One read request and the fields that it brings; what follows from them is worked out once."""

    unit: int
    space: Space
    address: int
    count: int
    fields: tuple[Field, ...]

    @cached_property
    def name(self) -> str:
        """How statistics and messages call it: ``1:306x72``."""
        return f"{self.unit}:{self.address}x{self.count}"

    @cached_property
    def points(self) -> frozenset[str]:
        """The names of its points."""
        return frozenset(field.name for field in self.fields)

    @cached_property
    def _checked(self) -> Callable[[bytes], dict[str, Value]]:
        return decoder(self.fields, self.address)

    @cached_property
    def _unchecked(self) -> Callable[[bytes], dict[str, Value]]:
        return decoder(self.fields, self.address, checked=False)

    def decode(self, registers: Sequence[int], *, checked: bool = True) -> dict[str, Value]:
        """The values of all fields; ``registers`` must have the length of the block."""
        return self.decode_bytes(packed(registers), checked=checked)

    def decode_bytes(self, data: bytes, *, checked: bool = True) -> dict[str, Value]:
        """The same from registers as they are on the wire, the high byte first."""
        return (self._checked if checked else self._unchecked)(data)


def blocks_of(profile: Profile, place: Place, *groups: Group) -> tuple[Block, ...]:
    """The reads for all points of these groups; those that show the effect of a write come first."""
    wanted = (name for name, spec in profile.points.items() if spec.read in groups and spec.access != "w")
    blocks = blocks_for(profile, place, wanted)
    status = status_points(profile)
    return tuple(sorted(blocks, key=lambda block: not block.points & status))


def status_points(profile: Profile) -> frozenset[str]:
    """What tells the state of this charger and shows the effect of a write."""
    control = profile.control
    names = {name for rule in profile.state.rules for name in rule.if_} | control.enabled.keys()
    names |= {name for step in control.pause or () for name in step.write or ()}
    return CONTROL_POINTS | names - _MEASURED


def blocks_for(profile: Profile, place: Place, names: Iterable[str]) -> tuple[Block, ...]:
    """The reads for these points, in order of unit, space and address."""
    wire = profile.wire
    found: dict[tuple[int, Space], list[Field]] = {}
    for name in names:
        spec = profile.points[name]
        at = place.address_of(spec, wire.address_shift)
        found.setdefault((place.unit_of(spec), spec.space or wire.space), []).append(field_at(name, spec, at, wire))
    blocks = []
    for (unit, space), fields in found.items():
        run: list[Field] = []
        for field in sorted(fields, key=lambda field: (field.at, field.end)):
            if run and not _joins(run, field, profile):
                blocks.append(_block(unit, space, run))
                run = []
            run.append(field)
        blocks.append(_block(unit, space, run))
    return tuple(blocks)


def _joins(run: Sequence[Field], field: Field, profile: Profile) -> bool:
    wire = profile.wire
    end = max(one.end for one in run)
    if not wire.block_reads and (field.at, field.end) != (run[0].at, run[0].end):
        return False
    if field.spec.alone or run[-1].spec.alone or field.at - end > wire.max_gap:
        return False
    if max(end, field.end) - run[0].at > wire.max_read:
        return False
    shift = wire.address_shift
    return not any(low + shift < field.at and high + shift >= end for low, high in wire.forbid)


def _block(unit: int, space: Space, fields: Sequence[Field]) -> Block:
    first = fields[0].at
    return Block(unit, space, first, max(field.end for field in fields) - first, tuple(fields))


def split(block: Block) -> tuple[Block, Block] | None:
    """Two smaller reads for a block that the charger refuses, cut at its widest hole; None when it is one value."""
    ends: list[int] = []
    end = 0
    for field in block.fields:
        end = max(end, field.end)
        ends.append(end)
    middle = len(block.fields) / 2
    cuts = [n for n in range(1, len(block.fields)) if block.fields[n].at >= ends[n - 1]]
    if not cuts:
        return None
    cut = max(cuts, key=lambda n: (block.fields[n].at - ends[n - 1], -abs(n - middle)))
    return (
        _block(block.unit, block.space, block.fields[:cut]),
        _block(block.unit, block.space, block.fields[cut:]),
    )
