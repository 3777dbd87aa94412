"""A line that shows how far a long run is; only where a person sees it."""

from __future__ import annotations

import sys
import time

_WIDTH = 30
_EVERY_S = 0.2
_SOON_S = 1.0


class ProgressBar:
    """Call it with the share that is done; it writes to stderr, and only on a terminal."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._begun_s = self._next_s = time.monotonic()
        self._seen = sys.stderr.isatty()
        self._next_s += _SOON_S

    def __call__(self, share: float) -> None:
        """Show it, five times a second at most and not in the first second."""
        now_s = time.monotonic()
        if not self._seen or now_s < self._next_s:
            return
        self._next_s = now_s + _EVERY_S
        full = int(share * _WIDTH)
        left_s = (now_s - self._begun_s) * (1.0 - share) / max(share, 1e-6)
        bar = "█" * full + "░" * (_WIDTH - full)
        sys.stderr.write(f"\r{self._label} {bar} {100 * share:3.0f} %, {left_s:.0f} s left \x1b[K")
        sys.stderr.flush()

    def done(self) -> None:
        """Take the line away."""
        if self._seen:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
