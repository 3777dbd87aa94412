"""A price on the D-Bus of the GX, where an add-on publishes one; plain Venus OS has none.

With a configured service and path that value is used. Otherwise the services are looked through for a number whose
path sounds like a price; it is used when there is exactly one, and what was found is told. Only the present price is
known: it counts for the running quarter of an hour.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import cast

from phaeton.config.tree_prices import VictronPrices
from phaeton.links.busitem_client import SETTINGS, BusClient, Presence, Watch
from phaeton.links.busitem_service import BUS_ITEM
from phaeton.links.dbus import BUS, BUS_PATH, DbusError
from phaeton.links.http import Trouble, TroubleKind
from phaeton.sources.prices.table import Row, Table, sound
from phaeton.sources.service.answers import ServiceError

WHO = "The D-Bus"
SYSTEM = "com.victronenergy.system"
QUARTER_S = 900.0

_PRICE_PATH = re.compile(r"price|tariff|energy_?rate", re.IGNORECASE)
_NO_PRICE_PATH = re.compile(
    r"min|max|average|mean|threshold|limit|feed|sell|export|level|count|unit|mode", re.IGNORECASE
)
_PRICE_SERVICE = re.compile(r"price|tariff|tibber|epex|awattar|entsoe|nordpool|energycharts", re.IGNORECASE)
_SETTINGS_PATHS = ("/Settings/Energy/PricekWh", "/Settings/Energy/PriceKwh")
"""Of the settings only what is known is read; there are thousands."""
_MOST_NAMED = 5


class BusPrice:
    """The present price of the bus."""

    title = "the GX"
    every_s = QUARTER_S

    def __init__(self, bus: BusClient, config: VictronPrices, changed: Callable[[], None]) -> None:
        """``changed`` is called when the price changes; it must return at once."""
        self._bus = bus
        self._config = config
        self._changed = changed
        self._watch: Watch | None = None
        self._path = ""
        self._seen: float | None = None
        self._note = ""

    def stop(self) -> None:
        """Watch nothing more."""
        if self._watch is not None:
            self._bus.unwatch(self._watch)
            self._watch = None

    async def read(self, now_s: float) -> Table | Trouble:
        """The price of the running quarter of an hour, or why there is none."""
        if not self._bus.link.connected:
            return Trouble(TroubleKind.NETWORK, f"no D-Bus: {self._bus.link.why_away}")
        try:
            if self._watch is None:
                await self._begin()
        except ServiceError as error:
            return error.trouble
        except DbusError as error:
            return Trouble(TroubleKind.SERVER, f"the D-Bus cannot be looked through: {error}")
        return self._present(now_s)

    def _present(self, now_s: float) -> Table | Trouble:
        watch = self._watch
        assert watch is not None
        if watch.presence is Presence.READING:
            return Trouble(TroubleKind.NOT_YET, f"{watch.service} has not told its values yet")
        price = watch.number(self._path)
        if price is None:
            why = watch.why or f"{watch.service} {self._path} holds no number"
            if not self._config.path:
                self.stop()  # what was found is gone: look again next time
            return Trouble(TroubleKind.SERVER, why)
        self._seen = price
        start_s = now_s - now_s % QUARTER_S
        try:
            return sound([Row(start_s, price * self._config.scale, start_s + QUARTER_S)], note=self._note, who=WHO)
        except ServiceError as error:
            return error.trouble

    async def _begin(self) -> None:
        service, path = self._config.service, self._config.path
        if not service or not path:
            service, path = one_of(await self._candidates())
            self._note = f"found {service} {path}"
        self._path = path
        self._watch = self._bus.watch(service, [path], self._said)

    def _said(self) -> None:
        watch = self._watch
        if watch is not None and watch.number(self._path) != self._seen:
            self._changed()

    async def _candidates(self) -> dict[str, float]:
        """All numbers on the bus that may be a price, by service and path."""
        found: dict[str, float] = {}
        for service in await self._services():
            try:
                items = await self._items(service)
            except DbusError:
                continue  # one that does not answer hides no others
            found |= {f"{service} {path}": value for path, value in prices_in(items).items()}
        return found | await self._in_settings()

    async def _services(self) -> list[str]:
        if self._config.service:
            return [self._config.service]
        answer = await self._bus.link.call(BUS, BUS_PATH, BUS, "ListNames")
        names = [name for name in cast("list[str]", answer[0]) if name.startswith("com.victronenergy.")]
        return sorted(name for name in names if name == SYSTEM or _PRICE_SERVICE.search(name))

    async def _items(self, service: str) -> dict[str, object]:
        answer = await self._bus.link.call(service, "/", BUS_ITEM, "GetItems")
        plain = self._bus.link.library.plain
        items = cast("dict[str, dict[str, object]]", answer[0])
        return {path: plain(item.get("Value")) for path, item in items.items()}

    async def _in_settings(self) -> dict[str, float]:
        found: dict[str, float] = {}
        if self._config.service:
            return found
        for path in _SETTINGS_PATHS:
            try:
                answer = await self._bus.link.call(SETTINGS, path, BUS_ITEM, "GetValue")
            except DbusError:
                continue
            found |= {
                f"{SETTINGS} {path}": v for v in prices_in({path: self._bus.link.library.plain(answer[0])}).values()
            }
        return found


def prices_in(items: Mapping[str, object]) -> dict[str, float]:
    """The items whose path sounds like a price and that hold a number."""
    return {
        path: float(value)
        for path, value in items.items()
        if _PRICE_PATH.search(path)
        and not _NO_PRICE_PATH.search(path)
        and isinstance(value, int | float)
        and not isinstance(value, bool)
    }


def one_of(candidates: Mapping[str, float]) -> tuple[str, str]:
    """Service and path of the only candidate; raises `ServiceError` that tells what was found."""
    if not candidates:
        text = (
            "there is no price on the D-Bus: plain Venus OS has none, an add-on must publish it; "
            "name it in prices.victron.service and .path, or choose another source"
        )
        raise ServiceError(TroubleKind.SERVER, text)
    if len(candidates) > 1:
        named = ", ".join(f"{where} = {value:g}" for where, value in sorted(candidates.items())[:_MOST_NAMED])
        text = f"{len(candidates)} values on the D-Bus may be the price: {named}; name one in prices.victron"
        raise ServiceError(TroubleKind.REFUSED, text)
    service, _, path = next(iter(candidates)).partition(" ")
    return service, path
