"""Fixtures that several rooms of the tests share, and the profiles of hypothesis (``HYPOTHESIS_PROFILE=long``)."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.bus import PrivateBus, Stranger

settings.register_profile("quick", max_examples=40, deadline=None, print_blob=True)
settings.register_profile("long", max_examples=1000, deadline=None, print_blob=True)
# A submission is judged on the same examples each time; new ones are looked for at every other run.
settings.register_profile("ci", settings.get_profile("quick"), derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "quick"))


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
