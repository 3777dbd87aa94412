"""The part of the API about stays: page by page, one with its energy, totals, and all of them as a file."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Literal

import msgspec
from aiohttp import hdrs, web
from msgspec import Meta, Struct, field

from phaeton.calendar_days import month
from phaeton.model import EnergySlot, Session, Zone
from phaeton.sinks.store.kept import StayFilter, StayKey, stay_key
from phaeton.sinks.web.csv_table import CSV, Cell, as_file, rows
from phaeton.sinks.web.endpoint import Ask, Endpoint, Endpoints, Example, Media, Nothing, Scope
from phaeton.sinks.web.local_time import day, local
from phaeton.sinks.web.moments import moment
from phaeton.sinks.web.parts import Parts
from phaeton.sinks.web.problem import ProblemError
from phaeton.sinks.web.request import instant
from phaeton.sinks.web.state import WebState
from phaeton.sinks.web.status import SessionStatus, session_status
from phaeton.sinks.web.times import From, To, moment_of, ordered

MOST_SESSIONS = 500
NDJSON = "application/x-ndjson"
PAGE = 250
"""Stays of an export that are in memory at a time."""
WRITE_WITHIN_S = 30.0
"""Who takes nothing of an export for so long is cut off."""
SLOT_S = 900.0
_LONGEST_SLOT_S = 86_400.0
NO_CHARGER = {404: "there is no such charger"}
_MONEY, _ENERGY = 4, 3

Form = Literal["json", "csv", "ndjson"]


class SessionList(Struct, frozen=True):
    """The running stay, the last one that ended, and the ones before."""

    current_session: SessionStatus | None
    last_session: SessionStatus | None
    history: list[SessionStatus]
    more: bool
    """There are older ones."""
    next: str | None
    """Ask again with this as ``cursor``; stays that end meanwhile change nothing of it."""


class WhichQuery(Struct, frozen=True, kw_only=True):
    """Which stays."""

    from_: From | None = field(name="from", default=None)
    to: To | None = None
    vehicle: Annotated[str, Meta(description="Of this car; empty = of guests and unknown cars")] | None = None
    charger: Annotated[str, Meta(description="At this charging point")] | None = None
    min_kwh: Annotated[float, Meta(ge=0, le=100_000, description="With at least so much energy")] = 0.0


class SessionQuery(WhichQuery, frozen=True, kw_only=True):
    """Which stays, and in what form."""

    limit: Annotated[int, Meta(ge=1, le=MOST_SESSIONS, description="At most so many (10; a file: all)")] | None = None
    before: Annotated[str, Meta(description="Only those that began before: UTC seconds or RFC 3339")] | None = None
    cursor: Annotated[str, Meta(description="``next`` of the page before")] | None = None
    form: Annotated[Form, Meta(description="json = a page, csv or ndjson = a file with all")] | None = None


class SummaryQuery(WhichQuery, frozen=True, kw_only=True):
    """Which stays, and by what they are added up."""

    by: Literal["month", "day", "vehicle", "charger"] = "month"
    form: Annotated[Literal["json", "csv"], Meta(description="csv = as a table")] | None = None


class SlotStatus(Struct, frozen=True, kw_only=True):
    """A quarter of an hour of a stay."""

    start: str
    energy_kwh: float
    pv_kwh: float
    battery_kwh: float
    grid_kwh: float
    cost: float
    price_per_kwh: float | None
    """Of energy from the grid; null where none was known."""
    unpriced_kwh: float


class SessionDetail(SessionStatus, frozen=True, kw_only=True):
    """A stay with where its energy came from in each quarter of an hour."""

    slots: list[SlotStatus]
    """Those that are complete; older stays may have none left."""


class StayTotals(Struct, frozen=True, kw_only=True):
    """Stays added up."""

    key: str
    """The month (``2026-06``), day, car or charging point."""
    sessions: int
    energy_kwh: float
    pv_kwh: float
    battery_kwh: float
    grid_kwh: float
    cost: float
    reference_cost: float
    """What the same energy would have cost from the grid alone."""
    unpriced_kwh: float
    """Drawn while no price was known; it is in no cost."""
    charging_s: float
    currency: str


class SessionSummary(Struct, frozen=True):
    """Totals by a key, in its order; stays in another currency have totals of their own."""

    by: str
    timezone: str
    """Days and months are those of this zone; a stay belongs to the one in which it began."""
    totals: list[StayTotals]


class SessionApi:
    """The handlers."""

    def __init__(self, state: WebState, parts: Parts) -> None:
        self._state = state
        self._kept = parts.sessions
        self._zone = parts.zone

    def endpoints(self) -> Endpoints:
        """All of this part."""
        first = {"id": "1"}
        stay = {"session": "1-1780300740-1"}
        lasting = "The running stay, the last one and the ones before: a page, or all as a file (CSV, JSON lines)"
        found: Endpoints = [
            Endpoint(
                "GET", path, self.sessions, Scope.GUEST, lasting, SessionList, SessionQuery,
                problems=problems, example=example, others=(Media(CSV), Media(NDJSON)),
            )
            for path, example, problems in (
                ("/api/sessions", Example(query={"limit": "5", "from": "2026-01-01T00:00:00Z"}), {}),
                (
                    "/api/chargers/{id}/sessions",
                    Example(first, query={"before": "2026-06-01T12:00:00+02:00"}),
                    NO_CHARGER,
                ),
            )
        ]  # fmt: skip
        found += [
            Endpoint(
                "GET", "/api/sessions/summary", self.summary, Scope.GUEST,
                "Stays added up by month, day, car or charging point", SessionSummary, SummaryQuery,
                example=Example(query={"by": "month"}), others=(Media(CSV),),
            ),
            Endpoint(
                "GET", "/api/sessions/{session}", self.session, Scope.GUEST, "One stay, and its energy by price",
                SessionDetail, problems={404: "there is no such stay"}, example=Example(stay, status=404),
            ),
        ]  # fmt: skip
        return found

    async def sessions(self, ask: Ask[SessionQuery, Nothing]) -> SessionList | web.StreamResponse:
        """A page of stays, or all as a file."""
        which, query = self._which(ask.query, ask.point), ask.query
        before = _before(query)
        form = query.form or _accepted(ask.request)
        if form != "json":
            return await self._export(ask.request, form, which, before, query.limit)
        limit = query.limit or 10
        found = await self._kept.stays(which, limit + 1, before)
        page = found[:limit]
        more = len(found) > limit
        output = self._state.output
        running = [
            decided.session
            for decided in (output.decision.points if output else ())
            if decided.session is not None
            and decided.session.end_utc_s is None
            and which.point in (None, decided.point)
        ]
        return SessionList(
            session_status(running[0]) if running else None,
            session_status(page[0]) if page and before is None else None,
            [session_status(stay) for stay in page],
            more,
            _cursor(stay_key(page[-1])) if more else None,
        )

    async def session(self, ask: Ask[Nothing, Nothing]) -> SessionDetail:
        """One stay with its slots."""
        key = ask.request.match_info["session"]
        stay = next((one for one in self._running() if one.id == key), None) or await self._kept.stay(key)
        if stay is None:
            raise ProblemError(404, f"there is no stay {key!r}; /api/sessions lists them")
        end_s = self._state.now_utc_s() if stay.end_utc_s is None else stay.end_utc_s
        slots = await self._kept.energy(stay.start_utc_s - _LONGEST_SLOT_S, end_s + 1.0, stay.point)
        told = msgspec.structs.asdict(session_status(stay))
        return SessionDetail(**told, slots=[_slot(slot) for slot in slots if slot.session == stay.id])

    async def summary(self, ask: Ask[SummaryQuery, Nothing]) -> SessionSummary | web.Response:
        """Stays added up."""
        which, zone, by = self._which(ask.query, None), self._zone(), ask.query.by
        sums: dict[tuple[str, str], list[float]] = {}
        async for page in self._pages(which, None, None):
            await asyncio.to_thread(_add_up, sums, page, by, zone)
        totals = [_totals(*key, values) for key, values in sorted(sums.items())]
        if (ask.query.form or _accepted(ask.request)) == "csv":
            names = StayTotals.__struct_fields__
            body = rows([[by, *names[1:]], *([getattr(one, name) for name in names] for one in totals)])
            return as_file(body, CSV, f"phaeton-sessions-by-{by}.csv")
        return SessionSummary(by, zone.name, totals)

    def _running(self) -> list[Session]:
        points = self._state.output.decision.points if self._state.output else ()
        return [decided.session for decided in points if decided.session is not None]

    def _which(self, query: WhichQuery, point: str | None) -> StayFilter:
        from_s, to_s = moment_of(query.from_, "from"), moment_of(query.to, "to")
        ordered(from_s, to_s)
        return StayFilter(
            from_utc_s=from_s,
            until_utc_s=to_s,
            point=query.charger if point is None else self._state.point(point),
            vehicle=query.vehicle,
            least_kwh=query.min_kwh,
        )

    async def _pages(
        self, which: StayFilter, before: StayKey | None, limit: int | None
    ) -> AsyncIterator[list[Session]]:
        left = limit
        while left is None or left > 0:
            page = await self._kept.stays(which, PAGE if left is None else min(PAGE, left), before)
            if not page:
                return
            yield page
            before = stay_key(page[-1])
            left = None if left is None else left - len(page)

    async def _export(
        self, request: web.Request, form: Form, which: StayFilter, before: StayKey | None, limit: int | None
    ) -> web.StreamResponse:
        """Page by page, so that a hundred thousand stays are never in memory and nobody waits for them."""
        zone = self._zone()
        answer = web.StreamResponse()
        answer.content_type, answer.charset = (CSV, "utf-8") if form == "csv" else (NDJSON, "utf-8")
        suffix = "csv" if form == "csv" else "ndjson"
        answer.headers[hdrs.CONTENT_DISPOSITION] = f'attachment; filename="phaeton-sessions.{suffix}"'
        await answer.prepare(request)
        try:
            if form == "csv":
                await _written(answer, rows([CSV_COLUMNS]))
            async for page in self._pages(which, before, limit):
                await _written(answer, await asyncio.to_thread(_as_csv if form == "csv" else _as_lines, page, zone))
            await answer.write_eof()
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
        return answer


CSV_COLUMNS = (
    "id", "charger", "vehicle", "start", "end", "energy_kwh", "pv_kwh", "battery_kwh", "grid_kwh", "cost",
    "reference_cost", "unpriced_kwh", "currency", "charging_s", "peak_power_w", "starts", "meter_start_kwh",
    "meter_end_kwh", "charger_serial",
)  # fmt: skip


def _as_csv(stays: Sequence[Session], zone: Zone) -> bytes:
    def cells(stay: Session) -> Sequence[Cell]:
        meter = [None if kwh is None else round(kwh, _ENERGY) for kwh in (stay.meter_start_kwh, stay.meter_end_kwh)]
        return (
            stay.id, stay.point, stay.vehicle, local(zone, stay.start_utc_s),
            None if stay.end_utc_s is None else local(zone, stay.end_utc_s), round(stay.energy_kwh, _ENERGY),
            round(stay.pv_kwh, _ENERGY), round(stay.battery_kwh, _ENERGY), round(stay.grid_kwh, _ENERGY),
            round(stay.cost, _MONEY), round(stay.reference_cost, _MONEY), round(stay.unpriced_kwh, _ENERGY),
            stay.currency, round(stay.charging_s), round(stay.peak_power_w), stay.starts, *meter, stay.charger_serial,
        )  # fmt: skip

    return rows(map(cells, stays))


def _as_lines(stays: Sequence[Session], zone: Zone) -> bytes:
    return b"".join([msgspec.json.encode(session_status(stay)) + b"\n" for stay in stays])


async def _written(answer: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(WRITE_WITHIN_S):
        await answer.write(data)


def _accepted(request: web.Request) -> Form:
    """The form that the caller asks for by ``Accept``; JSON unless it wants something else and not that."""
    accept = request.headers.get(hdrs.ACCEPT, "")
    kinds = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    for kind in kinds:
        if kind in (CSV, NDJSON):
            return "csv" if kind == CSV else "ndjson"
        if kind in ("application/json", "*/*", "application/*"):
            break
    return "json"


def _before(query: SessionQuery) -> StayKey | None:
    if query.cursor is not None:
        if query.before is not None:
            raise ProblemError(422, "before and cursor exclude each other", "cursor")
        return _key(query.cursor)
    return None if query.before is None else (instant(query.before, "before"), "")


def _cursor(key: StayKey) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def _key(cursor: str) -> StayKey:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=tuple[float, str])
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        raise ProblemError(422, "cursor is not one of ours: take ``next`` of the page before", "cursor") from None


def _slot(slot: EnergySlot) -> SlotStatus:
    priced_kwh = slot.energy_kwh - slot.unpriced_kwh
    return SlotStatus(
        start=moment(slot.start_utc_s),
        energy_kwh=round(slot.energy_kwh, _ENERGY),
        pv_kwh=round(slot.pv_kwh, _ENERGY),
        battery_kwh=round(slot.battery_kwh, _ENERGY),
        grid_kwh=round(slot.grid_kwh, _ENERGY),
        cost=round(slot.cost, _MONEY),
        price_per_kwh=round(slot.reference_cost / priced_kwh, 5) if priced_kwh > 1e-6 else None,
        unpriced_kwh=round(slot.unpriced_kwh, _ENERGY),
    )


def _add_up(sums: dict[tuple[str, str], list[float]], stays: Sequence[Session], by: str, zone: Zone) -> None:
    for stay in stays:
        if by == "vehicle":
            name = stay.vehicle
        elif by == "charger":
            name = stay.point
        else:
            name = (day if by == "day" else month)(zone, stay.start_utc_s)
        values = sums.setdefault((name, stay.currency), [0.0] * 9)
        for index, more in enumerate(
            (
                1, stay.energy_kwh, stay.pv_kwh, stay.battery_kwh, stay.grid_kwh, stay.cost, stay.reference_cost,
                stay.unpriced_kwh, stay.charging_s,
            )
        ):  # fmt: skip
            values[index] += more


def _totals(name: str, currency: str, values: Sequence[float]) -> StayTotals:
    count, energy, pv, battery, grid, cost, reference, unpriced, charging_s = values
    return StayTotals(
        key=name,
        sessions=int(count),
        energy_kwh=round(energy, _ENERGY),
        pv_kwh=round(pv, _ENERGY),
        battery_kwh=round(battery, _ENERGY),
        grid_kwh=round(grid, _ENERGY),
        cost=round(cost, _MONEY),
        reference_cost=round(reference, _MONEY),
        unpriced_kwh=round(unpriced, _ENERGY),
        charging_s=round(charging_s),
        currency=currency,
    )
