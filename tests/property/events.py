"""Strategies as vocabulary: events of every kind, sane and insane, in time that flows, stands, jumps and runs back."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from phaeton.config.points import Point, charging_points
from phaeton.config.tree import Auto, Battery, Charger, Config, PhaseSwitching, PointLimits, Schedule, Site, SiteLimits
from phaeton.config.tree_cars import Departure, Vehicle
from phaeton.config.tree_schedule import PlanSettings, Window
from phaeton.model import (
    AnyEvent,
    Boost,
    ChargerIdentity,
    ChargerReading,
    ChargerState,
    ClearGoal,
    Command,
    Fault,
    ForecastCurve,
    ForecastSlot,
    Mode,
    PriceCurve,
    PriceSlot,
    SetAutoStart,
    SetCurrent,
    SetEnergyLimit,
    SetGoal,
    SetLimitSoc,
    SetMinSoc,
    SetMode,
    SetPhases,
    SetPowerCap,
    SetStart,
    SetVehicle,
    SiteReading,
    Tick,
    Unavailable,
    VehicleReading,
    WriteOutcome,
    WriteResult,
)

UTC_S = 1_770_000_000.0
POINTS = ("1", "2")
AMSTERDAM_LIKE = ((-1e18, 3600.0), (1_774_746_000.0, 7200.0), (1_792_890_000.0, 3600.0))


_CAR = Vehicle(
    id="car",
    battery_kwh=60.0,
    min_soc_pct=30.0,
    max_current_a=16.0,
    departures=(Departure(time="07:00", soc_pct=80.0), Departure(time="02:30", days=("sun",), energy_kwh=9.0)),
)
_OTHER = Vehicle(id="other", min_current_a=8.0, phases=1, departures=(Departure(time="17:00", energy_kwh=5.0),))


def configs() -> st.SearchStrategy[Config]:
    """Configurations with and without limits, one point or two."""
    limits = st.builds(
        SiteLimits,
        fuse_a=st.sampled_from([None, 16.0, 25.0]),
        import_w=st.sampled_from([None, 3000.0, 9000.0]),
        unbalanced_a=st.sampled_from([None, 16.0]),
        safe_current_a=st.sampled_from([0.0, 6.0]),
    )
    chargers = st.builds(
        lambda number, low, high, phases, mode: tuple(
            Charger(
                host=f"charger{n}",
                limits=PointLimits(min_set_current_a=low, max_set_current_a=high, max_phases=phases),
                priority=n % 2,
                initial=Charger(host="x").initial.__class__(mode=mode),
            )
            for n in range(number)
        ),
        st.integers(1, 2),
        st.sampled_from([6.0, 8.0]),
        st.sampled_from([10.0, 16.0, 32.0]),
        st.sampled_from([1, 3]),
        st.sampled_from(["auto", "manual", "scheduled"]),
    )
    return st.builds(
        Config,
        chargers=chargers,
        site=st.builds(Site, limits=limits, off_grid=st.booleans(), inverter_rating_w=st.sampled_from([None, 5000.0])),
        auto=st.builds(
            Auto,
            start_delay_s=st.sampled_from([0.0, 120.0]),
            min_solar_share_pct=st.sampled_from([0.0, 50.0, 100.0]),
            smoothing_s=st.sampled_from([0.0, 1.5]),
        ),
        phases=st.builds(PhaseSwitching, auto_switch=st.booleans(), up_delay_s=st.sampled_from([0.0, 180.0])),
        battery=st.builds(
            Battery,
            priority=st.sampled_from(["battery", "car"]),
            feed_car_soc_pct=st.sampled_from([None, 50.0]),
            min_soc_pct=st.sampled_from([None, 20.0]),
        ),
        schedule=st.builds(
            Schedule,
            windows=st.sampled_from([(), (Window(start="00:00", end="24:00"),), (Window(start="22:00", end="06:00"),)]),
            auto_outside=st.booleans(),
            strategy=st.sampled_from(["windows", "level", "threshold", "percentile", "plan"]),
            threshold_per_kwh=st.just(0.25),
            plan=st.builds(
                PlanSettings,
                continuous=st.booleans(),
                precondition_min=st.sampled_from([0.0, 30.0]),
                start_cost=st.sampled_from([0.0, 0.02]),
            ),
        ),
        vehicles=st.sampled_from([(), (), (_CAR,), (_CAR, _OTHER)]),
    )


def points_of(config: Config) -> tuple[Point, ...]:
    """The points of a generated configuration."""
    return charging_points(config, {})


def _number(low: float, high: float) -> st.SearchStrategy[float | None]:
    """Mostly a sane number, now and then none or an insane one."""
    sane = st.integers(int(low), int(high)).map(float)
    insane = st.sampled_from([None, math.nan, math.inf, -math.inf, -1e9, 1e9, 0.0])
    return st.one_of(sane, sane, sane, insane)


def _phases(low: float, high: float) -> st.SearchStrategy[tuple[float | None, float | None, float | None]]:
    return st.tuples(_number(low, high), _number(low, high), _number(low, high))


points = st.sampled_from(POINTS)
orders = st.one_of(
    st.builds(SetMode, st.sampled_from(Mode)),
    st.builds(SetStart, st.booleans()),
    st.builds(SetCurrent, st.integers(0, 40).map(float)),
    st.builds(SetPhases, st.sampled_from([0, 1, 3])),
    st.builds(SetAutoStart, st.booleans()),
    st.builds(Boost, on=st.booleans(), energy_kwh=st.sampled_from([None, 1.0])),
    st.builds(SetEnergyLimit, st.sampled_from([None, 2.0])),
    st.builds(SetPowerCap, st.sampled_from([None, 0.0, 4200.0])),
    st.builds(SetVehicle, st.sampled_from([None, "", "car", "other", "nobody"])),
    st.builds(
        SetGoal,
        departure_utc_s=st.integers(-10, 200).map(lambda quarters: UTC_S + 900.0 * quarters),
        soc_pct=st.sampled_from([None, 80.0]),
        energy_kwh=st.sampled_from([None, 7.0, 100.0]),
        vehicle=st.sampled_from(["", "car", "nobody"]),
    ),
    st.builds(ClearGoal, st.sampled_from(["", "car"])),
    st.builds(SetMinSoc, st.sampled_from([None, 0.0, 50.0])),
    st.builds(SetLimitSoc, st.sampled_from([None, 40.0, 100.0])),
)


@st.composite
def curves(draw: st.DrawFn, mono_s: float, utc_s: float) -> PriceCurve | ForecastCurve:
    """Prices or a forecast around now: sane ones, and some in disorder, with gaps, and with numbers that are none."""
    start_s = utc_s - 900.0 * draw(st.integers(0, 8))
    lengths = draw(st.lists(st.sampled_from([900.0, 900.0, 3600.0, 0.0, -900.0, math.nan]), max_size=12))
    prices, sun = [], []
    for length_s in lengths:
        value = draw(_number(0, 50))
        prices.append(PriceSlot(start_s, start_s + length_s, math.nan if value is None else value / 100, 0.08, "CHEAP"))
        sun.append(ForecastSlot(start_s, start_s + length_s, draw(_number(0, 9000)), draw(_number(0, 3000))))
        start_s += draw(st.sampled_from([900.0, 900.0, 3600.0, -900.0]))
    if draw(st.booleans()):
        return PriceCurve(mono_s, utc_s, tuple(prices), "EUR")
    return ForecastCurve(mono_s, utc_s, tuple(sun))


def told(mono_s: float, utc_s: float) -> st.SearchStrategy[VehicleReading]:
    """A car's word of itself."""
    return st.builds(
        VehicleReading,
        st.just(mono_s),
        st.just(utc_s),
        vehicle=st.sampled_from(["car", "other", "nobody"]),
        soc_pct=_number(0, 100),
        soc_utc_s=st.sampled_from([None, utc_s, utc_s - 36_000.0, utc_s + 600.0, utc_s + 1e6, math.nan]),
        limit_soc_pct=st.sampled_from([None, 80.0, math.nan, -1.0]),
        plugged=st.sampled_from([None, True, False]),
        at_home=st.sampled_from([None, True, False]),
    )


