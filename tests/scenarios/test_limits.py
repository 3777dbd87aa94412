"""The limits of the house connection hold in every mode and at every step."""

from __future__ import annotations

import pytest
from msgspec import structs

from phaeton.config.tree import Site, SiteLimits
from phaeton.model import SetCurrent, SetPowerCap, SetStart, SiteReading, Status, Why
from phaeton.simulation.battery import HouseBattery
from phaeton.simulation.meter import Meter
from phaeton.simulation.profiles import Profile, steps
from tests.scenarios.site import Run, charger, config, site


def manual(load: Profile | float, limits: SiteLimits, current_a: float = 32.0) -> Run:
    """Manual at 32 A behind some limits."""
    return site(config(charger(mode="manual", current_a=current_a), site=Site(limits=limits)), load=load)


def test_the_fuse_is_kept_when_the_house_starts_to_cook() -> None:
    run = manual(steps(1500, (300, 9000)), SiteLimits(fuse_a=25.0))
    trace = run.run(330)
    assert trace.row_at(299).grid_w / 690 <= 24.01
    assert trace.setpoint_at(299) == pytest.approx(24 - 500 / 230, abs=0.3)
    assert trace.setpoint_at(302) <= 24 - 3000 / 230 + 0.1, "within 2 s"
    assert trace.row_at(306).grid_w / 690 <= 24.1
    assert Why.LIMIT_FUSE in trace.reasons_at(310)


def test_after_a_fuse_limit_the_current_rises_only_when_a_minute_was_clear() -> None:
    run = manual(steps(1500, (300, 9000), (400, 1500)), SiteLimits(fuse_a=25.0))
    trace = run.run(600)
    low_a = trace.setpoint_at(399)
    assert max(trace.setpoints_between(400, 459)) <= low_a
    assert trace.setpoint_at(520) > low_a + 5


def test_a_load_that_leaves_less_than_the_minimum_stops_for_five_minutes() -> None:
    run = manual(steps(1500, (300, 15000), (330, 1500)), SiteLimits(fuse_a=25.0))
    trace = run.run(900)
    assert trace.setpoint_at(303) == 0
    assert Why.LIMIT_REST in trace.reasons_at(500)
    (again_s,) = trace.starts(303)
    assert again_s - 303 == pytest.approx(300, abs=35)


def test_a_load_on_one_phase_counts_for_that_phase_only() -> None:
    setup = config(
        charger(phases=1, mode="manual", current_a=32, phase_map=(2, 3, 1)), site=Site(limits=SiteLimits(fuse_a=25.0))
    )
    run = site(setup, load=4600)
    run.plant.load_shares = (1.0, 0.0, 0.0)
    trace = run.run(60)
    assert trace.setpoint_at(60) == pytest.approx(24, abs=0.1), "the car is on L2, the load on L1"


def test_export_leaves_no_more_room_than_the_fuse_itself() -> None:
    setup = config(charger(phases=1, mode="manual", current_a=32), site=Site(limits=SiteLimits(fuse_a=16.0)))
    run = site(setup, pv=9000, load=0)
    trace = run.run(120)
    line_w = trace.ev_w_at(120) - 9000 / 3
    assert line_w / 230 <= 15.1


def test_the_import_limit_holds_the_sum() -> None:
    run = manual(steps(1000, (200, 3500)), SiteLimits(import_w=8000.0))
    trace = run.run(260)
    assert trace.row_at(199).grid_w == pytest.approx(8000, abs=250)
    assert trace.row_at(206).grid_w <= 8010
    assert Why.LIMIT_IMPORT in trace.reasons_at(250)


def test_unbalanced_load_limits_one_phase_only() -> None:
    limits = SiteLimits(unbalanced_a=20.0)
    one = site(config(charger(phases=1, mode="manual", current_a=32), site=Site(limits=limits)), load=0)
    assert one.run(60).setpoint_at(60) == 20
    three = manual(0, limits)
    assert three.run(60).setpoint_at(60) == 32


def test_the_grid_operators_cap_holds_at_once_and_goes_again() -> None:
    run = manual(0, SiteLimits(), current_a=16)
    run.command(60, SetPowerCap(4500.0))
    run.command(120, SetPowerCap(None))
    trace = run.run(300)
    assert trace.setpoint_at(61) == pytest.approx(4500 / 690, abs=0.1)
    assert Why.LIMIT_OPERATOR in trace.reasons_at(61)
    assert trace.setpoint_at(300) == 16


