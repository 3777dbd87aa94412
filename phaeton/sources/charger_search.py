"""Which kind of charger answers at an address: tries the profiles by reads alone, the most telling ones first.

Registers look alike: a number that fits one profile may fit others. So each profile must bear several checks, what
the charger says of itself in words counts most, and where profiles cannot be told apart all of them are named.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from msgspec import Struct

from phaeton.links.modbus import LinkError, LinkSettings, ModbusLink, RefusedError
from phaeton.model import ChargerState
from phaeton.profiles import Profile, Value, agreement, blocks_for, implausible, place_of
from phaeton.profiles.plan import status_points
from phaeton.profiles.reading import state_of
from phaeton.profiles.schema import Test

_CONNECT_S = 3.0
_ANSWER_S = 1.5
_TEXTS = ("manufacturer", "x_brand", "model", "name", "serial", "firmware")
_NUMBERS = ("frequency", "limit_max", "voltage_l1", "voltage_l2", "voltage_l3", "current_l1", "limit_set")
_RANGES = {
    "frequency": (45.0, 65.0),
    "limit_max": (6.0, 125.0),
    "voltage": (80.0, 300.0),
    "current": (-1.0, 125.0),
    "limit_set": (0.0, 125.0),
}
"""Beyond these no charger for cars at AC is; in Hz, A and V."""
_WORD = 4
"""Letters of a maker's name that can be told from chance."""
_LARGE = 255
"""A number above this that a profile expects is hardly there by chance."""
_CLEAR_LEAD = 2
_LIKELY = 5


class Candidate(Struct, frozen=True):
    """A profile that fits what answers."""

    profile: Profile
    port: int
    unit: int
    points: int
    """How much speaks for it."""
    certain: bool
    """The charger itself says so."""

    @property
    def sure(self) -> str:
        """How sure that is, in a word."""
        if self.certain:
            return "certain"
        return "likely" if self.points >= _LIKELY else "possible"


class Search(Struct, frozen=True):
    """What was found at an address."""

    candidates: tuple[Candidate, ...]
    """What fits, the best first."""
    answered: bool
    """Something there speaks Modbus."""

    @property
    def best(self) -> tuple[Candidate, ...]:
        """Those that cannot be told apart, the first of which is to be tried first."""
        if not self.candidates:
            return ()
        first = self.candidates[0]
        if first.certain:
            return tuple(c for c in self.candidates if c.certain and c.points == first.points)
        return tuple(c for c in self.candidates if first.points - c.points < _CLEAR_LEAD)


async def search(
    host: str, profiles: Sequence[Profile], port: int | None = None, *, pace: float = 1.0, answer_s: float = _ANSWER_S
) -> Search:
    """Try the profiles at their own ports, or all at ``port``; ``pace`` scales the pauses that they ask for.

    It never writes. A unit that stays silent is asked no more, and RTU frames are tried only where Modbus TCP is not
    answered at all.
    """
    found: list[Candidate] = []
    answered = False
    for where, those in _by_port(profiles, port):
        tcp = [profile for profile in those if profile.transport.kind == "tcp"]
        rtu = [profile for profile in those if profile.transport.kind != "tcp"]
        for some, framing in ((tcp, False), (rtu, True)):
            if not some or (framing and answered):
                continue
            visit = _Visit(host, where, rtu=framing, pace=pace, answer_s=answer_s)
            try:
                found += await visit.candidates(some)
            finally:
                await visit.link.close()
            answered = answered or visit.answered
            if not visit.reached:
                break
        if any(candidate.certain for candidate in found):
            break
    found.sort(key=lambda c: (not c.certain, -c.points))
    return Search(tuple(found), answered)


def _by_port(profiles: Sequence[Profile], port: int | None) -> Iterable[tuple[int, list[Profile]]]:
    ports: dict[int, list[Profile]] = {}
    for profile in sorted(profiles, key=_telling, reverse=True):
        ports.setdefault(profile.transport.port if port is None else port, []).append(profile)
    return sorted(ports.items())


def _telling(profile: Profile) -> int:
    detect = profile.detect
    named = any(_strong(test) for test in detect.all.values())
    return 100 * named + 10 * len(detect.all) + 5 * len(detect.plausible) + sum(n in profile.points for n in _TEXTS)


def _strong(test: object) -> bool:
    return isinstance(test, Test) and (test.prefix is not None or (test.ge or 0) > _LARGE)


