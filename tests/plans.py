"""A charging point that goes by a plan at prices of two days, for the tests of what shows it."""

from __future__ import annotations

from msgspec.structs import replace

from phaeton.model import CarState, Mode, Output, Plan, PlanSlot, PriceSlot, Reason, SlotWhy, Why
from phaeton.price_report import PriceReport, SourceReport
from tests import outputs

NOW_S = outputs.NOON_UTC_S
HOUR_S = 3600.0
DAY_S = NOW_S - 12 * HOUR_S
"""Midnight of the zone that the tests of the page are in (UTC+2)."""

PLAN = Plan(
    made_utc_s=NOW_S - 600.0,
    departure_utc_s=NOW_S + 19 * HOUR_S,
    deadline_utc_s=NOW_S + 19 * HOUR_S - 900.0,
    need_kwh=24.2,
    power_w=11000.0,
    slots=(
        PlanSlot(NOW_S, NOW_S + 2 * HOUR_S, 2200.0, SlotWhy.SUN, 0.08),
        PlanSlot(NOW_S + 14 * HOUR_S, NOW_S + 15 * HOUR_S, 11000.0, SlotWhy.PRICE, -0.02),
        PlanSlot(NOW_S + 15 * HOUR_S, NOW_S + 15.8 * HOUR_S, 11000.0, SlotWhy.PRICE, 0.11),
    ),
    done_utc_s=NOW_S + 15.8 * HOUR_S,
    cost=1.1,
    sun_kwh=4.4,
)
LATE = replace(
    PLAN,
    departure_utc_s=NOW_S + HOUR_S,
    deadline_utc_s=NOW_S + 0.75 * HOUR_S,
    slots=(PlanSlot(NOW_S, NOW_S + 2.2 * HOUR_S, 11000.0, SlotWhy.LATE, None),),
    done_utc_s=NOW_S + 2.2 * HOUR_S,
    cost=None,
    sun_kwh=0.0,
    late_s=1.2 * HOUR_S,
    missing_kwh=15.95,
    missing_pct=65.9,
)


def price(hour: int) -> float:
    """Dear in the evening, below zero in the second night."""
    return -0.02 if hour in (26, 27) else round(0.14 + 0.012 * abs(hour % 24 - 3), 4)


def report(*, strategy: str = "plan", cheap: tuple[PriceSlot, ...] = (), known: bool = True) -> PriceReport:
    """Prices of two days by the hour."""
    slots = [PriceSlot(DAY_S + h * HOUR_S, DAY_S + (h + 1) * HOUR_S, price(h), 0.08, "") for h in range(48)]
    stretches = [(slot.start_s, slot.end_s) for slot in (*PLAN.slots, *cheap)]
    return PriceReport(
        kind="tibber",
        sources=(SourceReport(title="Tibber", answered_utc_s=NOW_S - 60.0, trouble="" if known else "wait"),),
        in_force="Tibber" if known else "",
        currency="EUR",
        slots=tuple(slots) if known else (),
        charging=tuple(stretches),
        version=3,
        strategy=strategy,
        cheap=cheap,
    )


def planning(mono_s: float = 1000.0, plan: Plan | None = PLAN, soc_pct: float | None = 41.0) -> Output:
    """A car in scheduled mode that is to be at 80 % in the morning."""
    base = outputs.output(
        mono_s, point=replace(outputs.waiting(), mode=Mode.SCHEDULED), read=outputs.reading(power_w=0.0)
    )
    point = replace(
        base.decision.points[0], vehicle="ev6", plan=plan, reasons=(Reason(Why.PLAN_WAIT, 0.25, -0.02, 14 * HOUR_S),)
    )
    car = CarState(
        vehicle="ev6",
        point="1",
        soc_pct=soc_pct,
        soc_sigma_pct=1.0,
        soc_age_s=420.0,
        read_soc_pct=soc_pct,
        limit_soc_pct=80.0,
        goal_soc_pct=80.0 if plan is not None else None,
        departure_utc_s=None if plan is None else plan.departure_utc_s,
        repeating=True,
    )
    return Output(base.situation, replace(base.decision, points=(point,), cars=(car,)))
