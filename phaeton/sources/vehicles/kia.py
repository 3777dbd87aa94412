"""Kia, Hyundai and Genesis, through the library hyundai_kia_connect_api in one thread of its own.

The login of these services changes several times a year and locks accounts that try too often. So there is one login
with the configured credentials, then the kept token; after any refusal nothing more is tried until the owner acts.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Protocol, TypeVar, cast

import msgspec

from phaeton.config.tree_vehicles import Kia
from phaeton.model import Now
from phaeton.sources.vehicles.home import Home, at_home
from phaeton.sources.vehicles.kept import Kept
from phaeton.sources.vehicles.kia_state import parse_state
from phaeton.sources.vehicles.provider import Pace
from phaeton.sources.vehicles.report import Report, Trouble, VehicleError
from phaeton.sources.vehicles.values import at, capacity, flag, kilometres, limit_percent, percent, within

_log = logging.getLogger(__name__)

LIBRARY = "hyundai_kia_connect_api"
CALL_DEADLINE_S = 120.0
DAY_LIMIT_S = 12 * 3600.0
DUPLICATE_S = 60.0

REGIONS = {
    "europe": 1,
    "canada": 2,
    "usa": 3,
    "china": 4,
    "australia": 5,
    "india": 6,
    "nz": 7,
    "brazil": 8,
    "europe_cci": 9,
}
BRANDS = {"kia": 1, "hyundai": 2, "genesis": 3}
_EUROPEAN = ("europe", "europe_cci")

T = TypeVar("T")
V = TypeVar("V")


class KiaToken(Protocol):
    """The library's token."""

    def to_dict(self) -> dict[str, object]:
        """As plain data."""


class KiaManager(Protocol):
    """What is used of the library's manager; every call blocks."""

    token: KiaToken | None
    vehicles: Mapping[str, object]

    def check_and_refresh_token(self) -> bool:
        """Log in where there is no token, renew one that ended."""

    def update_vehicle_with_cached_state(self, vehicle_id: str) -> None:
        """Read what the service knows; does not wake the car."""

    def force_refresh_vehicle_state(self, vehicle_id: str) -> None:
        """Let the car report; wakes it."""


class Credentials(msgspec.Struct, frozen=True):
    """What the login needs, revealed."""

    username: str
    password: str
    pin: str

    def __repr__(self) -> str:
        return "Credentials(***)"


def pace(config: Kia) -> Pace:
    """How often: the account has some 200 requests a day, and the owner's app shares them."""
    return Pace(
        away_s=6 * 3600.0,
        plug_in_s=(60.0, 600.0),
        idle_s=3600.0,
        charging_s=1800.0,
        charging_step_pct=5.0,
        near_s=900.0,
        done_s=120.0,
        quiet_s=1200.0,
        first_pause_s=60.0,
        longest_pause_s=3600.0,
        start_jitter_s=60.0,
        data_per_day=config.data_per_day,
        wakes_per_day=config.wakes_per_day if config.wake else 0,
        wakes_per_week=6,
    )


