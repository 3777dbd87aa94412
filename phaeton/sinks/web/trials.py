"""What the API needs to try settings out before they are saved."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from phaeton.config.tree import Config
from phaeton.sinks.web.settings import Mistake


class Tried(Struct, frozen=True, kw_only=True):
    """What came of a trial; nothing was saved and nothing was written to a device."""

    ok: bool
    facts: tuple[str, ...] = ()
    """What was found."""
    problems: tuple[str, ...] = ()
    """What is wrong, each with what to do."""
    hints: tuple[str, ...] = ()
    """What is good to know."""
    mistakes: tuple[Mistake, ...] = ()
    """What is wrong with the settings themselves; nothing was tried then."""


class Trials(Protocol):
    """Tries a configuration that is not in force. Each ends by itself after some seconds."""

    async def charger(self, config: Config, index: int) -> Tried:
        """Read a charger once."""

    async def bus(self, config: Config) -> Tried:
        """Look for the values of the house on D-Bus."""

    async def prices(self, config: Config) -> Tried:
        """Ask the source of prices once."""

    async def vehicle(self, config: Config, index: int) -> Tried:
        """Ask the source of a car once; it is never woken."""
