"""The schedules of the forerunners as windows: two vocabularies, one meaning.

``active, days (0 = Monday), start_time, end_time`` and the older ``enabled, days_mask (Sunday = 1), start, end``.
Neither knew a window of 24 hours: where start and end are the same it never charged.
"""

from __future__ import annotations

import re

from msgspec import Struct

from phaeton.config.document import Node, Scalar, Section, Sequence, integer
from phaeton.config.problems import Notice, Place

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = re.compile(r"\s*([0-9]{1,9})\s*:\s*([0-9]{1,9})\s*")
_NEVER = "is left out: it never charged, for"


class _Item(Struct, frozen=True):
    """One vocabulary's reading of an item; ``days`` empty means none."""

    start: str
    end: str
    days: tuple[str, ...]
    active: bool
    remark: str = ""


def windows(node: Node) -> tuple[Sequence, list[Notice]]:
    """The windows that the items mean, and a notice for each item."""
    found: list[Node] = []
    notices: list[Notice] = []
    for index, item in enumerate(node.items if isinstance(node, Sequence) else ()):
        key = f"schedule.items[{index}]"
        read = _item(item) if isinstance(item, Section) else None
        if read is None:
            notices.append(Notice(key, "is left out: it is no window", item.place))
        elif read.start == read.end or (read.start, read.end) == ("00:00", "24:00"):
            whole = 'start and end are the same (the whole day is start: "00:00", end: "24:00" now)'
            notices.append(Notice(key, f"{_NEVER} {whole}", item.place))
        elif not read.days:
            notices.append(Notice(key, f"{_NEVER} it names no day", item.place))
        else:
            notices.append(Notice(key, f"is now schedule.windows[{len(found)}]{_remarks(read)}", item.place))
            found.append(_window(read, Place(item.place.line, item.place.variable, key)))
    return Sequence(tuple(found), node.place), notices


def _item(item: Section) -> _Item | None:
    newer, older = _newer(item), _older(item)
    if newer is not None and (older is None or newer.start != newer.end):
        return newer
    return older


def _newer(item: Section) -> _Item | None:
    if item.entries.keys().isdisjoint({"active", "days", "start_time", "end_time"}):
        return None
    days = item.entries.get("days")
    listed = days.items if isinstance(days, Sequence) else ()
    numbers = {integer(day.text) for day in listed if isinstance(day, Scalar)}
    chosen = tuple(name for number, name in enumerate(_DAYS) if number in numbers) if listed else _DAYS
    return _read(item, "start_time", "end_time", chosen, _is_on(item.entries.get("active")))


def _older(item: Section) -> _Item | None:
    if item.entries.keys().isdisjoint({"enabled", "days_mask", "start", "end"}):
        return None
    mask = (integer(_text(item, "days_mask")) or 0) % 128
    chosen = tuple(name for number, name in enumerate(_DAYS) if mask >> (number + 1) % 7 & 1)
    return _read(item, "start", "end", chosen, _is_on(item.entries.get("enabled")))


def _read(item: Section, start_key: str, end_key: str, days: tuple[str, ...], active: bool) -> _Item:
    start, odd_start = _time(_text(item, start_key))
    end, odd_end = _time(_text(item, end_key))
    if _text(item, end_key).strip() == "24:00":
        end, odd_end = "24:00", ""
    return _Item(start, end, days, active, odd_start or odd_end)


def _time(text: str) -> tuple[str, str]:
    """HH:MM as the forerunners read it: too much wraps around, nonsense is midnight."""
    found = _TIME.fullmatch(text)
    hour, minute = (int(found[1]), int(found[2])) if found else (0, 0)
    read = f"{hour % 24:02}:{minute % 60:02}"
    usual = text.strip() in ("", read, read.removeprefix("0"))
    return read, "" if usual else f"{text[:20]!r} counted as {read}"


def _text(item: Section, key: str) -> str:
    node = item.entries.get(key)
    return node.text if isinstance(node, Scalar) else ""


def _is_on(node: Node | None) -> bool:
    return isinstance(node, Scalar) and node.text.lower() in ("1", "true", "yes", "on")


def _remarks(item: _Item) -> str:
    remarks = [item.remark] if item.remark else []
    if item.end < item.start and len(item.days) < len(_DAYS):
        remarks.append("over midnight it belongs to the day that it starts on now: check its days")
    return f" ({'; '.join(remarks)})" if remarks else ""


def _window(item: _Item, place: Place) -> Section:
    entries: dict[str, Node] = {
        "start": Scalar(item.start, place, quoted=True),
        "end": Scalar(item.end, place, quoted=True),
    }
    if len(item.days) < len(_DAYS):
        entries["days"] = Sequence(tuple(Scalar(day, place) for day in item.days), place)
    if not item.active:
        entries["active"] = Scalar("false", place)
    return Section(entries, place)
