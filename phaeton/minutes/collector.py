"""From values by the second to minutes: the running hour, in memory, complete up to the present second."""

from __future__ import annotations

import math
from collections.abc import Sequence

from phaeton.minutes.block import BLOCK_S, HIGHEST, MINUTE_S, Block, Lane, unit


class Collector:
    """Give it the values of each second; it hands over each hour that is complete."""

    def __init__(self, lanes: Sequence[str]) -> None:
        self.lanes = tuple(lanes)
        self._per_unit = [1.0 / unit(name) for name in self.lanes]
        self._block: Block | None = None
        self._minute = -1
        self._known = [0] * len(self.lanes)
        self._sums = [0.0] * len(self.lanes)
        self._least = [math.inf] * len(self.lanes)
        self._most = [-math.inf] * len(self.lanes)

    def add(self, utc_s: float, values: Sequence[float]) -> Block | None:
        """Take the values of a second, not a number where unknown; returns the block of an hour that has ended."""
        minute = int(utc_s // MINUTE_S)
        done = None
        if minute != self._minute:
            self._close()
            start_s = minute * MINUTE_S // BLOCK_S * BLOCK_S
            if self._block is None or self._block.start_s != start_s:
                done, self._block = self._block, Block(start_s, {})
            self._minute = minute
        known, sums, least, most = self._known, self._sums, self._least, self._most
        for index, value in enumerate(values):
            if value - value != 0.0:  # not a number, or beyond all measure
                continue
            known[index] += 1
            sums[index] += value
            least[index] = min(least[index], value)
            most[index] = max(most[index], value)
        return done

    def running(self) -> Block | None:
        """The hour so far, with the part of the present minute that has passed; a copy."""
        block = self._block
        if block is None:
            return None
        lanes = {name: Lane(o.known_s[:], o.mean[:], o.least[:], o.most[:]) for name, o in block.lanes.items()}
        whole = Block(block.start_s, lanes)
        self._write(whole)
        return whole

    def _close(self) -> None:
        if self._block is not None:
            self._write(self._block)
        width = len(self.lanes)
        self._known, self._sums = [0] * width, [0.0] * width
        self._least, self._most = [math.inf] * width, [-math.inf] * width

    def _write(self, block: Block) -> None:
        """Put the present minute into a block."""
        place = self._minute - block.start_s // MINUTE_S
        for index, name in enumerate(self.lanes):
            known_s = self._known[index]
            if not known_s:
                continue
            per_unit = self._per_unit[index]
            mean, least, most = (
                _whole(value * per_unit)
                for value in (self._sums[index] / known_s, self._least[index], self._most[index])
            )
            lane = block.lanes.get(name)
            if lane is None:
                lane = block.lanes[name] = Lane.empty()
            lane.put(place, known_s, mean, least, most)


def _whole(value: float) -> int:
    """Rounded; what no house has is cut off, with room for the differences that are kept on the disk."""
    most = HIGHEST // 4
    return round(max(-most, min(most, value)))
