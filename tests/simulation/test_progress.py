"""The line that shows how far a run is."""

from __future__ import annotations

import io
import time
from contextlib import redirect_stderr

import pytest

from phaeton.simulation.progress import ProgressBar


class Terminal(io.StringIO):
    """Keeps what it shows; a line that is written over is gone."""

    def isatty(self) -> bool:
        return True

    @property
    def lines(self) -> list[str]:
        return [text for text in self.getvalue().replace("\x1b[K", "").split("\r") if text]


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    ticking = Clock()
    monkeypatch.setattr(time, "monotonic", ticking)
    return ticking


def test_it_says_what_is_read_and_then_how_far_the_run_is(clock: Clock) -> None:
    with redirect_stderr(Terminal()) as terminal:
        bar = ProgressBar("simulating")
        bar.say("reading the history")
        clock.now_s += 30.0
        for share, after_s in ((0.0, 0.0), (0.1, 5.0), (0.101, 0.1), (0.5, 20.0)):
            clock.now_s += after_s
            bar(share)
        bar.done()
    reading, begun, tenth, half = terminal.lines
    assert reading == "reading the history …"
    assert begun == "simulating ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░   0 %"
    assert tenth == "simulating ███░░░░░░░░░░░░░░░░░░░░░░░░░░░  10 %, 45 s left"
    assert half.endswith(" 50 %, 25 s left")
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_long_rests_are_told_in_minutes(clock: Clock) -> None:
    with redirect_stderr(Terminal()) as terminal:
        bar = ProgressBar("sweeping")
        bar(0.0)
        clock.now_s += 60.0
        bar(0.02)
    assert terminal.lines[-1].endswith("2 %, 49 min left")


def test_where_nobody_looks_nothing_is_written() -> None:
    with redirect_stderr(io.StringIO()) as file:
        bar = ProgressBar("simulating")
        bar.say("reading")
        bar(0.5)
        bar.done()
    assert file.getvalue() == ""
