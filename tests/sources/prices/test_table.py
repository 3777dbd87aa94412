"""Rows made sound: in order, without overlaps, gaps left open, everything odd dropped and counted."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phaeton.links.http import TroubleKind
from phaeton.sources.prices.table import MOST_ROWS, RawSlot, Row, covering, merged, sound
from phaeton.sources.service.answers import ServiceError

DAY_S = 1_795_474_800.0
Q = 900.0
NAN = math.nan


def at(quarter: float) -> float:
    return DAY_S + quarter * Q


@pytest.mark.parametrize(
    ("rows", "slots", "dropped"),
    [
        ([Row(at(1), 0.2), Row(at(0), 0.1)], [(0, 1, 0.1), (1, 2, 0.2)], {}),
        ([Row(at(0), 0.1), Row(at(0), 0.1), Row(at(1), 0.2)], [(0, 1, 0.1), (1, 2, 0.2)], {"twice": 1}),
        (
            [Row(at(0), 0.1), Row(at(1), 0.3), Row(at(1), 0.2), Row(at(2), 0.4)],
            [(0, 1, 0.1), (2, 3, 0.4)],
            {"contradicting": 2},
        ),
        ([Row(at(0), 0.1), Row(at(1), 0.2), Row(at(3), 0.4)], [(0, 1, 0.1), (1, 2, 0.2), (3, 4, 0.4)], {}),
        ([Row(at(0), None), Row(at(1), NAN), Row(at(2), -0.05)], [(2, 6, -0.05)], {"no price": 2}),
        ([Row(None, 0.1), Row(NAN, 0.1), Row(math.inf, 0.1), Row(at(0), 0.0)], [(0, 4, 0.0)], {"no time": 3}),
        ([Row(at(0) + 7, 0.1), Row(5.0e12, 0.1), Row(at(0), 0.1)], [(0, 4, 0.1)], {"odd time": 2}),
        ([Row(at(0), 0.1, at(0)), Row(at(0), 0.1, at(-1)), Row(at(1), 0.2, at(2))], [(1, 2, 0.2)], {"odd time": 2}),
        ([Row(at(0), 0.1, at(4)), Row(at(1), 0.2, at(2))], [(0, 1, 0.1), (1, 2, 0.2)], {"overlapping": 1}),
        ([Row(at(0), 0.1, at(4)), Row(at(8), 0.2, at(12))], [(0, 4, 0.1), (8, 12, 0.2)], {}),
        ([], [], {}),
    ],
)
def test_rows_become_slots(rows: list[Row], slots: list[tuple[float, float, float]], dropped: dict[str, int]) -> None:
    table = sound(rows)
    assert [((s.start_s - DAY_S) / Q, (s.end_s - DAY_S) / Q, s.price) for s in table.slots] == slots
    assert table.dropped == dropped


@pytest.mark.parametrize(
    ("price", "currency"), [(81.56, "EUR"), (25.0, "GBP"), (-800.0, "SEK"), (90000.0, "HUF"), (6000.0, "")]
)
def test_a_price_per_megawatt_hour_or_in_cents_is_a_mistake_and_refuses_all(price: float, currency: str) -> None:
    with pytest.raises(ServiceError, match="unit") as error:
        sound([Row(at(0), 0.1), Row(at(1), price)], currency)
    assert error.value.trouble.kind is TroubleKind.GARBAGE


@pytest.mark.parametrize(("price", "currency"), [(4.0, "EUR"), (-0.6, "EUR"), (40.0, "SEK"), (300.0, "HUF")])
def test_a_high_price_is_a_price(price: float, currency: str) -> None:
    assert sound([Row(at(0), price)], currency).slots[0].price == price


def test_an_answer_without_end_is_refused() -> None:
    with pytest.raises(ServiceError, match=str(MOST_ROWS)):
        sound(Row(at(n), 0.1) for n in range(MOST_ROWS + 1))


def test_new_slots_hold_where_old_ones_overlap() -> None:
    old = (RawSlot(0, 3600, 1.0), RawSlot(3600, 7200, 2.0))
    assert merged(old, (RawSlot(900, 1800, 9.0),)) == (
        RawSlot(0, 900, 1.0),
        RawSlot(900, 1800, 9.0),
        RawSlot(1800, 3600, 1.0),
        RawSlot(3600, 7200, 2.0),
    )
    assert merged(old, ()) == old
    assert merged((), old) == old


def test_prices_are_known_until_the_first_gap() -> None:
    slots = (RawSlot(0, 900, 1.0), RawSlot(900, 1800, 1.0), RawSlot(2700, 3600, 1.0))
    assert [covering(slots, s) for s in (-1.0, 0.0, 900.0, 1800.0, 2700.0)] == [-1.0, 1800.0, 1800.0, 1800.0, 3600.0]


numbers = st.none() | st.floats() | st.floats(-1, 1)
times = st.none() | st.floats() | st.integers(-5, 60).map(at) | st.integers(-5, 600).map(lambda n: DAY_S + n * 300.0)
rows = st.lists(st.builds(Row, times, numbers, times, numbers, st.text(max_size=3)), max_size=30)


@given(rows, rows)
def test_any_rows_give_slots_in_order_without_overlaps_or_an_error_in_words(one: list[Row], other: list[Row]) -> None:
    try:
        first, second = sound(one).slots, sound(other).slots
    except ServiceError:
        return
    for slots in (first, second, merged(first, second)):
        assert all(math.isfinite(slot.price) and slot.end_s > slot.start_s for slot in slots)
        assert all(before.end_s <= after.start_s for before, after in pairwise(slots))
    given_prices = {row.price for row in (*one, *other)}
    assert all(slot.price in given_prices for slot in merged(first, second))
