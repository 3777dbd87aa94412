"""What the daemon measures of itself while it runs: lag of the loop, length of a step, writes to the disk, counts."""

from __future__ import annotations

from time import monotonic

from phaeton.timing import Timing


class Vitals:
    """The timings of one run; each note costs about a microsecond."""

    def __init__(self) -> None:
        self.started_s = monotonic()
        self.loop_lag = Timing()
        """How much later than a second after the one before a tick comes."""
        self.step = Timing()
        """The evaluation of the graph."""
        self.publish = Timing()
        """Giving a decision to all sinks; what they do later is theirs."""
        self.store = Timing()
        """A commit, its time in the queue of the disk's thread included."""
        self.recorder = Timing()
        """The same for what is recorded."""
        self.events = 0
        """Events that entered the graph."""
        self.decisions = 0
        self.overruns = 0
        """Ticks that came so late that the next one was due already."""
        self.graph_failures = 0
        self._decided_s: float | None = None

    @property
    def decided_age_s(self) -> float | None:
        """Since the last decision; None before the first one."""
        return None if self._decided_s is None else monotonic() - self._decided_s

    def late(self, late_s: float, period_s: float) -> None:
        """A tick came so much later than it should have."""
        self.loop_lag.note(max(late_s, 0.0), monotonic())
        if late_s >= period_s:
            self.overruns += 1

    def decided(self, step_s: float, publish_s: float) -> None:
        """The graph decided, and the sinks know it."""
        now_s = monotonic()
        self.decisions += 1
        self._decided_s = now_s
        self.step.note(step_s, now_s)
        self.publish.note(publish_s, now_s)

    def stored(self, took_s: float) -> None:
        """The store committed."""
        self.store.note(took_s, monotonic())

    def recorded(self, took_s: float) -> None:
        """The recorder wrote."""
        self.recorder.note(took_s, monotonic())
