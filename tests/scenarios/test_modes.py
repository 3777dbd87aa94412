"""Stop and start, windows, charging for once, limits of a stay, and faults of the charger."""

from __future__ import annotations

import pytest

from phaeton.config.tree import Battery, Schedule, Site
from phaeton.config.tree_schedule import Window
from phaeton.model import Boost, Fault, Mode, SetAutoStart, SetEnergyLimit, SetMode, SetStart, Status, Why, Zone
from phaeton.simulation.battery import HouseBattery
from tests.scenarios.site import Run, car, charger, config, site

HOUR_S = 3600.0
MIDNIGHT_UTC_S = 1_750_377_600.0
"""2025-06-20 00:00 UTC, a Friday."""
SUMMER = Zone("CEST", ((-1e18, 7200.0),))


def leave_and_return(run: Run, at_s: float) -> None:
    """The car drives away and is plugged in again 30 s later."""
    run.at(at_s, run.plant.chargers[0].unplug)
    run.at(at_s + 30, lambda: run.plant.chargers[0].plug(car()))


def test_a_stop_lasts_for_this_stay_of_the_car() -> None:
    run = site(config(charger(mode="manual")))
    run.command(60, SetStart(False))
    leave_and_return(run, 120)
    trace = run.run(240)
    assert trace.setpoint_at(119) == 0
    assert trace.status_at(119) is Status.WAIT_START
    assert trace.ev_w_at(240) == pytest.approx(11040)


def test_without_auto_start_a_stop_lasts_until_it_is_ended() -> None:
    run = site(config(charger(mode="manual")))
    run.command(50, SetAutoStart(False))
    run.command(60, SetStart(False))
    leave_and_return(run, 120)
    run.command(300, SetStart(True))
    trace = run.run(360)
    assert trace.setpoint_at(299) == 0
    assert trace.ev_w_at(360) == pytest.approx(11040)


def test_unplugging_sets_zero_in_that_step() -> None:
    run = site(config(charger(mode="manual")))
    run.at(60, run.plant.chargers[0].unplug)
    trace = run.run(70)
    assert trace.setpoint_at(61) == 0
    assert trace.status_at(66) is Status.DISCONNECTED


def test_a_window_over_midnight_charges_from_its_start_to_its_end() -> None:
    window = Window(start="23:00", end="01:00", days=("fri",), current_a=10)
    setup = config(charger(mode="scheduled"), schedule=Schedule(windows=(window,)))
    begin_s = MIDNIGHT_UTC_S + 20.5 * HOUR_S  # 22:30 in summer time
    run = site(setup, start_utc_s=begin_s, zone=SUMMER)
    trace = run.run(3 * HOUR_S)
    assert trace.setpoint_at(29 * 60) == 0
    assert trace.status_at(29 * 60) is Status.WAIT_START
    assert trace.setpoint_at(31 * 60) == 10
    assert trace.setpoint_at(2.4 * HOUR_S) == 10
    assert trace.setpoint_at(2.6 * HOUR_S) == 0
    assert Why.OUTSIDE_WINDOWS in trace.reasons_at(2.6 * HOUR_S)
    assert len(trace.starts()) == 1


def test_a_window_does_not_begin_on_another_day() -> None:
    window = Window(start="23:00", end="01:00", days=("sat",))
    setup = config(charger(mode="scheduled"), schedule=Schedule(windows=(window,)))
    run = site(setup, start_utc_s=MIDNIGHT_UTC_S + 20.5 * HOUR_S, zone=SUMMER)
    assert run.run(2 * HOUR_S).starts() == []


def test_outside_of_the_windows_the_sun_may_charge() -> None:
    window = Window(start="03:00", end="04:00")
    setup = config(charger(phases=1, mode="scheduled"), schedule=Schedule(windows=(window,), auto_outside=True))
    trace = site(setup, pv=4000, load=300).run(600)
    assert trace.ev_w_at(600) > 3000
    assert Why.SURPLUS in trace.reasons_at(600)


def test_the_end_of_a_window_is_no_start_of_auto() -> None:
    window = Window(start="10:00", end="10:05")
    setup = config(charger(phases=1, mode="scheduled"), schedule=Schedule(windows=(window,), auto_outside=True))
    run = site(setup, pv=4000, load=300)
    trace = run.run(900)
    assert trace.setpoint_at(290) == 32
    assert trace.ev_w_at(400) > 3000, "auto goes on from the flowing current"
    assert run.state.memories[0].run.starts == ()


def test_boost_charges_until_so_much_more_is_in_and_then_the_mode_is_as_before() -> None:
    run = site(config(charger(phases=1)), pv=0, load=300)
    run.command(60, Boost(energy_kwh=1.0))
    trace = run.run(HOUR_S)
    assert trace.setpoint_at(61) == 32
    assert Why.BOOST in trace.reasons_at(61)
    assert run.plant.chargers[0].meter_kwh - 1000 == pytest.approx(1.0, abs=0.05)
    assert trace.setpoint_at(HOUR_S) == 0
    assert trace.decision_at(HOUR_S).mode is Mode.AUTO
    assert not trace.decision_at(HOUR_S).boost


