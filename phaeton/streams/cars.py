"""The cars: which one is at which point, what it holds, what it took, and what people asked of it.

Everything of a car stays with the car: its charge, what is learnt of it, its goal. A car that is not known is a guest:
it is remembered for its stay. Which car is at a point is what a person says; else the only car there is; else the one
that says it was plugged in at that moment.
"""

from __future__ import annotations

from math import isfinite

from msgspec import Struct
from msgspec.structs import replace

from phaeton.config.tree import Config
from phaeton.config.tree_cars import Vehicle
from phaeton.model import (
    CarOrder,
    ClearGoal,
    SetGoal,
    SetLimitSoc,
    SetMinSoc,
    SetVehicle,
    VehicleReading,
    Zone,
)
from phaeton.streams import soc
from phaeton.streams.departures import next_departure
from phaeton.streams.soc import SocState

SAME_MOMENT_S = 600.0
"""The car's word of being plugged in and the charger's are so close."""
OVERDUE_S = 12 * 3600.0
"""A goal that was missed is gone for so long while the car stays."""
GUEST = ""


class Goal(Struct, frozen=True, gc=False):
    """What is to be in the car at a departure: a charge, or so much more energy."""

    departure_utc_s: float
    soc_pct: float | None
    energy_kwh: float | None
    from_kwh: float
    """The car's counter that the energy is counted from."""


class CarMemory(Struct, frozen=True, kw_only=True, gc=False):
    """What is remembered of one car."""

    vehicle: str
    point: str = ""
    """Where it is plugged in."""
    soc: SocState = SocState()
    energy_kwh: float = 0.0
    """What it took at our points, all stays together."""
    goal: Goal | None = None
    min_soc_pct: float | None = None
    limit_soc_pct: float | None = None
    own_limit_pct: float | None = None
    """The charge limit set in the car itself."""
    power_w: float | None = None
    """What it takes when everything is offered, learnt."""
    due: Goal | None = None
    """The repeating departure that is worked for."""
    counted_from_kwh: float = 0.0
    """Its energy counts from here: since the car came, or since the departure before."""
    said_plugged: bool | None = None
    said_plugged_utc_s: float = 0.0
    """When it first said so."""
    away_utc_s: float = -1.0
    """When it last said that it is not at home."""
    read_s: float = -1.0


class Bay(Struct, frozen=True, kw_only=True, gc=False):
    """One charging point as a place for cars."""

    point: str
    plugged: bool = False
    plugged_utc_s: float = 0.0
    chosen: str | None = None
    """The car that a person named for this stay."""
    vehicle: str | None = None
    """The car that is there; None while nobody is or it is not decided."""
    session: str = ""
    seen_kwh: float = 0.0


class Garage(Struct, frozen=True, gc=False):
    """All cars and places."""

    cars: tuple[CarMemory, ...] = ()
    bays: tuple[Bay, ...] = ()


class Stay(Struct, frozen=True, gc=False):
    """What a charging point tells of the stay in this step."""

    point: str
    plugged: bool
    charging: bool
    session: str
    energy_kwh: float
    """Of the session."""
    ended_by_car: bool


def configured(garage: Garage | None, config: Config, points: tuple[str, ...]) -> Garage | None:
    """The garage of a configuration: cars and places that stay keep what is remembered; None where none is needed."""
    wanted = config.vehicles or config.schedule.strategy in ("level", "threshold", "percentile")
    if garage is None and not wanted:
        return None
    known = {car.vehicle: car for car in garage.cars if car.vehicle} if garage is not None else {}
    guests = () if garage is None else tuple(car for car in garage.cars if not car.vehicle and car.point in points)
    places = {} if garage is None else {bay.point: bay for bay in garage.bays}
    ids = {vehicle.id for vehicle in config.vehicles}
    cars = tuple(replace(known.get(v.id, CarMemory(vehicle=v.id)), due=None) for v in config.vehicles)
    cars = tuple(car if car.point in ("", *points) else replace(car, point="") for car in cars)
    bays = []
    for point in points:
        bay = places.get(point, Bay(point=point))
        if bay.vehicle and bay.vehicle not in ids:
            bay = replace(bay, vehicle=None, chosen=None)
        bays.append(bay)
    return Garage(cars + guests, tuple(bays))


def car_at(garage: Garage, point: str) -> CarMemory | None:
    """The car at a point, a guest included."""
    for car in garage.cars:
        if car.point == point:
            return car
    return None


def configuration_of(car: CarMemory, config: Config) -> Vehicle | None:
    """What the configuration says of a car; None for a guest."""
    for vehicle in config.vehicles:
        if vehicle.id == car.vehicle:
            return vehicle
    return None


def put(garage: Garage, car: CarMemory) -> Garage:
    """The garage with another version of a car, which is found by its id, a guest by its point."""
    for index, known in enumerate(garage.cars):
        if known.vehicle == car.vehicle and (car.vehicle or known.point == car.point):
            if known is car:
                return garage
            return Garage((*garage.cars[:index], car, *garage.cars[index + 1 :]), garage.bays)
    return Garage((*garage.cars, car), garage.bays)


