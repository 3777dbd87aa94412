"""Where a source keeps what must outlive a restart: a small store of texts, given by the application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import Struct


class Cache(Struct, frozen=True):
    """Where it is kept: a small store of texts, given by the application."""

    load: Callable[[str], str | None]
    save: Callable[[str, str], Awaitable[None]]


async def _forget(key: str, text: str) -> None:
    """Keep nothing."""


NO_CACHE = Cache(lambda key: None, _forget)
