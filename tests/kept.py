"""Stays in a list, for the tests of what shows them; the store itself is tested with SQLite."""

from __future__ import annotations

from msgspec import Struct, field

from phaeton.model import EnergySlot, Session
from phaeton.sinks.store import StayFilter, StayKey, stay_key


class KeptInMemory(Struct):
    """What the web server asks of the store."""

    sessions: list[Session] = field(default_factory=list)
    slots: list[EnergySlot] = field(default_factory=list)
    asked: list[tuple[StayFilter, int, StayKey | None]] = field(default_factory=list)

    async def stays(self, which: StayFilter, limit: int, before: StayKey | None = None) -> list[Session]:
        self.asked.append((which, limit, before))
        found = [s for s in self.sessions if which.takes(s) and (before is None or stay_key(s) < before)]
        return sorted(found, key=stay_key, reverse=True)[:limit]

    async def stay(self, key: str) -> Session | None:
        return next((s for s in self.sessions if s.id == key), None)

    async def energy(self, since_utc_s: float, until_utc_s: float, point: str | None = None) -> list[EnergySlot]:
        return [s for s in self.slots if since_utc_s <= s.start_utc_s < until_utc_s and point in (None, s.point)]
