"""The part of the configuration about the cars: what they are, what they must have, when they leave."""

from __future__ import annotations

from typing import Annotated, Literal

from phaeton.config.forms import CLOCK
from phaeton.config.node import Day, Node, meta
from phaeton.config.tree_vehicles import (
    DbusCar,
    EvccCar,
    HomeAssistantCar,
    HttpJsonCar,
    Kia,
    MqttCar,
    Tesla,
    VehicleSourceKind,
)


class Departure(Node, frozen=True):
    """A departure that comes again."""

    time: Annotated[str, meta("When, HH:MM in local time", pattern=CLOCK)]
    days: Annotated[tuple[Day, ...], meta("Days of the departure; empty = every day")] = ()
    soc_pct: Annotated[float, meta("SoC to have by then, in %", gt=0, le=100)] | None = None
    energy_kwh: (
        Annotated[float, meta("Energy to have charged by then since the car came, in kWh", gt=0, le=1000)] | None
    ) = None
    active: Annotated[bool, meta("False keeps the departure without using it")] = True


class Vehicle(Node, frozen=True):
    """A car."""

    id: Annotated[str, meta("Own name for paths: letters, digits, _ and -", pattern="^[A-Za-z0-9_-]{1,32}$")]
    name: Annotated[str, meta("Name shown on the page", max_length=32)] = ""
    battery_kwh: (
        Annotated[float, meta("Usable size of the battery, in kWh; needed for all that is told in %", ge=1, le=1000)]
        | None
    ) = None
    phases: Annotated[Literal[1, 2, 3], meta("Phases of the car's own charger")] = 3
    min_current_a: Annotated[float, meta("Least current that the car charges with, in A", ge=6, le=32)] = 6.0
    max_current_a: Annotated[float, meta("Most current that the car takes, in A", ge=6, le=80)] | None = None
    min_soc_pct: Annotated[
        float, meta("Below this the car charges at once in auto and scheduled; 0 = never", ge=0, le=100)
    ] = 0.0
    limit_soc_pct: Annotated[float, meta("Charging ends here; the car's own limit holds besides", ge=1, le=100)] = 100.0
    departures: Annotated[tuple[Departure, ...], meta("Departures that come again")] = ()
    charger: Annotated[
        str, meta("Charging point that the car always uses; empty = any, it is found out which car is there")
    ] = ""
    source: Annotated[
        VehicleSourceKind, meta("Where its SoC comes from; manual = typed in by you; the others have settings below")
    ] = "none"
    publish: Annotated[
        bool, meta("Show the car on the GX as com.victronenergy.ev.phaeton_<id>; leave it off where VRM shows it")
    ] = False
    dbus: DbusCar = DbusCar()
    tesla: Tesla = Tesla()
    kia: Kia = Kia()
    mqtt: MqttCar = MqttCar()
    homeassistant: HomeAssistantCar = HomeAssistantCar()
    http_json: HttpJsonCar = HttpJsonCar()
    evcc: EvccCar = EvccCar()
