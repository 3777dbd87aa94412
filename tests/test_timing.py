"""Timings: quantiles that are right to within 6 %, an hour that moves on, a histogram for Prometheus."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from phaeton.timing import BOUNDS_S, SLOT_S, SLOTS, Timing

TIMES = st.lists(st.floats(min_value=16e-6, max_value=60.0), min_size=1, max_size=300)


def nearest_rank(times: list[float], share: float) -> float:
    return sorted(times)[max(0, -(-len(times) * round(share * 100) // 100) - 1)]


@given(TIMES)
def test_a_quantile_is_right_to_within_a_bucket(times: list[float]) -> None:
    timing = Timing()
    for index, took_s in enumerate(times):
        timing.note(took_s, float(index))
    found = timing.spread(float(len(times))).since_start
    assert found.count == len(times)
    for share, told in ((0.5, found.p50_ms), (0.95, found.p95_ms), (0.99, found.p99_ms)):
        assert told is not None
        wanted = nearest_rank(times, share) * 1000.0
        assert abs(told - wanted) <= 0.0626 * wanted + 0.002
    assert found.max_ms == round(max(times) * 1000.0, 3)


def test_nothing_measured_is_null_and_not_0() -> None:
    spread = Timing().spread(0.0)
    assert spread.last_ms is None
    assert spread.since_start.count == 0
    assert spread.last_hour.p99_ms is None


def test_a_spike_leaves_the_last_hour_but_not_the_time_since_the_start() -> None:
    timing = Timing()
    timing.note(3.0, 0.0)
    for second in range(1, 2 * int(SLOT_S * SLOTS)):
        timing.note(0.001, float(second))
    spread = timing.spread(2 * SLOT_S * SLOTS)
    assert spread.since_start.max_ms == 3000.0
    assert spread.last_hour.max_ms == 1.0
    assert 3000 <= spread.last_hour.count <= 3900
    assert spread.since_start.count == 2 * int(SLOT_S * SLOTS)


def test_after_an_hour_of_silence_the_last_hour_is_empty() -> None:
    timing = Timing()
    timing.note(0.002, 0.0)
    assert timing.spread(2 * SLOT_S * SLOTS).last_hour.count == 0
    assert timing.spread(2 * SLOT_S * SLOTS).since_start.count == 1


@given(st.lists(st.integers(min_value=0, max_value=80_000_000), min_size=1, max_size=200))
def test_the_histogram_counts_each_time_below_its_bounds(micros: list[int]) -> None:
    timing = Timing()
    for us in micros:
        timing.note((us + 0.5) / 1e6, 0.0)
    counts, sum_s = timing.histogram()
    assert counts[:-1] == tuple(sum((us + 0.5) / 1e6 < bound for us in micros) for bound in BOUNDS_S)
    assert counts[-1] == len(micros)
    assert abs(sum_s - sum((us + 0.5) / 1e6 for us in micros)) < 1e-6 * max(sum_s, 1.0)
