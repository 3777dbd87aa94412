"""Simulated services of cars on one port of this machine: Tesla's, Home Assistant, evcc, plain JSON.

They answer as the real ones do, and misbehave when told to: `SimulatedVehicleService.trouble`. Tests use them, and a
person can try a configuration against them (``phaeton vehicles simulate``) before the real account is asked.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.typedefs import Handler

from phaeton.simulation.simulated_car import SimulatedCar

TROUBLES = {
    "timeout": (408, {"error": '{"error": "timeout"}'}),
    "expired": (401, {"error": "token expired (401)"}),
    "login_required": (401, {"error": "login_required"}),
    "scopes": (403, {"error": "Unauthorized missing scopes"}),
    "missing": (404, {"error": "not_found"}),
    "locked": (423, {"error": "locked"}),
    "rate_limit": (429, {"error": "too many"}),
    "payment": (402, {"error": "payment required"}),
    "server": (503, {"error": "upstream"}),
    "partial": (200, {"response": {"state": "online"}}),
}
"""Answers that come instead of the right one; further words: hang, close, html, nulls, zero, stale, future."""

LIFE_S = 28_800.0


class SimulatedVehicleService:
    """The server; ``async with`` it, then use `address`."""

    def __init__(self, cars: tuple[SimulatedCar, ...] = (), clock: Callable[[], float] = time.time) -> None:
        self.cars = {car.vin: car for car in cars or (SimulatedCar(),)}
        self.clock = clock
        self.trouble = ""
        """One of `TROUBLES` or of the words there; empty = behave."""
        self.login_trouble = ""
        """The same for the token service: login_required, server, hang, close; lost = the token is spent and the answer
        never comes, but the one before is still borne."""
        self.asked: Counter[str] = Counter()
        """How often each call came: state, data, wake, token, list, region, ha, evcc, json, authorize."""
        self.right_region = True
        self.refresh_tokens: set[str] = {"first-refresh"}
        """Those that may be used, once each."""
        self.spent: set[str] = set()
        self.access_tokens: set[str] = set()
        self.client_id = "simulated-client"
        self.address = ""
        self._codes: dict[str, str] = {}
        self._runner: web.AppRunner | None = None
        self._released = asyncio.Event()

    @property
    def car(self) -> SimulatedCar:
        """The first car."""
        return next(iter(self.cars.values()))

    async def start(self, port: int = 0) -> None:
        """Listen on this machine only."""
        app = web.Application(middlewares=[self._misbehave])
        app.add_routes(
            [
                web.get("/oauth2/v3/authorize", self._authorize),
                web.post("/oauth2/v3/token", self._token),
                web.get("/api/1/users/region", self._region),
                web.get("/api/1/vehicles", self._list),
                web.get("/api/1/vehicles/{vin}", self._state),
                web.get("/api/1/vehicles/{vin}/vehicle_data", self._data),
                web.get("/api/1/vehicles/{vin}/body_controller_state", self._body),
                web.post("/api/1/vehicles/{vin}/wake_up", self._wake),
                web.post("/api/1/vehicles/{vin}/command/wake_up", self._wake),
                web.get("/{vin}/state", self._tessie),
                web.get("/api/states/{entity}", self._home_assistant),
                web.get("/api/state", self._evcc),
                web.get("/car.json", self._plain),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.address = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Close all connections."""
        self._released.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> SimulatedVehicleService:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # Misbehaving.

    @web.middleware
    async def _misbehave(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.asked[_kind(request)] += 1
        token = request.path == "/oauth2/v3/token"
        trouble = self.login_trouble if token else self.trouble
        if request.path == "/oauth2/v3/authorize":
            trouble = ""
        if trouble == "hang":
            await self._released.wait()
        if trouble == "close":
            assert request.transport is not None
            request.transport.abort()
        if trouble == "html":
            return web.Response(status=200, text="<html>maintenance</html>", content_type="text/html")
        if trouble in TROUBLES:
            status, body = TROUBLES[trouble]
            headers = {"Retry-After": "120"} if status == 429 else {}
            return web.json_response(body, status=status, headers=headers)
        return await handler(request)

    def _measured(self) -> float:
        """When the car measured, as far as its clock can be believed."""
        shift = {"stale": -9 * 3600.0, "future": 3 * 86400.0, "ahead": 3600.0}
        return self.clock() + shift.get(self.trouble, 0.0)

    # Tesla's login.

    async def _authorize(self, request: web.Request) -> web.StreamResponse:
        """The owner agrees at once."""
        query = request.query
        if query.get("client_id") != self.client_id or query.get("code_challenge_method") != "S256":
            return web.json_response({"error": "invalid_request"}, status=400)
        code = secrets.token_urlsafe(12)
        self._codes[code] = query["code_challenge"]
        raise web.HTTPFound(f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}")

    async def _token(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        if form.get("client_id") != self.client_id:
            return web.json_response({"error": "invalid_client"}, status=401)
        if form.get("grant_type") == "refresh_token":
            refresh = str(form.get("refresh_token"))
            if refresh not in self.refresh_tokens:
                return web.json_response({"error": "login_required"}, status=401)
            self.refresh_tokens.discard(refresh)
            self.spent.add(refresh)
        else:
            digest = hashlib.sha256(str(form.get("code_verifier")).encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            if self._codes.pop(str(form.get("code")), None) != challenge:
                return web.json_response({"error": "invalid_auth_code"}, status=400)
        access, refresh = f"access-{secrets.token_hex(8)}", f"refresh-{secrets.token_hex(8)}"
        self.access_tokens.add(access)
        self.refresh_tokens.add(refresh)
        if self.login_trouble == "lost":
            self.refresh_tokens |= self.spent
            await self._released.wait()
        return web.json_response({"access_token": access, "refresh_token": refresh, "expires_in": LIFE_S})

    # Tesla's cars.

    def _refused(self, request: web.Request) -> web.Response | None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.access_tokens and token != "fixed-token":
            return web.json_response({"error": "invalid bearer token"}, status=401)
        if not self.right_region and request.path != "/api/1/users/region":
            return web.json_response({"error": "user out of region"}, status=421)
        return None

    async def _region(self, request: web.Request) -> web.StreamResponse:
        self.right_region = True
        return web.json_response({"response": {"region": "eu", "fleet_api_base_url": self.address}})

    async def _list(self, request: web.Request) -> web.StreamResponse:
        refused = self._refused(request)
        cars = [{"vin": car.vin, "state": self._word(car)} for car in self.cars.values()]
        return refused or web.json_response({"response": cars, "count": len(cars)})

    def _word(self, car: SimulatedCar) -> str:
        return "online" if car.awake(self.clock()) else "asleep"

    def _of(self, request: web.Request) -> SimulatedCar:
        car = self.cars.get(request.match_info["vin"])
        if car is None:
            raise web.HTTPNotFound(text=json.dumps({"error": "not_found"}), content_type="application/json")
        return car

    async def _state(self, request: web.Request) -> web.StreamResponse:
        refused = self._refused(request)
        if refused is not None:
            return refused
        car = self._of(request)
        return web.json_response({"response": {"vin": car.vin, "state": self._word(car)}})

    async def _data(self, request: web.Request) -> web.StreamResponse:
        """In the wrapper of the Fleet API; without a token in the two of the BLE proxy."""
        proxy = "Authorization" not in request.headers
        refused = None if proxy else self._refused(request)
        if refused is not None:
            return refused
        car = self._of(request)
        if not car.awake(self.clock()):
            if proxy:
                return web.json_response({"response": {"result": False, "reason": "vehicle is sleeping"}}, status=503)
            error = "vehicle unavailable: vehicle is offline or asleep"
            return web.json_response({"response": None, "error": error}, status=408)
        tree = self._spoiled(car.tesla_data(self._measured()))
        return web.json_response({"response": {"result": True, "response": tree} if proxy else tree})

    def _spoiled(self, tree: dict[str, object]) -> dict[str, object]:
        charge = tree["charge_state"]
        assert isinstance(charge, dict)
        if self.trouble == "nulls":
            for key in ("battery_level", "usable_battery_level", "charging_state", "charge_limit_soc"):
                charge[key] = None
        if self.trouble == "zero":
            charge |= {"battery_level": 0, "usable_battery_level": 0}
        return tree

    async def _body(self, request: web.Request) -> web.StreamResponse:
        awake = self._of(request).awake(self.clock())
        word = f"VEHICLE_SLEEP_STATUS_{'AWAKE' if awake else 'ASLEEP'}"
        return web.json_response({"response": {"result": True, "response": {"vehicleSleepStatus": word}}})

    async def _wake(self, request: web.Request) -> web.StreamResponse:
        proxy = "command" in request.path
        refused = None if proxy else self._refused(request)
        if refused is not None:
            return refused
        car = self._of(request)
        answer = {"response": {"vin": car.vin, "state": self._word(car)}}
        if car.asleep:
            car.woken_utc_s = self.clock()
        return web.json_response(answer)

    async def _tessie(self, request: web.Request) -> web.StreamResponse:
        refused = self._refused(request)
        return refused or web.json_response(self._spoiled(self._of(request).tesla_data(self._measured())))

    # Services in the house.

    async def _home_assistant(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != "Bearer fixed-token":
            return web.Response(status=401, text="401: Unauthorized")
        states = {
            "sensor.car_battery_level": f"{self.car.soc_pct:.0f}",
            "binary_sensor.car_plug": "on" if self.car.plugged else "off",
            "binary_sensor.car_charging": "on" if self.car.charging else "off",
        }
        entity = request.match_info["entity"]
        if entity not in states:
            return web.json_response({"message": "Entity not found."}, status=404)
        state = "unavailable" if self.trouble == "nulls" else "0" if self.trouble == "zero" else states[entity]
        moment = datetime.fromtimestamp(self._measured(), UTC).isoformat()
        return web.json_response(
            {"entity_id": entity, "state": state, "attributes": {}, "last_reported": moment, "last_updated": moment}
        )

    async def _evcc(self, request: web.Request) -> web.StreamResponse:
        soc = 0 if self.trouble in ("zero", "nulls") else self.car.soc_pct
        point = {
            "connected": self.car.plugged,
            "charging": self.car.charging,
            "vehicleName": "simulated",
            "vehicleSoc": soc,
            "vehicleLimitSoc": self.car.limit_pct,
            "vehicleOdometer": self.car.odometer_km,
        }
        return web.json_response({"loadpoints": [point]})

    async def _plain(self, request: web.Request) -> web.StreamResponse:
        soc = None if self.trouble == "nulls" else 0 if self.trouble == "zero" else self.car.soc_pct
        return web.json_response(
            {
                "car": {
                    "soc": soc,
                    "plugged": self.car.plugged,
                    "ts": self._measured(),
                    "lat": self.car.latitude,
                    "lon": self.car.longitude,
                }
            }
        )


_ENDS = (
    ("/vehicle_data", "data"),
    ("/wake_up", "wake"),
    ("/body_controller_state", "state"),
    ("/token", "token"),
    ("/authorize", "authorize"),
    ("/region", "region"),
    ("/api/1/vehicles", "list"),
    ("/api/state", "evcc"),
    ("/car.json", "json"),
    ("/state", "data"),
)


def _kind(request: web.Request) -> str:
    if request.path.startswith("/api/states/"):
        return "ha"
    return next((kind for end, kind in _ENDS if request.path.endswith(end)), "state")
