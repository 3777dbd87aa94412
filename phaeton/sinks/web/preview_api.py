"""The part of the API that says what windows, departures and a strategy would do and cost, before they are saved."""

from __future__ import annotations

import asyncio
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from phaeton.config.tree import Config
from phaeton.config.tree_cars import Departure
from phaeton.config.tree_schedule import Strategy, Window
from phaeton.sinks.web.endpoint import Ask, Endpoint, Endpoints, Example, Nothing, Scope
from phaeton.sinks.web.moments import moment
from phaeton.sinks.web.parts import Parts
from phaeton.sinks.web.plan import WORDS
from phaeton.sinks.web.problem import ProblemError
from phaeton.sinks.web.state import WebState
from phaeton.streams.preview import AHEAD_S, CarPreview, Leg, Slot, preview

MOST_BYTES = 65_536
WINDOW_WORDS = "a window says so"


class PreviewBody(Struct, frozen=True, kw_only=True):
    """What is proposed; what is left out is as configured."""

    windows: Annotated[list[Window], Meta(max_length=24)] | UnsetType = UNSET
    departures: dict[str, Annotated[list[Departure], Meta(max_length=24)]] | UnsetType = UNSET
    """By car."""
    strategy: Strategy | UnsetType = UNSET


class PreviewSlot(Struct, frozen=True, kw_only=True):
    """One stretch in which a car would charge."""

    start: str
    end: str
    power_w: float
    energy_kwh: float
    price_per_kwh: float | None
    why: str
    text: str


class PreviewLeg(Struct, frozen=True, kw_only=True):
    """The time until a departure, or the rest of the week without one."""

    start: str
    departure: str | None
    soc_pct: float | None
    energy_goal_kwh: float | None
    once: bool
    need_kwh: float | None
    """From the socket; null where the size of the car's battery is not known."""
    assumed: bool
    """Reckoned as if the car came back as full as it is now."""
    energy_kwh: float
    cost: float | None
    """Of what has a price; null where nothing has."""
    unpriced_kwh: float
    """So much of the energy has no price yet."""
    at_once_cost: float | None
    """What the same energy costs when it is charged from the beginning; null where a price is missing."""
    done: str | None
    """When the goal is met; null where it is not."""
    late_min: float
    missing_kwh: float
    """At the departure."""
    waits_for_prices: bool
    slots: list[PreviewSlot]


class PreviewCar(Struct, frozen=True, kw_only=True):
    """One car; its id is empty where none is configured."""

    vehicle: str
    point: str
    """Where it is; empty when it is away."""
    power_w: float
    soc_pct: float | None
    bounded: bool
    """It is known when the car is full; else windows count as if the car took all."""
    legs: list[PreviewLeg]


class PlanPreview(Struct, frozen=True, kw_only=True):
    """The week ahead. Costs count energy with a price; those at once and saved count what can be compared."""

    generated_at: str
    until: str
    currency: str
    prices_until: str | None
    """The last known price ends here; null where one price holds for ever, or none is known."""
    energy_kwh: float
    cost: float | None
    unpriced_kwh: float
    at_once_cost: float | None
    saved: float | None
    """What charging at once would cost more."""
    cars: list[PreviewCar]


class PreviewApi:
    """The handler; one week at a time is played, beside the event loop."""

    def __init__(self, state: WebState, parts: Parts) -> None:
        self._state = state
        self._config = parts.config
        self._zone = parts.zone
        self._playing = asyncio.Lock()

    def endpoints(self) -> Endpoints:
        """All of this part."""
        night = {"start": "23:00", "end": "05:00", "days": ["mon", "tue"]}
        leaving = {"time": "07:00", "days": ["wed"], "energy_kwh": 12}
        return [
            Endpoint(
                "POST", "/api/plan/preview", self.preview, Scope.READ,
                "What the week ahead would bring and cost with these windows, departures and strategy; nothing is "
                "changed. An empty body asks for those of today",
                PlanPreview, body=PreviewBody, body_bytes=MOST_BYTES,
                problems={503: "there is no decision yet"},
                example=Example(body={"windows": [night], "departures": {"ev6": [leaving]}, "strategy": "plan"}),
            ),
        ]  # fmt: skip

    async def preview(self, ask: Ask[Nothing, PreviewBody]) -> PlanPreview:
        """Play the week forward."""
        if self._config is None:
            raise ProblemError(503, "the configuration of this daemon is not kept")
        config, output, zone = _proposed(self._config(), ask.body), self._state.decided(), self._zone()
        async with self._playing:
            found = await asyncio.to_thread(preview, config, zone, output)
        prices = output.situation.prices
        known_s = None if prices is None or not prices.slots else prices.slots[-1].end_s
        currency = output.decision.currency or self._config().prices.currency
        return _told(found, output.decision.utc_s, currency, known_s)


