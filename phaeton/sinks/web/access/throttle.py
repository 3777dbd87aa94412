"""Against guessing: after some wrong passwords each further try waits, twice as long each time.

Counted per address and for all together. Attempts count when they begin, so that many at once gain nothing, and one
that comes too early does not count, so that it does not lock the owner out for longer. Where somebody is logged in
already, and on the device itself, only the address counts: others cannot keep the owner out.
"""

from __future__ import annotations

from collections import OrderedDict

from msgspec import Struct

FREE = 5
"""Wrong passwords of one address without a pause."""
FREE_FOR_ALL = 30
LONGEST_S = 900.0
LONGEST_FOR_ALL_S = 10.0
FORGET_S = 3600.0
MOST_ADDRESSES = 1000


class _Tries(Struct):
    wrong: int = 0
    next_s: float = 0.0
    last_s: float = 0.0


class Throttle:
    """The pauses of all addresses; times are those of one monotonic clock."""

    def __init__(self) -> None:
        self._by_address: OrderedDict[str, _Tries] = OrderedDict()
        self._all = _Tries()

    def begin(self, address: str, now_s: float, *, known: bool) -> float:
        """Begin an attempt; returns for how long it must still wait, 0 = it may go on and counts as wrong so far."""
        tries = self._of(address, now_s)
        wait_s = tries.next_s - now_s
        if not known:
            if now_s > self._all.last_s + FORGET_S:
                self._all = _Tries()
            wait_s = max(wait_s, self._all.next_s - now_s)
        if wait_s > 0.0:
            return wait_s
        _count(tries, now_s, FREE, LONGEST_S)
        if not known:
            _count(self._all, now_s, FREE_FOR_ALL, LONGEST_FOR_ALL_S)
        return 0.0

    def right(self, address: str, *, known: bool) -> None:
        """The attempt was right after all."""
        self._by_address.pop(address, None)
        if not known and self._all.wrong:
            self._all.wrong -= 1
            self._all.next_s = 0.0

    def _of(self, address: str, now_s: float) -> _Tries:
        tries = self._by_address.get(address)
        if tries is None or now_s > tries.last_s + FORGET_S:
            tries = self._by_address[address] = _Tries()
        self._by_address.move_to_end(address)
        if len(self._by_address) > MOST_ADDRESSES:
            self._by_address.popitem(last=False)
        return tries


def _count(tries: _Tries, now_s: float, free: int, longest_s: float) -> None:
    tries.wrong += 1
    tries.last_s = now_s
    if tries.wrong >= free:
        tries.next_s = now_s + min(longest_s, 2.0 ** min(tries.wrong - free, 20))
