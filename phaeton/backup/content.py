"""What looking into a backup finds, told alike at the terminal and over the API."""

from __future__ import annotations

from msgspec import Struct


class Content(Struct, frozen=True):
    """What a backup holds, and what taking it over would do."""

    made: str
    by: str
    encrypted: bool
    includes: tuple[str, ...]
    restores: tuple[str, ...]
    """The parts that would be taken over."""
    sessions: int | None
    """How many stays at the charger it holds; null = none are to be restored."""
    files: int
    size: int
    """Bytes, unpacked."""
    changed: tuple[str, ...]
    """Keys of the configuration that would change."""
    effects: tuple[str, ...]
    missing: tuple[str, ...]
    """Secrets that are neither inside nor here: they have to be given anew."""
    notes: tuple[str, ...]
