"""The simulated house battery: an ESS that regulates the grid to a setpoint, within what the battery may do."""

from __future__ import annotations

from dataclasses import dataclass

_CHARGE_TAPER_PCT = 97.0
"""From here on the battery's own limit (CCL) falls in a line to 0 at 100 %."""


@dataclass(slots=True, kw_only=True)
class HouseBattery:
    """Battery and inverter. Powers are positive while charging; change the fields at any time."""

    capacity_kwh: float = 10.0
    soc_pct: float = 50.0
    min_soc_pct: float = 10.0
    """The ESS does not discharge below this."""
    max_charge_w: float = 3000.0
    """At the battery (DC)."""
    max_discharge_w: float = 3000.0
    """At the battery (DC)."""
    charge_efficiency: float = 0.95
    """From AC into the battery's stored energy."""
    discharge_efficiency: float = 0.95
    """From the stored energy to AC."""
    dc_pv_share: float = 0.0
    """Share of the PV behind DC chargers: it reaches the battery without a conversion to AC."""
    response_s: float = 1.0
    """Time constant with which the ESS follows; 0 = at once."""
    setpoint_w: float = 0.0
    """What the ESS regulates the grid to, import positive."""
    feeds_input_loads: bool = True
    """False: the battery feeds only the loads on the AC output (``BatteryUse`` 1)."""
    output_share: float = 1.0
    """Share of the house load that is on the AC output; the car is on the input."""
    schedule_w: float | None = None
    """Dynamic ESS has its own plan: this charging power (AC), whatever the grid does."""

    ac_w: float = 0.0
    """Power from the AC side (and the DC PV), charging positive."""
    dc_w: float = 0.0
    """Change of the stored energy, in W."""

    @property
    def charge_limit_w(self) -> float:
        """What the battery accepts now (CCL x CVL, the ESS's maximum)."""
        if self.soc_pct <= _CHARGE_TAPER_PCT:
            return self.max_charge_w
        return self.max_charge_w * max(0.0, 100.0 - self.soc_pct) / (100.0 - _CHARGE_TAPER_PCT)

    def follow(self, deficit_w: float, load_w: float, pv_w: float, dt_s: float, least_w: float | None = None) -> float:
        """Run for ``dt_s`` against ``deficit_w`` (load and cars less PV); returns the power drawn from AC, in W.

        A discharge ends at ``least_w`` at once: an ESS does not feed in what may not be fed in.
        """
        if self.schedule_w is not None:
            target_w = self.schedule_w
        else:
            target_w = self.setpoint_w - deficit_w
            if target_w < 0.0 and not self.feeds_input_loads:
                target_w = max(target_w, -max(0.0, load_w * self.output_share - pv_w))
        wanted_w = self.ac_w + (target_w - self.ac_w) * dt_s / (dt_s + self.response_s)
        if least_w is not None and wanted_w < 0.0 and wanted_w < least_w:
            wanted_w = least_w if least_w < 0.0 else 0.0
        return self._run(wanted_w, pv_w, dt_s)

    def form(self, deficit_w: float, pv_w: float, dt_s: float) -> float:
        """Run as the only source (grid lost): balance at once, as far as it can; returns the power drawn, in W."""
        return self._run(-deficit_w, pv_w, dt_s)

    def _run(self, wanted_w: float, pv_w: float, dt_s: float) -> float:
        hours = dt_s / 3600.0
        if wanted_w > 0.0:
            direct_w = min(wanted_w, pv_w * self.dc_pv_share)
            stored_w = direct_w + (wanted_w - direct_w) * self.charge_efficiency
            most_w = min(self.charge_limit_w, (100.0 - self.soc_pct) / 100.0 * self.capacity_kwh * 1000.0 / hours)
            if stored_w > most_w:
                # The AC part gives way first: the DC chargers are nearer to the battery.
                if most_w <= direct_w:
                    wanted_w = direct_w = most_w
                else:
                    wanted_w = direct_w + (most_w - direct_w) / self.charge_efficiency
                stored_w = most_w
        else:
            stored_w = wanted_w / self.discharge_efficiency
            left_wh = max(0.0, self.soc_pct - self.min_soc_pct) / 100.0 * self.capacity_kwh * 1000.0
            most_w = min(self.max_discharge_w, left_wh / hours)
            if -stored_w > most_w:
                stored_w = -most_w
                wanted_w = stored_w * self.discharge_efficiency
        self.soc_pct = min(100.0, max(0.0, self.soc_pct + stored_w * hours / (self.capacity_kwh * 10.0)))
        self.ac_w = wanted_w
        self.dc_w = stored_w
        return wanted_w
