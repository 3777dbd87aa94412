"""Minutes: from seconds into hours, onto the disk and back, and into buckets that lose no energy and no peak."""

from __future__ import annotations

import math
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phaeton.minutes import (
    BLOCK_S,
    MINUTE_S,
    MINUTES,
    Block,
    Buckets,
    Collector,
    DamagedBlock,
    Grid,
    Lane,
    decode,
    encode,
    grid,
)

HOUR_S = 1_780_308_000
"""2026-06-01 10:00 UTC."""
NAN = math.nan


@st.composite
def lanes(draw: st.DrawFn) -> Lane:
    """An hour of a quantity with gaps, partly known minutes and peaks."""
    lane = Lane.empty()
    for minute in range(MINUTES):
        known_s = draw(st.sampled_from((0, 0, 1, 30, 59, 60, 60, 60)))
        if known_s:
            mean = draw(st.integers(-40_000, 40_000))
            lane.put(minute, known_s, mean, mean - draw(st.integers(0, 9_000)), mean + draw(st.integers(0, 9_000)))
    return lane


@st.composite
def histories(draw: st.DrawFn) -> list[Block]:
    """Hours in a row, with whole hours missing."""
    hours = sorted(draw(st.sets(st.integers(0, 5), min_size=1, max_size=4)))
    return [Block(HOUR_S + hour * BLOCK_S, {"pv_w": draw(lanes())}) for hour in hours]


@given(histories(), st.sampled_from((60, 120, 300, 600, 900, 1800, 3600, 7200, 21600)))
def test_buckets_keep_the_energy_and_the_peaks_and_leave_gaps_as_gaps(blocks: list[Block], step_s: int) -> None:
    where = Grid(HOUR_S // step_s * step_s, step_s, -(-(7 * BLOCK_S) // step_s))
    buckets = Buckets(where, ["pv_w"])
    for block in blocks:
        buckets.take(block)
    found = buckets.summary("pv_w")
    minutes = {
        block.start_s + minute * MINUTE_S: (n, lane.mean[minute], lane.least[minute], lane.most[minute])
        for block in blocks
        for lane in [block.lanes["pv_w"]]
        for minute, n in enumerate(lane.known_s)
        if n
    }
    for index, start_s in enumerate(where.times()):
        inside = [value for time, value in minutes.items() if start_s <= time < start_s + step_s]
        mean, least, most = found.mean[index], found.least[index], found.most[index]
        assert found.known_s[index] == sum(n for n, *_ in inside)
        if not inside:
            assert (mean, least, most) == (None, None, None)
            continue
        assert mean is not None
        assert least == min(low for _, _, low, _ in inside)
        assert most == max(high for *_, high in inside)
        assert least <= mean <= most
        weighted = sum(n * value for n, value, *_ in inside) / sum(n for n, *_ in inside)
        assert abs(mean - weighted) <= 0.5
    energy = sum(n * value for n, value, *_ in minutes.values())
    told = sum((mean or 0.0) * known for mean, known in zip(found.mean, found.known_s, strict=True))
    assert abs(told - energy) <= 0.5 * sum(found.known_s)


@given(histories())
def test_what_is_on_the_disk_is_what_was_known(blocks: list[Block]) -> None:
    for block in blocks:
        back = decode(encode(block))
        assert back.start_s == block.start_s
        known = {name: lane for name, lane in block.lanes.items() if any(lane.known_s)}
        assert back.lanes == known


@given(lanes(), lanes())
def test_two_parts_of_an_hour_become_one_with_the_better_known_minutes(newer: Lane, older: Lane) -> None:
    whole = Block(HOUR_S, {"pv_w": newer}).over(Block(HOUR_S, {"pv_w": older})).lanes["pv_w"]
    for minute in range(MINUTES):
        source = older if older.known_s[minute] > newer.known_s[minute] else newer
        assert (whole.known_s[minute], whole.mean[minute]) == (source.known_s[minute], source.mean[minute])


@given(st.integers(0, 4_000_000_000), st.integers(1, 400 * 86_400), st.integers(2, 2000))
def test_a_grid_covers_its_time_with_no_more_buckets_than_wanted(from_s: int, length_s: int, most: int) -> None:
    where = grid(from_s, from_s + length_s, most)
    assert where.count <= most
    assert where.first_s <= from_s
    assert where.end_s >= from_s + length_s
    assert where.first_s % where.step_s == 0


def test_seconds_become_minutes_with_mean_peaks_and_what_was_known() -> None:
    collector = Collector(["pv_w", "battery_soc_pct"])
    for second in range(60):
        known = second < 30
        collector.add(HOUR_S + second, [float(second), 55.34 if known else NAN])
    collector.add(HOUR_S + 60, [math.inf, NAN])
    block = collector.running()
    assert block is not None
    pv, soc = block.lanes["pv_w"], block.lanes["battery_soc_pct"]
    assert (pv.known_s[0], pv.mean[0], pv.least[0], pv.most[0]) == (60, 30, 0, 59)
    assert (soc.known_s[0], soc.mean[0]) == (30, 553)
    assert pv.known_s[1] == 0


def test_an_hour_is_handed_over_once_when_the_next_begins() -> None:
    collector = Collector(["pv_w"])
    done = [collector.add(HOUR_S + second, [100.0]) for second in range(BLOCK_S + 2)]
    blocks = [block for block in done if block is not None]
    assert [block.start_s for block in blocks] == [HOUR_S]
    assert list(blocks[0].lanes["pv_w"].known_s) == [60] * 60
    running = collector.running()
    assert running is not None
    assert running.lanes["pv_w"].known_s[0] == 2


def test_a_running_hour_may_be_asked_again_and_again() -> None:
    collector = Collector(["pv_w"])
    for second in range(90):
        collector.add(HOUR_S + second, [100.0])
        first, second_look = collector.running(), collector.running()
        assert first == second_look
    assert first is not None
    assert list(first.lanes["pv_w"].known_s[:3]) == [60, 30, 0]


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "other"])
def test_damaged_bytes_are_no_block(damage: str) -> None:
    lane = Lane.empty()
    for minute in range(MINUTES):
        lane.put(minute, 60, minute, minute, minute)
    raw = encode(Block(HOUR_S, {"pv_w": lane}))
    wrong = {
        "cut": raw[:-3],
        "flip": raw[:-9] + bytes([raw[-9] ^ 1]) + raw[-8:],
        "empty": b"",
        "other": b"\x05\x00hello world",
    }[damage]
    with pytest.raises(DamagedBlock):
        decode(wrong)


def test_an_hour_of_a_busy_house_takes_two_kilobytes() -> None:
    collector = Collector([*(f"{name}/1" for name in ("power_w", "setpoint_w", "surplus_w")), "pv_w", "grid_w"])
    state = 12345
    for second in range(BLOCK_S):
        state = (1103515245 * state + 12345) % 2**31
        noise = state % 400
        collector.add(HOUR_S + second, [3000.0 + noise, 3000.0, 2800.0 + noise, 4000.0 + noise, -200.0 + noise])
    block = collector.running()
    assert block is not None
    assert len(encode(block)) < 2_000
    assert isinstance(block.lanes["pv_w"].mean, array)
