"""The plan of a departure: when to charge so that the goal is met in time at the least cost.

Honest where it cannot be: too late means at once, with what will be missing; prices that end too early mean waiting
for them as long as the time after them suffices, and else planning only what does not fit there; a gap in the prices
is used when nothing else is left, and its cost is not invented.

The sun that is forecast is a source of its own: in its slots the car takes the surplus at the price that feeding in
would bring, and only what that leaves of the need is bought. Whether to buy in a sunny slot instead, at a price mixed
of both, is decided by the cost of the whole plan.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from phaeton.model import Plan, PlanSlot, PriceSlot, SlotWhy
from phaeton.streams.cheapest import Piece, cheapest, window

WS_PER_KWH = 3.6e6
LEAST_POWER_W = 100.0
NEAR_S = 1.0
"""A plan that ends so little after the deadline is in time."""
GAP_MARKUP = 100.0
"""A gap in the prices costs so much more per kWh than the dearest known slot: it is the last resort."""


class SunSlot(Struct, frozen=True, gc=False):
    """What is counted on from the sun, in W, from ``start_s`` until ``end_s``."""

    start_s: float
    end_s: float
    surplus_w: float


class Request(Struct, frozen=True, kw_only=True):
    """What is to be planned. Times are UTC seconds."""

    now_s: float
    departure_s: float
    need_kwh: float
    """From the socket."""
    power_w: float
    """What the car takes while it charges from the grid."""
    prices: tuple[PriceSlot, ...] = ()
    sun: tuple[SunSlot, ...] = ()
    feed_in_per_kwh: float = 0.0
    """Value of the sun where no price slot tells it."""
    margin_s: float = 900.0
    start_cost: float = 0.0
    continuous: bool = False
    precondition_s: float = 0.0
    flowing: bool = False
    """Current flows now; going on is no start."""
    keep_until_s: float = 0.0
    """What flows is not interrupted before this time."""


class Span(Struct, frozen=True):
    """A stretch of time in which nothing changes."""

    start_s: float
    end_s: float
    price: float | None
    """Of a kWh at the full power, the sun's share in it counted with its value."""
    grid_price: float | None
    value: float
    """Of a kWh of sun."""
    sun_w: float


class _Draft(Struct):
    """One way to meet the need."""

    slots: list[PlanSlot]
    cost: float
    """To compare with: starts count, and times without a price count as the dearest."""
    waits: bool
    sun_kwh: float


def plan(request: Request) -> Plan:
    """The plan; see `Plan` for what it tells."""
    deadline_s = request.departure_s - request.margin_s
    power_w = max(request.power_w, LEAST_POWER_W)
    made = Plan(
        made_utc_s=request.now_s,
        departure_utc_s=request.departure_s,
        deadline_utc_s=deadline_s,
        need_kwh=request.need_kwh,
        power_w=power_w,
    )
    if request.need_kwh <= 0:
        return replace(made, cost=0.0)
    need_ws = max(round(request.need_kwh * WS_PER_KWH), 1)
    if power_w * (deadline_s - request.now_s + NEAR_S) < need_ws:
        return _late(request, made, need_ws)
    draft = _best(request, spans(request, deadline_s, power_w), need_ws, power_w)
    slots = _merged(sorted(draft.slots, key=lambda slot: slot.start_s))
    return replace(
        made,
        slots=slots,
        done_utc_s=slots[-1].end_s,
        cost=_cost(slots),
        sun_kwh=draft.sun_kwh,
        waits_for_prices=draft.waits,
    )


def _late(request: Request, made: Plan, need_ws: int) -> Plan:
    """The deadline cannot be met: charge at once until the goal, and say what will be missing."""
    done_s = request.now_s + need_ws / made.power_w
    whole = spans(request, done_s, made.power_w)
    slots = _merged(PlanSlot(s.start_s, s.end_s, made.power_w, SlotWhy.LATE, s.price) for s in whole)
    in_time_kwh = max(made.deadline_utc_s - request.now_s, 0.0) * made.power_w / WS_PER_KWH
    missing_kwh = max(request.need_kwh - in_time_kwh, 0.0)
    return replace(
        made,
        slots=slots,
        done_utc_s=done_s,
        cost=_cost(slots),
        late_s=max(done_s - made.departure_utc_s, 0.0),
        missing_kwh=missing_kwh,
        missing_pct=100.0 * missing_kwh / request.need_kwh,
    )


def _cost(slots: tuple[PlanSlot, ...]) -> float | None:
    """What the slots cost; None where a price is not known."""
    cost = 0.0
    for slot in slots:
        if slot.price_per_kwh is None:
            return None
        cost += slot.power_w * (slot.end_s - slot.start_s) / WS_PER_KWH * slot.price_per_kwh
    return cost


