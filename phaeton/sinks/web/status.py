"""The snapshot that status, events and the page show: a pure function of the newest output and the diagnostics.

The flat fields are those of the forerunner and mean the first charging point. What is not known is null, never 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta

from msgspec import Struct, structs

from phaeton import __version__
from phaeton.model import (
    NO_PHASES,
    ChargerIdentity,
    ChargerReading,
    Lease,
    Mode,
    Output,
    Phases,
    PointDecision,
    PointSituation,
    Session,
    Status,
)
from phaeton.price_report import PriceReport, SourceReport
from phaeton.sinks.web.moments import moment
from phaeton.sinks.web.plan import PlanStatus, plan_status
from phaeton.sinks.web.prices import PriceSummary, summary
from phaeton.sinks.web.vehicles import VehicleInfo, VehicleStatus, vehicle_statuses
from phaeton.streams.reasons import describe

STATUS_NAMES = {
    Status.DISCONNECTED: "Disconnected",
    Status.CONNECTED: "Connected",
    Status.CHARGING: "Charging",
    Status.CHARGED: "Charged",
    Status.WAIT_SUN: "Waiting for sun",
    Status.WAIT_RFID: "Waiting for release",
    Status.WAIT_START: "Waiting for start",
    Status.LOW_SOC: "House battery low",
    Status.GROUND_FAULT: "Ground fault",
    Status.WELDED_CONTACTS: "Welded contacts",
    Status.CP_SHORTED: "Control pilot shorted",
    Status.RESIDUAL_CURRENT: "Residual current",
    Status.UNDERVOLTAGE: "Undervoltage",
    Status.OVERVOLTAGE: "Overvoltage",
    Status.OVERHEATING: "Overheating",
    Status.CHARGING_LIMIT: "Limit reached",
    Status.START_CHARGING: "Starting",
    Status.SWITCH_TO_3: "Switching to three phases",
    Status.SWITCH_TO_1: "Switching to one phase",
    Status.STOP_CHARGING: "Stopping",
}


class LinkDiagnostics(Struct, frozen=True, kw_only=True):
    """How one connection to the world fares."""

    name: str
    """What a person calls it: ``Charger 192.0.2.5``, ``D-Bus``."""
    up: bool
    detail: str = ""
    """Why it is down, or what it is connected to."""
    age_s: float | None = None
    """Seconds since it last gave a value."""
    latency_ms: float | None = None
    requests: int = 0
    failures: int = 0


class PointDiagnostics(Struct, frozen=True, kw_only=True):
    """What is known of a point beside its decision."""

    point: str
    device_instance: int | None = None


class PollSteps(Struct, frozen=True, kw_only=True):
    """How long the parts of the last poll took, in ms, by the forerunner's names; null for what another part brought.

    Only the first charging point counts. Reading is awaited, while everything else goes on.
    """

    read_voltages_ms: float | None = None
    read_currents_ms: float | None = None
    read_powers_ms: float | None = None
    read_energy_ms: float | None = None
    read_status_ms: float | None = None
    read_station_max_ms: float | None = None
    pv_excess_ms: float | None = None
    """Always null: it is a part of the next."""
    compute_effective_ms: float | None = None
    """The evaluation of the graph."""
    write_current_ms: float | None = None
    finalize_cycle_ms: float | None = None
    """Handing the decision to all sinks."""
    snapshot_build_ms: float | None = None
    """Of the snapshot before this one."""


class Diagnostics(Struct, frozen=True, kw_only=True):
    """What the daemon knows of itself; the fields that the forerunner had keep their names."""

    driver_state: str = "Running"
    modbus_connected: bool | None = None
    poll_interval_ms: int | None = None
    poll_duration_ms: float | None = None
    poll_steps_ms: PollSteps = PollSteps()
    total_polls: int = 0
    overrun_count: int = 0
    links: tuple[LinkDiagnostics, ...] = ()
    points: tuple[PointDiagnostics, ...] = ()
    vehicles: tuple[VehicleInfo, ...] = ()
    """The configured cars."""
    prices: PriceReport | None = None
    forecast: SourceReport | None = None


class PointName(Struct, frozen=True):
    """A charging point as the web server is told of it."""

    id: str
    name: str = ""
    """The configured name; empty = the charger's own, else its id."""


