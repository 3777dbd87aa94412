"""The commitment to a plan: made once, kept, and made anew only when there is a reason.

Reasons are new prices, a new forecast, another goal, another car, another power of the car, and progress that is off
by more than 5 %. What runs is not stopped because the rest was computed again: the running price slot is finished.
"""

from __future__ import annotations

from msgspec import Struct

from phaeton.config.tree_schedule import PlanSettings
from phaeton.model import ForecastCurve, ForecastSlot, Plan, PlanSlot, PriceCurve, PriceSlot, SlotWhy
from phaeton.streams import planner
from phaeton.streams.planner import Request, SunSlot, planned_kwh
from phaeton.streams.strategy import slot_at

OFF_SHARE = 0.05
"""Progress that is off by so much of the need makes the plan anew."""
OFF_LEAST_KWH = 0.1
FINISH_S = 900.0
"""What runs where no price is known goes on for at least so long."""


class Task(Struct, frozen=True, kw_only=True):
    """What is to be planned for in this step."""

    key: str
    """Changes with the car, its stay and its goal."""
    departure_s: float
    need_kwh: float
    """What is still needed now, from the socket."""
    power_w: float
    sun_min_w: float
    """Below this the sun alone does not charge."""
    flowing: bool


class PlanState(Struct, frozen=True, kw_only=True):
    """The plan in force and what it was made from."""

    plan: Plan
    key: str
    curve_s: float | None
    forecast_s: float | None


def step(
    before: PlanState | None,
    task: Task,
    settings: PlanSettings,
    prices: PriceCurve | None,
    forecast: ForecastCurve | None,
    fixed: PriceSlot,
    utc_s: float,
) -> PlanState:
    """The plan for now: the one before, unless there is a reason for a new one. ``fixed`` holds without a curve."""
    curve_s = None if prices is None else prices.mono_s
    forecast_s = None if forecast is None else forecast.mono_s
    keep = False
    if before is not None and before.key == task.key:
        same = before.curve_s == curve_s and before.forecast_s == forecast_s
        if same and not _off(before.plan, task, utc_s):
            return before
        slot = active(before.plan, utc_s) if same else None
        keep = slot is not None and slot.why is not SlotWhy.SUN and task.flowing
    request = asked(
        task, settings, prices, forecast, fixed, utc_s, keep_until_s=_finish_s(prices, utc_s) if keep else 0.0
    )
    return PlanState(plan=planner.plan(request), key=task.key, curve_s=curve_s, forecast_s=forecast_s)


def asked(
    task: Task,
    settings: PlanSettings,
    prices: PriceCurve | None,
    forecast: ForecastCurve | None,
    fixed: PriceSlot,
    utc_s: float,
    *,
    keep_until_s: float = 0.0,
) -> Request:
    """What the planner is asked at a time."""
    return Request(
        now_s=utc_s,
        departure_s=task.departure_s,
        need_kwh=task.need_kwh,
        power_w=task.power_w,
        prices=(fixed,) if prices is None else prices.slots,
        sun=_sun(forecast, settings, task, utc_s),
        feed_in_per_kwh=fixed.feed_in_per_kwh,
        margin_s=settings.margin_s,
        start_cost=settings.start_cost,
        continuous=settings.continuous,
        precondition_s=settings.precondition_min * 60.0,
        flowing=task.flowing,
        keep_until_s=keep_until_s,
    )


def active(plan: Plan, utc_s: float) -> PlanSlot | None:
    """The slot that holds now."""
    for slot in plan.slots:
        if utc_s < slot.start_s:
            return None
        if utc_s < slot.end_s:
            return slot
    return None


def following(plan: Plan, utc_s: float) -> PlanSlot | None:
    """The next slot that is paid for."""
    for slot in plan.slots:
        if slot.start_s > utc_s and slot.why is not SlotWhy.SUN:
            return slot
    return None


def _off(plan: Plan, task: Task, utc_s: float) -> bool:
    """Whether the plan no longer fits."""
    if utc_s < plan.made_utc_s or abs(task.power_w - plan.power_w) > OFF_SHARE * plan.power_w:
        return True
    left_kwh = plan.need_kwh - planned_kwh(plan, utc_s)
    if abs(task.need_kwh - left_kwh) > max(OFF_SHARE * plan.need_kwh, OFF_LEAST_KWH):
        return True
    return (plan.done_utc_s is None or utc_s >= plan.done_utc_s) and task.need_kwh > 0


def _finish_s(prices: PriceCurve | None, utc_s: float) -> float:
    slot = None if prices is None else slot_at(prices, utc_s)
    return utc_s + FINISH_S if slot is None else slot.end_s


def _sun(forecast: ForecastCurve | None, settings: PlanSettings, task: Task, utc_s: float) -> tuple[SunSlot, ...]:
    """What is counted on from the sun until the departure."""
    if forecast is None or settings.forecast_certainty_pct <= 0:
        return ()
    certainty = settings.forecast_certainty_pct / 100.0
    found = []
    for slot in forecast.slots:
        if slot.end_s <= utc_s or slot.start_s >= task.departure_s:
            continue
        surplus_w = _surplus_w(slot, settings)
        if surplus_w is not None and surplus_w >= task.sun_min_w:
            found.append(SunSlot(slot.start_s, slot.end_s, surplus_w * certainty))
    return tuple(found)


def _surplus_w(slot: ForecastSlot, settings: PlanSettings) -> float | None:
    if slot.surplus_w is not None:
        return slot.surplus_w
    if slot.pv_w is None:
        return None
    return slot.pv_w - (settings.house_load_w if slot.consumption_w is None else slot.consumption_w)
