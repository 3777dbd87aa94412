"""A configuration's own text fit to be shown: comments and style as they are, secrets hidden."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from phaeton.config.document import Plain
from phaeton.config.editing import edited, of_text
from phaeton.config.layout import Layout
from phaeton.config.problems import ConfigError
from phaeton.config.tree import Config
from phaeton.config.writing import expanded, to_plain
from phaeton.redaction import HIDDEN, redacted

UNREADABLE = "# This text cannot be read by this version of Phaeton, so its secrets cannot be told from the rest.\n"
_SHORTEST = 4
"""A shorter secret is not looked for in the rest of the text: it would be found in every number."""


def hidden_text(text: str) -> str:
    """The text with ``***`` in the place of secrets; `UNREADABLE` where it cannot be told what is one."""
    try:
        config = of_text(text)
    except ConfigError:
        config = None
    if config is None:
        return UNREADABLE
    shown = to_plain(config)
    found = edited(text, msgspec.convert(shown, Config)).text
    layout = Layout(found)
    pieces: list[str] = []
    at = 0
    for start, end in layout.comment_spans:
        pieces += [found[at:start], redacted(found[start:end])]
        at = end
    found = "".join([*pieces, found[at:]])
    for secret in sorted(set(secrets(expanded(config), shown)), key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            found = found.replace(secret, HIDDEN)  # in a comment, most likely
    return found


def secrets(actual: Plain, shown: Plain) -> Iterator[str]:
    """The values that differ from how they are shown."""
    if isinstance(actual, dict):
        for key, value in actual.items():
            yield from secrets(value, shown.get(key) if isinstance(shown, dict) else None)
    elif isinstance(actual, list):
        for index, value in enumerate(actual):
            yield from secrets(value, shown[index] if isinstance(shown, list) else None)
    elif isinstance(actual, str) and isinstance(shown, str) and actual != shown:
        yield actual