class ReasonStatus(Struct, frozen=True, gc=False):
    """A reason in words and in numbers."""

    why: str
    text: str
    value: float | None
    limit: float | None
    left_s: float | None
    detail: str
    """The charger's own word or a cause; a part of ``text`` too."""


class LimitStatus(Struct, frozen=True, gc=False):
    """The bounds of the current, in A."""

    min_a: float
    max_a: float
    """The highest that the charger and its configuration allow."""
    now_a: float | None
    """The smallest of all limits in this step."""
    station_max_a: float | None
    power_cap_w: float | None


class BoostStatus(Struct, frozen=True, gc=False):
    """Whether it charges fast for once, and until when."""

    on: bool
    until: str | None


class SessionStatus(Struct, frozen=True, kw_only=True):
    """One stay of the car; the first ten fields are the forerunner's."""

    id: str
    start_time: str
    end_time: str | None
    start_energy_kwh: float | None
    end_energy_kwh: float | None
    energy_delivered_kwh: float
    peak_power_w: float
    average_power_w: float | None
    """While it charged."""
    cost: float
    status: str
    """``Active`` or ``Completed``."""
    charger: str
    charger_serial: str
    pv_kwh: float
    battery_kwh: float
    grid_kwh: float
    reference_cost: float
    unpriced_kwh: float
    currency: str
    charging_s: float
    starts: int
    vehicle: str
    """The car that drew it; empty for a guest, and where it was not known."""


class FlatSession(Struct, frozen=True, kw_only=True):
    """The session as the forerunner told it."""

    charging_time_sec: float
    start_ts: str | None = None
    end_ts: str | None = None
    energy_delivered_kwh: float | None = None
    cost: float | None = None


class ChargerStatus(Struct, frozen=True, kw_only=True):
    """One charging point."""

    id: str
    name: str
    mode: int
    mode_name: str
    start_stop: int
    auto_start: bool
    set_current: float
    current_a: float
    phases: int
    chosen_phases: int
    can_switch_phases: bool
    status: int | None
    status_name: str
    reasons: list[ReasonStatus]
    power_w: float | None
    car_current_a: float | None
    voltages: list[float | None]
    currents: list[float | None]
    powers: list[float | None]
    energy: float | None
    """The meter's lifetime total, in kWh."""
    temperature_c: float | None
    plugged: bool
    reachable: bool
    unreachable_why: str
    limits: LimitStatus
    lease: Lease | None
    session: SessionStatus | None
    surplus_w: float | None
    boost: BoostStatus
    energy_limit_kwh: float | None
    vehicle: str | None
    """The car that is here, as the control sees it; empty for a guest."""
    plan: PlanStatus | None
    """The plan of its next departure, in scheduled mode."""
    product_name: str
    firmware: str
    serial: str
    stranger: bool
    """Another charger answers than last time; ``accept`` with its serial number takes it."""
    warning: str
    device_instance: int | None


class SiteStatus(Struct, frozen=True, kw_only=True):
    """The house; import and battery charging are positive."""

    grid_w: float | None = None
    pv_w: float | None = None
    battery_w: float | None = None
    battery_soc_pct: float | None = None
    consumption_w: float | None = None
    house_w: float | None = None
    """The consumption without the cars; null while a charger cannot be read."""
    surplus_w: float | None = None
    age_s: float | None = None
    fresh: bool = False
    why: str = ""
    """Why there are no values."""
    import_per_kwh: float | None = None
    feed_in_per_kwh: float | None = None
    timezone: str = ""
    """The zone of the site's clock, such as ``Europe/Berlin``."""


