"""Charging by the price of the moment: levels, a threshold, or the cheapest share of the time ahead.

A price that is missing is missing: then nothing is charged by price. Within a slot the answer changes only when the
sun's share of the power changes it for a while; at the edge of a slot it changes at once.
"""

from __future__ import annotations

from bisect import bisect_right

from msgspec import Struct
from msgspec.structs import replace

from phaeton.config.tree_schedule import Schedule
from phaeton.model import PriceCurve, PriceSlot, Reason, Why
from phaeton.streams.planner import effective_price

SETTLED_S = 300.0
"""Inside of a slot the opposite must hold for this long before the answer changes."""


class PriceState(Struct, frozen=True):
    """The answer and since when the opposite would hold."""

    curve_s: float = -1.0
    """When the curve was made that the answer is from."""
    slot_s: float = -1.0
    charge: bool = False
    limit: float | None = None
    """Price up to which it charges; None for levels."""
    next_s: float | None = None
    """When the next slot begins that would charge without the sun, where one is known."""
    against_s: float | None = None


def slot_at(prices: PriceCurve, utc_s: float) -> PriceSlot | None:
    """The slot that holds at a time."""
    index = bisect_right(prices.slots, utc_s, key=_start_s) - 1
    if index >= 0 and utc_s < prices.slots[index].end_s:
        return prices.slots[index]
    return None


def _start_s(slot: PriceSlot) -> float:
    return slot.start_s


def step(
    before: PriceState | None, schedule: Schedule, prices: PriceCurve, *, utc_s: float, sun_share: float
) -> tuple[PriceState | None, bool, Reason]:
    """Whether the price says charge, and why; ``sun_share`` (0 to 1) is the sun's part of the power."""
    slot = slot_at(prices, utc_s)
    if slot is None:
        return None, False, Reason(Why.PRICE_MISSING)
    state = before
    if state is None or state.curve_s != prices.mono_s or state.slot_s != slot.start_s:
        limit = _limit(schedule, prices, slot, utc_s)
        state = PriceState(
            prices.mono_s, slot.start_s, limit=limit, next_s=_next_s(schedule, prices, limit, slot.end_s)
        )
        price, charge = _judged(schedule, state, slot, sun_share)
        state = _answered(state, charge)
    else:
        price, charge = _judged(schedule, state, slot, sun_share)
        if charge == state.charge:
            state = state if state.against_s is None else _answered(state, charge)
        elif state.against_s is None:
            state = replace(state, against_s=utc_s)
        elif utc_s - state.against_s >= SETTLED_S or utc_s < state.against_s:
            state = _answered(state, charge)
    if state.charge:
        return state, True, Reason(Why.PRICE_LOW, price, state.limit, slot.end_s - utc_s, slot.level.lower())
    left_s = None if state.next_s is None else state.next_s - utc_s
    return state, False, Reason(Why.PRICE_WAIT, price, state.limit, left_s)


def slots_ahead(schedule: Schedule, prices: PriceCurve, utc_s: float) -> tuple[PriceSlot, ...]:
    """The slots that the price alone would charge in, as far as can be said now: none without such a strategy."""
    if schedule.strategy not in ("level", "threshold", "percentile"):
        return ()
    ahead = [slot for slot in prices.slots if slot.end_s > utc_s]
    if not ahead:
        return ()
    limit = _limit(schedule, prices, ahead[0], utc_s)
    return tuple(slot for slot in ahead if _cheap(schedule, limit, slot.level, slot.import_per_kwh))


def threshold(schedule: Schedule, prices: PriceCurve, utc_s: float) -> float | None:
    """The price up to which it charges now; None where no price decides, or none is known for now."""
    slot = slot_at(prices, utc_s)
    return None if slot is None else _limit(schedule, prices, slot, utc_s)


def _answered(state: PriceState, charge: bool) -> PriceState:
    return replace(state, charge=charge, against_s=None)


def _judged(schedule: Schedule, state: PriceState, slot: PriceSlot, sun_share: float) -> tuple[float, bool]:
    """The price that counts now, and whether it is low enough."""
    price = slot.import_per_kwh
    if schedule.strategy == "threshold":
        price = effective_price(price, slot.feed_in_per_kwh, sun_share)
    return price, _cheap(schedule, state.limit, slot.level, price)


def _cheap(schedule: Schedule, limit: float | None, level: str, price: float) -> bool:
    return level.lower() in schedule.levels if limit is None else price <= limit + 1e-9


def _limit(schedule: Schedule, prices: PriceCurve, now: PriceSlot, utc_s: float) -> float | None:
    """The price up to which it charges in this slot."""
    if schedule.strategy == "threshold":
        return schedule.threshold_per_kwh
    if schedule.strategy == "percentile":
        ahead = [slot for slot in prices.slots if slot.start_s >= now.start_s]
        ahead.sort(key=lambda slot: slot.import_per_kwh)
        left_s = schedule.percentile_pct / 100.0 * sum(slot.end_s - max(slot.start_s, utc_s) for slot in ahead)
        for slot in ahead:
            left_s -= slot.end_s - max(slot.start_s, utc_s)
            if left_s <= 1e-6:
                return slot.import_per_kwh
        return now.import_per_kwh
    return None


def _next_s(schedule: Schedule, prices: PriceCurve, limit: float | None, from_s: float) -> float | None:
    for slot in prices.slots[bisect_right(prices.slots, from_s - 1e-6, key=_start_s) :]:
        if _cheap(schedule, limit, slot.level, slot.import_per_kwh):
            return slot.start_s
    return None
