"""One stay of the car: its energy, where that came from, and what it cost.

Energy is the meter's difference; where the meter is silent the power is integrated, and the meter's next word settles
it. A counter that runs backwards or jumps beyond what could have flowed is not believed. Cost is booked by the price
of the slot (15 minutes) in which the energy was drawn, and does not change later.
"""

from __future__ import annotations

from bisect import bisect_right
from operator import attrgetter

from msgspec import Struct
from msgspec.structs import replace

from phaeton.model import EnergySlot, PriceCurve, Session, SiteReading
from phaeton.streams.view import View

SLOT_S = 900.0
JUMP_KWH = 0.5
"""A counter may be ahead of the possible power by this much."""
POSSIBLE_W = 60_000.0
METER_FRESH_S = 60.0
"""The time of a meter that stands still is noted so often."""


class Tariff(Struct, frozen=True, gc=False):
    """The prices of a moment, per kWh; None where none is known."""

    import_per_kwh: float | None
    feed_in_per_kwh: float | None
    currency: str


class SessionState(Struct, frozen=True, gc=False, kw_only=True):
    """The running stay, the running slot, and the meter."""

    session: Session | None = None
    """The running stay, else the last one."""
    open: bool = False
    slot: EnergySlot | None = None
    meter_kwh: float | None = None
    """The counter's last believed value."""
    meter_s: float | None = None
    ahead_kwh: float = 0.0
    """Booked from power while the meter was silent; its next advance is less by this."""
    unknown_kwh: float = 0.0
    """The meter's advance that belongs to no stay or was not believed."""
    stays: int = 0
    flowing: bool = False
    """The car was charging in the last step."""


class Booked(Struct, frozen=True, gc=False):
    """What a step produced."""

    session: Session | None
    closed: Session | None = None
    slots: tuple[EnergySlot, ...] = ()


_start_s = attrgetter("start_s")


def tariff_at(prices: PriceCurve, utc_s: float) -> Tariff:
    """The prices in force by a curve; inside a gap none."""
    index = bisect_right(prices.slots, utc_s, key=_start_s) - 1
    if index >= 0 and utc_s < prices.slots[index].end_s:
        slot = prices.slots[index]
        return Tariff(slot.import_per_kwh, slot.feed_in_per_kwh, prices.currency)
    return Tariff(None, None, prices.currency)


def step(
    before: SessionState,
    point: str,
    view: View,
    energy_kwh: float | None,
    site: SiteReading | None,
    tariff: Tariff,
    now_s: float,
    utc_s: float,
    dt_s: float,
    serial: str,
    vehicle: str | None,
) -> tuple[SessionState, Booked]:
    """Book the energy of this step; ``energy_kwh`` is the counter, ``dt_s`` the time since the last step.

    ``vehicle`` is the car as far as it is known now; a stay keeps the last one that it was told.
    """
    if energy_kwh == before.meter_kwh and _rests(before, view, now_s):
        return before, Booked(before.session)
    state, drawn_kwh = _drawn(before, view, energy_kwh, now_s, dt_s)
    slots: tuple[EnergySlot, ...] = ()
    closed = None
    if view.plugged and not state.open:
        state = _open(state, point, utc_s, tariff, serial)
    if view.charging != state.flowing:
        state = _stretch(state, view.charging)
    session = state.session
    if state.open and session is not None:
        if drawn_kwh or view.charging:
            split = _split(drawn_kwh, view, site)
            state, slots = _book(state, session, split, tariff, view, utc_s, dt_s, vehicle)
        elif state.slot is not None and _slot_start(utc_s) != state.slot.start_utc_s:
            slots, state = (state.slot,), replace(state, slot=None)
        if not view.plugged:
            session = state.session
            assert session is not None
            closed = replace(session, end_utc_s=utc_s, meter_end_kwh=state.meter_kwh, vehicle=_told(vehicle, session))
            slots = slots if state.slot is None else (*slots, state.slot)
            state = replace(state, session=closed, open=False, slot=None)
    elif drawn_kwh:
        state = replace(state, unknown_kwh=state.unknown_kwh + drawn_kwh)
    return state, Booked(state.session, closed, slots)


def _rests(state: SessionState, view: View, now_s: float) -> bool:
    """The meter stands still, nothing flows and no slot is open: there is nothing to book."""
    return (
        state.meter_s is not None
        and now_s - state.meter_s < METER_FRESH_S
        and view.reachable
        and not view.charging
        and not state.flowing
        and state.slot is None
        and view.plugged is state.open
    )


def _open(state: SessionState, point: str, utc_s: float, tariff: Tariff, serial: str) -> SessionState:
    stays = state.stays + 1
    session = Session(
        id=f"{point}-{int(utc_s)}-{stays}",
        point=point,
        start_utc_s=utc_s,
        meter_start_kwh=state.meter_kwh,
        currency=tariff.currency,
        charger_serial=serial,
    )
    return replace(state, session=session, open=True, stays=stays, slot=None)


def _stretch(state: SessionState, charging: bool) -> SessionState:
    """A charging stretch begins or ends; the stay counts its beginnings."""
    session = state.session
    if charging and state.open and session is not None:
        session = replace(session, starts=session.starts + 1)
    return replace(state, session=session, flowing=charging)


