"""``phaeton plan``: when each charging point charges and why, by the API of the running daemon."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import datetime, tzinfo

from phaeton.daemon_client import add_address, call, say, told

Told = dict[str, object]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``plan``."""
    parser = subparsers.add_parser("plan", help="show when each charging point charges, at which price and why")
    add_address(parser)
    parser.set_defaults(handler=show)


def show(options: argparse.Namespace) -> int:
    """Print the plans."""
    return told(lambda: say(table(call(options, "GET", "/api/plan"))))


def table(found: object, zone: tzinfo | None = None) -> str:
    """The plans as text for people; times are those of ``zone``, else of this machine."""
    said = found if isinstance(found, dict) else {}
    points = said.get("points") or []
    lines: list[str] = []
    for point in points:
        if lines:
            lines.append("")
        lines += _point(point, str(said.get("currency", "")), zone)
    return "\n".join(lines) or "There is no charging point."


def _point(point: Told, currency: str, zone: tzinfo | None) -> Iterator[str]:
    vehicle, goal, plan = point.get("vehicle"), point.get("goal"), point.get("plan")
    car = "" if vehicle is None else f", {vehicle or 'a guest'}"
    yield f"{point['point']}: {point['mode']} mode, strategy {point['strategy'] or 'unknown'}{car}"
    if isinstance(goal, dict):
        yield f"  goal: {_goal(goal, zone)}"
    if isinstance(plan, dict):
        yield from _plan(plan, currency, zone)
    elif point.get("mode") != "scheduled":
        yield "  plans and prices are followed in scheduled mode"
    elif goal is None and not point.get("cheap"):
        yield "  nothing is planned"
    yield from _slots(point.get("cheap"), currency, zone)


def _goal(goal: Told, zone: tzinfo | None) -> str:
    what = f"{goal['energy_kwh']} kWh" if goal.get("soc_pct") is None else f"{goal['soc_pct']:g} %"
    return f"{what} by {_time(goal.get('departure'), zone)}{', every time' if goal.get('repeating') else ''}"


def _plan(plan: Told, currency: str, zone: tzinfo | None) -> Iterator[str]:
    cost = "unknown cost" if plan["cost"] is None else f"{plan['cost']:.2f} {currency}"
    done = "" if plan["done"] is None else f", done {_time(plan['done'], zone)}"
    yield f"  needs {plan['need_kwh']:.1f} kWh, {cost}{done}"
    late, missing = plan["late_min"], plan["missing_kwh"]
    if late or missing:
        yield f"  LATE by {late:.0f} min: {missing:.1f} kWh will be missing at the departure"
    if plan["waits_for_prices"]:
        yield "  prices are not known up to the departure; the plan is made anew when they come"
    if plan["charging"]:
        yield "  charging now"
    elif plan["next"] is not None:
        yield f"  next: {_time(plan['next'], zone)}"
    yield from _slots(plan["slots"], currency, zone)


def _slots(slots: object, currency: str, zone: tzinfo | None) -> Iterator[str]:
    rows = slots if isinstance(slots, list) else []
    if not rows:
        return
    yield f"  FROM        UNTIL      POWER     ENERGY   {currency + '/kWh':<7}   WHY"
    before = ""
    for slot in rows:
        why = slot["text"] if slot["text"] != before else '"'
        before = slot["text"]
        price = "unknown" if slot["price_per_kwh"] is None else f"{slot['price_per_kwh']:.4f}"
        power = "-" if slot["power_w"] is None else f"{slot['power_w'] / 1000:.1f} kW"
        energy = "-" if slot["energy_kwh"] is None else f"{slot['energy_kwh']:.2f} kWh"
        times = f"{_time(slot['start'], zone)}   {_time(slot['end'], zone)[-5:]}"
        yield f"  {times}   {power:>8}  {energy:>9}   {price:>7}   {why}".rstrip()


def _time(text: object, zone: tzinfo | None) -> str:
    """As ``Mon 07:15``."""
    if not isinstance(text, str):
        return "-"
    return datetime.fromisoformat(text).astimezone(zone).strftime("%a %H:%M")
