"""What the API needs of who tells events."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct


class TargetTried(Struct, frozen=True):
    """One target of a test message: whether it took it, and why not."""

    target: str
    ok: bool
    detail: str


class Notices(Protocol):
    """Who tells events."""

    async def try_out(self) -> list[TargetTried]:
        """Send a test message everywhere; what became of it at each webhook and topic of ntfy."""
