"""What the scenarios share: a configuration and a plant in one line each, and the real graph between them."""

from __future__ import annotations

from collections.abc import Sequence

from phaeton.config.points import charging_points
from phaeton.config.tree import (
    Auto,
    Battery,
    Charger,
    Config,
    Initial,
    PhaseSwitching,
    PointLimits,
    Prices,
    Schedule,
    Site,
)
from phaeton.config.tree_cars import Vehicle
from phaeton.model import Zone
from phaeton.simulation.battery import HouseBattery
from phaeton.simulation.car import Car
from phaeton.simulation.charger_plant import ChargerPlant
from phaeton.simulation.closed_loop import NOON_UTC_S, ClosedLoop
from phaeton.simulation.plant import Plant
from phaeton.simulation.profiles import Profile
from phaeton.streams.graph import GraphState, site_graph

Run = ClosedLoop[GraphState]

UTC = Zone()


def charger(
    number: int = 1, *, phases: int = 3, mode: str = "auto", current_a: float = 16.0, **more: object
) -> Charger:
    """One charger of the configuration."""
    return Charger(
        host=f"charger-{number}",
        id=str(number),
        limits=PointLimits(max_phases=1 if phases == 1 else 3),
        initial=Initial(mode=mode, set_current_a=current_a),  # type: ignore[arg-type]
        **more,  # type: ignore[arg-type]
    )


def config(
    *chargers: Charger,
    site: Site | None = None,
    auto: Auto | None = None,
    phases: PhaseSwitching | None = None,
    battery: Battery | None = None,
    schedule: Schedule | None = None,
    prices: Prices | None = None,
    vehicles: Sequence[Vehicle] = (),
) -> Config:
    """A configuration; the defaults are the product's."""
    return Config(
        chargers=chargers or (charger(),),
        site=site or Site(),
        auto=auto or Auto(),
        phases=phases or PhaseSwitching(),
        battery=battery or Battery(),
        schedule=schedule or Schedule(),
        prices=prices or Prices(),
        vehicles=tuple(vehicles),
    )


def car(phases: int = 3, **more: float) -> Car:
    """A car with so large a battery that it never matters, and quick in following."""
    return Car(**{"phases": phases, "capacity_kwh": 10_000.0, "max_a": 32.0, **more})  # type: ignore[arg-type]


def site(
    setup: Config,
    *,
    pv: Profile | float = 0.0,
    load: Profile | float = 0.0,
    cars: Sequence[Car | None] | None = None,
    battery: HouseBattery | None = None,
    plant: Plant | None = None,
    start_utc_s: float = NOON_UTC_S,
    zone: Zone = UTC,
    write_delay_s: float = 0.0,
    dt_s: float = 1.0,
) -> Run:
    """The loop around a plant with one socket for each charger; each begins at a live setpoint of 0 A."""
    points = charging_points(setup, {})
    if cars is None:
        cars = [car(point.charger.limits.max_phases) for point in points]
    if plant is None:
        plant = Plant(battery=battery)
    plant.chargers = [
        ChargerPlant(point=p.id, car=c, phases_wired=p.charger.limits.max_phases, set_a=0.0, remaining_s=60.0)
        for p, c in zip(points, cars, strict=True)
    ]
    plant.phase_maps = [p.charger.phase_map for p in points]
    return ClosedLoop(
        site_graph(setup, points, zone),
        plant,
        pv=pv,
        load=load,
        dt_s=dt_s,
        start_utc_s=start_utc_s,
        write_delay_s=write_delay_s,
    )


def on_one_phase(run: Run, point: int = 0) -> ChargerPlant:
    """The charger of a run, with its contactors and its register on one phase."""
    socket = run.plant.chargers[point]
    socket.phases_set = socket.phases_closed = 1
    return socket


def charging(run: Run, current_a: float, point: int = 0) -> ChargerPlant:
    """The charger of a run, already charging with a live setpoint (left by an earlier Phaeton)."""
    socket = run.plant.chargers[point]
    socket.write_current(current_a)
    for _ in range(10):
        socket.step(1.0)
    socket.meter_kwh = 1000.0
    socket.starts = 0
    return socket
