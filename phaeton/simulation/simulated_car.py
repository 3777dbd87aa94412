"""A simulated car as its maker's service sees it, for `phaeton.simulation.vehicle_service`."""

from __future__ import annotations

from msgspec import Struct

KM_PER_MILE = 1.609344


class SimulatedCar(Struct):
    """What the car would say; change it at any time."""

    vin: str = "5YJSIMULATED00001"
    name: str = "Simulated"
    soc_pct: float = 55.0
    limit_pct: float = 80.0
    capacity_kwh: float = 75.0
    plugged: bool = True
    charging: bool = False
    power_w: float = 11_000.0
    odometer_km: float = 20_000.0
    latitude: float = 52.5
    longitude: float = 13.4
    asleep: bool = False
    wakes_after_s: float = 9.0
    """From a wake-up call until it is online."""
    woken_utc_s: float | None = None

    def awake(self, utc_s: float) -> bool:
        """Whether it answers; a wake-up call works with a delay."""
        if self.woken_utc_s is not None and utc_s >= self.woken_utc_s + self.wakes_after_s:
            self.asleep, self.woken_utc_s = False, None
        return not self.asleep

    def take(self, energy_kwh: float) -> None:
        """Charge so much."""
        self.soc_pct = min(self.soc_pct + energy_kwh / self.capacity_kwh * 100.0, 100.0)

    @property
    def tesla_state(self) -> str:
        """Tesla's word for what it does."""
        if not self.plugged:
            return "Disconnected"
        if self.charging:
            return "Charging"
        return "Complete" if self.soc_pct >= self.limit_pct else "Stopped"

    def tesla_data(self, measured_utc_s: float) -> dict[str, object]:
        """The tree of Tesla's vehicle data."""
        stamp_ms = int(measured_utc_s * 1000)
        return {
            "vin": self.vin,
            "state": "online",
            "charge_state": {
                "battery_level": round(self.soc_pct) + 1,
                "usable_battery_level": round(self.soc_pct),
                "battery_range": round(self.soc_pct * 3.1, 2),
                "charge_limit_soc": round(self.limit_pct),
                "charging_state": self.tesla_state,
                "charger_power": round(self.power_w / 1000) if self.charging else 0,
                "minutes_to_full_charge": 80 if self.charging else 0,
                "scheduled_charging_pending": False,
                "timestamp": stamp_ms,
            },
            "drive_state": {"latitude": self.latitude, "longitude": self.longitude, "timestamp": stamp_ms},
            "vehicle_state": {"odometer": self.odometer_km / KM_PER_MILE, "timestamp": stamp_ms},
        }
