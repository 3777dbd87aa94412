"""The past of a house: what the sun gave and what the house drew, read from CSV files, in even cells with named gaps.

Columns: ``time`` (start of the interval, with zone) and, in W, ``pv_w`` and ``load_w``, or ``grid_w`` (import positive)
in place of one or both of them; ``battery_w`` (charging positive) is needed where ``grid_w`` stands for another column
of a house with a battery. ``load_l1_w`` to ``load_l3_w`` and ``pv_l1_w`` to ``pv_l3_w`` tell the phases. Other columns
are not looked at. Several files follow each other in time, or hold different columns of the same time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from phaeton.simulation.columns import Columns
from phaeton.simulation.csv_rows import CsvFile, InputError
from phaeton.simulation.history_files import Source, cell_s, grouped, wanted_columns
from phaeton.simulation.metered_house import MeteredHouse
from phaeton.simulation.resampling import Run, joined, runs


class Gap(Struct, frozen=True):
    """A time that is not known and not simulated."""

    start_s: float
    end_s: float
    why: str


class Span(Struct, frozen=True):
    """A time that is known without a gap: so many cells from a row of the columns on."""

    start_s: float
    first: int
    count: int


class Chunk(NamedTuple):
    """Cells in a row: the start of the first, and the means of each, in W."""

    start_s: float
    pv_w: Sequence[float]
    load_w: Sequence[float]
    shares: tuple[Sequence[float], ...]
    """Of load and PV on the three phases; empty where they are not known."""


class History(Struct, frozen=True):
    """The past of a house in cells of ``cell_s``; can be pickled for other processes of this machine."""

    cell_s: float
    data_s: float
    """The usual interval of the data as it was given; the coarsest of the files."""
    columns: Columns
    spans: tuple[Span, ...]
    gaps: tuple[Gap, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader of the result should know of the data."""

    @property
    def start_s(self) -> float:
        """The beginning of the first known cell."""
        return self.spans[0].start_s

    @property
    def end_s(self) -> float:
        """The end of the last known cell."""
        last = self.spans[-1]
        return last.start_s + last.count * self.cell_s

    def chunks(self, span: Span, start_s: float, end_s: float, size: int = 4096) -> Iterator[Chunk]:
        """The cells of a span that lie within a time."""
        first = max(0, int((start_s - span.start_s) / self.cell_s))
        last = min(span.count, int((end_s - span.start_s) / self.cell_s))
        while first < last:
            count = min(size, last - first)
            pv_w, load_w, *shares = self.columns.read(span.first + first, count)
            yield Chunk(span.start_s + first * self.cell_s, pv_w, load_w, tuple(shares))
            first += count


def in_memory(start_s: float, cell_s: float, pv_w: Iterable[float], load_w: Iterable[float]) -> History:
    """A history from numbers in W, without gaps."""
    columns = Columns(2)
    for row in zip(pv_w, load_w, strict=True):
        columns.append(row)
    return History(cell_s=cell_s, data_s=cell_s, columns=columns, spans=(Span(start_s, 0, columns.rows),))


def read_history(paths: Sequence[Path], step_s: float, *, trust_units: bool = False) -> History:
    """Read and judge the files, for steps of ``step_s``; raises `InputError`.

    ``trust_units`` leaves out the question whether the powers are in kW.
    """
    files = [CsvFile(path) for path in paths]
    wanted = wanted_columns(files)
    parts = grouped([Source(file, wanted) for file in files])
    width_s = cell_s(parts, step_s)
    house = MeteredHouse(parts)
    builder = _Builder(house, width_s)
    for run in joined([runs(part.rows(), part.usual, part.names, width_s) for part in parts]):
        builder.add(run)
    if not trust_units:
        for part in parts:
            part.judge_units()
    if not builder.spans:
        raise InputError(paths[0], "holds no time that is known in full", remedy="The columns are never known together")
    return History(
        cell_s=width_s,
        data_s=max(part.usual.interval_s for part in parts),
        columns=builder.columns,
        spans=tuple(builder.spans),
        gaps=tuple(builder.gaps),
        notes=(*(note for part in parts for note in part.notes()), *house.notes(), *_battery_note(files)),
    )


def _battery_note(files: Sequence[CsvFile]) -> tuple[str, ...]:
    if not any("battery_w" in file.header for file in files):
        return ()
    return ("The house had a battery; one is simulated only where --battery-kwh says how large",)


class _Builder:
    """Collects cells, spans and gaps."""

    def __init__(self, house: MeteredHouse, width_s: float) -> None:
        self._house, self._width_s = house, width_s
        self.columns = Columns(house.width)
        self.spans: list[Span] = []
        self.gaps: list[Gap] = []
        self._gap: Gap | None = None
        """The gap that is growing; it counts once cells follow it."""

    def add(self, run: Run) -> None:
        start_s = run.first * self._width_s
        end_s = start_s + run.cells * self._width_s
        if run.values is None:
            if self.spans:
                before = self._gap
                self._gap = Gap(start_s, end_s, run.why) if before is None else Gap(before.start_s, end_s, before.why)
            return
        first = self.columns.rows
        self.columns.append(self._house.row(run.values, start_s), run.cells)
        if self._gap is not None:
            self.gaps.append(self._gap)
            self._gap = None
        elif self.spans:
            last = self.spans[-1]
            self.spans[-1] = Span(last.start_s, last.first, last.count + run.cells)
            return
        self.spans.append(Span(start_s, first, run.cells))
