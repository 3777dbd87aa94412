"""Which settings were best, and how sure that is: from numbers whose answer is known."""

from __future__ import annotations

from random import Random

import pytest

from phaeton.simulation.sweep.rows import Row
from phaeton.simulation.sweep.verdict import FEWEST_WEEKS, Verdict, told, verdict

KEYS = ("auto.start_delay_s", "battery.priority")


def row(values: tuple[str, ...], weeks: list[float], unmet_kwh: float = 0.0) -> Row:
    return Row(
        values,
        {"settled_cost": sum(weeks), "unmet_kwh": unmet_kwh},
        {f"2024-W{number:02d}": cost for number, cost in enumerate(weeks)},
    )


def words(found: Verdict) -> str:
    return "\n".join(told(found, KEYS, "EUR"))


def test_settings_that_are_better_in_every_week_are_almost_certainly_better() -> None:
    present = row(("120", "battery"), [10.0] * 20)
    better = row(("60", "car"), [9.0] * 20, unmet_kwh=3.0)
    found = verdict(KEYS, [present, better, row(("90", "car"), [11.0] * 20)], present)
    assert found.ranking[0] is better
    assert found.saving == pytest.approx(20.0)
    assert found.sureness is not None
    assert (found.sureness.better, found.sureness.best) == (1.0, 1.0)
    assert (found.sureness.low, found.sureness.high) == (pytest.approx(20.0), pytest.approx(20.0))
    assert found.sureness.elsewhere == pytest.approx(20.0)
    said = words(found)
    assert "Best of 3: auto.start_delay_s=60, battery.priority=car" in said
    assert "180.00 EUR instead of 200.00" in said
    assert "20.00 less (10.0 %)" in said
    assert "Almost certainly better" in said
    assert "3.0 kWh are missing at departures (present: 0.0)" in said
    assert "the choice is no luck" in said


def test_the_best_of_many_that_are_equal_but_for_luck_is_said_to_be_luck() -> None:
    random = Random(4)
    present = row(("120", "battery"), [random.gauss(10.0, 2.0) for _ in range(12)])
    others = [row((str(n), "car"), [random.gauss(10.0, 2.0) for _ in range(12)]) for n in range(40)]
    found = verdict(KEYS, [present, *others], present)
    assert found.sureness is not None
    assert found.saving > 5.0
    assert found.sureness.best < 0.6
    assert found.sureness.elsewhere < 0.5 * found.saving
    assert "no luck" not in words(found)


def test_one_lucky_week_makes_nobody_sure() -> None:
    present = row(("120", "battery"), [10.0] * 12)
    lucky = row(("60", "car"), [9.0, 5.0, *[10.4] * 10])
    found = verdict(KEYS, [present, lucky], present)
    assert found.saving == pytest.approx(2.0)
    assert found.sureness is not None
    assert 0.4 < found.sureness.better < 0.9
    assert found.sureness.low < 0.0 < found.sureness.high


def test_present_settings_that_are_as_good_as_the_best_stay() -> None:
    present = row(("120", "battery"), [10.0] * 8)
    found = verdict(KEYS, [row(("60", "car"), [10.0] * 8), present, row(("60", "battery"), [12.0] * 8)], present)
    assert found.ranking[0] is present
    assert found.sureness is None
    assert "Your present settings (auto.start_delay_s=120, battery.priority=battery) are as good" in words(found)


def test_of_equal_settings_the_nearest_to_the_present_ones_is_named() -> None:
    present = row(("120", "battery"), [10.0] * 8)
    far, near = row(("60", "car"), [9.0] * 8), row(("120", "car"), [9.0] * 8)
    assert verdict(KEYS, [far, near], present).ranking == (near, far, present)


def test_a_short_history_says_nothing_about_sureness() -> None:
    present = row(("120", "battery"), [10.0] * (FEWEST_WEEKS - 1))
    found = verdict(KEYS, [row(("60", "car"), [9.0] * (FEWEST_WEEKS - 1))], present)
    assert found.sureness is None
    assert "cannot be told from 5 weeks" in words(found)


def test_what_each_setting_matters_is_told_the_largest_first() -> None:
    rows = [
        row((delay, priority), [cost] * 8)
        for delay, priority, cost in (
            ("0", "car", 10.0),
            ("0", "battery", 14.0),
            ("60", "car", 11.0),
            ("60", "battery", 15.0),
        )
    ]
    found = verdict(KEYS, rows, rows[1])
    assert [(one.key, one.best, one.worst, one.difference) for one in found.effects] == [
        ("battery.priority", "car", "battery", pytest.approx(32.0)),
        ("auto.start_delay_s", "0", "60", pytest.approx(8.0)),
    ]
    flat = verdict(KEYS, [row(("0", "car"), [9.0] * 8), row(("60", "car"), [9.0] * 8)], rows[1])
    assert "auto.start_delay_s: no difference" in words(flat)