class KiaAccount:
    """One login for all of its cars; calls run one after the other, each in a thread that does not hold the process."""

    def __init__(self, config: Kia, credentials: Credentials, kept: Kept) -> None:
        self._config = config
        self._credentials = credentials
        self._kept = kept
        self._manager: KiaManager | None = None
        self._turn = asyncio.Lock()
        self._busy = threading.Event()
        """Set while a thread works; a thread cannot be ended, so a call that hangs keeps it set."""

    @property
    def busy(self) -> bool:
        """Whether a call is on its way."""
        return self._busy.is_set()

    @property
    def loaded(self) -> bool:
        """Whether the library was needed yet."""
        return self._manager is not None

    async def call(self, work: Callable[[KiaManager], T]) -> T:
        """Run one call of the library; raises `VehicleError` only."""
        async with self._turn:
            if self._busy.is_set():
                raise VehicleError(Trouble.TRANSIENT, "the last question has not been answered yet")
            self._busy.set()
            before = self._token()
            loop = asyncio.get_running_loop()
            done: asyncio.Future[T] = loop.create_future()

            def run() -> None:
                try:
                    result = work(self._ready())
                except Exception as error:
                    self._busy.clear()
                    _tell(loop, _fail, done, meaning(error))
                else:
                    self._busy.clear()
                    _tell(loop, _finish, done, result)

            threading.Thread(target=run, name="kia", daemon=True).start()
            try:
                async with asyncio.timeout(CALL_DEADLINE_S):
                    return await done
            except TimeoutError:
                raise VehicleError(Trouble.TRANSIENT, f"no answer within {CALL_DEADLINE_S:.0f} s") from None
            finally:
                await self._keep(before)

    def _ready(self) -> KiaManager:
        """The manager with a token that holds; in the thread."""
        manager = self._manager = self._manager or _manager(self._config, self._credentials, self._kept.load())
        manager.check_and_refresh_token()
        return manager

    def _token(self) -> str:
        manager = self._manager
        if manager is None or manager.token is None:
            return ""
        return msgspec.json.encode(manager.token.to_dict(), enc_hook=str).decode()

    async def _keep(self, before: str) -> None:
        """Keep a new token: without it the next start would have to log in."""
        token = "" if self._busy.is_set() else self._token()
        if token in ("", before):
            return
        try:
            await self._kept.save(token)
        except Exception:
            _log.warning("the token could not be kept; the next start has to log in")


class KiaProvider:
    """One car of an account."""

    def __init__(self, config: Kia, vin: str, account: KiaAccount, now: Now, home: Home | None) -> None:
        self.pace = pace(config)
        self.requests = 0
        self._config = config
        self._vin = vin
        self._account = account
        self._now = now
        self._home = home

    async def read(self, *, data: bool) -> Report:
        """What the service knows, without waking the car."""
        self.requests += 1
        return await self._account.call(self._cached)

    async def wake(self) -> None:
        """Let the car report anew."""
        self.requests += 1
        await self._account.call(self._forced)

    async def close(self) -> None:
        """A call that runs ends by itself."""

    def _cached(self, manager: KiaManager) -> Report:
        car = _chosen(manager.vehicles, self._vin)
        manager.update_vehicle_with_cached_state(car)
        return read_vehicle(manager.vehicles[car], self._config.region, self._home, self._now()[1])

    def _forced(self, manager: KiaManager) -> None:
        manager.force_refresh_vehicle_state(_chosen(manager.vehicles, self._vin))


def _tell(
    loop: asyncio.AbstractEventLoop, what: Callable[[asyncio.Future[T], V], None], done: asyncio.Future[T], value: V
) -> None:
    with suppress(RuntimeError):  # the loop has ended meanwhile
        loop.call_soon_threadsafe(what, done, value)


def _finish(done: asyncio.Future[T], result: T) -> None:
    if not done.done():
        done.set_result(result)


def _fail(done: asyncio.Future[T], failure: Exception) -> None:
    if not done.done():
        done.set_exception(failure)


def _manager(config: Kia, credentials: Credentials, kept: str | None) -> KiaManager:
    for name in (LIBRARY, "urllib3", "requests"):
        # what they say at lower levels holds positions and tokens
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        library = importlib.import_module(LIBRARY)
    except ImportError:
        raise VehicleError(
            Trouble.DENIED,
            "the library for Kia and Hyundai is not installed: `pip install 'phaeton[kia]'` (not on a 32-bit GX)",
        ) from None
    token = None
    if kept:
        with suppress(ValueError, TypeError, KeyError):
            token = library.Token.from_dict(msgspec.json.decode(kept))
    made = library.VehicleManager(
        region=REGIONS[config.region],
        brand=BRANDS[config.brand],
        username=credentials.username,
        password=credentials.password,
        pin=credentials.pin,
        token=token,
    )
    return cast("KiaManager", made)


def _chosen(vehicles: Mapping[str, object], vin: str) -> str:
    found = [key for key, car in vehicles.items() if not vin or getattr(car, "VIN", None) == vin]
    if len(found) == 1:
        return found[0]
    raise VehicleError(
        Trouble.DENIED,
        "no car of the account has this vin" if vin else f"the account has {len(found)} cars: name one with vin",
    )


