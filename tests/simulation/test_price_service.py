"""The simulated price services: whole days, an auction at 13:00, and misbehaviour on request."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from phaeton.simulation.misbehaving import RETRY_AFTER_S, Misbehaviour
from phaeton.simulation.price_service import SimulatedPrices

BERLIN = ZoneInfo("Europe/Berlin")


def at(hour: int) -> float:
    return datetime(2026, 11, 23, hour, tzinfo=BERLIN).timestamp()


@pytest.mark.parametrize(
    ("day", "count"), [(date(2026, 3, 29), 92), (date(2026, 11, 23), 96), (date(2026, 10, 25), 100)]
)
async def test_a_day_is_whole_plausible_and_always_the_same(day: date, count: int) -> None:
    slots = SimulatedPrices().slots(day)
    assert len(slots) == count
    assert slots == SimulatedPrices().slots(day)
    assert slots != SimulatedPrices(seed=2).slots(day)
    assert all(-0.2 < slot.spot < 0.5 for slot in slots)
    assert max(slot.total for slot in slots) - min(slot.total for slot in slots) > 0.05


async def test_tomorrow_is_published_at_13() -> None:
    now = [at(12)]
    service = SimulatedPrices(lambda: now[0])
    assert service.published() == [date(2026, 11, 23)]
    now[0] = at(13)
    assert service.published() == [date(2026, 11, 23), date(2026, 11, 24)]


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        (Misbehaviour.TOO_MANY, 429),
        (Misbehaviour.BROKEN, 500),
        (Misbehaviour.GATEWAY, 502),
        (Misbehaviour.UNAUTHORIZED, 401),
    ],
)
async def test_it_misbehaves_as_it_is_told(wrong: Misbehaviour, status: int) -> None:
    async with SimulatedPrices() as service, aiohttp.ClientSession() as client:
        service.misbehaviour = wrong
        async with client.get(f"{service.url}/evcc/api/tariff/grid") as answer:
            assert answer.status == status
            assert (answer.headers.get("Retry-After") == str(RETRY_AFTER_S)) == (wrong is Misbehaviour.TOO_MANY)
        assert service.requests == {"evcc": 1}


async def test_a_kind_that_is_no_service_is_refused() -> None:
    with pytest.raises(ValueError, match="victron"):
        SimulatedPrices().prices("victron")
