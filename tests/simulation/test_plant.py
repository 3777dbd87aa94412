"""The plant conserves energy in every step, and each of its parts behaves as the real one does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phaeton.model import ChargerState, Fault, WriteResult
from phaeton.simulation.battery import HouseBattery
from phaeton.simulation.car import Car
from phaeton.simulation.charger_plant import ChargerPlant
from phaeton.simulation.meter import Meter
from phaeton.simulation.plant import Plant

CARS = st.builds(
    Car,
    max_a=st.floats(6, 32),
    phases=st.sampled_from([1, 2, 3]),
    capacity_kwh=st.floats(1, 100),
    soc_pct=st.floats(0, 100),
    limit_soc_pct=st.floats(50, 100),
    wanted_kwh=st.none() | st.floats(0, 20),
    start_s=st.floats(0, 10),
    sleeps_after_pauses=st.none() | st.integers(1, 3),
)
CHARGERS = st.builds(
    ChargerPlant,
    car=st.none() | CARS,
    phases_wired=st.sampled_from([1, 3]),
    max_a=st.floats(6, 32),
    safe_a=st.floats(0, 16),
    validity_s=st.floats(10, 300),
    apply_delay_s=st.floats(0, 10),
    ramp_a_per_s=st.floats(0.5, 32),
)
BATTERIES = st.builds(
    HouseBattery,
    capacity_kwh=st.floats(0.5, 40),
    soc_pct=st.floats(0, 100),
    min_soc_pct=st.floats(0, 50),
    max_charge_w=st.floats(0, 10000),
    max_discharge_w=st.floats(0, 10000),
    charge_efficiency=st.floats(0.7, 1),
    discharge_efficiency=st.floats(0.7, 1),
    dc_pv_share=st.sampled_from([0.0, 0.5, 1.0]),
    response_s=st.floats(0, 10),
    setpoint_w=st.floats(-200, 200),
    feeds_input_loads=st.booleans(),
    schedule_w=st.none() | st.floats(-3000, 3000),
)
PLANTS = st.builds(
    Plant,
    chargers=st.lists(CHARGERS, min_size=1, max_size=3),
    battery=st.none() | BATTERIES,
    feed_in_limit_w=st.none() | st.floats(0, 5000),
    grid_available=st.booleans(),
)
STEP = st.tuples(
    st.floats(1, 60),  # dt_s
    st.floats(0, 20000),  # pv_w
    st.floats(0, 20000),  # load_w
    st.none() | st.floats(0, 32),  # setpoint written
    st.none() | st.sampled_from([1, 3]),  # phases written
    st.sampled_from(["", "", "", "grid", "car"]),  # what changes
)


@settings(max_examples=150, deadline=None)
@given(PLANTS, st.lists(STEP, min_size=1, max_size=12))
def test_energy_is_conserved_in_every_step(plant: Plant, steps: list[tuple[float, ...]]) -> None:
    for dt_s, pv_w, load_w, current_a, phases, change in steps:
        charger = plant.chargers[0]
        if current_a is not None:
            charger.write_current(current_a)
        if phases is not None:
            charger.write_phases(int(phases))
        if change == "grid":
            plant.grid_available = not plant.grid_available
        elif change == "car":
            charger.unplug() if charger.car else charger.plug(Car())
        cars = [(c, c.car, c.meter_kwh, c.car.soc_pct if c.car else 0.0) for c in plant.chargers]
        battery = plant.battery
        stored_wh = 0.0 if battery is None else battery.soc_pct / 100 * battery.capacity_kwh * 1000

        plant.step(dt_s, pv_w, load_w)

        hours = dt_s / 3600
        assert plant.pv_w + plant.grid_w + plant.unserved_w == pytest.approx(
            plant.load_w + plant.ev_w + plant.battery_w, abs=1e-6
        )
        assert plant.pv_w + plant.curtailed_w == pytest.approx(pv_w, abs=1e-6)
        assert 0 <= plant.pv_w <= pv_w + 1e-9
        assert plant.unserved_w >= 0
        assert sum(plant.phase_powers()) == pytest.approx(plant.grid_w, abs=1e-6)
        for socket, car, before_kwh, before_pct in cars:
            assert socket.meter_kwh - before_kwh == pytest.approx(socket.power_w * hours / 1000, abs=1e-9)
            if car is not None:
                stored_kwh = (car.soc_pct - before_pct) / 100 * car.capacity_kwh
                assert stored_kwh == pytest.approx(socket.power_w * hours / 1000 * car.efficiency, abs=1e-6)
        assert plant.ev_w == pytest.approx(sum(c.power_w for c in plant.chargers))
        if battery is not None:
            now_wh = battery.soc_pct / 100 * battery.capacity_kwh * 1000
            assert now_wh - stored_wh == pytest.approx(battery.dc_w * hours, abs=1e-4)
            assert battery.ac_w >= battery.dc_w - 1e-9, "a conversion never gives energy"
            assert battery.dc_w <= battery.max_charge_w + 1e-6
            assert -battery.dc_w <= battery.max_discharge_w + 1e-6
            assert 0 <= battery.soc_pct <= 100
            if battery.dc_w < 0:
                assert battery.soc_pct >= battery.min_soc_pct - 1e-6
        if plant.feed_in_limit_w is not None and plant.grid_available and battery is None:
            assert plant.grid_w >= -plant.feed_in_limit_w - 1e-6


def test_the_ess_regulates_the_grid_to_its_setpoint() -> None:
    plant = Plant(battery=HouseBattery(setpoint_w=-50, response_s=1.0))
    for _ in range(20):
        plant.step(1, pv_w=500, load_w=1500)
    assert plant.grid_w == pytest.approx(-50, abs=1)
    assert plant.battery_w == pytest.approx(-1050, abs=1)


def test_the_ess_does_not_discharge_below_its_minimum() -> None:
    plant = Plant(battery=HouseBattery(soc_pct=10.0, min_soc_pct=10.0))
    plant.step(60, pv_w=0, load_w=1500)
    assert plant.grid_w == 1500


def test_a_battery_for_the_output_only_leaves_the_car_to_the_grid() -> None:
    charger = ChargerPlant(car=Car(start_s=0), phases_wired=1, set_a=6, remaining_s=60)
    plant = Plant(chargers=[charger], battery=HouseBattery(feeds_input_loads=False, response_s=0))
    plant.step(5, pv_w=0, load_w=300)
    assert plant.ev_w == 1380
    assert plant.battery_w == pytest.approx(-300)
    assert plant.grid_w == pytest.approx(1380)


def test_pv_is_curtailed_when_nothing_may_be_fed_in_and_comes_back_with_a_load() -> None:
    plant = Plant(feed_in_limit_w=0, battery=HouseBattery(soc_pct=100))
    for _ in range(5):
        plant.step(1, pv_w=5000, load_w=400)
    assert plant.pv_w == pytest.approx(400)
    assert plant.curtailed_w == pytest.approx(4600)
    for _ in range(30):
        plant.step(1, pv_w=5000, load_w=2400)
    assert plant.pv_w == pytest.approx(2400, abs=1)


def test_without_grid_the_battery_carries_the_house_and_the_rest_goes_dark() -> None:
    plant = Plant(grid_available=False, battery=HouseBattery(max_discharge_w=2000, discharge_efficiency=1.0))
    plant.step(1, pv_w=0, load_w=3000)
    assert (plant.grid_w, plant.battery_w, plant.unserved_w) == (0, -2000, 1000)
    assert plant.snapshot(0, 0).ac_source == 240


def test_a_setpoint_that_is_not_renewed_lapses_to_the_safe_current() -> None:
    charger = ChargerPlant(car=Car(start_s=0), safe_a=6, validity_s=60)
    charger.write_current(16)
    for _ in range(59):
        charger.step(1)
    assert charger.reading(0, 0).limit_set_a == 16
    for _ in range(2):
        charger.step(1)
    reading = charger.reading(0, 0)
    assert (reading.limit_set_a, reading.limit_actual_a, reading.limit_remaining_s) == (6, 6, 0)


def test_long_steps_renew_a_live_lease() -> None:
    charger = ChargerPlant(car=Car(), validity_s=60)
    charger.write_current(16)
    for _ in range(10):
        charger.step(60)
    assert charger.offered_a == 16


def test_a_write_takes_effect_after_the_chargers_delay() -> None:
    charger = ChargerPlant(car=Car(start_s=0, max_a=32, lower_a_per_s=99), apply_delay_s=5, set_a=16, remaining_s=60)
    charger.step(1)
    charger.write_current(6)
    for _ in range(4):
        charger.step(1)
    assert charger.offered_a == 16
    charger.step(1)
    assert charger.offered_a == 6


def test_less_than_six_amperes_is_a_pause() -> None:
    charger = ChargerPlant(car=Car(start_s=0), set_a=5.9, remaining_s=60)
    charger.step(1)
    assert charger.reading(0, 0).state is ChargerState.PAUSED_EVSE
    assert charger.power_w == 0


def test_a_phase_switch_opens_the_contactors_for_a_while() -> None:
    charger = ChargerPlant(car=Car(start_s=0, raise_a_per_s=99), set_a=10, remaining_s=60, switch_s=3)
    charger.step(1)
    assert charger.power_w == 6900
    assert charger.write_phases(1) is WriteResult.WRITTEN
    charger.step(3)
    assert charger.power_w == 0
    charger.step(1)
    assert charger.power_w == 2300
    assert charger.reading(0, 0).current_a == (10, 0, 0)
    assert charger.switches == 1


def test_refusals_faults_and_silence_are_answered_as_the_charger_would() -> None:
    assert ChargerPlant(refuses_phases=True).write_phases(1) is WriteResult.REFUSED
    assert ChargerPlant(phases_wired=1).write_phases(3) is WriteResult.REFUSED
    assert ChargerPlant(silent=True).write_current(6) is WriteResult.UNREACHABLE
    assert ChargerPlant(fault=Fault.RCD, car=Car()).reading(0, 0).state is ChargerState.FAULT
    deaf = ChargerPlant(ignores_writes=True)
    assert deaf.write_current(16) is WriteResult.WRITTEN
    assert deaf.reading(0, 0).limit_set_a == 6
    assert deaf.reading(0, 0).limit_used is False
    blind = ChargerPlant(meter_is_nan=True).reading(0, 0)
    assert (blind.power_w, blind.energy_kwh, blind.current_a) == (None, None, (None, None, None))


def test_a_charger_that_drops_to_one_phase_keeps_its_register() -> None:
    charger = ChargerPlant(car=Car(start_s=0), set_a=10, remaining_s=60)
    charger.drop_to_one_phase()
    charger.step(10)
    reading = charger.reading(0, 0)
    assert reading.phases_set == 3
    assert reading.current_a == (10, 0, 0)


def test_a_full_car_ends_charging_itself() -> None:
    charger = ChargerPlant(car=Car(wanted_kwh=0.1, start_s=0), set_a=16, remaining_s=1e9)
    for _ in range(120):
        charger.step(1)
    assert charger.meter_kwh == pytest.approx(1000.1)
    assert charger.reading(0, 0).state is ChargerState.CONNECTED


def test_power_tapers_towards_the_cars_limit() -> None:
    car = Car(soc_pct=95, taper_soc_pct=90, start_s=0, raise_a_per_s=99, capacity_kwh=1000)
    assert car.draw(16, 3, 230, 1) == pytest.approx(16 * 0.5 * 3 * 230)


def test_a_car_sleeps_after_pauses_and_wakes_after_pulses() -> None:
    charger = ChargerPlant(car=Car(start_s=0, sleeps_after_pauses=1, wakes_after_pulses=2), set_a=16, remaining_s=1e9)

    def powers(current_a: float) -> float:
        charger.write_current(current_a)
        charger.step(1)
        return charger.step(1)

    assert powers(16) > 0
    assert [powers(0), powers(16)] == [0, 0]
    assert charger.reading(0, 0).state is ChargerState.CONNECTED
    assert [powers(0), powers(16), powers(0)] == [0, 0, 0]
    assert powers(16) > 0


def test_a_car_of_two_phases_draws_on_two() -> None:
    charger = ChargerPlant(car=Car(phases=2, start_s=0, raise_a_per_s=99), set_a=10, remaining_s=60)
    assert charger.step(1) == 4600
    assert charger.reading(0, 0).current_a == (10, 10, 0)


def test_the_cars_phases_are_mapped_to_the_grids() -> None:
    charger = ChargerPlant(car=Car(phases=1, start_s=0, raise_a_per_s=99), set_a=10, remaining_s=60)
    plant = Plant(chargers=[charger], phase_maps=[(3, 1, 2)])
    plant.step(1, 0, 0)
    assert plant.phase_powers() == (0, 0, 2300)


def test_the_meter_shows_the_past_with_fresh_times() -> None:
    plant = Plant(meter=Meter(delay_s=10))
    shown = []
    for second in range(1, 31):
        plant.step(1, 0, load_w=float(second))
        shown.append(plant.site_reading(float(second), 0))
    assert shown[9] is None
    late = shown[29]
    assert late is not None
    assert (late.grid_w, late.mono_s) == (20, 30)


def test_noise_is_the_same_for_the_same_seed() -> None:
    def run(seed: int) -> list[float | None]:
        plant = Plant(meter=Meter(noise_w=50, seed=seed))
        values = []
        for second in range(20):
            plant.step(1, 0, 1000)
            reading = plant.site_reading(second, 0)
            values.append(None if reading is None else reading.grid_w)
        return values

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_a_frozen_meter_repeats_and_a_silent_one_says_nothing() -> None:
    plant = Plant()
    plant.step(1, 0, 1000)
    plant.site_reading(1, 0)
    plant.meter.frozen = True
    plant.step(1, 0, 3000)
    frozen = plant.site_reading(2, 0)
    assert frozen is not None
    assert (frozen.grid_w, frozen.mono_s) == (1000, 2)
    plant.meter.silent = True
    assert plant.site_reading(3, 0) is None


def test_an_empty_battery_is_at_zero_and_not_a_rounding_below() -> None:
    battery = HouseBattery(
        capacity_kwh=5.0,
        soc_pct=6.5e-50,
        min_soc_pct=0.0,
        max_discharge_w=1.0,
        discharge_efficiency=1.0,
        response_s=0.0,
    )
    plant = Plant(battery=battery, grid_available=False)
    plant.step(1.0, 0.0, 1.0)
    assert battery.soc_pct >= 0.0
