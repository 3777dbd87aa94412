"""Plans as the API tells them: when each charging point charges, at which price and why, and what it waits for."""

from __future__ import annotations

from msgspec import Struct

from phaeton.model import Mode, Output, Plan, PlanSlot, PointDecision, PriceSlot, SlotWhy
from phaeton.price_report import PriceReport
from phaeton.sinks.web.moments import moment
from phaeton.sinks.web.vehicles import GoalStatus, goal_status

WS_PER_KWH = 3.6e6
PRICE_LOW = "price_low"
NO_LEVEL = "NORMAL"
"""What the forerunner told of a price that its source gives no level for."""

WORDS = {
    SlotWhy.PRICE.value: "the energy is cheapest here",
    SlotWhy.SUN.value: "the sun is expected to give it",
    SlotWhy.PRECONDITION.value: "the car is to be warm at the departure",
    SlotWhy.UNPRICED.value: "no price is known yet, and the rest of the time does not suffice",
    SlotWhy.LATE.value: "the departure cannot be met, so at once",
    PRICE_LOW: "the price is low enough",
}


class PlannedSlot(Struct, frozen=True, kw_only=True):
    """One stretch in which it charges."""

    start: str
    end: str
    power_w: float | None
    """Expected; null where only the price is known."""
    energy_kwh: float | None
    price_per_kwh: float | None
    why: str
    text: str


class PlanStatus(Struct, frozen=True, kw_only=True):
    """The plan of a departure."""

    made: str
    departure: str
    deadline: str
    """The departure less the margin."""
    need_kwh: float
    """From the socket, counted from when the plan was made."""
    power_w: float
    done: str | None
    """When the goal is expected to be met."""
    cost: float | None
    """Expected; null where a price is not known."""
    sun_kwh: float
    late_min: float
    """So much after the departure the goal is met; 0 = in time."""
    missing_kwh: float
    missing_pct: float
    waits_for_prices: bool
    charging: bool
    """Now is a slot that is paid for."""
    next: str | None
    """When the next slot begins that is paid for."""
    slots: list[PlannedSlot]


class PointPlan(Struct, frozen=True, kw_only=True):
    """What one charging point has in mind."""

    point: str
    mode: str
    """Plans and prices are followed in scheduled mode."""
    vehicle: str | None
    strategy: str
    goal: GoalStatus | None
    plan: PlanStatus | None
    cheap: list[PlannedSlot]
    """Where the strategy goes by the price alone: the slots ahead that it charges in."""


class PlanList(Struct, frozen=True, kw_only=True):
    """The answer to ``GET /api/plan``."""

    generated_at: str
    currency: str
    strategy: str
    threshold_per_kwh: float | None
    points: list[PointPlan]


class ForerunnerPoint(Struct, frozen=True, kw_only=True):
    """One price of the forerunner's plan."""

    starts_at: str
    ends_at: str
    total: float
    level: str
    will_charge: bool


class ForerunnerPlan(Struct, frozen=True, kw_only=True):
    """The answer to ``GET /api/tibber/plan``, whatever the source of the prices."""

    strategy: str
    threshold: float | None
    points: list[ForerunnerPoint]
    generated_at: str


class ForerunnerTrouble(Struct, frozen=True, kw_only=True):
    """The same while no price is known."""

    error: str
    points: list[ForerunnerPoint]


def plan_status(plan: Plan, utc_s: float) -> PlanStatus:
    """The plan of a departure as it is told."""
    paid = [slot for slot in plan.slots if slot.why is not SlotWhy.SUN]
    return PlanStatus(
        made=moment(plan.made_utc_s),
        departure=moment(plan.departure_utc_s),
        deadline=moment(plan.deadline_utc_s),
        need_kwh=round(plan.need_kwh, 3),
        power_w=round(plan.power_w),
        done=moment(plan.done_utc_s),
        cost=None if plan.cost is None else round(plan.cost, 4),
        sun_kwh=round(plan.sun_kwh, 3),
        late_min=round(plan.late_s / 60.0, 1),
        missing_kwh=round(plan.missing_kwh, 3),
        missing_pct=round(plan.missing_pct, 1),
        waits_for_prices=plan.waits_for_prices,
        charging=any(slot.start_s <= utc_s < slot.end_s for slot in paid),
        next=moment(next((slot.start_s for slot in paid if slot.start_s > utc_s), None)),
        slots=[_planned(slot) for slot in plan.slots if slot.end_s > utc_s],
    )


def plan_list(output: Output, report: PriceReport | None) -> PlanList:
    """The plans of all points."""
    decision = output.decision
    return PlanList(
        generated_at=moment(decision.utc_s),
        currency=decision.currency if report is None else report.currency,
        strategy="" if report is None else report.strategy,
        threshold_per_kwh=None if report is None else report.threshold_per_kwh,
        points=[point_plan(point, output, report) for point in decision.points],
    )


def point_plan(point: PointDecision, output: Output, report: PriceReport | None) -> PointPlan:
    """What one point has in mind."""
    car = next((car for car in output.decision.cars if point.vehicle is not None and car.point == point.point), None)
    goal = None if car is None or car.departure_utc_s is None else goal_status(car)
    return PointPlan(
        point=point.point,
        mode=Mode(point.mode).name.lower(),
        vehicle=point.vehicle,
        strategy="" if report is None else report.strategy,
        goal=goal,
        plan=None if point.plan is None else plan_status(point.plan, output.decision.utc_s),
        cheap=[] if report is None else [_cheap(slot) for slot in report.cheap],
    )


def forerunner_plan(report: PriceReport | None, utc_s: float) -> ForerunnerPlan | ForerunnerTrouble:
    """Prices and what is charged in, in the forerunner's shape."""
    if report is None or not report.slots:
        why = next((source.trouble for source in report.sources if source.trouble), "") if report else ""
        return ForerunnerTrouble(error=why or "no prices are known yet", points=[])
    charging = report.charging or ()
    return ForerunnerPlan(
        strategy=report.strategy,
        threshold=report.threshold_per_kwh,
        points=[
            ForerunnerPoint(
                starts_at=moment(slot.start_s),
                ends_at=moment(slot.end_s),
                total=slot.import_per_kwh,
                level=slot.level or NO_LEVEL,
                will_charge=any(start < slot.end_s and end > slot.start_s for start, end in charging),
            )
            for slot in report.slots
        ],
        generated_at=moment(utc_s),
    )


def _planned(slot: PlanSlot) -> PlannedSlot:
    return PlannedSlot(
        start=moment(slot.start_s),
        end=moment(slot.end_s),
        power_w=round(slot.power_w),
        energy_kwh=round(slot.power_w * (slot.end_s - slot.start_s) / WS_PER_KWH, 3),
        price_per_kwh=None if slot.price_per_kwh is None else round(slot.price_per_kwh, 5),
        why=slot.why.value,
        text=WORDS[slot.why.value],
    )


def _cheap(slot: PriceSlot) -> PlannedSlot:
    return PlannedSlot(
        start=moment(slot.start_s),
        end=moment(slot.end_s),
        power_w=None,
        energy_kwh=None,
        price_per_kwh=round(slot.import_per_kwh, 5),
        why=PRICE_LOW,
        text=WORDS[PRICE_LOW],
    )
