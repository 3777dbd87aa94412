"""A car that the GX knows: ``com.victronenergy.ev.*``, pushed over D-Bus. Paths: VRM's and Node-RED's, as gui-v2 shows.

The identity and the position on these paths are not even asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from phaeton.links.busitem_client import BusClient, Presence, Watch
from phaeton.sources.vehicles.report import Reach, Report, Trouble, VehicleError
from phaeton.sources.vehicles.values import capacity, instant, kilometres, limit_percent, percent, within

CLASS = "com.victronenergy.ev"
OWN = f"{CLASS}.phaeton_"
"""What we publish ourselves is not read back."""

PATHS = (
    "/Connected",
    "/CustomName",
    "/Soc",
    "/TargetSoc",
    "/ChargingState",
    "/AtSite",
    "/BatteryCapacity",
    "/Ac/Power",
    "/Odometer",
    "/RangeToGo",
    "/LastUpdated/EvContact",
    "/Alarms/StarterBatteryLow",
)
_CHARGING = {0: False, 1: True, 3: True, 244: False, 245: False, 250: False, 256: False, 259: False}
"""``/ChargingState``: 1 low power, 3 charging; 255 is unavailable."""


class Follower(Struct, frozen=True):
    """A car of the configuration whose service is looked for."""

    service: str
    """Its name; empty = found by itself."""
    name: str
    """What the car is called, to tell several services apart."""
    report: Callable[[Report], None]
    failed: Callable[[VehicleError], None]


class DbusEvs:
    """All services of the class, and the cars that follow one of them each."""

    def __init__(self, bus: BusClient, followers: Sequence[Follower]) -> None:
        self._bus = bus
        self._followers = tuple(followers)
        self._watches: dict[str, Watch] = {}
        self._running = False

    def start(self) -> None:
        """Look for the services."""
        self._running = True
        self._bus.watch_class(CLASS, self._services_are)

    def stop(self) -> None:
        """Tell nothing more."""
        self._running = False
        for watch in self._watches.values():
            self._bus.unwatch(watch)
        self._watches = {}

    def _services_are(self, names: set[str]) -> None:
        if not self._running:
            return
        names = {name for name in names if not name.startswith(OWN)}
        for gone in self._watches.keys() - names:
            self._bus.unwatch(self._watches.pop(gone))
        for name in names - self._watches.keys():
            self._watches[name] = self._bus.watch(name, PATHS, self._said)
        self._said()

    def _said(self) -> None:
        if not self._running:
            return
        for follower in self._followers:
            try:
                watch = self._of(follower)
                if watch is not None:
                    follower.report(parse(watch))
            except VehicleError as error:
                follower.failed(error)

    def _of(self, follower: Follower) -> Watch | None:
        """The car's service; None while it is not known yet which one it is."""
        watches = [w for name, w in self._watches.items() if follower.service in ("", name)]
        alone = follower.service or sum(not other.service for other in self._followers) == 1
        if not watches:
            raise VehicleError(Trouble.TRANSIENT, f"{follower.service or f'a {CLASS} service'} is not on D-Bus")
        if any(watch.presence is Presence.READING for watch in watches):
            return None
        if len(watches) > 1 or not alone:
            watches = [w for w in watches if w.text("/CustomName").strip().lower() == follower.name.strip().lower()]
        if len(watches) != 1:
            known = ", ".join(sorted(self._watches))
            raise VehicleError(Trouble.TRANSIENT, f"which car is it? Set dbus.service to one of {known}")
        if watches[0].presence is not Presence.PRESENT:
            raise VehicleError(Trouble.TRANSIENT, watches[0].why)
        return watches[0]


def parse(watch: Watch) -> Report:
    """What the service says; raises `VehicleError` while its own source is away."""
    if watch.whole("/Connected") == 0:
        raise VehicleError(Trouble.TRANSIENT, "the GX has no connection to the car's service")
    at_site = watch.whole("/AtSite")
    power_w = watch.number("/Ac/Power")
    return Report(
        soc_pct=percent(watch.get("/Soc")),
        measured_utc_s=instant(watch.get("/LastUpdated/EvContact")),
        limit_soc_pct=limit_percent(watch.get("/TargetSoc")),
        range_km=kilometres(watch.get("/RangeToGo")),
        odometer_km=kilometres(watch.get("/Odometer")),
        capacity_kwh=capacity(watch.get("/BatteryCapacity")),
        charging=_CHARGING.get(watch.whole("/ChargingState") or 0) if watch.get("/ChargingState") is not None else None,
        charge_power_w=within(power_w, 0.0, 400_000.0),
        at_home=None if at_site is None else at_site == 1,
        reach=Reach.UNKNOWN,
        hint="the car's 12 V battery is low" if watch.whole("/Alarms/StarterBatteryLow") == 2 else "",
    )
