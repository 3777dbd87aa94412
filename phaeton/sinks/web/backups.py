"""What the API needs of backups: to make one, to take one in, to look into it, to take it over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Literal, Protocol

from msgspec import Struct

from phaeton.backup.content import Content

Part = Literal["config", "sessions", "secrets", "recordings"]
MOST_UPLOAD_BYTES = 1_000_000_000


class BackupRefusedError(Exception):
    """Something that cannot be done; the status and the words are for the caller."""

    def __init__(self, status: int, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.field = field


class Uploaded(Struct, frozen=True):
    """A backup that was taken in and not looked into yet."""

    upload: str
    """What check and apply ask for; it is kept for an hour, and only the newest one is."""
    made: str
    """RFC 3339, UTC."""
    by: str
    """The version of Phaeton that made it."""
    encrypted: bool
    """Whether its password is needed."""
    size: int


class Backups(Protocol):
    """Backups of the running daemon. Every method may raise `BackupRefusedError`."""

    def made(self, include: tuple[str, ...], password: str) -> AbstractAsyncContextManager[Path]:
        """A backup as a file that is gone afterwards."""

    async def take_in(self, pieces: AsyncIterator[bytes]) -> Uploaded:
        """Keep an uploaded file for a look."""

    async def check(self, upload: str, password: str, include: tuple[str, ...] | None) -> Content:
        """Judge it; nothing is changed."""

    async def apply(self, upload: str, password: str, include: tuple[str, ...] | None, who: str) -> Content:
        """Make it ready and begin Phaeton anew with it, shortly after the answer."""
