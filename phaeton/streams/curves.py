"""Prices and forecasts as they come in: put in order, and without what makes no sense."""

from __future__ import annotations

from math import isfinite
from typing import TypeVar

from phaeton.model import ForecastCurve, ForecastSlot, PriceCurve, PriceSlot

MOST_SLOTS = 3000
"""A month of quarter hours."""

Slot = TypeVar("Slot", PriceSlot, ForecastSlot)


def sound_prices(curve: PriceCurve) -> PriceCurve:
    """Only slots with a length and prices, in order of time; of two that overlap the earlier one."""
    good = [s for s in curve.slots if isfinite(s.import_per_kwh) and isfinite(s.feed_in_per_kwh)]
    slots = _in_order(good)
    return curve if slots == curve.slots else PriceCurve(curve.mono_s, curve.utc_s, slots, curve.currency)


def sound_forecast(curve: ForecastCurve) -> ForecastCurve:
    """Only slots with a length and finite values, in order of time; of two that overlap the earlier one."""
    good = [
        s
        for s in curve.slots
        if all(value is None or isfinite(value) for value in (s.pv_w, s.consumption_w, s.surplus_w))
    ]
    slots = _in_order(good)
    return curve if slots == curve.slots else ForecastCurve(curve.mono_s, curve.utc_s, slots)


def newest_prices(before: PriceCurve | None, curve: PriceCurve, utc_s: float) -> PriceCurve:
    """The curve that came in, made sound; where it tells nothing new of the time ahead it is as old as the one before.

    What was decided by a curve is thought over only when another one comes.
    """
    found = sound_prices(curve)
    if before is None or before.currency != found.currency or _differ(before.slots, found.slots, utc_s):
        return found
    return PriceCurve(before.mono_s, before.utc_s, found.slots, found.currency)


def newest_forecast(before: ForecastCurve | None, curve: ForecastCurve, utc_s: float) -> ForecastCurve:
    """The same for a forecast."""
    found = sound_forecast(curve)
    if before is None or _differ(before.slots, found.slots, utc_s):
        return found
    return ForecastCurve(before.mono_s, before.utc_s, found.slots)


def _differ(before: tuple[Slot, ...], after: tuple[Slot, ...], utc_s: float) -> bool:
    """Whether two curves tell different things of the time ahead."""
    if before == after:
        return False
    return [slot for slot in before if slot.end_s > utc_s] != [slot for slot in after if slot.end_s > utc_s]


def _in_order(slots: list[Slot]) -> tuple[Slot, ...]:
    timed = [s for s in slots if isfinite(s.start_s) and isfinite(s.end_s) and s.end_s > s.start_s]
    found: list[Slot] = []
    for slot in sorted(timed, key=_start_s)[:MOST_SLOTS]:
        if not found or slot.start_s >= found[-1].end_s:
            found.append(slot)
    return tuple(found)


def _start_s(slot: PriceSlot | ForecastSlot) -> float:
    return slot.start_s
