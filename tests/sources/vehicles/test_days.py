"""Whole days in virtual time: how often a car is asked, and woken, whatever its service does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec import Struct, field

from phaeton.config.tree_vehicles import Kia, Tesla
from phaeton.model import Unavailable, VehicleReading
from phaeton.sources.vehicles import kia, tesla
from phaeton.sources.vehicles.polling import DAY_S, View
from phaeton.sources.vehicles.provider import LOCAL, Pace
from phaeton.sources.vehicles.report import Reach, Report, Trouble, VehicleError
from phaeton.sources.vehicles.source import VehicleSource
from tests.sources.vehicles.memory import HandClock, Memory

TESLA = tesla.pace(Tesla())
KIA = kia.pace(Kia(wake=True))
HOUR_S = 3600.0


class Car:
    """A provider whose car sleeps, answers or fails as the test says; counts what it is asked."""

    def __init__(self, pace: Pace, clock: HandClock) -> None:
        self.pace = pace
        self.requests = 0
        self.readings = 0
        self.woken: list[float] = []
        self.asleep = False
        self.wakes_up = True
        self.error: VehicleError | None = None
        self.soc_pct = 50.0
        self._clock = clock

    async def read(self, *, data: bool) -> Report:
        """As Tesla: the state, and the data if it is awake."""
        self.requests += 1
        if self.error is not None:
            raise self.error
        if self.asleep:
            raise VehicleError(Trouble.ASLEEP, "it sleeps")
        if not data:
            return Report(reach=Reach.ONLINE)
        self.requests += 1
        self.readings += 1
        return Report(soc_pct=self.soc_pct, measured_utc_s=self._clock.utc_s, limit_soc_pct=80.0, reach=Reach.ONLINE)

    async def wake(self) -> None:
        """It wakes at once, or not at all."""
        self.requests += 1
        self.woken.append(self._clock.mono_s)
        if self.wakes_up:
            self.asleep = False

    async def close(self) -> None:
        """Nothing is held."""


class Day(Struct):
    """A source in virtual time."""

    clock: HandClock
    car: Car
    source: VehicleSource
    kept: Memory
    events: list[VehicleReading | Unavailable] = field(default_factory=list)

    async def pass_(self, seconds: float) -> None:
        """Let the source ask whatever becomes due."""
        end_s = self.clock.mono_s + seconds
        while True:
            pause_s = await self.source.turn()
            step_s = max(pause_s, 1.0)
            if self.clock.mono_s + step_s > end_s:
                break
            self.clock.forward(step_s)
        self.clock.forward(max(end_s - self.clock.mono_s, 0.0))

    async def charge(self, hours: float, power_w: float = 11_000.0, start: View = View(plugged=True)) -> View:  # noqa: B008
        """Charge with the view told each minute, as the control does."""
        view = start
        for minute in range(1, int(hours * 60) + 1):
            taken_kwh = start.taken_kwh + power_w / 1000 * minute / 60
            view = View(
                plugged=True,
                charging=True,
                taken_kwh=round(taken_kwh, 1),
                battery_kwh=75.0,
                goal_soc_pct=100.0,
                soc_pct=50,
            )
            self.car.soc_pct = 50.0 + taken_kwh * 0.9 / 75 * 100
            self.source.see(view)
            await self.pass_(60.0)
        return view


def build(
    pace: Pace,
    clock: HandClock | None = None,
    kept: Memory | None = None,
    hour: Callable[[float], float | None] | None = None,
) -> Day:
    clock = clock or HandClock()
    kept = kept or Memory()
    car = Car(pace, clock)
    events: list[VehicleReading | Unavailable] = []

    async def sleep(seconds: float) -> None:
        clock.forward(seconds)

    source = VehicleSource(
        "car", "tesla", car, clock.now, events.append, kept=kept, seed="x", hour=hour or (lambda _: 12.0), sleep=sleep,
        chance=lambda: 0.5,
    )  # fmt: skip
    return Day(clock, car, source, kept, events)


async def test_a_tesla_that_is_away_is_not_asked() -> None:
    day = build(TESLA)
    await day.pass_(DAY_S)
    assert day.car.requests == 0


async def test_an_ordinary_night_costs_few_requests() -> None:
    """Plugged in at 18:00, charged 4 h from 1:00, unplugged at 8:00."""
    day = build(TESLA)
    await day.pass_(HOUR_S)
    day.source.see(View(plugged=True, battery_kwh=75.0))
    await day.pass_(30.0)
    assert day.car.readings == 1
    day.car.asleep = True
    await day.pass_(7 * HOUR_S)
    idle = day.car.requests
    day.car.asleep = False
    view = await day.charge(4.0)
    day.source.see(View(plugged=True, taken_kwh=view.taken_kwh, battery_kwh=75.0))
    await day.pass_(150.0)
    finished = day.car.readings
    day.car.asleep = True
    await day.pass_(3 * HOUR_S)
    day.source.see(View())
    await day.pass_(10 * HOUR_S)
    assert idle <= 2 + 8
    assert 10 <= finished <= 15
    assert day.car.readings == finished
    assert day.car.requests <= 50
    assert day.car.woken == []


async def test_charging_is_followed_by_energy_and_not_by_time() -> None:
    fast, slow = build(TESLA), build(TESLA)
    await fast.charge(4.0, 11_000.0)
    await slow.charge(4.0, 1_400.0)
    assert fast.car.readings > 3 * slow.car.readings >= 3


async def test_after_charging_the_car_is_left_to_fall_asleep() -> None:
    day = build(TESLA)
    view = await day.charge(1.0)
    day.source.see(View(plugged=True, taken_kwh=view.taken_kwh))
    await day.pass_(130.0)
    before = day.car.requests
    await day.pass_(18 * 60.0)
    assert day.car.requests == before


FAILURES = {
    "transient": VehicleError(Trouble.TRANSIENT, "no answer"),
    "bad_data": VehicleError(Trouble.BAD_DATA, "not JSON"),
    "limited": VehicleError(Trouble.LIMITED, "too often", 120.0),
    "day_limit": VehicleError(Trouble.LIMITED, "spent", 12 * HOUR_S),
    "denied": VehicleError(Trouble.DENIED, "log in"),
    "unpaid": VehicleError(Trouble.UNPAID, "pay"),
    "asleep": VehicleError(Trouble.ASLEEP, "sleeps"),
}
MOST = {
    "tesla": {"transient": 32, "bad_data": 32, "limited": 16, "day_limit": 3, "denied": 1, "unpaid": 1, "asleep": 26},
    "kia": {"transient": 32, "bad_data": 32, "limited": 16, "day_limit": 3, "denied": 1, "unpaid": 1, "asleep": 27},
    "local": {
        "transient": 160,
        "bad_data": 160,
        "limited": 16,
        "day_limit": 3,
        "denied": 145,
        "unpaid": 1,
        "asleep": 289,
    },
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize(("name", "pace"), [("tesla", TESLA), ("kia", KIA), ("local", LOCAL)])
async def test_a_day_of_failures_is_no_storm(name: str, pace: Pace, failure: str) -> None:
    day = build(pace)
    day.car.error = FAILURES[failure]
    day.source.see(View(plugged=True))
    await day.pass_(DAY_S)
    assert 1 <= day.car.requests <= MOST[name][failure]
    assert day.car.woken == []
    assert len(day.events) <= 1


@pytest.mark.parametrize("failure", ["transient", "limited", "asleep"])
async def test_a_day_of_charging_into_failures_is_no_storm(failure: str) -> None:
    day = build(TESLA)
    day.car.error = FAILURES[failure]
    await day.charge(24.0)
    assert 1 <= day.car.requests <= 80


async def test_nothing_is_asked_beyond_the_days_budget() -> None:
    day = build(tesla.pace(Tesla(data_per_day=10)))
    await day.charge(24.0)
    assert day.car.requests <= 10
    await day.charge(24.0, start=View(plugged=True, taken_kwh=264.0))
    assert 10 < day.car.requests <= 20


async def test_a_restart_loop_spends_no_more_than_the_budget() -> None:
    clock, kept = HandClock(), Memory()
    requests = 0
    for _ in range(200):
        day = build(TESLA, clock, kept)
        day.source.see(View(plugged=True))
        await day.pass_(60.0)
        requests += day.car.requests
    assert requests <= TESLA.data_per_day


async def test_a_restart_does_not_ask_anew_what_was_told_just_before() -> None:
    clock, kept = HandClock(), Memory()
    requests = []
    for _ in range(10):
        day = build(TESLA, clock, kept)
        day.source.see(View(plugged=True))
        await day.pass_(120.0)
        requests.append(day.car.requests)
    assert requests == [2, *[0] * 9]


async def test_a_refused_login_stays_refused_over_restarts_until_the_credentials_change() -> None:
    clock, kept = HandClock(), Memory()
    requests = 0
    for _ in range(20):
        day = build(KIA, clock, kept)
        day.car.error = FAILURES["denied"]
        day.source.see(View(plugged=True))
        await day.pass_(HOUR_S)
        requests += day.car.requests
    assert requests == 1
    assert day.car.requests == 0
    changed = VehicleSource("car", "kia", day.car, clock.now, day.events.append, kept=kept, seed="other")
    changed.see(View(plugged=True))
    clock.forward(120.0)
    await changed.turn()
    assert day.car.requests == 1


async def test_the_owner_can_have_it_tried_again() -> None:
    day = build(KIA)
    day.car.error = FAILURES["denied"]
    day.source.see(View(plugged=True))
    await day.pass_(HOUR_S)
    day.car.error = None
    day.source.try_again()
    await day.pass_(60.0)
    assert day.car.readings == 1


async def test_each_trouble_is_told_once_and_the_next_reading_ends_it() -> None:
    day = build(LOCAL)
    day.source.see(View(plugged=True))
    day.car.error = FAILURES["transient"]
    await day.pass_(HOUR_S)
    assert [type(event) for event in day.events] == [Unavailable]
    assert (day.events[0].source, day.events[0].why) == ("vehicle:car", "no answer")  # type: ignore[union-attr]
    day.car.error = None
    await day.pass_(HOUR_S)
    assert isinstance(day.events[-1], VehicleReading)
    assert day.source.status().trouble == ""


def planned(clock: HandClock, hours: float = 10.0, **more: object) -> View:
    """A car that sleeps at the charger while a departure needs its SoC."""
    values = {"plugged": True, "goal_soc_pct": 80.0, "departure_utc_s": clock.utc_s + hours * HOUR_S} | more
    return View(**values)  # type: ignore[arg-type]


async def test_a_plan_that_needs_it_wakes_a_sleeping_car_once() -> None:
    day = build(TESLA)
    day.car.asleep = True
    day.source.see(planned(day.clock))
    await day.pass_(120.0)
    assert len(day.car.woken) == 1
    assert day.car.readings == 1
    day.source.see(planned(day.clock, soc_pct=50.0, soc_sigma_pct=1.0))
    await day.pass_(9 * HOUR_S)
    assert len(day.car.woken) == 1


async def test_a_car_that_does_not_wake_is_tried_twice_a_day_and_no_more() -> None:
    day = build(TESLA)
    day.car.asleep, day.car.wakes_up = True, False
    for _ in range(3):
        day.source.see(planned(day.clock, hours=23.9))
        await day.pass_(DAY_S)
    assert 2 <= len(day.car.woken) <= 6
    assert all(later - earlier >= 1800.0 for earlier, later in zip(day.car.woken, day.car.woken[1:], strict=False))
    assert day.car.requests <= 3 * TESLA.data_per_day


async def test_a_restart_loop_wakes_no_more_than_the_budget() -> None:
    clock, kept = HandClock(), Memory()
    woken = 0
    for _ in range(100):
        day = build(TESLA, clock, kept)
        day.car.asleep, day.car.wakes_up = True, False
        day.source.see(planned(clock))
        await day.pass_(120.0)
        woken += len(day.car.woken)
    assert woken <= 2


async def test_a_wake_that_cannot_be_stored_is_not_sent() -> None:
    day = build(TESLA)
    day.kept.broken = True
    day.car.asleep = True
    day.source.see(planned(day.clock))
    await day.pass_(HOUR_S)
    assert day.car.woken == []


@pytest.mark.parametrize(
    ("view", "hour"),
    [
        ({"goal_soc_pct": None}, 12.0),
        ({"departure_utc_s": None}, 12.0),
        ({"soc_pct": 50.0, "soc_sigma_pct": 5.0}, 12.0),
        ({"charging": True}, 12.0),
        ({"plugged": False}, 12.0),
        ({}, 23.0),
        ({}, 5.5),
    ],
)
async def test_nothing_wakes_a_car_that_need_not_wake(view: dict[str, object], hour: float) -> None:
    day = build(TESLA, hour=lambda _: hour)
    day.car.asleep = True
    day.source.see(planned(day.clock, hours=10.0, **view))
    await day.pass_(1.5 * HOUR_S)
    assert day.car.woken == []
    assert day.source.status().wake_refusal != ""


async def test_a_near_departure_wakes_also_at_night() -> None:
    day = build(TESLA, hour=lambda _: 2.0)
    day.car.asleep = True
    day.source.see(planned(day.clock, hours=5.0))
    await day.pass_(600.0)
    assert len(day.car.woken) == 1


async def test_a_kia_is_not_woken_unless_the_owner_allows_it() -> None:
    day = build(kia.pace(Kia()))
    day.car.asleep = True
    day.source.see(planned(day.clock))
    await day.pass_(5 * HOUR_S)
    assert day.car.woken == []


async def test_an_unknown_car_at_the_charger_is_looked_for_twice() -> None:
    day = build(TESLA)
    day.source.see(View(candidate=True))
    await day.pass_(5 * HOUR_S)
    assert day.car.readings == 2
