"""Reading blocks of a charger, and learning which of them it does not give in one piece."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from time import monotonic

from phaeton.links.modbus import ModbusLink, RefusedError
from phaeton.profiles.plan import Block, split
from phaeton.profiles.registers import packed
from phaeton.profiles.schema import Space, Value

log = logging.getLogger(__name__)

_BITS = ("coil", "discrete")
_HOLE = {2, 3, 4}
"""Exceptions that a charger answers where it has no register or not so many at once."""


class BlockReader:
    """Reads blocks and keeps what it learnt about them until `forget`.

    A block that is refused is cut at its widest hole; where one half answers, the halves are used from then on, and a
    single value that stays refused is left out. Where no half answers nothing is learnt: then the charger is at fault,
    not the plan. What the profile calls optional may be missing as a whole.
    """

    def __init__(self, link: ModbusLink, who: str) -> None:
        self._link = link
        self._who = who
        self._learnt: dict[tuple[str, Space], tuple[Block, ...]] = {}
        self.last: dict[tuple[str, Space], tuple[float, Block, bytes]] = {}
        """What each block held when it was read last, and when, by the loop's clock; for people who look into it."""

    def forget(self) -> None:
        """Try everything as planned again."""
        self._learnt.clear()

    async def read(self, blocks: Iterable[Block], *, checked: bool = True) -> dict[str, Value]:
        """The values of all blocks; raises `LinkError`, `RefusedError` when a block gave nothing at all."""
        values: dict[str, Value] = {}
        for block in blocks:
            parts = self._learnt.get((block.name, block.space)) if self._learnt else None
            if parts is None:
                values.update(await self._whole(block, checked))
                continue
            for part in parts:
                values.update(await self._once(part, checked))
        return values

    async def _once(self, block: Block, checked: bool) -> dict[str, Value]:
        if block.space in _BITS:
            data = packed(await self._link.read(block.unit, block.address, block.count, block.space))
        else:
            data = await self._link.read_bytes(block.unit, block.address, block.count, block.space)
        self.last[block.name, block.space] = (monotonic(), block, data)
        return block.decode_bytes(data, checked=checked)

    async def _whole(self, block: Block, checked: bool) -> dict[str, Value]:
        try:
            return await self._once(block, checked)
        except RefusedError as refused:
            if refused.code not in _HOLE:
                raise
            values, parts = await self._in_parts(block, checked)
            if not parts and not all(field.spec.optional for field in block.fields):
                raise
            self._learnt[block.name, block.space] = tuple(parts)
            lost = sorted(block.points - {name for part in parts for name in part.points})
            log.warning(
                "%s refuses to give %s in one piece (exception %d): read as %s%s",
                self._who,
                block.name,
                refused.code,
                ", ".join(part.name for part in parts) or "nothing",
                f", without {', '.join(lost)}" if lost else "",
            )
            return values

    async def _once_more(self, block: Block, checked: bool) -> tuple[dict[str, Value], list[Block]]:
        """A single value is asked for twice before it counts as missing: the refusal may have been a passing fault."""
        try:
            return await self._once(block, checked), [block]
        except RefusedError:
            return {}, []

    async def _in_parts(self, block: Block, checked: bool) -> tuple[dict[str, Value], list[Block]]:
        """What the halves of a refused block give, and the parts that gave it."""
        halves = split(block)
        if halves is None:
            return await self._once_more(block, checked)
        values: dict[str, Value] = {}
        parts: list[Block] = []
        refused: list[Block] = []
        for half in halves:
            try:
                values.update(await self._once(half, checked))
                parts.append(half)
            except RefusedError:
                refused.append(half)
        if parts:
            for half in refused:
                more_values, more_parts = await self._in_parts(half, checked)
                values.update(more_values)
                parts += more_parts
        return values, sorted(parts, key=lambda part: part.address)