def test_boost_until_unplugged_ends_with_the_stay() -> None:
    run = site(config(charger()), pv=0, load=300)
    run.command(60, Boost())
    leave_and_return(run, 600)
    trace = run.run(900)
    assert trace.ev_w_at(590) > 20_000
    assert trace.setpoint_at(900) == 0


def test_boost_until_a_time_of_the_clock() -> None:
    run = site(config(charger()), pv=0, load=300)
    run.command(60, Boost(until_utc_s=run.now()[1] + 300))
    trace = run.run(400)
    assert trace.setpoint_at(298) == 32
    assert trace.setpoint_at(302) == 0


def test_a_stop_ends_a_boost() -> None:
    run = site(config(charger()), pv=0, load=300)
    run.command(60, Boost())
    run.command(120, SetStart(False))
    trace = run.run(200)
    assert trace.setpoint_at(121) == 0


def test_a_limit_of_energy_ends_this_stay_only() -> None:
    run = site(config(charger(mode="manual")))
    run.command(10, SetEnergyLimit(0.5))
    leave_and_return(run, 600)
    trace = run.run(720)
    assert trace.setpoint_at(599) == 0
    assert Why.ENERGY_LIMIT in trace.reasons_at(599)
    assert trace.sessions[0].energy_kwh == pytest.approx(0.5, abs=0.03)
    assert trace.ev_w_at(720) == pytest.approx(11040)


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault.GROUND, Status.GROUND_FAULT),
        (Fault.WELD, Status.WELDED_CONTACTS),
        (Fault.RCD, Status.RESIDUAL_CURRENT),
        (Fault.UNDERVOLTAGE, Status.UNDERVOLTAGE),
        (Fault.OVERVOLTAGE, Status.OVERVOLTAGE),
        (Fault.OVERTEMPERATURE, Status.OVERHEATING),
        (Fault.OTHER, None),
    ],
)
def test_a_fault_is_shown_and_nothing_is_asked_for(fault: Fault, status: Status | None) -> None:
    run = site(config(charger(mode="manual")))
    run.at(60, lambda: setattr(run.plant.chargers[0], "fault", fault))
    run.at(120, lambda: setattr(run.plant.chargers[0], "fault", None))
    trace = run.run(240)
    assert trace.setpoint_at(61) == 0
    assert trace.status_at(70) == status
    assert Why.FAULT in trace.reasons_at(70)
    assert trace.sessions == []
    assert trace.ev_w_at(240) == pytest.approx(11040)


def test_a_car_that_ends_charging_is_charged() -> None:
    run = site(config(charger(mode="manual")), cars=[car(wanted_kwh=0.3)])
    trace = run.run(900)
    assert trace.status_at(900) is Status.CHARGED
    assert trace.setpoint_at(900) == 16, "the offer stays"


def test_a_window_charges_although_the_house_battery_is_low_while_the_grid_is_there() -> None:
    window = Window(start="00:00", end="24:00")
    setup = config(charger(mode="scheduled"), schedule=Schedule(windows=(window,)))
    trace = site(setup, load=300, battery=HouseBattery(soc_pct=5, min_soc_pct=20)).run(60)
    assert trace.setpoint_at(60) == 32


def test_without_the_grid_a_low_house_battery_closes_the_window() -> None:
    setup = config(
        charger(mode="scheduled"),
        site=Site(off_grid=True, inverter_rating_w=10000),
        schedule=Schedule(windows=(Window(start="00:00", end="24:00"),)),
        battery=Battery(min_soc_pct=30.0),
    )
    run = site(setup, load=500, battery=HouseBattery(soc_pct=20, capacity_kwh=100, max_discharge_w=15000))
    run.at(100, lambda: setattr(run.plant, "grid_available", False))
    trace = run.run(200)
    assert trace.setpoint_at(99) > 0
    assert trace.setpoint_at(105) == 0
    assert trace.decision_at(200).status is Status.LOW_SOC


def test_switching_modes_back_and_forth_does_not_spend_starts() -> None:
    run = site(config(charger(phases=1)), pv=4000, load=300)
    for minute in range(10, 30):
        run.command(minute * 60, SetMode(Mode.MANUAL if minute % 2 else Mode.AUTO))
    trace = run.run(2000)
    assert len(run.state.memories[0].run.starts) <= 1
    assert trace.stops() == []


def test_a_wish_below_the_minimum_is_zero_and_says_why() -> None:
    run = site(config(charger(mode="manual", current_a=4.0)))
    trace = run.run(30)
    assert trace.setpoint_at(30) == 0.0
    assert Why.BELOW_MINIMUM in trace.reasons_at(30)
