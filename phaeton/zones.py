"""Time zones as data: the offsets that hold around now, read once from the zone files at the edge.

The streams know no zone files; they get a `Zone` and look the offset up in it.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta, tzinfo
from difflib import get_close_matches
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from phaeton.model import Zone

_YEAR_S = 365.25 * 86400
_STEP_S = 7 * 86400
"""No two changes of a clock are closer together (those around Ramadan are a month apart)."""
_ALWAYS_FROM_S = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
_ALWAYS_UNTIL_S = datetime(2040, 1, 1, tzinfo=UTC).timestamp()
"""In the data whatever the clock says: a GX may start in 1970 and learn the time later."""
_LAST_S = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_LOCALTIME = Path("/etc/localtime")


def zone(name: str, around_utc_s: float) -> Zone:
    """The zone from a year before ``around_utc_s`` until ten years after it; '' is the machine's own.

    A zone that cannot be had is UTC; `problem` tells why.
    """
    try:
        found, known_as = _machine_zone() if not name else (ZoneInfo(name), name)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        return Zone()
    around_s = min(max(0.0, around_utc_s), _LAST_S)
    start_s = min(around_s - _YEAR_S, _ALWAYS_FROM_S)
    end_s = max(around_s + 10 * _YEAR_S, _ALWAYS_UNTIL_S)
    return Zone(known_as, ((-1e18, _offset_s(found, int(start_s))), *_changes(found, int(start_s), int(end_s))))


def problem(name: str) -> str:
    """Why there is no such time zone, or '' when there is; '' is the machine's own."""
    try:
        if name:
            ZoneInfo(name)
        else:
            _machine_zone()
    except (OSError, ValueError, KeyError):
        if not _has_zone_files():
            return "this machine has no time zone files"
        return f"there is no time zone {name!r}" if name else "the time zone of this machine cannot be read"
    return ""


def missing_files() -> bool:
    """Whether this machine has no zone files at all: then no name can be judged."""
    return not _has_zone_files()


def close_to(name: str) -> str:
    """The known zone whose name is most like this one, or ''."""
    return next(iter(get_close_matches(name, available_timezones(), n=1)), "")


def _has_zone_files() -> bool:
    try:
        ZoneInfo("Europe/Amsterdam")
    except (OSError, ValueError, KeyError):
        return False
    return True


def _machine_zone() -> tuple[tzinfo, str]:
    """The zone of this machine: the variable TZ, else what /etc/localtime is; UTC where neither is."""
    name = os.environ.get("TZ", "").removeprefix(":")
    if not name and _LOCALTIME.exists():
        target = str(_LOCALTIME.resolve())
        _, found, name = target.partition("/zoneinfo/")
        if not found:
            with _LOCALTIME.open("rb") as file:
                return ZoneInfo.from_file(file, key="local"), "local"
    return ZoneInfo(name or "UTC"), name or "UTC"


def _changes(found: tzinfo, start_s: int, end_s: int) -> list[tuple[float, float]]:
    changes: list[tuple[float, float]] = []
    before_s, before = start_s, _offset_s(found, start_s)
    for at_s in range(start_s + _STEP_S, end_s + _STEP_S, _STEP_S):
        offset = _offset_s(found, at_s)
        if offset != before:
            changes.append((float(_first_with(found, offset, before_s, at_s)), offset))
        before_s, before = at_s, offset
    return changes


def _first_with(found: tzinfo, offset: float, low_s: int, high_s: int) -> int:
    """The second from which on the offset holds; it does not at ``low_s`` and does at ``high_s``."""
    while high_s - low_s > 1:
        middle_s = (low_s + high_s) // 2
        if _offset_s(found, middle_s) == offset:
            high_s = middle_s
        else:
            low_s = middle_s
    return high_s


def _offset_s(found: tzinfo, utc_s: int) -> float:
    # by arithmetic and not by fromtimestamp: some 32-bit systems know no time after 2038
    offset = (_EPOCH + timedelta(seconds=utc_s)).astimezone(found).utcoffset()
    return offset.total_seconds() if offset is not None else 0.0
