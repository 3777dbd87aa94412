"""What the log says of decisions."""

from __future__ import annotations

import logging

import pytest
from msgspec import structs

from phaeton.app.journal import Journal
from phaeton.model import Decision, Mode, Output, PointDecision, Reason, Situation, Status, Why

DECIDED = PointDecision(
    point="1",
    mode=Mode.AUTO,
    start=True,
    auto_start=True,
    requested_a=16.0,
    current_a=0.0,
    phases=3,
    chosen_phases=0,
    status=Status.WAIT_SUN,
    reasons=(Reason(Why.SITE_STALE, 0.0),),
)


def at(mono_s: float, *reasons: Reason, current_a: float = 0.0) -> Output:
    decided = structs.replace(DECIDED, reasons=reasons, current_a=current_a)
    return Output(Situation(), Decision(mono_s=mono_s, utc_s=1e9, points=(decided,)))


def stale(age_s: float) -> Reason:
    return Reason(Why.SITE_STALE, age_s)


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


def test_a_house_that_has_not_spoken_yet_is_no_news(told: pytest.LogCaptureFixture) -> None:
    journal = Journal()
    for second in range(3):
        journal.publish(at(100.0 + second, stale(second)))
    assert not told.records
    journal.publish(at(103.0, Reason(Why.WAIT_SUN, 500.0, 1380.0)))
    assert [record.levelname for record in told.records] == ["INFO"]


def test_a_house_that_stays_silent_after_the_start_is(told: pytest.LogCaptureFixture) -> None:
    journal = Journal()
    for second in range(10):
        journal.publish(at(100.0 + second, stale(second)))
    assert [record.levelname for record in told.records] == ["INFO", "WARNING"]


def test_a_warning_is_told_once_and_again_when_it_returns(told: pytest.LogCaptureFixture) -> None:
    journal = Journal()
    steps = [(), (stale(31.0),), (stale(32.0),), (), (), (stale(40.0),)]
    for second, reasons in enumerate(steps):
        journal.publish(at(200.0 + 10 * second, *reasons))
    assert [record.levelname for record in told.records].count("WARNING") == 2


def test_the_same_decision_says_nothing_and_another_setpoint_a_line(told: pytest.LogCaptureFixture) -> None:
    journal = Journal()
    for second, current_a in enumerate([6.0, 6.0, 8.0, 8.0]):
        journal.publish(at(200.0 + second, Reason(Why.WAIT_SUN, float(second)), current_a=current_a))
    assert len(told.records) == 2
