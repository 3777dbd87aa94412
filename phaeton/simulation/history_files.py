"""The files of a history: which columns they have, and their rows in order of time.

What is wrong is said with its row and column: times without a zone, rows that are there twice or out of order,
negative PV, kW instead of W.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from math import gcd
from pathlib import Path

from msgspec import Struct

from phaeton.simulation.csv_rows import CsvFile, InputError, utc_text
from phaeton.simulation.resampling import Rhythm, Row, rhythm

POWERS = ("pv_w", "load_w", "grid_w", "battery_w")
PHASES = ("l1", "l2", "l3")
PHASE_POWERS = tuple(f"{what}_{phase}_w" for what in ("load", "pv") for phase in PHASES)
KNOWN = ("time", *POWERS, *PHASE_POWERS)

_LOOK_AHEAD = 5000
_KW_BELOW = 60.0
"""The highest power of a house over all of its history is above this, in W; in kW it would be below."""
_HOUSE_W = 1e6
_NEVER_NEGATIVE = {
    "pv_w": "PV produces; what an inverter draws at night belongs to load_w",
    "load_w": "load_w is what the house draws; export belongs to a column grid_w",
}


class _Peak(Struct):
    """The highest power of a column, and where it is."""

    value: float = 0.0
    row: int = 0


def wanted_columns(files: Sequence[CsvFile]) -> list[str]:
    """The columns to use, of all that are there: what is measured itself needs no grid and no battery."""
    there = {name for file in files for name in file.header}
    measured = {"pv_w", "load_w"} <= there
    found = [name for name in POWERS if name in there]
    if measured or "grid_w" not in there:
        found = [name for name in found if name in ("pv_w", "load_w")]
    for what in ("load", "pv"):
        phases = [name for name in PHASE_POWERS if name.startswith(what)]
        if f"{what}_w" in there and all(name in there for name in phases):
            found += phases
    return found


class Source:
    """One file: which of its columns are used, and its rows in order."""

    def __init__(self, file: CsvFile, wanted: Sequence[str]) -> None:
        self.file = file
        self.file.index("time", KNOWN)
        self.names = [name for name in wanted if name in file.header]
        if not set(self.names) & {"pv_w", "load_w", "grid_w"}:
            known = [name for name in POWERS if name in file.header]
            what = f"there is neither pv_w and load_w nor grid_w; there are {', '.join(file.header)}"
            if known:
                what = f"{' and '.join(known)} is not needed beside the other files"
            remedy = "Leave the file out" if known else "Rename the columns; powers are in W"
            raise InputError(file.path, what, row=1, remedy=remedy)
        self.peaks = {name: _Peak() for name in self.names}
        rows = self._rows()
        self._first = list(islice(rows, _LOOK_AHEAD))
        self._rest = rows
        if len(self._first) < 2:
            raise InputError(self.path, "has fewer than two rows", remedy="A row is known by the next one")
        self.usual = rhythm([row.start_s for row in self._first])

    @property
    def path(self) -> Path:
        """Of the file."""
        return self.file.path

    @property
    def start_s(self) -> float:
        """Of the first row."""
        return self._first[0].start_s

    def rows(self) -> Iterator[Row]:
        """All rows, once."""
        return chain(self._first, self._rest)

    def _rows(self) -> Iterator[Row]:
        """Read and judge; written for speed, because a year of minutes has half a million rows."""
        file, names = self.file, self.names
        time = file.header.index("time")
        places = [file.header.index(name) for name in names]
        highest = [0.0] * len(names)
        lowest = [0.0] * len(names)
        columns = range(len(names))
        before_s, before_row = -1e18, 0
        for row, cells in file.rows():
            start_s = file.time_s(cells[time], row, "time")
            if start_s <= before_s:
                self._complain_order(cells[time], row, before_row, same=start_s == before_s)
            before_s, before_row = start_s, row
            values: list[float | None] = []
            for column in columns:
                text = cells[places[column]]
                try:
                    value = float(text)
                except ValueError:
                    values.append(file.number(text, row, names[column]))
                    continue
                if not lowest[column] <= value <= highest[column]:
                    size = self._remarkable(value, text, row, names[column])
                    highest[column] = size
                    lowest[column] = 0.0 if names[column] in _NEVER_NEGATIVE else -size
                values.append(value)
            yield Row(row, start_s, tuple(values))

    def _complain_order(self, text: str, row: int, before_row: int, *, same: bool) -> None:
        if same:
            what = f"{text} is there already, in row {before_row}"
            remedy = "Keep one row for each time"
        else:
            what = f"{text} is earlier than row {before_row}"
            remedy = "Sort the rows by time"
        raise InputError(self.path, what, row=row, column="time", remedy=remedy)

    def _remarkable(self, value: float, text: str, row: int, name: str) -> float:
        """Judge a power that is larger than all before it, or none at all; returns its size."""
        self.file.number(text, row, name)  # complains about infinities
        if value < 0.0 and name in _NEVER_NEGATIVE:
            remedy = _NEVER_NEGATIVE[name]
            raise InputError(self.path, f"{text} W is negative", row=row, column=name, remedy=remedy)
        size = abs(value)
        if size > _HOUSE_W:
            raise InputError(
                self.path,
                f"{text} W is more than a house has",
                row=row,
                column=name,
                remedy="Is it in mW, or a counter in Wh? Powers are in W",
            )
        self.peaks[name] = _Peak(size, row)
        return size

    def notes(self) -> Iterator[str]:
        """What is special about the rows."""
        if not self.usual.regular:
            yield (
                f"{self.path.name}: the rows come unevenly (usually {self.usual.interval_s:g} s apart); each holds "
                f"until the next one, at most {self.usual.hold_s:g} s"
            )


class Part:
    """Files with the same columns that follow each other in time."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = sorted(sources, key=lambda source: source.start_s)
        self.names = self.sources[0].names
        self.usual = self._rhythm()

    def _rhythm(self) -> Rhythm:
        rhythms = [source.usual for source in self.sources]
        slowest = max(rhythms, key=lambda one: one.interval_s)
        same = all(one.interval_s == slowest.interval_s for one in rhythms)
        return Rhythm(
            slowest.interval_s, same and all(one.regular for one in rhythms), max(one.hold_s for one in rhythms)
        )

    def rows(self) -> Iterator[Row]:
        """The rows of all files, once."""
        before_s = -1e18
        for source in self.sources:
            for row in source.rows():
                if row.start_s <= before_s:
                    raise InputError(
                        source.path,
                        f"{utc_text(row.start_s)} is in an earlier file already",
                        row=row.line,
                        column="time",
                        remedy="Files with the same columns must follow each other in time",
                    )
                before_s = row.start_s
                yield row

    def judge_units(self) -> None:
        """Complain when the powers look like kW; raises `InputError`."""
        for name in self.names:
            peak, source = max(((one.peaks[name], one) for one in self.sources), key=_size)
            if name in POWERS and 0.0 < peak.value < _KW_BELOW:
                raise InputError(
                    source.path,
                    f"the highest value of all is {peak.value:g}, which looks like kW",
                    row=peak.row,
                    column=name,
                    remedy="Powers are in W: multiply by 1000, or say --trust-units if the house is that small",
                )

    def notes(self) -> Iterator[str]:
        """What is special about the files."""
        for source in self.sources:
            yield from source.notes()


def _size(found: tuple[_Peak, Source]) -> float:
    return found[0].value


def grouped(sources: Sequence[Source]) -> list[Part]:
    """The files with the same columns together; raises `InputError` when a column is in two groups."""
    groups: dict[tuple[str, ...], list[Source]] = {}
    for source in sources:
        groups.setdefault(tuple(source.names), []).append(source)
    parts = [Part(group) for group in groups.values()]
    seen: dict[str, Path] = {}
    for part in parts:
        for name in part.names:
            if name in seen:
                raise InputError(
                    part.sources[0].path,
                    f"{seen[name]} has this column too, beside other columns",
                    row=1,
                    column=name,
                    remedy="Give files with the same columns, or with different ones",
                )
            seen[name] = part.sources[0].path
    return parts


def cell_s(parts: Sequence[Part], step_s: float) -> float:
    """The cells: as coarse as all data where that is even and a multiple of the step, else the step."""
    common = 0
    for part in parts:
        interval_s = part.usual.interval_s
        even = part.usual.regular and interval_s % step_s == 0 and part.sources[0].start_s % interval_s == 0
        if not even:
            return step_s
        common = gcd(common, int(interval_s))
    return float(common) if common % step_s == 0 else step_s
