"""Numbers, switches and times out of answers that hold anything: what is not plainly one is None, never 0."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, tzinfo

import msgspec

from phaeton.sources.vehicles.report import Trouble, VehicleError

KM_PER_MILE = 1.609344

_NUMBER = re.compile(r"([-+]?[0-9]{1,15}(?:[.,][0-9]+)?)\s*(?:%|km|mi|kWh|kW|W|h|min)?")
_ON = frozenset({"on", "true", "yes", "1", "plugged", "plugged in", "connected", "charging", "home", "online"})
_OFF = frozenset(
    {"off", "false", "no", "0", "unplugged", "disconnected", "not charging", "idle", "not_home", "stopped", "complete"}
)
_STEP = re.compile(r"([^.\[\]]+)|\[([^=\[\]]+)(?:=([^\[\]]*))?\]")
_OLDEST_S = 1_420_070_400.0
"""2015: a car that says it measured before that has no clock."""
_NEWEST_S = 4_102_444_800.0
_MILLISECONDS_FROM = 1e11


def decoded(body: bytes) -> object:
    """JSON; raises `VehicleError` (bad data) for anything else."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise VehicleError(Trouble.BAD_DATA, "the answer is not JSON") from None


def at(node: object, *keys: str | int) -> object:
    """What is found below the keys, else None."""
    for key in keys:
        if isinstance(key, str) and isinstance(node, dict):
            node = node.get(key)
        elif isinstance(key, int) and isinstance(node, list) and -len(node) <= key < len(node):
            node = node[key]
        else:
            return None
    return node


def found(node: object, path: str) -> object:
    """What a path of a configuration leads to: ``data.0.soc``, ``capabilities[id=storage.stateOfCharge].value``."""
    for name, key, wanted in _STEP.findall(path):
        if key:
            node = _chosen(node, key, wanted)
        elif isinstance(node, list):
            node = at(node, int(name)) if name.isdecimal() and len(name) < 6 else None
        else:
            node = at(node, name)
    return node


def _chosen(node: object, key: str, wanted: str) -> object:
    """``[0]`` takes an entry by its place, ``[id=x]`` the first whose key has that value."""
    if not isinstance(node, list):
        return at(node, key)
    if not wanted:
        return at(node, int(key)) if key.isdecimal() and len(key) < 6 else None
    return next((entry for entry in node if isinstance(entry, dict) and str(entry.get(key)) == wanted), None)


def number(value: object) -> float | None:
    """A finite number, also from a text with a comma and a unit (``63,0 %``)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        match = _NUMBER.fullmatch(value.strip())
        if match is None:
            return None
        value = float(match[1].replace(",", "."))
    if not isinstance(value, int | float):
        return None
    try:
        result = float(value)
    except OverflowError:
        return None
    return result if math.isfinite(result) else None


def within(value: object, least: float, most: float, scale: float = 1.0) -> float | None:
    """A number in the range, after scaling; -1, 255 and other words for "unknown" fall out here."""
    result = number(value)
    if result is None:
        return None
    result *= scale
    return round(result, 3) if least <= result <= most else None


def percent(value: object, scale: float = 1.0) -> float | None:
    """0 to 100 %."""
    return within(value, 0.0, 100.0, scale)


def limit_percent(value: object) -> float | None:
    """A charge limit, 20 to 100 %: what is below no car offers."""
    return within(value, 20.0, 100.0)


def kilometres(value: object, *, miles: bool = False) -> float | None:
    """A distance in km, 0 up to two million."""
    result = within(value, 0.0, 2_000_000.0, KM_PER_MILE if miles else 1.0)
    return None if result is None else round(result, 1)


def capacity(value: object) -> float | None:
    """The size of a battery in kWh; values above 1000 are kJ, and what no car has is None."""
    result = number(value)
    if result is None:
        return None
    if result > 1000:
        result /= 3600.0
    return round(result, 2) if 10 <= result <= 250 else None


def flag(value: object) -> bool | None:
    """A switch from a bool, a number (0 is off) or one of the usual words."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        word = value.strip().lower()
        if word in _ON:
            return True
        return False if word in _OFF else None
    count = number(value)
    return None if count is None or count < 0 or count > 100 else count > 0


def instant(value: object) -> float | None:
    """UTC seconds from epoch seconds, epoch milliseconds or ISO 8601 text (without an offset it is UTC)."""
    if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
        try:
            parsed = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
        return _sane(_stamp(parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)))
    seconds = number(value)
    if seconds is None:
        return None
    return _sane(seconds / 1000.0 if seconds >= _MILLISECONDS_FROM else seconds)


def wall_clock(value: object, zone: tzinfo, now_utc_s: float) -> float | None:
    """UTC seconds from ``YYYYMMDDhhmmss[.fff]`` in a zone.

    An hour that a clock change repeats is taken as the later one that is not in the future.
    """
    if not isinstance(value, str | int) or isinstance(value, bool):
        return None
    digits = str(value).partition(".")[0]
    if len(digits) != 14 or not (digits.isascii() and digits.isdecimal()):
        return None
    try:
        local = datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=zone)
    except ValueError:
        return None
    later = _sane(_stamp(local.replace(fold=1)))
    if later is None or later <= now_utc_s:
        return later
    return _sane(_stamp(local.replace(fold=0)))


def _stamp(moment: datetime) -> float:
    """The seconds since 1970, also at the ends of what a datetime can say."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1)


def _sane(seconds: float) -> float | None:
    return round(seconds, 3) if _OLDEST_S <= seconds <= _NEWEST_S else None
