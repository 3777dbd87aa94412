"""A car that an evcc in the house knows: its charge points say which car is at them (`/api/state`)."""

from __future__ import annotations

from phaeton.config.tree_vehicles import EvccCar
from phaeton.links.http import Ask
from phaeton.sources.vehicles.asking import Http, answered, checked
from phaeton.sources.vehicles.provider import LOCAL
from phaeton.sources.vehicles.report import Report, Trouble, VehicleError
from phaeton.sources.vehicles.values import at, decoded, flag, kilometres, limit_percent, percent, within


class EvccProvider:
    """One car of evcc."""

    def __init__(self, config: EvccCar, http: Http) -> None:
        self.pace = LOCAL
        self.requests = 0
        self._config = config
        self._http = http

    async def read(self, *, data: bool) -> Report:
        """One request."""
        self.requests += 1
        answer = await answered(self._http, Ask(url=f"{self._config.url.rstrip('/')}/api/state"))
        return parse(checked(answer, "evcc"), self._config.vehicle)

    async def wake(self) -> None:
        """Evcc wakes its cars itself."""

    async def close(self) -> None:
        """Nothing is held."""


def parse(body: bytes, vehicle: str) -> Report:
    """The charge point with that car; a state of charge of 0 means that evcc does not know it."""
    tree = decoded(body)
    wrapped = at(tree, "result")
    points = at(wrapped if isinstance(wrapped, dict) else tree, "loadpoints")
    if not isinstance(points, list):
        raise VehicleError(Trouble.BAD_DATA, "the answer holds no charge points")
    mine = [p for p in points if isinstance(p, dict) and vehicle in ("", p.get("vehicleName"), p.get("vehicleTitle"))]
    if not mine:
        return Report(plugged=False, at_home=False)
    if not vehicle and len(mine) > 1:
        mine = [p for p in mine if p.get("vehicleName")]
        if len(mine) != 1:
            raise VehicleError(Trouble.DENIED, "evcc has several charge points: name the car with evcc.vehicle")
    point = mine[0]
    soc = percent(point.get("vehicleSoc"))
    return Report(
        soc_pct=soc or None,
        limit_soc_pct=limit_percent(point.get("vehicleLimitSoc")),
        range_km=kilometres(point.get("vehicleRange")) or None,
        odometer_km=kilometres(point.get("vehicleOdometer")) or None,
        plugged=flag(point.get("connected")),
        charging=flag(point.get("charging")),
        charge_power_w=within(point.get("chargePower"), 0.0, 400_000.0),
    )
