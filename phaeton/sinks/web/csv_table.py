"""Tables as CSV (RFC 4180): comma, double quotes, CRLF, a header row with the units in its names, UTF-8.

A text that a spreadsheet would take for a formula gets an apostrophe in front: names of cars and chargers come from
people. Numbers have a decimal point and stay numbers; what is not known is an empty cell.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from aiohttp import hdrs, web

CSV = "text/csv"
FORMULA = ("=", "+", "-", "@", "\t", "\r")

Cell = str | float | int | None


def harmless(text: str) -> str:
    """The text as no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def rows(cells: Iterable[Sequence[Cell]]) -> bytes:
    """Rows as they are in the file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for row in cells:
        writer.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue().encode()


def as_file(body: bytes, content_type: str, name: str) -> web.Response:
    """Text for the browser to save."""
    headers = {hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"'}
    return web.Response(body=body, content_type=content_type, charset="utf-8", headers=headers)
