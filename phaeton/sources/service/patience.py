"""What is remembered of the requests to a service, and how long it is left alone after trouble.

The pauses grow by the kind of trouble; all vary by 30 %, so that not all installations come back in the same second.
"""

from __future__ import annotations

from msgspec import Struct

from phaeton.links.http import Trouble, TroubleKind

LEAST_GAP_S = 60.0
"""Between two requests, whatever happens."""

PAUSES_S: dict[TroubleKind, tuple[float, ...]] = {
    TroubleKind.NETWORK: (60.0, 120.0, 300.0, 600.0, 900.0),
    TroubleKind.SERVER: (60.0, 120.0, 300.0, 600.0, 1200.0, 2400.0, 3600.0),
    TroubleKind.GARBAGE: (600.0, 1200.0, 2400.0, 3600.0, 7200.0),
    TroubleKind.RATE_LIMIT: (600.0, 1200.0, 2400.0, 4800.0, 7200.0),
    TroubleKind.AUTH: (3600.0, 21600.0, 86400.0),
    TroubleKind.REFUSED: (3600.0, 21600.0, 86400.0),
}
"""After the first, second, ... trouble of a kind in a row; the last one repeats. A changed secret ends the pause."""


class Memory(Struct, frozen=True):
    """What is remembered of the requests so far."""

    answered_s: float | None = None
    """When prices came last (UTC)."""
    trouble: Trouble | None = None
    """Of the last request; None when it went well."""
    failures: int = 0
    """Troubles in a row; prices that are not published yet are none."""
    not_before_s: float = 0.0
    """No request before (UTC)."""


def paused(before: Memory, trouble: Trouble, now_s: float, chance: float) -> Memory:
    """The memory after trouble; ``chance`` (0 to 1) varies the pause."""
    same = before.trouble is not None and before.trouble.kind is trouble.kind
    failures = before.failures + 1 if same else 1
    pauses = PAUSES_S[trouble.kind]
    pause_s = max(pauses[min(failures, len(pauses)) - 1] * (0.7 + 0.6 * chance), LEAST_GAP_S)
    if trouble.retry_after_s is not None:
        pause_s = max(pause_s, trouble.retry_after_s * (1.0 + 0.1 * chance))
    return Memory(before.answered_s, trouble, failures, now_s + pause_s)
