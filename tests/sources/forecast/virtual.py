"""Days of a forecast in no time: the virtual clock of the prices, around the simulated forecasts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from phaeton.config.tree_forecast import Forecast
from phaeton.config.tree_vehicles import HomePosition
from phaeton.model import ForecastCurve, Unavailable
from phaeton.simulation.forecast_service import SimulatedForecasts
from phaeton.sources.forecast.kinds import build
from phaeton.sources.forecast.own_history import Learnt, OwnHistory
from phaeton.sources.forecast.source import ForecastSource
from phaeton.sources.service.cache import Cache
from phaeton.sources.service.days import Wall
from phaeton.sources.service.world import World
from tests.sources.prices.virtual import MORNING, TIMEOUT_S, ZONE, Days

HOME = HomePosition(latitude=52.123456, longitude=5.987654)


class SunnyDays(Days):
    """Virtual time with a service and a source."""

    def __init__(self, start_s: float, timeout_s: float) -> None:
        super().__init__(start_s, timeout_s)
        self.service = SimulatedForecasts(lambda: self.utc_s)
        self.told: list[ForecastCurve | Unavailable] = []
        self.history = OwnHistory(Wall(ZONE), 10, Learnt(), lambda: None)

    def ask(self, config: Forecast) -> ForecastSource:
        """A source of this configuration, as after a start of the program."""
        self.end()
        world = World(self.http, None, self.now, Cache(self.kept.get, self._save), self.sleep, self._chance.random)
        source = build(config, HOME, world, self.history)
        assert isinstance(source, ForecastSource)
        self.source = source
        source.curves.subscribe(self.told.append)
        source.start()
        return source

    @property
    def forecast(self) -> ForecastCurve:
        """The newest curve."""
        return next(event for event in reversed(self.told) if isinstance(event, ForecastCurve))

    def at(self, utc_s: float) -> float | None:
        """The power that is expected at an instant, None where nothing is told."""
        return next((slot.pv_w for slot in self.forecast.slots if slot.start_s <= utc_s < slot.end_s), None)


@asynccontextmanager
async def sunny_days(start_s: float = MORNING, timeout_s: float = TIMEOUT_S) -> AsyncIterator[SunnyDays]:
    """Days with a service that listens."""
    made = SunnyDays(start_s, timeout_s)
    await made.service.start()
    try:
        yield made
    finally:
        made.end()
        await made.http.close()
        await made.service.stop()
