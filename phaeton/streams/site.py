"""What holds for the whole site: is the house known, is the grid there, is the battery too low."""

from __future__ import annotations

from msgspec import Struct

from phaeton.config.tree import Config
from phaeton.model import Reason, SiteReading, Why
from phaeton.streams.surplus import Surplus

LOW_SOC_CLEAR_PCT = 3.0
GRID_BACK_REST_S = 300.0
GENERATOR = 2
INVERTING = 240


class SiteState(Struct, frozen=True, gc=False):
    """What is remembered of the site beside its surplus."""

    begun_s: float | None = None
    """The first evaluation: the age of values that never came."""
    off_grid: bool = False
    back_s: float | None = None
    low_soc: bool = False


class SiteView(Struct, frozen=True, gc=False):
    """The site in this step."""

    reading: SiteReading | None
    age_s: float
    """Since the last proof of life, or since the values stand still."""
    fresh: bool
    """Good enough to raise a current with."""
    held: bool
    """Too old for more than the minimum."""
    lost: bool
    """Too old for anything in auto."""
    frozen: bool
    off_grid: bool
    pause: Reason | None
    """Why nobody may charge now: off-grid, or the rest after it."""
    low_soc: Reason | None


def step(
    before: SiteState, config: Config, reading: SiteReading | None, surplus: Surplus, now_s: float, still_s: float
) -> tuple[SiteState, SiteView]:
    """Judge the site; ``still_s`` is for how long its values have not moved (only counts when frozen)."""
    begun_s = now_s if before.begun_s is None else before.begun_s
    off_grid = before.off_grid
    if reading is None:
        age_s = now_s - begun_s
    else:
        age_s = now_s - reading.mono_s
        if reading.ac_source is not None:
            off_grid = reading.ac_source in (GENERATOR, INVERTING)
    frozen = surplus.frozen
    if frozen:
        age_s = max(age_s, still_s)
    back_s = before.back_s
    if off_grid:
        back_s = None
    elif before.off_grid:
        back_s = now_s
    elif back_s is not None and now_s - back_s >= GRID_BACK_REST_S:
        back_s = None
    pause = None
    if off_grid and not config.site.off_grid:
        pause = Reason(Why.OFF_GRID)
    elif back_s is not None and not config.site.off_grid:
        pause = Reason(Why.OFF_GRID_REST, left_s=back_s + GRID_BACK_REST_S - now_s)
    low_soc, minimum_pct = _low_soc(before.low_soc, config, reading)
    low = None
    if low_soc:
        low = Reason(Why.LOW_SOC, None if reading is None else reading.battery_soc_pct, minimum_pct)
    state = before
    same = begun_s is before.begun_s and back_s is before.back_s
    if not same or off_grid is not before.off_grid or low_soc is not before.low_soc:
        state = SiteState(begun_s, off_grid, back_s, low_soc)
    site = config.site
    return state, SiteView(
        reading,
        age_s,
        not frozen and reading is not None and age_s <= site.limits.missing_after_s,
        frozen or age_s > site.stale_hold_s,
        age_s > site.stale_stop_s,
        frozen,
        off_grid,
        pause,
        low,
    )


def _low_soc(low: bool, config: Config, reading: SiteReading | None) -> tuple[bool, float | None]:
    """Whether the house battery is below its minimum; clear 3 % above it."""
    if reading is None or reading.battery_soc_pct is None:
        return low, None
    minimum_pct, ess_pct = config.battery.min_soc_pct, reading.ess_min_soc_pct
    if minimum_pct is None or (ess_pct is not None and ess_pct > minimum_pct):
        minimum_pct = ess_pct
    if minimum_pct is None:
        return False, None
    return reading.battery_soc_pct < minimum_pct + (LOW_SOC_CLEAR_PCT if low else 0.0), minimum_pct
