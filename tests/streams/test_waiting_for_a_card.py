"""A charger that waits for a card offers nothing: its car does not sleep."""

from __future__ import annotations

from phaeton.config.points import charging_points
from phaeton.model import ChargerReading, ChargerState, Output, Status, Tick, Why, Zone
from phaeton.streams.graph import site_graph
from tests.scenarios.site import charger, config


def decisions(state: ChargerState, seconds: int) -> list[Output]:
    """Manual at 16 A while the charger says the same all the time."""
    setup = config(charger(mode="manual"))
    events: list[ChargerReading | Tick] = []
    for at_s in range(seconds):
        events.append(ChargerReading(at_s, at_s, point="1", state=state, limit_set_a=16.0, limit_remaining_s=60.0))
        events.append(Tick(at_s, at_s))
    folded = site_graph(setup, charging_points(setup, {}), Zone()).fold(events)
    return [output for _, output in folded if output is not None]


def test_a_missing_card_is_told_and_no_pulse_interrupts_the_offer() -> None:
    last = [output.decision.points[0] for output in decisions(ChargerState.AWAITING_AUTH, 900)][60:]
    assert {point.current_a for point in last} == {16.0}
    assert {point.status for point in last} == {Status.WAIT_RFID}
    why = {reason.why for point in last for reason in point.reasons}
    assert Why.AWAITING_AUTH in why
    assert why.isdisjoint({Why.ASLEEP, Why.WAKING})


def test_without_a_card_missing_the_same_car_sleeps() -> None:
    last = [output.decision.points[0] for output in decisions(ChargerState.CONNECTED, 900)]
    assert any(point.current_a == 0 for point in last[30:])
    assert Why.ASLEEP in {reason.why for reason in last[-1].reasons}
