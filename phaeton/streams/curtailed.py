"""Curtailed PV: nothing may be fed in and the battery is full, so the surplus reads 0 at full sun.

The probe offers the minimum and climbs 1 A every 20 s while neither the grid nor the battery gives more than 100 W;
where one does it steps back, by as much as they give, and waits, longer each time.
"""

from __future__ import annotations

from msgspec import Struct

from phaeton.model import SiteReading

CLIMB_S = 20.0
CLIMB_A = 1.0
GIVING_W = 100.0
PV_AT_LEAST_W = 300.0
WAIT_S = 300.0
WAIT_AT_MOST_S = 1200.0
FAILED_S = 1800.0
FLOAT = 5


class CurtailedState(Struct, frozen=True, gc=False):
    """How far the probe has climbed and how long it waits."""

    offer_a: float = 0.0
    moved_s: float | None = None
    wait_until_s: float = 0.0
    wait_s: float = WAIT_S
    giving_since_s: float | None = None


RESET = CurtailedState()


def possible(site: SiteReading | None, battery_full: bool, off_grid: bool) -> bool:
    """Whether the PV may be held back now: no way out for its power, the battery full, and sun there."""
    if site is None or (not off_grid and (site.feed_in_limit_w is None or site.feed_in_limit_w > 0)):
        return False
    if site.pv_w is None or site.pv_w <= PV_AT_LEAST_W:
        return False
    nothing_stored = site.battery_w is None or site.battery_w < GIVING_W
    return nothing_stored and (battery_full or site.system_state == FLOAT or site.battery_soc_pct is None)


def step(
    before: CurtailedState,
    site: SiteReading | None,
    may: bool,
    now_s: float,
    min_a: float,
    max_a: float,
    w_per_a: float,
) -> tuple[CurtailedState, float]:
    """The current (A) that the probe offers, 0 for none; ``may``: auto could charge and PV may be curtailed."""
    if not may or site is None:
        if before.offer_a == 0.0 and before.wait_s == WAIT_S:
            return before, 0.0
        return CurtailedState(wait_until_s=before.wait_until_s), 0.0
    if now_s < before.wait_until_s and before.offer_a == 0.0:
        return before, 0.0
    giving_w = max(site.grid_w or 0.0, 0.0) + max(-(site.battery_w or 0.0), 0.0)
    giving_since_s = None
    if giving_w > GIVING_W and before.offer_a > 0.0:
        giving_since_s = now_s if before.giving_since_s is None else before.giving_since_s
        settled = before.moved_s is None or now_s - before.moved_s >= CLIMB_S / 2
        if settled and now_s - giving_since_s >= 4.0:
            return _back(before, now_s, min_a, giving_w / w_per_a)
    if before.offer_a == 0.0:
        return CurtailedState(offer_a=min_a, moved_s=now_s, wait_s=before.wait_s), min_a
    climb = before.moved_s is None or now_s - before.moved_s >= CLIMB_S
    if climb and giving_w <= GIVING_W and now_s >= before.wait_until_s and before.offer_a < max_a:
        offer_a = min(before.offer_a + CLIMB_A, max_a)
        return CurtailedState(offer_a, now_s, before.wait_until_s, before.wait_s), offer_a
    state = CurtailedState(before.offer_a, before.moved_s, before.wait_until_s, before.wait_s, giving_since_s)
    return state, before.offer_a


def _back(before: CurtailedState, now_s: float, min_a: float, giving_a: float) -> tuple[CurtailedState, float]:
    if before.offer_a <= min_a:
        return CurtailedState(wait_until_s=now_s + FAILED_S), 0.0
    offer_a = max(before.offer_a - max(CLIMB_A, giving_a), min_a)
    wait_s = min(before.wait_s * 2, WAIT_AT_MOST_S)
    return CurtailedState(offer_a, now_s, now_s + before.wait_s, wait_s), offer_a
