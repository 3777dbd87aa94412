"""The planner against brute force on small cases, and what must hold of any plan."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from phaeton.model import Plan, PriceSlot, SlotWhy
from phaeton.streams.cheapest import Piece, cheapest, window
from phaeton.streams.planner import Request, SunSlot, blocks, plan, planned_kwh

MINUTE_S = 60.0
POWER_W = 60_000.0
"""One kWh a minute."""


@st.composite
def small_days(draw: st.DrawFn) -> tuple[list[Piece], int]:
    """Pieces of one to three minutes, with gaps and with pieces that must be used, and a need in whole minutes."""
    pieces: list[Piece] = []
    minute = 0
    lengths = draw(st.lists(st.integers(1, 3), min_size=2, max_size=6))
    for length in lengths:
        if minute + length > 11:
            break
        minute += draw(st.sampled_from([0, 0, 0, 0, 1]))
        price = draw(st.sampled_from([-1.0, 0.0, 1.0, 2.0, 2.5, 3.0, 4.0]))
        forced = draw(st.sampled_from([False, False, False, False, True]))
        pieces.append(Piece(minute * MINUTE_S, (minute + length) * MINUTE_S, POWER_W, price, forced))
        minute += length
    lasts = [round((p.end_s - p.start_s) / MINUTE_S) for p in pieces]
    least = sum(last for last, piece in zip(lasts, pieces, strict=True) if piece.forced) + 1
    return pieces, draw(st.integers(min(least, sum(lasts)), sum(lasts)))


def by_minutes(pieces: list[Piece]) -> list[tuple[int, float, bool]]:
    return [
        (minute, piece.price_per_kwh, piece.forced)
        for piece in pieces
        for minute in range(round(piece.start_s / MINUTE_S), round(piece.end_s / MINUTE_S))
    ]


def cost_of(on: set[int], pieces: list[Piece], start_cost: float, *, running: bool) -> float:
    cost = 0.0
    for minute, price, _ in by_minutes(pieces):
        if minute in on:
            going_on = minute - 1 in on or (running and minute == round(pieces[0].start_s / MINUTE_S))
            cost += price + (0.0 if going_on else start_cost)
    return cost


def brute(pieces: list[Piece], need: int, start_cost: float, *, running: bool) -> float:
    """The least cost over every choice of minutes."""
    minutes = by_minutes(pieces)
    best = float("inf")
    for mask in range(1 << len(minutes)):
        if mask.bit_count() != need:
            continue
        on = {minute for n, (minute, _, _) in enumerate(minutes) if mask >> n & 1}
        if all(minute in on for minute, _, forced in minutes if forced):
            best = min(best, cost_of(on, pieces, start_cost, running=running))
    return best


@settings(max_examples=150, deadline=None)
@given(small_days(), st.sampled_from([0.0, 0.3, 1.0, 2.5]), st.booleans())
def test_no_choice_of_minutes_is_cheaper(day: tuple[list[Piece], int], start_cost: float, running: bool) -> None:
    pieces, need = day
    taken = cheapest(pieces, round(need * MINUTE_S * POWER_W), start_cost, running=running)
    assert sum(taken) == need * MINUTE_S * POWER_W
    on: set[int] = set()
    flowing = running
    for n, (piece, took) in enumerate(zip(pieces, taken, strict=True)):
        first, last = round(piece.start_s / MINUTE_S), round(piece.end_s / MINUTE_S)
        count = round(took / MINUTE_S / POWER_W)
        joined = running if n == 0 else pieces[n - 1].end_s == piece.start_s
        on |= set(range(first, first + count) if flowing and joined else range(last - count, last))
        flowing = count > 0 and (count == last - first or not (flowing and joined))
        assert not piece.forced or count == last - first
    ours = cost_of(on, pieces, start_cost, running=running)
    assert abs(ours - brute(pieces, need, start_cost, running=running)) < 1e-3


@settings(max_examples=100, deadline=None)
@given(small_days())
def test_no_window_is_cheaper(day: tuple[list[Piece], int]) -> None:
    pieces, need = day
    found = window(pieces, round(need * MINUTE_S * POWER_W))
    prices = {minute: price for minute, price, _ in by_minutes(pieces)}
    costs = [
        sum(prices[m] for m in range(first, first + need))
        for first in prices
        if all(m in prices for m in range(first, first + need))
    ]
    if found is None:
        assert costs == []
        return
    ours = sum(took * piece.price_per_kwh / 3.6e6 for took, piece in zip(found, pieces, strict=True))
    assert abs(ours - min(costs)) < 1e-3
    assert sum(found) == need * MINUTE_S * POWER_W


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Anything that may be asked of the planner: mixed slots, gaps, prices that end early, forecasts, all options."""
    now_s = draw(st.integers(0, 3600))
    slots: list[PriceSlot] = []
    start_s = 0.0
    for _ in range(draw(st.integers(0, 24))):
        length_s = draw(st.sampled_from([900.0, 900.0, 3600.0]))
        if draw(st.integers(0, 7)):
            price = draw(st.integers(-10, 60)) / 100
            slots.append(PriceSlot(start_s, start_s + length_s, price, draw(st.sampled_from([0.0, 0.08]))))
        start_s += length_s
    sun = [
        SunSlot(hour * 3600.0, hour * 3600.0 + 3600.0, float(watts))
        for hour, watts in draw(st.dictionaries(st.integers(0, 12), st.integers(1400, 9000), max_size=6)).items()
    ]
    return Request(
        now_s=float(now_s),
        departure_s=draw(st.integers(0, 20 * 3600)) + 900.0,
        need_kwh=draw(st.integers(0, 600)) / 10,
        power_w=draw(st.sampled_from([1400.0, 3680.0, 7400.0, 11000.0])),
        prices=tuple(slots),
        sun=tuple(sorted(sun, key=lambda s: s.start_s)),
        start_cost=draw(st.sampled_from([0.0, 0.02, 0.5])),
        continuous=draw(st.booleans()),
        precondition_s=draw(st.sampled_from([0.0, 900.0, 7200.0])),
        flowing=draw(st.booleans()),
        keep_until_s=draw(st.sampled_from([0.0, now_s + 600.0])),
    )


