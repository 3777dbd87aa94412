"""What is in the way of an update, in words for people."""

from __future__ import annotations


class UpdateRefusedError(Exception):
    """It cannot be made; nothing was switched. The text says why and what to do."""
