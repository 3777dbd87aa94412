"""When to ask a car: a pure function of what happened, so that a whole day can be counted in a test.

The rule is: almost never. A car is read once after it was plugged in, then by the energy that it took, once when it has
finished, and not while it sleeps. It is woken only when a plan needs to know and everything below allows it.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from phaeton.sources.vehicles.provider import Pace
from phaeton.sources.vehicles.report import Trouble

DAY_S = 86_400.0
WEEK_S = 7 * DAY_S
NEVER_S = float("inf")

NEAR_PCT = 3.0
CANDIDATE_S = (120.0, 600.0)
"""When a car that may be the one that was plugged in somewhere is read, after that."""
MANY_FAILURES = 8
HOURLY_S = 3600.0
LIMIT_PAUSE_S = 600.0
LONGEST_LIMIT_PAUSE_S = 7200.0

USUAL_KWH = 60.0
"""The battery of a car whose own is not known."""

UNSURE_PCT = 10.0
WAKE_GAP_S = 1800.0
WAKE_COSTS = 16
"""Requests: the wake-up, the questions whether it is awake, the data."""
WAKE_HORIZON_S = 24 * 3600.0
URGENT_S = 8 * 3600.0
QUIET_FROM_H, QUIET_UNTIL_H = 22.0, 6.0
LEAST_AUX_PCT = 70.0


class Ask(StrEnum):
    """What to ask for."""

    STATE = "state"
    DATA = "data"
    WAKE = "wake"


class View(Struct, frozen=True):
    """The car as our chargers see it."""

    plugged: bool = False
    """At one of our points."""
    candidate: bool = False
    """A car that nobody knows was plugged in at one of our points."""
    charging: bool = False
    taken_kwh: float = 0.0
    """Since it was plugged in."""
    soc_pct: float | None = None
    """Estimated."""
    soc_sigma_pct: float | None = None
    goal_soc_pct: float | None = None
    departure_utc_s: float | None = None
    battery_kwh: float | None = None


class Times(Struct, frozen=True):
    """When the view changed, in ``mono_s``; None = not since the start."""

    plugged_s: float | None = None
    candidate_s: float | None = None
    charging_s: float | None = None
    """Charging began."""
    stopped_s: float | None = None
    """Charging ended."""


class Record(Struct, frozen=True):
    """What happened with a provider; kept over restarts where somebody counts. All times are ``mono_s``."""

    asked: tuple[float, ...] = ()
    """Requests of the last day."""
    wakes: tuple[float, ...] = ()
    """Wakes of the last week."""
    last_s: float | None = None
    """The last question."""
    good_s: float | None = None
    """The last answer with data."""
    good_kwh: float = 0.0
    """What the car had taken since plug-in at that answer."""
    failures: int = 0
    limits: int = 0
    not_before_s: float = 0.0
    blocked: bool = False
    """Until the owner did something."""
    asleep: bool = False
    trouble: Trouble | None = None
    why: str = ""
    seed: str = ""
    """Of the credentials; other ones lift a block that waits for the owner."""


class Due(Struct, frozen=True):
    """The next question and when."""

    ask: Ask
    at_s: float


def watched(times: Times, before: View, now: View, now_s: float) -> Times:
    """The times after the view changed."""
    stopped_s = times.stopped_s
    if before.charging and not now.charging:
        stopped_s = now_s
    return Times(
        plugged_s=_since(times.plugged_s, before.plugged, now.plugged, now_s),
        candidate_s=_since(times.candidate_s, before.candidate, now.candidate, now_s),
        charging_s=_since(times.charging_s, before.charging, now.charging, now_s),
        stopped_s=stopped_s if now.plugged and not now.charging else None,
    )


def _since(since_s: float | None, before: bool, now: bool, now_s: float) -> float | None:
    if not now:
        return None
    return since_s if before else now_s


def begun(times: Times, record: Record, now_s: float) -> Times:
    """The times at the first view of a run: a car that was there before is not read anew for a restart."""
    if times.plugged_s is None or record.good_s is None or record.good_s < now_s - HOURLY_S:
        return times
    return replace(times, plugged_s=min(record.good_s, now_s))


def due(pace: Pace, record: Record, view: View, times: Times, now_s: float) -> Due:
    """The next question that is not a wake, and when; `NEVER_S` when nothing is planned."""
    if record.blocked:
        return Due(Ask.DATA, NEVER_S)
    ask, at_s = _wanted(pace, record, view, times)
    return Due(ask, max(at_s, record.not_before_s, _budget_free_s(pace, record, now_s)))


def _budget_free_s(pace: Pace, record: Record, now_s: float) -> float:
    """When the count of the last day leaves room for two requests: a state and the data."""
    if pace.data_per_day is None:
        return 0.0
    counted = sorted(s for s in record.asked if s > now_s - DAY_S)
    over = len(counted) + 2 - pace.data_per_day
    return counted[min(over, len(counted)) - 1] + DAY_S if over > 0 and counted else 0.0


def _wanted(pace: Pace, record: Record, view: View, times: Times) -> tuple[Ask, float]:
    last_s = -NEVER_S if record.last_s is None else record.last_s
    good_s = -NEVER_S if record.good_s is None else record.good_s
    if not view.plugged or times.plugged_s is None:
        return Ask.DATA, _away(pace, view, times, last_s)
    fresh = good_s >= times.plugged_s
    if view.charging and times.charging_s is not None:
        if not fresh:
            return Ask.DATA, _first(pace, times.plugged_s, last_s, pace.charging_s)
        return Ask.DATA, _charging(pace, record, view, last_s)
    if times.stopped_s is not None and fresh and good_s < times.stopped_s and view.taken_kwh >= record.good_kwh + 1.0:
        at_s = times.stopped_s + pace.done_s
        return Ask.DATA, at_s if last_s < at_s else max(last_s + _later(pace), times.stopped_s + pace.quiet_s)
    if not fresh:
        return Ask.DATA, _first(pace, times.plugged_s, last_s, _later(pace))
    quiet_s = times.stopped_s + pace.quiet_s if times.stopped_s is not None else -NEVER_S
    idle_s = NEVER_S if pace.idle_s is None else max(last_s + pace.idle_s, quiet_s)
    return (Ask.DATA if pace.idle_data else Ask.STATE), idle_s


def _later(pace: Pace) -> float:
    return pace.idle_s if pace.idle_s is not None else HOURLY_S


def _first(pace: Pace, plugged_s: float, last_s: float, later_s: float) -> float:
    """The first reading after plug-in: at the times of the pace, then in its rhythm."""
    return next((plugged_s + s for s in pace.plug_in_s if plugged_s + s > last_s), max(last_s + later_s, plugged_s))


def _charging(pace: Pace, record: Record, view: View, last_s: float) -> float:
    if _near(view):
        return last_s + pace.near_s
    step_kwh = pace.charging_step_pct / 100.0 * (view.battery_kwh or USUAL_KWH)
    if view.taken_kwh < record.good_kwh + step_kwh:
        return NEVER_S
    return last_s + pace.charging_s


def _near(view: View) -> bool:
    if view.soc_pct is None or view.goal_soc_pct is None:
        return False
    return abs(view.goal_soc_pct - view.soc_pct) <= NEAR_PCT


def _away(pace: Pace, view: View, times: Times, last_s: float) -> float:
    at_s = NEVER_S if pace.away_s is None else last_s + pace.away_s
    if view.candidate and times.candidate_s is not None:
        looks = (times.candidate_s + s for s in CANDIDATE_S)
        at_s = min(at_s, next((s for s in looks if s > last_s), NEVER_S))
    return at_s


# What an answer changes.


def booked(record: Record, requests: int, now_s: float) -> Record:
    """Count requests, before they are sent."""
    counted = tuple(s for s in record.asked if s > now_s - DAY_S)
    return replace(record, asked=counted + (now_s,) * requests, last_s=now_s)


def answered(record: Record, view: View, now_s: float, *, data: bool) -> Record:
    """A good answer came."""
    record = released(record)
    return replace(record, good_s=now_s, good_kwh=view.taken_kwh) if data else record


def released(record: Record) -> Record:
    """Forget what went wrong, after a good answer or because the owner says so."""
    return replace(record, failures=0, limits=0, not_before_s=0.0, blocked=False, asleep=False, trouble=None, why="")


def resumed(record: Record, seed: str, now_s: float) -> Record:
    """A record of the last run: nothing in it is later than now, and other credentials lift a block."""
    kept = replace(
        record,
        asked=tuple(min(s, now_s) for s in record.asked),
        wakes=tuple(min(s, now_s) for s in record.wakes),
        last_s=None if record.last_s is None else min(record.last_s, now_s),
        good_s=None if record.good_s is None else min(record.good_s, now_s),
        not_before_s=min(record.not_before_s, now_s + 31 * DAY_S),
        seed=seed,
    )
    return kept if seed == record.seed else released(kept)


def failed(
    pace: Pace,
    record: Record,
    trouble: Trouble,
    why: str,
    now_s: float,
    *,
    retry_s: float | None = None,
    month_s: float = 31 * DAY_S,
    chance: float = 0.5,
) -> Record:
    """No data came; ``month_s`` is how long this month lasts, ``chance`` from 0 to 1 spreads the pauses."""
    record = replace(record, trouble=trouble, why=why)
    if trouble is Trouble.ASLEEP:
        return replace(record, asleep=True, failures=0, limits=0, not_before_s=0.0, trouble=None, why=why)
    if trouble is Trouble.DENIED and pace.metered:
        return replace(record, blocked=True)
    if trouble is Trouble.DENIED:  # a service in the house locks nobody out, and may just be starting up
        return replace(record, not_before_s=now_s + pace.longest_pause_s)
    if trouble is Trouble.UNPAID:
        return replace(record, not_before_s=now_s + month_s)
    if trouble is Trouble.LIMITED:
        own_s = min(LIMIT_PAUSE_S * 2.0 ** min(record.limits, 8), LONGEST_LIMIT_PAUSE_S)
        return replace(record, limits=record.limits + 1, not_before_s=now_s + max(retry_s or 0.0, own_s))
    failures = record.failures + 1
    pause_s = min(pace.first_pause_s * 2.0 ** min(failures - 1, 16), pace.longest_pause_s)
    if failures > MANY_FAILURES:
        pause_s = max(HOURLY_S, pause_s) if pace.metered else pace.longest_pause_s
    pause_s *= 0.8 + 0.4 * chance
    return replace(record, failures=failures, not_before_s=now_s + max(pause_s, retry_s or 0.0))


# Waking.


class Wish(Struct, frozen=True):
    """Everything that speaks for or against waking the car now."""

    now_s: float
    utc_s: float
    hour: float | None
    """Local time of day, None where the zone is not known."""
    aux_battery_pct: float | None = None


def wake_refusal(pace: Pace, record: Record, view: View, times: Times, wish: Wish) -> str:
    """Why the car is not woken now, in words; empty when it may be."""
    left_s = None if view.departure_utc_s is None else view.departure_utc_s - wish.utc_s
    sure = view.soc_pct is not None and (view.soc_sigma_pct or 0.0) <= UNSURE_PCT
    night = wish.hour is not None and (wish.hour >= QUIET_FROM_H or wish.hour < QUIET_UNTIL_H)
    wakes = [s for s in record.wakes if s > wish.now_s - WEEK_S]
    today = [s for s in wakes if s > wish.now_s - DAY_S]
    answered_asleep = record.asleep and record.last_s is not None and record.last_s >= (times.plugged_s or 0.0)
    rules = (
        (pace.wakes_per_day <= 0, "waking is not allowed"),
        (not view.plugged, "the car is not at the charger"),
        (view.charging, "the car charges, so it is awake"),
        (not answered_asleep, "the car is not known to sleep"),
        (view.goal_soc_pct is None or left_s is None, "no plan needs its state of charge"),
        (left_s is not None and not 0 < left_s <= WAKE_HORIZON_S, "the departure is too far away"),
        (sure, "the state of charge is known well enough"),
        (record.trouble is not None, "the service refuses us"),
        (any(s > wish.now_s - WAKE_GAP_S for s in wakes), "it was woken a short while ago"),
        (_left_today(pace, record, wish.now_s) < WAKE_COSTS, "the requests of the day are spent"),
        (len(today) >= pace.wakes_per_day, "the wakes of the day are spent"),
        (len(wakes) >= pace.wakes_per_week, "the wakes of the week are spent"),
        (wish.aux_battery_pct is not None and wish.aux_battery_pct < LEAST_AUX_PCT, "its 12 V battery is low"),
        (night and (left_s is None or left_s > URGENT_S), "it is night and the departure is not near"),
    )
    return next((words for broken, words in rules if broken), "")


def _left_today(pace: Pace, record: Record, now_s: float) -> int:
    if pace.data_per_day is None:
        return WAKE_COSTS
    return pace.data_per_day - len([s for s in record.asked if s > now_s - DAY_S])


def woken(record: Record, now_s: float) -> Record:
    """Count a wake, before it is sent."""
    return replace(record, wakes=(*(s for s in record.wakes if s > now_s - WEEK_S), now_s))