@st.composite
def bodies(draw: st.DrawFn, mono_s: float, utc_s: float) -> AnyEvent:
    """One event at a time."""
    kind = draw(st.integers(0, 18))
    if kind <= 4:
        return Tick(mono_s, utc_s)
    if kind <= 8:
        return ChargerReading(
            mono_s,
            utc_s,
            point=draw(points),
            state=draw(st.sampled_from([ChargerState.CHARGING, ChargerState.CONNECTED, *ChargerState])),
            state_text=draw(st.sampled_from(["C2", "B2", "E", "F", "", "zzz"])),
            fault=draw(st.sampled_from([None, *Fault])),
            voltage_v=draw(_phases(200, 250)),
            current_a=draw(_phases(0, 32)),
            power_w=draw(_number(0, 22000)),
            energy_kwh=draw(_number(0, 10000)),
            limit_set_a=draw(_number(0, 32)),
            limit_actual_a=draw(_number(0, 32)),
            limit_safe_a=draw(_number(0, 16)),
            limit_max_a=draw(_number(6, 32)),
            limit_remaining_s=draw(_number(0, 60)),
            limit_used=draw(st.sampled_from([None, True, False])),
            phases_set=draw(st.sampled_from([None, 1, 3, 7])),
        )
    if kind <= 11:
        return SiteReading(
            mono_s,
            utc_s,
            grid_w=draw(_number(-9000, 9000)),
            grid_phase_w=draw(_phases(-3000, 6000)),
            grid_phase_a=draw(_phases(-15, 30)),
            grid_metered=draw(st.booleans()),
            pv_w=draw(_number(0, 12000)),
            consumption_w=draw(_number(0, 12000)),
            battery_w=draw(_number(-5000, 5000)),
            battery_soc_pct=draw(_number(0, 100)),
            battery_charge_limit_w=draw(_number(0, 5000)),
            ac_source=draw(st.sampled_from([None, 1, 1, 2, 240])),
            system_state=draw(st.sampled_from([None, 3, 5, 9])),
            ess=draw(st.booleans()),
            ess_min_soc_pct=draw(_number(0, 100)),
            feed_in_limit_w=draw(st.sampled_from([None, 0.0])),
            dess_active=draw(st.booleans()),
        )
    if kind == 12:
        return Command(mono_s, utc_s, draw(points), draw(orders), "test")
    if kind == 13:
        return WriteOutcome(
            mono_s,
            utc_s,
            point=draw(points),
            result=draw(st.sampled_from(WriteResult)),
            current_a=draw(st.sampled_from([None, 0.0, 6.0, 16.0])),
            phases=draw(st.sampled_from([None, 1, 3])),
        )
    if kind == 14:
        return Unavailable(mono_s, utc_s, draw(st.sampled_from(["site", *POINTS])), mono_s, "gone")
    if kind == 15:
        return draw(told(mono_s, utc_s))
    if kind in (16, 17):
        return draw(curves(mono_s, utc_s))
    return draw(
        st.sampled_from(
            [
                ChargerIdentity(mono_s, utc_s, "1", serial="A", step_a=1.0),
                ChargerIdentity(mono_s, utc_s, "2", serial="B", can_switch_phases=False),
                PriceCurve(mono_s, utc_s, (PriceSlot(utc_s - 900, utc_s + 900, 0.3, 0.1),), "EUR"),
            ]
        )
    )


@st.composite
def streams(draw: st.DrawFn, least: int = 5, most: int = 60) -> list[AnyEvent]:
    """A stream of events; its clocks run on, stand still, jump, and now and then run back."""
    mono_s, utc_s = 1000.0, UTC_S
    events: list[AnyEvent] = []
    for _ in range(draw(st.integers(least, most))):
        dt_s = draw(st.sampled_from([0.0, 1.0, 1.0, 1.0, 2.5, 10.0, 61.0, 400.0, 7200.0, -3600.0]))
        if dt_s > 0:
            mono_s += dt_s
        utc_s += dt_s
        seen_s = mono_s + draw(st.sampled_from([0.0, 0.0, 0.0, -5.0, 7200.0, math.nan]))
        event = draw(bodies(seen_s, utc_s))
        events.append(event)
        if draw(st.integers(0, 9)) == 0:
            events.append(draw(st.sampled_from(events)))
    return events
