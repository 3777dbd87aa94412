"""A look inside the running daemon: its links, timings and counts, its services on D-Bus, the chargers' registers.

Nothing is measured or gathered here before somebody asks.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from phaeton import __version__
from phaeton.app.live_point import LivePoint
from phaeton.links.busitem_client import BusClient
from phaeton.links.busitem_service import BusItemService
from phaeton.links.dbus_library import Value as ValueOnBus
from phaeton.links.modbus import LinkError, ModbusLinks, RefusedError
from phaeton.model import Output
from phaeton.profiles.plan import Block
from phaeton.profiles.registers import Field, field_at
from phaeton.profiles.schema import PointSpec, Value
from phaeton.sinks.store import Store
from phaeton.sinks.web.inspection import (
    BusItem,
    BusService,
    BusServiceStatus,
    BusStatus,
    BusValue,
    ControlStatus,
    Diagnosis,
    LiveRead,
    NotReady,
    ProcessStatus,
    Quality,
    ReadError,
    Readiness,
    RecorderStatus,
    Register,
    RegisterBlock,
    RegisterView,
    SourceAge,
    Space,
    StoreStatus,
)
from phaeton.sinks.web.moments import moment
from phaeton.timing import Timing

if TYPE_CHECKING:
    from phaeton.app.daemon import Daemon

_MEMORY = ("VmRSS", "VmHWM")
NO_DECISION_S = 5.0
"""Without a decision for so long the control is not well; the watchdog begins it anew after 10 s."""


class LiveInspection:
    """Looks into one daemon."""

    def __init__(self, daemon: Daemon, links: ModbusLinks, bus: BusClient, store: Store) -> None:
        self._daemon = daemon
        self._links = links
        self._bus = bus
        self._store = store

    # Well or not.

    def ready(self) -> Readiness:
        """Whether charger, bus and control are well."""
        reasons = [*self._control(), *self._chargers(), *self._bus_and_house()]
        if self._store.trouble is not None:
            reasons.append(NotReady("store", f"nothing reaches the disk: {self._store.trouble}"))
        return Readiness(not reasons, reasons)

    def _control(self) -> Iterator[NotReady]:
        age_s = self._daemon.vitals.decided_age_s
        if age_s is None:
            yield NotReady("control", "there is no decision yet")
        elif age_s > NO_DECISION_S:
            yield NotReady("control", f"there is no decision for {age_s:.0f} s")

    def _chargers(self) -> Iterator[NotReady]:
        output = self._daemon.output
        if not self._daemon.live:
            yield NotReady("charger", "no charger is configured")
        elif output is not None:
            for point in output.decision.points:
                if not point.reachable:
                    yield NotReady("charger", f"charging point {point.point} cannot be read{_why(output, point.point)}")

    def _bus_and_house(self) -> Iterator[NotReady]:
        site = self._daemon.config.site
        if site.source != "gx" and not site.require_dbus:
            return
        if not self._bus.link.connected:
            yield NotReady("bus", f"D-Bus is away: {self._bus.link.why_away}")
            return
        for live in self._daemon.live.values():
            service = None if live.service is None else live.service.service
            if service is not None and not service.registered:
                yield NotReady("bus", f"{service.name} is not on D-Bus: {service.problem or 'it is coming up'}")
        output = self._daemon.output
        if site.source == "gx" and output is not None and not output.decision.site_fresh:
            away = output.situation.site_unavailable
            yield NotReady("site", f"the GX tells no fresh values{f': {away.why}' if away is not None else ''}")

    # The whole.

    def diagnose(self) -> Diagnosis:
        """Everything that is measured and counted."""
        daemon, now_s = self._daemon, time.monotonic()
        recorder = daemon.recorder
        return Diagnosis(
            time=moment(time.time()),
            version=__version__,
            ready=self.ready(),
            process=_process(now_s - daemon.vitals.started_s),
            control=self._control_status(now_s),
            modbus=self._links.stats,
            sources=tuple(self._sources()),
            dbus=BusStatus(
                connected=self._bus.link.connected,
                why="" if self._bus.link.connected else self._bus.link.why_away,
                backlog=self._bus.link.backlog,
                services=[
                    BusServiceStatus(
                        name=service.name,
                        registered=service.registered,
                        problem=service.problem,
                        backlog=service.backlog,
                    )
                    for _, service in self._own_services()
                ],
            ),
            store=StoreStatus(
                path=str(self._store.path),
                trouble=self._store.trouble or "",
                messages=tuple(self._store.messages),
                commits=self._store.commits,
                waiting=self._store.waiting,
                queue=self._store.worker.waiting,
                commit=daemon.vitals.store.spread(now_s),
            ),
            recorder=None
            if recorder is None
            else RecorderStatus(
                folder=str(recorder.folder),
                trouble=recorder.trouble,
                flushes=recorder.flushes,
                waiting=recorder.waiting,
                flush=daemon.vitals.recorder.spread(now_s),
            ),
        )

    def timings(self) -> dict[str, Timing]:
        """The timings by what they measure."""
        vitals = self._daemon.vitals
        return {
            "loop_lag": vitals.loop_lag,
            "step": vitals.step,
            "publish": vitals.publish,
            "store_commit": vitals.store,
            "recorder_flush": vitals.recorder,
        }

    def _control_status(self, now_s: float) -> ControlStatus:
        vitals = self._daemon.vitals
        age_s = vitals.decided_age_s
        return ControlStatus(
            decided_age_s=None if age_s is None else round(age_s, 3),
            events=vitals.events,
            decisions=vitals.decisions,
            overruns=vitals.overruns,
            graph_failures=vitals.graph_failures,
            restarts=self._daemon.watchdog.restarts,
            tasks=len(asyncio.all_tasks()),
            loop_lag=vitals.loop_lag.spread(now_s),
            step=vitals.step.spread(now_s),
            publish=vitals.publish.spread(now_s),
        )

    def _sources(self) -> Iterator[SourceAge]:
        output, (mono_s, utc_s) = self._daemon.output, self._daemon.now()
        for live in self._daemon.live.values():
            known = (
                None if output is None else next((p for p in output.situation.points if p.id == live.point.id), None)
            )
            reading = None if known is None else known.reading
            away = None if known is None else known.unavailable
            yield SourceAge(
                name=f"charger {live.point.id}",
                age_s=None if reading is None else round(mono_s - reading.mono_s, 1),
                trouble="" if away is None else away.why,
                left_out={"energy_went_back": live.source.disbelieved} if live.source.disbelieved else {},
            )
        if output is not None and (output.situation.site is not None or self._daemon.config.site.source == "gx"):
            site, away = output.situation.site, output.situation.site_unavailable
            age_s = None if site is None else round(mono_s - site.mono_s, 1)
            yield SourceAge(name="site", age_s=age_s, trouble="" if away is None else away.why)
        yield from self._asked_sources(utc_s)

    def _asked_sources(self, utc_s: float) -> Iterator[SourceAge]:
        found = self._daemon.diagnostics()
        if found.prices is not None:
            for source in found.prices.sources:
                answered = source.answered_utc_s
                yield SourceAge(
                    name=f"prices {source.title}",
                    age_s=None if answered is None else round(max(utc_s - answered, 0.0), 1),
                    trouble=source.trouble,
                    left_out=dict(source.dropped),
                )
        for link in found.links:
            if link.name.startswith("Forecast: "):
                yield SourceAge(
                    name=f"forecast {link.name.removeprefix('Forecast: ')}",
                    age_s=link.age_s,
                    trouble="" if link.up else link.detail,
                )
        output = self._daemon.output
        for vehicle in found.vehicles:
            read = (
                None
                if output is None
                else next((v for v in output.situation.vehicles if v.vehicle == vehicle.id), None)
            )
            yield SourceAge(
                name=f"vehicle {vehicle.id}",
                age_s=None if read is None else round(max(utc_s - (read.soc_utc_s or read.utc_s), 0.0), 1),
                trouble=vehicle.note if vehicle.trouble else "",
                left_out={"not_believed": 1} if vehicle.refused else {},
            )

    # D-Bus.

    def services(self) -> Sequence[BusService]:
        """Our services, those of the charging points first."""
        return [
            BusService(
                name=service.name,
                point=point,
                registered=service.registered,
                items={
                    path: BusItem(_bus_value(value), text, writable) for path, value, text, writable in service.shown()
                },
            )
            for point, service in self._own_services()
        ]

    def _own_services(self) -> Iterator[tuple[str, BusItemService]]:
        for live in self._daemon.live.values():
            if live.service is not None:
                yield live.point.id, live.service.service
        for service in () if self._daemon.cars is None else self._daemon.cars.services:
            yield "", service

    # Registers.

    def registers(self, point: str) -> RegisterView:
        """What the registers of a charging point held when they were read last; raises KeyError."""
        live = self._daemon.live[point]
        source, now_s = live.source, time.monotonic()
        blocks, held = [], {}
        for read_s, block, words in source.read:
            age_s = round(now_s - read_s, 1)
            blocks.append(
                RegisterBlock(
                    unit=block.unit,
                    space=block.space,
                    address=block.address,
                    count=block.count,
                    age_s=age_s,
                    words=_hexadecimal(words),
                )
            )
            for field in block.fields:
                held[field.name] = _held(field, block, words, age_s)
        found = [held.get(name) or _not_read(live, name, spec) for name, spec in source.profile.points.items()]
        return RegisterView(
            point=point,
            profile=source.profile.id,
            unit=source.place.unit,
            station_unit=source.place.station_unit,
            blocks=blocks,
            registers=sorted(found, key=lambda register: (register.unit, register.space, register.address)),
        )

    async def read(self, point: str, unit: int | None, space: Space, address: int, count: int) -> LiveRead:
        """Read registers in turn with all others; raises `ReadError`, and ValueError for a unit that is none."""
        live = self._daemon.live[point]
        place = live.source.place
        unit = place.unit if unit is None else unit
        if unit not in (place.unit, place.station_unit):
            raise ValueError(f"unit {unit} is none of this charger; there is {place.unit} and {place.station_unit}")
        try:
            words = await live.link.read(unit, address, count, space)
        except RefusedError as error:
            raise ReadError(f"the charger refuses it: {error}") from None
        except LinkError as error:
            raise ReadError(f"the charger does not answer: {error}") from None
        return LiveRead(unit=unit, space=space, address=address, words=_hexadecimal(words))


def _bus_value(value: ValueOnBus) -> BusValue:
    if isinstance(value, list):
        return [str(item) for item in value]
    return value if value is None or isinstance(value, int | float | str) else str(value)


def _why(output: Output, point: str) -> str:
    known = next((found for found in output.situation.points if found.id == point), None)
    return "" if known is None or known.unavailable is None else f": {known.unavailable.why}"


def _process(uptime_s: float) -> ProcessStatus:
    times, memory = os.times(), _memory_bytes()
    cpu_s = times.user + times.system
    return ProcessStatus(
        pid=os.getpid(),
        started=moment(time.time() - uptime_s),
        uptime_s=round(uptime_s, 1),
        python=sys.version.split()[0],
        platform=f"{sys.platform} {os.uname().machine}",
        cpu_s=round(cpu_s, 2),
        cpu_pct=round(100.0 * cpu_s / max(uptime_s, 0.001), 2),
        rss_bytes=memory.get("VmRSS"),
        peak_rss_bytes=memory.get("VmHWM"),
        open_fds=_open_fds(),
        threads=threading.active_count(),
        gc_collections=tuple(generation["collections"] for generation in gc.get_stats()),
    )


def _memory_bytes() -> dict[str, int]:
    """What the kernel tells; the peak that `getrusage` tells is that of the parent too."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return {
            name: int(text.split()[0]) * 1024
            for name, _, text in (line.partition(":") for line in lines)
            if name in _MEMORY
        }
    except (OSError, ValueError, IndexError):
        return {}


