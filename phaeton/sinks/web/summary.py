"""A body in a few words for the log of changes: what was to change, and no secret of it."""

from __future__ import annotations

import msgspec

from phaeton.redaction import HIDDEN, is_secret

LONGEST = 300
DEEPEST = 6
_ALSO_SECRET = frozenset({"redirected", "new", "old", "latitude", "longitude"})


def summary(body: object) -> str:
    """The body as JSON, secrets hidden and the rest cut short; empty for no body."""
    if body is None or body == {}:
        return ""
    text = msgspec.json.encode(_shown(body, 0)).decode()
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _shown(value: object, depth: int) -> object:
    if depth > DEEPEST:
        return "…"
    if isinstance(value, dict):
        return {
            str(key): HIDDEN if is_secret(str(key)) or key in _ALSO_SECRET else _shown(below, depth + 1)
            for key, below in list(value.items())[:50]
        }
    if isinstance(value, list):
        return [_shown(item, depth + 1) for item in value[:20]]
    if isinstance(value, str) and "://" in value:
        return value.partition("?")[0]
    return value
