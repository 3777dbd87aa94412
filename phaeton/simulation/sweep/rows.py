"""The results of a sweep in a file: a line each, written as they come, so that nothing is done twice.

A CSV has the question (a checksum of history, stays, prices, house and present settings), the settings that were
varied, the totals of the simulation, the cost that is compared, and the same for each week. With the optional part
``parquet`` the same table is also written as Parquet; the CSV beside it is what a sweep goes on from.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from msgspec import Struct, structs

from phaeton.simulation.csv_rows import InputError
from phaeton.simulation.result import Result, Totals
from phaeton.simulation.scope import SimulationError
from phaeton.simulation.worth import Worth

_WEEK = "settled_"
_FIGURES = (*Totals.__struct_fields__, "settled_cost")


class Row(Struct, frozen=True):
    """One combination and what came of it."""

    values: tuple[str, ...]
    figures: Mapping[str, float | None]
    """The totals, and ``settled_cost``: what is compared."""
    weeks: Mapping[str, float]
    """The cost of each week, with what was missing at its departures."""

    @property
    def settled(self) -> float:
        """What is compared."""
        return self.figures["settled_cost"] or 0.0


def row_of(values: tuple[str, ...], result: Result, worth: Worth) -> Row:
    """The row of a result."""
    figures = structs.asdict(result.totals) | {"settled_cost": round(worth.settled(result), 6)}
    weeks = {one.week: round(one.cost + worth.of_unmet(one), 6) for one in result.weeks}
    return Row(values, figures, weeks)


class RowFile:
    """The file of a sweep, open to be continued."""

    def __init__(self, path: Path, question: str, keys: Sequence[str], *, resume: bool) -> None:
        """Begin or go on; raises `SimulationError`, `InputError` and `OSError`."""
        self.path = path
        self.rows: dict[tuple[str, ...], Row] = {}
        self._question, self._keys = question, tuple(keys)
        self._header: list[str] = []
        exists = path.exists() and path.stat().st_size > 0
        if exists and not resume:
            raise SimulationError(f"{path} is there already: --resume goes on with it, or take another name")
        if exists:
            self._read()
        self._file = path.open("a", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file, lineterminator="\n")

    def __enter__(self) -> RowFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, row: Row) -> None:
        """Write a row; it is on its way to the disk when this returns."""
        if not self._header:
            self._header = ["question", *self._keys, *_FIGURES, *(_WEEK + week for week in row.weeks)]
            self._writer.writerow(self._header)
        cells = [_cell(row.figures[name]) for name in _FIGURES] + [_cell(cost) for cost in row.weeks.values()]
        self._writer.writerow([self._question, *row.values, *cells])
        self._file.flush()
        self.rows[row.values] = row

    def _read(self) -> None:
        """Take up what is there; a last line that was cut is taken away."""
        whole = self.path.read_bytes()
        good = whole.rfind(b"\n") + 1
        if good < len(whole):
            os.truncate(self.path, good)
        lines = list(csv.reader(whole[:good].decode("utf-8").splitlines()))
        if not lines:
            return
        self._header = lines[0]
        first = len(self._keys) + 1
        last = first + len(_FIGURES)
        weeks = [name.removeprefix(_WEEK) for name in self._header[last:]]
        if self._header[:last] != ["question", *self._keys, *_FIGURES]:
            raise InputError(self.path, "varies other settings than these", row=1, remedy="Take another name for --out")
        for number, line in enumerate(lines[1:], start=2):
            if len(line) != len(self._header):
                raise InputError(self.path, "the row has another width than the header", row=number)
            if line[0] != self._question:
                raise InputError(
                    self.path,
                    "was made from another history, other prices, stays, house or settings, or by another version",
                    row=number,
                    remedy="Take another name for --out",
                )
            figures = dict(zip(_FIGURES, map(_number, line[first:last]), strict=True))
            costs = {week: float(cell) for week, cell in zip(weeks, line[last:], strict=True)}
            self.rows[tuple(line[1:first])] = Row(tuple(line[1:first]), figures, costs)


def _cell(value: float | None) -> str:
    return "" if value is None else repr(value)


def _number(cell: str) -> float | None:
    return float(cell) if cell else None


def need_parquet() -> None:
    """Raise `SimulationError` without the optional part."""
    try:
        import pyarrow.parquet  # noqa: F401, PLC0415
    except ModuleNotFoundError:
        raise SimulationError(
            "Parquet needs the optional part: pip install 'phaeton[parquet]'; or let --out end in .csv"
        ) from None


def to_parquet(rows: Path, out: Path) -> None:
    """The CSV as Parquet: numbers where a column has nothing else."""
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import csv as arrow_csv  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    options = arrow_csv.ConvertOptions(column_types={"question": pa.string()})
    table = arrow_csv.read_csv(rows, convert_options=options)
    half = out.with_name(out.name + ".part")
    parquet.write_table(table, half)
    half.replace(out)