class _Visit:
    """One connection to one port."""

    def __init__(self, host: str, port: int, *, rtu: bool, pace: float, answer_s: float) -> None:
        self.link = ModbusLink(
            host,
            port,
            LinkSettings(
                connect_timeout_s=_CONNECT_S,
                request_timeout_s=answer_s,
                rtu_framing=rtu,
                pause_s=lambda _attempt, _outage_s: 0.0,
            ),
        )
        self._pace = pace
        self._silent: set[int] = set()
        self._known: dict[tuple[int, str, int, int], list[int] | None] = {}
        """What was read already; None where it was refused."""
        self.answered = False

    @property
    def reached(self) -> bool:
        """Whether a connection could be made."""
        return self.link.generation > 0

    async def candidates(self, profiles: Sequence[Profile]) -> list[Candidate]:
        found: list[Candidate] = []
        for profile in profiles:
            for unit in (profile.transport.unit, *profile.transport.unit_alternatives):
                candidate = await self._try(profile, unit)
                if candidate is not None:
                    found.append(candidate)
                    break
            if not self.reached:
                break
            if found and found[-1].certain and _strong_names(profile):
                break
        return found

    async def _try(self, profile: Profile, unit: int) -> Candidate | None:
        place = place_of(profile, 1, unit)
        status = [name for name in _readable(profile, status_points(profile)) if profile.points[name].read == "fast"]
        telling = _readable(profile, {*_TEXTS, *_NUMBERS, *profile.detect.all, *profile.detect.plausible})
        values: dict[str, Value] = {}
        refused = 0
        for first, names in ((True, status), (False, [name for name in telling if name not in status])):
            for block in blocks_for(profile, place, names):
                if block.unit in self._silent:
                    return None
                words = await self._read(block.unit, block.space, block.address, block.count, profile)
                if words is not None:
                    values |= block.decode(words, checked=False)
                elif first and "state" in block.points:
                    return None
                elif not all(profile.points[name].optional for name in block.points):
                    refused += 1
        if _contradiction(profile, values):
            return None
        certain = _names_itself(profile, values)
        points = _points(profile, values, refused, certain)
        return Candidate(profile, self.link.port, unit, points, certain) if points > 0 else None

    async def _read(self, unit: int, space: str, address: int, count: int, profile: Profile) -> list[int] | None:
        key = (unit, space, address, count)
        if key in self._known:
            return self._known[key]
        words: list[int] | None = None
        try:
            if self.answered and profile.transport.gap_ms:
                await asyncio.sleep(self._pace * profile.transport.gap_ms / 1000)
            words = await self.link.read(unit, address, count, space)  # type: ignore[arg-type]
            self.answered = True
        except RefusedError:
            self.answered = True
        except LinkError as error:
            if "no answer" in str(error) or not self.reached:
                self._silent.add(unit)
        self._known[key] = words
        return words


def _readable(profile: Profile, names: Iterable[str]) -> list[str]:
    points = profile.points
    return [n for n in points if n in set(names) and points[n].access != "w" and points[n].read != "never"]


def _contradiction(profile: Profile, values: dict[str, Value]) -> bool:
    """Whether this cannot be a charger of this profile."""
    if implausible(profile, values) or state_of(profile, values) is ChargerState.UNKNOWN:
        return True
    for name, value in values.items():
        within = _RANGES.get(name.removesuffix(name[-3:]) if name[-3:-1] == "_l" else name)
        if name == "limit_set" and profile.control.kind == "power":
            continue
        if within is not None and isinstance(value, int | float) and value and not within[0] <= value <= within[1]:
            return True
    return False


def _names_itself(profile: Profile, values: dict[str, Value]) -> bool:
    """Whether the charger says the maker's name, or a number that only this kind has."""
    said = " ".join(str(values.get(name) or "") for name in _TEXTS[:4]).lower()
    if any(len(word) >= _WORD and word in said for word in profile.vendor.lower().split()):
        return True
    return _strong_names(profile) and agreement(profile, values) >= len(profile.detect.all)


def _strong_names(profile: Profile) -> bool:
    return any(_strong(test) for test in profile.detect.all.values())


def _points(profile: Profile, values: dict[str, Value], refused: int, certain: bool) -> int:
    """How much speaks for the profile."""
    points = 6 * certain + 2 * agreement(profile, values) - 2 * refused
    points += sum(1 for name in _NUMBERS if values.get(name))
    points += sum(1 for name in ("serial", "firmware", "model") if _sensible(values.get(name)))
    return points


def _sensible(value: Value) -> bool:
    return isinstance(value, str) and len(value) >= _WORD and value.isascii()
