"""What can go wrong with a backup, in words for people."""

from __future__ import annotations


class BackupError(Exception):
    """It cannot be made or taken; nothing was changed. ``kind`` lets a program tell why."""

    def __init__(self, text: str, kind: str = "invalid") -> None:
        """``kind``: invalid, password, newer, library, space, missing."""
        super().__init__(text)
        self.kind = kind
