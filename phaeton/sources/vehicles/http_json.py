"""Any service that answers with JSON, by the paths that the owner names."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from phaeton.config.tree_vehicles import HttpJsonCar
from phaeton.links.http import Ask
from phaeton.sources.vehicles.asking import Http, answered, checked
from phaeton.sources.vehicles.home import Home, at_home
from phaeton.sources.vehicles.provider import LOCAL, Pace
from phaeton.sources.vehicles.report import Report, Trouble, VehicleError
from phaeton.sources.vehicles.values import decoded, flag, found, instant, kilometres, limit_percent, number, percent


def pace(config: HttpJsonCar) -> Pace:
    """The rhythm of a service in the house, stretched to what the owner allows."""
    every_s = config.interval_s
    return replace(
        LOCAL,
        idle_s=max(every_s, 300.0),
        charging_s=every_s,
        near_s=max(every_s, 30.0) if every_s > 60.0 else 30.0,
        away_s=max(every_s, 900.0),
        longest_pause_s=max(every_s, 600.0),
    )


class HttpJsonProvider:
    """One car behind one address."""

    def __init__(self, config: HttpJsonCar, headers: Mapping[str, str], http: Http, home: Home | None) -> None:
        self.pace = pace(config)
        self.requests = 0
        self._config = config
        self._headers = headers
        self._http = http
        self._home = home

    async def read(self, *, data: bool) -> Report:
        """One request."""
        self.requests += 1
        answer = await answered(self._http, Ask(url=self._config.url, headers=self._headers))
        return parse(checked(answer, "the service"), self._config, self._home)

    async def wake(self) -> None:
        """Nothing here wakes a car."""

    async def close(self) -> None:
        """Nothing is held."""


def parse(body: bytes, config: HttpJsonCar, home: Home | None) -> Report:
    """What the paths lead to; an answer in which none leads anywhere is none."""
    tree = decoded(body)

    def said(path: str) -> object:
        return found(tree, path) if path else None

    place = at_home(home, said(config.latitude), said(config.longitude))
    distance = number(said(config.range_km))
    report = Report(
        soc_pct=percent(said(config.soc), config.scale),
        measured_utc_s=instant(said(config.time)),
        limit_soc_pct=limit_percent(said(config.limit)),
        range_km=None if distance is None else kilometres(distance * config.range_scale),
        odometer_km=kilometres(said(config.odometer)),
        plugged=flag(said(config.plugged)),
        charging=flag(said(config.charging)),
        at_home=place if place is not None else flag(said(config.at_home)),
    )
    paths = (config.soc, config.plugged, config.charging, config.range_km, config.limit)
    if not report.says_something and all(said(path) is None for path in paths):
        raise VehicleError(Trouble.BAD_DATA, "no configured path leads to a value in the answer: check the paths")
    return report
