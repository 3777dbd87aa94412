"""The house as the GX measures it: com.victronenergy.system and .settings, pushed over D-Bus and never polled.

`phaeton.sources.victron_site` says which path means what; here is when a reading is due. A reading follows each
message of the GX, at most about one a second; it is the proof of life. When the bus or the service is away or silent
one `Unavailable` says so.
"""

from __future__ import annotations

import asyncio
import logging

from reactivex import Observable, Subject

from phaeton.links.busitem_client import SETTINGS, BusClient, Presence, Watch
from phaeton.model import Now, SiteReading, Unavailable
from phaeton.sources.victron_site import (
    ACTIVE_BMS,
    BMS_PATHS,
    MULTI_MIN_SOC,
    SETTINGS_PATHS,
    SYSTEM_PATHS,
    TIME_ZONE,
    site_reading,
)

_log = logging.getLogger(__name__)

SYSTEM = "com.victronenergy.system"
MULTI = "com.victronenergy.multi"

GATHER_S = 0.02
"""Changes of single items that come one after the other make one reading."""
FIRST_SETTINGS_S = 1.0
"""How long the first reading waits for the settings that belong to it."""
LEAST_GAP_S = 0.9
"""Between a reading and one for single items."""
WHOLE_GAP_S = 0.5
"""Between a reading and one for a whole cycle of the GX: once a second, and never held up by what came before."""


class VictronSource:
    """Site readings and the time zone of the GX.

    Subscribe, then `start`. Neither stream ends or fails.
    """

    def __init__(self, bus: BusClient, now: Now) -> None:
        self._bus = bus
        self._now = now
        self._readings: Subject[SiteReading | Unavailable] = Subject()
        self._zones: Subject[str] = Subject()
        self._system: Watch | None = None
        self._settings: Watch | None = None
        self._bms: Watch | None = None
        self._multis: dict[str, Watch] = {}
        self._zone = ""
        self._due: asyncio.TimerHandle | None = None
        self._emitted_s = float("-inf")
        self._told_why = ""

    @property
    def readings(self) -> Observable[SiteReading | Unavailable]:
        """A full snapshot each time, or since when and why there is none."""
        return self._readings

    @property
    def zone(self) -> Observable[str]:
        """The name of the GX's time zone, such as ``Europe/Amsterdam``, when it is known and when it changes."""
        return self._zones

    def start(self) -> None:
        """Watch the GX."""
        self._system = self._bus.watch(SYSTEM, SYSTEM_PATHS, self._system_said, proof_of_life=True)
        self._settings = self._bus.watch(SETTINGS, SETTINGS_PATHS, self._settings_said)
        self._bus.watch_class(MULTI, self._multis_are)
        self._settings_said()
        self._system_said()

    def stop(self) -> None:
        """Emit nothing more."""
        self._cancel_due()
        for watch in (self._system, self._settings, self._bms, *self._multis.values()):
            if watch is not None:
                self._bus.unwatch(watch)
        self._system = self._settings = self._bms = None
        self._multis = {}

    def _system_said(self) -> None:
        system = self._system
        if system is None:
            return
        if system.presence is Presence.PRESENT:
            self._told_why = ""
            self._follow_bms(system.text(ACTIVE_BMS))
            self._soon(whole=system.complete)
        elif system.presence is not Presence.READING:
            self._cancel_due()
            self._unavailable(system)

    def _settings_said(self) -> None:
        settings = self._settings
        if settings is None:
            return
        zone = settings.text(TIME_ZONE)
        if zone and zone != self._zone:
            self._zone = zone
            self._zones.on_next(zone)
        self._details_said()

    def _details_said(self) -> None:
        """Something beside the system changed; it is no proof of life of the system."""
        system = self._system
        if system is not None and system.presence is Presence.PRESENT:
            self._soon(whole=False)

    def _follow_bms(self, service: str) -> None:
        if self._bms is not None and self._bms.service != service:
            self._bus.unwatch(self._bms)
            self._bms = None
        if self._bms is None and service.startswith("com.victronenergy."):
            self._bms = self._bus.watch(service, BMS_PATHS, self._details_said)

    def _multis_are(self, names: set[str]) -> None:
        for gone in self._multis.keys() - names:
            self._bus.unwatch(self._multis.pop(gone))
        if self._system is not None:
            for name in names - self._multis.keys():
                self._multis[name] = self._bus.watch(name, (MULTI_MIN_SOC,), self._details_said)

    def _soon(self, *, whole: bool) -> None:
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        if self._settings is not None and self._settings.presence is Presence.READING:
            due_s = now_s + FIRST_SETTINGS_S
        elif whole:
            due_s = self._emitted_s + WHOLE_GAP_S
        else:
            due_s = max(now_s + GATHER_S, self._emitted_s + LEAST_GAP_S)
        if self._due is not None and self._due.when() <= due_s:
            return
        self._cancel_due()
        if due_s <= now_s:
            self._emit()
        else:
            self._due = loop.call_at(due_s, self._emit)

    def _cancel_due(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _emit(self) -> None:
        self._due = None
        system, settings = self._system, self._settings
        if system is None or settings is None:
            return
        self._emitted_s = asyncio.get_running_loop().time()
        reading = site_reading(self._now(), system, settings, self._bms, tuple(self._multis.values()))
        try:
            self._readings.on_next(reading)
        except Exception:
            # an error that left here would end the stream of whoever comes next
            _log.exception("a reader of the site's values failed")

    def _unavailable(self, system: Watch) -> None:
        if system.why == self._told_why:
            return
        self._told_why = system.why
        mono_s, utc_s = self._now()
        silent_s = asyncio.get_running_loop().time() - system.heard_s if system.presence is Presence.SILENT else 0.0
        _log.warning("no values of the house: %s", system.why)
        self._readings.on_next(
            Unavailable(
                mono_s=mono_s, utc_s=utc_s, source="site", since_mono_s=round(mono_s - silent_s, 3), why=system.why
            )
        )
