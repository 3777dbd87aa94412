"""Settings tried out before they are saved: a charger read once, the GX looked for, prices and a car asked once.

What runs is not disturbed. A charger under control is read over its own connection, in turn with the control, and only
with the settings that it is spoken to with already: a unit that is silent would cost that connection. Services of
D-Bus that are looked for by class, and a Tesla login, exist once in a program: these are told as they run.
"""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from phaeton.config.tree import Charger, Config
from phaeton.config.tree_cars import Vehicle
from phaeton.links.busitem_client import BusClient, Presence
from phaeton.links.modbus import ModbusLinks
from phaeton.price_report import PriceReport
from phaeton.probe import probe
from phaeton.profiles import ProfileError, load_profile, port_of
from phaeton.sinks.web.trials import Tried
from phaeton.sources.service.world import World
from phaeton.sources.vehicles.report import Report, Trouble, VehicleError
from phaeton.sources.victron import SYSTEM

if TYPE_CHECKING:
    from phaeton.app.daemon import Daemon

WITHIN_S = 30.0
"""Longer takes no trial."""
BUS_WITHIN_S = 10.0
_ASKED = ("tesla", "kia", "homeassistant", "http_json", "evcc")
_SPOKEN = ("host", "port", "unit", "station_unit", "profile", "profile_file", "profile_overlay")
"""Keys that say how a charger is spoken to."""
_AFTER_SAVING = "this cannot be tried beside what runs; save it and look at the diagnostics"
_SITE_PATHS = ("/Ac/Grid/L1/Power", "/Ac/Consumption/L1/Power", "/Dc/Battery/Soc")
_SITE_WORDS = ("grid (phase 1) {:g} W", "house (phase 1) {:g} W", "house battery {:g} %")


class LiveTrials:
    """Tries settings in one daemon."""

    def __init__(self, daemon: Daemon, links: ModbusLinks, bus: BusClient) -> None:
        self._daemon = daemon
        self._links = links
        self._bus = bus

    async def charger(self, config: Config, index: int) -> Tried:
        """Read a charger once."""
        charger = config.chargers[index]
        try:
            async with asyncio.timeout(WITHIN_S):
                return await self._charger(charger)
        except TimeoutError:
            return _bad(f"{charger.host} did not answer in {WITHIN_S:g} s: is the charger on, and is this its address?")

    async def _charger(self, charger: Charger) -> Tried:
        try:
            profile = load_profile(charger.profile, charger.profile_overlay, file=charger.profile_file)
        except ProfileError as error:
            return _bad(str(error))
        port = port_of(profile, 1, charger.port)
        running = await self._running(charger.host, port)
        if running is None:
            report = await probe(charger)
        elif _spoken(running) == _spoken(charger, host=running.host):
            report = await probe(running, self._links)
        else:
            return _bad(
                f"{charger.host}:{port} is under control with another profile or unit, and a trial with these could "
                "cost its connection: save them, they are taken over at once and can be taken back"
            )
        return Tried(ok=report.ok, facts=report.seen, problems=report.problems, hints=report.hints)

    async def _running(self, host: str, port: int) -> Charger | None:
        """The charger under control at this address, by whatever name."""
        wanted = await _addresses(host)
        for live in self._daemon.live.values():
            link = live.link
            if link.port == port and (link.host == host or wanted & await _addresses(link.host)):
                return live.point.charger
        return None

    async def bus(self, config: Config) -> Tried:
        """Look for the values of the house on D-Bus."""
        if not self._bus.link.connected:
            return _bad(f"D-Bus is away: {self._bus.link.why_away}. Phaeton runs on the GX, or is told its address")
        facts = ["D-Bus answers"]
        if config.site.source == "none":
            return Tried(ok=True, facts=tuple(facts), hints=("the values of the house are not asked for",))
        said = asyncio.Event()
        watch = self._bus.watch(SYSTEM, _SITE_PATHS, said.set)
        try:
            async with asyncio.timeout(BUS_WITHIN_S):
                while watch.presence is Presence.READING:
                    said.clear()
                    await said.wait()
        except TimeoutError:
            pass
        finally:
            self._bus.unwatch(watch)
        if watch.presence is not Presence.PRESENT:
            return _bad(f"{SYSTEM} tells no values: {watch.why or 'it is silent'}", *facts)
        values = [watch.number(path) for path in _SITE_PATHS]
        facts.append("the GX tells the values of the house")
        facts += [words.format(value) for words, value in zip(_SITE_WORDS, values, strict=True) if value is not None]
        return Tried(ok=True, facts=tuple(facts))

    async def prices(self, config: Config) -> Tried:
        """Ask the source of prices once."""
        prices, now = config.prices, self._daemon.now
        if "victron" in (prices.source, prices.fallback):
            report = self._daemon.diagnostics().prices if prices == self._daemon.config.prices else None
            return Tried(ok=True, hints=(_AFTER_SAVING,)) if report is None else _told(report, now()[1])
        from phaeton.sources.prices.kinds import build  # noqa: PLC0415 - few try

        source = build(prices, self._daemon.zone, World(self._daemon.http, None, now))
        try:
            async with asyncio.timeout(WITHIN_S):
                return _told(await source.look(), now()[1])
        except TimeoutError:
            return _bad(f"the source did not answer in {WITHIN_S:g} s")
        finally:
            source.stop()

    async def vehicle(self, config: Config, index: int) -> Tried:
        """Ask the source of a car once; it is never woken."""
        vehicle = config.vehicles[index]
        if vehicle.source in ("none", "manual"):
            return Tried(ok=True, hints=("nothing is asked: this car has no source, or you type in its charge",))
        if vehicle.source not in _ASKED or _is_login(vehicle):
            return self._as_it_runs(vehicle)
        from phaeton.sources.vehicles.cars import Cars  # noqa: PLC0415 - few try

        daemon = self._daemon
        cars = Cars((vehicle,), config.site.home, daemon.http, self._bus, daemon.now, _Forgetful(), lambda _: None)
        try:
            async with asyncio.timeout(WITHIN_S):
                report = await cars.look(vehicle.id)
        except VehicleError as error:
            if error.trouble is Trouble.ASLEEP:
                return Tried(ok=True, facts=("the service answers",), hints=(error.why or "the car sleeps",))
            return _bad(error.why)
        except TimeoutError:
            return _bad(f"the service of the car did not answer in {WITHIN_S:g} s")
        return _of_car(report)

    def _as_it_runs(self, vehicle: Vehicle) -> Tried:
        if vehicle not in self._daemon.config.vehicles or self._daemon.cars is None:
            return Tried(ok=True, hints=(_AFTER_SAVING,))
        info = next(info for info in self._daemon.cars.infos() if info.id == vehicle.id)
        if info.trouble:
            return _bad(info.note or info.trouble)
        return Tried(ok=True, facts=("its source runs without trouble",), hints=(info.note,) if info.note else ())


