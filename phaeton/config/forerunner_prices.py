"""Charging by Tibber's prices in the forerunners: their keys belong together, for one says whether the others counted.

`schedule.mode: tibber` (one program) or `tibber.enabled: true` (the other) let the prices decide in scheduled mode; the
windows did not count then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from phaeton.config.document import Node, Scalar, Section, Sequence, real
from phaeton.config.nodes import Step
from phaeton.config.problems import Notice, Place
from phaeton.config.writing import number

Value: TypeAlias = tuple[tuple[Step, ...], Node]

HOMES = {
    "tibber.access_token": "prices.tibber.token",
    "tibber.home_id": "prices.tibber.home",
    "tibber.enabled": "prices.source",
    "tibber.strategy": "schedule.strategy",
    "tibber.max_price_total": "schedule.threshold_per_kwh",
    "tibber.cheap_percentile": "schedule.percentile_pct",
    "tibber.charge_on_cheap": "schedule.levels",
    "tibber.charge_on_very_cheap": "schedule.levels",
    "schedule.mode": "schedule.strategy",
    "pricing.source": "prices.source",
}
"""Where each key is now."""

_STRATEGIES = ("level", "threshold", "percentile")
_TRUE = ("true", "yes", "on", "1")


def by_price(keys: Mapping[str, Node]) -> bool:
    """Whether the prices decided in scheduled mode."""
    return _text(keys, "schedule.mode").lower() == "tibber" or _text(keys, "tibber.enabled").lower() in _TRUE


def moved(keys: Mapping[str, Node], *, whole: bool) -> tuple[list[Value], list[Notice]]:
    """What becomes of the keys of `HOMES` that are there, with one notice for each.

    ``whole``: these are all keys of a file. Without an access token nothing was ever charged by price, then.
    """
    used = not whole or (by_price(keys) and bool(_text(keys, "tibber.access_token")))
    found = {key: keys[key] for key in HOMES if key in keys}
    values: list[Value] = []
    notices: list[Notice] = []
    for key, node in found.items():
        text, remark = _fitted(key, node, keys, used)
        where = HOMES[key]
        if text is None:
            notices.append(Notice(key, f"is left at the default: {remark}", node.place))
            continue
        place = Place(node.place.line, node.place.variable, key)
        values.append((tuple(where.split(".")), text if isinstance(text, Sequence) else Scalar(text, place)))
        notices.append(Notice(key, f"is now {where}{f' ({remark})' if remark else ''}", node.place))
        if key == "schedule.mode":
            values.append((("prices", "source"), Scalar("tibber", place)))
        if key == "tibber.enabled":
            values.append((("schedule", "strategy"), Scalar(_strategy(keys), place)))
    return values, notices


def without_effect(windows: Sequence) -> Sequence:
    """The windows kept, but switched off: while the prices decided they did not count."""
    off = [
        Section(item.entries | {"active": Scalar("false", item.place)}, item.place)
        for item in windows.items
        if isinstance(item, Section)
    ]
    return Sequence(tuple(off), windows.place)


def _fitted(key: str, node: Node, keys: Mapping[str, Node], used: bool) -> tuple[str | Sequence | None, str]:
    """The value at the new place (None = the default), and what the owner should know."""
    text = node.text.strip() if isinstance(node, Scalar) else ""
    match key:
        case "tibber.access_token" | "tibber.home_id":
            return (text, "") if text else (None, "it is empty")
        case "tibber.enabled":
            return ("tibber", "") if used and text.lower() in _TRUE else (None, "Tibber was not used")
        case "schedule.mode":
            if text.lower() != "tibber":
                return None, "the windows decide"
            return (_strategy(keys), "") if used else (None, "without an access token nothing was charged by price")
        case "tibber.strategy":
            return (_strategy(keys), "") if used else (None, "Tibber did not decide")
        case "pricing.source":
            by_tibber = used and by_price(keys)
            if text.lower() == "victron" and not by_tibber:
                return "victron", "plain Venus OS tells no price: check that something does"
            return None, "the prices are Tibber's" if by_tibber else "the price is prices.import_per_kwh"
        case "tibber.max_price_total":
            limit = real(text)
            return (text, "") if limit is not None and limit > 0 else (None, "0 meant that there is no limit")
        case "tibber.cheap_percentile":
            return _percentile(text)
        case _:
            return _levels(keys, node.place)


def _strategy(keys: Mapping[str, Node]) -> str:
    """The strategy that was really followed."""
    named = _text(keys, "tibber.strategy").lower()
    strategy = named if named in _STRATEGIES else "level"
    limit = real(_text(keys, "tibber.max_price_total"))
    if strategy == "threshold" and (limit is None or limit <= 0):
        strategy = "level"
    if strategy == "level" and not _named_levels(keys):
        return "windows"
    return strategy


def _percentile(text: str) -> tuple[str | None, str]:
    share = real(text)
    if share is None:
        return None, "it is no number"
    percent = min(max(share * 100.0, 1.0), 100.0)
    return number(round(percent, 3)), "in percent; hours that are over no longer count"


def _levels(keys: Mapping[str, Node], place: Place) -> tuple[Sequence | None, str]:
    levels = _named_levels(keys)
    if not levels:
        return None, "without a level nothing was ever charged by level"
    return Sequence(tuple(Scalar(level, place) for level in levels), place), ""


def _named_levels(keys: Mapping[str, Node]) -> list[str]:
    """Both levels were on where a key is not there."""
    return [
        level
        for level in ("very_cheap", "cheap")
        if f"tibber.charge_on_{level}" not in keys or _text(keys, f"tibber.charge_on_{level}").lower() in _TRUE
    ]


def _text(keys: Mapping[str, Node], key: str) -> str:
    node = keys.get(key)
    return node.text.strip() if isinstance(node, Scalar) else ""
