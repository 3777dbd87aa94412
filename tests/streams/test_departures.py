"""Departures by the wall clock, over both clock changes."""

from __future__ import annotations

import pytest

from phaeton.config.tree_cars import Departure
from phaeton.model import Zone
from phaeton.streams.departures import next_departure

SPRING_S, AUTUMN_S = 1_774_746_000.0, 1_792_890_000.0
"""2026-03-29 01:00 and 2026-10-25 01:00 UTC, both Sundays."""
ZONE = Zone("Berlin", ((-1e18, 3600.0), (SPRING_S, 7200.0), (AUTUMN_S, 3600.0)))
HOUR_S = 3600.0


def found(departures: tuple[Departure, ...], after_s: float) -> float | None:
    following = next_departure(departures, ZONE, after_s)
    return None if following is None else following.utc_s


@pytest.mark.parametrize(
    ("time", "days", "after_s", "expected_s"),
    [
        ("07:00", (), SPRING_S - 20 * HOUR_S, SPRING_S - 19 * HOUR_S),  # Saturday 06:00 CET
        ("07:00", (), SPRING_S - 18 * HOUR_S, SPRING_S + 4 * HOUR_S),  # over the change: Sunday 07:00 CEST
        ("07:00", (), AUTUMN_S - 2 * HOUR_S, AUTUMN_S + 5 * HOUR_S),
        ("02:30", (), SPRING_S - 2 * HOUR_S, SPRING_S + 0.5 * HOUR_S),  # left out: 03:30 on the clock
        ("02:30", (), AUTUMN_S - 2 * HOUR_S, AUTUMN_S - 0.5 * HOUR_S),  # twice: the first
        ("07:00", ("sat",), SPRING_S - 18 * HOUR_S, SPRING_S + (4 + 6 * 24) * HOUR_S),
        ("00:00", (), SPRING_S - 3 * HOUR_S, SPRING_S - 2 * HOUR_S),
    ],
)
def test_the_next_departure(time: str, days: tuple[str, ...], after_s: float, expected_s: float) -> None:
    assert found((Departure(time=time, days=days, energy_kwh=1.0),), after_s) == expected_s  # type: ignore[arg-type]


def test_the_first_of_several_counts_and_one_that_is_off_does_not() -> None:
    departures = (
        Departure(time="09:00", energy_kwh=1.0),
        Departure(time="07:00", energy_kwh=2.0, active=False),
        Departure(time="08:00", energy_kwh=3.0),
    )
    following = next_departure(departures, ZONE, SPRING_S + HOUR_S)
    assert following is not None
    assert following.departure.energy_kwh == 3.0
    assert found(departures[1:2], SPRING_S) is None
