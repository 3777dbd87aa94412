"""The sample answers, and talks with a provider without a network."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from phaeton import zones
from phaeton.links.http import Answer, Ask, TroubleKind
from phaeton.sources.prices.provider import Provider, Span
from phaeton.sources.prices.table import Table
from phaeton.sources.service.answers import ServiceError
from phaeton.sources.service.days import Wall

SAMPLES = Path(__file__).parent / "samples"
BERLIN = Wall(zones.zone("Europe/Berlin", 1_790_000_000.0))
UTC_WALL = Wall(zones.zone("UTC", 1_790_000_000.0))


def sample(name: str) -> Answer:
    """The answer whose file begins with ``name``."""
    (file,) = SAMPLES.glob(f"{name}*.json")
    response = json.loads(file.read_text(encoding="utf-8"))["response"]
    body = json.dumps(response["json"]) if "json" in response else response.get("text", "")
    return Answer(
        response["status"], body.encode(), {name.lower(): value for name, value in response["headers"].items()}
    )


def answer(body: object, status: int = 200, content_type: str = "application/json") -> Answer:
    """An answer made up."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, raw, {"content-type": content_type})


def at(text: str) -> float:
    """UTC seconds of a time such as 2026-11-23T14:20:00+01:00."""
    return datetime.fromisoformat(text).timestamp()


def span(now: str = "2026-11-23T14:20:00+01:00") -> Span:
    """Today and tomorrow."""
    now_s = at(now)
    start_s = BERLIN.day_start_s(now_s)
    days = tuple(BERLIN.date(BERLIN.day_start_s(now_s, day)) for day in (0, 1))
    return Span(now_s, start_s, BERLIN.day_start_s(now_s, 2), days)


def talk(provider: Provider, answers: Iterable[Answer], when: Span | None = None) -> tuple[Table, list[Ask]]:
    """Have a talk with the answers in turn; the table and what was asked. Raises `ServiceError`."""
    asks: list[Ask] = []
    talking = provider.talk(when or span())
    left = iter(answers)
    found: object = None
    try:
        ask = next(talking)
        while True:
            asks.append(ask)
            ask = talking.send(next(left))
    except StopIteration as done:
        found = done.value
    assert isinstance(found, Table), "it asked for more than there is"
    return found, asks


def trouble_of(error: ServiceError) -> TroubleKind:
    """What sort of trouble it is."""
    return error.trouble.kind


def hours(table: Table) -> set[float]:
    """The lengths of the slots, in hours."""
    return {(slot.end_s - slot.start_s) / 3600.0 for slot in table.slots}


def text(utc_s: float) -> str:
    """A time to read."""
    return datetime.fromtimestamp(utc_s, UTC).strftime("%Y-%m-%dT%H:%MZ")
