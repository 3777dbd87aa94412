"""What the house connection leaves for the cars."""

from __future__ import annotations

import pytest

from phaeton.config.tree import Site, SiteLimits
from phaeton.model import SiteReading
from phaeton.streams.limits import Own, room

FUSE = Site(limits=SiteLimits(fuse_a=25.0, fuse_margin_a=1.0))
NO_CAR = Own((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), 0.0, 0.0)
LINES = frozenset({0, 1, 2})


def left_a(volts: tuple[float, float, float], current_a: float | None) -> float:
    reading = SiteReading(
        1.0, 1.0, grid_phase_w=(2200.0, 0.0, 0.0), grid_phase_a=(current_a, 0.0, 0.0), grid_metered=True
    )
    return room(FUSE, reading, 0.5, NO_CAR, False, LINES, volts).phase_now_a[0]


def test_the_current_behind_a_power_is_reckoned_with_the_voltage_that_a_charger_measures() -> None:
    assert left_a((220.0, 230.0, 230.0), None) == pytest.approx(24.0 - 2200.0 / 220.0)
    assert left_a((230.0, 220.0, 220.0), None) == pytest.approx(24.0 - 2200.0 / 230.0)
    assert left_a((220.0, 230.0, 230.0), 12.0) == pytest.approx(12.0), "and a higher measured current holds"
