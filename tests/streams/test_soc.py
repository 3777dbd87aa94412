"""The state of charge between readings: estimate, doubt, learning."""

from __future__ import annotations

import math

import pytest

from phaeton.model import VehicleReading
from phaeton.streams import soc
from phaeton.streams.soc import Estimate, SocState

HOUR_S = 3600.0
NOW_S = 1_770_000_000.0
BATTERY_KWH = 60.0


def reading(
    soc_pct: float | None, at_s: float = NOW_S, measured_s: float | None = None, sigma_pct: float = 1.0
) -> VehicleReading:
    return VehicleReading(at_s, at_s, vehicle="car", soc_pct=soc_pct, soc_utc_s=measured_s, soc_sigma_pct=sigma_pct)


def taken(
    state: SocState,
    soc_pct: float | None,
    at_s: float,
    *,
    energy_kwh: float = 0.0,
    since_s: float | None = NOW_S - HOUR_S,
    charging: bool = True,
    measured_s: float | None = None,
    battery_kwh: float | None = BATTERY_KWH,
) -> SocState:
    return soc.accept(
        state,
        reading(soc_pct, at_s, measured_s),
        energy_kwh=energy_kwh,
        since_s=since_s,
        charging=charging,
        battery_kwh=battery_kwh,
    )


def now(state: SocState, *, energy_kwh: float = 0.0, at_s: float = NOW_S, limit_pct: float | None = None) -> Estimate:
    found = soc.estimate(state, energy_kwh=energy_kwh, utc_s=at_s, battery_kwh=BATTERY_KWH, limit_pct=limit_pct)
    assert found is not None
    return found


def test_energy_since_the_reading_counts_with_an_efficiency() -> None:
    state = taken(SocState(), 28, NOW_S)
    assert now(state, energy_kwh=3.0, at_s=NOW_S + 600).soc_pct == pytest.approx(28 + 3 * 0.85 / 60 * 100)


def test_nothing_known_is_no_estimate_and_not_zero() -> None:
    assert soc.estimate(SocState(), energy_kwh=9, utc_s=NOW_S, battery_kwh=60, limit_pct=None) is None


@pytest.mark.parametrize("soc_pct", [None, math.nan, -1.0, 255.0, 127.5, math.inf])
def test_what_is_no_charge_is_ignored(soc_pct: float | None) -> None:
    state = taken(SocState(), 40, NOW_S)
    assert taken(state, soc_pct, NOW_S + 60) == state


def test_an_empty_battery_out_of_nothing_must_be_said_twice() -> None:
    state = taken(SocState(), 40, NOW_S)
    once = taken(state, 0, NOW_S + 60)
    soon = taken(once, 0, NOW_S + 120)
    later = taken(soon, 0, NOW_S + 400)
    assert now(once).soc_pct == now(soon).soc_pct == 40
    assert now(later).soc_pct == 0


def test_a_rise_beyond_what_flowed_must_be_said_twice() -> None:
    state = taken(SocState(), 40, NOW_S)
    once = taken(state, 60, NOW_S + 60, energy_kwh=1.0)
    assert now(once).soc_pct == 40
    twice = taken(once, 61, NOW_S + 120, energy_kwh=1.1)
    assert now(twice, energy_kwh=1.1).soc_pct == 61


def test_a_fall_while_charging_must_be_said_twice_and_an_idle_one_not() -> None:
    state = taken(SocState(), 40, NOW_S)
    assert now(taken(state, 30, NOW_S + 60)).soc_pct == 40
    assert now(taken(state, 30, NOW_S + 60, charging=False)).soc_pct == 30


def test_what_a_person_types_in_is_not_doubted() -> None:
    state = taken(SocState(), 40, NOW_S)
    typed = soc.accept(
        state,
        reading(75, NOW_S + 60, sigma_pct=3.0),
        energy_kwh=0.0,
        since_s=NOW_S - HOUR_S,
        charging=True,
        battery_kwh=BATTERY_KWH,
    )
    found = now(typed)
    assert (found.soc_pct, found.sigma_pct) == (75, 3)


def test_a_single_glitch_is_forgotten_by_the_next_good_reading() -> None:
    state = taken(taken(SocState(), 40, NOW_S), 90, NOW_S + 60)
    state = taken(state, 41, NOW_S + 120)
    assert now(taken(state, 90, NOW_S + 180)).soc_pct == 41


def test_an_older_reading_does_not_replace_a_newer_one() -> None:
    state = taken(SocState(), 40, NOW_S, measured_s=NOW_S)
    assert taken(state, 35, NOW_S + 60, measured_s=NOW_S - 300, charging=False) == state


