"""Work that returns each second goes along with what wakes the process at that pace anyway.

On a small device waking up costs more than most of the work that is done then. So the charger is asked when the GX has
spoken, and it is decided when the charger has answered, which also gives each decision the newest values. Where the
companion stays away or comes irregularly, a timer keeps the pace alone.
"""

from __future__ import annotations

EARLY, LATE = 0.97, 1.15
"""How far apart a companion may come, in periods, to be one of this pace."""
JITTER_S = 0.15
"""How much earlier than expected it may come then."""
DRIFT_S = 0.1
"""Its clock may be slower than ours: what is expected is moved so that it never is later than this."""
PATIENCE_S = 0.25
"""How much longer than its period the work waits for its companion."""


class Pace:
    """When a periodic work is due, by a companion that comes as often or by its own timer; times in s of one clock.

    The work's owner keeps a timer for `due_s`, asks `along` each time that the companion comes, and tells `alone` when
    the timer fired instead. In the long run the work is done at most 4 % more often than the period says.
    """

    def __init__(self) -> None:
        self._met_s = float("-inf")
        self._base_s: float | None = None
        """While the companion is followed: when the work should have been done last, near to when it was."""

    def due_s(self, last_s: float, period_s: float) -> float:
        """When the timer shall fire for work that was done last at ``last_s``."""
        base_s = self._base_s
        if base_s is None:
            return last_s + period_s
        return (base_s if abs(last_s - base_s) < period_s / 2 else last_s) + period_s + PATIENCE_S

    def along(self, now_s: float, last_s: float, period_s: float) -> bool:
        """The companion has come: whether the work is to be done now, along with it."""
        apart_s, self._met_s = now_s - self._met_s, now_s
        since_s = now_s - last_s
        base_s = self._base_s
        if base_s is not None and since_s >= period_s / 2 and now_s >= base_s + period_s - JITTER_S:
            self._base_s = max(base_s + period_s, now_s - DRIFT_S)
            return True
        if base_s is not None or not EARLY * period_s <= apart_s <= LATE * period_s:
            return False
        # Work that was done too short a while ago waits for the next time.
        self._base_s = now_s
        return since_s >= period_s / 2

    def alone(self) -> None:
        """The timer fired: the companion did not come in time."""
        self._base_s = None
