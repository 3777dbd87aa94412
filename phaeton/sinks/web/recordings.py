"""The recordings as the API tells them, and who keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct, field


class RecordingInfo(Struct, frozen=True, kw_only=True):
    """One recording."""

    name: str
    day: str
    """On the site's clock."""
    bytes: int
    from_: str | None = field(name="from")
    """When its first event came; null where the file cannot be read."""
    to: str
    """When it was written last."""
    version: str = ""
    """The Phaeton that began it."""
    present: bool = False
    """It is being written now."""


class RecordingList(Struct, frozen=True):
    """All recordings, the oldest first."""

    enabled: bool
    """Whether Phaeton records now."""
    recordings: Sequence[RecordingInfo]


class Recordings(Protocol):
    """The folder of the recordings."""

    async def all(self) -> RecordingList:
        """Those that are there; raises OSError."""
        ...

    async def path(self, name: str) -> Path | None:
        """Where one is, all that waits for the disk in it; None where there is none of this name."""
        ...

    async def remove(self, name: str) -> bool:
        """Delete one; False for the one that is being written. Raises FileNotFoundError and OSError."""
        ...
