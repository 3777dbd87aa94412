"""From the configuration to the source: which provider, with which secret, in which rhythm."""

from __future__ import annotations

import socket
import zlib
from importlib import import_module
from pathlib import Path

from msgspec import Struct

from phaeton import zones
from phaeton.config.node import Secret
from phaeton.config.secret import SecretError, reveal
from phaeton.config.tree_prices import Formula, Prices
from phaeton.links.http import Trouble
from phaeton.model import Zone
from phaeton.sources.prices.feed import Feed, Wiring
from phaeton.sources.prices.provider import Provider, Rhythm, Span, fetch
from phaeton.sources.prices.schedule import LONGEST_SPREAD_S, Policy
from phaeton.sources.prices.source import PriceSource
from phaeton.sources.prices.table import Table
from phaeton.sources.service.cache import NO_CACHE
from phaeton.sources.service.days import Wall
from phaeton.sources.service.world import World

MARKET_ZONE = "Europe/Brussels"
"""The day of the European auctions is a day of Central European time."""

_ASKS_NOBODY = ("fixed", "time_of_use", "none")
_IDENTITIES = (Path("/data/venus/unique-id"), Path("/etc/machine-id"))


def build(config: Prices, zone: Zone, world: World) -> PriceSource:
    """The source of prices that the configuration names; nothing runs before its `start`."""
    feeds: list[Feed] = []
    if config.source not in _ASKS_NOBODY:
        feeds.append(_feed(config.source, config.formula, config, zone, world))
        if config.fallback not in _ASKS_NOBODY:
            feeds.append(_feed(config.fallback, config.fallback_formula, config, zone, world))
    return PriceSource(config, feeds, zone, world.now, sleep=world.sleep, chance=world.chance)


def _feed(kind: str, formula: Formula, config: Prices, zone: Zone, world: World) -> Feed:
    utc_s = world.now()[1]
    market = Wall(zones.zone(MARKET_ZONE, utc_s))
    if kind == "victron":
        return _of_bus(formula, config, market, world)
    provider = provider_of(kind, config, Wall(zone))

    async def read(span: Span) -> Table | Trouble:
        return await fetch(provider, span, world.http)

    wiring = Wiring(
        title=provider.title,
        identity=f"{kind}|{_identity(kind, config)}",
        policy=Policy(market, provider.rhythm, provider.every_s, spread_s()),
        read=read,
        secret=lambda: _shown(kind, config),
        formula=formula,
    )
    return Feed(wiring, kind, world.cache, utc_s)


def _of_bus(formula: Formula, config: Prices, market: Wall, world: World) -> Feed:
    """The price of the D-Bus tells its changes itself; it is kept nowhere, for it is never old."""
    from phaeton.sources.prices.victron import BusPrice  # noqa: PLC0415 - only where it is wanted

    if world.bus is None:
        raise ValueError("prices.source is victron, and there is no D-Bus")
    made: list[Feed] = []

    def changed() -> None:
        for feed in made:
            feed.has_news()

    price = BusPrice(world.bus, config.victron, changed)

    async def read(span: Span) -> Table | Trouble:
        return await price.read(span.now_s)

    wiring = Wiring(
        title=price.title,
        identity="victron",
        policy=Policy(market, Rhythm.SERVICE, price.every_s, 0.0),
        read=read,
        secret=lambda: "",
        formula=formula,
        stop=price.stop,
    )
    made.append(Feed(wiring, "victron", NO_CACHE, world.now()[1]))
    return made[0]


def provider_of(kind: str, config: Prices, wall: Wall) -> Provider:
    """The provider of one kind with its settings; only its own module is loaded."""
    own = import_module(f"phaeton.sources.prices.{kind}")
    made: Provider = own.provider(config, wall)
    return made


def spread_s() -> float:
    """The delay of this installation after the publication, so that not all ask in the same second."""
    parts = [socket.gethostname()]
    for path in _IDENTITIES:
        try:
            parts.append(path.read_text(encoding="ascii", errors="replace")[:100])
        except OSError:
            continue
    return zlib.crc32("|".join(parts).encode()) / 2**32 * LONGEST_SPREAD_S


def _secrets(kind: str, config: Prices) -> tuple[Secret, ...]:
    return {
        "tibber": (config.tibber.token,),
        "entsoe": (config.entsoe.token,),
        "homeassistant": (config.homeassistant.token,),
        "http_json": tuple(header.value for header in config.http_json.headers),
    }.get(kind, ())


def _shown(kind: str, config: Prices) -> str:
    """The secrets as they are now; those that cannot be read are nothing."""
    found = []
    for secret in _secrets(kind, config):
        try:
            found.append(reveal(secret))
        except SecretError:
            found.append("")
    return "\n".join(found).strip()


def _identity(kind: str, config: Prices) -> str:
    """What the prices depend on beside the secret."""
    parts: dict[str, tuple[object, ...]] = {
        "tibber": (config.tibber.home, config.tibber.url),
        "energy_charts": (config.energy_charts.zone, config.energy_charts.url),
        "nordpool": (config.nordpool.area, config.nordpool.currency, config.nordpool.url),
        "awattar": (config.awattar.country, config.awattar.url),
        "entsoe": (config.entsoe.zone, config.entsoe.url),
        "evcc": (config.evcc.url,),
        "homeassistant": _fields(config.homeassistant),
        "http_json": _fields(config.http_json),
    }
    text = "|".join(map(str, parts[kind]))
    return f"{zlib.crc32(text.encode()):08x}"


def _fields(node: Struct) -> tuple[object, ...]:
    return tuple(getattr(node, name) for name in node.__struct_fields__ if name not in ("token", "headers"))
