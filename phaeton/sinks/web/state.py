"""What the web server holds between two outputs: the newest one, and its encoded form once somebody asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from time import perf_counter

import msgspec
from msgspec import structs

from phaeton.model import Output, Zone
from phaeton.sinks.web.plan import (
    ForerunnerPlan,
    ForerunnerTrouble,
    PlanList,
    PointPlan,
    forerunner_plan,
    plan_list,
)
from phaeton.sinks.web.prices import PriceList, price_list
from phaeton.sinks.web.problem import ProblemError
from phaeton.sinks.web.series import History
from phaeton.sinks.web.status import Diagnostics, PointName, Snapshot, snapshot
from phaeton.sinks.web.vehicles import VehicleStatus, vehicle_statuses


class WebState:
    """The newest output; nothing is built or encoded before somebody asks."""

    def __init__(
        self, points: Sequence[PointName], diagnostics: Callable[[], Diagnostics], zone: Callable[[], Zone] = Zone
    ) -> None:
        self.use(points)
        self.output: Output | None = None
        self.seq = 0
        self.build_ms: float | None = None
        """How long the newest snapshot took to build."""
        self._diagnostics = diagnostics
        self._zone = zone
        self._encoded: bytes | None = None
        self._encoder = msgspec.json.Encoder()

    def use(self, points: Sequence[PointName]) -> None:
        """Tell of these charging points from now on; the past by the second begins anew."""
        self.points = tuple(points)
        self.history = History([point.id for point in self.points])

    def take(self, output: Output) -> None:
        """Replace the newest output."""
        self.output = output
        self.seq += 1
        self._encoded = None
        self.history.add(output)

    def snapshot(self) -> Snapshot:
        """The newest snapshot; a `ProblemError` (503) before the first output."""
        began_s = perf_counter()
        diagnostics = self._diagnostics()
        steps = structs.replace(diagnostics.poll_steps_ms, snapshot_build_ms=self.build_ms)
        told = structs.replace(diagnostics, poll_steps_ms=steps)
        found = snapshot(self.decided(), self.points, told, self.seq, self._zone().name)
        self.build_ms = round((perf_counter() - began_s) * 1000.0, 3)
        return found

    def decided(self) -> Output:
        """The newest output; a `ProblemError` (503) before the first."""
        if self.output is None or not self.output.decision.points:
            raise ProblemError(503, self.why_empty())
        return self.output

    def encoded(self) -> bytes | None:
        """The newest snapshot as JSON, encoded once; None before the first output."""
        if self._encoded is None and self.output is not None and self.output.decision.points:
            self._encoded = self._encoder.encode(self.snapshot())
        return self._encoded

    def why_empty(self) -> str:
        """Why there is nothing to show."""
        return "Phaeton has just started; there is no decision yet" if self.points else "no charger is configured"

    def prices(self) -> PriceList:
        """All prices that are known; a `ProblemError` (503) before the source has begun."""
        report = self._diagnostics().prices
        if report is None:
            raise ProblemError(503, "Phaeton has just started; the prices are not there yet")
        return price_list(report, self.now_utc_s())

    def plans(self) -> PlanList:
        """The plans of all points; a `ProblemError` (503) before the first output."""
        return plan_list(self.decided(), self._diagnostics().prices)

    def plan(self, point: str) -> PointPlan:
        """The plan of one point."""
        return next(plan for plan in self.plans().points if plan.point == point)

    def forerunner_plan(self) -> ForerunnerPlan | ForerunnerTrouble:
        """The plan in the forerunner's shape."""
        return forerunner_plan(self._diagnostics().prices, self.now_utc_s())

    def vehicles(self) -> list[VehicleStatus]:
        """The configured cars."""
        return vehicle_statuses(self.output, self._diagnostics().vehicles)

    def point(self, wanted: str | None) -> str:
        """The id of a charging point, None = the first; a `ProblemError` (404) for one that is none."""
        if not self.points:
            raise ProblemError(404, "no charger is configured")
        if wanted is None:
            return self.points[0].id
        if wanted not in {point.id for point in self.points}:
            known = ", ".join(point.id for point in self.points)
            raise ProblemError(404, f"there is no charger {wanted!r}; there is {known}")
        return wanted

    def can_switch_phases(self, point: str) -> bool:
        """False only where the charger's profile is known to offer no way."""
        for known in self.output.situation.points if self.output else ():
            if known.id == point and known.identity is not None:
                return known.identity.can_switch_phases
        return True

    def now_utc_s(self) -> float:
        """The time of the newest output, else the clock's."""
        return self.output.decision.utc_s if self.output else time.time()
