"""From rows of any resolution to even cells: each cell holds the mean over its time, so that no energy is won or lost.

A row holds from its time until the next row. Where the next row is missing it holds for one usual interval, and then
begins a gap. A cell that is not known in full is part of a gap; nothing is filled in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

_ALIKE = 0.9
"""A file is regular when so many of its intervals are the same."""
_LONGEST_HOLD_S = 900.0
"""In a file of uneven rows a value holds until the next one, at most so long."""
_LATE = 1.5
"""A row may come so much later than usual."""


class Row(NamedTuple):
    """One row of a file; a cell that is empty is None."""

    line: int
    start_s: float
    values: tuple[float | None, ...]


class Rhythm(NamedTuple):
    """How the rows of a file follow each other."""

    interval_s: float
    """The usual one."""
    regular: bool
    hold_s: float
    """The next row must come within this time, else a gap begins."""


class Run(NamedTuple):
    """So many equal cells from a cell on; without values it is a gap, and why."""

    first: int
    """Counted from 1970 in cells."""
    cells: int
    values: tuple[float, ...] | None
    why: str = ""


def rhythm(starts_s: Sequence[float]) -> Rhythm:
    """The rhythm of the first rows of a file, which are two or more."""
    steps_s = [after - before for before, after in pairwise(starts_s)]
    common_s, count = Counter(steps_s).most_common(1)[0]
    if count >= _ALIKE * len(steps_s):
        return Rhythm(common_s, True, common_s * _LATE)
    steps_s.sort()
    usual_s = steps_s[len(steps_s) // 2]
    slow_s = steps_s[len(steps_s) * 99 // 100]
    return Rhythm(usual_s, False, max(usual_s, min(slow_s, max(_LONGEST_HOLD_S, usual_s))) * _LATE)


class _Span(NamedTuple):
    start_s: float
    end_s: float
    values: tuple[float, ...] | None
    why: str


def _spans(rows: Iterable[Row], usual: Rhythm, names: Sequence[str]) -> Iterator[_Span]:
    """Each row with its end, and the gaps between them."""
    before: Row | None = None
    for row in rows:
        if before is not None:
            yield from _span(before, row.start_s, usual, names)
        before = row
    if before is not None:
        yield from _span(before, before.start_s + usual.interval_s, usual, names)


def _span(row: Row, next_s: float, usual: Rhythm, names: Sequence[str]) -> Iterator[_Span]:
    values = row.values
    end_s = next_s if next_s - row.start_s <= usual.hold_s else row.start_s + usual.interval_s
    if None in values:
        empty = [name for name, value in zip(names, values, strict=True) if value is None]
        yield _Span(row.start_s, end_s, None, f"{' and '.join(empty)} empty")
    else:
        yield _Span(row.start_s, end_s, values, "")  # type: ignore[arg-type]
    if end_s < next_s:
        yield _Span(end_s, next_s, None, "no rows")


def runs(rows: Iterable[Row], usual: Rhythm, names: Sequence[str], cell_s: float) -> Iterator[Run]:
    """The rows as runs of even cells, in order and without a hole between the first and the last."""
    nothing = [0.0] * len(names)
    sums, known_s, why, filling = nothing, 0.0, "", False
    cell = 0
    for start_s, end_s, values, reason in _spans(rows, usual, names):
        at_s = start_s
        while at_s < end_s:
            if not filling:
                cell = int(at_s // cell_s)
                if at_s == cell * cell_s and end_s - at_s >= cell_s:
                    whole = int((end_s - at_s) // cell_s)
                    yield Run(cell, whole, values, reason)
                    at_s = (cell + whole) * cell_s
                    continue
                sums, known_s, why, filling = nothing, 0.0, "", True
            edge_s = (cell + 1) * cell_s
            part_s = min(end_s, edge_s) - at_s
            if values is None:
                why = reason
            else:
                known_s += part_s
                sums = [total + value * part_s for total, value in zip(sums, values, strict=True)]
            at_s += part_s
            if at_s >= edge_s:
                yield _cell(cell, cell_s, sums, known_s, why)
                filling = False
    if filling:
        yield _cell(cell, cell_s, sums, known_s, why)


def _cell(cell: int, cell_s: float, sums: Sequence[float], known_s: float, why: str) -> Run:
    if known_s < cell_s - 1e-6:
        return Run(cell, 1, None, why or "known in part only")
    return Run(cell, 1, tuple([total / cell_s for total in sums]))


def joined(parts: Sequence[Iterator[Run]]) -> Iterator[Run]:
    """The runs of files that hold different columns of the same time; where one knows nothing, nothing is known."""
    if len(parts) == 1:
        yield from parts[0]
        return
    heads = [next(part, None) for part in parts]
    if any(head is None for head in heads):
        return
    at = max(head.first for head in heads if head is not None)
    while True:
        for index, part in enumerate(parts):
            head = heads[index]
            while head is not None and head.first + head.cells <= at:
                head = heads[index] = next(part, None)
            if head is None:
                return
        here = [head for head in heads if head is not None]
        late = [head for head in here if head.first > at]
        if late:
            end = min(head.first for head in late)
            yield Run(at, end - at, None, "no rows")
        else:
            end = min(head.first + head.cells for head in here)
            unknown = [head.why for head in here if head.values is None]
            values = None if unknown else tuple(value for head in here for value in head.values or ())
            yield Run(at, end - at, values, unknown[0] if unknown else "")
        at = end