class Snapshot(Struct, frozen=True, kw_only=True):
    """Everything the page shows."""

    seq: int
    """Counts the outputs of this run; an answer to an order names the first one that holds it."""
    version: str
    timestamp: str
    mode: int
    start_stop: int
    set_current: float
    applied_current: float
    station_max_current: float
    device_instance: int | None
    product_name: str
    firmware: str
    serial: str
    status: int | None
    active_phases: int
    ac_power: float | None
    ac_current: float | None
    l1_voltage: float | None
    l2_voltage: float | None
    l3_voltage: float | None
    l1_current: float | None
    l2_current: float | None
    l3_current: float | None
    l1_power: float | None
    l2_power: float | None
    l3_power: float | None
    total_energy_kwh: float | None
    pricing_source: str | None
    pricing_currency: str | None
    energy_rate: float | None
    session: FlatSession
    energy_forward_kwh: float | None
    """Of the session, as the first forerunner told it; the lifetime is ``total_energy_kwh``."""
    charging_time_sec: float
    charging_time: str
    """Hours, minutes and seconds, such as ``1:05:00``."""
    session_cost: float | None
    excess_pv_power_w: float | None
    driver_state: str
    modbus_connected: bool | None
    poll_interval_ms: int | None
    poll_duration_ms: float | None
    total_polls: int
    overrun_count: int
    poll_steps_ms: PollSteps
    chargers: list[ChargerStatus]
    vehicles: list[VehicleStatus]
    prices: PriceSummary | None
    site: SiteStatus
    links: tuple[LinkDiagnostics, ...]


def snapshot(
    output: Output, names: Sequence[PointName], diagnostics: Diagnostics, seq: int, timezone: str = ""
) -> Snapshot:
    """Build the whole snapshot; the output must hold at least one point."""
    decision = output.decision
    chargers = charger_statuses(output, names, {p.point: p.device_instance for p in diagnostics.points})
    first = chargers[0]
    stay = _flat_session(first.session)
    return Snapshot(
        seq=seq,
        version=__version__,
        timestamp=moment(decision.utc_s),
        mode=first.mode,
        start_stop=first.start_stop,
        set_current=first.set_current,
        applied_current=first.current_a,
        station_max_current=first.limits.station_max_a or first.limits.max_a,
        device_instance=first.device_instance,
        product_name=first.product_name,
        firmware=first.firmware,
        serial=first.serial,
        status=first.status,
        active_phases=first.phases,
        ac_power=first.power_w,
        ac_current=first.car_current_a,
        l1_voltage=first.voltages[0],
        l2_voltage=first.voltages[1],
        l3_voltage=first.voltages[2],
        l1_current=first.currents[0],
        l2_current=first.currents[1],
        l3_current=first.currents[2],
        l1_power=first.powers[0],
        l2_power=first.powers[1],
        l3_power=first.powers[2],
        total_energy_kwh=first.energy,
        pricing_source=None if diagnostics.prices is None else diagnostics.prices.in_force or None,
        pricing_currency=decision.currency or None,
        energy_rate=_round(decision.import_per_kwh, 5),
        session=stay,
        energy_forward_kwh=stay.energy_delivered_kwh,
        charging_time_sec=stay.charging_time_sec,
        charging_time=str(timedelta(seconds=stay.charging_time_sec)),
        session_cost=stay.cost,
        excess_pv_power_w=_round(decision.surplus_w, 0),
        driver_state=diagnostics.driver_state,
        modbus_connected=diagnostics.modbus_connected,
        poll_interval_ms=diagnostics.poll_interval_ms,
        poll_duration_ms=diagnostics.poll_duration_ms,
        total_polls=diagnostics.total_polls,
        overrun_count=diagnostics.overrun_count,
        poll_steps_ms=diagnostics.poll_steps_ms,
        chargers=chargers,
        prices=None if diagnostics.prices is None else summary(diagnostics.prices, decision.utc_s),
        vehicles=vehicle_statuses(output, diagnostics.vehicles),
        site=structs.replace(site_status(output), timezone=timezone),
        links=diagnostics.links,
    )