_MEANINGS: tuple[tuple[str, Trouble, str, float | None], ...] = (
    ("AuthenticationOTPRequired", Trouble.DENIED, "the service wants a one-time code: log in with its app first", None),
    ("ConsentRequiredError", Trouble.DENIED, "the service wants your consent: log in on its web page once", None),
    ("PINMissingError", Trouble.DENIED, "the service wants the PIN: set kia.pin", None),
    ("AuthenticationError", Trouble.DENIED, "the service refuses the login: check the credentials in its app", None),
    ("DeviceIDError", Trouble.DENIED, "the service has forgotten this device: set the credentials anew", None),
    ("UnsupportedControlError", Trouble.DENIED, "the car does not offer this", None),
    ("RateLimitingError", Trouble.LIMITED, "the requests of the day are spent, also for the app", DAY_LIMIT_S),
    ("DuplicateRequestError", Trouble.TRANSIENT, "another request is still being worked on", DUPLICATE_S),
    ("RequestTimeoutError", Trouble.TRANSIENT, "the car cannot be reached", None),
    ("ServiceTemporaryUnavailable", Trouble.TRANSIENT, "the service is away for now", None),
    ("NoDataFound", Trouble.BAD_DATA, "the service has no values of this car yet", None),
    ("InvalidAPIResponseError", Trouble.BAD_DATA, "the answer cannot be understood", None),
    ("APIError", Trouble.TRANSIENT, "the service has trouble", None),
    ("OSError", Trouble.TRANSIENT, "no connection", None),
)
_GATES = ("9035", "9036", "9037")


def meaning(error: Exception) -> VehicleError:
    """What an exception of the library means; its own text may hold secrets and is not passed on."""
    if isinstance(error, VehicleError):
        return error
    names = {kind.__name__ for kind in type(error).__mro__}
    if any(code in str(error) for code in _GATES):
        return VehicleError(Trouble.DENIED, f"the service no longer takes this version of {LIBRARY}: update it")
    for name, trouble, why, retry_s in _MEANINGS:
        if name in names:
            return VehicleError(trouble, why, retry_s)
    return VehicleError(Trouble.BAD_DATA, f"the library stumbled over the answer ({type(error).__name__})")


def read_vehicle(vehicle: object, region: str, home: Home | None, now_utc_s: float) -> Report:
    """The library's vehicle, by the answer that it keeps where its shape is known, else by its attributes."""
    answer = getattr(vehicle, "data", None)
    if region in _EUROPEAN or (region == "usa" and at(answer, "lastVehicleInfo") is not None):
        report = parse_state(answer, home, now_utc_s, offset_counts=region == "europe_cci")
        if report is not None:
            return report

    def said(name: str) -> object:
        return getattr(vehicle, name, None)

    updated = said("last_updated_at")
    power_kw = within(said("ev_charging_power"), 0.0, 400.0)
    report = Report(
        soc_pct=percent(said("ev_battery_percentage")),
        measured_utc_s=_stamp(updated),
        limit_soc_pct=limit_percent(said("ev_charge_limits_ac")),
        range_km=kilometres(said("ev_driving_range"), miles=said("_ev_driving_range_unit") == "mi"),
        odometer_km=kilometres(said("odometer"), miles=said("_odometer_unit") == "mi"),
        capacity_kwh=capacity(said("ev_battery_capacity")),
        plugged=flag(said("ev_battery_is_plugged_in")),
        charging=flag(said("ev_battery_is_charging")),
        charge_power_w=None if power_kw is None else round(power_kw * 1000.0),
        minutes_to_limit=within(said("ev_estimated_current_charge_duration"), 0.0, 10_000.0),
        at_home=at_home(home, said("location_latitude"), said("location_longitude")),
        aux_battery_pct=percent(said("car_battery_percentage")),
    )
    if not report.says_something:
        raise VehicleError(Trouble.BAD_DATA, "the answer holds nothing about the battery")
    return report


def _stamp(moment: object) -> float | None:
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        return None
    with suppress(OverflowError, ValueError, OSError):
        return moment.timestamp()
    return None
