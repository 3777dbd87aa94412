"""Plausible outputs of the graph, for the tests of the sinks that show them."""

from __future__ import annotations

from msgspec.structs import replace

from phaeton.model import (
    ChargerIdentity,
    ChargerReading,
    ChargerState,
    Decision,
    Lease,
    Mode,
    Output,
    PointDecision,
    PointSituation,
    Reason,
    Session,
    SiteReading,
    Situation,
    Status,
    Unavailable,
    Why,
)

NOON_UTC_S = 1_780_308_000.0
"""2026-06-01 10:00 UTC."""


def reading(point: str = "1", *, power_w: float = 6480.0, phases: int = 3, mono_s: float = 1000.0) -> ChargerReading:
    """A car that draws ``power_w`` on so many phases."""
    amps = round(power_w / phases / 230.0, 2)
    used = [n < phases for n in range(3)]
    return ChargerReading(
        mono_s=mono_s,
        utc_s=NOON_UTC_S + mono_s - 1000.0,
        point=point,
        state=ChargerState.CHARGING if power_w else ChargerState.PAUSED_EVSE,
        state_text="C2" if power_w else "B2",
        voltage_v=(230.4, 231.2, 229.8),
        current_a=(amps if used[0] else 0.0, amps if used[1] else 0.0, amps if used[2] else 0.0),
        power_phase_w=(
            power_w / phases if used[0] else 0.0,
            power_w / phases if used[1] else 0.0,
            power_w / phases if used[2] else 0.0,
        ),
        power_w=power_w,
        energy_kwh=4321.057,
        limit_set_a=9.4,
        limit_actual_a=9.4,
        limit_safe_a=6.0,
        limit_max_a=32.0,
        limit_remaining_s=42.0,
        limit_used=True,
        phases_set=phases,
        temperature_c=31.0,
    )


def identity(point: str = "1", *, can_switch_phases: bool = True, name: str = "Garage") -> ChargerIdentity:
    """An Alfen Eve."""
    return ChargerIdentity(
        mono_s=0.0,
        utc_s=NOON_UTC_S - 1000.0,
        point=point,
        manufacturer="Alfen",
        model="Eve Single Pro-line",
        serial="ACE0123456",
        firmware="7.2.0",
        name=name,
        can_switch_phases=can_switch_phases,
    )


def session(point: str = "1", *, ended: bool = False, start_utc_s: float = NOON_UTC_S - 7260.0) -> Session:
    """A stay of two hours with most of its energy from the sun."""
    return Session(
        id=f"{point}-{start_utc_s:.0f}",
        point=point,
        start_utc_s=start_utc_s,
        end_utc_s=start_utc_s + 7200.0 if ended else None,
        meter_start_kwh=4308.617,
        meter_end_kwh=4321.057 if ended else None,
        energy_kwh=12.44,
        pv_kwh=9.9,
        battery_kwh=0.74,
        grid_kwh=1.8,
        cost=1.3012,
        reference_cost=3.11,
        currency="EUR",
        charging_s=6500.0,
        peak_power_w=7360.0,
        starts=2,
        charger_serial="ACE0123456",
    )


def decided(point: str = "1", *, mode: Mode = Mode.AUTO, start: bool = True) -> PointDecision:
    """A point that charges from the sun on three phases."""
    return PointDecision(
        point=point,
        mode=mode,
        start=start,
        auto_start=True,
        requested_a=16.0,
        current_a=9.4,
        phases=3,
        chosen_phases=0,
        status=Status.CHARGING,
        reasons=(Reason(Why.SURPLUS, 6910.0, 4140.0), Reason(Why.RAISE_PACE, 9.4, 10.0, 6.0)),
        min_a=6.0,
        max_a=32.0,
        limit_a=25.0,
        reachable=True,
        plugged=True,
        surplus_w=6910.0,
        lease=Lease(asked_a=9.4, accepted_a=9.4, applied_a=9.4, safe_a=6.0, remaining_s=42.0, validity_s=60.0),
        session=session(point),
    )


def site(mono_s: float = 1000.0) -> SiteReading:
    """A sunny noon."""
    return SiteReading(
        mono_s=mono_s,
        utc_s=NOON_UTC_S + mono_s - 1000.0,
        grid_w=-430.0,
        grid_metered=True,
        pv_w=8240.0,
        consumption_w=7090.0,
        battery_w=720.0,
        battery_soc_pct=87.0,
        ac_source=1,
        ess=True,
    )


def output(
    mono_s: float = 1000.0,
    *,
    point: PointDecision | None = None,
    read: ChargerReading | None = None,
    more: tuple[PointDecision, ...] = (),
    who: ChargerIdentity | None = None,
) -> Output:
    """Everything together; ``more`` adds further points, that draw nothing."""
    first = point or decided()
    utc_s = NOON_UTC_S + mono_s - 1000.0
    situations = [
        PointSituation(
            id=first.point,
            reading=read or reading(first.point, mono_s=mono_s),
            identity=who or identity(first.point),
        ),
        *(
            PointSituation(
                id=other.point,
                reading=reading(other.point, power_w=0.0, mono_s=mono_s),
                identity=identity(other.point, name="Carport"),
            )
            for other in more
        ),
    ]
    return Output(
        Situation(mono_s=mono_s, utc_s=utc_s, points=tuple(situations), site=site(mono_s)),
        Decision(
            mono_s=mono_s,
            utc_s=utc_s,
            points=(first, *more),
            surplus_w=first.surplus_w,
            site_age_s=1.2,
            site_fresh=True,
            import_per_kwh=0.25,
            feed_in_per_kwh=0.08,
            currency="EUR",
        ),
    )


def waiting(point: str = "1") -> PointDecision:
    """A plugged car that waits for the sun."""
    return replace(
        decided(point),
        current_a=0.0,
        phases=1,
        status=Status.WAIT_SUN,
        reasons=(Reason(Why.START_DELAY, 1240.0, 1380.0, 45.0),),
        surplus_w=1240.0,
        lease=Lease(asked_a=0.0, accepted_a=0.0, applied_a=0.0, safe_a=6.0, remaining_s=38.0, validity_s=60.0),
    )


def unreachable(mono_s: float = 1000.0) -> Output:
    """The charger has not answered for a while, and neither has the house."""
    point = replace(
        decided(),
        status=None,
        reachable=False,
        reasons=(Reason(Why.UNREACHABLE, 42.0), Reason(Why.SITE_STALE, 64.0)),
        surplus_w=None,
        limit_a=None,
    )
    before = output(mono_s, point=point)
    gone = Unavailable(mono_s, NOON_UTC_S, "1", mono_s - 42.0, "connection refused by 192.0.2.5 port 502")
    silent = Unavailable(mono_s, NOON_UTC_S, "site", mono_s - 64.0, "the D-Bus does not answer")
    situation = before.situation
    return Output(
        replace(
            situation,
            points=(replace(situation.points[0], unavailable=gone),),
            site_unavailable=silent,
        ),
        replace(before.decision, site_fresh=False, site_age_s=64.0, surplus_w=None),
    )