def _open_fds() -> int | None:
    try:
        return len(os.listdir("/proc/self/fd")) - 1  # one is that of the listing
    except OSError:
        return None


def _hexadecimal(words: Sequence[int]) -> str:
    return "".join(f"{word:04x}" for word in words)


def _held(field: Field, block: Block, words: list[int], age_s: float) -> Register:
    """A value and how good it is."""
    value = block.decode(words)[field.name]
    unchecked = value if value is not None else block.decode(words, checked=False)[field.name]
    raw = words[field.at - block.address : field.end - block.address]
    quality: Quality = "good" if value is not None else "no_value" if unchecked is None else "out_of_range"
    return _register(field, block.unit, block.space, _hexadecimal(raw), unchecked, age_s, quality)


def _not_read(live: LivePoint, name: str, spec: PointSpec) -> Register:
    source = live.source
    wire = source.profile.wire
    field = field_at(name, spec, source.place.address_of(spec, wire.address_shift), wire)
    return _register(field, source.place.unit_of(spec), spec.space or wire.space, None, None, None, "not_read")


def _register(
    field: Field, unit: int, space: Space, raw: str | None, value: Value, age_s: float | None, quality: Quality
) -> Register:
    spec = field.spec
    meaning = spec.map.get(int(value)) if isinstance(value, int | float) else None
    return Register(
        name=field.name,
        unit=unit,
        space=space,
        address=field.at,
        count=field.end - field.at,
        type=spec.type,
        access=spec.access,
        read=spec.read,
        raw=raw,
        value=value,
        text="" if meaning is None else str(meaning),
        uom=spec.uom,
        age_s=age_s,
        quality=quality,
    )
