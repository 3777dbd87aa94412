"""Several points, one site: split the surplus before the points decide, and the site's limits inside them.

By priority, then equally; equals start in the order that they were plugged in. A running point keeps its minimum
before another of the same priority starts; what a point of lower priority uses counts as available for a higher one.
"""

from __future__ import annotations

from msgspec import Struct

from phaeton.model import Reason, Why
from phaeton.streams.limits import FREE_ROOM, NO_CAP, Cap, Room


class Claim(Struct, frozen=True, gc=False):
    """What a point in auto brings to the sharing of the surplus (W)."""

    index: int
    priority: int
    plugged_s: float
    running: bool
    min_w: float
    want_w: float
    """The most that it can use: its limit, or little more than it uses where it leaves some of its offer."""


class Offer(Struct, frozen=True, gc=False):
    """The surplus for one point, to raise and to lower with (W)."""

    raise_w: float
    lower_w: float
    shared: bool = False


def offers(claims: tuple[Claim, ...], raise_w: float, lower_w: float) -> dict[int, Offer]:
    """Split what the sun leaves for all points in auto; by index of the point."""
    if len(claims) == 1:
        return {claims[0].index: Offer(raise_w, lower_w)}
    up, down = _split(claims, raise_w), _split(claims, lower_w)
    return {c.index: Offer(up[c.index], down[c.index], up[c.index] < raise_w) for c in claims}


def _split(claims: tuple[Claim, ...], pool_w: float) -> dict[int, float]:
    shares: dict[int, float] = {}
    left_w = pool_w
    for priority in sorted({c.priority for c in claims}, reverse=True):
        tier = sorted((c for c in claims if c.priority == priority), key=lambda c: (c.plugged_s, c.index))
        running = [c for c in tier if c.running]
        given_w = _equally(running, left_w)
        shares.update(given_w)
        kept_w = sum(c.min_w for c in running)
        for claim in tier:
            if not claim.running:
                shares[claim.index] = left_w - kept_w
                if shares[claim.index] >= claim.min_w:
                    kept_w += claim.min_w
        left_w -= sum(min(given_w[c.index], c.want_w) for c in running if given_w[c.index] > 0)
    return shares


def _equally(running: list[Claim], pool_w: float) -> dict[int, float]:
    """Each its minimum in order of plugging in, then the rest equally up to what each can use."""
    given: dict[int, float] = {}
    left_w = pool_w
    for claim in running:
        given[claim.index] = min(left_w, claim.min_w)
        left_w -= max(given[claim.index], 0.0)
    hungry = [c for c in running if given[c.index] >= c.min_w and c.want_w > c.min_w]
    while hungry and left_w > 1.0:
        part_w = left_w / len(hungry)
        for claim in hungry:
            more_w = min(part_w, claim.want_w - given[claim.index])
            given[claim.index] += more_w
            left_w -= more_w
        hungry = [c for c in hungry if c.want_w - given[c.index] > 1.0]
    if left_w > 0 and running and not hungry:
        given[running[0].index] += left_w
    return given


class Load(Struct, frozen=True, gc=False):
    """A point beside the site's limits: what it would use, and on which of the grid's phases."""

    index: int
    priority: int
    plugged_s: float
    running: bool
    waiting: bool
    """It would begin in this step if there were room for its minimum."""
    min_a: float
    want_a: float
    lines: tuple[int, ...]
    """Indexes of the grid's phases that it loads."""
    volt_v: float
    reserved_a: float = 0.0
    """For a point that cannot be reached: what it may draw, whatever we decide."""
    seen_a: float = 0.0
    """What of that is already in the site's measurement as a load of the house."""


def caps(loads: tuple[Load, ...], room: Room) -> dict[int, Cap]:
    """Split what the house connection leaves; the sum of all setpoints stays inside it."""
    if room is FREE_ROOM or room == FREE_ROOM:
        return {load.index: NO_CAP for load in loads}
    now = _deal(loads, room.phase_now_a, room.total_now_w)
    up = _deal(loads, room.phase_raise_a, room.total_raise_w)
    return {
        load.index: Cap(
            now[load.index][0], min(up[load.index][0], now[load.index][0]), _reason(room, now[load.index], load)
        )
        for load in loads
    }


def _reason(room: Room, dealt: tuple[float, bool], load: Load) -> Reason:
    return Reason(room.total_why if dealt[1] else Why.LIMIT_FUSE, dealt[0])


def _deal(
    loads: tuple[Load, ...], phase_a: tuple[float, float, float], total_w: float
) -> dict[int, tuple[float, bool]]:
    """A for each point and whether the total in W is what binds it."""
    left_a = list(phase_a)
    left_w = total_w
    for load in loads:
        hidden_a = max(load.reserved_a - load.seen_a, 0.0)
        for line in load.lines:
            left_a[line] -= hidden_a
        left_w -= hidden_a * load.volt_v * len(load.lines)
    free = [x for x in loads if x.reserved_a <= 0.0]
    order = sorted(free, key=lambda x: (not x.running, -x.priority, x.plugged_s, x.index))
    dealt = {load.index: (load.reserved_a, False) for load in loads}
    kept: dict[int, float] = {}
    for load in order:
        if (load.running or load.waiting) and _fits(load, left_a, left_w) >= load.min_a:
            kept[load.index] = load.min_a
            left_w = _take(load, load.min_a, left_a, left_w)
    order.sort(key=lambda x: (-x.priority, not x.running, x.plugged_s, x.index))
    for position, load in enumerate(order):
        mine_a = kept.get(load.index, 0.0)
        later = order[position + 1 :]
        peers = 1 + sum(1 for x in later if x.priority == load.priority and x.index in kept and load.index in kept)
        fits_a = _fits(load, left_a, left_w)
        more_a = fits_a / peers if fits_a > 0 else fits_a
        limit_a = max(mine_a + more_a, 0.0)
        by_total = left_w / (load.volt_v * len(load.lines)) <= min(left_a[line] for line in load.lines)
        dealt[load.index] = (limit_a, by_total)
        use_a = min(limit_a, load.want_a)
        if use_a >= load.min_a:
            left_w = _take(load, use_a - mine_a, left_a, left_w)
    return dealt


def _fits(load: Load, left_a: list[float], left_w: float) -> float:
    return min(*(left_a[line] for line in load.lines), left_w / (load.volt_v * len(load.lines)))


def _take(load: Load, current_a: float, left_a: list[float], left_w: float) -> float:
    for line in load.lines:
        left_a[line] -= current_a
    return left_w - current_a * load.volt_v * len(load.lines)


class Shared(Struct, frozen=True, gc=False):
    """What the site gives a point in this step."""

    offer: Offer | None
    """The surplus, for points in auto while the house is known."""
    cap: Cap
    blind: bool
    battery_full: bool
    notes: tuple[Reason, ...] = ()
