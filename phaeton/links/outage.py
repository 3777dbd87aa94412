"""Pauses between the attempts to reach a peer that is away, for tenacity."""

from __future__ import annotations

import random

from tenacity import RetryCallState

FIRST_MINUTE_S = 60.0
SHORT_CAP_S = 3.0
"""Longest pause in the first minute, so that a peer that returns is used within 5 s."""
LONG_CAP_S = 30.0


def pause_s(attempt: int, outage_s: float) -> float:
    """The pause after failed attempt number ``attempt`` (1, 2, ...) in an outage that lasts ``outage_s`` so far.

    It doubles from a quarter of a second up to a cap of 3 s, 30 s after the first minute, and varies by half so that
    several links do not knock in step.
    """
    cap = SHORT_CAP_S if outage_s < FIRST_MINUTE_S else LONG_CAP_S
    longest = min(cap, 0.25 * 2.0 ** min(attempt - 1, 10))
    return longest * random.uniform(0.5, 1.0)


def outage_wait(state: RetryCallState) -> float:
    """`pause_s` as a wait of tenacity."""
    return pause_s(state.attempt_number, state.seconds_since_start or 0.0)
