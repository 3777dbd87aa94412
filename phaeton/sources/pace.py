"""Work that returns each second goes along with what wakes the process at that pace anyway.

On a small device waking up costs more than most of the work that is done then. So the charger is asked when the GX has
spoken, and it is decided when the charger has answered, which also gives each decision the newest values. Where the
companion stays away or comes irregularly, a timer keeps the pace alone.
"""

from __future__ import annotations

LEEWAY_S = 0.05
"""How much a companion may come early, and still count as keeping the pace."""
PATIENCE_S = 0.25
"""How much longer than its period the work waits for its companion, which may come late."""


class Pace:
    """When a periodic work is due, by a companion that comes as often or by its own timer; times in s of one clock.

    The work's owner keeps a timer for `due_s`, asks `along` each time that the companion comes, and tells `alone` when
    the timer fired instead. In the long run the work is done no more often than the period says, less ``LEEWAY_S``.
    """

    def __init__(self) -> None:
        self._met_s = float("-inf")
        self._following = False
        self._shifted_s = float("-inf")

    def due_s(self, last_s: float, period_s: float) -> float:
        """When the timer shall fire for work that was done last at ``last_s``."""
        if not self._following:
            return last_s + period_s
        return max(last_s, self._shifted_s) + period_s + PATIENCE_S

    def along(self, now_s: float, last_s: float, period_s: float) -> bool:
        """The companion has come: whether the work is to be done now, along with it."""
        apart_s, self._met_s = now_s - self._met_s, now_s
        since_s = now_s - last_s
        if self._following and since_s >= period_s - LEEWAY_S:
            return True
        if not period_s - LEEWAY_S / 2 <= apart_s <= period_s + PATIENCE_S / 2:
            return False
        self._following = True
        if since_s >= period_s / 2:
            return True
        self._shifted_s = now_s  # the next time: it was done too short a while ago
        return False

    def alone(self) -> None:
        """The timer fired: the companion did not come in time."""
        self._following = False
