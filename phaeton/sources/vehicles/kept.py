"""A place on the disk for one text; the application gives it."""

from __future__ import annotations

from typing import Protocol


class Kept(Protocol):
    """Tokens and counts are kept in one each."""

    def load(self) -> str | None:
        """What was saved last."""

    async def save(self, text: str) -> None:
        """Return when it is on the disk; raises when it is not."""
