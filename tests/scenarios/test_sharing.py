"""Several charging points behind one house: the sun and the limits are shared, and their sum always holds."""

from __future__ import annotations

import pytest

from phaeton.config.tree import Site, SiteLimits
from phaeton.model import SetStart, Why
from phaeton.simulation.profiles import steps
from tests.scenarios.site import car, charger, config, site

MIN_W = 6 * 230


def test_three_points_share_the_sun_equally() -> None:
    setup = config(*(charger(n, phases=1) for n in (1, 2, 3)))
    run = site(setup, pv=9500, load=300)
    trace = run.run(1800)
    powers_w = [trace.ev_w_at(1800, p) for p in ("1", "2", "3")]
    assert sum(powers_w) == pytest.approx(9150, abs=500)
    assert max(powers_w) - min(powers_w) <= 600
    assert trace.import_wh(600) <= 15


def test_sun_for_one_goes_to_the_first_that_was_plugged_in_and_the_other_waits() -> None:
    setup = config(charger(1, phases=1), charger(2, phases=1))
    run = site(setup, pv=2500, load=300, cars=[None, car(1)])
    run.at(60, lambda: run.plant.chargers[0].plug(car(1)))
    trace = run.run(1800)
    assert trace.ev_w_at(1800, "2") > MIN_W
    assert trace.ev_w_at(1800, "1") == 0
    assert len(trace.starts(point="2")) == 1
    assert trace.stops(point="2") == []


def test_priority_comes_before_equality() -> None:
    setup = config(charger(1, phases=1), charger(2, phases=1, priority=10))
    trace = site(setup, pv=5000, load=300).run(1800)
    assert trace.ev_w_at(1800, "2") >= 4000
    assert trace.ev_w_at(1800, "1") == 0


def test_a_point_of_higher_priority_takes_over_after_its_start_delay() -> None:
    setup = config(charger(1, phases=1), charger(2, phases=1, priority=10))
    run = site(setup, pv=2500, load=300, cars=[car(1), None])
    run.at(900, lambda: run.plant.chargers[1].plug(car(1)))
    trace = run.run(1800)
    assert trace.ev_w_at(890, "1") > MIN_W
    (start_s,) = trace.starts(point="2")
    assert start_s - 900 == pytest.approx(125, abs=20)
    assert trace.ev_w_at(1800, "2") > MIN_W
    assert trace.ev_w_at(1800, "1") == 0


def test_what_one_car_does_not_use_goes_to_the_next_within_30_seconds() -> None:
    setup = config(charger(1, phases=1, priority=10), charger(2, phases=1))
    first = car(1, max_a=10.0)
    run = site(setup, pv=6000, load=300, cars=[first, car(1)])
    trace = run.run(1500)
    assert trace.ev_w_at(1500, "2") >= 6000 - 350 - 2300 - 700
    run.at(1500, lambda: setattr(first, "soc_pct", 100.0))
    trace = run.run(1540)
    assert trace.ev_w_at(1500, "1") == pytest.approx(2300)
    assert trace.ev_w_at(1540, "2") >= 5000


def test_a_cloud_for_two_lowers_the_sum_and_stops_the_second_first() -> None:
    setup = config(charger(1, phases=1, priority=10), charger(2, phases=1))
    run = site(setup, pv=steps(11000, (900, 2200)), load=300)
    trace = run.run(2400)
    assert trace.ev_w_at(890, "2") > MIN_W
    assert trace.ev_w_at(2400, "1") > MIN_W
    assert trace.ev_w_at(2400, "2") == 0
    assert trace.stops(point="1") == []


def test_the_fuse_holds_for_the_sum_of_three_points_at_every_step() -> None:
    setup = config(
        *(charger(n, mode="manual", current_a=32) for n in (1, 2, 3)), site=Site(limits=SiteLimits(fuse_a=40.0))
    )
    run = site(setup, load=steps(1500, (300, 7500), (600, 1500)))
    trace = run.run(900)
    for row in trace.between(30, 299):
        assert sum(point.current_a for point in row.decision.points) <= 39 - 500 / 230 + 0.1
    assert sum(p.current_a for p in trace.row_at(302).decision.points) <= 39 - 2500 / 230 + 0.1
    assert all(row.grid_w / 690 <= 39.1 for row in trace.between(305, 600))
    assert sum(p.current_a for p in trace.row_at(290).decision.points) >= 30


def test_a_point_without_room_for_its_minimum_waits_for_the_others() -> None:
    setup = config(
        *(charger(n, mode="manual", current_a=16) for n in (1, 2, 3)), site=Site(limits=SiteLimits(fuse_a=17.0))
    )
    run = site(setup, load=0)
    trace = run.run(600)
    set_a = [p.current_a for p in trace.row_at(600).decision.points]
    assert sum(set_a) <= 16
    assert sorted(a > 0 for a in set_a) == [False, True, True]


def test_an_unreachable_point_keeps_its_place_in_the_limits() -> None:
    setup = config(
        charger(1, mode="manual", current_a=16), charger(2, mode="manual", current_a=32),
        site=Site(limits=SiteLimits(fuse_a=33.0)),
    )  # fmt: skip
    run = site(setup, load=0)
    run.run(300)
    run.plant.chargers[0].silent = True
    trace = run.run(900)
    for row in trace.between(60):
        assert row.grid_w / 690 <= 33.1
        assert row.decision.points[1].current_a <= 32 - 6
    assert Why.UNREACHABLE in trace.reasons_at(900, "1")


def test_an_unreachable_point_does_not_hide_sun_from_the_others() -> None:
    setup = config(charger(1, phases=1), charger(2, phases=1))
    run = site(setup, pv=8000, load=300)
    run.run(900)
    run.plant.chargers[0].silent = True
    trace = run.run(1800)
    real_w = 8000 - 350 - trace.ev_w_at(1800, "1")
    assert trace.ev_w_at(1800, "2") == pytest.approx(real_w, abs=500)


def test_a_stopped_point_gives_its_share_to_the_other() -> None:
    setup = config(charger(1, phases=1), charger(2, phases=1))
    run = site(setup, pv=6000, load=300)
    run.command(900, SetStart(False), "1")
    trace = run.run(1500)
    assert trace.ev_w_at(1500, "1") == 0
    assert trace.ev_w_at(1500, "2") == pytest.approx(5650, abs=300)


def test_a_point_in_manual_takes_its_power_out_of_the_suns() -> None:
    setup = config(charger(1, phases=1, mode="manual", current_a=10), charger(2, phases=1))
    trace = site(setup, pv=6000, load=300).run(1200)
    assert trace.ev_w_at(1200, "1") == pytest.approx(2300)
    assert trace.ev_w_at(1200, "2") == pytest.approx(6000 - 350 - 2300, abs=300)
