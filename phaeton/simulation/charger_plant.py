"""The simulated charging point inside the plant: setpoint with its lease, contactor, phases, meter, and its faults."""

from __future__ import annotations

from dataclasses import dataclass

from phaeton.model import NO_PHASES, ChargerReading, ChargerState, Fault, Phases, WriteResult
from phaeton.simulation.car import MIN_OFFER_A, Car

_LONG_STEP_S = 5.0
"""At longer steps the plant renews a live lease itself: the control cannot be asked often enough."""


@dataclass(slots=True, kw_only=True)
class ChargerPlant:
    """One socket. Change the fields at any time; each step reads them."""

    point: str = "1"
    car: Car | None = None
    phases_wired: int = 3
    max_a: float = 32.0
    """The charger's own maximum."""
    safe_a: float = 6.0
    """What it falls to when the setpoint lapses."""
    validity_s: float = 60.0
    """How long a written setpoint lives."""
    apply_delay_s: float = 0.0
    """From a write to the new offer."""
    ramp_a_per_s: float = 32.0
    """How fast the offer moves while it is not 0."""
    switch_s: float = 3.0
    """The contactors are open for so long when the phases change."""
    voltage_v: float = 230.0
    meter_kwh: float = 1000.0

    # Faults, on request.
    silent: bool = False
    """Nothing is answered; the charger itself goes on."""
    fault: Fault | None = None
    ignores_writes: bool = False
    """Writes are acknowledged and nothing changes (register 1214 = 0)."""
    refuses_writes: bool = False
    """Writes of the setpoint are answered by an exception."""
    refuses_phases: bool = False
    """Writes of the phases are answered by an exception (installer's option)."""
    phases_read_back: int | None = None
    """Some firmware always reads back the same number here."""
    meter_is_nan: bool = False
    unavailable: bool = False
    """Set out of service by the back office."""

    set_a: float = 6.0
    """The setpoint register; given with ``remaining_s`` the plant begins with a live setpoint."""
    remaining_s: float = 0.0
    offered_a: float = 0.0
    """The current offered to the car now (register 1206)."""
    phases_set: int = 3
    phases_closed: int = 3
    """The phases that the contactors really close."""
    power_w: float = 0.0
    starts: int = 0
    """How often the contactor closed onto a car that draws."""
    switches: int = 0
    """How often the phases were changed."""
    _applied_a: float = 0.0
    _pending_a: float | None = None
    _pending_s: float = 0.0
    _open_s: float = 0.0
    _drawing: bool = False

    def __post_init__(self) -> None:
        self.phases_set = self.phases_closed = self.phases_wired
        if self.remaining_s <= 0.0:
            self.set_a = self.safe_a
        self._applied_a = self.set_a

    def write_current(self, current_a: float) -> WriteResult:
        """Write the setpoint register and renew its lease."""
        if self.silent:
            return WriteResult.UNREACHABLE
        if self.refuses_writes:
            return WriteResult.REFUSED
        if self.ignores_writes:
            return WriteResult.WRITTEN
        self.set_a = current_a
        self.remaining_s = self.validity_s
        if self._pending_a is None:
            self._pending_s = self.apply_delay_s
        self._pending_a = current_a
        return WriteResult.WRITTEN

    def write_phases(self, phases: int) -> WriteResult:
        """Write the register of the phases."""
        if self.silent:
            return WriteResult.UNREACHABLE
        if self.refuses_phases or phases > self.phases_wired:
            return WriteResult.REFUSED
        if self.ignores_writes:
            return WriteResult.WRITTEN
        if phases != self.phases_closed:
            self._open_s = self.switch_s
            self.switches += 1
        self.phases_set = self.phases_closed = phases
        return WriteResult.WRITTEN

    def drop_to_one_phase(self) -> None:
        """The charger loses two phases by itself; its register does not tell."""
        self.phases_closed = 1

    def reboot(self) -> None:
        """Power was away: the setpoint is gone, the safe current holds."""
        self.remaining_s = 0.0
        self.set_a = self._applied_a = self.safe_a
        self._pending_a = None

    def plug(self, car: Car) -> None:
        """A car arrives."""
        self.car = car

    def unplug(self) -> None:
        """The car leaves."""
        if self.car is not None:
            self.car.no_offer()
        self.car = None
        self.power_w = 0.0
        self._drawing = False

    def step(self, dt_s: float) -> float:
        """Run for ``dt_s``; returns the power of the car in W, constant in the step."""
        self._age_setpoint(dt_s)
        car = self.car
        if car is None:
            self.power_w = self.offered_a = 0.0
            self._drawing = False
            return 0.0
        allowed_a = self._applied_a if self._applied_a < self.max_a else self.max_a
        if self._open_s > 0.0:
            self._open_s = max(0.0, self._open_s - dt_s)
            allowed_a = 0.0
        elif self.fault is not None or self.unavailable:
            allowed_a = 0.0
        if allowed_a < MIN_OFFER_A:
            self.offered_a = self.power_w = 0.0
            self._drawing = False
            car.no_offer()
            return 0.0
        offered_a = allowed_a
        if allowed_a > self.offered_a > 0.0:
            offered_a = min(allowed_a, self.offered_a + self.ramp_a_per_s * dt_s)
        self.offered_a = offered_a
        power_w = car.draw(offered_a, self.phases_closed, self.voltage_v, dt_s)
        if power_w > 0.0:
            if not self._drawing:
                self._drawing = True
                self.starts += 1
            self.meter_kwh += power_w * dt_s / 3.6e6
        else:
            self._drawing = False
        self.power_w = power_w
        return power_w

    def _age_setpoint(self, dt_s: float) -> None:
        if self._pending_a is not None:
            self._pending_s -= dt_s
            if self._pending_s <= 0.0:
                self._applied_a = self._pending_a
                self._pending_a = None
        if self.remaining_s <= 0.0 or dt_s > _LONG_STEP_S:
            return
        self.remaining_s = max(0.0, self.remaining_s - dt_s)
        if self.remaining_s <= 0.0:
            self.set_a = self._applied_a = self.safe_a
            self._pending_a = None

    @property
    def current_a(self) -> Phases:
        """What the car draws on each phase of the charger."""
        car = self.car
        if car is None or self.power_w <= 0.0:
            return (0.0, 0.0, 0.0)
        phases = min(car.phases, self.phases_closed)
        current_a = car.current_a
        return (current_a, current_a if phases > 1 else 0.0, current_a if phases > 2 else 0.0)

    def _state(self) -> tuple[ChargerState, str]:
        if self.fault is not None:
            return ChargerState.FAULT, "F"
        if self.unavailable:
            return ChargerState.UNAVAILABLE, ""
        car = self.car
        if car is None:
            return ChargerState.DISCONNECTED, "A"
        if self.offered_a < MIN_OFFER_A:
            return ChargerState.PAUSED_EVSE, "B1"
        if self.power_w > 0.0:
            return ChargerState.CHARGING, "C2"
        if car.asleep or car.full or self.offered_a < car.min_a:
            return ChargerState.CONNECTED, "B2"
        return ChargerState.CHARGING, "C2"

    def reading(self, mono_s: float, utc_s: float) -> ChargerReading:
        """One poll, as the source decodes it."""
        state, text = self._state()
        closed = self.phases_closed
        voltage_v = self.voltage_v
        if self.meter_is_nan:
            currents_a, powers_w, power_w, meter_kwh = NO_PHASES, NO_PHASES, None, None
        else:
            power_w = self.power_w
            meter_kwh = self.meter_kwh
            if power_w > 0.0 and self.car is not None:
                phases = self.car.phases if self.car.phases < closed else closed
                current_a = self.car.current_a
                share_w = power_w / phases
                if phases == 3:
                    currents_a, powers_w = (current_a, current_a, current_a), (share_w, share_w, share_w)
                else:
                    second = phases == 2
                    currents_a = (current_a, current_a if second else 0.0, 0.0)
                    powers_w = (share_w, share_w if second else 0.0, 0.0)
            else:
                currents_a = powers_w = (0.0, 0.0, 0.0)
        return ChargerReading(
            mono_s,
            utc_s,
            point=self.point,
            state=state,
            state_text=text,
            fault=self.fault,
            voltage_v=(voltage_v, voltage_v, voltage_v) if self.phases_wired == 3 else (voltage_v, None, None),
            current_a=currents_a,
            power_phase_w=powers_w,
            power_w=power_w,
            energy_kwh=meter_kwh,
            limit_set_a=self.set_a,
            limit_actual_a=self.offered_a if self.car is not None else min(self.set_a, self.max_a),
            limit_safe_a=self.safe_a,
            limit_max_a=self.max_a,
            limit_remaining_s=self.remaining_s,
            limit_used=not self.ignores_writes,
            phases_set=self.phases_read_back or self.phases_set,
        )
