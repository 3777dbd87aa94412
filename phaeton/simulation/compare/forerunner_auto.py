"""The auto rule of the forerunner (rhernaus/victron-alfen-charger), to compare with: the excess of this moment decides.

``excess = PV - (consumption - car)``, over the phases that are set, 0 below 6 A; no smoothing, no start delay and no
phase switch. Neither grid nor battery power enters. When the excess is gone while the car charges, 6 A go on for
``auto.min_charge_duration_s``, once, until there is enough sun again. Below the minimum SoC there is no excess.
Written is a change of more than 0.1 A, and the same again after 30 s.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from phaeton.config.points import Point
from phaeton.config.tree import Config
from phaeton.model import (
    ChargerReading,
    ChargerWrite,
    Decision,
    Mode,
    Output,
    PointDecision,
    SiteReading,
    Situation,
    Zone,
)
from phaeton.simulation.offline_run import Control
from phaeton.streams.situation import GraphEvent

LEAST_A = 6.0
NOMINAL_V = 230.0
MIN_SOC_PCT = 10.0
"""Where the ESS does not tell its own."""
JUST_SENT_S = 10.0
CHANGE_A = 0.1
WATCHDOG_S = 30.0


class PointState(Struct, frozen=True, gc=False):
    """What the rule remembers of a charging point."""

    sent_a: float = 0.0
    sent_s: float = -1e18
    """When it was written last."""
    current_s: float = -1e18
    """When a current to charge with was written last."""
    grace_since_s: float | None = None
    """Without enough sun, but charging, since then."""


State = tuple[PointState, ...]


def forerunner_control(config: Config, points: tuple[Point, ...], _: Zone) -> Control[State]:
    """The rule for each point, each as if it were alone."""

    def batch(states: State, events: tuple[GraphEvent, ...]) -> tuple[State, Output | None]:
        now = events[-1]
        site = next((event for event in events if isinstance(event, SiteReading)), None)
        readings = {event.point: event for event in events if isinstance(event, ChargerReading)}
        if site is None:
            return states, None
        after: list[PointState] = []
        decided: list[PointDecision] = []
        grace_s = config.auto.min_charge_duration_s
        for point, before in zip(points, states, strict=True):
            most_a = point.charger.limits.max_set_current_a
            state, decision = _decide(before, readings[point.id], site, now.mono_s, most_a, grace_s)
            after.append(state)
            decided.append(decision)
        return tuple(after), _output(now, decided)

    return Control(tuple(PointState() for _ in points), batch)


def _output(now: GraphEvent, decided: Sequence[PointDecision]) -> Output:
    return Output(Situation(now.mono_s, now.utc_s), Decision(now.mono_s, now.utc_s, tuple(decided)))


def excess_a(reading: ChargerReading, site: SiteReading, most_a: float) -> float:
    """The current that the excess is worth; 0 where it is below 6 A on all phases that are set."""
    min_soc_pct = MIN_SOC_PCT if site.ess_min_soc_pct is None else site.ess_min_soc_pct
    if site.battery_soc_pct is not None and site.battery_soc_pct < min_soc_pct:
        return 0.0
    excess_w = (site.pv_w or 0.0) - ((site.consumption_w or 0.0) - (reading.power_w or 0.0))
    current_a = excess_w / (NOMINAL_V * (reading.phases_set or 3))
    return min(current_a, most_a) if current_a >= LEAST_A else 0.0


def _decide(
    state: PointState, reading: ChargerReading, site: SiteReading, now_s: float, most_a: float, grace_s: float
) -> tuple[PointState, PointDecision]:
    """One poll."""
    current_a = excess_a(reading, site, most_a)
    grace_since_s = None if current_a > 0.0 else state.grace_since_s
    if current_a == 0.0 and ((reading.power_w or 0.0) > 0.0 or now_s - state.current_s < JUST_SENT_S):
        grace_since_s = now_s if grace_since_s is None else grace_since_s
        if now_s - grace_since_s < grace_s:
            current_a = LEAST_A
    state = replace(state, grace_since_s=grace_since_s)
    write = None
    if abs(current_a - state.sent_a) > CHANGE_A or now_s - state.sent_s >= WATCHDOG_S:
        write = ChargerWrite(current_a=current_a)
        state = replace(
            state, sent_a=current_a, sent_s=now_s, current_s=now_s if current_a >= LEAST_A else state.current_s
        )
    phases = reading.phases_set or 3
    return state, PointDecision(reading.point, Mode.AUTO, True, True, 0.0, current_a, phases, 0, None, (), write)
