"""The forecast in the daemon: it learns from outputs, keeps what it learnt, and goes when it is switched off."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from msgspec.structs import replace

from phaeton.app.forecast import LiveForecast
from phaeton.config.tree import Config
from phaeton.config.tree import Store as StoreConfig
from phaeton.config.tree_forecast import Forecast
from phaeton.links.http import HttpClient
from phaeton.model import Event, ForecastCurve, Unavailable, Zone
from phaeton.sinks.store import Store
from tests import outputs
from tests.waiting import until

OWN = Config(forecast=Forecast(source="own_history"))
STEP_S = 60.0


class Life:
    """A daemon's part of it, on a virtual clock."""

    def __init__(self, folder: Path) -> None:
        self.store = Store.open(folder, StoreConfig(), logging.getLogger("test"))
        self.fed: list[Event] = []
        self.mono_s = 1000.0
        self.forecast = LiveForecast(HttpClient(), self.store, self.now, self.fed.append)

    def now(self) -> tuple[float, float]:
        return self.mono_s, outputs.NOON_UTC_S + self.mono_s - 1000.0

    async def days(self, count: float) -> None:
        for _ in range(int(count * 86400.0 / STEP_S)):
            self.mono_s += STEP_S
            self.forecast.publish(outputs.output(self.mono_s))
        await asyncio.sleep(0)
        await until(lambda: not self.forecast._saving)


async def test_it_learns_and_a_restart_knows_it_at_once(tmp_path: Path) -> None:
    life = Life(tmp_path)
    life.forecast.begin(OWN, Zone(), None)
    assert isinstance(life.fed[-1], Unavailable)
    await life.days(3.5)
    curve = life.fed[-1]
    assert isinstance(curve, ForecastCurve)
    assert {(slot.pv_w, slot.consumption_w) for slot in curve.slots} == {(8240.0, 610.0)}
    await life.store.close()

    again = Life(tmp_path)
    again.mono_s = life.mono_s
    again.forecast.begin(OWN, Zone(), None)
    assert isinstance(again.fed[-1], ForecastCurve)
    assert {(slot.pv_w, slot.consumption_w) for slot in again.fed[-1].slots} == {(8240.0, 610.0)}
    await again.store.close()


async def test_a_house_that_is_not_measured_teaches_nothing(tmp_path: Path) -> None:
    life = Life(tmp_path)
    life.forecast.begin(OWN, Zone(), None)
    for _ in range(300):
        life.mono_s += STEP_S
        made = outputs.output(life.mono_s)
        life.forecast.publish(replace(made, decision=replace(made.decision, site_fresh=False)))
    assert life.store.fact("forecast:learnt") is None
    await life.store.close()


async def test_switched_off_it_takes_back_what_it_told(tmp_path: Path) -> None:
    life = Life(tmp_path)
    life.forecast.begin(OWN, Zone(), None)
    await life.days(3.5)
    told = life.fed[-1]
    assert isinstance(told, ForecastCurve)
    life.forecast.begin(Config(), Zone(), told)
    assert isinstance(life.fed[-1], ForecastCurve)
    assert life.fed[-1].slots == ()
    assert life.forecast.describe() is None
    count = len(life.fed)
    await life.days(0.5)
    life.forecast.begin(Config(), Zone(), life.fed[-1])
    assert len(life.fed) == count
    await life.store.close()
