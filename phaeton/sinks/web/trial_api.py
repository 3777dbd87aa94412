"""The part of the API that tries settings out before they are saved."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Annotated

from msgspec import Meta, Struct, field

from phaeton.config.problems import ConfigError
from phaeton.config.tree import Config
from phaeton.sinks.web.config_api import MOST_BYTES
from phaeton.sinks.web.endpoint import Ask, Endpoint, Endpoints, Example, Nothing, Scope
from phaeton.sinks.web.parts import Parts
from phaeton.sinks.web.problem import ProblemError
from phaeton.sinks.web.settings import PlainDocument, SettingsError, Wish, mistakes
from phaeton.sinks.web.trials import Trials, Tried

MOST_PER_MINUTE = 20
"""A person does not press more often; a program that looks through the network with it would."""
_MINUTE_S = 60.0


class TrialBody(Struct, frozen=True):
    """The settings that are tried, as a merge patch on those in force."""

    patch: PlainDocument = field(default_factory=dict)


class ItemTrialBody(Struct, frozen=True):
    """The same for one entry of a list."""

    patch: PlainDocument = field(default_factory=dict)
    index: Annotated[int, Meta(ge=0, le=1000)] = 0
    """Which charger or car of the patched settings."""


class TrialApi:
    """The handlers."""

    def __init__(self, parts: Parts) -> None:
        self._settings = parts.settings
        self._there = parts.trials
        self._busy = False
        self._begun_s: deque[float] = deque(maxlen=MOST_PER_MINUTE)

    def endpoints(self) -> Endpoints:
        """All of this part."""
        admin = Scope.ADMIN
        problems = {
            429: "another trial is running, or there were too many in the last minute",
            503: "this daemon can try nothing",
        }
        return [
            Endpoint(
                "POST", "/api/test/charger", self.charger, admin,
                "Read a charger once with settings that are not saved; one that is under control is read over its own "
                "connection", Tried, body=ItemTrialBody, example=Example(body={"index": 0}), body_bytes=MOST_BYTES,
                problems=problems,
            ),
            Endpoint(
                "POST", "/api/test/bus", self.bus, admin, "Look whether the GX tells the values of the house", Tried,
                body=TrialBody, example=Example(body={}), body_bytes=MOST_BYTES,
                problems=problems,
            ),
            Endpoint(
                "POST", "/api/test/prices", self.prices, admin, "Ask the source of prices once", Tried, body=TrialBody,
                example=Example(body={"patch": {"prices": {"source": "fixed"}}}), body_bytes=MOST_BYTES,
                problems=problems,
            ),
            Endpoint(
                "POST", "/api/test/vehicle", self.vehicle, admin,
                "Ask the source of a car once; the car is never woken", Tried, body=ItemTrialBody,
                example=Example(body={"index": 0}), body_bytes=MOST_BYTES,
                problems=problems,
            ),
        ]  # fmt: skip

    async def charger(self, ask: Ask[Nothing, ItemTrialBody]) -> Tried:
        """One charger."""
        index = ask.body.index
        return await self._tried(ask.body.patch, lambda there, config: there.charger(config, index), "chargers", index)

    async def bus(self, ask: Ask[Nothing, TrialBody]) -> Tried:
        """D-Bus and the GX."""
        return await self._tried(ask.body.patch, lambda there, config: there.bus(config))

    async def prices(self, ask: Ask[Nothing, TrialBody]) -> Tried:
        """The source of prices."""
        return await self._tried(ask.body.patch, lambda there, config: there.prices(config))

    async def vehicle(self, ask: Ask[Nothing, ItemTrialBody]) -> Tried:
        """One car."""
        index = ask.body.index
        return await self._tried(ask.body.patch, lambda there, config: there.vehicle(config, index), "vehicles", index)

    async def _tried(
        self,
        patch: PlainDocument,
        work: Callable[[Trials, Config], Awaitable[Tried]],
        listed: str = "",
        index: int = 0,
    ) -> Tried:
        if self._there is None or self._settings is None:
            raise ProblemError(503, "this daemon can try nothing")
        self._take_turn()
        try:
            config = await self._settings.wished(Wish(patch=patch))
            if listed and index >= len(getattr(config, listed)):
                raise ProblemError(422, f"there is no entry {index} in {listed}", "index")
            return await work(self._there, config)
        except SettingsError as error:
            raise ProblemError(error.status, str(error), error.path) from None
        except ConfigError as error:
            return Tried(ok=False, mistakes=mistakes(error))
        finally:
            self._busy = False

    def _take_turn(self) -> None:
        now_s = time.monotonic()
        if self._busy:
            raise ProblemError(429, "another trial is running; wait for its end")
        if len(self._begun_s) == MOST_PER_MINUTE and now_s - self._begun_s[0] < _MINUTE_S:
            raise ProblemError(429, f"no more than {MOST_PER_MINUTE} trials in a minute")
        self._busy = True
        self._begun_s.append(now_s)
