"""Who makes the support bundle."""

from __future__ import annotations

from typing import IO, Protocol


class Support(Protocol):
    """Gathers what a report of an error needs."""

    async def bundle(self, *, recording: bool) -> IO[bytes]:
        """A zip as an open file at its beginning, to be closed by the caller; raises OSError."""
        ...