def test_the_same_reading_again_does_not_make_it_younger() -> None:
    state = taken(SocState(), 40, NOW_S, measured_s=NOW_S - HOUR_S)
    again = taken(state, 40, NOW_S + 600, measured_s=NOW_S - HOUR_S)
    assert now(again, at_s=NOW_S + 600).age_s == HOUR_S + 600


@pytest.mark.parametrize(("ahead_s", "sigma_pct"), [(60.0, 1.0), (HOUR_S, 1.0), (3 * HOUR_S, 11.0)])
def test_a_car_whose_clock_is_ahead_measured_now(ahead_s: float, sigma_pct: float) -> None:
    state = taken(SocState(), 40, NOW_S, measured_s=NOW_S + ahead_s)
    found = now(state)
    assert found.age_s == 0
    assert found.sigma_pct == sigma_pct


def test_a_reading_counts_from_when_the_car_measured() -> None:
    """Half an hour at 10 kW, told only now, measured in the middle."""
    state = soc.follow(SocState(), NOW_S - 1800, 100.0)
    state = soc.follow(state, NOW_S - 900, 102.5)
    state = taken(state, 50, NOW_S, measured_s=NOW_S - 900, energy_kwh=105.0, since_s=NOW_S - 1800)
    assert now(state, energy_kwh=105.0).soc_pct == pytest.approx(50 + 2.5 * 0.85 / 60 * 100)


def test_a_reading_from_before_the_stay_is_followed_by_all_its_energy() -> None:
    state = soc.follow(SocState(), NOW_S - 1800, 100.0)
    state = taken(state, 28, NOW_S, measured_s=NOW_S - 10 * HOUR_S, energy_kwh=103.0, since_s=NOW_S - 1800)
    assert now(state, energy_kwh=103.0).soc_pct == pytest.approx(32.25)


def test_a_charge_from_days_ago_is_not_known_any_more_unless_the_car_stayed() -> None:
    away = taken(SocState(), 40, NOW_S, since_s=None)
    assert soc.estimate(away, energy_kwh=0, utc_s=NOW_S + 25 * HOUR_S, battery_kwh=60, limit_pct=None) is None
    stayed = taken(SocState(), 40, NOW_S)
    assert now(stayed, at_s=NOW_S + 25 * HOUR_S).soc_pct == 40


def test_doubt_grows_with_time_and_energy() -> None:
    state = taken(SocState(), 40, NOW_S)
    assert now(state).sigma_pct == 1
    assert now(state, at_s=NOW_S + 10 * HOUR_S).sigma_pct == pytest.approx(4)
    assert now(state, energy_kwh=14.12).sigma_pct == pytest.approx(2, abs=0.01)


def test_what_one_percent_needs_is_learnt_from_the_cars_own_readings() -> None:
    state, energy_kwh = SocState(), 0.0
    for step in range(0, 61, 5):
        energy_kwh = step * 0.75
        state = taken(state, 20 + step, NOW_S + step * 60, energy_kwh=energy_kwh, since_s=NOW_S - 60)
    assert state.wh_per_pct == pytest.approx(705.9 + (750 - 705.9) * (1 - 0.7**4), abs=1)


def test_what_is_learnt_stays_near_to_the_size_of_the_battery() -> None:
    state = taken(taken(SocState(), 20, NOW_S), 38, NOW_S + HOUR_S, energy_kwh=60.0)
    assert state.wh_per_pct is not None
    assert state.wh_per_pct <= 1.15 * 706


def test_without_the_size_of_the_battery_it_is_learnt_alone() -> None:
    state = taken(SocState(), 20, NOW_S, battery_kwh=None)
    state = taken(state, 40, NOW_S + HOUR_S, energy_kwh=14.0, battery_kwh=None)
    assert state.wh_per_pct == pytest.approx(700)


def test_the_estimate_does_not_run_past_the_cars_own_limit() -> None:
    state = taken(SocState(), 78, NOW_S)
    assert now(state, energy_kwh=10.0, limit_pct=80.0).soc_pct == 81
    assert now(state, energy_kwh=100.0).soc_pct == 100


def test_a_car_that_ends_by_itself_near_its_limit_has_reached_it() -> None:
    state = taken(SocState(), 70, NOW_S)
    near = soc.ended_by_car(state, 80.0, NOW_S, energy_kwh=5.0, battery_kwh=60)
    far = soc.ended_by_car(state, 80.0, NOW_S, energy_kwh=1.0, battery_kwh=60)
    assert now(near, energy_kwh=5.0).soc_pct == 80
    assert far == state
