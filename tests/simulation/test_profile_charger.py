"""Every profile in a closed loop: a simulated charger made from it, real TCP, the source and the sink."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec import structs

from phaeton.config.points import Point
from phaeton.config.rules import shipped_profiles
from phaeton.config.tree import Charger
from phaeton.links.modbus import LinkSettings, ModbusLinks
from phaeton.model import ChargerState, Event, WriteOutcome, WriteResult
from phaeton.profiles import Profile, load_profile
from phaeton.simulation.car import Car
from phaeton.simulation.charger_plant import ChargerPlant
from phaeton.simulation.profile_charger import ProfileCharger
from phaeton.sinks.charger import ChargerSink
from phaeton.sources.charger import ChargerSource
from tests.charger_bench import HOST, Watched, now
from tests.waiting import until

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "my_charger.yaml"
PLUGGED = {ChargerState.CONNECTED, ChargerState.PAUSED_EVSE, ChargerState.PAUSED_EV, ChargerState.FINISHED}


@asynccontextmanager
async def connected(
    profile: Profile, charger: ProfileCharger, *, confirmed: bool = True, poll_s: float = 0.05
) -> AsyncIterator[Watched]:
    """The charger with source and sink before it; the pauses between requests are left out to save time."""
    async with charger, ModbusLinks() as links:
        settings = structs.replace(LinkSettings.of(profile.transport), gap_s=0.0, write_gap_s=0.0)
        link = links.get(HOST, charger.port, settings)
        configured = Charger(host=HOST, profile=profile.id, poll_interval_s=poll_s, profile_confirmed=confirmed)
        source = ChargerSource(Point("1", configured, 1), profile, link, now)
        outcomes: list[WriteOutcome] = []

        def emit(event: Event) -> None:
            assert isinstance(event, WriteOutcome)
            outcomes.append(event)

        watched = Watched("1", source, ChargerSink("1", source, link, now, emit), outcomes=outcomes)
        watched.subscription = source.events.subscribe(watched.events.append)
        try:
            yield watched
        finally:
            watched.subscription.dispose()


class Loop:
    """A charger whose time runs only when the test says so."""

    def __init__(self, profile: Profile, point: Watched, charger: ProfileCharger) -> None:
        self.profile, self.point, self.charger = profile, point, charger

    async def state(self, *wanted: ChargerState) -> None:
        self.point.source.poll_now()
        await until(lambda: self.point.readings and self.point.readings[-1].state in wanted)

    async def wanted(self, current_a: float) -> None:
        outcome = await self.point.write(current_a=current_a)
        assert outcome.result is WriteResult.WRITTEN, outcome.detail
        self.charger.plant.step(10.0)


@pytest.mark.parametrize("name", [*shipped_profiles(), "my_charger"])
async def test_a_charger_of_each_profile_is_recognised_followed_set_and_stopped(name: str) -> None:
    """Also the example of the guide."""
    profile = load_profile(name, file=EXAMPLE if name == EXAMPLE.stem else "")
    plant = ChargerPlant(ramp_a_per_s=100.0)
    charger = ProfileCharger(profile, plant, clock=None)
    async with connected(profile, charger) as point:
        loop = Loop(profile, point, charger)
        await loop.state(ChargerState.DISCONNECTED)
        (identity,) = point.identities
        assert not identity.warning
        assert identity.manufacturer == profile.vendor
        assert bool(identity.serial) is ("serial" in profile.points)

        plant.plug(Car(start_s=0.0, raise_a_per_s=100.0))
        await loop.wanted(0.0)
        await loop.state(*PLUGGED)
        assert plant.power_w == 0.0

        await loop.wanted(10.0)
        assert plant.current_a == (10.0, 10.0, 10.0)
        await loop.state(ChargerState.CHARGING)
        await until(lambda: point.readings[-1].power_w)
        assert point.readings[-1].power_w == pytest.approx(6900.0, rel=0.01)
        assert point.readings[-1].limit_set_a in (None, 10.0)
        if profile.control.verify is not None:
            shown = held(point, profile.control.verify.point)
            assert shown == pytest.approx(6900.0 if shown > 100 else 10.0), "read back where the profile says"
        limit = profile.control.limit
        assert limit is not None
        assert charger.held[limit.point] == pytest.approx(10.0 if profile.control.kind == "current" else 6900.0)
        taken = [step for steps in profile.control.take for step in (steps.write or {})]
        assert [written.point for written in charger.writes][: len(taken)] == taken, "taken over before anything else"

        await loop.wanted(0.0)
        await loop.state(*PLUGGED)
        assert plant.power_w == 0.0
        assert point.readings[-1].limit_set_a in (None, 0.0, 0.1)
        plant.unplug()
        await loop.state(ChargerState.DISCONNECTED)
    assert not charger.refused, "each request is one that such a charger answers"


def held(point: Watched, name: str) -> float:
    """What a point held when it was read last."""
    found = [block.decode(words)[name] for _, block, words in point.source.read if name in block.points]
    assert isinstance(found[-1], int | float)
    return float(found[-1])


@pytest.mark.parametrize("name", ["etap_pro", "goodwe_hca"])
async def test_nothing_is_ever_written_by_an_unproven_profile_until_the_owner_confirms_it(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    profile = load_profile(name)
    charger = ProfileCharger(profile, ChargerPlant(car=Car()), clock=None)
    async with connected(profile, charger, confirmed=False) as point:
        await point.read_on()
        (identity,) = point.identities
        assert identity.read_only
        assert not identity.can_switch_phases
        assert f"{profile.evidence.confidence} confidence" in identity.warning
        assert "profile_confirmed: true" in identity.warning
        outcome = await point.write(current_a=10.0)
        assert outcome.result is WriteResult.UNREACHABLE
        await point.sink.close("pause")
    assert charger.writes == []
    assert sum("nothing is written to it" in record.getMessage() for record in caplog.records[:1]) == 1


async def test_signs_of_life_keep_a_setpoint_without_another_write_of_it() -> None:
    profile = load_profile("mennekes_compact2", {"control": {"keepalive": {"period": {"default_s": 0.05}}}})
    charger = ProfileCharger(profile, ChargerPlant(car=Car()), validity_s=0.4)
    async with connected(profile, charger) as point:
        await point.read_on()
        await point.write(current_a=10.0)
        await until(lambda: [written.point for written in charger.writes].count("heartbeat") >= 20)
        assert charger.held["limit_set"] == 10.0
        assert [written.point for written in charger.writes].count("limit_set") == 1
        await point.sink.close("keep")
        count = len(charger.writes)
        point.source.poll_now()
        await until(lambda: charger.held["limit_set"] == charger.plant.safe_a)
        assert len(charger.writes) == count, "after the end there are no more signs of life"


async def test_a_read_is_the_sign_of_life_where_the_profile_says_so() -> None:
    profile = load_profile(
        "heidelberg_connect",
        {
            "points": {"comm_timeout": None},
            "control": {"keepalive": {"period": {"of": None, "default_s": 0.1}}, "failsafe": None},
        },
    )
    charger = ProfileCharger(profile, ChargerPlant(), validity_s=0.5)
    async with connected(profile, charger, poll_s=5.0) as point:
        await point.read_on()
        first_s = point.readings[0].mono_s
        await until(lambda: point.readings[-1].mono_s - first_s > 1.0)
        assert len(point.readings) >= 8, "more often than the owner's pace, because the charger wants it"


async def test_a_current_rises_only_after_the_rest_that_the_charger_wants_and_falls_at_once() -> None:
    profile = load_profile("heidelberg_connect", {"control": {"min_change_gap_s": 1.5}})
    charger = ProfileCharger(profile, ChargerPlant(car=Car()))
    async with connected(profile, charger) as point:
        await point.read_on()
        loop = asyncio.get_running_loop()
        await point.write(current_a=10.0)
        begun_s = loop.time()
        await point.write(current_a=8.0)
        assert loop.time() - begun_s < 1.2
        await point.write(current_a=12.0)
        assert loop.time() - begun_s >= 1.5
    assert [w.value for w in charger.writes if w.point == "limit_set"] == [10.0, 8.0, 12.0]


async def test_a_supervision_that_is_off_is_not_switched_on_by_a_sign_of_life() -> None:
    profile = load_profile("schneider_evlink_pro")
    charger = ProfileCharger(profile, ChargerPlant(car=Car()), clock=None)
    charger.held["heartbeat"] = 2.0
    async with connected(profile, charger) as point:
        await point.read_on()
        await point.write(current_a=10.0)
    assert [written.point for written in charger.writes] == ["limit_set"]


async def test_what_a_profile_calls_optional_may_be_missing() -> None:
    """A controller without the meter registers that its profile knows."""
    lacking = load_profile("phoenix_ev_eth", {"points": {"energy_total": None}})
    charger = ProfileCharger(lacking, ChargerPlant(), clock=None)
    async with connected(load_profile("phoenix_ev_eth"), charger) as point:
        await point.read_on()
        reading = await point.read_on()
        assert reading.state is ChargerState.DISCONNECTED
        assert reading.energy_kwh is None
        refused = charger.refused
        await point.read_on()
        assert charger.refused == refused, "asked no more until everything is learnt anew"
