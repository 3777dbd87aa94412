"""Backup and restore: configuration, sessions, secrets and recordings as one file."""

from pathlib import Path

MARKER = "restore.json"
"""In the store: a backup is ready to be put in place."""
STAGED = "restore-staged"
"""In the store: its unpacked content."""


def waits(store: Path) -> bool:
    """Whether a backup is ready to be put in place."""
    return (store / MARKER).exists()