class _Forgetful:
    """Facts for one trial: nothing of it is kept."""

    def __init__(self) -> None:
        self._facts: dict[str, str] = {}

    def fact(self, key: str) -> str | None:
        """What this trial itself said."""
        return self._facts.get(key)

    async def set_fact(self, key: str, value: str) -> None:
        """Keep it until the end of the trial."""
        self._facts[key] = value


def _bad(problem: str, *facts: str) -> Tried:
    return Tried(ok=False, facts=facts, problems=(problem,))


def _spoken(charger: Charger, host: str = "") -> list[object]:
    return [host if key == "host" and host else getattr(charger, key) for key in _SPOKEN]


async def _addresses(host: str) -> set[str]:
    """The addresses of a host; none where the name is not known."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return set()
    return {str(address[0]) for *_, address in found}


def _is_login(vehicle: Vehicle) -> bool:
    """A refresh token is spent by asking, so only who keeps it may."""
    return vehicle.source == "tesla" and vehicle.tesla.kind == "fleet" and not vehicle.tesla.token.given


def _told(report: PriceReport, utc_s: float) -> Tried:
    problems = tuple(f"{source.title}: {source.trouble}" for source in report.sources if source.trouble)
    facts = [f"the prices come from {report.in_force}"] if report.in_force else []
    now = next((slot for slot in report.slots if slot.start_s <= utc_s < slot.end_s), None)
    if now is not None:
        facts.append(f"now {now.import_per_kwh:g} {report.currency}/kWh")
    if report.slots:
        until = datetime.fromtimestamp(report.slots[-1].end_s, UTC)
        facts.append(f"{len(report.slots)} prices are known, until {until:%Y-%m-%d %H:%M} UTC")
    if not report.slots and not problems:
        problems = ("no price is known: the source was not asked yet, or has none for now",)
    return Tried(ok=bool(report.slots) and not problems, facts=tuple(facts), problems=problems, hints=report.notes)


def _of_car(report: Report) -> Tried:
    facts = ["the service answers"]
    for value, words in (
        (report.soc_pct, "charge {:g} %"),
        (report.limit_soc_pct, "its own limit {:g} %"),
        (report.range_km, "range {:g} km"),
    ):
        if value is not None:
            facts.append(words.format(value))
    if report.plugged is not None:
        facts.append("plugged in" if report.plugged else "not plugged in")
    hints = (report.hint,) if report.hint else ()
    if report.soc_pct is None:
        return Tried(
            ok=False, facts=tuple(facts), problems=("the answer tells no charge; look at its paths",), hints=hints
        )
    return Tried(ok=True, facts=tuple(facts), hints=hints)
