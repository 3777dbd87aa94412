"""What is kept of a source over a restart: its prices as it told them, and when it may be asked again.

The prices are kept without the formula, so that a changed formula holds for them too. A text that is not understood, or
of another source, is no cache.
"""

from __future__ import annotations

from itertools import pairwise

import msgspec
from msgspec import Struct

from phaeton.links.http import Trouble
from phaeton.sources.prices.table import RawSlot
from phaeton.sources.service.patience import Memory

VERSION = 1
LARGEST = 50_000
"""Bytes; two days of quarter hours have some 15,000."""


class _Slot(Struct, frozen=True, array_like=True):
    start_s: float
    end_s: float
    price: float
    spot: float | None
    level: str


class _Kept(Struct, frozen=True):
    version: int
    identity: str
    currency: str
    slots: tuple[_Slot, ...]
    answered_s: float | None
    trouble: Trouble | None
    failures: int
    not_before_s: float


def encode(identity: str, currency: str, slots: tuple[RawSlot, ...], memory: Memory) -> str:
    """The text to be kept; empty when it would be too large."""
    kept = _Kept(
        VERSION,
        identity,
        currency,
        tuple(_Slot(s.start_s, s.end_s, s.price, s.spot, s.level) for s in slots),
        memory.answered_s,
        memory.trouble,
        memory.failures,
        memory.not_before_s,
    )
    text = msgspec.json.encode(kept).decode()
    return text if len(text) <= LARGEST else ""


def decode(text: str | None, identity: str, now_s: float) -> tuple[tuple[RawSlot, ...], str, Memory] | None:
    """Slots, currency and memory of this source; None where there are none."""
    if not text:
        return None
    try:
        kept = msgspec.json.decode(text, type=_Kept)
    except (msgspec.DecodeError, UnicodeError):
        return None
    if kept.version != VERSION or kept.identity != identity:
        return None
    slots = tuple(RawSlot(s.start_s, s.end_s, s.price, s.spot, s.level) for s in kept.slots)
    if any(a.end_s > b.start_s for a, b in pairwise(slots)):
        return None
    answered_s = None if kept.answered_s is None else min(kept.answered_s, now_s)
    not_before_s = min(kept.not_before_s, now_s + 86400.0 * 1.3)
    return slots, kept.currency, Memory(answered_s, kept.trouble, kept.failures, not_before_s)
