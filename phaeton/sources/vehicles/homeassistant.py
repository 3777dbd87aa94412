"""Home Assistant: one request for each entity that is configured (`/api/states/<entity>`)."""

from __future__ import annotations

from phaeton.config.tree_vehicles import HomeAssistantCar
from phaeton.links.http import Ask
from phaeton.sources.vehicles.asking import Http, answered, checked
from phaeton.sources.vehicles.provider import LOCAL
from phaeton.sources.vehicles.report import Report, Trouble, VehicleError
from phaeton.sources.vehicles.values import at, decoded, flag, instant, kilometres, limit_percent, percent

_WHO = "Home Assistant"


class HomeAssistantProvider:
    """One car by its entities."""

    def __init__(self, config: HomeAssistantCar, token: str, http: Http) -> None:
        self.pace = LOCAL
        self.requests = 0
        self._config = config
        self._headers = {"Authorization": f"Bearer {token}"}
        self._http = http

    async def read(self, *, data: bool) -> Report:
        """All configured entities, that of the state of charge first."""
        config = self._config
        names = ("soc", "limit", "plugged", "charging", "range_km", "odometer", "at_home")
        states = {name: await self._state(entity) for name in names if (entity := getattr(config, name))}
        return parse(states)

    async def _state(self, entity: str) -> object:
        self.requests += 1
        ask = Ask(url=f"{self._config.url.rstrip('/')}/api/states/{entity}", headers=self._headers)
        answer = await answered(self._http, ask)
        if answer.status == 404:
            raise VehicleError(Trouble.DENIED, f"{_WHO} has no entity {entity}: check the configuration")
        return decoded(checked(answer, _WHO))

    async def wake(self) -> None:
        """Nothing here wakes a car."""

    async def close(self) -> None:
        """Nothing is held."""


def parse(states: dict[str, object]) -> Report:
    """The states of the entities by what they stand for."""

    def text(name: str) -> object:
        return at(states.get(name), "state")

    def miles(name: str) -> bool:
        return at(states.get(name), "attributes", "unit_of_measurement") == "mi"

    soc = states.get("soc")
    time = at(soc, "last_reported")
    return Report(
        soc_pct=percent(text("soc")),
        measured_utc_s=instant(time if time is not None else at(soc, "last_updated")),
        limit_soc_pct=limit_percent(text("limit")),
        range_km=kilometres(text("range_km"), miles=miles("range_km")),
        odometer_km=kilometres(text("odometer"), miles=miles("odometer")),
        plugged=flag(text("plugged")),
        charging=flag(text("charging")),
        at_home=flag(text("at_home")),
    )
