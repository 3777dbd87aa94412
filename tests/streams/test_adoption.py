"""The first reading after a start: a setpoint that is live at the charger is gone on from; a stranger is only read."""

from __future__ import annotations

import pytest

from phaeton.config.points import charging_points
from phaeton.model import ChargerIdentity, ChargerReading, ChargerState, Mode, PointDecision, Status, Tick, Why, Zone
from phaeton.streams.graph import site_graph
from tests.scenarios.site import charger, config


def decided(seconds: int, *, remaining_s: float | None = 60.0, **identity: object) -> list[PointDecision]:
    """Auto without a house, and a charger at which 13 A are in force."""
    setup = config(charger())
    events: list[ChargerIdentity | ChargerReading | Tick] = [
        ChargerIdentity(0.0, 0.0, point="1", **identity)  # type: ignore[arg-type]
    ]
    for at_s in range(seconds):
        charging = ChargerReading(
            at_s,
            at_s,
            point="1",
            state=ChargerState.CHARGING,
            current_a=(13.0, 13.0, 13.0),
            limit_set_a=13.0,
            limit_remaining_s=remaining_s,
        )
        events += [charging, Tick(at_s, at_s)]
    folded = site_graph(setup, charging_points(setup, {}), Zone()).fold(events)
    return [output.decision.points[0] for _, output in folded if output is not None]


@pytest.mark.parametrize("remaining_s", [40.0, None])
def test_a_live_setpoint_is_gone_on_from_and_that_is_told_once(remaining_s: float | None) -> None:
    """None: a charger whose setpoints do not lapse."""
    points = decided(10, remaining_s=remaining_s)
    assert {point.current_a for point in points} == {13.0}
    assert [Why.ADOPTED in {reason.why for reason in point.reasons} for point in points] == [True] + [False] * 9


def test_a_setpoint_that_has_lapsed_is_not_gone_on_from() -> None:
    assert {point.current_a for point in decided(10, remaining_s=0.0)} == {0.0}


def test_a_stranger_is_only_read_and_the_reason_says_so() -> None:
    (reason,) = [r for r in decided(2, stranger=True, warning="serial B, last time A")[-1].reasons if r.text]
    assert reason.why is Why.READ_ONLY
    assert reason.text == "serial B, last time A"


def test_a_charger_of_an_unproven_profile_is_shown_as_it_is_and_nothing_is_written_to_it() -> None:
    points = decided(40, read_only=True, warning="the profile x is of low confidence")
    assert {point.current_a for point in points} == {0.0}
    assert [point.write for point in points] == [None] * 40
    last = points[-1]
    assert [reason.why for reason in last.reasons] == [Why.READ_ONLY]
    assert last.mode is Mode.AUTO, "the mode is as the owner left it"
    assert last.status is Status.CHARGING, "what the charger does, not what Phaeton would do"
