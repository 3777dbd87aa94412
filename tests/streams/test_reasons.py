"""Reasons in words: every kind has a sentence, with the numbers that are known and no others."""

import string

import pytest

from phaeton.model import Reason, Why
from phaeton.streams.reasons import describe, span


@pytest.mark.parametrize("why", list(Why))
def test_every_reason_is_said_without_numbers(why: Why) -> None:
    sentence = describe(Reason(why))
    assert len(sentence) > 10
    assert sentence[0] in string.ascii_uppercase + string.digits
    assert not any(mark in sentence for mark in ("{", "}", "None", "nan"))
    assert not sentence.endswith(".")


@pytest.mark.parametrize("why", list(Why))
def test_every_reason_is_said_with_all_numbers(why: Why) -> None:
    sentence = describe(Reason(why, 7.25, 3.0, 45.0, "E7"))
    assert "E7" in sentence
    assert not any(mark in sentence for mark in ("{", "}", "None"))
    assert len(sentence) < 160


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        (
            Reason(Why.START_DELAY, 1240.4, 1380.0, 45.0),
            "The sun leaves 1,240 W, 1,380 W are needed to start; starts in 45 s if it lasts",
        ),
        (Reason(Why.WAIT_SUN, -20.0, 1380.0), "The sun leaves -20 W, 1,380 W are needed to start"),
        (Reason(Why.WAIT_SUN, None, 1380.0), "Waiting for the sun"),
        (Reason(Why.LOW_SOC, 18.0, 23.0), "The house battery is at 18 %, its minimum is 23 %; it is charged first"),
        (
            Reason(Why.PHASE_SEQUENCE, 1.0, left_s=29.6),
            "Switching to one phase: the current rests meanwhile; 30 s left",
        ),
        (Reason(Why.PHASE_WAIT, 3.0, left_s=400.0), "The switch to 3 phases has to wait; 7 min left"),
        (
            Reason(Why.FOREIGN_WRITER, 10.0, 3.0, 60.0),
            "Somebody else set the charger to 10 A, 3 times so far, every 60 s",
        ),
        (
            Reason(Why.BOOST, 4.25, left_s=600.0),
            "Fast for once, as much as the limits allow; 4.2 kWh to go; 10 min left",
        ),
        (Reason(Why.FAULT, text="F: ground"), "The charger reports a fault: F: ground"),
        (Reason(Why.LIMIT_FUSE, 9.44), "The main fuse leaves 9.4 A for the car"),
        (Reason(Why.OUTSIDE_WINDOWS, left_s=12_000.0), "No time window is open; the next opens in 3 h 20 min"),
    ],
)
def test_the_sentences_read_well(reason: Reason, sentence: str) -> None:
    assert describe(reason) == sentence


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (45.4, "45 s"),
        (119, "119 s"),
        (120, "2 min"),
        (5399, "90 min"),
        (7200, "2 h"),
        (12000, "3 h 20 min"),
    ],
)
def test_times_are_said_as_people_say_them(seconds: float, text: str) -> None:
    assert span(seconds) == text
