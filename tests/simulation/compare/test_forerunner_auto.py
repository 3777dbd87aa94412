"""The forerunner's auto rule, as its fact sheet tells it."""

from __future__ import annotations

import pytest

from phaeton.config.points import charging_points
from phaeton.config.tree import Charger, PointLimits
from phaeton.model import ChargerReading, Output, SiteReading, Tick, Zone
from phaeton.simulation.compare.forerunner_auto import State, excess_a, forerunner_control
from tests.simulation.days import config


def charger(power_w: float = 0.0, phases: int = 1, now_s: float = 0.0) -> ChargerReading:
    return ChargerReading(now_s, now_s, point="1", power_w=power_w, phases_set=phases)


def house(pv_w: float, consumption_w: float, now_s: float = 0.0, **more: float) -> SiteReading:
    return SiteReading(now_s, now_s, pv_w=pv_w, consumption_w=consumption_w, **more)


@pytest.mark.parametrize(
    ("pv_w", "consumption_w", "ev_w", "phases", "expected_a"),
    [
        (5000.0, 700.0, 0.0, 3, 6.23),
        (4800.0, 700.0, 0.0, 3, 0.0),  # 4100 W are less than 6 A on three phases
        (5000.0, 4700.0, 4000.0, 3, 6.23),  # the car itself does not count as consumption
        (2000.0, 500.0, 0.0, 1, 6.52),
        (9000.0, 500.0, 0.0, 1, 16.0),  # not above what the station bears
        (500.0, 900.0, 0.0, 1, 0.0),
    ],
)
def test_the_excess_of_the_moment_over_the_phases_that_are_set(
    pv_w: float, consumption_w: float, ev_w: float, phases: int, expected_a: float
) -> None:
    found_a = excess_a(charger(ev_w, phases), house(pv_w, consumption_w), 16.0)
    assert found_a == pytest.approx(expected_a, abs=0.01)


def test_neither_grid_nor_battery_power_matters_only_a_battery_below_its_minimum() -> None:
    sunny = {"grid_w": 5000.0, "battery_w": -3000.0}
    assert excess_a(charger(), house(3000.0, 500.0, battery_soc_pct=30.0, **sunny), 32.0) > 6.0
    assert excess_a(charger(), house(3000.0, 500.0, battery_soc_pct=9.0), 32.0) == 0.0
    assert excess_a(charger(), house(3000.0, 500.0, battery_soc_pct=19.0, ess_min_soc_pct=20.0), 32.0) == 0.0


class Polls:
    """The rule, polled once a second; the car takes what it is offered."""

    def __init__(self) -> None:
        settings = config(chargers=(Charger(host="x", limits=PointLimits(max_set_current_a=16.0)),))
        control = forerunner_control(settings, charging_points(settings, {}), Zone())
        self.state: State = control.initial
        self.batch = control.batch
        self.now_s = 0.0
        self.offered_a = 0.0
        self.writes: list[tuple[float, float]] = []

    def run(self, until_s: float, pv_w: float, load_w: float = 0.0) -> float:
        while self.now_s < until_s:
            self.now_s += 1.0
            ev_w = self.offered_a * 230.0
            events = (
                charger(ev_w, 1, self.now_s),
                house(pv_w, load_w + ev_w, self.now_s),
                Tick(self.now_s, self.now_s),
            )
            output: Output | None
            self.state, output = self.batch(self.state, events)
            assert output is not None
            (decided,) = output.decision.points
            if decided.write is not None and decided.write.current_a is not None:
                self.offered_a = decided.write.current_a
                self.writes.append((self.now_s, self.offered_a))
        return self.offered_a


def test_it_follows_every_change_at_once() -> None:
    polls = Polls()
    assert polls.run(1, 2300.0) == pytest.approx(10.0)
    assert polls.run(2, 3220.0) == pytest.approx(14.0)
    assert [at_s for at_s, _ in polls.writes] == [1.0, 2.0]


def test_six_ampere_go_on_for_five_minutes_when_the_sun_is_gone_once_until_it_is_back() -> None:
    polls = Polls()
    polls.run(10, 3000.0)
    assert polls.run(11, 0.0) == 6.0
    assert polls.run(310, 0.0) == 6.0
    assert polls.run(311, 0.0) == 0.0
    assert polls.run(900, 1000.0) == 0.0
    assert polls.run(901, 1500.0) > 6.0
    assert polls.run(1201, 0.0) == 6.0
    assert polls.run(1202, 0.0) == 0.0


def test_sun_within_the_grace_begins_it_anew() -> None:
    polls = Polls()
    polls.run(10, 3000.0)
    polls.run(200, 0.0)
    polls.run(201, 2000.0)
    assert polls.run(500, 0.0) == 6.0
    assert polls.run(503, 0.0) == 0.0


def test_the_same_current_is_written_again_after_thirty_seconds_and_small_changes_are_not() -> None:
    polls = Polls()
    polls.run(20, 2300.0)
    polls.run(40, 2310.0)
    assert [at_s for at_s, _ in polls.writes] == [1.0, 31.0]


def test_without_values_of_the_house_nothing_is_decided() -> None:
    settings = config()
    control = forerunner_control(settings, charging_points(settings, {}), Zone())
    assert control.batch(control.initial, (Tick(1.0, 1.0),)) == (control.initial, None)
