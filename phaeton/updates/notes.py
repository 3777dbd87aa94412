"""The notes of a release as HTML without anything that runs: headings, lists and paragraphs, all else as plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

_HEADING = re.compile(r"(#{1,6})\s+(.*)")
_ITEM = re.compile(r"\s*[-*+]\s+(.*)")
MOST = 50_000
"""Characters that are shown."""


def html_of(markdown: str) -> str:
    """The text with its simplest marks; whatever looks like HTML in it is shown as it is written."""
    return "\n".join(_lines(markdown[:MOST]))


def _lines(markdown: str) -> Iterator[str]:
    within = ""
    for line in (*markdown.splitlines(), ""):
        heading, item = _HEADING.fullmatch(line.strip()), _ITEM.fullmatch(line)
        kind = "ul" if item is not None else "p" if line.strip() and heading is None else ""
        if within and kind != within:
            yield f"</{within}>"
        if kind and kind != within:
            yield f"<{kind}>"
        within = kind
        if heading is not None:
            level = min(len(heading[1]) + 2, 6)  # the page has headings of its own above
            yield f"<h{level}>{_text(heading[2])}</h{level}>"
        elif item is not None:
            yield f"<li>{_text(item[1])}</li>"
        elif kind:
            yield _text(line.strip())


def _text(text: str) -> str:
    found = escape(text)
    found = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", found)
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", found)
