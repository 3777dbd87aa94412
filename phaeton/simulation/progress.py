"""A line that shows how far a long run is; only where a person sees it."""

from __future__ import annotations

import sys
import time

_WIDTH = 30
_EVERY_S = 0.2
_KNOWN_SHARE = 0.005
"""From so much on it can be told how long the rest takes."""


class ProgressBar:
    """Call it with the share that is done; it writes to stderr, and only on a terminal."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._seen = sys.stderr.isatty()
        self._begun: tuple[float, float] | None = None
        """When the first share was told, and what it was."""
        self._next_s = 0.0

    def say(self, doing: str) -> None:
        """What is done before there is a share to tell."""
        if self._seen:
            self._write(f"{doing} …")

    def __call__(self, share: float) -> None:
        """Show it, five times a second at most."""
        if not self._seen:
            return
        now_s = time.monotonic()
        if self._begun is None:
            self._begun = (now_s, share)
        if now_s < self._next_s:
            return
        self._next_s = now_s + _EVERY_S
        full = int(share * _WIDTH)
        bar = "█" * full + "░" * (_WIDTH - full)
        self._write(f"{self._label} {bar} {100 * share:3.0f} %{self._left(now_s, share)}")

    def _left(self, now_s: float, share: float) -> str:
        assert self._begun is not None
        begun_s, before = self._begun
        if share - before < _KNOWN_SHARE:
            return ""
        left_s = round((now_s - begun_s) * (1.0 - share) / (share - before))
        return f", {left_s} s left" if left_s < 120 else f", {left_s // 60} min left"

    def _write(self, text: str) -> None:
        sys.stderr.write(f"\r{text}\x1b[K")
        sys.stderr.flush()

    def done(self) -> None:
        """Take the line away."""
        if self._seen:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