def spans(request: Request, end_s: float, power_w: float) -> list[Span]:
    """The time from now to the end, cut wherever something changes."""
    now_s = request.now_s
    cuts = {now_s, end_s, end_s - request.precondition_s, request.keep_until_s}
    for slot in request.prices:
        cuts |= {slot.start_s, slot.end_s}
    for sun in request.sun:
        cuts |= {sun.start_s, sun.end_s}
    times = sorted(cut for cut in cuts if now_s <= cut <= end_s)
    found: list[Span] = []
    price_at = sun_at = 0
    for start_s, until_s in pairwise(times):
        while price_at < len(request.prices) and request.prices[price_at].end_s <= start_s:
            price_at += 1
        while sun_at < len(request.sun) and request.sun[sun_at].end_s <= start_s:
            sun_at += 1
        priced = price_at < len(request.prices) and request.prices[price_at].start_s <= start_s
        sunny = sun_at < len(request.sun) and request.sun[sun_at].start_s <= start_s
        sun_w = min(request.sun[sun_at].surplus_w, power_w) if sunny else 0.0
        slot_price = request.prices[price_at].import_per_kwh if priced else None
        value = request.prices[price_at].feed_in_per_kwh if priced else request.feed_in_per_kwh
        price = slot_price
        if slot_price is not None and sun_w > 0:
            price = effective_price(slot_price, value, sun_w / power_w)
        found.append(Span(start_s, until_s, price, slot_price, value, sun_w))
    return found


def effective_price(import_per_kwh: float, feed_in_per_kwh: float, sun_share: float) -> float:
    """What a kWh costs when the sun gives a share (0 to 1) of the power that would otherwise be fed in."""
    share = min(max(sun_share, 0.0), 1.0)
    return (1.0 - share) * import_per_kwh + share * feed_in_per_kwh


def _best(request: Request, spans: list[Span], need_ws: int, power_w: float) -> _Draft:
    """The cheapest of: all from the grid (with the sun in it), or the sun in its slots and the grid in the others."""
    bought = _buy(request, spans, need_ws, power_w)
    sunny = [span for span in spans if span.sun_w > 0 and span.end_s > request.keep_until_s]
    if not sunny:
        return bought
    shared = _with_sun(request, spans, sunny, need_ws, power_w)
    if shared is None:
        return bought
    drafts = [bought, shared]
    paid = [slot.price_per_kwh for slot in shared.slots if slot.why is SlotWhy.PRICE and slot.price_per_kwh is not None]
    if paid:
        dear = [span for span in sunny if span.grid_price is None or span.grid_price > max(paid)]
        mixed = _with_sun(request, spans, dear, need_ws, power_w) if len(dear) < len(sunny) else None
        if mixed is not None:
            drafts.append(mixed)
    return min(drafts, key=lambda draft: draft.cost)


def _with_sun(request: Request, spans: list[Span], sunny: list[Span], need_ws: int, power_w: float) -> _Draft | None:
    """The sun alone in the given spans; what it leaves is bought in the others, None where that is not possible."""
    lit = {span.start_s for span in sunny}
    others = [span for span in spans if span.start_s not in lit]
    sun_ws = sum(int(span.sun_w * (span.end_s - span.start_s)) for span in sunny)
    bought_ws = max(need_ws - sun_ws, 0)
    draft = _Draft([], 0.0, False, 0.0)
    if bought_ws:
        if sum(int((span.end_s - span.start_s) * power_w) for span in others) < bought_ws:
            return None
        draft = _buy(request, others, bought_ws, power_w)
    left_ws = float(need_ws - bought_ws)
    for span in sunny:
        if left_ws <= 0:
            break
        took_ws = min(span.sun_w * (span.end_s - span.start_s), left_ws)
        left_ws -= took_ws
        draft.sun_kwh += took_ws / WS_PER_KWH
        draft.cost += took_ws / WS_PER_KWH * span.value
        until_s = span.start_s + took_ws / span.sun_w
        draft.slots.append(PlanSlot(span.start_s, until_s, span.sun_w, SlotWhy.SUN, span.value))
    return draft


def _buy(request: Request, spans: list[Span], need_ws: int, power_w: float) -> _Draft:
    """Charge at the full power in the cheapest of the spans."""
    end_s = request.departure_s - request.margin_s
    warm_s = end_s - request.precondition_s
    known_until_s = max((span.end_s for span in spans if span.price is not None), default=request.now_s)
    dearest = max((span.price for span in spans if span.price is not None), default=0.0)
    pieces = [
        Piece(
            span.start_s,
            span.end_s,
            power_w,
            dearest + GAP_MARKUP if span.price is None else span.price,
            span.end_s <= request.keep_until_s or span.start_s >= warm_s,
        )
        for span in spans
    ]
    tail = [i for i, span in enumerate(spans) if span.price is None and span.start_s >= known_until_s]
    taken, waits = _forced(pieces, need_ws, request.keep_until_s), False
    if taken is None:
        taken, waits = _planned(request, pieces, tail, need_ws)
    return _draft(request, spans, taken, power_w, waits)


def _forced(pieces: list[Piece], need_ws: int, keep_until_s: float) -> list[int] | None:
    """What must be used anyway, where that is enough: what runs first, then the end; None where it is not."""
    taken, left_ws = [0] * len(pieces), need_ws
    running = [i for i, piece in enumerate(pieces) if piece.forced and piece.end_s <= keep_until_s]
    warming = [i for i, piece in enumerate(pieces) if piece.forced and piece.end_s > keep_until_s]
    for i in (*running, *reversed(warming)):
        taken[i] = min(_energy(pieces[i]), left_ws)
        left_ws -= taken[i]
    return taken if left_ws <= 0 else None


