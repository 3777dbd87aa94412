"""Every profile in a closed loop: a simulated charger made from it, real TCP, the source and the sink."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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

PLUGGED = {ChargerState.CONNECTED, ChargerState.PAUSED_EVSE, ChargerState.PAUSED_EV, ChargerState.FINISHED}


@asynccontextmanager
async def connected(profile: Profile, charger: ProfileCharger) -> AsyncIterator[Watched]:
    """The charger with source and sink before it; the pauses between requests are left out to save time."""
    async with charger, ModbusLinks() as links:
        settings = structs.replace(LinkSettings.of(profile.transport), gap_s=0.0, write_gap_s=0.0)
        link = links.get(HOST, charger.port, settings)
        configured = Charger(host=HOST, profile=profile.id, poll_interval_s=0.05, profile_confirmed=True)
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


@pytest.mark.parametrize("name", shipped_profiles())
async def test_a_charger_of_each_profile_is_recognised_followed_set_and_stopped(name: str) -> None:
    profile = load_profile(name)
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
