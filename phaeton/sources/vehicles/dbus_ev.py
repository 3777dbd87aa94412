"""A car that the GX knows: ``com.victronenergy.ev.*``, pushed over D-Bus. Paths: VRM's and Node-RED's, as gui-v2 shows.

The identity and the position on these paths are not even asked for.
"""

from __future__ import annotations

from collections.abc import Callable

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


class DbusEv:
    """Finds the car's service and tells what it says."""

    def __init__(
        self,
        bus: BusClient,
        service: str,
        name: str,
        report: Callable[[Report], None],
        failed: Callable[[VehicleError], None],
    ) -> None:
        self._bus = bus
        self._service = service
        self._name = name.strip().lower()
        self._report = report
        self._failed = failed
        self._watches: dict[str, Watch] = {}
        self._stopped = False

    def start(self) -> None:
        """Look for it."""
        if self._service:
            self._services_are({self._service})
        else:
            self._bus.watch_class(CLASS, self._services_are)

    def stop(self) -> None:
        """Tell nothing more."""
        self._stopped = True
        for watch in self._watches.values():
            self._bus.unwatch(watch)
        self._watches = {}

    def _services_are(self, names: set[str]) -> None:
        if self._stopped:
            return
        names = {name for name in names if not name.startswith(OWN)}
        for gone in self._watches.keys() - names:
            self._bus.unwatch(self._watches.pop(gone))
        for name in names - self._watches.keys():
            self._watches[name] = self._bus.watch(name, PATHS, self._said)
        self._said()

    def _said(self) -> None:
        if self._stopped:
            return
        try:
            watch = self._mine()
            if watch is not None:
                self._report(parse(watch))
        except VehicleError as error:
            self._failed(error)

    def _mine(self) -> Watch | None:
        """The car's service; None while it is not known yet which one it is."""
        watches = list(self._watches.values())
        if not watches:
            raise VehicleError(Trouble.TRANSIENT, f"no {CLASS} service is on D-Bus")
        if any(watch.presence is Presence.READING for watch in watches):
            return None
        if len(watches) > 1:
            watches = [w for w in watches if w.text("/CustomName").strip().lower() == self._name]
        if len(watches) != 1:
            known = ", ".join(sorted(self._watches))
            raise VehicleError(Trouble.DENIED, f"which car is it? Set dbus.service to one of {known}")
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
