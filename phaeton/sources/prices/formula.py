"""From a source's price to what a kWh costs and brings: taxes, fees of the hour, feed-in."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise

from msgspec.structs import replace

from phaeton.config.tree_prices import Formula, Prices
from phaeton.model import PriceSlot
from phaeton.sources.prices.table import RawSlot
from phaeton.sources.service.days import Wall


def priced(slots: Sequence[RawSlot], formula: Formula | None, config: Prices, wall: Wall) -> tuple[PriceSlot, ...]:
    """The slots by the formula: (price + add) x factor + the fees of the hour; without one they are what is paid.

    A slot is cut where a fee begins or ends. Values are kept to a millionth, so that they do not depend on rounding.
    """
    if not slots:
        return ()
    rule = Formula() if formula is None else formula
    borders = wall.borders(rule.fees, slots[0].start_s, slots[-1].end_s)
    found: list[PriceSlot] = []
    for slot in slots:
        feed_in = _feed_in(slot, config)
        base = (slot.price + rule.add_per_kwh) * rule.factor
        inside = borders[bisect_right(borders, slot.start_s) : bisect_left(borders, slot.end_s)]
        pieces: list[PriceSlot] = []
        for start_s, end_s in pairwise([slot.start_s, *inside, slot.end_s]):
            price = round(base + sum(fee.per_kwh for fee in rule.fees if wall.fits(fee, start_s)), 6)
            if pieces and pieces[-1].import_per_kwh == price:
                pieces[-1] = replace(pieces[-1], end_s=end_s)
            else:
                pieces.append(PriceSlot(start_s, end_s, price, feed_in, slot.level))
        found += pieces
    return tuple(found)


def _feed_in(slot: RawSlot, config: Prices) -> float:
    """What feeding in brings in the slot."""
    rule = config.feed_in
    if rule.follows == "fixed" or slot.spot is None:
        return config.feed_in_per_kwh
    value = (slot.spot + rule.add_per_kwh) * rule.factor
    return round(value if rule.least_per_kwh is None else max(value, rule.least_per_kwh), 6)
