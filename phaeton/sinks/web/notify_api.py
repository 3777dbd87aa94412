"""The part of the API about who is told what happened: a test message."""

from __future__ import annotations

from msgspec import Struct

from phaeton.sinks.web.endpoint import Ask, Endpoint, Endpoints, Nothing, Scope
from phaeton.sinks.web.notices import TargetTried
from phaeton.sinks.web.parts import Parts
from phaeton.sinks.web.problem import ProblemError


class NotifyTried(Struct, frozen=True):
    """All webhooks and topics of ntfy; the page and the broker were told as well."""

    ok: bool
    targets: list[TargetTried]


class NotifyApi:
    """The handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def endpoints(self) -> Endpoints:
        """All of this part."""
        return [
            Endpoint(
                "POST", "/api/notify/test", self.test, Scope.ADMIN,
                "Send a test message to everything in `notify`, and say what came of it", NotifyTried,
                problems={503: "nothing tells events here"}, tag="state",
            ),
        ]  # fmt: skip

    async def test(self, ask: Ask[Nothing, Nothing]) -> NotifyTried:
        """Send it now."""
        if self._parts.notices is None:
            raise ProblemError(503, "nothing tells events here")
        found = await self._parts.notices.try_out()
        return NotifyTried(all(one.ok for one in found), found)