def test_a_cap_below_the_minimum_stops() -> None:
    run = manual(0, SiteLimits(), current_a=16)
    run.command(60, SetPowerCap(3000.0))
    assert run.run(70).setpoint_at(61) == 0


def test_a_charger_with_a_smaller_maximum_is_not_asked_for_more() -> None:
    run = manual(0, SiteLimits())
    run.plant.chargers[0].max_a = 20.0
    trace = run.run(60)
    assert trace.setpoint_at(60) == 20


def test_a_request_below_the_minimum_is_zero() -> None:
    run = manual(0, SiteLimits())
    run.command(30, SetCurrent(5.0))
    trace = run.run(60)
    assert trace.setpoint_at(31) == 0
    assert trace.setpoint_at(60) == 0


def test_a_missing_grid_meter_lowers_and_never_raises() -> None:
    run = manual(2000, SiteLimits(fuse_a=25.0), current_a=16)
    run.at(100, lambda: setattr(run.plant, "grid_metered", False))
    trace = run.run(200)
    assert trace.setpoint_at(105) == 6
    assert max(trace.setpoints_between(105)) == 6


class OnePhaseMeter(Meter):
    """A meter that has L1 only."""

    def show(self, now: SiteReading) -> SiteReading | None:
        watts, amps = now.grid_phase_w[0], now.grid_phase_a[0]
        return structs.replace(now, grid_phase_w=(watts, None, None), grid_phase_a=(amps, None, None))


def test_a_house_with_one_phase_lacks_no_measurement() -> None:
    setup = config(charger(phases=1, mode="manual", current_a=32), site=Site(limits=SiteLimits(fuse_a=25.0)))
    run = site(setup, load=1150)
    run.plant.load_shares = (1.0, 0.0, 0.0)
    run.plant.meter = OnePhaseMeter()
    trace = run.run(120)
    assert trace.setpoint_at(120) == pytest.approx(24 - 5, abs=0.2)
    assert Why.LIMIT_BLIND not in trace.reasons_at(120)


def test_a_phase_that_the_car_uses_and_nobody_measures_leaves_the_safe_current() -> None:
    run = manual(1500, SiteLimits(fuse_a=25.0))
    run.plant.meter = OnePhaseMeter()
    trace = run.run(120)
    assert trace.setpoint_at(120) == 6
    assert Why.LIMIT_BLIND in trace.reasons_at(120)


def test_without_grid_the_car_pauses_and_comes_back_five_minutes_after_it() -> None:
    run = site(config(charger(mode="manual")), load=500, battery=HouseBattery(soc_pct=80, max_discharge_w=15000))
    run.at(100, lambda: setattr(run.plant, "grid_available", False))
    run.at(400, lambda: setattr(run.plant, "grid_available", True))
    trace = run.run(900)
    assert trace.setpoint_at(105) == 0
    assert Why.OFF_GRID in trace.reasons_at(200)
    (again_s,) = trace.starts(105)
    assert again_s - 400 == pytest.approx(300, abs=5)


def test_off_grid_charging_keeps_to_its_share_of_the_inverter() -> None:
    setup = config(charger(mode="manual"), site=Site(off_grid=True, inverter_rating_w=10000))
    run = site(setup, load=1000, battery=HouseBattery(soc_pct=90, capacity_kwh=100, max_discharge_w=15000))
    run.at(100, lambda: setattr(run.plant, "grid_available", False))
    trace = run.run(300)
    assert trace.setpoint_at(300) >= 6
    assert trace.row_at(300).ev_w[0] + 1000 <= 8000


def test_a_generator_does_not_feed_the_car() -> None:
    run = site(config(charger(mode="manual")), load=500)
    run.at(60, lambda: setattr(run.plant, "ac_source", 2))
    trace = run.run(100)
    assert trace.setpoint_at(65) == 0


def test_a_stop_is_in_force_in_the_same_step() -> None:
    run = manual(0, SiteLimits(), current_a=16)
    run.command(60, SetStart(False))
    trace = run.run(70)
    assert trace.setpoint_at(60) == 16
    assert trace.setpoint_at(61) == 0
    assert trace.status_at(65) is Status.WAIT_START