def gives_kwh(made: Plan) -> float:
    return planned_kwh(made, 1e18)


@settings(max_examples=300, deadline=None)
@given(requests())
def test_a_plan_gives_what_is_needed_in_time_or_says_that_it_is_late(request: Request) -> None:
    made = plan(request)
    assert all(slot.end_s > slot.start_s >= request.now_s for slot in made.slots)
    assert all(a.end_s <= b.start_s + 1e-6 for a, b in pairwise(made.slots))
    assert abs(gives_kwh(made) - request.need_kwh) < 0.01
    if request.need_kwh == 0:
        assert made.slots == ()
        return
    assert made.done_utc_s == made.slots[-1].end_s
    late = made.missing_kwh > 0.01
    possible_kwh = max(made.deadline_utc_s - request.now_s, 0) * made.power_w / 3.6e6
    assert late == (possible_kwh < request.need_kwh - 0.01)
    if late:
        assert made.slots[0].start_s == request.now_s
        assert len(blocks(made.slots)) == 1
        assert abs(made.missing_kwh - (request.need_kwh - possible_kwh)) < 0.01
    else:
        assert made.slots[-1].end_s <= made.deadline_utc_s + 1.0


@settings(max_examples=200, deadline=None)
@given(requests())
def test_a_price_that_is_not_known_is_never_in_the_cost(request: Request) -> None:
    made = plan(request)
    known = [slot for slot in made.slots if slot.why is not SlotWhy.SUN]
    for slot in known:
        within = [p for p in request.prices if p.start_s < slot.end_s and slot.start_s < p.end_s]
        assert (slot.price_per_kwh is None) == (not within)
    assert (made.cost is None) == any(slot.price_per_kwh is None for slot in made.slots)


@settings(max_examples=200, deadline=None)
@given(requests())
def test_what_runs_and_is_to_be_finished_is_not_interrupted(request: Request) -> None:
    if request.keep_until_s == 0 or request.need_kwh == 0 or any(slot.end_s > request.now_s for slot in request.sun):
        return
    made = plan(request)
    first, last = blocks(made.slots)[0]
    assert first == request.now_s
    assert last >= min(request.keep_until_s, made.done_utc_s or 0.0, made.deadline_utc_s) - 1.0


@settings(max_examples=100, deadline=None)
@given(requests())
def test_the_same_request_gives_the_same_plan(request: Request) -> None:
    assert plan(request) == plan(request)
