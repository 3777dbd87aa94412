"""A happening in words and as the document that is sent."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from phaeton.model import Session
from phaeton.sinks.web.moments import moment
from phaeton.streams.happenings import Happening, What

SCHEMA = "phaeton-event/1"


class ToldSession(Struct, frozen=True, omit_defaults=True):
    """The stay that ended."""

    id: str
    start: str
    end: str | None
    energy_kwh: float
    pv_kwh: float
    grid_kwh: float
    cost: float
    currency: str
    charging_s: float
    vehicle: str


class Told(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag=SCHEMA):
    """One event as every way out tells it."""

    event: str
    time: str
    title: str
    text: str
    point: str = ""
    name: str = ""
    why: str = ""
    late_min: float | None = None
    missing_kwh: float | None = None
    session: ToldSession | None = None
    version: str = ""
    test: bool = False

    def json(self) -> bytes:
        """The document, in one line."""
        return _encode(self)


_encode = msgspec.json.Encoder().encode


def told(happening: Happening, names: Mapping[str, str]) -> Told:
    """The words; ``names`` are those of the charging points, where they have one."""
    name = names.get(happening.point) or f"Charging point {happening.point}"
    title, text = _words(happening)
    return Told(
        event=happening.what.value,
        time=moment(happening.utc_s),
        title="Phaeton" if happening.what is What.UPDATE else name,
        text=f"{title}{f': {text}' if text else ''}",
        point=happening.point,
        name=name if happening.point else "",
        why=happening.why,
        late_min=None if happening.late_s is None else round(happening.late_s / 60.0, 1),
        missing_kwh=None if happening.missing_kwh is None else round(happening.missing_kwh, 2),
        session=None if happening.session is None else _session(happening.session),
        version=happening.version,
    )


def trial(utc_s: float) -> Told:
    """A message that only shows that it arrives."""
    return Told(event="test", time=moment(utc_s), title="Phaeton", text="A test: this is how events arrive", test=True)


def _words(happening: Happening) -> tuple[str, str]:
    match happening.what:
        case What.PLUGGED:
            return "A car is plugged in", ""
        case What.UNPLUGGED:
            return "The car is unplugged", ""
        case What.STARTED:
            return "Charging began", happening.why
        case What.STOPPED:
            return "Charging ended", happening.why
        case What.FAULT:
            return "Fault", happening.why
        case What.FAULT_OVER:
            return "The fault is over", ""
        case What.PLAN_LATE:
            late_s, missing_kwh = happening.late_s or 0.0, happening.missing_kwh
            missing = f", {missing_kwh:.1f} kWh are missing at the departure" if missing_kwh else ""
            return "The car will not be ready in time", f"{late_s / 60.0:.0f} min late{missing}"
        case What.SESSION_ENDED:
            return "The stay ended", "" if happening.session is None else _summary(happening.session)
        case What.UPDATE:
            return "A newer version is there", happening.version


def _summary(session: Session) -> str:
    text = f"{session.energy_kwh:.2f} kWh, {session.pv_kwh:.2f} kWh of them from the sun"
    return f"{text}, {session.cost:.2f} {session.currency}" if session.currency else text


def _session(session: Session) -> ToldSession:
    return ToldSession(
        id=session.id,
        start=moment(session.start_utc_s),
        end=moment(session.end_utc_s),
        energy_kwh=round(session.energy_kwh, 3),
        pv_kwh=round(session.pv_kwh, 3),
        grid_kwh=round(session.grid_kwh, 3),
        cost=round(session.cost, 4),
        currency=session.currency,
        charging_s=round(session.charging_s, 1),
        vehicle=session.vehicle,
    )