def _proposed(config: Config, body: PreviewBody) -> Config:
    """The configuration with what is proposed."""
    schedule = config.schedule
    if body.windows is not UNSET:
        schedule = replace(schedule, windows=tuple(body.windows))
    if body.strategy is not UNSET:
        schedule = replace(schedule, strategy=body.strategy)
    departures = {} if body.departures is UNSET else body.departures
    unknown = sorted(departures.keys() - {vehicle.id for vehicle in config.vehicles})
    if unknown:
        raise ProblemError(422, f"there is no car {unknown[0]!r}", f"departures.{unknown[0]}")
    vehicles = tuple(
        replace(vehicle, departures=tuple(departures[vehicle.id])) if vehicle.id in departures else vehicle
        for vehicle in config.vehicles
    )
    return replace(config, schedule=schedule, vehicles=vehicles)


def _told(cars: tuple[CarPreview, ...], now_s: float, currency: str, known_s: float | None) -> PlanPreview:
    legs = [leg for car in cars for leg in car.legs]
    costs = [leg.cost for leg in legs if leg.cost is not None]
    compared = [(leg.cost, leg.at_once_cost) for leg in legs if leg.cost is not None and leg.at_once_cost is not None]
    return PlanPreview(
        generated_at=moment(now_s),
        until=moment(now_s + AHEAD_S),
        currency=currency,
        prices_until=moment(known_s),
        energy_kwh=round(sum(leg.energy_kwh for leg in legs), 3),
        cost=round(sum(costs), 4) if costs or not legs else None,
        unpriced_kwh=round(sum(leg.unpriced_kwh for leg in legs), 3),
        at_once_cost=round(sum(at_once for _, at_once in compared), 4) if compared else None,
        saved=round(sum(at_once - cost for cost, at_once in compared), 4) if compared else None,
        cars=[
            PreviewCar(
                vehicle=car.vehicle,
                point=car.point,
                power_w=round(car.power_w),
                soc_pct=None if car.soc_pct is None else round(car.soc_pct, 1),
                bounded=car.bounded,
                legs=[_leg(leg) for leg in car.legs],
            )
            for car in cars
        ],
    )


def _leg(leg: Leg) -> PreviewLeg:
    wanted = leg.wanted
    return PreviewLeg(
        start=moment(leg.start_s),
        departure=None if wanted is None else moment(wanted.utc_s),
        soc_pct=None if wanted is None else wanted.soc_pct,
        energy_goal_kwh=None if wanted is None else wanted.energy_kwh,
        once=wanted is not None and wanted.once,
        need_kwh=None if leg.need_kwh is None else round(leg.need_kwh, 3),
        assumed=leg.assumed,
        energy_kwh=round(leg.energy_kwh, 3),
        cost=None if leg.cost is None else round(leg.cost, 4),
        unpriced_kwh=round(leg.unpriced_kwh, 3),
        at_once_cost=None if leg.at_once_cost is None else round(leg.at_once_cost, 4),
        done=moment(leg.done_s),
        late_min=round(leg.late_s / 60.0, 1),
        missing_kwh=round(leg.missing_kwh, 3),
        waits_for_prices=leg.waits_for_prices,
        slots=[_slot(slot) for slot in leg.slots],
    )


def _slot(slot: Slot) -> PreviewSlot:
    return PreviewSlot(
        start=moment(slot.start_s),
        end=moment(slot.end_s),
        power_w=round(slot.power_w),
        energy_kwh=round(slot.energy_kwh, 3),
        price_per_kwh=None if slot.price_per_kwh is None else round(slot.price_per_kwh, 5),
        why=slot.why,
        text=WORDS.get(slot.why, WINDOW_WORDS),
    )
