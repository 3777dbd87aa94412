"""The own past as a history: from recordings and from minutes, gaps as gaps, the house without its cars."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from phaeton.minutes import BLOCK_S, MINUTES, Block, Lane
from phaeton.model import ChargerReading, SiteReading
from phaeton.recording import open_recording
from phaeton.simulation.recorded import history_of, of_minutes, of_recordings, tariff_of
from phaeton.simulation.scope import SimulationError

CLOUD = Path(__file__).parents[1] / "recordings" / "cloud.phaeton"
OUTAGES = CLOUD.with_name("outages.phaeton")
HOUR_S = 1_780_308_000
ALWAYS = (0.0, 1e12)


def block(hour: int = 0, **lanes: list[int | None]) -> Block:
    """An hour; None is a minute in which nothing was known."""
    found = Block(HOUR_S + hour * BLOCK_S, {})
    for name, values in lanes.items():
        lane = found.lanes[name] = Lane.empty()
        for minute, value in enumerate(values):
            if value is not None:
                lane.put(minute, 60, value, value, value)
    return found


def test_a_recording_gives_sun_and_house_by_the_cell() -> None:
    cells = list(of_recordings([CLOUD], 10.0, *ALWAYS))
    starts = [start_s for start_s, _, _ in cells]
    assert all(after - before == 10.0 for before, after in pairwise(starts))
    site = ev_w = 0.0
    sums: dict[float, list[tuple[float, float]]] = {}
    before: SiteReading | None = None
    for step in open_recording(CLOUD).parts[0].steps():
        event = step.event
        if isinstance(event, ChargerReading):
            ev_w = event.power_w or 0.0
        elif isinstance(event, SiteReading):
            before = event
        elif type(event).__name__ == "Tick" and before is not None:
            assert before.pv_w is not None
            assert before.consumption_w is not None
            rest_w = max(before.consumption_w - ev_w, 0.0)
            sums.setdefault(event.utc_s // 10.0 * 10.0, []).append((before.pv_w, rest_w))
            site += 1
    assert site > 1000
    for start_s, pv_w, load_w in cells:
        inside = sums[start_s]
        assert pv_w == pytest.approx(sum(pv for pv, _ in inside) / len(inside))
        assert load_w == pytest.approx(sum(load for _, load in inside) / len(inside))


def test_what_was_not_heard_is_a_gap_of_the_history() -> None:
    whole = history_of(of_recordings([OUTAGES], 10.0, *ALWAYS), 10.0, 1.0)
    assert whole.gaps
    assert all(gap.end_s > gap.start_s for gap in whole.gaps)
    known_s = sum(span.count for span in whole.spans) * 10.0
    missing_s = sum(gap.end_s - gap.start_s for gap in whole.gaps)
    assert whole.end_s - whole.start_s == known_s + missing_s


def test_a_part_of_a_recording_is_cut_out() -> None:
    first_s = next(of_recordings([CLOUD], 10.0, *ALWAYS))[0]
    cells = list(of_recordings([CLOUD], 10.0, first_s + 100.0, first_s + 200.0))
    assert [start_s for start_s, _, _ in cells] == [first_s + 100.0 + 10.0 * n for n in range(10)]


def test_minutes_without_sun_or_house_are_left_out() -> None:
    pv: list[int | None] = [1000] * MINUTES
    house: list[int | None] = [400] * MINUTES
    pv[5] = house[7] = None
    pv[9] = -3
    made = block(pv_w=pv, house_w=house)
    made.lanes["pv_w"].known_s[11] = 20
    cells = list(of_minutes([block(1, pv_w=[2] * 60, house_w=[3] * 60), made], HOUR_S + 60.0, HOUR_S + 3720.0))
    starts = [(start_s - HOUR_S) / 60.0 for start_s, _, _ in cells]
    assert starts == [minute for minute in range(1, 62) if minute not in (5, 7, 11)]
    assert cells[7 - 1 - 1] == (HOUR_S + 480.0, 1000.0, 400.0)
    assert (HOUR_S + 540.0, 0.0, 400.0) in cells


def test_a_clock_that_was_set_back_gives_no_time_twice() -> None:
    cells = [(0.0, 1.0, 1.0), (60.0, 2.0, 1.0), (0.0, 9.0, 9.0), (60.0, 9.0, 9.0), (120.0, 3.0, 1.0), (300.0, 4.0, 1.0)]
    found = history_of(cells, 60.0, 60.0)
    assert [(span.start_s, span.count) for span in found.spans] == [(0.0, 3), (300.0, 1)]
    assert [(gap.start_s, gap.end_s) for gap in found.gaps] == [(180.0, 300.0)]
    (chunk,) = found.chunks(found.spans[0], 0.0, 1e9)
    assert list(chunk.pv_w) == [1.0, 2.0, 3.0]


def test_nothing_known_is_said() -> None:
    with pytest.raises(SimulationError, match="nothing of this time is known"):
        history_of([], 60.0, 60.0)


def test_prices_are_those_of_the_quarters() -> None:
    prices: list[int | None] = [20_000] * 15 + [None] * 15 + [30_000] * 15 + [10_000] * 5 + [None] * 10
    made = block(import_per_kwh=prices, feed_in_per_kwh=[8_000] * MINUTES)
    tariff = tariff_of([made], "EUR")
    assert tariff is not None
    assert [(slot.start_s - HOUR_S, slot.import_per_kwh, slot.feed_in_per_kwh) for slot in tariff.slots] == [
        (0.0, 0.2, 0.08),
        (1800.0, 0.3, 0.08),
        (2700.0, 0.1, 0.08),
    ]
    assert tariff_of([block(pv_w=[1] * MINUTES)], "EUR") is None
