"""Why no bundle can be made."""

from __future__ import annotations


class BundlingError(Exception):
    """Told to the person who builds."""
