"""Decisions, events and differences as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct, structs

from phaeton.config.document import Plain
from phaeton.model import Event, PointDecision, Zone
from phaeton.streams.reasons import describe
from phaeton.streams.windows import offset_s

REASONS_TOLD = 3


class FieldDifference(Struct, frozen=True):
    """One value that differs."""

    path: str
    """As in ``points[car].reasons[0].value``."""
    recorded: Plain
    now: Plain

    def __str__(self) -> str:
        return f"{self.path}: {_shown(self.recorded)} -> {_shown(self.now)}"


ABSENT = "(absent)"


def clock(zone: Zone, utc_s: float) -> str:
    """The time of day on the site's clock."""
    return _moment(zone, utc_s).strftime("%H:%M:%S.%f")[:-3].removesuffix(".000")


def day_and_clock(zone: Zone, utc_s: float) -> str:
    """Day and time on the site's clock."""
    return f"{_moment(zone, utc_s):%Y-%m-%d} {clock(zone, utc_s)}"


def _moment(zone: Zone, utc_s: float) -> datetime:
    try:
        return datetime.fromtimestamp(round(utc_s + offset_s(zone, utc_s), 3), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def setpoint(point: PointDecision) -> str:
    """What was decided, without the reasons."""
    status = "unknown" if point.status is None else point.status.name.lower()
    phases = f"{point.phases} phase{'' if point.phases == 1 else 's'}"
    return f"{point.current_a:.1f} A on {phases}, {point.mode.name.lower()}, {status}"


def reasons(point: PointDecision) -> str:
    """The first reasons."""
    return "; ".join(describe(reason) for reason in point.reasons[:REASONS_TOLD])


def event_line(zone: Zone, event: Event, before: Event | None = None) -> str:
    """An event in one line; of a reading only what changed since the one before."""
    name = type(event).__name__
    changed = [
        f"{key}={value!r}"
        for key, value in structs.asdict(event).items()
        if key not in ("mono_s", "utc_s") and (before is None or key == "point" or value != getattr(before, key))
    ]
    text = ", ".join(changed)
    return f"{clock(zone, event.utc_s)}  {name}{f' {text}' if text else ''}"[:400]


def differences(recorded: Plain, now: Plain, path: str = "") -> Iterator[FieldDifference]:
    """Each value that differs between two decisions as plain data; their times are told apart from this."""
    if isinstance(recorded, dict) and isinstance(now, dict):
        for key in [*recorded, *(key for key in now if key not in recorded)]:
            inner = f"{path}.{key}" if path else key
            yield from differences(recorded.get(key, ABSENT), now.get(key, ABSENT), inner)
    elif isinstance(recorded, list) and isinstance(now, list):
        names = _names(recorded, now)
        for index, name in enumerate(names):
            one = recorded[index] if index < len(recorded) else ABSENT
            other = now[index] if index < len(now) else ABSENT
            yield from differences(one, other, f"{path}[{name}]")
    elif recorded != now and not (recorded != recorded and now != now):  # noqa: PLR0124 - two NaN are alike
        yield FieldDifference(path, recorded, now)


def _names(one: Sequence[Plain], other: Sequence[Plain]) -> list[str]:
    """Points go by their names, all else by its place."""
    longer = one if len(one) >= len(other) else other
    return [
        str(item["point"]) if isinstance(item, Mapping) and "point" in item else str(index)
        for index, item in enumerate(longer)
    ]


def _shown(value: Plain) -> str:
    return str(value) if value == ABSENT else repr(value)
