"""Fixtures that several rooms of the tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bus import PrivateBus, Stranger


@pytest.fixture
async def private_bus(tmp_path: Path) -> AsyncIterator[PrivateBus]:
    bus = PrivateBus(tmp_path)
    await bus.start()
    yield bus
    await bus.kill()


@pytest.fixture
async def stranger(private_bus: PrivateBus) -> AsyncIterator[Stranger]:
    async with Stranger(private_bus.address) as other:
        yield other


@pytest.fixture(params=["dbus_next", "dbus_fast"])
def library(request: pytest.FixtureRequest) -> str:
    return str(request.param)
