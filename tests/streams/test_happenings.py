"""What happened, told from outputs: each thing once and in order, whatever the stream."""

from __future__ import annotations

import reactivex
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from phaeton.model import ChargerState, Fault, Output, Plan, Reason, Session, Status, Why
from phaeton.streams.happenings import Happening, Seen, What, happenings, step
from tests import outputs


def at(second: float, *, power_w: float = 0.0, fault: Fault | None = None, **changes: object) -> Output:
    """An output of one point."""
    read = outputs.reading(power_w=power_w)
    if fault is not None:
        read = replace(read, state=ChargerState.FAULT, fault=fault, fault_text=fault.value)
    made = outputs.output(1000.0 + second, read=read)
    (point,) = made.decision.points
    status = Status.CHARGING if power_w else Status.WAIT_SUN
    usual: dict[str, object] = {"status": status, "closed": None, "plan": None, "reasons": (Reason(Why.WAIT_SUN),)}
    point = replace(point, **(usual | changes))
    return replace(made, decision=replace(made.decision, points=(point,)))


def told(*found: Output) -> list[What]:
    return [news.what for _, events in happenings().fold(found) for news in events]


def test_a_stay_is_told_from_plug_to_unplug() -> None:
    stay = Session("1-1", "1", 1000.0)
    assert told(
        at(0, plugged=False, status=Status.DISCONNECTED),
        at(1, plugged=True),
        at(2, plugged=True, power_w=6900.0),
        at(3, plugged=True, power_w=6900.0, status=Status.SWITCH_TO_1),
        at(4, plugged=True, power_w=2300.0),
        at(5, plugged=True),
        at(6, plugged=False, status=Status.DISCONNECTED, closed=stay),
        at(7, plugged=False, status=Status.DISCONNECTED),
    ) == [What.PLUGGED, What.STARTED, What.STOPPED, What.UNPLUGGED, What.SESSION_ENDED]


def test_what_held_at_the_first_look_is_no_news() -> None:
    assert told(at(0, plugged=True, power_w=6900.0), at(1, plugged=True, power_w=6900.0)) == []


def test_a_stop_says_why_and_a_fault_what_it_is() -> None:
    news = [
        happening
        for _, found in happenings().fold(
            [at(0, power_w=6900.0), at(1), at(2, fault=Fault.RCD, status=Status.RESIDUAL_CURRENT), at(3)]
        )
        for happening in found
    ]
    assert [(one.what, one.why) for one in news] == [
        (What.STOPPED, "Waiting for the sun"),
        (What.FAULT, "rcd"),
        (What.FAULT_OVER, ""),
    ]


def test_a_charger_that_does_not_answer_tells_nothing_until_it_answers() -> None:
    away = at(1, power_w=6900.0, reachable=False, status=None, plugged=False)
    assert told(at(0, power_w=6900.0), away, at(2, power_w=6900.0)) == []
    assert told(at(0, power_w=6900.0), away, at(2)) == [What.STOPPED]


def test_a_late_plan_is_told_once_until_it_is_in_time_again() -> None:
    plan = replace(LATE, late_s=0.0, missing_kwh=0.0)
    found = [at(0, plan=plan), at(1, plan=LATE), at(2, plan=LATE), at(3, plan=plan), at(4, plan=LATE)]
    assert told(*found) == [What.PLAN_LATE, What.PLAN_LATE]


LATE = Plan(
    made_utc_s=0.0,
    departure_utc_s=0.0,
    deadline_utc_s=0.0,
    need_kwh=9.0,
    power_w=11000.0,
    late_s=900.0,
    missing_kwh=3.0,
)
PAIRS = ((What.PLUGGED, What.UNPLUGGED), (What.STARTED, What.STOPPED), (What.FAULT, What.FAULT_OVER))


@st.composite
def any_output(draw: st.DrawFn) -> Output | None:
    """Whatever can be in an output, also together what cannot be."""
    if draw(st.integers(0, 9)) == 0:
        return None
    made = at(
        draw(st.integers(0, 100)),
        power_w=draw(st.sampled_from([0.0, 6900.0])),
        fault=draw(st.sampled_from([None, None, Fault.RCD])),
        plugged=draw(st.booleans()),
        reachable=draw(st.sampled_from([True, True, True, False])),
        status=draw(st.sampled_from([None, *Status])),
        plan=draw(st.sampled_from([None, LATE])),
    )
    if draw(st.integers(0, 9)) == 0:
        made = replace(made, situation=replace(made.situation, points=()))
    return made


@given(st.lists(any_output(), max_size=40), st.integers(0, 40))
def test_on_any_stream_opposites_alternate_and_both_lives_and_every_cut_tell_the_same(
    found: list[Output | None], cut: int
) -> None:
    machine = happenings()
    told_once = [news for _, events in machine.fold(found) for news in events]
    live: list[tuple[Seen, tuple[Happening, ...]]] = []
    reactivex.from_iterable(found).pipe(machine.operator()).subscribe(live.append)
    assert [news for _, events in live for news in events] == told_once
    state: Seen = ()
    for output in found[:cut]:
        state, _ = step(state, output)
    rest = [news for _, events in happenings(state).fold(found[cut:]) for news in events]
    assert told_once[len(told_once) - len(rest) :] == rest
    seen: dict[int, What] = {}
    for news in told_once:
        for number, pair in enumerate(PAIRS):
            if news.what in pair:
                assert seen.get(number) is not news.what
                seen[number] = news.what