def ordered(garage: Garage, point: str, order: CarOrder) -> Garage:
    """What a person asked of a car; orders for a car or a point that does not exist change nothing."""
    if isinstance(order, SetVehicle):
        return _chosen(garage, point, order.vehicle)
    car = None
    if order.vehicle:
        car = next((known for known in garage.cars if known.vehicle == order.vehicle), None)
    elif any(bay.point == point for bay in garage.bays):
        car = car_at(garage, point) or CarMemory(vehicle=GUEST, point=point)
    if car is None:
        return garage
    match order:
        case SetGoal():
            goal = Goal(order.departure_utc_s, order.soc_pct, order.energy_kwh, car.energy_kwh)
            return put(garage, replace(car, goal=goal))
        case ClearGoal():
            return put(garage, replace(car, goal=None))
        case SetMinSoc():
            return put(garage, replace(car, min_soc_pct=order.soc_pct))
        case SetLimitSoc():
            return put(garage, replace(car, limit_soc_pct=order.soc_pct))


def _chosen(garage: Garage, point: str, vehicle: str | None) -> Garage:
    """A person says which car is at a point; what the one before seemed to take there was not its own."""
    bays = []
    cars = list(garage.cars)
    for bay in garage.bays:
        mine = bay.point == point
        if not mine and not (vehicle and bay.vehicle == vehicle):
            bays.append(bay)
            continue
        if mine and vehicle is not None and bay.vehicle == vehicle:
            bays.append(replace(bay, chosen=vehicle))
            continue
        for index, car in enumerate(cars):
            if car.point == bay.point and car.vehicle:
                cars[index] = replace(car, point="", energy_kwh=car.energy_kwh - bay.seen_kwh)
        bays.append(replace(bay, chosen=vehicle if mine else None, vehicle=None, session="", seen_kwh=0.0))
    return Garage(tuple(cars), tuple(bays))


def step(
    garage: Garage,
    stays: tuple[Stay, ...],
    readings: tuple[VehicleReading, ...],
    config: Config,
    zone: Zone,
    utc_s: float,
) -> Garage:
    """Cars come and go, take energy, and tell of themselves."""
    for index, stay in enumerate(stays):
        bay = garage.bays[index]
        if stay.plugged != bay.plugged:
            garage = _came(garage, index, utc_s) if stay.plugged else _left(garage, index)
    for reading in readings:
        garage = _heard(garage, reading, stays, config)
    for index, stay in enumerate(stays):
        if stay.plugged and garage.bays[index].vehicle is None:
            garage = _matched(garage, index, config, utc_s)
    for car in garage.cars:
        garage = put(garage, _dated(car, config, zone, utc_s))
    for index, stay in enumerate(stays):
        garage = _fed(garage, index, stay, config, utc_s)
    return garage


def _dated(car: CarMemory, config: Config, zone: Zone, utc_s: float) -> CarMemory:
    """Departures pass: while the car is away at once, while it is here only after a while, then the next counts."""
    if car.goal is not None and utc_s > car.goal.departure_utc_s + (OVERDUE_S if car.point else 0.0):
        car = replace(car, goal=None)
    if car.due is not None and not car.point and utc_s > car.due.departure_utc_s:
        car = replace(car, due=None)
    if car.due is not None:
        return car
    vehicle = configuration_of(car, config)
    return car if vehicle is None or not vehicle.departures else following(car, vehicle, zone, utc_s)


def following(car: CarMemory, vehicle: Vehicle, zone: Zone, utc_s: float) -> CarMemory:
    """The car with its next repeating departure."""
    found = next_departure(vehicle.departures, zone, utc_s)
    if found is None:
        return car if car.due is None else replace(car, due=None)
    departure = found.departure
    return replace(car, due=Goal(found.utc_s, departure.soc_pct, departure.energy_kwh, car.counted_from_kwh))


def _with_bay(garage: Garage, index: int, bay: Bay) -> Garage:
    return Garage(garage.cars, (*garage.bays[:index], bay, *garage.bays[index + 1 :]))


def _came(garage: Garage, index: int, utc_s: float) -> Garage:
    bay = garage.bays[index]
    return _with_bay(garage, index, replace(bay, plugged=True, plugged_utc_s=utc_s, vehicle=None, session=""))


def _left(garage: Garage, index: int) -> Garage:
    point = garage.bays[index].point
    cars = tuple(replace(car, point="") if car.vehicle and car.point == point else car for car in garage.cars)
    garage = Garage(tuple(car for car in cars if car.vehicle or car.point != point), garage.bays)
    return _with_bay(garage, index, Bay(point=point))


