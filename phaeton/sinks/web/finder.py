"""What the first start needs: chargers that are found in the network or at an address, and looked at."""

from __future__ import annotations

from typing import Literal, Protocol

from msgspec import Struct


class Kind(Struct, frozen=True):
    """A kind of charger."""

    profile: str
    name: str


class FoundCharger(Struct, frozen=True, kw_only=True):
    """A charger that answers, or something that speaks as chargers do."""

    host: str
    port: int
    unit: int | None = None
    """The Modbus unit, where it is not the usual one of its kind."""
    kind: Kind | None = None
    """None = no charger that Phaeton knows."""
    answers: bool = True
    """Something there speaks Modbus."""
    sure: Literal["certain", "likely", "possible", ""] = ""
    others: list[Kind] = []
    """What it may be as well."""
    confirm: bool = False
    """Its profile is not proven: it is only read until `profile_confirmed` is set."""
    ok: bool
    """It can be controlled as it is set up now."""
    report: list[str]
    """What it says, and what is wrong with it, as `phaeton probe` tells."""


class SearchResult(Struct, frozen=True, kw_only=True):
    """What a search found."""

    searched: list[str]
    """The networks, or the address."""
    chargers: list[FoundCharger]


class Finder(Protocol):
    """Looks for chargers; it never writes to one."""

    async def find(self) -> SearchResult:
        """Search the networks around."""

    async def look(self, host: str, port: int | None, profile: str) -> SearchResult:
        """Look at one address; without a profile the kind is found out."""

    def kinds(self) -> list[Kind]:
        """All kinds of chargers that Phaeton knows, by name."""