def _energy(piece: Piece) -> int:
    return round((piece.end_s - piece.start_s) * piece.power_w)


def _planned(request: Request, pieces: list[Piece], tail: list[int], need_ws: int) -> tuple[list[int], bool]:
    """What to take in each piece, and whether it waits for prices."""
    free = [i for i in tail if not pieces[i].forced]
    sure_ws = sum(_energy(piece) for piece in pieces if piece.forced)
    if sum(_energy(pieces[i]) for i in free) >= need_ws - sure_ws:
        taken, left_ws = [_energy(piece) if piece.forced else 0 for piece in pieces], need_ws - sure_ws
        for i in reversed(free):
            taken[i] = min(_energy(pieces[i]), left_ws)
            left_ws -= taken[i]
        return taken, True
    for i in free:
        pieces[i] = Piece(pieces[i].start_s, pieces[i].end_s, pieces[i].power_w, pieces[i].price_per_kwh, True)
    if request.continuous:
        return _unbroken(request, pieces, tail, need_ws), False
    return cheapest(pieces, need_ws, request.start_cost, running=request.flowing), False


def _unbroken(request: Request, pieces: list[Piece], tail: list[int], need_ws: int) -> list[int]:
    """In one block: what runs goes on; what must end in the tail begins before it; else the cheapest window."""
    taken, left_ws = [0] * len(pieces), need_ws
    if tail or pieces[0].forced:
        for i in range(len(pieces)) if pieces[0].forced else reversed(range(len(pieces))):
            taken[i] = min(_energy(pieces[i]), left_ws)
            left_ws -= taken[i]
        return taken
    free = [i for i, piece in enumerate(pieces) if not piece.forced]
    sure_ws = sum(_energy(piece) for piece in pieces if piece.forced)
    found = window([pieces[i] for i in free], need_ws - sure_ws)
    if found is None:
        return cheapest(pieces, need_ws, request.start_cost, running=request.flowing)
    taken = [_energy(piece) if piece.forced else 0 for piece in pieces]
    for i, took in zip(free, found, strict=True):
        taken[i] = took
    return taken


def _draft(request: Request, spans: list[Span], taken: list[int], power_w: float, waits: bool) -> _Draft:
    """The slots of what is taken: a piece used in part is cut at its end after a used one, else begun late."""
    warm_s = request.departure_s - request.margin_s - request.precondition_s
    dearest = max((span.price for span in spans if span.price is not None), default=0.0)
    draft = _Draft([], 0.0, waits, 0.0)
    flowing_until_s = request.now_s if request.flowing else None
    for span, took in zip(spans, taken, strict=True):
        if not took:
            continue
        length_s = took / power_w
        whole = length_s >= span.end_s - span.start_s - 1e-3
        if whole:
            start_s, end_s = span.start_s, span.end_s
        elif flowing_until_s == span.start_s:
            start_s, end_s = span.start_s, span.start_s + length_s
        else:
            start_s, end_s = span.end_s - length_s, span.end_s
        if flowing_until_s != start_s:
            draft.cost += request.start_cost
        flowing_until_s = end_s
        why = SlotWhy.UNPRICED if span.price is None else SlotWhy.PRICE
        if request.precondition_s > 0 and span.start_s >= warm_s:
            why = SlotWhy.PRECONDITION
        draft.cost += took / WS_PER_KWH * (dearest if span.price is None else span.price)
        draft.slots.append(PlanSlot(start_s, end_s, power_w, why, span.price))
    return draft


def _merged(slots: Iterable[PlanSlot]) -> tuple[PlanSlot, ...]:
    """Neighbours that differ in nothing as one."""
    merged: list[PlanSlot] = []
    for slot in slots:
        last = merged[-1] if merged else None
        if (
            last is not None
            and last.end_s == slot.start_s
            and (last.power_w, last.why, last.price_per_kwh) == (slot.power_w, slot.why, slot.price_per_kwh)
        ):
            merged[-1] = PlanSlot(last.start_s, slot.end_s, slot.power_w, slot.why, slot.price_per_kwh)
        else:
            merged.append(slot)
    return tuple(merged)


def blocks(slots: tuple[PlanSlot, ...]) -> list[tuple[float, float]]:
    """The unbroken stretches that are charged from the grid (UTC seconds)."""
    found: list[tuple[float, float]] = []
    for slot in slots:
        if slot.why is SlotWhy.SUN:
            continue
        if found and abs(found[-1][1] - slot.start_s) < 1e-6:
            found[-1] = (found[-1][0], slot.end_s)
        else:
            found.append((slot.start_s, slot.end_s))
    return found


def planned_kwh(plan: Plan, until_s: float) -> float:
    """What the plan should have brought until a time (UTC seconds)."""
    ws = sum(slot.power_w * (min(slot.end_s, until_s) - slot.start_s) for slot in plan.slots if slot.start_s < until_s)
    return ws / WS_PER_KWH
