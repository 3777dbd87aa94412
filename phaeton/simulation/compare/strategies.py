"""The strategies that are compared: what each one sets on top of the configuration, and what decides in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from phaeton.config.points import Point
from phaeton.config.tree import Config
from phaeton.config.tree_cars import Vehicle
from phaeton.config.tree_schedule import Window
from phaeton.model import Command, Output, Zone
from phaeton.simulation.house_setup import HouseSetup
from phaeton.simulation.offline_run import Control, site_control
from phaeton.streams.graph import GraphState
from phaeton.streams.situation import GraphEvent

Decider = Literal["graph", "goalless", "forerunner"]
"""The graph of the daemon, the same without being told when the car leaves, or the rule of the forerunner."""

NIGHT = Window(start="23:00", end="07:00")
BASELINE = "immediate"


class Strategy(Struct, frozen=True, kw_only=True):
    """One way to charge."""

    name: str
    title: str
    about: str
    config: Config
    decider: Decider = "graph"


def built_in(config: Config, house: HouseSetup) -> Iterator[Strategy]:
    """The strategies that every comparison has; each with the other settings as they are configured."""
    yield Strategy(
        name=BASELINE,
        title="Immediate",
        about="Full power from the moment the car is plugged in",
        config=_in_mode(config, "manual"),
    )
    windows = tuple(window for window in config.schedule.windows if window.active) or (NIGHT,)
    told = ", ".join(f"{window.start}-{window.end}" for window in windows)
    schedule = replace(config.schedule, windows=windows, strategy="windows", auto_outside=False)
    yield Strategy(
        name="windows",
        title="Fixed windows",
        about=f"Full power at {told}" + (" (schedule.windows is empty)" if windows == (NIGHT,) else ""),
        config=replace(_in_mode(config, "scheduled"), schedule=schedule),
        decider="goalless",
    )
    yield Strategy(
        name="forerunner_auto",
        title="Forerunner's auto",
        about="The rule of rhernaus/victron-alfen-charger: the excess of the moment, on the phases that are set",
        config=_in_mode(config, "auto"),
        decider="forerunner",
    )
    yield Strategy(
        name="auto",
        title="Auto",
        about="Phaeton's auto: the surplus of the sun",
        config=_in_mode(config, "auto"),
    )
    schedule = replace(config.schedule, windows=(), strategy="plan", auto_outside=True)
    yield Strategy(
        name="price_plan",
        title="Price plan",
        about="Phaeton's scheduled mode: ready at the departure at the least price, and the sun whenever it is there",
        config=replace(_in_mode(config, "scheduled"), schedule=schedule, vehicles=_cars(config, house)),
    )


def _cars(config: Config, house: HouseSetup) -> tuple[Vehicle, ...]:
    """The car of the simulated house, as its owner would configure it; the stays are its only departures."""
    known = config.vehicles or (Vehicle(id="car"),)
    phases: Literal[1, 2, 3] = 1 if house.car_phases == 1 else 2 if house.car_phases == 2 else 3
    return tuple(
        replace(car, phases=phases, max_current_a=house.car_max_a, min_soc_pct=0.0, departures=()) for car in known
    )


def _in_mode(config: Config, mode: Literal["manual", "auto", "scheduled"]) -> Config:
    """All points in one mode; in manual with as much as the wiring bears."""
    chargers = tuple(
        replace(
            charger,
            initial=replace(charger.initial, mode=mode, start=True, set_current_a=charger.limits.max_set_current_a),
        )
        for charger in config.chargers
    )
    return replace(config, chargers=chargers)


def goalless_control(config: Config, points: tuple[Point, ...], zone: Zone) -> Control[GraphState]:
    """The graph of the daemon, which is not told when the car leaves."""
    control = site_control(config, points, zone)

    def untold(state: GraphState, events: tuple[GraphEvent, ...]) -> tuple[GraphState, Output | None]:
        return control.batch(state, tuple([event for event in events if not isinstance(event, Command)]))

    return Control(control.initial, untold, control.waits)
