"""The recent past in fixed memory: means, gaps and a clock that is set."""

from __future__ import annotations

from msgspec.structs import replace

from phaeton.model import Output
from phaeton.sinks.web.series import History
from tests import outputs


def at(second: float, power_w: float | None = 6480.0, utc_shift_s: float = 0.0) -> Output:
    made = outputs.output(1000.0 + second, read=replace(outputs.reading(), power_w=power_w))
    decision = replace(made.decision, utc_s=made.decision.utc_s + utc_shift_s)
    return replace(made, decision=decision)


def test_several_decisions_in_a_second_are_one_sample() -> None:
    history = History(["1"])
    for quarter in range(40):
        history.add(at(quarter / 4))
    assert len(history.series("1", 60).t) in (8, 9)


def test_ten_seconds_are_one_mean() -> None:
    history = History(["1"])
    for second in range(21):
        history.add(at(float(second), power_w=1000.0 if second % 10 < 5 else 3000.0))
    assert history.series("1", 3600).power_w == [2000.0, 2000.0]


def test_what_was_not_known_is_a_gap() -> None:
    history = History(["1"])
    for second in range(3):
        history.add(at(float(second), power_w=None))
    history.add(outputs.unreachable(1003.0))
    history.add(at(4.0))
    series = history.series("1", 60)
    assert series.power_w == [None] * 4
    assert series.pv_w == [8240, 8240, 8240, None]
    assert series.setpoint_w[3] is None


def test_a_number_beyond_all_measure_is_a_gap() -> None:
    history = History(["1"])
    history.add(at(0.0, power_w=float("inf")))
    history.add(at(1.0))
    assert history.series("1", 60).power_w == [None]


def test_times_only_rise_after_the_clock_was_set_back() -> None:
    history = History(["1"])
    for second in range(30):
        history.add(at(float(second)))
    for second in range(30, 50):
        history.add(at(float(second), utc_shift_s=-20.0))
    times = history.series("1", 60).t
    assert times == sorted(set(times))
    assert times[-1] == outputs.NOON_UTC_S + 28


def test_an_unknown_point_has_no_samples() -> None:
    history = History(["1", "2"])
    history.add(at(0.0))
    history.add(at(1.0))
    assert history.series("2", 60).power_w == [None]
