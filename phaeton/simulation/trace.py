"""What happened in a closed loop, kept so that tests and reports can ask questions of it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import islice, pairwise, takewhile

from msgspec import Struct

from phaeton.model import Decision, EnergySlot, PointDecision, Session, Status, Why, WriteResult


class Row(Struct, frozen=True):
    """One step: what was decided in it, and what really flowed."""

    time_s: float
    """Since the start of the run."""
    decision: Decision
    ev_w: tuple[float, ...]
    """Of each point."""
    pv_w: float
    load_w: float
    grid_w: float
    battery_w: float


def _time_s(row: Row) -> float:
    return row.time_s


class Written(Struct, frozen=True):
    """One write to a charger and what became of it."""

    time_s: float
    point: str
    current_a: float | None
    phases: int | None
    result: WriteResult


class Trace:
    """The rows and writes of a run. Times are seconds since its start; a span is ``start <= time < end``."""

    def __init__(self, dt_s: float, points: tuple[str, ...]) -> None:
        self.dt_s = dt_s
        self.points = points
        self.rows: list[Row] = []
        self.writes: list[Written] = []
        self.sessions: list[Session] = []
        """Stays that ended."""
        self.slots: list[EnergySlot] = []
        """Price slots that were completed."""

    def _index(self, point: str | None) -> int:
        return 0 if point is None else self.points.index(point)

    def between(self, start_s: float = 0.0, end_s: float = 1e18) -> Iterator[Row]:
        """The rows of a span."""
        first = bisect_left(self.rows, start_s, key=_time_s)
        return takewhile(lambda row: row.time_s < end_s, islice(self.rows, first, None))

    def row_at(self, time_s: float) -> Row:
        """The last row at or before a time."""
        return self.rows[bisect_right(self.rows, time_s + 1e-6, key=_time_s) - 1]

    def decision_at(self, time_s: float, point: str | None = None) -> PointDecision:
        """What was decided for a point (the first by default) at a time."""
        return self.row_at(time_s).decision.points[self._index(point)]

    def setpoint_at(self, time_s: float, point: str | None = None) -> float:
        """The setpoint at a time, in A."""
        return self.decision_at(time_s, point).current_a

    def status_at(self, time_s: float, point: str | None = None) -> Status | None:
        """The status at a time."""
        return self.decision_at(time_s, point).status

    def reasons_at(self, time_s: float, point: str | None = None) -> set[Why]:
        """The reasons at a time."""
        return {reason.why for reason in self.decision_at(time_s, point).reasons}

    def reasons_between(self, start_s: float = 0.0, end_s: float = 1e18, point: str | None = None) -> set[Why]:
        """All reasons of a span."""
        index = self._index(point)
        rows = self.between(start_s, end_s)
        return {reason.why for row in rows for reason in row.decision.points[index].reasons}

    def setpoints_between(self, start_s: float = 0.0, end_s: float = 1e18, point: str | None = None) -> list[float]:
        """The setpoints of a span, in A."""
        index = self._index(point)
        return [row.decision.points[index].current_a for row in self.between(start_s, end_s)]

    def ev_w_at(self, time_s: float, point: str | None = None) -> float:
        """What the car really drew at a time, in W."""
        return self.row_at(time_s).ev_w[self._index(point)]

    def ev_wh(self, start_s: float = 0.0, end_s: float = 1e18, point: str | None = None) -> float:
        """What the car really drew in a span, in Wh."""
        index = self._index(point)
        return sum(row.ev_w[index] for row in self.between(start_s, end_s)) * self.dt_s / 3600.0

    def import_wh(self, start_s: float = 0.0, end_s: float = 1e18) -> float:
        """What came from the grid in a span, in Wh."""
        return sum(max(0.0, row.grid_w) for row in self.between(start_s, end_s)) * self.dt_s / 3600.0

    def export_wh(self, start_s: float = 0.0, end_s: float = 1e18) -> float:
        """What went into the grid in a span, in Wh."""
        return sum(max(0.0, -row.grid_w) for row in self.between(start_s, end_s)) * self.dt_s / 3600.0

    def discharge_wh(self, start_s: float = 0.0, end_s: float = 1e18) -> float:
        """What the house battery gave in a span, in Wh (AC)."""
        return sum(max(0.0, -row.battery_w) for row in self.between(start_s, end_s)) * self.dt_s / 3600.0

    def starts(self, start_s: float = 0.0, end_s: float = 1e18, point: str | None = None) -> list[float]:
        """When the setpoint left 0, without the first row."""
        return [time_s for time_s, before_a, after_a in self._edges(start_s, end_s, point) if before_a == 0.0 < after_a]

    def stops(self, start_s: float = 0.0, end_s: float = 1e18, point: str | None = None) -> list[float]:
        """When the setpoint fell to 0."""
        return [time_s for time_s, before_a, after_a in self._edges(start_s, end_s, point) if after_a == 0.0 < before_a]

    def raises(self, start_s: float = 0.0, end_s: float = 1e18, point: str | None = None) -> list[float]:
        """When the setpoint rose."""
        return [time_s for time_s, before_a, after_a in self._edges(start_s, end_s, point) if after_a > before_a]

    def direction_changes(self, start_s: float = 0.0, end_s: float = 1e18, point: str | None = None) -> int:
        """How often the setpoint turned from rising to falling or back."""
        signs = [after_a > before_a for _, before_a, after_a in self._edges(start_s, end_s, point)]
        return sum(before != after for before, after in pairwise(signs))

    def _edges(self, start_s: float, end_s: float, point: str | None) -> list[tuple[float, float, float]]:
        """(time, before, after) of each change of the setpoint."""
        index = self._index(point)
        edges = []
        before_a: float | None = None
        for row in self.rows:
            after_a = row.decision.points[index].current_a
            if before_a is not None and after_a != before_a and start_s <= row.time_s < end_s:
                edges.append((row.time_s, before_a, after_a))
            before_a = after_a
        return edges

    def phase_writes(self, start_s: float = 0.0, end_s: float = 1e18, point: str | None = None) -> list[Written]:
        """The writes of the phases in a span."""
        return [write for write in self._writes(start_s, end_s, point) if write.phases is not None]

    def setpoint_writes(self, start_s: float = 0.0, end_s: float = 1e18, point: str | None = None) -> list[Written]:
        """The writes of the setpoint in a span."""
        return [write for write in self._writes(start_s, end_s, point) if write.current_a is not None]

    def _writes(self, start_s: float, end_s: float, point: str | None) -> Iterator[Written]:
        wanted = self.points[0] if point is None else point
        return (write for write in self.writes if write.point == wanted and start_s <= write.time_s < end_s)

    def table(self, start_s: float = 0.0, end_s: float = 1e18, every_s: float = 10.0, point: str | None = None) -> str:
        """The span as text, for a person who looks for the reason of a failure."""
        index = self._index(point)
        lines = [
            f"{'s':>7} {'set A':>6} {'ph':>2} {'ev W':>7} {'pv W':>7} {'grid W':>7} {'batt W':>7} {'surplus':>8} why"
        ]
        next_s = start_s
        for row in self.between(start_s, end_s):
            if row.time_s < next_s:
                continue
            next_s = row.time_s + every_s
            decision = row.decision.points[index]
            surplus = "-" if decision.surplus_w is None else f"{decision.surplus_w:.0f}"
            status = "-" if decision.status is None else decision.status.name.lower()
            why = " ".join(reason.why.value for reason in decision.reasons)
            lines.append(
                f"{row.time_s:7.0f} {decision.current_a:6.1f} {decision.phases:2d} {row.ev_w[index]:7.0f} "
                f"{row.pv_w:7.0f} {row.grid_w:7.0f} {row.battery_w:7.0f} {surplus:>8} {status}: {why}"
            )
        return "\n".join(lines)
