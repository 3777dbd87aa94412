"""A stay tells which car drew its energy, as far as that was known while the car was there."""

from __future__ import annotations

from msgspec.structs import replace

from phaeton.model import Session
from phaeton.streams.session import SessionState, Tariff, step
from phaeton.streams.view import View

TARIFF = Tariff(0.25, 0.08, "EUR")
HERE = View(reachable=True, known=True, plugged=True, charging=True, ev_w=7200.0, current_a=10.4, phases=3)


def stays(*seen: tuple[View, str | None]) -> list[Session | None]:
    """The stay after each second, the closed one where it ended."""
    state, found = SessionState(), []
    for second, (view, vehicle) in enumerate(seen):
        state, booked = step(
            state, "1", view, 100.0 + 0.002 * second, None, TARIFF,
            now_s=float(second), utc_s=1_780_308_000.0 + second, dt_s=1.0, serial="ACE1", vehicle=vehicle,
        )  # fmt: skip
        found.append(booked.closed or booked.session)
    return found


def test_the_car_that_is_found_out_later_is_that_of_the_stay() -> None:
    found = stays((HERE, None), (HERE, None), (HERE, "ev6"))
    assert [stay.vehicle for stay in found if stay] == ["", "", "ev6"]


def test_a_stay_keeps_its_car_when_the_car_is_gone_at_the_end() -> None:
    gone = replace(HERE, plugged=False, charging=False, ev_w=0.0)
    last = stays((HERE, "ev6"), (HERE, "ev6"), (gone, None))[-1]
    assert last is not None
    assert last.end_utc_s is not None
    assert last.vehicle == "ev6"


def test_a_guest_has_no_name() -> None:
    last = stays((HERE, "ev6"), (HERE, "ev6"), (HERE, ""))[-1]
    assert last is not None
    assert last.vehicle == ""
