"""Rows of a CSV file (plain or gzip), with errors that name the file, the row and the column.

The row is the line of the file, the header being row 1, as an editor or a spreadsheet counts. Nothing is repaired.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from math import isfinite
from pathlib import Path

_GZIP_MAGIC = b"\x1f\x8b"
_LONGEST_VALUE = 40


class InputError(ValueError):
    """A file that cannot be simulated with: where it is wrong, what is wrong, and what to do."""

    def __init__(self, path: Path, what: str, *, row: int | None = None, column: str = "", remedy: str = "") -> None:
        """``what`` is the rule that is broken, ``remedy`` a sentence."""
        self.path, self.row, self.column, self.what, self.remedy = path, row, column, what, remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        """``house.csv, row 12, column pv_w: ... . Remedy``."""
        place = [str(self.path)]
        if self.row is not None:
            place.append(f"row {self.row}")
        if self.column:
            place.append(f"column {self.column}")
        text = f"{', '.join(place)}: {self.what}"
        return f"{text}. {self.remedy}" if self.remedy else text


def shown(text: str) -> str:
    """A cell as it is shown in a message."""
    return f"{text[:_LONGEST_VALUE]!r}…" if len(text) > _LONGEST_VALUE else repr(text)


def utc_text(utc_s: float) -> str:
    """An instant for people and files: ``2024-06-01T10:00:00Z``."""
    return datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class CsvFile:
    """One file: its header, and its rows as text."""

    def __init__(self, path: Path) -> None:
        """Reads the header; raises `InputError`."""
        self.path = path
        self.header: tuple[str, ...] = ()
        with self._open() as text:
            line = self._guarded(text.readline)
        if not line.strip():
            raise InputError(path, "is empty", remedy="The first row names the columns")
        names = next(csv.reader([line.lstrip("\ufeff")]))
        if len(names) == 1 and (";" in line or "\t" in line):
            mark = ";" if ";" in line else "a tab"
            raise InputError(
                path,
                f"the columns are separated by {mark}, not by commas",
                row=1,
                remedy="Save it with commas between the columns and points in the numbers",
            )
        self.header = tuple(name.strip() for name in names)
        for name in self.header:
            if name and self.header.count(name) > 1:
                raise InputError(path, "is there twice", row=1, column=name)

    def _open(self) -> io.TextIOBase:
        try:
            with self.path.open("rb") as raw:
                packed = raw.read(2) == _GZIP_MAGIC
            if packed:
                return io.TextIOWrapper(gzip.open(self.path, "rb"), encoding="utf-8", newline="")
            return self.path.open(encoding="utf-8", newline="")
        except OSError as error:
            raise InputError(self.path, f"cannot be read: {error.strerror or error}") from None

    def _guarded(self, read: object) -> str:
        assert callable(read)
        try:
            return str(read())
        except UnicodeDecodeError:
            raise InputError(self.path, "is no UTF-8 text", remedy="Save it as CSV in UTF-8, or gzip of that") from None
        except (OSError, EOFError) as error:
            raise InputError(self.path, f"cannot be read: {error}") from None

    def index(self, name: str, known: Sequence[str] = ()) -> int:
        """The place of a column that must be there; ``known`` are all names that would be understood."""
        if name in self.header:
            return self.header.index(name)
        close = get_close_matches(name, [column for column in self.header if column not in known], n=1, cutoff=0.5)
        hint = f"Is it {close[0]!r}? Rename that column to {name}" if close else ""
        raise InputError(
            self.path, f"there is no column {name!r}; there are {', '.join(self.header)}", row=1, remedy=hint
        )

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """The number and the cells of each row below the header; empty lines do not count."""
        width = len(self.header)
        with self._open() as text:
            reader = csv.reader(text)
            row = 1
            try:
                next(reader)
                for cells in reader:
                    row = reader.line_num
                    if len(cells) != width:
                        if not cells:
                            continue
                        raise InputError(self.path, f"has {len(cells)} cells, the header has {width}", row=row)
                    yield row, cells
            except UnicodeDecodeError:
                raise InputError(self.path, "is no UTF-8 text", row=row + 1) from None
            except csv.Error as error:
                raise InputError(self.path, f"is no CSV: {error}", row=row + 1) from None
            except (OSError, EOFError) as error:
                raise InputError(self.path, f"cannot be read to its end: {error}", row=row + 1) from None

    def time_s(self, text: str, row: int, column: str) -> float:
        """An instant as seconds since 1970 (UTC)."""
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:
            raise InputError(
                self.path,
                f"{shown(text)} is no time",
                row=row,
                column=column,
                remedy="Write 2024-06-01T10:00:00Z, or 2024-06-01T12:00:00+02:00",
            ) from None
        if instant.tzinfo is None:
            raise InputError(
                self.path,
                f"{shown(text)} has no time zone; local time is ambiguous when the clocks change",
                row=row,
                column=column,
                remedy="Write UTC with a Z at the end, or the offset, as in 2024-06-01T12:00:00+02:00",
            )
        return instant.timestamp()

    def number(self, text: str, row: int, column: str) -> float | None:
        """A number, or None for an empty cell."""
        if not text or text.isspace():
            return None
        try:
            value = float(text)
        except ValueError:
            remedy = "Decimals have a point, not a comma" if "," in text else "An empty cell means: not known"
            raise InputError(self.path, f"{shown(text)} is no number", row=row, column=column, remedy=remedy) from None
        if not isfinite(value):
            raise InputError(
                self.path,
                f"{shown(text)} is no number",
                row=row,
                column=column,
                remedy="An empty cell means: not known",
            )
        return value