def charger_statuses(
    output: Output, names: Sequence[PointName], instances: Mapping[str, int | None]
) -> list[ChargerStatus]:
    """The charging points, in the order of the decision."""
    known = {point.id: point for point in output.situation.points}
    called = {point.id: point.name for point in names}
    return [
        _charger(
            point,
            known.get(point.point, PointSituation(id=point.point)),
            called.get(point.point, ""),
            instances.get(point.point),
            output.decision.utc_s,
        )
        for point in output.decision.points
    ]


def session_status(session: Session) -> SessionStatus:
    """A stay as the API tells it."""
    hours = session.charging_s / 3600.0
    return SessionStatus(
        id=session.id,
        start_time=moment(session.start_utc_s),
        end_time=None if session.end_utc_s is None else moment(session.end_utc_s),
        start_energy_kwh=_round(session.meter_start_kwh, 3),
        end_energy_kwh=_round(session.meter_end_kwh, 3),
        energy_delivered_kwh=round(session.energy_kwh, 3),
        peak_power_w=round(session.peak_power_w),
        average_power_w=round(session.energy_kwh / hours * 1000.0) if hours > 0 else None,
        cost=round(session.cost, 4),
        status="Active" if session.end_utc_s is None else "Completed",
        charger=session.point,
        charger_serial=session.charger_serial,
        pv_kwh=round(session.pv_kwh, 3),
        battery_kwh=round(session.battery_kwh, 3),
        grid_kwh=round(session.grid_kwh, 3),
        reference_cost=round(session.reference_cost, 4),
        unpriced_kwh=round(session.unpriced_kwh, 3),
        currency=session.currency,
        charging_s=round(session.charging_s),
        starts=session.starts,
        vehicle=session.vehicle,
    )


def _round(value: float | None, digits: int) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    return round(value, digits) + 0.0


def _each(values: Phases, digits: int) -> list[float | None]:
    return [_round(value, digits) for value in values]


def _status_name(point: PointDecision) -> str:
    if point.status is not None:
        return STATUS_NAMES[point.status]
    return "Fault" if point.reachable else "No connection"


def _charger(
    point: PointDecision, known: PointSituation, name: str, device_instance: int | None, utc_s: float
) -> ChargerStatus:
    identity = known.identity or ChargerIdentity(0.0, 0.0, point.point)
    reading = known.reading if point.reachable else None
    currents = reading.current_a if reading else NO_PHASES
    return ChargerStatus(
        id=point.point,
        name=name or identity.name or f"Charger {point.point}",
        mode=int(point.mode),
        mode_name=Mode(point.mode).name.lower(),
        start_stop=int(point.start),
        auto_start=point.auto_start,
        set_current=round(point.requested_a, 2),
        current_a=round(point.current_a, 2),
        phases=point.phases,
        chosen_phases=point.chosen_phases,
        can_switch_phases=identity.can_switch_phases,
        status=None if point.status is None else int(point.status),
        status_name=_status_name(point),
        reasons=[
            ReasonStatus(
                reason.why.value,
                describe(reason),
                _round(reason.value, 2),
                _round(reason.limit, 2),
                _round(reason.left_s, 0),
                reason.text,
            )
            for reason in point.reasons
        ],
        power_w=_round(reading.power_w, 0) if reading else None,
        car_current_a=_round(max((a for a in currents if a is not None), default=None), 2),
        voltages=_each(reading.voltage_v if reading else NO_PHASES, 1),
        currents=_each(currents, 2),
        powers=_each(reading.power_phase_w if reading else NO_PHASES, 0),
        energy=_round(reading.energy_kwh, 3) if reading else None,
        temperature_c=_round(reading.temperature_c, 1) if reading else None,
        plugged=point.plugged,
        reachable=point.reachable,
        unreachable_why="" if known.unavailable is None else known.unavailable.why,
        limits=_limits(point, reading),
        lease=_lease(point.lease),
        session=None if point.session is None else session_status(point.session),
        surplus_w=_round(point.surplus_w, 0),
        boost=BoostStatus(point.boost, None if point.boost_until_utc_s is None else moment(point.boost_until_utc_s)),
        energy_limit_kwh=point.energy_limit_kwh,
        vehicle=point.vehicle,
        plan=None if point.plan is None else plan_status(point.plan, utc_s),
        product_name=" ".join(part for part in (identity.manufacturer, identity.model) if part),
        firmware=identity.firmware,
        serial=identity.serial,
        stranger=identity.stranger,
        warning=identity.warning,
        device_instance=device_instance,
    )


