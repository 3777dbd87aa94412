"""Tesla: the Fleet API and what speaks like it (Teslemetry, Tessie, the BLE proxy).

Paths and fields are those of Tesla's Fleet API documentation; the shapes of the proxies are those of their own pages.
The current is controlled at the charger, so no signed command is needed.
"""

from __future__ import annotations

import asyncio
from typing import Protocol
from urllib.parse import quote

import msgspec

from phaeton.config.tree_vehicles import Tesla
from phaeton.links.http import Answer, Ask
from phaeton.sources.vehicles.asking import Http, answered, patience_s
from phaeton.sources.vehicles.home import Home, at_home
from phaeton.sources.vehicles.provider import LOCAL, Pace
from phaeton.sources.vehicles.report import Reach, Report, Trouble, VehicleError
from phaeton.sources.vehicles.values import at, decoded, flag, instant, kilometres, limit_percent, percent, within

ENDPOINTS = "charge_state%3Bvehicle_state%3Bdrive_state"
_ASLEEP_WORDS = ("asleep", "sleeping", "offline")


class Account(Protocol):
    """Who lets us in: `phaeton.sources.vehicles.tesla_account`, or a fixed token."""

    turn: asyncio.Lock
    """The cars of an account are asked one after the other."""

    @property
    def base_url(self) -> str:
        """Where the API is."""

    async def token(self) -> str:
        """The access token, empty where none is needed; raises `VehicleError`."""

    async def renew(self, refused: str) -> None:
        """Get another token than the refused one; raises `VehicleError`."""

    async def find_region(self) -> None:
        """Ask where the API is; raises `VehicleError`."""


def pace(config: Tesla) -> Pace:
    """How often: the cloud counts every answer, a proxy in the house does not."""
    if config.kind == "ble":
        return LOCAL
    return Pace(
        away_s=None,
        plug_in_s=(30.0,),
        idle_s=3600.0,
        idle_data=False,
        charging_s=900.0,
        charging_step_pct=5.0,
        near_s=300.0,
        done_s=120.0,
        quiet_s=1200.0,
        first_pause_s=60.0,
        longest_pause_s=3600.0,
        start_jitter_s=60.0,
        data_per_day=config.data_per_day,
        wakes_per_day=config.wakes_per_day if config.wake else 0,
        wakes_per_week=7 * config.wakes_per_day if config.wake else 0,
    )


class TeslaProvider:
    """One car; first whether it sleeps, then its data only if it does not."""

    def __init__(self, config: Tesla, vin: str, account: Account, http: Http, home: Home | None) -> None:
        self.pace = pace(config)
        self.requests = 0
        self._config = config
        self._account = account
        self._http = http
        self._home = home
        self._vin = vin
        self._used = ""

    async def read(self, *, data: bool) -> Report:
        """The state, and the data of a car that is awake."""
        async with self._account.turn:
            return await self._read(data=data)

    async def _read(self, *, data: bool) -> Report:
        if self._config.kind == "tessie":
            vin = await self._car()
            return parse(await self._get(f"/{vin}/state?use_cache=true"), self._home)
        if not data or self._config.kind == "fleet":
            reach = await self._state()
            if reach is not Reach.ONLINE:
                raise VehicleError(Trouble.ASLEEP, "the car sleeps")
            if not data:
                return Report(reach=reach)
        vin = await self._car()
        endpoints = "charge_state" if self._config.kind == "ble" else ENDPOINTS
        if self._home is not None and self._config.kind == "fleet":
            endpoints += "%3Blocation_data"
        return parse(await self._get(f"/api/1/vehicles/{vin}/vehicle_data?endpoints={endpoints}"), self._home)

    async def wake(self) -> None:
        """The car answers at once and wakes later."""
        vin = await self._car()
        path = {"ble": f"/api/1/vehicles/{vin}/command/wake_up", "tessie": f"/{vin}/wake"}
        await self._request("POST", path.get(self._config.kind, f"/api/1/vehicles/{vin}/wake_up"))

    async def close(self) -> None:
        """Nothing is held."""

    async def _state(self) -> Reach:
        vin = await self._car()
        if self._config.kind == "ble":
            return sleep_of(await self._get(f"/api/1/vehicles/{vin}/body_controller_state"))
        return reach_of(await self._get(f"/api/1/vehicles/{vin}"))

    async def _car(self) -> str:
        """The car's identity for the path; where none is configured, that of the only car."""
        if not self._vin:
            self._vin = only_car(await self._get("/api/1/vehicles"))
        return quote(self._vin, safe="")

    async def _get(self, path: str) -> bytes:
        return await self._request("GET", path)

    async def _request(self, method: str, path: str) -> bytes:
        """One request, repeated once with another token or in another region where that was the trouble."""
        answer = await self._send(method, path)
        if answer.status == 401 and _error_of(answer.body) not in _LASTING:
            await self._account.renew(self._used)
            answer = await self._send(method, path)
        elif answer.status == 421:
            await self._account.find_region()
            answer = await self._send(method, path)
        failure = refusal(answer)
        if failure is not None:
            raise failure
        return answer.body

    async def _send(self, method: str, path: str) -> Answer:
        self._used = await self._account.token()
        headers = {"Authorization": f"Bearer {self._used}"} if self._used else {}
        self.requests += 1
        return await answered(self._http, Ask(method=method, url=self._account.base_url + path, headers=headers))


