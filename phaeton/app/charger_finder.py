"""Finding chargers for the first start: who answers around, which kind each is, and whether it can be controlled."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cache
from ipaddress import IPv4Network

from phaeton.config.rules import shipped_profiles
from phaeton.config.tree import Charger
from phaeton.probe import probe
from phaeton.profiles import Profile, load_profile
from phaeton.profiles.proof import unproven
from phaeton.sinks.web.finder import FoundCharger, Kind, SearchResult
from phaeton.sources.announced import GROUP, announced
from phaeton.sources.charger_search import search
from phaeton.sources.network_search import addresses, around, listening

MOST_HOSTS = 32
"""More than these at a charger's port are no chargers."""
AT_ONCE = 4


@cache
def _profiles() -> tuple[Profile, ...]:
    return tuple(load_profile(name) for name in shipped_profiles())


class ChargerFinder:
    """Reads only. Without ``networks`` those around this machine are searched, at the ports of all profiles.

    Those that announce themselves to ``group`` (mDNS) are found in larger networks, too.
    """

    def __init__(
        self,
        networks: Sequence[IPv4Network] | None = None,
        ports: Sequence[int] | None = None,
        group: tuple[str, int] | None = GROUP,
    ) -> None:
        self._networks = networks
        self._ports = ports
        self._group = group

    def kinds(self) -> list[Kind]:
        """By name."""
        return sorted((Kind(profile.id, profile.name) for profile in _profiles()), key=lambda kind: kind.name.lower())

    async def find(self) -> SearchResult:
        """Search the networks around."""
        await asyncio.to_thread(_profiles)
        networks = around() if self._networks is None else self._networks
        ports = {profile.transport.port for profile in _profiles()} if self._ports is None else self._ports
        told, near = await asyncio.gather(self._announced(), listening(addresses(networks), sorted(ports)))
        far = [host for host in told if host not in {other for other, _ in near}]
        where = [*await listening(far, sorted(ports)), *near]
        room = asyncio.Semaphore(AT_ONCE)

        async def looked(host: str, port: int) -> FoundCharger | None:
            async with room:
                return await _recognised(host, port)

        found = await asyncio.gather(*(looked(host, port) for host, port in where[:MOST_HOSTS]))
        chargers = sorted((one for one in found if one is not None), key=lambda one: one.kind is None)
        return SearchResult(searched=[str(network) for network in networks], chargers=chargers)

    async def _announced(self) -> list[str]:
        return [] if self._group is None else await announced(self._group)

    async def look(self, host: str, port: int | None, profile: str) -> SearchResult:
        """Look at one address."""
        await asyncio.to_thread(_profiles)
        if profile:
            known = next(one for one in _profiles() if one.id == profile)
            found: FoundCharger | None = await _looked_at(host, port or known.transport.port, known)
        else:
            found = await _recognised(host, port)
        if found is None:  # the probe says why
            usual = next(one for one in _profiles() if one.id == Charger(host=host).profile)
            report = await probe(Charger(host=host, port=port))
            found = FoundCharger(
                host=host, port=port or usual.transport.port, answers=False, ok=False, report=report.text.splitlines()
            )
        return SearchResult(searched=[host], chargers=[found])


async def _recognised(host: str, port: int | None) -> FoundCharger | None:
    """What answers there; None where nothing does."""
    found = await search(host, _profiles(), port)
    if not found.best:
        if not found.answered:
            return None
        text = "speaks Modbus, but none of the chargers that Phaeton knows fits"
        return FoundCharger(host=host, port=port or 502, ok=False, report=[text])
    best = found.best[0]
    unit = None if best.unit == best.profile.transport.unit else best.unit
    others = [Kind(other.profile.id, other.profile.name) for other in found.best[1:]]
    return await _looked_at(host, best.port, best.profile, unit, best.sure, others)


async def _looked_at(
    host: str,
    port: int,
    profile: Profile,
    unit: int | None = None,
    sure: str = "",
    others: Sequence[Kind] = (),
) -> FoundCharger:
    report = await probe(Charger(host=host, port=port, profile=profile.id, unit=unit))
    return FoundCharger(
        host=host,
        port=port,
        unit=unit,
        kind=Kind(profile.id, profile.name),
        sure=sure,  # type: ignore[arg-type]
        others=list(others),
        confirm=bool(unproven(profile)),
        ok=report.ok,
        report=report.text.splitlines(),
    )