def _matched(garage: Garage, index: int, config: Config, utc_s: float) -> Garage:
    """Find out which car is there."""
    bay = garage.bays[index]
    vehicle = bay.chosen
    if vehicle is not None and vehicle and not any(car.vehicle == vehicle for car in garage.cars):
        vehicle = None
    if vehicle is None:
        elsewhere = [known.id for known in config.vehicles if known.charger not in ("", bay.point)]
        free = [
            car
            for car in garage.cars
            if car.vehicle and not car.point and car.away_utc_s < bay.plugged_utc_s and car.vehicle not in elsewhere
        ]
        own = [car for car in free if any(v.id == car.vehicle and v.charger == bay.point for v in config.vehicles)]
        alike = [
            car for car in free if car.said_plugged and abs(car.said_plugged_utc_s - bay.plugged_utc_s) <= SAME_MOMENT_S
        ]
        if len(own) == 1:
            vehicle = own[0].vehicle
        elif len(config.vehicles) == 1 and free:
            vehicle = free[0].vehicle
        elif len(alike) == 1:
            vehicle = alike[0].vehicle
        elif not free or utc_s - bay.plugged_utc_s > SAME_MOMENT_S:
            vehicle = GUEST
    if vehicle is None:
        return garage
    garage = _with_bay(garage, index, replace(bay, vehicle=vehicle))
    if vehicle == GUEST:
        guest = next((car for car in garage.cars if not car.vehicle and car.point == bay.point), None)
        return garage if guest is not None else put(garage, CarMemory(vehicle=GUEST, point=bay.point))
    car = next(known for known in garage.cars if known.vehicle == vehicle)
    guest = next((known for known in garage.cars if not known.vehicle and known.point == bay.point), None)
    if guest is not None:
        garage = Garage(tuple(known for known in garage.cars if known is not guest), garage.bays)
        car = replace(
            car,
            goal=guest.goal or car.goal,
            min_soc_pct=car.min_soc_pct if guest.min_soc_pct is None else guest.min_soc_pct,
            limit_soc_pct=car.limit_soc_pct if guest.limit_soc_pct is None else guest.limit_soc_pct,
        )
    trail = soc.follow(soc.arrived(car.soc), bay.plugged_utc_s, car.energy_kwh)
    return put(garage, replace(car, point=bay.point, soc=trail, due=None, counted_from_kwh=car.energy_kwh))


def _heard(garage: Garage, reading: VehicleReading, stays: tuple[Stay, ...], config: Config) -> Garage:
    """A car tells of itself; each reading once."""
    car = next((known for known in garage.cars if known.vehicle == reading.vehicle and known.vehicle), None)
    if car is None or reading.mono_s <= car.read_s or not isfinite(reading.mono_s):
        return garage
    index = next((i for i, bay in enumerate(garage.bays) if bay.point == car.point), None)
    vehicle = configuration_of(car, config)
    since_s = None if index is None else garage.bays[index].plugged_utc_s
    state = soc.accept(
        car.soc,
        reading,
        energy_kwh=car.energy_kwh,
        since_s=since_s,
        charging=index is not None and stays[index].charging,
        battery_kwh=None if vehicle is None else vehicle.battery_kwh,
    )
    limit_pct = reading.limit_soc_pct
    if limit_pct is None or not 20.0 <= limit_pct <= 100.0:
        limit_pct = car.own_limit_pct
    plugged = car.said_plugged if reading.plugged is None else reading.plugged
    said_utc_s = car.said_plugged_utc_s
    if plugged and not car.said_plugged:
        said_utc_s = reading.utc_s
    return put(
        garage,
        replace(
            car,
            soc=state,
            own_limit_pct=limit_pct,
            said_plugged=plugged,
            said_plugged_utc_s=said_utc_s,
            away_utc_s=_away_s(reading) if reading.at_home is False else car.away_utc_s,
            read_s=reading.mono_s,
        ),
    )


def _away_s(reading: VehicleReading) -> float:
    """When the car was elsewhere: as it measured, not as it was asked."""
    return reading.utc_s if reading.soc_utc_s is None else min(reading.soc_utc_s, reading.utc_s)


def _fed(garage: Garage, index: int, stay: Stay, config: Config, utc_s: float) -> Garage:
    """Energy goes into the car that is there; before it is known which, it waits."""
    bay = garage.bays[index]
    if not stay.plugged or bay.vehicle is None:
        return garage
    seen_kwh = bay.seen_kwh if bay.session == stay.session else 0.0
    more_kwh = stay.energy_kwh - seen_kwh
    car = car_at(garage, bay.point)
    if bay.session != stay.session or more_kwh > 0:
        garage = _with_bay(garage, index, replace(bay, session=stay.session, seen_kwh=max(stay.energy_kwh, seen_kwh)))
    if car is None:
        return garage
    energy_kwh = car.energy_kwh + max(more_kwh, 0.0)
    state = soc.follow(car.soc, utc_s, energy_kwh)
    if stay.ended_by_car:
        vehicle = configuration_of(car, config)
        battery_kwh = None if vehicle is None else vehicle.battery_kwh
        state = soc.ended_by_car(
            state, car.own_limit_pct or 100.0, utc_s, energy_kwh=energy_kwh, battery_kwh=battery_kwh
        )
    if state is car.soc and energy_kwh == car.energy_kwh:
        return garage
    return put(garage, replace(car, soc=state, energy_kwh=energy_kwh))
