"""At home or not, from coordinates that go no further than this function."""

from __future__ import annotations

import math

from msgspec import Struct

from phaeton.sources.vehicles.values import within

_EARTH_M = 6_371_000.0


class Home(Struct, frozen=True):
    """Where the charger is, and how far from it still counts as there."""

    latitude: float
    longitude: float
    radius_m: float = 200.0


def at_home(home: Home | None, latitude: object, longitude: object) -> bool | None:
    """Whether the car is at home; None where either place is not known (0, 0 is a car without a fix)."""
    north, east = within(latitude, -90.0, 90.0), within(longitude, -180.0, 180.0)
    if home is None or north is None or east is None or (north == 0.0 and east == 0.0):
        return None
    rise = math.radians(north - home.latitude)
    run = math.radians(math.remainder(east - home.longitude, 360.0)) * math.cos(
        math.radians((north + home.latitude) / 2.0)
    )
    return math.hypot(rise, run) * _EARTH_M <= home.radius_m
