"""Curtailed PV: nothing may be fed in and the battery is full, so the surplus reads 0 at full sun."""

from __future__ import annotations

from itertools import pairwise

import pytest

from phaeton.model import Why
from phaeton.simulation.battery import HouseBattery
from phaeton.simulation.profiles import steady
from tests.scenarios.site import Run, charger, config, site


def curtailed(pv_w: float) -> Run:
    """A house that may not feed in, with a full battery."""
    run = site(config(charger(phases=1)), pv=pv_w, load=500, battery=HouseBattery(soc_pct=100, max_discharge_w=5000))
    run.plant.feed_in_limit_w = 0.0
    return run


def test_the_car_finds_the_sun_that_is_not_shown() -> None:
    trace = curtailed(6000).run(1800)
    assert trace.ev_w_at(1800) >= 4000
    assert Why.CURTAILED in trace.reasons_between()
    assert trace.import_wh() + trace.discharge_wh() <= 60


def test_the_probe_climbs_slowly_and_stops_where_the_sun_ends() -> None:
    trace = curtailed(3500).run(3600)
    most_a = (3500 - 500) / 230
    assert trace.ev_w_at(3600) == pytest.approx(3000, abs=500)
    assert max(trace.setpoints_between()) <= most_a + 1.5
    rises = [b - a for a, b in pairwise(trace.setpoints_between(60)) if b > a > 0]
    assert max(rises) <= 1.2


def test_without_light_there_is_no_probe() -> None:
    trace = curtailed(250).run(1800)
    assert trace.starts() == []


def test_a_probe_that_fails_at_the_minimum_is_not_repeated_for_half_an_hour() -> None:
    run = curtailed(1200)
    trace = run.run(2 * 3600)
    stops, starts = trace.stops(), trace.starts()
    assert 2 <= len(stops) <= 5
    assert all(after - before >= 1800 for before, after in pairwise(starts))
    assert starts[0] - stops[0] >= 1790
    assert all(row.ev_w[0] == 0 for row in trace.between(stops[0] + 5, starts[0]))


def test_a_cloud_takes_the_car_down_and_the_sun_brings_it_back() -> None:
    run = curtailed(6000)
    run.run(1800)
    run.pv = steady(2500)
    trace = run.run(1900)
    assert trace.ev_w_at(1830) <= 2500
    assert trace.discharge_wh(1800, 1900) <= 25
    run.pv = steady(6000)
    trace = run.run(4500)
    assert trace.ev_w_at(4500) >= 3500
