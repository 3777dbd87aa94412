"""The part of the API about the past of a charging point and its house, for charts."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from phaeton.sinks.web.endpoint import Ask, Endpoint, Endpoints, Example, Nothing, Scope
from phaeton.sinks.web.parts import Parts
from phaeton.sinks.web.past import between, window
from phaeton.sinks.web.problem import ProblemError
from phaeton.sinks.web.series import LONGEST_S, MOST_POINTS, Series
from phaeton.sinks.web.session_api import NO_CHARGER
from phaeton.sinks.web.state import WebState
from phaeton.sinks.web.times import From, To, moment_of, ordered

USUAL_WINDOW_S = 3600
_LONGEST_DAYS = 3700
_DAY_S = 86_400.0
_MOST_BUCKETS = 2000


class SeriesQuery(Struct, frozen=True, kw_only=True):
    """How much of the past: the newest seconds, or a time in buckets."""

    window: Annotated[int, Meta(ge=60, le=LONGEST_S, description="In seconds, back from now (3600)")] | None = None
    from_: From | None = field(name="from", default=None)
    to: To | None = None
    points: Annotated[int, Meta(ge=2, le=_MOST_BUCKETS, description="At most so many buckets (720)")] | None = None


class SeriesApi:
    """The handlers."""

    def __init__(self, state: WebState, parts: Parts) -> None:
        self._state = state
        self._minutes = parts.minutes

    def endpoints(self) -> Endpoints:
        """All of this part."""
        about = "The past of one point and the house: the newest, or a time in buckets with mean, least and most"
        return [
            Endpoint(
                "GET", path, self.series, Scope.GUEST, about, Series, SeriesQuery, problems=NO_CHARGER, example=example
            )
            for path, example in (
                ("/api/series", Example(query={"window": "600"})),
                (
                    "/api/chargers/{id}/series",
                    Example({"id": "1"}, {"from": "2026-06-01T00:00:00+02:00", "to": "2026-06-02T00:00:00+02:00"}),
                ),
            )
        ]  # fmt: skip

    async def series(self, ask: Ask[SeriesQuery, Nothing]) -> Series:
        """The recent past, or a time."""
        query, state = ask.query, self._state
        point = state.point(ask.point)
        if query.from_ is None and query.to is None and query.points is None:
            return await window(state.history, self._minutes, point, query.window or USUAL_WINDOW_S)
        if query.window is not None:
            raise ProblemError(422, "window and from, to, points exclude each other", "window")
        from_s, to_s = moment_of(query.from_, "from"), moment_of(query.to, "to")
        ordered(from_s, to_s)
        now_s = state.now_utc_s()
        until_s = now_s + 1.0 if to_s is None else to_s
        since_s = max(until_s - _DAY_S, 0.0) if from_s is None else from_s
        until_s = min(until_s, max(now_s, since_s) + 60.0)
        if since_s >= until_s:
            raise ProblemError(422, "from must be in the past", "from")
        if until_s - since_s > _LONGEST_DAYS * _DAY_S:
            raise ProblemError(422, f"at most {_LONGEST_DAYS} days can be asked for at once", "from")
        return await between(state.history, self._minutes, point, since_s, until_s, query.points or MOST_POINTS)
