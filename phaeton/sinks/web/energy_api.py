"""The part of the API about energy over time: by hour, day or month, with its sources and its cost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta, Struct, field

from phaeton.model import EnergySlot, Zone
from phaeton.sinks.web.csv_table import CSV, as_file, rows
from phaeton.sinks.web.endpoint import Ask, Endpoint, Endpoints, Example, Media, Nothing, Scope
from phaeton.sinks.web.local_time import NAME, NEXT, START, Span, local
from phaeton.sinks.web.parts import Parts
from phaeton.sinks.web.problem import ProblemError
from phaeton.sinks.web.session_api import NDJSON, NO_CHARGER, Form
from phaeton.sinks.web.state import WebState
from phaeton.sinks.web.times import From, To, moment_of, ordered

_DAY_S = 86_400.0
_USUAL_S: dict[Span, float] = {"hour": 2 * _DAY_S, "day": 31 * _DAY_S, "month": 366 * _DAY_S}
_LONGEST_S: dict[Span, float] = {"hour": 100 * _DAY_S, "day": 3_700 * _DAY_S, "month": 36_600 * _DAY_S}
_PART_S = 31 * _DAY_S
"""So much is read in one go."""
_ADDED = ("energy_kwh", "pv_kwh", "battery_kwh", "grid_kwh", "cost", "reference_cost", "unpriced_kwh")


class EnergyQuery(Struct, frozen=True, kw_only=True):
    """Which time, and in what steps."""

    from_: From | None = field(name="from", default=None)
    to: To | None = None
    by: Span = "day"
    charger: Annotated[str, Meta(description="At this charging point")] | None = None
    form: Annotated[Form, Meta(description="json, csv, or ndjson = a line for each row")] = "json"


class EnergyRow(Struct, frozen=True, kw_only=True):
    """What the cars drew in an hour, a day or a month of the site's wall clock."""

    key: str
    """As ``2026-06-01T12:00:00+02:00``, ``2026-06-01`` or ``2026-06``."""
    start: str
    end: str
    energy_kwh: float
    pv_kwh: float
    battery_kwh: float
    grid_kwh: float
    cost: float
    reference_cost: float
    """What the same energy would have cost from the grid alone."""
    unpriced_kwh: float


class EnergyHistory(Struct, frozen=True, kw_only=True):
    """The rows in which something was drawn, in order of time."""

    by: str
    timezone: str
    currency: str
    rows: list[EnergyRow]


class EnergyApi:
    """The handlers."""

    def __init__(self, state: WebState, parts: Parts) -> None:
        self._state = state
        self._kept = parts.sessions
        self._zone = parts.zone

    def endpoints(self) -> Endpoints:
        """All of this part."""
        about = "Energy into the cars by hour, day or month, where it came from and what it cost"
        return [
            Endpoint(
                "GET", path, self.energy, Scope.GUEST, about, EnergyHistory, EnergyQuery, problems=problems,
                example=Example(where, query={"by": "day", "from": "2026-05-01T00:00:00Z", "to": "1780272000"}),
                others=(Media(CSV), Media(NDJSON)),
            )
            for path, where, problems in (
                ("/api/energy", {}, {}),
                ("/api/chargers/{id}/energy", {"id": "1"}, NO_CHARGER),
            )
        ]  # fmt: skip

    async def energy(self, ask: Ask[EnergyQuery, Nothing]) -> EnergyHistory | web.Response:
        """The rows of a time."""
        query, zone = ask.query, self._zone()
        point = query.charger if ask.point is None else self._state.point(ask.point)
        from_s, to_s = moment_of(query.from_, "from"), moment_of(query.to, "to")
        ordered(from_s, to_s)
        until_s = self._state.now_utc_s() + 1.0 if to_s is None else to_s
        since_s = max(until_s - _USUAL_S[query.by], 0.0) if from_s is None else from_s
        if since_s >= until_s:
            raise ProblemError(422, "from must be in the past", "from")
        if until_s - since_s > _LONGEST_S[query.by]:
            days = _LONGEST_S[query.by] / _DAY_S
            raise ProblemError(422, f"by {query.by} at most {days:.0f} days can be asked for at once", "from")
        sums: dict[str, list[float]] = {}
        part_s = since_s
        while part_s < until_s:
            slots = await self._kept.energy(part_s, min(part_s + _PART_S, until_s), point)
            await asyncio.to_thread(_add_up, sums, slots, query.by, zone)
            part_s += _PART_S
        found = [_row(query.by, zone, name, values) for name, values in sums.items()]
        output = self._state.output
        if query.form == "csv":
            names = EnergyRow.__struct_fields__
            body = rows([names, *([getattr(row, name) for name in names] for row in found)])
            return as_file(body, CSV, f"phaeton-energy-{query.by}.csv")
        if query.form == "ndjson":
            return as_file(_lines(found), NDJSON, f"phaeton-energy-{query.by}.ndjson")
        currency = "" if output is None else output.decision.currency
        return EnergyHistory(by=query.by, timezone=zone.name, currency=currency, rows=found)


def _add_up(sums: dict[str, list[float]], slots: Sequence[EnergySlot], by: Span, zone: Zone) -> None:
    name_of = NAME[by]
    for slot in slots:
        values = sums.setdefault(name_of(zone, slot.start_utc_s), [slot.start_utc_s, *[0.0] * len(_ADDED)])
        for index, name in enumerate(_ADDED, 1):
            values[index] += getattr(slot, name)


def _row(by: Span, zone: Zone, name: str, values: Sequence[float]) -> EnergyRow:
    utc_s, *added = values
    energy, pv, battery, grid, cost, reference, unpriced = added
    return EnergyRow(
        key=name,
        start=local(zone, START[by](zone, utc_s)),
        end=local(zone, NEXT[by](zone, utc_s)),
        energy_kwh=round(energy, 3),
        pv_kwh=round(pv, 3),
        battery_kwh=round(battery, 3),
        grid_kwh=round(grid, 3),
        cost=round(cost, 4),
        reference_cost=round(reference, 4),
        unpriced_kwh=round(unpriced, 3),
    )


def _lines(found: Sequence[EnergyRow]) -> bytes:
    return b"".join([msgspec.json.encode(row) + b"\n" for row in found])
