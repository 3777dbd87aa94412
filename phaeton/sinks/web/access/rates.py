"""How often a client may ask: two buckets for each address, one for reading and one for changes."""

from __future__ import annotations

from collections import OrderedDict

from msgspec import Struct

MOST_CLIENTS = 1000
"""Addresses that are remembered; the one that asked longest ago is forgotten first."""


class Rate(Struct, frozen=True):
    """So many in a second, and so many at once."""

    per_s: float
    burst: float


READS = Rate(50.0, 200.0)
CHANGES = Rate(10.0, 30.0)


class _Bucket(Struct):
    left: float
    then_s: float


class Rates:
    """The buckets of all clients."""

    def __init__(self, reads: Rate = READS, changes: Rate = CHANGES) -> None:
        self._rates = (reads, changes)
        self._buckets: OrderedDict[str, tuple[_Bucket, _Bucket]] = OrderedDict()

    def take(self, address: str, now_s: float, *, change: bool) -> float:
        """Take one; returns the seconds until the next may come, 0 = it may come now."""
        buckets = self._buckets.get(address)
        if buckets is None:
            reads, changes = self._rates
            buckets = _Bucket(reads.burst, now_s), _Bucket(changes.burst, now_s)
            self._buckets[address] = buckets
            if len(self._buckets) > MOST_CLIENTS:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(address)
        bucket, rate = buckets[change], self._rates[change]
        bucket.left = min(rate.burst, bucket.left + (now_s - bucket.then_s) * rate.per_s)
        bucket.then_s = now_s
        if bucket.left < 1.0:
            return (1.0 - bucket.left) / rate.per_s
        bucket.left -= 1.0
        return 0.0
