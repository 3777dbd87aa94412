"""Small made-up histories, stays and prices for tests."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from phaeton.config.tree import Charger, Config, Site
from phaeton.model import PriceSlot
from phaeton.simulation.history import History, in_memory
from phaeton.simulation.stays import Stay
from phaeton.simulation.tariff import Tariff
from phaeton.simulation.weather import clear_sky, cloudy, household

AMSTERDAM = "Europe/Amsterdam"
JUNE_S = 1_717_192_800.0
"""2024-06-01 00:00 in Amsterdam, a Saturday."""
HOUR, DAY = 3600.0, 86400.0


def config(**more: object) -> Config:
    return replace(Config(chargers=(Charger(host="simulated"),), site=Site(timezone=AMSTERDAM)), **more)


def summer(days: float, cell_s: float = 900.0, peak_w: float = 8000.0, seed: int = 3) -> History:
    """Sun between clouds, and a household."""
    sun, house = cloudy(clear_sky(peak_w), seed=seed), household()
    times = [n * cell_s for n in range(int(days * DAY / cell_s))]
    return in_memory(JUNE_S, cell_s, map(sun, times), map(house, times))


def steady(hours: int, pv_w: float | Sequence[float] = 0.0, load_w: float | Sequence[float] = 0.0) -> History:
    """A value for each hour, or one for all."""
    pv, load = ([w] * hours if isinstance(w, float) else list(w) for w in (pv_w, load_w))
    return in_memory(JUNE_S, HOUR, pv, load)


def stay(begin_h: float, end_h: float, energy_kwh: float, **more: object) -> Stay:
    return Stay(arrival_s=JUNE_S + begin_h * HOUR, departure_s=JUNE_S + end_h * HOUR, energy_kwh=energy_kwh, **more)  # type: ignore[arg-type]


def evenings(days: int, energy_kwh: float = 9.0) -> tuple[Stay, ...]:
    """Home from 17:00 to 8:00; on each third day from 9:00 on."""
    return tuple(stay(24 * day + (9 if day % 3 == 0 else 17), 24 * day + 32, energy_kwh) for day in range(days - 1))


def hourly(prices: Sequence[float], feed_in: float | Sequence[float] = 0.05) -> Tariff:
    feeds = [feed_in] * len(prices) if isinstance(feed_in, float) else list(feed_in)
    slots = [
        PriceSlot(JUNE_S + n * HOUR, JUNE_S + (n + 1) * HOUR, price, feed)
        for n, (price, feed) in enumerate(zip(prices, feeds, strict=True))
    ]
    return Tariff(tuple(slots), "EUR")