def _drawn(
    state: SessionState, view: View, energy_kwh: float | None, now_s: float, dt_s: float
) -> tuple[SessionState, float]:
    """The energy (kWh) that flowed since the last step."""
    if energy_kwh is None or not view.reachable:
        if not view.reachable or view.ev_w <= 0 or state.meter_kwh is None:
            return state, 0.0
        drawn_kwh = view.ev_w * min(dt_s, 60.0) / 3.6e6
        return replace(state, ahead_kwh=state.ahead_kwh + drawn_kwh), drawn_kwh
    last_kwh = state.meter_kwh
    if last_kwh is None or state.meter_s is None:
        return replace(state, meter_kwh=energy_kwh, meter_s=now_s), 0.0
    advance_kwh = energy_kwh - last_kwh
    if advance_kwh == 0.0:
        return (state if now_s - state.meter_s < METER_FRESH_S else replace(state, meter_s=now_s)), 0.0
    possible_kwh = POSSIBLE_W * (now_s - state.meter_s) / 3.6e6 + JUMP_KWH
    if advance_kwh < 0 or advance_kwh > possible_kwh:
        lost_kwh = max(advance_kwh, 0.0)
        return (
            replace(
                state,
                meter_kwh=energy_kwh,
                meter_s=now_s,
                ahead_kwh=0.0,
                unknown_kwh=state.unknown_kwh + lost_kwh - (state.ahead_kwh if lost_kwh else 0.0),
            ),
            0.0,
        )
    drawn_kwh = max(advance_kwh - state.ahead_kwh, 0.0)
    ahead_kwh = max(state.ahead_kwh - advance_kwh, 0.0)
    return replace(state, meter_kwh=energy_kwh, meter_s=now_s, ahead_kwh=ahead_kwh), drawn_kwh


class _Split(Struct, frozen=True, gc=False):
    total: float
    pv: float
    battery: float
    grid: float


def _split(drawn_kwh: float, view: View, site: SiteReading | None) -> _Split:
    """Where the energy came from, the car last: grid = min(own, import), battery = min(rest, discharge), rest sun."""
    ev_w = view.ev_w
    if site is None or site.grid_w is None or ev_w <= 0:
        return _Split(drawn_kwh, 0.0, 0.0, drawn_kwh)
    grid_w = min(ev_w, max(site.grid_w, 0.0))
    battery_w = min(ev_w - grid_w, max(-(site.battery_w or 0.0), 0.0))
    grid_kwh = drawn_kwh * grid_w / ev_w
    battery_kwh = drawn_kwh * battery_w / ev_w
    return _Split(drawn_kwh, max(drawn_kwh - grid_kwh - battery_kwh, 0.0), battery_kwh, grid_kwh)


def _slot_start(utc_s: float) -> float:
    return utc_s // SLOT_S * SLOT_S


def _book(
    state: SessionState,
    session: Session,
    split: _Split,
    tariff: Tariff,
    view: View,
    utc_s: float,
    dt_s: float,
    vehicle: str | None,
) -> tuple[SessionState, tuple[EnergySlot, ...]]:
    cost = reference = unpriced = 0.0
    if tariff.import_per_kwh is None or tariff.feed_in_per_kwh is None:
        unpriced = split.total
    else:
        cost = split.grid * tariff.import_per_kwh + (split.pv + split.battery) * tariff.feed_in_per_kwh
        reference = split.total * tariff.import_per_kwh
    start_s = _slot_start(utc_s)
    done: tuple[EnergySlot, ...] = ()
    slot = state.slot
    if slot is not None and slot.start_utc_s != start_s:
        done, slot = (slot,), None
    if slot is None:
        slot = EnergySlot(session.point, session.id, start_s, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    # By position, in the order of the fields: this runs in every second of charging.
    slot = EnergySlot(
        slot.point,
        slot.session,
        start_s,
        slot.energy_kwh + split.total,
        slot.pv_kwh + split.pv,
        slot.battery_kwh + split.battery,
        slot.grid_kwh + split.grid,
        slot.cost + cost,
        slot.reference_cost + reference,
        slot.unpriced_kwh + unpriced,
    )
    session = Session(
        session.id,
        session.point,
        session.start_utc_s,
        None,
        state.meter_kwh if session.meter_start_kwh is None else session.meter_start_kwh,
        None,
        session.energy_kwh + split.total,
        session.pv_kwh + split.pv,
        session.battery_kwh + split.battery,
        session.grid_kwh + split.grid,
        session.cost + cost,
        session.reference_cost + reference,
        session.unpriced_kwh + unpriced,
        session.currency,
        session.charging_s + (min(dt_s, 60.0) if view.charging and view.ev_w > 0 else 0.0),
        max(session.peak_power_w, view.ev_w),
        session.starts,
        session.charger_serial,
        _told(vehicle, session),
    )
    return replace(state, session=session, slot=slot), done


def _told(vehicle: str | None, session: Session) -> str:
    return session.vehicle if vehicle is None else vehicle
