"""Recognising a charger by itself: every profile's simulated charger among all profiles, by reads alone."""

from __future__ import annotations

from functools import cache

import pytest

from phaeton.config.rules import shipped_profiles
from phaeton.profiles import Profile, load_profile
from phaeton.simulation.car import Car
from phaeton.simulation.charger_plant import ChargerPlant
from phaeton.simulation.modbus_server import ModbusServer
from phaeton.simulation.profile_charger import ProfileCharger
from phaeton.sources.charger_search import search
from tests.charger_bench import HOST

ALIKE = {"keba_p30", "keba_p40", "phoenix_ev_eth", "wallbe_eco"}
"""Pairs whose registers do not tell them apart."""


@cache
def profiles() -> tuple[Profile, ...]:
    return tuple(load_profile(name) for name in shipped_profiles())


@pytest.mark.parametrize("name", shipped_profiles())
async def test_each_charger_is_recognised_and_not_written_to(name: str) -> None:
    profile = load_profile(name)
    charger = ProfileCharger(profile, ChargerPlant(car=Car()))
    async with charger:
        found = await search(HOST, profiles(), charger.port, pace=0.0, answer_s=0.25)
    best = [candidate.profile.id for candidate in found.best]
    assert name in best
    assert len(best) == (2 if name in ALIKE else 1)
    assert charger.writes == []
    assert sum(charger.requests.values()) < 60, "few requests"


@pytest.mark.parametrize(
    ("name", "sure"), [("alfen_ng9xx", "certain"), ("abb_terra_ac", "likely"), ("sigenergy_ac", "possible")]
)
async def test_how_sure_it_is_depends_on_what_the_charger_says(name: str, sure: str) -> None:
    async with ProfileCharger(load_profile(name), ChargerPlant(car=Car())) as charger:
        found = await search(HOST, profiles(), charger.port, pace=0.0)
    assert found.best[0].sure == sure


async def test_an_alternative_unit_is_found() -> None:
    profile = load_profile("webasto_next", {"transport": {"unit": 1}})
    async with ProfileCharger(profile, ChargerPlant(car=Car())) as charger:
        found = await search(HOST, profiles(), charger.port, pace=0.0)
    assert [(c.profile.id, c.unit) for c in found.best] == [("webasto_next", 1)]


async def test_what_gives_zeros_everywhere_is_no_charger() -> None:
    server = ModbusServer(lambda _unit, pdu: bytes((pdu[0], 2 * pdu[4])) + bytes(2 * pdu[4]))
    await server.start()
    found = await search(HOST, profiles(), server.port, pace=0.0)
    await server.stop()
    assert found.answered
    assert found.best == ()


async def test_where_nothing_listens_nothing_is_found() -> None:
    server = ModbusServer(lambda _unit, _pdu: None)
    port = await server.start()
    await server.stop()
    found = await search(HOST, profiles(), port)
    assert (found.candidates, found.answered) == ((), False)
