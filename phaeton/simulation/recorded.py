"""The own past as a history: from the recorder's files, or from the minutes of the store; and what energy cost in it.

The load is the house without its cars, so that the cars of a simulation can be put in their place. A time in which the
house or a charger was not known is a gap.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from phaeton.minutes import MINUTE_S, MINUTES, Block, unit
from phaeton.model import ChargerReading, PriceSlot, SiteReading, Tick, Unavailable
from phaeton.recording import Part, RecordingError, open_recording
from phaeton.simulation.columns import Columns
from phaeton.simulation.history import Gap, History, Span
from phaeton.simulation.scope import SimulationError
from phaeton.simulation.tariff import Tariff

Cell = tuple[float, float, float]
"""Start (UTC seconds), PV and load in W."""

STALE_S = 15.0
"""A value that is older is not that of the present second."""
PRICE_SLOT_S = 900
MEASURED_SUN = "The sun counts as it was measured: what was held back while nobody could use it is not in it"
_MOST_KNOWN = 0.5
"""A cell of which less than this part is known is a gap."""


def history_of(cells: Iterable[Cell], cell_s: float, data_s: float, notes: Sequence[str] = ()) -> History:
    """A history from cells in order of time; what is missing between them is a gap. Raises `SimulationError`."""
    columns = Columns(2)
    spans: list[Span] = []
    for start_s, pv_w, load_w in cells:
        if spans:
            last = spans[-1]
            end_s = last.start_s + last.count * cell_s
            if start_s < end_s - cell_s / 2:
                continue  # the wall clock was set back
        columns.append((pv_w, load_w))
        if spans and abs(start_s - end_s) < cell_s / 2:
            spans[-1] = Span(last.start_s, last.first, last.count + 1)
        else:
            spans.append(Span(start_s, columns.rows - 1, 1))
    if not spans:
        raise SimulationError("nothing of this time is known: neither the sun nor the house was recorded in it")
    gaps = tuple(
        Gap(before.start_s + before.count * cell_s, after.start_s, "not recorded") for before, after in pairwise(spans)
    )
    return History(cell_s=cell_s, data_s=data_s, columns=columns, spans=tuple(spans), gaps=gaps, notes=tuple(notes))


def of_minutes(blocks: Iterable[Block], from_s: float, to_s: float) -> Iterator[Cell]:
    """The cells of whole minutes in which sun and house were known for half of the time or more."""
    for block in sorted(blocks, key=lambda one: one.start_s):
        pv, house = block.lanes.get("pv_w"), block.lanes.get("house_w")
        if pv is None or house is None:
            continue
        for minute in range(MINUTES):
            start_s = float(block.start_s + minute * MINUTE_S)
            known_s = min(pv.known_s[minute], house.known_s[minute])
            if from_s <= start_s < to_s and known_s >= MINUTE_S * _MOST_KNOWN:
                yield start_s, float(max(pv.mean[minute], 0)), float(max(house.mean[minute], 0))


def of_recordings(paths: Sequence[Path], cell_s: float, from_s: float, to_s: float) -> Iterator[Cell]:
    """The cells of recorded seconds; raises `RecordingError` and `OSError`."""
    sums, count, place = [0.0, 0.0], 0, -1
    for utc_s, pv_w, load_w in _seconds(paths):
        if not from_s <= utc_s < to_s:
            continue
        now = math.floor(utc_s / cell_s)
        if now != place:
            if count >= cell_s * _MOST_KNOWN:
                yield place * cell_s, sums[0] / count, sums[1] / count
            sums, count, place = [0.0, 0.0], 0, now
        sums[0] += pv_w
        sums[1] += load_w
        count += 1
    if count >= cell_s * _MOST_KNOWN:
        yield place * cell_s, sums[0] / count, sums[1] / count


def read_recordings(paths: Sequence[Path], step_s: float) -> History:
    """The history in recordings, whole, in order of their names (a day each); raises `SimulationError`."""
    try:
        return history_of(of_recordings(sorted(paths), step_s, -math.inf, math.inf), step_s, 1.0, (MEASURED_SUN,))
    except RecordingError as error:
        raise SimulationError(str(error)) from None
    except OSError as error:
        raise SimulationError(f"{error.filename}: cannot be read: {error.strerror}") from None


def _seconds(paths: Sequence[Path]) -> Iterator[tuple[float, float, float]]:
    """Time, PV and the load without cars at each tick at which all of it was known."""
    before_s = -math.inf
    for path in paths:
        for part in open_recording(path).parts:
            for second in _of_part(part):
                if second[0] >= before_s + 0.5:  # the first of several decisions in a second
                    before_s = second[0]
                    yield second


def _of_part(part: Part) -> Iterator[tuple[float, float, float]]:
    site: SiteReading | None = None
    chargers: dict[str, ChargerReading] = {}
    for step in part.steps():
        event = step.event
        if isinstance(event, SiteReading):
            site = event
        elif isinstance(event, ChargerReading):
            chargers[event.point] = event
        elif isinstance(event, Unavailable):
            if event.source == "site":
                site = None
            chargers.pop(event.source, None)
        elif isinstance(event, Tick) and site is not None and event.mono_s - site.mono_s <= STALE_S:
            load_w = site.consumption_w
            if load_w is None or site.pv_w is None or not chargers:
                continue
            for reading in chargers.values():
                if reading.power_w is None or event.mono_s - reading.mono_s > STALE_S:
                    break
                load_w -= reading.power_w
            else:
                yield event.utc_s, max(site.pv_w, 0.0), max(load_w, 0.0)


def tariff_of(blocks: Iterable[Block], currency: str) -> Tariff | None:
    """What energy cost, by quarters of an hour; None where no price is known."""
    names = ("import_per_kwh", "feed_in_per_kwh")
    slots: list[PriceSlot] = []
    each = PRICE_SLOT_S // MINUTE_S
    for block in sorted(blocks, key=lambda one: one.start_s):
        lanes = [block.lanes.get(name) for name in names]
        for first in range(0, MINUTES, each):
            prices: list[float] = []
            for name, lane in zip(names, lanes, strict=True):
                known_s = 0 if lane is None else sum(lane.known_s[first : first + each])
                if lane is not None and known_s:
                    minutes = range(first, first + each)
                    total = sum(lane.mean[minute] * lane.known_s[minute] for minute in minutes)
                    prices.append(round(total / known_s * unit(name), 5))
            if len(prices) == len(names):
                start_s = float(block.start_s + first * MINUTE_S)
                slots.append(PriceSlot(start_s, start_s + PRICE_SLOT_S, prices[0], prices[1]))
    return Tariff(tuple(slots), currency) if slots else None
