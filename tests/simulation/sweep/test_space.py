"""What a sweep tries: ranges, choices, all combinations or samples."""

from __future__ import annotations

import pytest

from phaeton.config.problems import ConfigError
from phaeton.simulation.scope import SimulationError
from phaeton.simulation.sweep.space import MOST, Axis, choice_axis, combinations, range_axis, trials


def test_a_range_has_both_ends_when_the_steps_meet_them() -> None:
    assert range_axis("auto.start_delay_s=0..600:150") == Axis("auto.start_delay_s", ("0", "150", "300", "450", "600"))
    assert range_axis("auto.smoothing_s=0..1:0.3").values == ("0", "0.3", "0.6", "0.9")
    assert range_axis("auto.grid_target_w=-200..0:100").values == ("-200", "-100", "0")
    assert range_axis("auto.rest_s=0..600").between == (0.0, 600.0)


def test_a_choice_may_hold_the_empty_value_and_no_value_twice() -> None:
    assert choice_axis("battery.feed_car_soc_pct=, 50,80,50") == Axis("battery.feed_car_soc_pct", ("", "50", "80"))
    assert choice_axis("charger.limits.max_phases=1,3").key == "chargers[0].limits.max_phases"


@pytest.mark.parametrize(
    "text", ["auto.rest_s", "auto.rest_s=5", "auto.rest_s=9..1:1", "auto.rest_s=0..9:0", "a=0..x:1"]
)
def test_a_wrong_range_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(SimulationError, match="write KEY=LOW"):
        range_axis(text)


def test_too_much_is_refused() -> None:
    with pytest.raises(SimulationError, match="take larger steps"):
        range_axis("auto.rest_s=0..7200:0.001")
    axes = [range_axis(f"auto.{key}=0..600:1") for key in ("rest_s", "start_delay_s")]
    with pytest.raises(SimulationError, match=r"361,201 combinations: take fewer values, or --samples N"):
        combinations(axes, None, 0)
    assert MOST < 361_201


def test_all_combinations_come_in_order() -> None:
    axes = [Axis("a", ("1", "2")), Axis("b", ("x", "y"))]
    assert combinations(axes, None, 0) == [("1", "x"), ("1", "y"), ("2", "x"), ("2", "y")]
    assert combinations(axes, 4, 0) == combinations(axes, None, 0)


def test_samples_differ_repeat_and_grow_with_the_same_seed() -> None:
    axes = [range_axis("auto.rest_s=0..600"), Axis("b", ("x", "y"))]
    few, more = combinations(axes, 5, 1), combinations(axes, 9, 1)
    assert few == more[:5]
    assert len(set(more)) == 9
    assert combinations(axes, 5, 2) != few
    assert all(0.0 <= float(rest) <= 600.0 for rest, _ in more)


def test_what_cannot_be_combined_is_refused() -> None:
    with pytest.raises(SimulationError, match="nothing is varied: give --set-range or --set-choice"):
        combinations([], None, 0)
    with pytest.raises(SimulationError, match="a is varied twice"):
        combinations([Axis("a", ("1", "2")), Axis("a", ("3", "4"))], None, 0)
    with pytest.raises(SimulationError, match="give it a step"):
        combinations([range_axis("auto.rest_s=0..600")], None, 0)


def test_the_present_settings_come_first_and_are_not_tried_twice() -> None:
    axes = [range_axis("auto.rest_s=0..600:300"), choice_axis("battery.priority=car,battery")]
    found = list(trials(None, ["auto.smoothing_s=2"], axes, combinations(axes, None, 0)))
    assert [one.values for one in found] == [
        ("300", "battery"), ("0", "car"), ("0", "battery"), ("300", "car"), ("600", "car"), ("600", "battery"),
    ]  # fmt: skip
    assert {one.config.auto.smoothing_s for one in found} == {2.0}
    assert found[1].config.battery.priority == "car"


@pytest.mark.parametrize(
    ("axis", "phrase"),
    [
        (Axis("auto.rest_z", ("1",)), "Did you mean auto.rest_s?"),
        (Axis("auto.rest_s", ("-5",)), "--set auto.rest_s: auto.rest_s = -5: must be "),
        (Axis("battery.priority", ("dog",)), "battery.priority = dog"),
    ],
)
def test_unknown_keys_and_values_are_refused_in_the_words_of_the_configuration(axis: Axis, phrase: str) -> None:
    with pytest.raises(ConfigError) as refused:
        list(trials(None, [], [axis], [axis.values]))
    assert phrase in str(refused.value)
