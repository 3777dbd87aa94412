"""Reasons in words: one short English sentence for each `Why`, with its numbers and units.

The table also says what the fields of a `Reason` mean: ``value`` is what is measured or in force, ``limit`` is what it
is compared with, ``left_s`` are the seconds until the reason may end, and ``text`` is the charger's own word or a
cause. Numbers that are not known are left out of the sentence, never invented.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from phaeton.model import Reason, Why

Unit = Literal["W", "A", "%", "kWh", "s", "count", "times", "phases", "price"]


class Words(Struct, frozen=True, gc=False):
    """How one kind of reason is said."""

    plain: str
    """Said when a number of `full` is missing."""
    full: str = ""
    """Said when all of its numbers are known; ``{value}`` and ``{limit}`` are put in with their units."""
    value: Unit = "W"
    limit: Unit = "W"
    left: str = ""
    """Added when ``left_s`` is known; holds ``{left}``."""


_TABLE: dict[Why, Words] = {
    Why.NO_READING: Words("The charger has not been read yet"),
    Why.UNREACHABLE: Words("The charger does not answer", "The charger has not answered for {value}", value="s"),
    Why.NO_CAR: Words("No car is plugged in"),
    Why.FAULT: Words("The charger reports a fault"),
    Why.UNAVAILABLE: Words("The charger says that it is not available"),
    Why.AWAITING_AUTH: Words("The charger waits for a card or an app to release it"),
    Why.STOPPED: Words("Charging is stopped; press Start to go on"),
    Why.MANUAL: Words("Manual: the current that was set", "Manual: set to {value}", value="A", limit="A"),
    Why.BOOST: Words(
        "Fast for once, as much as the limits allow",
        "Fast for once, as much as the limits allow; {value} to go",
        value="kWh",
        left="; {left} left",
    ),
    Why.ENERGY_LIMIT: Words(
        "The energy limit of this stay is reached",
        "The energy limit of this stay is reached: {value} of {limit}",
        value="kWh",
        limit="kWh",
    ),
    Why.WINDOW: Words(
        "A time window is open", "A time window is open: up to {value}", value="A", left="; it closes in {left}"
    ),
    Why.OUTSIDE_WINDOWS: Words("No time window is open", left="; the next opens in {left}"),
    Why.PRICE_LOW: Words(
        "The price is low enough",
        "The price is low enough: {value}, the limit is {limit}",
        value="price",
        limit="price",
        left="; the slot ends in {left}",
    ),
    Why.PRICE_WAIT: Words(
        "Waiting for a lower price",
        "The price is {value}; waiting for {limit}",
        value="price",
        limit="price",
        left=", in {left}",
    ),
    Why.PRICE_MISSING: Words("No price is known for now; nothing is charged by price until there is one"),
    Why.PLAN_SLOT: Words(
        "A slot of the plan",
        "A slot of the plan at {value}",
        value="price",
        limit="kWh",
        left="; it ends in {left}",
    ),
    Why.PLAN_WAIT: Words(
        "The plan waits for a cheaper slot",
        "The plan waits for {limit}; now it is {value}",
        value="price",
        limit="price",
        left="; it begins in {left}",
    ),
    Why.PLAN_SUN: Words(
        "The plan counts on the sun", "The plan counts on the sun for {value} of {limit}", value="kWh", limit="kWh"
    ),
    Why.PLAN_LATE: Words(
        "The goal cannot be met by the departure; charging goes on at once",
        "The goal cannot be met in time: {value} ({limit} of the need) will be missing; charging goes on at once",
        value="kWh",
        limit="%",
        left="; late by {left}",
    ),
    Why.PLAN_PRICES: Words(
        "The prices for the rest are not known yet; the plan waits for them",
        left="; at the latest it begins in {left}",
    ),
    Why.PLAN_DONE: Words("The goal for the departure is met", left=", which is in {left}"),
    Why.NO_GOAL: Words("No departure is set; the plan has nothing to do"),
    Why.MIN_SOC: Words(
        "The car is below its minimum; it charges at once",
        "The car is at {value}, its minimum is {limit}; it charges at once",
        value="%",
        limit="%",
    ),
    Why.LIMIT_SOC: Words(
        "The car has reached its limit",
        "The car is at {value}, its limit is {limit}",
        value="%",
        limit="%",
    ),
    Why.SOC_UNKNOWN: Words(
        "The SoC of the car is not known; its minimum is charged by energy",
        "The SoC of the car is not known: {value} are in, at most {limit} are charged for its minimum",
        value="kWh",
        limit="kWh",
    ),
    Why.SOC_OLD: Words(
        "The SoC of the car is estimated from an old reading",
        "The SoC of the car is about {value}, estimated from a reading that is {limit} old",
        value="%",
        limit="s",
    ),
    Why.SURPLUS: Words(
        "The car takes what the sun leaves",
        "The sun leaves {value} for the car; {limit} is the least it takes",
    ),
    Why.START_DELAY: Words(
        "The surplus must last a while before charging starts",
        "The sun leaves {value}, {limit} are needed to start",
        left="; starts in {left} if it lasts",
    ),
    Why.REST: Words(
        "Pause between a stop and the next start",
        "The sun leaves {value} of the {limit} needed, but the car rests after a stop",
        left="; {left} left",
    ),
    Why.STARTS_SPENT: Words(
        "Started often enough for now, to spare the contactor",
        "Started {value} in the last hour, {limit} are allowed, to spare the contactor",
        value="times",
        limit="count",
        left="; the next in {left}",
    ),
    Why.WAIT_SUN: Words("Waiting for the sun", "The sun leaves {value}, {limit} are needed to start"),
    Why.HOLD: Words(
        "A cloud: the car stays at its minimum for a while",
        "A cloud: the sun leaves {value} of {limit}; the car stays at its minimum",
        left=" for {left} at most",
    ),
    Why.MIN_SOLAR: Words(
        "The grid fills up to the least that the car takes",
        "The sun leaves {value}; the grid fills up to {limit}, the least that the car takes",
    ),
    Why.CURTAILED: Words(
        "The solar inverter is throttled",
        "The solar inverter is throttled; trying whether it can give {value}",
        value="A",
        left="; next try in {left}",
    ),
    Why.SHARED: Words(
        "Shared with another charging point",
        "Shared with another charging point: {value} are left for this one",
    ),
    Why.LOW_SOC: Words(
        "The house battery is at its minimum; the sun charges it first",
        "The house battery is at {value}, its minimum is {limit}; it is charged first",
        value="%",
        limit="%",
    ),
    Why.BATTERY_FIRST: Words(
        "The house battery is served first",
        "The house battery is served first: {value} are kept for it",
    ),
    Why.BATTERY_FEEDS: Words(
        "The house battery may feed the car",
        "The house battery adds up to {value} for the car",
    ),
    Why.BATTERY_NOT_PROTECTED: Words(
        "The house battery may be emptied into the car; the GX setting for loads on the AC output only prevents it"
    ),
    Why.DESS: Words(
        "Dynamic ESS is active; the car takes what its plan leaves",
        "Dynamic ESS is active; its plan keeps {value} for the house battery",
    ),
    Why.SITE_STALE: Words(
        "The house sends no values",
        "The house has sent no values for {value}",
        value="s",
        left="; charging stops in {left}",
    ),
    Why.SITE_FROZEN: Words("The values of the house stand still although the car's power changed; they are not used"),
    Why.OFF_GRID: Words("The grid is away; charging waits"),
    Why.OFF_GRID_REST: Words("The grid is back; charging waits until it is steady", left="; {left} left"),
    Why.PHASE_SEQUENCE: Words(
        "Switching phases: the current rests meanwhile",
        "Switching to {value}: the current rests meanwhile",
        value="phases",
        left="; {left} left",
    ),
    Why.PHASE_WAIT: Words(
        "A phase switch has to wait", "The switch to {value} has to wait", value="phases", left="; {left} left"
    ),
    Why.PHASES_REFUSED: Words(
        "The charger does not let Phaeton choose the phases; ask the installer to enable it, then choose them once more"
    ),
    Why.PHASES_MEASURED: Words(
        "The car uses other phases than chosen",
        "The car uses {value}, chosen was {limit}",
        value="phases",
        limit="phases",
    ),
    Why.LIMIT_CONFIG: Words(
        "Limited by the configuration", "Limited by the configuration to {value}", value="A", limit="A"
    ),
    Why.LIMIT_CHARGER: Words(
        "Limited by the charger's own maximum", "Limited by the charger's own maximum of {value}", value="A"
    ),
    Why.LIMIT_CAR: Words("Limited by the car", "Limited by the car to {value}", value="A", limit="A"),
    Why.LIMIT_FUSE: Words(
        "Limited by the main fuse", "The main fuse leaves {value} for the car", value="A", left="; {left} left"
    ),
    Why.LIMIT_IMPORT: Words(
        "Limited by the most that may be drawn from the grid",
        "The import limit leaves {value} for the car",
        value="A",
    ),
    Why.LIMIT_UNBALANCED: Words(
        "Limited because the car uses one phase", "Limited to {value} because the car uses one phase", value="A"
    ),
    Why.LIMIT_OPERATOR: Words(
        "Limited by the power cap", "The power cap of {limit} leaves {value}", value="A", limit="W"
    ),
    Why.LIMIT_BLIND: Words(
        "The house connection is not measured; the current stays at a safe value",
        "The house connection is not measured; at most {value} until it is",
        value="A",
    ),
    Why.LIMIT_REST: Words("A limit stopped the car; it rests", left="; {left} left"),
    Why.BELOW_MINIMUM: Words(
        "What is left is less than the car can take",
        "{value} is less than the {limit} that the car needs",
        value="A",
        limit="A",
    ),
    Why.SETTLING: Words(
        "The car still follows the last change",
        "The car still follows the last change; {limit} would be possible",
        value="A",
        limit="A",
    ),
    Why.RAISE_PACE: Words(
        "The next raise has to wait", "Rising to {limit} at the next step", value="A", limit="A", left=" in {left}"
    ),
    Why.RAISE_BUDGET: Words("Raised often enough for now; the charger logs each change", left="; the next in {left}"),
    Why.ADOPTED: Words(
        "Taken over from before the restart", "{value} taken over from before the restart", value="A", limit="A"
    ),
    Why.ASLEEP: Words("Current is offered, but the car takes none; it seems to sleep", left="; woken up in {left}"),
    Why.WAKING: Words("Waking the car: a short pause, then current again", left="; {left} left"),
    Why.CHARGED: Words("The car ended charging; it seems to be full"),
    Why.NOT_TAKEN: Words(
        "The charger refused the current",
        "The charger refused {value}",
        value="A",
    ),
    Why.FOREIGN_WRITER: Words(
        "Somebody else also sets the charger's current",
        "Somebody else set the charger to {value}, {limit} so far",
        value="A",
        limit="times",
        left=", every {left}",
    ),
    Why.WRITES_IGNORED: Words(
        "The charger does not take over the current; ask the installer to enable control by Modbus",
        "The charger does not take over {value}, it stays at {limit}; ask the installer to enable control by Modbus",
        value="A",
        limit="A",
    ),
    Why.READ_ONLY: Words("The charger is only read; nothing is written to it"),
}


def span(seconds: float) -> str:
    """A length of time as people say it: ``45 s``, ``12 min``, ``3 h 20 min``."""
    whole = max(round(seconds), 0)
    if whole < 120:
        return f"{whole} s"
    if whole < 5400:
        return f"{round(whole / 60)} min"
    minutes = round(whole / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def _amount(value: float, unit: Unit) -> str:
    if unit == "s":
        return span(value)
    if unit == "phases":
        return "one phase" if round(value) == 1 else f"{round(value)} phases"
    if unit == "count":
        return f"{round(value)}"
    if unit == "times":
        return "once" if round(value) == 1 else f"{round(value)} times"
    if unit == "W":
        return f"{round(value):,} W"
    if unit == "price":
        return f"{value:.3f} per kWh"
    return f"{value:,.1f}".removesuffix(".0") + f" {unit}"


def describe(reason: Reason) -> str:
    """The reason as one short sentence without a full stop."""
    words = _TABLE[reason.why]
    sentence = words.plain
    needs_value, needs_limit = "{value}" in words.full, "{limit}" in words.full
    has_all = not (needs_value and reason.value is None) and not (needs_limit and reason.limit is None)
    if words.full and has_all:
        sentence = words.full.format(
            value="" if reason.value is None else _amount(reason.value, words.value),
            limit="" if reason.limit is None else _amount(reason.limit, words.limit),
        )
    if words.left and reason.left_s is not None:
        sentence += words.left.format(left=span(reason.left_s))
    if reason.text:
        sentence += f": {reason.text}" if ":" not in sentence else f" ({reason.text})"
    return sentence
