"""The cars and prices in one step: from the garage and the points to what counts for each point now."""

from __future__ import annotations

from msgspec.structs import replace

from phaeton.config.points import Point
from phaeton.config.tree import Config
from phaeton.model import CarState, Situation
from phaeton.streams import cars, outlook
from phaeton.streams.cars import Garage, Stay
from phaeton.streams.memory import PointMemory
from phaeton.streams.outlook import Moment, Outlook, OutlookState
from phaeton.streams.view import View

_NEW = OutlookState()


def attend(
    garage: Garage,
    points: tuple[Point, ...],
    views: list[View],
    memories: list[PointMemory],
    moment: Moment,
) -> tuple[Garage, list[Outlook]]:
    """What counts for each point; the memories are replaced in the list."""
    stays = tuple([_stay(point, view, memory) for point, view, memory in zip(points, views, memories, strict=True)])
    garage = cars.step(garage, stays, moment.situation.vehicles, moment.config, moment.zone, moment.utc_s)
    found: list[Outlook] = []
    for i, point in enumerate(points):
        memory, view = memories[i], views[i]
        reading = moment.situation.points[i].reading
        max_a = point.charger.limits.max_set_current_a
        if reading is not None and reading.limit_max_a is not None:
            max_a = min(max_a, max(reading.limit_max_a, 0.0))
        car = cars.car_at(garage, point.id)
        before = memory.outlook or _NEW
        after, car_after, seen = outlook.step(
            before,
            car,
            None if car is None else cars.configuration_of(car, moment.config),
            point,
            stays[i],
            view,
            moment,
            mode=memory.asked.mode,
            setpoint_a=memory.pace.setpoint_a,
            phases=memory.asked.phases or point.charger.limits.max_phases,
            sun_phases=1 if _switches(point, memory, moment) else 3,
            max_a=max_a,
        )
        if car_after is not None and car_after is not car:
            garage = cars.put(garage, car_after)
        if after is not memory.outlook:
            memories[i] = memory = replace(memory, outlook=after)
        until_pct = memory.asked.boost_until_soc_pct
        if memory.asked.boost and until_pct is not None and seen.soc_pct is not None and seen.soc_pct >= until_pct:
            memories[i] = replace(memory, asked=replace(memory.asked, boost=False))
        found.append(seen)
    return garage, found


def _switches(point: Point, memory: PointMemory, moment: Moment) -> bool:
    """Whether the sun may charge on one phase of several."""
    known = next((known for known in moment.situation.points if known.id == point.id), None)
    capable = known is None or known.identity is None or known.identity.can_switch_phases
    return moment.config.phases.auto_switch and capable and not memory.phases.refused


def _stay(point: Point, view: View, memory: PointMemory) -> Stay:
    session = memory.session.session
    here = memory.session.open and session is not None
    return Stay(
        point.id,
        view.plugged,
        view.charging,
        session.id if here and session is not None else "",
        session.energy_kwh if here and session is not None else 0.0,
        memory.wake.charged,
    )


def states(garage: Garage, config: Config, situation: Situation) -> tuple[CarState, ...]:
    """All cars for the decision."""
    return tuple([outlook.state_of(car, cars.configuration_of(car, config), situation.utc_s) for car in garage.cars])


def garage_of(config: Config, points: tuple[Point, ...], before: Garage | None = None) -> Garage | None:
    """The garage of a configuration, None where neither cars nor prices count."""
    return cars.configured(before, config, tuple(point.id for point in points))


def empty(points: tuple[Point, ...]) -> Garage:
    """A garage without a car, for guests with goals."""
    return Garage((), tuple(cars.Bay(point=point.id) for point in points))
