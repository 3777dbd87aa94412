"""A rule between keys that is broken."""

from __future__ import annotations

from msgspec import Struct


class Contradiction(Struct, frozen=True):
    """A rule that is broken: the key to look at first, and the others that take part in it."""

    path: str
    value: str
    rule: str
    remedy: str = ""
    others: tuple[str, ...] = ()
