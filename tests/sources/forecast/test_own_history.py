"""The house's own history: learnt from a generated week, by the local hour and the kind of day."""

from __future__ import annotations

import math
from datetime import datetime

import pytest

from phaeton import zones
from phaeton.model import ForecastCurve, Unavailable
from phaeton.sources.forecast.own_history import Learnt, Mean, OwnHistory, decode
from phaeton.sources.forecast.own_source import OwnSource
from phaeton.sources.service.days import Wall

BERLIN = Wall(zones.zone("Europe/Berlin", 1_790_000_000.0))
STEP_S = 60.0


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


MONDAY = at("2026-11-23T00:00:00+01:00")


def hour_of(utc_s: float) -> float:
    return (utc_s + BERLIN.offset_s(utc_s)) % 86400.0 / 3600.0


def sun_w(utc_s: float, peak_w: float = 6000.0) -> float:
    return max(peak_w * math.sin((hour_of(utc_s) - 6.0) / 12.0 * math.pi), 0.0)


def house_w(utc_s: float) -> float:
    weekend = BERLIN.date(utc_s) in ("2026-11-28", "2026-11-29", "2026-12-05", "2026-12-06")
    return 900.0 if weekend else 400.0


def seen(history: OwnHistory, start_s: float, days: float, peak_w: float = 6000.0) -> None:
    for n in range(int(days * 86400.0 / STEP_S) + 1):
        utc_s = start_s + n * STEP_S
        history.see(utc_s - MONDAY + 1e6, utc_s, sun_w(utc_s, peak_w), house_w(utc_s))


def a_history(days: int = 10, learnt: Learnt | None = None) -> OwnHistory:
    return OwnHistory(BERLIN, days, learnt or Learnt(), lambda: None)


def test_a_week_teaches_the_sun_of_each_hour_and_the_consumption_of_each_kind_of_day() -> None:
    history = a_history()
    seen(history, MONDAY, 14)
    slots = history.slots(MONDAY + 14 * 86400.0)
    assert len(slots) == 49
    for slot in slots:
        expected = sum(sun_w(slot.start_s + n * STEP_S) for n in range(60)) / 60.0
        assert slot.pv_w == pytest.approx(expected, abs=20.0)
        assert slot.consumption_w == 400.0
    saturday = at("2026-12-12T13:00:00+01:00")
    assert history.house_w(saturday) == 900.0
    assert history.house_w(saturday - 86400.0) == 400.0


def test_nothing_is_told_of_an_hour_that_was_seen_on_two_days_only() -> None:
    history = a_history()
    seen(history, MONDAY, 2)
    assert history.slots(MONDAY + 2 * 86400.0) == ()
    assert history.house_w(MONDAY) is None
    seen(history, MONDAY + 2 * 86400.0, 1)
    assert history.slots(MONDAY + 3 * 86400.0)


def test_the_last_days_count_most() -> None:
    history = a_history(days=4)
    seen(history, MONDAY, 10, peak_w=6000.0)
    seen(history, MONDAY + 10 * 86400.0, 4, peak_w=1000.0)
    noon = next(s for s in history.slots(MONDAY + 14 * 86400.0) if hour_of(s.start_s) == 12.0)
    assert noon.pv_w == pytest.approx(1000.0 + 5000.0 * 0.75**4, rel=0.05)


def test_a_weekend_that_was_never_seen_goes_by_the_workdays() -> None:
    history = a_history()
    seen(history, MONDAY, 4)
    assert history.house_w(at("2026-11-28T12:00:00+01:00")) == 400.0


@pytest.mark.parametrize("change", ["2026-03-28T00:00:00+01:00", "2026-10-24T00:00:00+02:00"])
def test_hours_are_those_of_the_clock_on_the_wall_when_it_is_changed(change: str) -> None:
    history = a_history()
    seen(history, at(change) - 3 * 86400.0, 6)
    for slot in history.slots(at(change)):
        expected = sum(sun_w(slot.start_s + n * STEP_S) for n in range(60)) / 60.0
        assert slot.pv_w == pytest.approx(expected, abs=20.0)


def test_a_gap_or_a_leap_of_the_clock_invents_nothing() -> None:
    history = a_history()
    for day in range(5):
        start_s = MONDAY + day * 86400.0 + 12 * 3600.0
        for n in range(11):  # ten minutes of the hour are not enough
            history.see(start_s + n * STEP_S, start_s + n * STEP_S, 5000.0, 300.0)
        history.see(start_s + 7200.0, start_s + 7200.0, None, math.nan)
    assert history.learnt == Learnt()


def test_a_clock_that_is_not_set_teaches_nothing() -> None:
    history = a_history()
    for n in range(5 * 1440):
        history.see(n * STEP_S, n * STEP_S, 4000.0, 300.0)
    assert history.learnt == Learnt()


def test_it_is_small_and_comes_back_as_it_was() -> None:
    history = a_history()
    seen(history, MONDAY, 8)
    assert len(history.encode()) < 1500
    assert decode(history.encode()) == history.learnt


@pytest.mark.parametrize("text", [None, "", "{", '{"sun": []}', '{"version": 9}', '{"sun": [[-5.0, 3]]}'])
def test_what_is_not_understood_is_learnt_anew(text: str | None) -> None:
    assert decode(text) == Learnt()


def test_it_is_told_four_times_a_day_and_what_is_missing_is_said() -> None:
    told: list[ForecastCurve | Unavailable] = []
    now_s = [MONDAY]

    def learnt_more() -> None:
        source.learnt_more()

    history = OwnHistory(BERLIN, 10, Learnt(), learnt_more)
    source = OwnSource(history, lambda: (now_s[0] - MONDAY, now_s[0]), "forecast")
    source.curves.subscribe(told.append)
    source.start()
    assert isinstance(told[-1], Unavailable)
    assert told[-1].why == "the sun of 3 days must be seen first, 0 were"
    counts = []
    for n in range(int(6 * 86400.0 / STEP_S) + 1):
        now_s[0] = MONDAY + n * STEP_S
        history.see(now_s[0] - MONDAY, now_s[0], sun_w(now_s[0]), 400.0)
        counts.append(sum(isinstance(event, ForecastCurve) and bool(event.slots) for event in told))
    assert counts[-1] - counts[int(4 * 86400.0 / STEP_S)] == 8
    assert source.describe().note == ""
    source.stop()
    before = len(told)
    source.learnt_more()
    assert len(told) == before


def test_a_mean_holds_its_days() -> None:
    history = a_history()
    seen(history, MONDAY, 3)
    assert history.learnt.sun[0] == Mean(0.0, 3)
