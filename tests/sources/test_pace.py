"""Work that goes along with a companion of its pace, simulated second by second."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from phaeton.sources.pace import PATIENCE_S, Pace

PERIOD_S = 1.0


def done_at(companion_s: Iterable[float], until_s: float = 30.0) -> list[tuple[float, bool]]:
    """When the work is done and whether along with the companion, beginning at 0."""
    pace = Pace()
    done: list[tuple[float, bool]] = []
    last_s = 0.0
    for met_s in (*companion_s, until_s):
        while (due_s := pace.due_s(last_s, PERIOD_S)) < met_s:
            pace.alone()
            last_s = due_s
            done.append((due_s, False))
        if met_s < until_s and pace.along(met_s, last_s, PERIOD_S):
            last_s = met_s
            done.append((met_s, True))
    return done


def gaps_s(done: list[tuple[float, bool]]) -> list[float]:
    times_s = [0.0, *(done_s for done_s, _ in done)]
    return [later - earlier for earlier, later in pairwise(times_s)]


def test_without_a_companion_the_timer_keeps_the_pace() -> None:
    assert gaps_s(done_at([])) == [1.0] * 29


@given(st.floats(0.0, 1.0), st.floats(-0.001, 0.003), st.lists(st.floats(-0.04, 0.04), min_size=95, max_size=95))
def test_a_companion_of_the_same_pace_is_followed_from_its_second_time_on(
    phase_s: float, drift: float, jitter_s: list[float]
) -> None:
    companion_s = [phase_s + (1.0 + drift) * n + jitter for n, jitter in enumerate([0.0, 0.0, *jitter_s])]
    done = done_at([met for met in companion_s if met > 0], until_s=97.0)
    assert all(along for done_s, along in done if done_s > phase_s + 2.5)
    assert max(gaps_s(done)) <= 1.5 + 0.05, "and never waited for much longer than a period"


def test_when_the_companion_falls_silent_the_timer_goes_on_alone() -> None:
    done = done_at([0.3 + second for second in range(10)])
    late = [gap for gap in gaps_s(done)[11:] if gap != 1.0]
    assert done[-1][0] > 28.0
    assert all(gap <= 1.0 + PATIENCE_S + 1e-9 for gap in late)
    assert not any(along for done_s, along in done if done_s > 10.0)


@given(st.lists(st.floats(0.0, 3.0) | st.floats(0.8, 1.2), max_size=60))
def test_whatever_the_companion_does_the_work_is_done_in_time_and_not_too_often(apart_s: list[float]) -> None:
    met_s, companion_s = 0.0, []
    for apart in apart_s:
        met_s += apart
        companion_s.append(met_s)
    done = done_at([met for met in companion_s if met < 30.0])
    assert all(0.5 - 1e-9 <= gap <= 1.5 + PATIENCE_S + 1e-9 for gap in gaps_s(done))


@given(st.floats(0.05, 1.0))
def test_by_a_faster_companion_the_work_is_hardly_done_more_often(every_s: float) -> None:
    done = done_at([every_s * n for n in range(1, int(300 / every_s))], until_s=300.0)
    assert len(done) <= 300 * 1.04 + 2


@given(st.floats(0.05, 0.85) | st.floats(1.2, 3.0))
def test_a_companion_of_another_pace_is_not_followed(every_s: float) -> None:
    done = done_at([every_s * n for n in range(1, int(30 / every_s))])
    assert not any(along for _, along in done)
