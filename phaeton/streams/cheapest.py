"""The cheapest times for an amount of energy, exactly, where each start costs something.

A need of energy is spread over pieces of time with a price each. At an optimum every piece is used as a whole or not
at all, but one. Prices alone would be a matter of sorting; the cost of starts makes it a search, which a Lagrangian
bound keeps small: with a price on the energy itself the best choice is a walk over the pieces, that walk bounds every
partial choice, and only what stays below the bound is followed. Most plans are settled before by two simple answers:
the single cheapest window, and the cheapest pieces where they happen to lie together.

Of plans that cost the same the one with the fewest starts is taken, and of those the latest.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from operator import itemgetter

from msgspec import Struct

LEAST_START_COST = 1e-6
"""A start always costs a little, so that of equal plans the one in fewer blocks is taken."""
LATE_PER_KWH = 1e-9
"""What charging at the beginning costs more than at the end, so that of equal plans the latest is taken."""
MOST_LABELS = 10_000
"""The search ends here with the best plan that is known; it bounds the time on a slow machine."""
_WS_PER_KWH = 3.6e6
_EXACT = 1e-12
_MOST_WALKS = 100
_MOST_REMAINDERS = 16


class Piece(Struct, frozen=True, gc=False):
    """A stretch of time at one price."""

    start_s: float
    end_s: float
    power_w: float
    """What is paid for while charging in it."""
    price_per_kwh: float
    forced: bool = False
    """Used in any case."""


class _Task(Struct):
    """The pieces as columns: energy (Ws), cost of a whole piece, whether it follows its neighbour without a gap."""

    energy: list[int]
    cost: list[float]
    rate: list[float]
    joined: list[bool]
    forced: list[bool]
    need: int
    start_cost: float
    running: bool


def energy_ws(piece: Piece) -> int:
    """What a whole piece gives (Ws)."""
    return round((piece.end_s - piece.start_s) * piece.power_w)


def cheapest(pieces: Sequence[Piece], need_ws: int, start_cost: float, *, running: bool = False) -> list[int]:
    """How much (Ws) to take in each piece, in order of time and without overlaps, at the least cost.

    ``need_ws`` counts the forced pieces and is more than they give; where all pieces together give less, all are used.
    ``running``: current flows already, going on in the first piece is no start.
    """
    task = _task(pieces, need_ws, max(start_cost, LEAST_START_COST), running)
    if sum(task.energy) <= need_ws:
        return list(task.energy)
    greedy = _greedy(task)
    least = _energy_cost(task, greedy)
    best, best_cost = greedy, least + task.start_cost * _starts(task, greedy)
    if not any(task.forced):
        window = _window(task)
        if window is not None:
            window_cost = _energy_cost(task, window) + task.start_cost * _starts(task, window)
            if window_cost <= best_cost:
                best, best_cost = window, window_cost
            if window_cost <= least + task.start_cost * (1 if running else 2) + _EXACT:
                return best
    if best_cost <= least + task.start_cost * _fewest(task) + _EXACT:
        return best
    return _search(task, best, best_cost)


def window(pieces: Sequence[Piece], need_ws: int) -> list[int] | None:
    """The cheapest unbroken window, the latest of equal ones; None where no unbroken stretch is long enough."""
    return _window(_task(pieces, need_ws, LEAST_START_COST, running=False))


def _task(pieces: Sequence[Piece], need_ws: int, start_cost: float, running: bool) -> _Task:
    energy = [energy_ws(p) for p in pieces]
    begin_s, end_s = pieces[0].start_s, pieces[-1].end_s
    late = LATE_PER_KWH / (end_s - begin_s)
    rate = [(p.price_per_kwh + late * (end_s - p.start_s)) / _WS_PER_KWH for p in pieces]
    joined = [running, *(pieces[i].start_s == pieces[i - 1].end_s for i in range(1, len(pieces)))]
    cost = [e * r for e, r in zip(energy, rate, strict=True)]
    return _Task(energy, cost, rate, joined, [p.forced for p in pieces], need_ws, start_cost, running)


def _fewest(task: _Task) -> int:
    """Starts that no plan can do without."""
    return 0 if task.running else 1


def _energy_cost(task: _Task, taken: list[int]) -> float:
    return sum([t * r for t, r in zip(taken, task.rate, strict=True)])


def _starts(task: _Task, taken: list[int]) -> int:
    """Starts of a plan: a piece that is used in part ends its block where it can, else it begins one."""
    starts, flowing = 0, task.running
    for took, whole, joined in zip(taken, task.energy, task.joined, strict=True):
        if not took:
            flowing = False
            continue
        on = flowing and joined
        starts += not on
        flowing = not on or took == whole
    return starts


def _greedy(task: _Task) -> list[int]:
    """The cheapest pieces, whatever they cost in starts."""
    taken = [e if forced else 0 for e, forced in zip(task.energy, task.forced, strict=True)]
    left = task.need - sum(taken)
    for index in sorted(range(len(taken)), key=task.rate.__getitem__):
        if left <= 0:
            break
        if not task.forced[index]:
            taken[index] = min(task.energy[index], left)
            left -= taken[index]
    return taken


def _window(task: _Task) -> list[int] | None:
    count, need, rate = len(task.energy), task.need, task.rate
    filled, paid = [0], [0.0]
    for energy, cost in zip(task.energy, task.cost, strict=True):
        filled.append(filled[-1] + energy)
        paid.append(paid[-1] + cost)
    best: tuple[float, int, int] | None = None
    first = 0
    while first < count:
        after = first + 1
        while after < count and task.joined[after]:
            after += 1
        for index in range(first, after):
            # Beginning with this piece and cut in a later one; ending with this piece and begun late in an earlier one.
            last = bisect_left(filled, filled[index] + need, index + 1, after + 1) - 1
            if last < after:
                over = filled[last + 1] - filled[index] - need
                cost = paid[last + 1] - paid[index] - over * rate[last]
                free = task.start_cost if index == 0 and task.running else 0.0
                if best is None or cost - free <= best[0]:
                    best = (cost - free, index, last)
            begin = bisect_right(filled, filled[index + 1] - need, first, index + 1) - 1
            if begin >= first:
                over = filled[index + 1] - filled[begin] - need
                cost = paid[index + 1] - paid[begin] - over * rate[begin]
                if best is None or cost <= best[0]:
                    best = (cost, ~begin, index)
        first = after
    if best is None:
        return None
    _, begin, last = best
    late = begin < 0
    begin = ~begin if late else begin
    taken = [task.energy[i] if begin <= i <= last else 0 for i in range(count)]
    taken[begin if late else last] -= filled[last + 1] - filled[begin] - need
    return taken


class _Walk(Struct):
    """The best choice at one price of energy: the bound of what follows each piece, and what it takes in all."""

    off: list[float]
    on: list[float]
    energy: int
    cost: float
    taken: list[int]


def _walk(task: _Task, price: float) -> _Walk:
    """Choose freely with ``price`` (per Ws) earned for each unit of energy."""
    count, start = len(task.energy), task.start_cost
    off, on = [0.0] * (count + 1), [0.0] * (count + 1)
    a = b = 0.0
    for i in range(count - 1, -1, -1):
        used = task.cost[i] - price * task.energy[i] + b
        going_on = used if task.joined[i] else start + used
        if task.forced[i]:
            a, b = start + used, going_on
        else:
            a, b = min(a, start + used), min(a, going_on)
        off[i], on[i] = a, b
    flowing, energy, cost = task.running, 0, 0.0
    taken = [0] * count
    for i in range(count):
        before = on[i] if flowing else off[i]
        if task.forced[i] or before < off[i + 1]:
            cost += task.cost[i] + (0.0 if flowing and task.joined[i] else start)
            energy += task.energy[i]
            taken[i] = task.energy[i]
            flowing = True
        else:
            flowing = False
    return _Walk(off, on, energy, cost, taken)


_Link = tuple[int, int, "_Link | None"]
"""A piece that is used, how much is taken of it (Ws), and the one before."""
_Labels = dict[tuple[int, bool], tuple[float, _Link | None]]
"""By the energy taken so far and whether a piece was used in part: the least cost of that, and the pieces."""


def _search(task: _Task, best: list[int], best_cost: float) -> list[int]:
    """Find the price of energy at which the need is met, then follow all that may be better than the best known."""
    start = task.start_cost
    fewest = [e if forced else 0 for e, forced in zip(task.energy, task.forced, strict=True)]
    low = (sum(fewest), _energy_cost(task, fewest) + start * _starts(task, fewest))
    high = (sum(task.energy), sum(task.cost) + start * _starts(task, task.energy))
    low_taken, high_taken = fewest, task.energy
    for _ in range(_MOST_WALKS):
        price = (high[1] - low[1]) / (high[0] - low[0])
        walk = _walk(task, price)
        if walk.energy == task.need:
            return walk.taken
        if walk.cost - price * walk.energy >= low[1] - price * low[0] - _EXACT:
            break
        if walk.energy < task.need:
            low, low_taken = (walk.energy, walk.cost), walk.taken
        else:
            high, high_taken = (walk.energy, walk.cost), walk.taken
    walk = _walk(task, price)
    bound = (walk.on[0] if task.running else walk.off[0]) + price * task.need
    for taken in (_lengthened(task, low_taken), _shortened(task, high_taken)):
        cost = _energy_cost(task, taken) + start * _starts(task, taken)
        if cost < best_cost:
            best, best_cost = taken, cost
    gap = best_cost - bound
    if gap <= _EXACT:
        return best
    parts = _parts(task)
    if parts is None:
        return best
    for share in (0.1, 0.4, 1.0):
        found = _follow(task, walk, price, parts, bound + share * gap)
        if found is not None:
            return found or best
    return best


def _lengthened(task: _Task, taken: list[int]) -> list[int]:
    """More energy, at the ends of the blocks where it is cheapest; without blocks beside the cheapest piece."""
    taken, missing = list(taken), task.need - sum(taken)
    while missing > 0:
        free = [i for i, took in enumerate(taken) if took < task.energy[i]]
        beside = [i for i in free if _neighbours(task, taken, i)]
        index = min(beside or free, key=task.rate.__getitem__)
        more = min(task.energy[index] - taken[index], missing)
        taken[index] += more
        missing -= more
    return taken


def _shortened(task: _Task, taken: list[int]) -> list[int]:
    """Less energy, at the ends of the blocks where it is dearest."""
    taken, over = list(taken), sum(taken) - task.need
    while over > 0:
        used = [i for i, took in enumerate(taken) if took and not task.forced[i]]
        ends = [i for i in used if _neighbours(task, taken, i) < 2]
        index = max(ends or used, key=task.rate.__getitem__)
        less = min(taken[index], over)
        taken[index] -= less
        over -= less
    return taken


def _neighbours(task: _Task, taken: list[int], i: int) -> int:
    """How many of the two pieces beside this one are used and without a gap between."""
    before = task.joined[i] and (taken[i - 1] > 0 if i else True)
    after = i + 1 < len(taken) and task.joined[i + 1] and taken[i + 1] > 0
    return before + after


class _Parts(Struct):
    """What can be taken of a piece that is used in part: what whole pieces leave of the need, whichever they are."""

    unit: int
    """Most pieces give this or a multiple of it."""
    amounts: list[list[int]]
    """For each piece the amounts that may complete the need."""
    rest: list[int]
    """What all pieces from here on give."""
    remainders: list[frozenset[int]]
    """What whole pieces from here on can give, less all multiples of the unit."""


def _parts(task: _Task) -> _Parts | None:
    """None where the pieces are of too many lengths."""
    count, free = len(task.energy), [e for e, forced in zip(task.energy, task.forced, strict=True) if not forced]
    unit = Counter(free).most_common(1)[0][0]
    rest, remainders = [0] * (count + 1), [frozenset({0})] * (count + 1)
    for i in range(count - 1, -1, -1):
        energy, known = task.energy[i], remainders[i + 1]
        rest[i] = rest[i + 1] + energy
        if energy % unit:
            used = {(remainder + energy) % unit for remainder in known}
            known = frozenset(used) if task.forced[i] else known | used
        remainders[i] = known
        if len(known) > _MOST_REMAINDERS:
            return None
    amounts: list[list[int]] = []
    for energy, forced in zip(task.energy, task.forced, strict=True):
        least = sorted({(task.need - remainder) % unit or unit for remainder in remainders[0]})
        amounts.append([] if forced else [x for first in least for x in range(first, energy, unit)])
    return _Parts(unit, amounts, rest, remainders)


def _follow(task: _Task, walk: _Walk, price: float, parts: _Parts, most: float) -> list[int] | None:
    """The cheapest plan of at most ``most``; None where there is none, empty where there is too much to follow."""
    need = task.need
    limit = most - price * need + _EXACT  # labels count the cost less the price of their energy
    labels: tuple[_Labels, _Labels] = ({}, {})
    labels[task.running][0, False] = (0.0, None)
    followed = 0
    for i, energy in enumerate(task.energy):
        rate = task.rate[i] - price
        off_most, on_most = limit - walk.off[i + 1], limit - walk.on[i + 1]
        missing, possible = need - parts.rest[i + 1], parts.remainders[i + 1]
        off: _Labels = {}
        on: _Labels = {}
        for flowing in (False, True):
            going_on = flowing and task.joined[i]
            begin = 0.0 if going_on else task.start_cost
            into, into_most = (off, off_most) if going_on else (on, on_most)
            for (held, parted), (cost, link) in labels[flowing].items():
                if cost <= off_most and held >= missing and not task.forced[i]:
                    _keep(off, (held, parted), cost, link)
                used = cost + begin + rate * energy
                if used <= on_most and missing <= held + energy <= need:
                    _keep(on, (held + energy, parted), used, (i, energy, link))
                if parted or cost + begin + min(rate * energy, 0.0) > into_most:
                    continue
                for amount in parts.amounts[i]:
                    used, more = cost + begin + rate * amount, held + amount
                    if used <= into_most and missing <= more <= need and (need - more) % parts.unit in possible:
                        _keep(into, (more, True), used, (i, amount, link))
        labels = (off, on)
        followed += len(off) + len(on)
        if followed > MOST_LABELS:
            return []
    ends = [found for group in labels for (held, _), found in group.items() if held == need]
    if not ends:
        return None
    taken = [0] * len(task.energy)
    link = min(ends, key=itemgetter(0))[1]
    while link is not None:
        index, amount, link = link
        taken[index] = amount
    return taken


def _keep(labels: _Labels, key: tuple[int, bool], cost: float, link: _Link | None) -> None:
    known = labels.get(key)
    if known is None or cost < known[0]:
        labels[key] = (cost, link)
