"""What the sections of the configuration are made of: the base of all, descriptions, days, and secrets."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def meta(description: str, **more: Any) -> Meta:
    """The description of a key, with its range."""
    return Meta(description=description, **more)


class Node(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A section of the configuration."""


class Secret(Node, frozen=True):
    """A secret: the text itself, or where it is kept. ``token: TEXT`` is short for ``token: {value: TEXT}``."""

    value: Annotated[str, meta("The secret itself", max_length=8192)] = ""
    file: Annotated[str, meta("A file that holds it and nothing else", max_length=4096)] = ""
    env: Annotated[str, meta("An environment variable that holds it", pattern="^[A-Za-z0-9_]*$")] = ""

    def __repr__(self) -> str:
        """Where it is, never what it is."""
        source = (
            f"file={self.file!r}" if self.file else f"env={self.env!r}" if self.env else "***" if self.value else ""
        )
        return f"Secret({source})"

    @property
    def given(self) -> bool:
        """Whether there is one, or a place for one."""
        return bool(self.value or self.file or self.env)
