"""Instants as the API writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload


@overload
def moment(utc_s: float) -> str: ...
@overload
def moment(utc_s: float | None) -> str | None: ...
def moment(utc_s: float | None) -> str | None:
    """An instant as RFC 3339 text in UTC, to the second; None stays None."""
    return None if utc_s is None else datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