_LASTING = frozenset({"login_required", "mobile_access_disabled"})
"""Refusals that another token does not help against."""


def refusal(answer: Answer) -> VehicleError | None:
    """What an answer that is no data means."""
    status, error = answer.status, _error_of(answer.body)
    if 200 <= status < 300:
        return None
    if status == 408 or any(word in error for word in _ASLEEP_WORDS):
        return VehicleError(Trouble.ASLEEP, "the car sleeps or has no reception")
    if status == 429:
        return VehicleError(Trouble.LIMITED, "Tesla was asked too often (429)", patience_s(answer))
    if status == 402:
        return VehicleError(Trouble.UNPAID, "the account's credit is spent (402): look at the developer account")
    if status >= 499 or status in (406, 412):
        return VehicleError(Trouble.TRANSIENT, f"Tesla's service has trouble ({status})")
    return VehicleError(Trouble.DENIED, _remedy(status, error))


def _remedy(status: int, error: str) -> str:
    if "developer.tesla.com" in error:
        return "this address is closed to programs (403): leave base_url empty or name a proxy"
    if "scope" in error:
        return "the account does not allow what is asked (403): log in again and agree to vehicle data"
    if "mobile_access" in error:
        return "the car allows no app (401): switch on mobile access in its settings"
    return {
        401: "Tesla refuses the login (401): log in again with `phaeton vehicles login`",
        403: "Tesla refuses the account (403): look at the developer account",
        404: "Tesla knows no such car in this account (404): check vin",
        421: "the account belongs to another region (421): set base_url to it",
        423: "Tesla has locked the account (423): log in on Tesla's page",
        451: "the owner's privacy settings forbid this (451)",
    }.get(status, f"Tesla does not take the request ({status})")


def _error_of(body: bytes) -> str:
    """The error's own words in small letters: Tesla's, or the reason of the BLE proxy; empty where there are none."""
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    words = at(answer, "error") or at(answer, "response", "reason")
    return words.lower() if isinstance(words, str) else ""


def reach_of(body: bytes) -> Reach:
    """Online or asleep out of the plain answer about a car; "offline" is what some firmware calls asleep."""
    state = at(decoded(body), "response", "state")
    if state == "online":
        return Reach.ONLINE
    if state in ("asleep", "offline"):
        return Reach.ASLEEP
    raise VehicleError(Trouble.BAD_DATA, "the answer does not say whether the car sleeps")


def sleep_of(body: bytes) -> Reach:
    """Online or asleep out of the BLE proxy's answer about the body controller, which a sleeping car gives too."""
    status = at(decoded(body), "response", "response", "vehicleSleepStatus")
    if not isinstance(status, str):
        raise VehicleError(Trouble.BAD_DATA, "the answer does not say whether the car sleeps")
    return Reach.ASLEEP if status.endswith("_ASLEEP") else Reach.ONLINE


def only_car(body: bytes) -> str:
    """The one car of the account."""
    cars = at(decoded(body), "response")
    found = [vin for car in (cars if isinstance(cars, list) else ()) if isinstance(vin := at(car, "vin"), str) and vin]
    if len(found) != 1:
        raise VehicleError(Trouble.DENIED, f"the account has {len(found)} cars: name one with vin")
    return found[0]


def parse(body: bytes, home: Home | None) -> Report:
    """Vehicle data, in the wrapper of the Fleet API, in the two of the BLE proxy, or in none (Tessie)."""
    tree = decoded(body)
    for _ in range(2):
        inner = at(tree, "response")
        tree = inner if isinstance(inner, dict) else tree
    charge = at(tree, "charge_state")
    if not isinstance(charge, dict):
        raise VehicleError(Trouble.BAD_DATA, "the answer holds no charge state")
    state = at(charge, "charging_state")
    power_kw = within(at(charge, "charger_power"), 0.0, 400.0)
    usable = percent(at(charge, "usable_battery_level"))
    return Report(
        soc_pct=usable if usable is not None else percent(at(charge, "battery_level")),
        measured_utc_s=instant(at(charge, "timestamp")),
        limit_soc_pct=limit_percent(at(charge, "charge_limit_soc")),
        range_km=kilometres(at(charge, "battery_range"), miles=True),
        odometer_km=kilometres(at(tree, "vehicle_state", "odometer"), miles=True),
        plugged=state != "Disconnected" if isinstance(state, str) and state else None,
        charging=state in ("Charging", "Starting") if isinstance(state, str) and state else None,
        charge_power_w=None if power_kw is None else power_kw * 1000.0,
        minutes_to_limit=within(at(charge, "minutes_to_full_charge"), 0.0, 10_000.0),
        at_home=at_home(home, at(tree, "drive_state", "latitude"), at(tree, "drive_state", "longitude")),
        reach=Reach.ASLEEP if at(tree, "state") in ("asleep", "offline") else Reach.ONLINE,
        hint="the car waits for its own schedule: switch scheduled charging off in the car"
        if flag(at(charge, "scheduled_charging_pending"))
        else "",
    )