def _lease(lease: Lease | None) -> Lease | None:
    if lease is None:
        return None
    return Lease(
        asked_a=round(lease.asked_a, 2),
        accepted_a=_round(lease.accepted_a, 2),
        applied_a=_round(lease.applied_a, 2),
        safe_a=_round(lease.safe_a, 2),
        remaining_s=_round(lease.remaining_s, 0),
        validity_s=_round(lease.validity_s, 0),
        foreign_a=_round(lease.foreign_a, 2),
        foreign_every_s=_round(lease.foreign_every_s, 1),
        foreign_count=lease.foreign_count,
    )


def _limits(point: PointDecision, reading: ChargerReading | None) -> LimitStatus:
    return LimitStatus(
        min_a=point.min_a,
        max_a=point.max_a,
        now_a=_round(point.limit_a, 2),
        station_max_a=_round(reading.limit_max_a, 2) if reading else None,
        power_cap_w=point.power_cap_w,
    )


def _flat_session(session: SessionStatus | None) -> FlatSession:
    if session is None:
        return FlatSession(charging_time_sec=0.0)
    return FlatSession(
        charging_time_sec=session.charging_s,
        start_ts=session.start_time,
        end_ts=session.end_time,
        energy_delivered_kwh=session.energy_delivered_kwh,
        cost=session.cost,
    )


def house_w(output: Output) -> float | None:
    """What the house draws without the cars, in W; None where one of them cannot be read."""
    site = output.situation.site
    if site is None or site.consumption_w is None:
        return None
    rest_w = site.consumption_w
    reachable = {point.point for point in output.decision.points if point.reachable}
    for point in output.situation.points:
        if point.reading is None or point.reading.power_w is None or point.id not in reachable:
            return None
        rest_w -= point.reading.power_w
    return max(rest_w, 0.0)


def site_status(output: Output) -> SiteStatus:
    """The house."""
    decision, reading = output.decision, output.situation.site
    away = output.situation.site_unavailable
    if reading is None:
        return SiteStatus(
            why="" if away is None else away.why,
            import_per_kwh=_round(decision.import_per_kwh, 5),
            feed_in_per_kwh=_round(decision.feed_in_per_kwh, 5),
        )
    return SiteStatus(
        grid_w=_round(reading.grid_w, 0),
        pv_w=_round(reading.pv_w, 0),
        battery_w=_round(reading.battery_w, 0),
        battery_soc_pct=_round(reading.battery_soc_pct, 1),
        consumption_w=_round(reading.consumption_w, 0),
        house_w=_round(house_w(output), 0),
        surplus_w=_round(decision.surplus_w, 0),
        age_s=_round(decision.site_age_s, 1),
        fresh=decision.site_fresh,
        why="" if away is None else away.why,
        import_per_kwh=_round(decision.import_per_kwh, 5),
        feed_in_per_kwh=_round(decision.feed_in_per_kwh, 5),
    )
