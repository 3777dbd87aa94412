"""A car as our chargers see it, out of each evaluation of the graph."""

from __future__ import annotations

from phaeton.model import ChargerState, Output
from phaeton.sources.vehicles.polling import View

CHARGES_FROM_W = 300.0


def view_of(output: Output, vehicle: str, battery_kwh: float | None) -> View:
    """What the control knows of the car; numbers are coarse, so that little changes do not count as news."""
    car = next((c for c in output.decision.cars if c.vehicle == vehicle), None)
    decided = {point.point: point for point in output.decision.points}
    point = decided.get(car.point) if car is not None and car.point else None
    stranger = any(p.plugged and not p.vehicle for p in decided.values())
    if car is None or point is None or not point.plugged:
        return View(candidate=stranger, battery_kwh=battery_kwh)
    reading = next((p.reading for p in output.situation.points if p.id == point.point), None)
    power_w = 0.0 if reading is None or reading.power_w is None else reading.power_w
    charges = reading is not None and reading.state is ChargerState.CHARGING and power_w >= CHARGES_FROM_W
    session = point.session
    taken_kwh = session.energy_kwh if session is not None and session.end_utc_s is None else 0.0
    return View(
        plugged=True,
        charging=charges,
        taken_kwh=round(taken_kwh, 1),
        soc_pct=None if car.soc_pct is None else round(car.soc_pct),
        soc_sigma_pct=None if car.soc_sigma_pct is None else round(car.soc_sigma_pct),
        goal_soc_pct=car.goal_soc_pct,
        departure_utc_s=car.departure_utc_s,
        battery_kwh=battery_kwh,
    )
