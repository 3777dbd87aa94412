"""The plant: house, sun, battery, grid and charging points, stepped together with their energy conserved.

A step takes what nature gives (PV that the sun could drive, load of the house) and runs everything for ``dt_s`` with
powers that are constant within it: ``pv + grid = load + cars + battery``. It answers with the events that the sources
would give. Grid power is positive for import, battery power for charging.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from phaeton.model import SiteReading
from phaeton.simulation.battery import HouseBattery
from phaeton.simulation.charger_plant import ChargerPlant
from phaeton.simulation.meter import Meter

PhaseShares = tuple[float, float, float]

_EVEN: PhaseShares = (1 / 3, 1 / 3, 1 / 3)
_ALREADY_FLOAT_PCT = 99.0
_BULK, _FLOAT, _INVERTING = 3, 5, 9
_GRID, _DISCONNECTED = 1, 240


@dataclass(slots=True, kw_only=True)
class Plant:
    """The whole site. Change the fields at any time; each step reads them."""

    chargers: Sequence[ChargerPlant] = field(default_factory=lambda: [ChargerPlant()])
    battery: HouseBattery | None = None
    meter: Meter = field(default_factory=Meter)
    feed_in_limit_w: float | None = None
    """What may be fed in; 0 = nothing, None = everything."""
    pv_answer_s: float = 2.0
    """Time constant with which curtailed PV comes back."""
    grid_available: bool = True
    ac_source: int | None = None
    """Instead of grid or inverting: 2 = a generator feeds the house."""
    grid_metered: bool = True
    voltage_v: float = 230.0
    load_shares: PhaseShares = _EVEN
    pv_shares: PhaseShares = _EVEN
    battery_shares: PhaseShares = _EVEN
    phase_maps: Sequence[tuple[int, int, int]] = ()
    """The grid's phase behind L1, L2 and L3 of each charger; (1, 2, 3) where nothing is given."""

    pv_w: float = 0.0
    """PV that really flowed in the last step."""
    curtailed_w: float = 0.0
    """PV that the sun could have driven besides."""
    load_w: float = 0.0
    ev_w: float = 0.0
    battery_w: float = 0.0
    """Power into the battery's inverter (AC, with the DC PV)."""
    grid_w: float = 0.0
    unserved_w: float = 0.0
    """Load that nobody could feed (grid lost, battery too weak)."""
    _pv_share: float = 1.0

    def step(self, dt_s: float, pv_w: float, load_w: float) -> None:
        """Run for ``dt_s`` (1-60 s) with the sun able to drive ``pv_w`` and the house drawing ``load_w``."""
        ev_w = 0.0
        for charger in self.chargers:
            ev_w += charger.step(dt_s)
        possible_w = pv_w
        if self._pv_share < 1.0:
            self._pv_share += (1.0 - self._pv_share) * dt_s / (dt_s + self.pv_answer_s)
            pv_w *= self._pv_share
        if self.grid_available:
            grid_w, pv_w = self._with_grid(dt_s, pv_w, load_w, ev_w)
            self.unserved_w = 0.0
        else:
            grid_w = 0.0
            pv_w = self._alone(dt_s, pv_w, load_w, ev_w)
        self._pv_share = pv_w / possible_w if pv_w < possible_w else 1.0
        self.pv_w = pv_w
        self.curtailed_w = possible_w - pv_w
        self.load_w = load_w
        self.ev_w = ev_w
        self.grid_w = grid_w

    def _with_grid(self, dt_s: float, pv_w: float, load_w: float, ev_w: float) -> tuple[float, float]:
        deficit_w = load_w + ev_w - pv_w
        limit_w = self.feed_in_limit_w
        if self.battery is not None:
            least_w = None if limit_w is None else -limit_w - deficit_w
            self.battery_w = self.battery.follow(deficit_w, load_w, pv_w, dt_s, least_w)
        grid_w = deficit_w + self.battery_w
        if limit_w is not None and grid_w < -limit_w:
            cut_w = min(pv_w, -limit_w - grid_w)
            pv_w -= cut_w
            grid_w += cut_w
        return grid_w, pv_w

    def _alone(self, dt_s: float, pv_w: float, load_w: float, ev_w: float) -> float:
        deficit_w = load_w + ev_w - pv_w
        self.battery_w = 0.0 if self.battery is None else self.battery.form(deficit_w, pv_w, dt_s)
        open_w = deficit_w + self.battery_w
        if open_w < 0.0:
            pv_w += open_w
            open_w = 0.0
        self.unserved_w = open_w
        return max(0.0, pv_w)

    def site_reading(self, mono_s: float, utc_s: float) -> SiteReading | None:
        """What the site source would give now, through the meter; None when it gives nothing."""
        return self.meter.show(self.snapshot(mono_s, utc_s))

    def snapshot(self, mono_s: float, utc_s: float) -> SiteReading:
        """The house as it really is, as the GX would show it."""
        first_w, second_w, third_w = self.phase_powers()
        voltage_v = self.voltage_v
        battery = self.battery
        alone = not self.grid_available
        state = _BULK
        if alone:
            state = _INVERTING
        elif battery is not None and battery.soc_pct >= _ALREADY_FLOAT_PCT:
            state = _FLOAT
        return SiteReading(
            mono_s,
            utc_s,
            grid_w=self.grid_w,
            grid_phase_w=(first_w, second_w, third_w),
            grid_phase_a=(
                first_w / voltage_v,
                second_w / voltage_v,
                third_w / voltage_v,
            ),
            grid_metered=self.grid_metered,
            pv_w=self.pv_w,
            consumption_w=self.load_w + self.ev_w - self.unserved_w,
            battery_w=None if battery is None else battery.dc_w,
            battery_soc_pct=None if battery is None else battery.soc_pct,
            battery_charge_limit_w=None if battery is None else battery.charge_limit_w,
            ac_source=self.ac_source if self.ac_source is not None else (_DISCONNECTED if alone else _GRID),
            system_state=None if battery is None else state,
            ess=battery is not None,
            ess_setpoint_w=None if battery is None else battery.setpoint_w,
            ess_min_soc_pct=None if battery is None else battery.min_soc_pct,
            feed_in_limit_w=self.feed_in_limit_w,
            dess_active=battery is not None and battery.schedule_w is not None,
            dess_charge_w=None if battery is None else battery.schedule_w,
            battery_use=None if battery is None else (0 if battery.feeds_input_loads else 1),
        )

    def phase_powers(self) -> PhaseShares:
        """The grid's power on each phase, in W; their sum is ``grid_w``."""
        if not self.grid_available:
            return 0.0, 0.0, 0.0
        load, pv, share = self.load_shares, self.pv_shares, self.battery_shares
        load_w, pv_w, battery_w = self.load_w, self.pv_w, self.battery_w
        first_w = load_w * load[0] - pv_w * pv[0] + battery_w * share[0]
        second_w = load_w * load[1] - pv_w * pv[1] + battery_w * share[1]
        if self.ev_w <= 0.0:
            return first_w, second_w, self.grid_w - first_w - second_w
        maps = self.phase_maps
        for index, charger in enumerate(self.chargers):
            power_w = charger.power_w
            if power_w <= 0.0 or charger.car is None:
                continue
            phases = min(charger.car.phases, charger.phases_closed)
            behind = maps[index] if index < len(maps) else (1, 2, 3)
            each_w = power_w / phases
            for grid_phase in behind[:phases]:
                if grid_phase == 1:
                    first_w += each_w
                elif grid_phase == 2:
                    second_w += each_w
        return first_w, second_w, self.grid_w - first_w - second_w
